"""Acts of people: allowed by the rows, refused with what would be needed, answered once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from tests.web.town import CENTRE, Client, Town, is_problem

GAS = "post:emergency_east.review"


@pytest.fixture
def open_case(town: Town) -> Iterator[str]:
    """A case of its own for each test."""
    numbers = [c.number for c in town.channels()]
    used = getattr(town, "used", 0)
    town.used = used + 1
    assert used < len(numbers)
    yield town.open_case(used)


def test_a_case_says_what_is_next_and_the_act_moves_it(town: Town, client: Client, open_case: str) -> None:
    token = town.token(post=CENTRE)
    seen = client.get(f"cases/{open_case}", token)
    case = seen.json()
    assert seen.headers["etag"] == f'"{case["version"]}"'
    assert [(n["action"], n["post"]) for n in case["next"]] == [("judge", CENTRE)]
    clock = case["clocks"][0]
    assert clock["origin"] == "finding" and clock["due"] == case["next"][0]["due"] and not clock["paused"]
    answer = client.act(open_case, "judge", token, key="a-1", verdict="real", text="视频与相邻通道已核对")
    done = answer.json()
    assert answer.status_code == 200 and done["status"] == "done" and not done["repeated"]
    assert done["reason"]["key"] == "act.judge" and "真实" in done["reason"]["text"]
    assert answer.headers["etag"] == f'"{done["version"]}"'
    after = client.get(f"cases/{open_case}", token).json()
    assert (after["version"], after["stage"], after["verdict"]) == (done["version"], "judged", "real")
    assert [n["action"] for n in after["next"]] == ["push"]


def test_words_are_kept_out_of_case_and_journal(town: Town, client: Client, open_case: str) -> None:
    token = town.token(post=CENTRE)
    client.act(open_case, "judge", token, key="b-1", verdict="real", text="住户李华 000-5550199 已告知")
    for path in (f"cases/{open_case}", f"cases/{open_case}/journal", "cases", "orders"):
        assert "李华" not in client.get(path, token).text
    entries = client.get(f"cases/{open_case}/journal", token).json()["items"]
    done = [e for entry in entries for e in entry["events"] if e["type"] == "StepDone"]
    assert done[-1]["data"]["text"]["digest"]


def test_orders_are_those_of_the_asker_unless_asked_otherwise(
    town: Town, client: Client, open_case: str
) -> None:
    token = town.token(post=CENTRE)
    mine = client.get("orders?status=issued", token).json()["items"]
    assert open_case in [order["case"] for order in mine]
    assert {order["person"] for order in mine} == {client.get("me", token).json()["person"]}
    assert client.get("orders?person=person:none", token).json()["items"] == []
    assert client.get("orders?person=any&post=post:none", token).json()["items"] == []


def test_an_act_without_the_right(town: Town, client: Client, open_case: str) -> None:
    token = town.token(post=GAS)
    document = is_problem(
        client.act(open_case, "judge", token, key="c-1", verdict="real"), 403, "act.not_yours"
    )
    assert document["params"]["needed"] == CENTRE and CENTRE in document["detail"]
    assert town.platform.accounting.check() == []


def test_an_act_out_of_turn_names_what_is_needed(town: Town, client: Client, open_case: str) -> None:
    token = town.token(post=CENTRE)
    document = is_problem(
        client.act(open_case, "close", token, key="d-1", cause="real"), 409, "act.not_allowed"
    )
    assert document["params"]["needed"] == f"judge ({CENTRE})" and CENTRE in document["detail"]
    assert document["version"] == town.version(open_case)
    incomplete = is_problem(client.act(open_case, "judge", token, key="d-2"), 409, "act.missing_field")
    assert incomplete["params"]["field"] == "verdict"


def test_an_act_on_a_stale_version_carries_the_current_one(
    town: Town, client: Client, open_case: str
) -> None:
    token = town.token(post=CENTRE)
    now = town.version(open_case)
    answer = client.act(open_case, "judge", token, key="e-1", version=now - 1, verdict="real")
    document = is_problem(answer, 409, "act.stale")
    assert document["params"] == {"version": now - 1, "current": now}
    assert answer.headers["etag"] == f'"{now}"' and document["version"] == now
    assert client.act(open_case, "judge", token, key="e-2", version=now, verdict="real").status_code == 200


def test_the_same_key_gets_the_same_answer_or_a_conflict(town: Town, client: Client, open_case: str) -> None:
    token = town.token(post=CENTRE)
    seen = town.version(open_case)
    first = client.act(open_case, "judge", token, key="f-1", version=seen, verdict="real", text="好")
    town.pass_time()
    again = client.act(open_case, "judge", token, key="f-1", version=seen, verdict="real", text="好")
    assert again.json() == first.json() | {"repeated": True}
    now = town.version(open_case)
    for other in (
        {"verdict": "false", "text": "好"},
        {"verdict": "real", "text": "不好"},
        {"verdict": "real"},
    ):
        answer = client.act(open_case, "judge", token, key="f-1", version=seen, **other)
        document = is_problem(answer, 409, "act.idempotency_conflict")
        assert document["params"]["current"] == now
    assert town.version(open_case) == now


def test_a_refusal_is_repeated_too(town: Town, client: Client, open_case: str) -> None:
    token = town.token(post=CENTRE)
    seen = town.version(open_case)
    first = client.act(open_case, "push", token, key="g-1", version=seen).json()
    again = client.act(open_case, "push", token, key="g-1", version=seen).json()
    assert again == first | {"repeated": True}


def test_an_offline_act_keeps_both_times(town: Town, client: Client, open_case: str) -> None:
    token = town.token(post=CENTRE)
    at = "2026-05-01T08:59:00+08:00"
    answer = client.act(open_case, "judge", token, key="h-1", verdict="real", device_at=at, client_seq=7)
    assert answer.status_code == 200
    entries = client.get(f"cases/{open_case}/journal", token).json()["items"]
    done = next(e["data"] for entry in entries for e in entry["events"] if e["type"] == "StepDone")
    assert done["client_seq"] == 7 and done["device_at"] < done["at"]


def test_a_caller_who_leaves_does_not_undo_the_act(town: Town, open_case: str) -> None:
    """Cancelling the waiting request must neither cancel what was taken nor harm the writer."""
    from liandong.web.threads import settled

    token = town.token(post=CENTRE)
    session = town.platform.access.session(token)
    body = {"verdict": "real"}

    async def leave() -> None:
        future = town.platform.acts.do(
            session, open_case, "judge", body, "i-1", town.version(open_case), b"{}"
        )
        task = asyncio.ensure_future(settled(future))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not future.cancelled()

    asyncio.run(leave())
    town.settle()
    assert town.platform.writer.is_alive()
    assert town.platform.store.load([f"case:{open_case}"])[f"case:{open_case}"].stage == "judged"


def test_pages_follow_one_another(town: Town, client: Client, open_case: str) -> None:
    token = town.token(post=CENTRE)
    whole = [item["id"] for item in client.get("cases?limit=500", token).json()["items"]]
    assert len(whole) >= 3
    found, after = [], ""
    while True:
        page = client.get(f"cases?limit=2&after={after}", token).json()
        found += [item["id"] for item in page["items"]]
        if not (after := page["next"]):
            break
    assert found == whole
    some = client.get("cases?stage=judged&unit=", token).json()["items"]
    assert some and {item["stage"] for item in some} == {"judged"}


def test_an_order_given_back_is_decided_about_over_the_same_door(
    town: Town, client: Client, open_case: str
) -> None:
    centre = town.token(post=CENTRE)
    client.act(open_case, "judge", centre, key="d-1", verdict="real")
    client.act(open_case, "push", centre, key="d-2")
    lead = next(n["post"] for n in client.get(f"cases/{open_case}", centre).json()["next"])
    asker = town.token(post=lead)
    offered = {o["action"]: o for o in client.get(f"cases/{open_case}", asker).json()["offers"]}
    fields = {f["name"]: f for f in offered["return"]["fields"]}
    assert fields["reason"]["required"] and fields["reason"]["options"][0]["label"]["zh"] == "不属本单位职责"
    answer = client.act(open_case, "return", asker, key="d-3", reason="not_our_duty")
    assert answer.status_code == 200 and "裁定职责 (post:centre" in answer.json()["reason"]["text"]
    case = client.get(f"cases/{open_case}", centre).json()
    # Life is at stake: the centre acts until it is decided.
    assert {(n["action"], n["post"]) for n in case["next"]} == {
        ("acknowledge", CENTRE),
        ("decide_duty", CENTRE),
    }
    decide = next(o for o in case["offers"] if o["action"] == "decide_duty")
    to = next(f for f in decide["fields"] if f["name"] == "to")
    assert to["required"] and "unit:fire" in {o["value"] for o in to["options"]}
    done = client.act(
        open_case, "decide_duty", centre, key="d-4", to="unit:fire", reason="own_duty", order=decide["order"]
    )
    assert done.status_code == 200 and "按职责规定属其办理" in done.json()["reason"]["text"]
    lines = client.get(f"cases/{open_case}/timeline", centre).json()["items"]
    said = [line["text"]["zh"] for line in lines if line["event"] in ("ActTaken", "DutyAsked", "DutyDecided")]
    assert len(said) == 3 and "职责争议" in said[1] and "不属本单位职责" in said[0] and "裁定" in said[2]
    assert town.platform.accounting.check() == []


def test_what_no_row_allows_names_the_row_and_what_is_not_yours_is_not_found(
    town: Town, client: Client, open_case: str
) -> None:
    centre = town.token(post=CENTRE)
    until = "2099-01-01T00:00:00+08:00"
    for action, more in (("extend", {"until": until}), ("merge", {"to": open_case}), ("cancel", {})):
        found = client.act(open_case, action, centre, key=f"e-{action}", reason="needs_time", **more)
        document = is_problem(found, 409, "transfer.no_row")
        assert document["params"]["action"] == action and "规定" in document["detail"]
    other = client.act(open_case, "merge", centre, key="e-9", reason="same_event", to="case_nobody")
    is_problem(other, 404, "case.unknown")
    wrong = client.act(open_case, "urge", centre, key="e-10", order="ord_of_another_case")
    is_problem(wrong, 409, "act.no_such_order")
    moment = client.act(open_case, "extend", centre, key="e-11", until="tomorrow", reason="needs_time")
    assert moment.status_code == 422
    assert town.platform.accounting.check() == []
