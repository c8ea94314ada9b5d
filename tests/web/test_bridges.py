"""What the duty centre sees of bridges, and the photos that came over them."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest

from tests.app.bridge.bridged import SOURCE, BridgedTown
from tests.web.town import CENTRE, OPERATOR, is_problem

PHOTO = b"\x89PNG a photograph"


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BridgedTown]:
    made = BridgedTown(tmp_path_factory.mktemp("town"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def case(town: BridgedTown) -> str:
    """Acknowledged with a photo, one event waiting, one refused."""
    made = town.sent_out()
    photo = {"name": "a.png", "data": base64.b64encode(PHOTO).decode()}
    town.report("e1", made, "已接单", evidence=[photo], words="马上到", number="RQ-1")
    town.report("e3", made, "已核实")
    town.report("e9", made, "已接单", order="ord_none")
    return made


def test_how_bridges_stand(town: BridgedTown, case: str) -> None:
    answer = town.web.get("bridges", town.token(post=OPERATOR)).json()["items"]
    [row] = answer
    assert (row["bridge"], row["kind"], row["linked"], row["waiting"]) == ("bridge:gas", "api", True, 2)


def test_what_waits_is_listed_with_the_reason(town: BridgedTown, case: str) -> None:
    found = town.web.get("bridges/gas/events?state=parked", town.token(post=OPERATOR)).json()["items"]
    assert {row["event"]: row["key"] for row in found} == {
        "e3": "bridge.step_missing", "e9": "bridge.order_unknown"
    }  # fmt: skip
    assert all(row["reason"] and "⟦" not in row["reason"] for row in found)
    assert "马上到" not in str(found)


def test_only_who_may_read_the_intake(town: BridgedTown, case: str) -> None:
    for path in ("bridges", "bridges/gas/events"):
        answer = town.web.get(path, town.token(post="post:gas.duty"))
        is_problem(answer, 403, "auth.no_capability")
    answer = town.web.post("bridges/gas/reconcile", town.token(post="post:gas.duty"))
    is_problem(answer, 403, "auth.no_capability")
    is_problem(town.web.get("bridges/none/events", town.token(post=OPERATOR)), 404, "bridge.unknown")


def test_comparing_on_demand_says_where_it_cannot(town: BridgedTown, case: str) -> None:
    answer = town.web.post("bridges/gas/reconcile", town.token(post=OPERATOR)).json()
    assert answer == {"asked": False, "differences": []}


def test_a_photo_is_given_to_who_may_see_the_case_and_the_look_is_kept(town: BridgedTown, case: str) -> None:
    token = town.token(post=CENTRE)
    lines = [r for r in _steps(town, case) if r["evidence"]]
    reference = lines[0]["evidence"][0]
    answer = town.web.get(f"cases/{case}/files/{reference}", token)
    assert answer.content == PHOTO and answer.headers["content-disposition"] == "attachment"
    duty = town.platform.handler.policy.city.on_duty(CENTRE, town.now)
    assert duty is not None and "access.file" in town.notes(duty.person)
    for wrong in (reference[:-1], reference.partition(":")[0], "vlt_x:0", _words(town, case)):
        is_problem(town.web.get(f"cases/{case}/files/{wrong}", token), 404, "evidence.absent")
    is_problem(
        town.web.get(f"cases/{case}/files/{reference}", town.token(source=SOURCE)), 404, "case.unknown"
    )


def _steps(town: BridgedTown, case: str) -> list[dict]:
    from tests.app.bridge.bridged import entries

    return [
        event["data"] for entry in entries(town, f"case:{case}") for event in entry["events"]
        if event["type"] == "StepDone"
    ]  # fmt: skip


def _words(town: BridgedTown, case: str) -> str:
    """A reference to somebody's words, which are no file."""
    text = next(step["text"] for step in _steps(town, case) if step["text"])
    return f"{text['id']}:{text['digest']}"
