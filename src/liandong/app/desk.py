"""The self-test of a running city: each part in turn, and what it came to into the journal."""

from __future__ import annotations

from concurrent.futures import TimeoutError as TooLate

from liandong.app.live import Said
from liandong.app.platform import Platform
from liandong.app.selftest import (
    PATIENCE_S,
    Check,
    check_alarm,
    check_channels,
    check_sources,
    failed,
    passed,
    timed,
)
from liandong.app.writer import Books
from liandong.core.values.access import AccessScope, Session
from liandong.core.values.errors import Forbidden, LiandongError
from liandong.core.values.journal import EntryKind
from liandong.core.values.times import SECOND


def run_self_test(
    platform: Platform, session: Session, scope: AccessScope, listener: str, run: str
) -> list[Check]:
    """Every check; `listener` is the digest under which the asker's streams are known.

    Raises Forbidden for who acts as no post: a self-test belongs to a shift.
    """
    if not session.post:
        platform.access.note(scope, "access.no_shift")
        raise Forbidden("shift.no_post")
    now, policy = platform.clock.read().now, platform.handler.policy
    checks = [timed(lambda: _store(platform, session, run)), timed(lambda: _clock(platform))]
    checks.append(timed(lambda: check_sources(policy, _newest(platform), now)))
    channels = list(platform.outbox.channels.values())
    checks += check_channels(channels, policy, session, platform.outbox.address, now, run)
    case = ""

    def alarm() -> Check:
        nonlocal case
        check, case = check_alarm(policy, now)
        return check

    checks.append(timed(alarm))
    if case:
        platform.live.say(Said("self_test", case, listener, {"run": run, "mode": "test"}))
    bad = [check.name for check in checks if not check.ok]
    platform.access.note(
        scope, "access.self_test_done", run=run, checks=len(checks), failed=", ".join(bad) or "-"
    )
    return checks


def _store(platform: Platform, session: Session, run: str) -> Check:
    """An entry of the asker's own stream goes to the disk like every other."""
    stream, now = f"access:{session.person}", platform.writer.now

    def keep(_: object) -> None:
        platform.handler.note(
            EntryKind.ACCESS, stream, now, "access.self_test_begun", post=session.post, run=run
        )

    try:
        platform.writer.submit(Books(keep)).result(PATIENCE_S)
    except TooLate:
        return failed("store", "selftest.store_slow", seconds=int(PATIENCE_S))
    except LiandongError as error:
        return failed("store", "selftest.store_failed", why=error.key)
    return passed("store", "selftest.store_works", position=platform.store.last_position())


def _clock(platform: Platform) -> Check:
    reading = platform.clock.read()
    if reading.anomaly is None:
        return passed("clock", "selftest.clock_agrees")
    seconds = round(reading.difference / SECOND)
    return failed("clock", "selftest.clock_differs", anomaly=reading.anomaly, seconds=seconds)


def _newest(platform: Platform) -> dict[str, int]:
    """When each source was last heard of, as far as it is remembered."""
    found = {}
    for source in platform.handler.policy.city.city.sources:
        records = platform.intake.recent(source.key)
        batch = records[-1][1].batch if records else None
        if batch is not None and len(batch):
            found[source.key] = int(batch.arrival_time.max())
    return found
