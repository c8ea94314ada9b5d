"""What the doors may ask: nobody without a session, nothing outside a scope, and honest figures."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from liandong.app import handle
from liandong.core.ingest import DeviceRow
from liandong.core.ingest.waveforms import decode_waveforms
from liandong.core.values.access import Session
from liandong.core.values.errors import BadInput, Busy, Conflict, Forbidden, NotFound, Unauthenticated
from liandong.core.values.lists import Action, Step
from liandong.core.values.times import DAY, MINUTE, format_time
from tests.app.machine import CHANNELS, START, admitted, cases, finding, folder, live_orders
from tests.app.rig import until
from tests.app.running import GAS, OPERATOR, City

CENTRE = "post:centre.duty"
SOURCE = Session(source="source:gas")


@pytest.fixture
def town(tmp_path: Path) -> Iterator[City]:
    made = City(tmp_path)
    yield made
    made.stop()


def body(at: int, *values: Any, channel: str = GAS) -> bytes:
    rows = [{"channel": channel, "time": format_time(at), "value": v} for v in values]
    return json.dumps({"readings": rows}).encode()


def rejected(town: City) -> list[Any]:
    scope = town.platform.access.scope(town.session(OPERATOR))
    return town.platform.questions.rejected(scope)[0]


# Sessions


def test_only_a_token_opens_a_door_and_only_its_digest_is_kept(town: City) -> None:
    session = town.session(CENTRE)
    token = town.platform.access.issue_token(session, days=2)
    assert town.platform.access.session(token) == session
    for wrong in ("", "x" * 43, token + "a"):
        with pytest.raises(Unauthenticated):
            town.platform.access.session(wrong)
    town.virtual.set(town.now + 2 * DAY)
    with pytest.raises(Unauthenticated):
        town.platform.access.session(token)


def test_a_post_that_is_no_longer_held_is_no_sign_in(town: City) -> None:
    token = town.platform.access.issue_token(Session(person="person:p001", post="post:fire.duty"))
    town.pass_time()
    with pytest.raises(Forbidden):
        town.platform.access.session(token)


# Readings


def test_a_person_sends_no_readings(town: City) -> None:
    with pytest.raises(Forbidden):
        town.platform.receiving.readings(town.session(CENTRE), body(START, 1.0))


def test_half_a_message_goes_on_and_the_other_half_is_kept(town: City) -> None:
    future, errors = town.platform.receiving.readings(SOURCE, body(town.now, 3.0, "NaN", 4.0))
    assert future.result(10).rows == 2 and [e.params["row"] for e in errors] == [2]
    town.settle()
    (kept,) = rejected(town)
    assert kept.source == "source:gas" and kept.path == "readings"
    _, raw = town.platform.rejected.raw(town.platform.access.scope(town.session(OPERATOR)), kept.id)
    assert raw == body(town.now, 3.0, "NaN", 4.0)
    assert town.platform.accounting.check() == []


def test_a_message_without_a_good_row_is_no_repeat_when_it_is_sent_again(town: City) -> None:
    for _ in range(2):
        future, errors = town.platform.receiving.readings(SOURCE, body(town.now, "NaN"))
        assert future.result(1).rows == 0 and len(errors) == 1 and not future.result(1).duplicate
    town.settle()
    assert town.city.intake.log.last is None and town.platform.accounting.check() == []


def test_a_refused_message_can_be_replayed(town: City) -> None:
    future, _ = town.platform.receiving.readings(SOURCE, body(town.now, 3.0, "NaN"))
    future.result(10)
    town.settle()
    (kept,) = rejected(town)
    town.pass_time()
    scope = town.platform.access.scope(town.session(OPERATOR))
    again, errors = town.platform.receiving.replay(scope, kept.id)
    assert not again.result(10).duplicate and len(errors) == 1
    town.settle()
    assert town.store.rejected(kept.id).replayed == town.city.writer.now
    with pytest.raises(Forbidden):
        town.platform.receiving.replay(town.platform.access.scope(town.session(CENTRE)), kept.id)


def test_a_message_of_no_shape_is_kept_and_counted(town: City) -> None:
    with pytest.raises(BadInput):
        town.platform.receiving.readings(SOURCE, b"{")
    town.settle()
    assert [r.key for r in rejected(town)] == ["json.malformed"]
    assert town.platform.accounting.tallies()[Step.INGEST, "source:gas"].rejected == 1


# Acts


def test_an_act_outside_the_scope_is_not_found_and_journalled(town: City) -> None:
    case, _ = town.open_case()
    stranger = town.session("post:firm_1.duty") if "post:firm_1.duty" in _posts(town) else _stranger(town)
    with pytest.raises(NotFound):
        town.act(case, Action.JUDGE, stranger, verdict="real")
    town.settle()
    notes = [r.body for r in town.store.entries_of(f"access:{stranger.person}")]
    assert any(b"access.outside_scope" in note for note in notes)


def _posts(town: City) -> set[str]:
    return {p.key for p in town.platform.handler.policy.city.city.posts}


def _stranger(town: City) -> Session:
    """A duty post that neither takes part in the case nor may look into it."""
    case = town.case()
    part = {p.post for p in case.participants} | {o.post for o in case.orders.values()}
    city = town.platform.handler.policy.city
    post = next(
        p.key for p in city.city.posts if p.duty and p.key not in part and not city.permissions(p.key)
    )
    return town.session(post)


def test_words_lie_in_the_vault_and_only_their_digest_in_the_journal(town: City) -> None:
    case, _ = town.open_case()
    order = live_orders(case)[0]
    session = Session(person=order.person, post=order.post)
    answer = town.act(case, Action.JUDGE, session, verdict="real", text="王小明说有异味 000-5550143")
    assert answer.status == "done"
    journal = b"".join(r.body for r in town.store.entries(0, 10_000))
    assert "王小明".encode() not in journal and b"5550143" not in journal
    message = next(m for m, *_ in admitted(town.store) if getattr(m, "text", None))
    assert (
        town.platform.personal.read_text(town.platform.access.scope(session), message.text)
        == "王小明说有异味 000-5550143"
    )


def test_the_same_words_and_key_are_the_same_act(town: City) -> None:
    case, _ = town.open_case()
    order = live_orders(case)[0]
    session = Session(person=order.person, post=order.post)
    given = {"verdict": "real", "text": "已核对"}

    def send(body: dict[str, Any]) -> Any:
        return town.platform.acts.do(session, case.id, "judge", body, "one", case.version, b"{}").result(10)

    first, second = send(given), send(given)
    assert not first.repeated and second.repeated and second.version == first.version
    with pytest.raises(Conflict):
        send({**given, "text": "另一句"})


# Dead letters


def test_a_dead_letter_is_seen_replayed_and_marked(town: City, monkeypatch: pytest.MonkeyPatch) -> None:
    from liandong.app.writer import Admit

    def decide(*args: Any) -> Any:
        raise ZeroDivisionError("planted")

    monkeypatch.setitem(handle.DECIDE, Step.ASSESS, decide)
    future = town.city.writer.submit(Admit(finding(CHANNELS[0], START), "source:gas"))
    assert future.exception(10) is not None
    scope = town.platform.access.scope(town.session(OPERATOR))
    (letter,) = town.platform.questions.dead_letters(scope)[0]
    assert town.platform.rejected.replay_dead(scope, letter.id).exception(10) is not None
    town.settle()
    assert town.store.dead_letter(letter.id).replayed is None, "it died again, so it stays open"
    monkeypatch.undo()
    assert town.platform.rejected.replay_dead(scope, letter.id).result(10).status == "done"
    until(lambda: town.store.dead_letter(letter.id).replayed is not None)
    assert len(cases(town.store)) == 1
    with pytest.raises(Forbidden):
        town.platform.rejected.replay_dead(town.platform.access.scope(town.session(CENTRE)), letter.id)
    with pytest.raises(NotFound):
        town.platform.rejected.replay_dead(scope, "dead_none")


# Figures


def test_health_says_what_is(town: City) -> None:
    town.open_case()
    found = town.platform.health()
    assert found["equation"] == [] and found["queued"] == 0 and found["deadlines"]
    assert found["position"] == town.store.last_position() and found["now"] == format_time(town.now)
    assert town.platform.not_ready() == []


def test_health_shows_a_lost_message_and_not_one_on_its_way(town: City) -> None:
    hold, held = threading.Event(), threading.Event()
    whole = town.store.stage

    def stage(changes: Any) -> Any:
        held.set()
        hold.wait(10)
        return whole(changes)

    town.store.stage = stage
    from liandong.app.writer import Admit, Lane

    first = town.city.writer.submit(Admit(finding(CHANNELS[0], START), "source:gas"))
    assert held.wait(10)
    second = town.city.writer.submit(Admit(finding(CHANNELS[1], START), "source:gas"))
    assert town.platform.health()["equation"] == []
    town.city.writer._lanes[Lane.ACTS].clear()
    assert len(town.platform.health()["equation"]) == 1
    hold.set()
    first.result(10)
    town.settle()
    assert len(town.platform.health()["equation"]) == 1 and not second.done()


def test_a_stopped_writer_is_not_ready(tmp_path: Path) -> None:
    made = City(tmp_path)
    made.city.writer.stop()
    assert made.platform.not_ready() == ["writer"]
    with pytest.raises(Busy):
        made.platform.tick()
    made.stop()


def test_quiet_means_that_nothing_moves(town: City) -> None:
    town.send(60.0)
    for _ in range(3):
        town.pass_time(2 * MINUTE)
        future, _ = town.platform.receiving.readings(SOURCE, body(town.now, 60.0))
        future.result(10)
        until(town.platform.quiet)
        before = town.store.last_position()
        until(town.platform.quiet)
        assert town.store.last_position() == before
    assert town.case().hazard == "gas_leak"


# Other doors


def _wave(town: City, start: int, samples: int, id: str) -> bytes:
    data = base64.b64encode(np.ones(samples, "<f4").tobytes()).decode()
    row = {"channel": GAS, "start": format_time(start), "rate": 10, "samples": data}
    return json.dumps({"id": id, "waveforms": [row, {"channel": "channel:none"}]}).encode()


def test_positions_and_waveforms_are_kept_and_balance(town: City) -> None:
    place = {"object": "truck:1", "time": format_time(town.now), "lon": 113.0, "lat": 23.0}
    raw = json.dumps({"id": "1", "positions": [place, place | {"lat": 99}]}).encode()
    for duplicate in (False, True):
        future, errors = town.platform.receiving.positions(SOURCE, raw)
        receipt = future.result(10)
        assert (receipt.duplicate, receipt.rows, len(errors)) == (duplicate, 1, 1)
    future, errors = town.platform.receiving.waveforms(SOURCE, _wave(town, town.now - 5_000_000, 3, "1"))
    assert future.result(10).rows == 1 and not future.result(10).duplicate and len(errors) == 1
    town.settle()
    kinds = [record.kind for _, record in town.city.intake.log.read()]
    assert kinds == ["positions", "waveforms"]
    assert town.platform.accounting.check() == []
    tally = town.platform.accounting.tallies()[Step.INGEST, "source:gas"]
    assert (tally.received, tally.passed, tally.rejected) == (6, 2, 4)
    assert {row.path for row in rejected(town)} == {"positions", "waveforms"}
    assert (Step.DETECT, "source:gas") not in town.platform.accounting.tallies() or (
        town.platform.accounting.tallies()[Step.DETECT, "source:gas"].received == 0
    )


def _condensed(town: City) -> list[tuple[int, float]]:
    """Moment and value of the statistics in the log."""
    batches = [record.batch for _, record in town.city.intake.log.read() if record.batch is not None]
    return [(int(at), float(v)) for b in batches for at, v in zip(b.event_time, b.value, strict=True)]


def test_a_kill_between_windows_and_their_statistics_loses_none_and_repeats_none(tmp_path: Path) -> None:
    made, replace = folder(), msgspec.structs.replace
    fast = tuple(replace(c, reducer="count@1") if c.key == GAS else c for c in made.city.channels)
    fast_city = replace(made, city=replace(made.city, channels=fast))
    town = City(tmp_path, fast_city)
    second = town.now // 1_000_000 * 1_000_000 - 9_000_000
    try:
        first, cut = _wave(town, second, 15, "1"), _wave(town, second + 1_500_000, 8, "2")
        assert town.platform.receiving.waveforms(SOURCE, first)[0].result(10).position is not None

        def decode(source: str, arrival: int, now: int) -> Any:
            return decode_waveforms(cut, source, town.platform.receiving.channels, arrival, now)

        # The second message is durable, and the process ends before its statistic is.
        assert not town.platform.receiving.take(SOURCE, "waveforms", cut, decode)[0].result(10).duplicate
        assert _condensed(town) == [(second + 1_000_000, 10.0)]
        town.stop()
        town = City(tmp_path, fast_city)
        both = [(second + 1_000_000, 10.0), (second + 2_000_000, 10.0)]
        assert _condensed(town) == both
        assert town.platform.receiving.waveforms(SOURCE, cut)[0].result(10).duplicate
        town.stop()
        town = City(tmp_path, fast_city)
        assert _condensed(town) == both
        # What the last window holds already is known after the restart too.
        more = _wave(town, second + 2_300_000, 8, "3")
        assert town.platform.receiving.waveforms(SOURCE, more)[0].result(10).position is not None
        assert _condensed(town) == [*both, (second + 3_000_000, 10.0)]
        town.settle()
        assert town.platform.accounting.check() == []
    finally:
        town.stop()


def test_an_unknown_device_is_kept_whole_and_its_known_items_go_on(tmp_path: Path) -> None:
    made = folder()
    gas = next(c for c in made.city.channels if c.key == GAS)
    replace = msgspec.structs.replace
    city = replace(
        made.city,
        sources=tuple(replace(s, protocol="hj212") if s.key == gas.source else s for s in made.city.sources),
        channels=tuple(
            replace(c, device="MN1", item="a1") if c.key == GAS else c for c in made.city.channels
        ),
    )
    town = City(tmp_path, replace(made, city=city))
    try:
        rows = [DeviceRow("MN1", "a1", town.now, 3.0), DeviceRow("MN1", "zz", town.now, 3.0)]
        future, errors = town.platform.receiving.device("hj212", "MN1", "QN=1", rows, b"##frame")
        assert future.result(10).rows == 1 and [e.key for e in errors] == ["device.unknown_item"]
        assert (
            town.platform.receiving.device("hj212", "MN1", "QN=1", rows[:1], b"##frame")[0]
            .result(10)
            .duplicate
        )
        assert (
            town.platform.receiving.source_of("hj212", "MN1")
            == gas.source
            != town.platform.receiving.source_of("hj212", "MN9")
        )
        with pytest.raises(BadInput, match=r"device\.unknown"):
            town.platform.receiving.device(
                "hj212", "MN9", "QN=2", [DeviceRow("MN9", "a1", town.now, 1.0)], b"##frame"
            )
        town.settle()
        (_, record) = next(iter(town.city.intake.log.read()))
        assert (record.raw, record.message_key, record.source) == (b"##frame", "QN=1", gas.source)
        kept = {row.key: row for row in rejected(town)}
        assert set(kept) == {"device.unknown", "device.unknown_item"}
        assert kept["device.unknown"].source == "protocol:hj212"
        assert town.platform.accounting.check() == []
        scope = town.platform.access.scope(town.session(OPERATOR))
        again, errors = town.platform.receiving.replay(scope, kept["device.unknown_item"].id)
        assert again.result(10).rows == 1 and not again.result(10).duplicate and len(errors) == 1
        with pytest.raises(BadInput, match=r"device\.unknown"):
            town.platform.receiving.replay(scope, kept["device.unknown"].id)
        # The same undeclared item in every frame: each is counted, one copy an hour is kept.
        town.settle()
        count = len(rejected(town))

        def frame(number: int, item: str = "zz") -> None:
            rows = [DeviceRow("MN1", "a1", town.now, 3.0), DeviceRow("MN1", item, town.now, 3.0)]
            town.platform.receiving.device("hj212", "MN1", f"F={number}", rows, b"##frame")[0].result(10)

        for number in range(3):
            town.virtual.set(town.now + 1_000_000)
            frame(number)
        town.settle()
        assert len(rejected(town)) == count
        frame(4, "zy")
        town.settle()
        assert len(rejected(town)) == count + 1
        town.virtual.set(town.now + 60 * MINUTE)
        frame(5)
        town.settle()
        assert len(rejected(town)) == count + 2
        said = town.platform.accounting.tallies()[Step.INGEST, gas.source]
        assert said.received == said.passed + said.rejected and town.platform.accounting.check() == []
    finally:
        town.stop()


def test_the_same_refused_twice_in_a_microsecond_is_kept_twice(town: City) -> None:
    for _ in range(2):
        with pytest.raises(BadInput):
            town.platform.receiving.readings(SOURCE, b"{")
    town.settle()
    assert len({row.id for row in rejected(town)}) == 2
