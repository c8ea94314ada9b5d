"""Calls over a real exchange on the loopback: answered, not answered, busy, lost from sight."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from liandong.adapters._io.wording import Wording
from liandong.adapters.voice import CtiGateway, Exchange, VoiceChannel, from_file
from liandong.conformance.channel import CHANNEL_CHECKS, Check, Subject, check_channel, delivery
from liandong.core.values.errors import BadInput
from liandong.core.values.lists import CallOutcome, Outcome, Repeats
from liandong.sim.telephone import Exchange as Telephones

pytestmark = pytest.mark.slow
TOKEN = "s3cr3t-t0ken"
ANSWERS, BUSY, NOBODY = _ALL = ("13800000001", "13800000008", "13800000009")


def channel(url: str, **options: Any) -> VoiceChannel:
    gateway = CtiGateway(Exchange(url=url, token=TOKEN, timeout_s=2.0))
    return VoiceChannel(gateway, Wording(), **{"patience_s": 5.0, "poll_s": 0.01, **options})


@pytest.fixture
def telephones() -> Iterator[Telephones]:
    with Telephones(TOKEN) as made:
        yield made


def nobody_listens() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


def subject() -> Subject:
    good, dead = Telephones(TOKEN), Telephones(TOKEN, dies_after=0)
    for one in (good, dead):
        one.__enter__()

    def close() -> None:
        good.__exit__(None, None, None)
        dead.__exit__(None, None, None)

    asked: list[str] = []
    ring = good.take

    def take(said: Any) -> Any:
        asked.append(said["call"])
        return ring(said)

    good.take = take
    return Subject(
        channel(good.url), channel(nobody_listens()), lambda: list(asked), close=close,
        dying=channel(dead.url), address=ANSWERS,
    )  # fmt: skip


@pytest.mark.parametrize("check", CHANNEL_CHECKS, ids=lambda check: check.__name__)
def test_it_is_a_channel_like_any_other(check: Check) -> None:
    made = subject()
    try:
        check(made)
    finally:
        made.close()


def test_the_whole_suite_runs_in_one_call() -> None:
    check_channel(subject)
    assert VoiceChannel.repeats == Repeats.CAN_BE_ASKED


@pytest.mark.parametrize(
    ("number", "outcome", "again", "detail"),
    [
        (ANSWERS, Outcome.DELIVERED, False, ""), (BUSY, Outcome.FAILED, True, "busy"),
        (NOBODY, Outcome.FAILED, False, "no_answer"),
    ],
)  # fmt: skip
def test_only_a_call_that_somebody_took_is_delivered(
    telephones: Telephones, number: str, outcome: Outcome, again: bool, detail: str
) -> None:
    assert channel(telephones.url).send(delivery("a"), number) == (outcome, again, detail)
    (call,) = telephones.calls.values()
    assert call.number == number and call.language == "zh" and "警情已升为 II 级" in call.words


@pytest.mark.parametrize(
    ("by", "detail"),
    [
        ("post:centre.duty", "by post:centre.duty"), ("person:p001", "by person:p001"), ("8012", "by 8012"),
        ("13912345678", ""), ("王小明", ""),
    ],
)  # fmt: skip
def test_who_took_it_is_said_but_never_as_a_whole_number_or_a_name(by: str, detail: str) -> None:
    with Telephones(TOKEN, script={ANSWERS: (CallOutcome.ANSWERED, by)}) as exchange:
        assert channel(exchange.url).send(delivery("a"), ANSWERS) == (Outcome.DELIVERED, False, detail)


def test_a_call_is_never_rung_twice_and_a_second_attempt_is_another_call(telephones: Telephones) -> None:
    made = channel(telephones.url)
    row = delivery("a")
    made.send(row, ANSWERS)
    made.send(row, ANSWERS)
    assert list(telephones.calls) == ["a-0"]
    made.send(msgspec.structs.replace(row, attempts=1), ANSWERS)
    assert list(telephones.calls) == ["a-0", "a-1"]


def test_what_came_of_a_call_is_asked_after_a_crash(telephones: Telephones) -> None:
    lost = channel(telephones.url, patience_s=0.0)
    assert lost.send(delivery("a"), ANSWERS) == (Outcome.UNKNOWN, True, "still ringing")
    fresh, again = channel(telephones.url), delivery("a", attempts=1)
    asked = [fresh.ask(again) for _ in range(4)]
    assert asked[0] == Outcome.UNKNOWN and asked[-1] == Outcome.DELIVERED
    assert fresh.ask(delivery("b", attempts=1)) == Outcome.FAILED
    assert channel(nobody_listens()).ask(again) == Outcome.UNKNOWN


def test_a_wrong_token_is_refused_for_good(telephones: Telephones) -> None:
    gateway = CtiGateway(Exchange(url=telephones.url, token="another"))
    with pytest.raises(BadInput, match="call_refused"):
        gateway.ring("a", ANSWERS, "words", "zh")
    found = VoiceChannel(gateway, Wording()).send(delivery("a"), ANSWERS)
    assert found == (Outcome.FAILED, False, "call refused") and not telephones.calls


def test_stopping_waits_for_no_call() -> None:
    with Telephones(TOKEN, rings=1_000_000) as exchange:
        made = channel(exchange.url, patience_s=600.0, poll_s=60.0)
        found: list[Any] = []
        caller = threading.Thread(target=lambda: found.append(made.send(delivery("a"), ANSWERS)))
        caller.start()
        while not exchange.calls:
            caller.join(0.01)
        made.close()
        caller.join(5)
        assert found == [(Outcome.UNKNOWN, True, "still ringing")]


def test_no_number_and_no_token_is_ever_logged(
    telephones: Telephones, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    caplog.set_level(logging.DEBUG)
    row = written(tmp_path, telephones.url)
    (made,) = from_file(row, Wording())
    said = repr([made.send(delivery(f"d{at}"), number) for at, number in enumerate(_ALL)])
    said += "".join(record.getMessage() for record in caplog.records)
    assert len(telephones.calls) == 3 and not any(secret in said for secret in (TOKEN, *_ALL))


def written(folder: Path, url: str, more: str = "poll_s = 0.01") -> Path:
    path = folder / "channels.toml"
    path.write_text(
        f'[[channel]]\nname = "voice"\nkind = "voice"\nurl = "{url}"\ntoken = "{TOKEN}"\n{more}\n',
        encoding="utf-8",
    )
    return path


def test_it_comes_from_the_file_of_channels(tmp_path: Path) -> None:
    (made,) = from_file(written(tmp_path, "http://127.0.0.1:9", "lines = 7"), Wording())
    assert made.lines == 7 and made.system == "phone"
    url = "http://127.0.0.1:9"
    for where, bad in (
        (url, "lines = 0"),
        (url, "poll_s = 0"),
        (url, 'colour = "red"'),
        ("http://x:port", ""),
    ):
        with pytest.raises(BadInput, match="bad_row") as caught:
            from_file(written(tmp_path, where, bad), Wording())
        assert TOKEN not in str(caught.value.params)
    empty = tmp_path / "none.toml"
    empty.write_text("", encoding="utf-8")
    assert from_file(empty, Wording()) == []


def test_as_many_calls_ring_at_a_time_as_there_are_lines(
    telephones: Telephones, delivered_by: Callable[[VoiceChannel, int], list[Outcome]]
) -> None:
    found = delivered_by(channel(telephones.url, lines=4), 4)
    assert found == [Outcome.DELIVERED] * 4


@pytest.fixture
def delivered_by() -> Callable[[VoiceChannel, int], list[Outcome]]:
    """Deliveries through a real outbox; none ends before all of them ring."""
    from liandong.app.outbox import Outbox
    from liandong.app.ports import Changes
    from liandong.conformance.store import outbox_row
    from liandong.stores.memory import open_memory
    from tests.app.machine import START, make_writer
    from tests.app.rig import until

    def run(made: VoiceChannel, count: int) -> list[Outcome]:
        together = threading.Barrier(count, timeout=10)
        ring = made._exchange.ring

        def rung(*args: Any) -> Any:
            together.wait()
            return ring(*args)

        made._exchange.ring = rung
        store = open_memory()
        writer = make_writer(store)
        writer.start()
        outbox = Outbox(store, writer, {"voice": made}, lambda person, system: ANSWERS, "demo")
        rows = [
            outbox_row(
                f"v{n}", case=f"c{n}", channel="voice", template="tell.call", created=START, next_at=START
            )
            for n in range(count)
        ]
        store.commit(Changes(outbox=rows))
        outbox.start()
        until(outbox.idle)
        outbox.stop()
        writer.stop()
        return [tried[-1].outcome for n in range(count) for _, tried in store.deliveries(f"c{n}")]

    return run
