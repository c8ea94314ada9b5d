"""What the doors may ask: nobody without a session, nothing outside a scope, and honest figures."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from liandong.app import handle
from liandong.core.values.access import Session
from liandong.core.values.errors import BadInput, Busy, Conflict, Forbidden, NotFound, Unauthenticated
from liandong.core.values.lists import Action, Step
from liandong.core.values.times import DAY, MINUTE, format_time
from tests.app.machine import CHANNELS, START, admitted, cases, finding, live_orders
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
    scope = town.platform.scope(town.session(OPERATOR))
    return town.platform.questions.rejected(scope)[0]


# Sessions


def test_only_a_token_opens_a_door_and_only_its_digest_is_kept(town: City) -> None:
    session = town.session(CENTRE)
    token = town.platform.issue_token(session, days=2)
    assert town.platform.session(token) == session
    for wrong in ("", "x" * 43, token + "a"):
        with pytest.raises(Unauthenticated):
            town.platform.session(wrong)
    town.virtual.set(town.now + 2 * DAY)
    with pytest.raises(Unauthenticated):
        town.platform.session(token)


def test_a_post_that_is_no_longer_held_is_no_sign_in(town: City) -> None:
    token = town.platform.issue_token(Session(person="person:p001", post="post:fire.duty"))
    town.pass_time()
    with pytest.raises(Forbidden):
        town.platform.session(token)


# Readings


def test_a_person_sends_no_readings(town: City) -> None:
    with pytest.raises(Forbidden):
        town.platform.readings(town.session(CENTRE), body(START, 1.0))


def test_half_a_message_goes_on_and_the_other_half_is_kept(town: City) -> None:
    future, errors = town.platform.readings(SOURCE, body(town.now, 3.0, "NaN", 4.0))
    assert future.result(10).rows == 2 and [e.params["row"] for e in errors] == [2]
    town.settle()
    (kept,) = rejected(town)
    assert kept.source == "source:gas" and kept.path == "readings"
    _, raw = town.platform.rejected_raw(town.platform.scope(town.session(OPERATOR)), kept.id)
    assert raw == body(town.now, 3.0, "NaN", 4.0)
    assert town.platform.accounting.check() == []


def test_a_message_without_a_good_row_is_no_repeat_when_it_is_sent_again(town: City) -> None:
    for _ in range(2):
        future, errors = town.platform.readings(SOURCE, body(town.now, "NaN"))
        assert future.result(1).rows == 0 and len(errors) == 1 and not future.result(1).duplicate
    town.settle()
    assert town.city.intake.log.last is None and town.platform.accounting.check() == []


def test_a_refused_message_can_be_replayed(town: City) -> None:
    future, _ = town.platform.readings(SOURCE, body(town.now, 3.0, "NaN"))
    future.result(10)
    town.settle()
    (kept,) = rejected(town)
    town.pass_time()
    scope = town.platform.scope(town.session(OPERATOR))
    again, errors = town.platform.replay_rejected(scope, kept.id)
    assert not again.result(10).duplicate and len(errors) == 1
    town.settle()
    assert town.store.rejected(kept.id).replayed == town.city.writer.now
    with pytest.raises(Forbidden):
        town.platform.replay_rejected(town.platform.scope(town.session(CENTRE)), kept.id)


def test_a_message_of_no_shape_is_kept_and_counted(town: City) -> None:
    with pytest.raises(BadInput):
        town.platform.readings(SOURCE, b"{")
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
    assert town.platform.read_text(town.platform.scope(session), message.text) == "王小明说有异味 000-5550143"


def test_the_same_words_and_key_are_the_same_act(town: City) -> None:
    case, _ = town.open_case()
    order = live_orders(case)[0]
    session = Session(person=order.person, post=order.post)
    given = {"verdict": "real", "text": "已核对"}

    def send(body: dict[str, Any]) -> Any:
        return town.platform.act(session, case.id, "judge", body, "one", case.version, b"{}").result(10)

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
    scope = town.platform.scope(town.session(OPERATOR))
    (letter,) = town.platform.questions.dead_letters(scope)[0]
    assert town.platform.replay_dead(scope, letter.id).exception(10) is not None
    town.settle()
    assert town.store.dead_letter(letter.id).replayed is None, "it died again, so it stays open"
    monkeypatch.undo()
    assert town.platform.replay_dead(scope, letter.id).result(10).status == "done"
    until(lambda: town.store.dead_letter(letter.id).replayed is not None)
    assert len(cases(town.store)) == 1
    with pytest.raises(Forbidden):
        town.platform.replay_dead(town.platform.scope(town.session(CENTRE)), letter.id)
    with pytest.raises(NotFound):
        town.platform.replay_dead(scope, "dead_none")


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

    town.store.stage = stage  # type: ignore[method-assign]
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
        future, _ = town.platform.readings(SOURCE, body(town.now, 60.0))
        future.result(10)
        until(town.platform.quiet)
        before = town.store.last_position()
        until(town.platform.quiet)
        assert town.store.last_position() == before
    assert town.case().hazard == "gas_leak"
