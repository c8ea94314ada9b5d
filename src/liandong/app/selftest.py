"""自检: what a shift begins with. Each part is really used, and says in words what it came to.

The test alarm goes the whole way from a device's message to an opened case, in mode test and over an
empty memory of its own: it meets nothing real, nothing of it is stored, and only who asked hears of it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLate
from dataclasses import dataclass, replace
from typing import Any

from liandong.app.clock import perf
from liandong.app.deliveries import system_of
from liandong.app.handle import Handler
from liandong.app.ports import ActRow, Channel, OutboxRow, StreamRow
from liandong.core.detect.shard import Shard
from liandong.core.ingest import decode_json
from liandong.core.mechanism.policy import Policy
from liandong.core.values.access import Session
from liandong.core.values.decision import Deliver, Param, Reason
from liandong.core.values.findings import Finding
from liandong.core.values.ids import make_id
from liandong.core.values.lists import Mode, Outcome, Statistic
from liandong.core.values.rules import Rule
from liandong.core.values.times import SECOND, format_time

#: Longer than any channel may take to answer.
PATIENCE_S = 10.0
_TO_RAISE = 12


@dataclass(frozen=True, slots=True)
class Check:
    """What one part came to, and why."""

    name: str
    ok: bool
    reason: Reason
    ms: float = 0.0


def passed(name: str, key: str, **params: Param) -> Check:
    """A part that works."""
    return Check(name, True, Reason(key, params))


def failed(name: str, key: str, **params: Param) -> Check:
    """A part that does not."""
    return Check(name, False, Reason(key, params))


def timed(check: Callable[[], Check]) -> Check:
    """With how long it took, milliseconds."""
    started = perf()
    return replace(check(), ms=round((perf() - started) * 1000, 1))


def check_sources(policy: Policy, newest: Mapping[str, int], now: int) -> Check:
    """Whether every source has sent something within the time after which it counts as silent."""
    sources = policy.city.city.sources
    silent = [s.key for s in sources if now - newest.get(s.key, -(2**62)) > s.idle_s * SECOND]
    last = max(newest.values(), default=0)
    said = format_time(last) if last else "-"
    if silent:
        return failed(
            "sources", "selftest.sources_silent", silent=len(silent), all=len(sources), last=said,
            named=", ".join(silent[:5]),
        )  # fmt: skip
    return passed("sources", "selftest.sources_alive", all=len(sources), last=said)


def check_channels(
    channels: Sequence[Channel],
    policy: Policy,
    session: Session,
    address: Callable[[str, str], str],
    now: int,
    run: str,
) -> list[Check]:
    """Send a message in mode test over every channel to the asker's own address, all side by side."""
    if not channels:
        return [failed("channel", "selftest.no_channel")]
    pool = ThreadPoolExecutor(max_workers=len(channels), thread_name_prefix="self-test")
    try:
        addresses = {c.name: address(session.person, system_of(c)) for c in channels}
        sent = [
            (c, pool.submit(timed, _send(c, policy, session, addresses[c.name], now, run))) for c in channels
        ]
        return [_answered(channel, future) for channel, future in sent]
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _answered(channel: Channel, future: Future[Check]) -> Check:
    name = f"channel:{channel.name}"
    try:
        return future.result(PATIENCE_S)
    except TooLate:
        return failed(name, "selftest.channel_silent", channel=channel.name, seconds=int(PATIENCE_S))
    except Exception as error:  # whatever a channel may raise, the others are still told
        return failed(name, "selftest.channel_failed", channel=channel.name, why=type(error).__name__)


def _send(
    channel: Channel, policy: Policy, session: Session, address: str, now: int, run: str
) -> Callable[[], Check]:
    name = f"channel:{channel.name}"
    told = Deliver(
        order=run, case="", recipient=session.person, channel=channel.name, template="selftest.message",
        params={"post": session.post},
    )  # fmt: skip
    row = OutboxRow(
        id=make_id("out", policy.city.key, Mode.TEST, run, channel.name), order=told.order, case=told.case,
        recipient=told.recipient, channel=told.channel, template=told.template, params=told.params,
        mode=Mode.TEST, created=now,
    )  # fmt: skip

    def send() -> Check:
        outcome, _, detail = channel.send(row, address)
        if outcome == Outcome.DELIVERED:
            return passed(name, "selftest.channel_answers", channel=channel.name)
        return failed(name, "selftest.channel_failed", channel=channel.name, why=detail or outcome.value)

    return send


def check_alarm(policy: Policy, now: int) -> tuple[Check, str]:
    """A device's message above a limit → finding → risk → alert → case, in mode test; the case's id."""
    chosen = _choose(policy)
    if chosen is None:
        return failed("alarm", "selftest.no_rule"), ""
    rule, channel, source = chosen
    test = replace(policy, mode=Mode.TEST)
    finding = _detect(test, rule, channel, source, now)
    if finding is None:
        return failed("alarm", "selftest.no_finding", rule=rule.key, channel=channel), ""
    handler = Handler(_Nothing(), test)  # type: ignore[arg-type]  # of a store it asks only these
    handler.begin()
    handler.admit(finding, "self_test", now)
    opened = [row.case for row in handler.pending.orders.values()]
    if not opened:
        return failed("alarm", "selftest.no_case", rule=rule.key, channel=channel), ""
    return passed("alarm", "selftest.alarm_works", rule=rule.key, channel=channel), opened[0]


def _choose(policy: Policy) -> tuple[Rule, str, str] | None:
    """The first rule that one value can trip, and the first channel it watches."""
    for key in sorted(policy.rules):
        rule = policy.rules[key]
        plain = rule.statistic is Statistic.VALUE and rule.above and not rule.shadow
        for channel in policy.city.channel_rows() if plain else ():
            fits = channel.quantity == rule.quantity and rule.asset_kind in ("*", channel.asset_kind)
            # Else the chosen way would say nothing of the way of a real message.
            inside = channel.high is None or rule.raise_at <= channel.high
            if fits and inside and rule.channel in ("*", channel.key) and channel.factor == 1:
                return rule, channel.key, channel.source
    return None


def _detect(policy: Policy, rule: Rule, channel: str, source: str, now: int) -> Finding | None:
    """Messages over the limit, decoded and detected on as those of a device, until the hold is over."""
    rows = {row.key: row for row in policy.city.channel_rows()}
    terms = policy.city.source_terms()
    shard = Shard(rows.values(), [rule], terms, policy.city.key, policy.mode)
    step = max(rule.hold_us // 4, SECOND)
    for number in range(_TO_RAISE):
        at = now - (_TO_RAISE - number) * step
        line = {"channel": channel, "time": format_time(at), "value": rule.raise_at}
        raw = json.dumps({"readings": [line]}).encode()
        decoded = decode_json(raw, source, rows, at, now)
        for message in shard.process(decoded.batch, (1, number + 1)).messages:
            if isinstance(message, Finding):
                return message
    return None


class _Nothing:
    """A memory in which nothing ever happened: the test alarm can meet nothing that is real."""

    stake = None

    def data_version(self) -> int:
        return 0

    def load(self, streams: Sequence[str]) -> dict[str, StreamRow]:
        return {}

    def latest(self, kind: str, grouping: str) -> StreamRow | None:
        return None

    def states(self, kind: str, stage: str = "") -> Iterator[StreamRow]:
        return iter(())

    def act(self, id: str) -> ActRow | None:
        return None

    def acts(self, ids: Sequence[str]) -> list[ActRow]:
        return []

    def meta(self, key: str) -> Any:
        return None
