"""Events of a receiver's own system: each done once, parked where it must wait, refused with the reason."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from liandong.core.values.case import VaultRef
from liandong.core.values.errors import BadInput
from liandong.core.values.lists import Action, HeardState, OrderStatus
from liandong.core.values.times import MINUTE, format_time
from tests.app.bridge.bridged import BRIDGE, VERIFIER, BridgedTown, entries

PHOTO = {"name": "a.png", "media": "image/png", "data": base64.b64encode(b"photo").decode()}


@pytest.fixture
def town(tmp_path: Path) -> Iterator[BridgedTown]:
    made = BridgedTown(tmp_path, users=(("gh-0417", "person:p999"),))
    yield made
    made.close()


def test_a_whole_order_by_events_alone(town: BridgedTown) -> None:
    case = town.sent_out()
    at = format_time(town.now - 3 * MINUTE)
    assert town.report("e0", case, "新建", number="RQ-1").key == "bridge.heard"
    for number, (word, action) in enumerate(
        (("已接单", Action.ACKNOWLEDGE), ("已到场", Action.ARRIVE), ("已核实", Action.CHECK),
         ("已处置", Action.HANDLE), ("已反馈", Action.FEED_BACK)), 1
    ):  # fmt: skip
        answer = town.report(f"e{number}", case, word, number="RQ-1", at=at, words="办", evidence=[PHOTO])
        assert (answer.outcome, answer.key) == (HeardState.DONE, f"act.{action.value}")
        assert answer.text and "⟦" not in answer.text
    order = town.order(case)
    assert order.status == OrderStatus.DONE and order.numbers == (("燃气调度系统", "RQ-1"),)
    assert order.their_status == "已反馈" and order.their_at == town.now - 3 * MINUTE
    assert order.heard_at == town.now
    for action, post, body in (
        ("review", VERIFIER, {"passed": True}), ("close", "post:centre.duty", {"cause": "real"}),
        ("archive", "post:centre.duty", {}),
    ):  # fmt: skip
        town.act(case, action, post, **body)
    assert town.state(case).stage == "archived"


def test_both_clocks_stand_in_the_journal_and_on_the_page(town: BridgedTown) -> None:
    case = town.sent_out()
    theirs = town.now - 3 * MINUTE
    town.report("e1", case, "已接单", number="RQ-1", at=format_time(theirs), user="gh-0417", words="马上到")
    done = [
        event for entry in entries(town, f"case:{case}") for event in entry["events"]
        if event["type"] in ("StepDone", "OrderHeard", "OrderNumbered")
    ]  # fmt: skip
    heard = next(event["data"] for event in done if event["type"] == "OrderHeard")
    step = [event["data"] for event in done if event["type"] == "StepDone"][-1]
    assert (heard["at"], heard["device_at"], step["device_at"]) == (town.now, theirs, theirs)
    assert "gh-0417" not in json.dumps(done) and "马上到" not in json.dumps(done, ensure_ascii=False)
    sealed = town.platform.store.vault_row(heard["user"]["id"])
    assert town.platform.vault.open(sealed, VaultRef(**heard["user"])) == b"gh-0417"
    token = town.token(post="post:centre.duty")
    page = town.web.get(f"cases/{case}", token).json()
    shown = next(o for o in page["orders"] if o["unit"] == "unit:gas")
    assert shown["numbers"] == [{"system": "燃气调度系统", "number": "RQ-1"}]
    assert (shown["their_at"], shown["heard_at"]) == (format_time(theirs), format_time(town.now))
    lines = town.web.get(f"cases/{case}/timeline", token).json()["items"]
    said = next(line for line in lines if line["event"] == "OrderHeard")
    assert said["type"] == "bridge" and said["their_at"] == format_time(theirs)
    assert "燃气调度系统" in said["text"]["zh"] or "已接单" in said["text"]["zh"]


def test_a_repeat_is_answered_and_not_done_again(town: BridgedTown) -> None:
    case = town.sent_out()
    first = town.report("e1", case, "已接单")
    version = town.state(case).version
    again = town.report("e1", case, "已接单")
    assert (again.outcome, again.key) == (first.outcome, first.key)
    assert town.state(case).version == version
    changed = town.report("e1", case, "已到场")
    assert (changed.outcome, changed.key) == (HeardState.REFUSED, "bridge.event_changed")
    assert town.report("e1", case, "已接单").outcome == HeardState.DONE  # what is stored stands


def test_the_same_content_in_other_bytes_is_the_same_event(town: BridgedTown) -> None:
    case = town.sent_out()
    order = town.order(case).id
    bridge = town.bridges.row(BRIDGE)
    raw = json.dumps({"event": "e1", "order": order, "status": "已接单"}, ensure_ascii=False).encode()
    other = json.dumps({"status": "已接单", "order": order, "event": "e1"}, indent=2).encode()
    assert town.bridges.inward.take(bridge, raw).outcome == HeardState.DONE
    assert town.bridges.inward.take(bridge, other).outcome == HeardState.DONE


def test_an_event_before_its_turn_waits_and_is_then_done(town: BridgedTown) -> None:
    case = town.sent_out()
    early = town.report("e3", case, "已核实", evidence=[PHOTO])
    assert (early.outcome, early.key) == (HeardState.PARKED, "bridge.step_missing")
    assert town.report("e2", case, "已到场").outcome == HeardState.PARKED
    assert town.report("e1", case, "已接单").outcome == HeardState.DONE
    town.until(lambda: Action.CHECK in town.order(case).done)
    assert town.order(case).done == (Action.ACKNOWLEDGE, Action.ARRIVE, Action.CHECK)
    rows = {row.event: row.state for row in town.platform.store.bridge_events(BRIDGE)}
    town.until(lambda: not town.platform.store.bridge_events(BRIDGE, (HeardState.PARKED,)))
    assert set(rows) == {"e1", "e2", "e3"}


def test_an_unknown_order_waits_until_it_is_known(town: BridgedTown) -> None:
    case = town.sent_out()
    order = town.order(case).id
    answer = town.take({"event": "e1", "number": "RQ-9", "status": "已接单"})
    assert (answer.outcome, answer.key) == (HeardState.PARKED, "bridge.order_unknown")
    assert town.take({"event": "e0", "order": order, "number": "RQ-9", "status": "新建"}).outcome == "done"
    town.until(lambda: Action.ACKNOWLEDGE in town.order(case).done)


def test_an_unknown_word_waits_and_says_where_to_add_it(town: BridgedTown) -> None:
    case = town.sent_out()
    answer = town.report("e1", case, "在路上")
    assert (answer.outcome, answer.key) == (HeardState.PARKED, "bridge.status_unknown")
    assert "在路上" in answer.text and "bridges" in answer.text


def test_another_departments_order_is_refused(town: BridgedTown) -> None:
    case = town.open_case()
    centre = town.order(case, "unit:centre")
    answer = town.take({"event": "e1", "order": centre.id, "status": "已接单"})
    assert (answer.outcome, answer.key) == (HeardState.REFUSED, "bridge.not_your_order")
    assert town.order(case, "unit:centre").done == ()


def test_missing_evidence_is_refused_with_the_field_and_seen_by_the_duty_officer(town: BridgedTown) -> None:
    case = town.sent_out()
    town.report("e1", case, "已接单")
    town.report("e2", case, "已到场")
    answer = town.report("e3", case, "已核实")
    assert (answer.outcome, answer.key) == (HeardState.REFUSED, "act.missing_field")
    assert answer.params["field"] == "evidence"
    lines = town.web.get(f"cases/{case}/timeline", town.token(post="post:centre.duty")).json()["items"]
    assert any(line["type"] == "refused" and line["event"] == "act.missing_field" for line in lines)
    assert town.report("e4", case, "已核实", evidence=[PHOTO]).outcome == HeardState.DONE


def test_one_word_may_mean_several_steps(tmp_path: Path) -> None:
    statuses = (("完工", "acknowledge+arrive+check+handle+feed_back"),)
    made = BridgedTown(tmp_path)
    try:
        case = made.sent_out()
        row = made.bridges.row(BRIDGE)
        made.platform.handler.policy.city.bridges[BRIDGE] = type(row)(
            **{name: getattr(row, name) for name in row.__struct_fields__} | {"statuses": statuses}
        )
        answer = made.report("e1", case, "完工", evidence=[PHOTO], words="关阀通风", number="RQ-1")
        assert answer.outcome == HeardState.DONE
        order = made.order(case)
        assert order.status == OrderStatus.DONE and len(order.done) == 5
        heard = [
            event for entry in entries(made, f"case:{case}") for event in entry["events"]
            if event["type"] == "OrderHeard"
        ]  # fmt: skip
        assert len(heard) == 1
    finally:
        made.close()


def test_a_late_event_on_an_order_that_has_gone_to_somebody_else_is_refused(town: BridgedTown) -> None:
    case = town.sent_out()
    old = town.order(case)
    holders = [h.person for h in town.folder.city.holdings if h.post == old.post]
    town.act(case, "hand_over", old.post, to=next(p for p in holders if p != old.person))
    late = town.take({"event": "e2", "order": old.id, "status": "已接单"})
    assert (late.outcome, late.key) == (HeardState.REFUSED, "bridge.order_over")
    assert town.order(case).id != old.id and town.order(case).done == ()


def test_a_wrong_duty_is_said_over_the_bridge(town: BridgedTown) -> None:
    case = town.sent_out()
    answer = town.report("e1", case, "退单", words="不属我司管辖")
    assert (answer.outcome, answer.key) == (HeardState.DONE, "act.return")


def test_who_is_not_known_there_acts_as_whoever_is_on_duty(town: BridgedTown) -> None:
    case = town.sent_out()
    town.report("e1", case, "已接单", user="gh-0417")  # the row names somebody who does not hold the post
    step = [
        event["data"] for entry in entries(town, f"case:{case}") for event in entry["events"]
        if event["type"] == "StepDone"
    ][-1]  # fmt: skip
    duty = town.platform.handler.policy.city.on_duty(step["post"], town.now)
    assert duty is not None and step["person"] == duty.person


@pytest.mark.parametrize(
    "raw", [b"", b"[]", b"null", b"{}", b'{"event":"x y"}', b'{"event":1}', b"\xff", b"{" * 9000,
            b'{"event":"e","at":"2026-05-01T10:00:00"}', b'{"event":"e","at":"never"}',
            b'{"event":"e","evidence":[{"data":"%%%"}]}']
)  # fmt: skip
def test_what_cannot_be_read_is_said_and_not_kept(town: BridgedTown, raw: bytes) -> None:
    with pytest.raises(BadInput):
        town.bridges.inward.take(town.bridges.row(BRIDGE), raw)
    assert town.platform.store.bridge_events(BRIDGE) == []


def test_settled_events_are_answered_in_order_and_none_is_left_out(town: BridgedTown) -> None:
    case = town.sent_out()
    for number, word in enumerate(("已接单", "已到场"), 1):
        town.report(f"e{number}", case, word)
    town.report("a0", case, "新建")
    inward = town.bridges.inward
    assert inward.answers(BRIDGE, (0, "")) == []  # the moment is not over: more may be settled in it
    town.pass_time()
    found = inward.answers(BRIDGE, (0, ""), 2)
    rest = inward.answers(BRIDGE, (found[-1].moment, found[-1].event), 2)
    assert [row.event for row in found + rest] == ["a0", "e1", "e2"]


def test_words_are_gone_with_the_cases_key(town: BridgedTown) -> None:
    case = town.sent_out()
    town.report("e2", case, "已到场", words="住户李华 000-5550199")
    town.platform.vault.erase(f"case:{case}")
    town.report("e1", case, "已接单")
    row = town.platform.store.bridge_event(BRIDGE, "e2")
    assert row is not None
    town.until(lambda: town.platform.store.bridge_event(BRIDGE, "e2").state == HeardState.REFUSED)
    assert town.platform.store.bridge_event(BRIDGE, "e2").key.startswith("vault.")


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_any_order_and_any_repeats_come_to_the_same(tmp_path: Path, seed: int) -> None:
    """Five steps and a number, each up to three times, in an order of chance."""
    chance = random.Random(seed)
    words = ("新建", "已接单", "已到场", "已核实", "已处置", "已反馈")
    made = BridgedTown(tmp_path)
    try:
        case = made.sent_out()
        order = made.order(case).id
        events = [
            {"event": f"e{n}", "order": order, "status": word, "number": "RQ-1", "evidence": [PHOTO]}
            for n, word in enumerate(words)
        ]
        sent = [event for event in events for _ in range(chance.randint(1, 3))]
        chance.shuffle(sent)
        for event in sent:
            made.take(event)
        made.until(lambda: made.order(case).status == OrderStatus.DONE)
        kept = made.order(case)
        assert [a.value for a in kept.done] == ["acknowledge", "arrive", "check", "handle", "feed_back"]
        assert kept.numbers == (("燃气调度系统", "RQ-1"),)
        done = [
            event["type"]
            for entry in entries(made, f"case:{case}")
            for event in entry["events"]
            if event["type"] == "OrderHeard"
        ]
        assert len(done) == len(words)
        # A repeat that came early waits for its turn, and is told so at the next look.
        made.until(lambda: {r.state for r in made.platform.store.bridge_events(BRIDGE)} == {HeardState.DONE})
    finally:
        made.close()
