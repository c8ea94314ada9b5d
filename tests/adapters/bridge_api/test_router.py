"""The door of receivers' own systems: who may, what is answered, and what of it anybody else learns."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from liandong.core.values.lists import Action
from tests.app.bridge.bridged import SOURCE, BridgedTown
from tests.web.town import is_problem


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BridgedTown]:
    made = BridgedTown(tmp_path_factory.mktemp("town"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def case(town: BridgedTown) -> str:
    return town.sent_out()


def send(town: BridgedTown, body: Any, path: str = "bridge/gas/events", source: str = SOURCE) -> Any:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = town.web.post(path, town.token(source=source), content=raw)
    town.settle()
    return answer


def test_events_are_answered_in_their_order(town: BridgedTown, case: str) -> None:
    order = town.order(case).id
    events = [
        {"event": "r2", "order": order, "status": "已到场"},
        {"event": "r1", "order": order, "status": "已接单", "number": "RQ-1"},
        {"event": "no good"},
        {"event": "r3", "order": "ord_none", "status": "已接单"},
    ]
    answers = send(town, {"events": events}).json()["answers"]
    assert [one["outcome"] for one in answers] == ["parked", "done", "refused", "parked"]
    assert answers[2]["event"] == "no good" and answers[2]["key"] == "bridge.bad_event"
    assert all(one["text"] and "⟦" not in one["text"] for one in answers)
    town.until(lambda: Action.ARRIVE in town.order(case).done)
    again = send(town, events[0]).json()["answers"]
    assert [one["outcome"] for one in again] == ["done"]


def test_orders_and_answers_can_be_fetched(town: BridgedTown, case: str) -> None:
    token, order = town.token(source=SOURCE), town.order(case).id
    shown = town.web.get("bridge/gas/orders", token).json()["orders"]
    assert [one["order"] for one in shown] == [order]
    assert town.web.get(f"bridge/gas/orders/{order}", token).json()["order"] == order
    town.pass_time()
    first = town.web.get("bridge/gas/answers?limit=1", token).json()
    assert len(first["answers"]) == 1 and first["next"]
    seen, after = [first["answers"][0]["event"]], first["next"]
    while after:
        page = town.web.get(f"bridge/gas/answers?limit=1&after={after}", token).json()
        seen += [one["event"] for one in page["answers"]]
        after = page["next"]
    assert len(seen) == len(set(seen)) and {"r1", "r2"} <= set(seen)


def test_their_list_is_compared_at_once(town: BridgedTown, case: str) -> None:
    answer = send(town, [{"order": "ord_ghost", "status": "x"}], "bridge/gas/open-orders").json()
    kinds = {one["kind"] for one in answer["differences"]}
    assert {"missing_here", "missing_there"} <= kinds


def test_nobody_else_learns_that_there_is_a_bridge(town: BridgedTown, case: str) -> None:
    order = town.order(case).id
    for path in ("bridge/gas/orders", f"bridge/gas/orders/{order}", "bridge/gas/answers"):
        is_problem(town.web.get(path, town.token(post="post:centre.duty")), 404, "bridge.unknown")
        is_problem(town.web.get(path, town.token(source="source:water")), 404, "bridge.unknown")
        assert town.web.get(path).status_code == 401
    is_problem(send(town, {"event": "x1"}, source="source:water"), 404, "bridge.unknown")
    is_problem(send(town, {"event": "x1"}, "bridge/none/events"), 404, "bridge.unknown")
    assert town.platform.store.bridge_event("bridge:gas", "x1") is None


def test_another_units_order_is_not_found(town: BridgedTown, case: str) -> None:
    centre = next(o for o in town.state(case).orders.values() if o.unit != "unit:gas")
    token = town.token(source=SOURCE)
    is_problem(town.web.get(f"bridge/gas/orders/{centre.id}", token), 404, "bridge.order_unknown")


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"{", b'{"events":1}', b"\xff", b'{"events":[[[['])
def test_a_body_that_is_none_is_a_problem(town: BridgedTown, body: bytes) -> None:
    is_problem(send(town, body), 422, "bridge.bad_event")


def test_too_much_is_refused_before_it_is_read(town: BridgedTown) -> None:
    is_problem(send(town, b" " * (9 * 1024 * 1024)), 422, "bridge.bad_event")
    is_problem(send(town, {"events": [{"event": f"m{n}"} for n in range(501)]}), 422, "bridge.bad_event")


@pytest.mark.parametrize("after", ["x", "-1", "9" * 30, "1;2"])
def test_a_place_that_is_none_is_a_problem(town: BridgedTown, after: str) -> None:
    answer = town.web.get(f"bridge/gas/answers?after={after}", town.token(source=SOURCE))
    is_problem(answer, 422, "bridge.bad_event")
