"""Public warnings, responses and resources through the API, from the first draft to the last decision."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from liandong.app.live import Happened, Listener, may_know
from liandong.core.values.access import Session
from liandong.core.values.authority_rows import DecisionRow, MeasureRow, ResourceRow, WarningRow
from liandong.core.values.lists import MeasureKind, ReportKind
from liandong.core.values.public_warning import WarningState
from liandong.core.values.response import ResponseState
from liandong.core.values.rows import ReportRow
from liandong.core.values.scales import Scale
from liandong.core.values.times import MINUTE, format_time
from liandong.sim.leaders import of_response, of_warning, perform
from tests.web.town import CENTRE, START, Client, Town, is_problem

DRAINAGE, LEADER, MAYOR = "post:drainage.duty", "post:emergency.leader", "post:government.leader"
ROWS = dict(
    warnings=(
        WarningRow(
            key="w", flow="waterlogging", drafter="unit:drainage", approver="unit:emergency",
            publisher="unit:centre", raiser="unit:emergency", lowerer="unit:emergency",
            lifter="unit:emergency", channels=("file",), onward=("unit:government", "garrison"),
            approve_s=1800.0, lift_s=1800.0,
        ),
    ),
    decisions=(
        DecisionRow(
            key="d", flow="waterlogging", scale=Scale.WARNING_COLOUR, code="red", decider="unit:emergency",
            limit_s=1800.0, response="II", otherwise="unit:government",
        ),
    ),
    measures=(
        MeasureRow(
            key="m", flow="waterlogging", scale=Scale.RESPONSE_LEVEL, code="II", kind=MeasureKind.CLOSE,
            title_zh="关闭下穿隧道", role="unit:drainage", limit_s=3600.0,
        ),
    ),
    resources=(
        ResourceRow(
            key="r", resource="pump", owner="unit:drainage", requester="unit:centre",
            releaser="unit:drainage", approvals=("unit:emergency",), approval_s=600.0,
        ),
    ),
)  # fmt: skip
CONTENTS = {
    "category": "waterlogging", "colour": "red", "starts": format_time(START), "area": "area:demo",
    "caution": "低洼处积水", "measures": "停止通行", "issuer": "unit:emergency", "issues": format_time(START),
}  # fmt: skip


UPWARD = ReportRow(
    key="up", flow="*", kind=ReportKind.UPWARD, recipient="unit:government", signer="unit:emergency",
    first_s=1800.0, next_s=7200.0,
)  # fmt: skip


@pytest.fixture
def wet(tmp_path: Path) -> Iterator[Town]:
    made = Town(tmp_path, reports=(UPWARD,), **ROWS)
    yield made
    made.close()


class Desk:
    """Acts on one thing as whoever is on duty at a post."""

    def __init__(self, town: Town, kind: str, id: str = "") -> None:
        self.town, self.client, self.kind, self.id = town, Client(town), kind, id
        self.keys = 0

    def new(self, post: str, body: dict[str, Any], key: str = "new-1") -> httpx.Response:
        answer = self.client.ask(
            "POST", self.kind, self.town.token(post=post), json=body, headers={"Idempotency-Key": key}
        )
        if answer.status_code == 200:
            self.id = answer.json()["id"]
        self.town.settle()
        return answer

    def act(
        self, post: str, action: str, body: Any = None, *, key: str = "", version: int = 0
    ) -> httpx.Response:
        self.keys += 1
        headers = {
            "Idempotency-Key": key or f"k-{self.kind}-{self.keys}",
            "If-Match": f'"{version or self.read(CENTRE)["version"]}"',
        }
        path = f"{self.kind}/{self.id}/acts/{action}"
        answer = self.client.ask("POST", path, self.town.token(post=post), json=body or {}, headers=headers)
        self.town.settle()
        return answer

    def read(self, post: str) -> dict[str, Any]:
        answer = self.client.get(f"{self.kind}/{self.id}", self.town.token(post=post))
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


def good(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.slow
def test_a_red_warning_from_draft_to_its_decision_and_end(wet: Town) -> None:
    warning = Desk(wet, "warnings")
    first = good(warning.new(DRAINAGE, CONTENTS | {"measures": None}))
    assert (
        first["reason"]["key"] == "warning.drafted"
        and good(warning.new(DRAINAGE, CONTENTS | {"measures": None}))["repeated"]
    )
    is_problem(warning.act(LEADER, "approve"), 409, "warning.incomplete")
    good(warning.act(DRAINAGE, "revise", {"measures": "停止通行，转移人员"}))
    is_problem(warning.act(CENTRE, "publish"), 409, "warning.not_approved")
    is_problem(warning.act(DRAINAGE, "approve"), 403, "power.not_yours")
    is_problem(warning.act("post:contractor.duty", "approve"), 404, "warning.unknown")
    good(warning.act(LEADER, "approve"))
    is_problem(warning.act(CENTRE, "publish", version=1), 409, "power.stale")
    good(warning.act(CENTRE, "publish"))
    seen = warning.read(CENTRE)
    assert seen["stage"] == "published" and seen["undecided"] == 1 and not seen["over"]
    assert [v["contents"]["missing"] for v in seen["versions"]] == [["measures"], []]
    assert seen["versions"][1]["contents"]["measures"] == "停止通行，转移人员"
    assert seen["versions"][1]["unresolved"] == ["garrison"]
    sent = {(one["recipient"], one["channel"]): one["outcome"] for one in seen["sendings"]}
    assert sent[("public", "file")] == "delivered" and len(sent) == 2

    asked = Client(wet).get("responses", wet.token(post=LEADER)).json()["items"]
    assert len(asked) == 1 and asked[0]["open_questions"] == 1 and asked[0]["due"]
    response = Desk(wet, "responses", asked[0]["id"])
    is_problem(response.act("post:emergency.duty", "decline", {"reason": "雨势减弱"}), 403, "power.not_yours")
    wet.pass_time(31 * MINUTE)
    assert response.read(CENTRE)["questions"][0]["units"] == ["unit:emergency", "unit:government"]
    lifted = warning.act("post:emergency.duty", "lift", {"reason": "降雨结束"})
    good(lifted)
    assert warning.read(CENTRE)["stage"] == "lifted" and not warning.read(CENTRE)["over"], "undecided"
    is_problem(response.act(MAYOR, "start", {"level": "II", "matter": "内涝"}), 409, "response.incomplete")
    good(response.act(MAYOR, "start", {"matter": "城区内涝", "expected_s": 86400}))
    after = warning.read(CENTRE)
    assert (
        after["over"]
        and after["decisions"][0]["start"]
        and after["decisions"][0]["unit"] == "unit:government"
    )
    policy = wet.platform.handler.policy
    assert policy.phase_of("waterlogging", "/demo/east/") == "respond"
    is_problem(response.act(DRAINAGE, "measure", {"measure": "m", "taken": False}), 409, "power.no_reason")
    good(response.act(DRAINAGE, "measure", {"measure": "m", "taken": True}))
    good(response.act(MAYOR, "end", {"reason": "险情解除"}))
    assert wet.platform.handler.policy.phase_of("waterlogging", "/demo/east/") == "monitor"


@pytest.mark.slow
def test_a_resource_is_asked_for_approved_released_and_given_back(wet: Town) -> None:
    request = Desk(wet, "resources")
    asked = {
        "resource": "pump",
        "quantity": 2,
        "measure": "piece",
        "area": "area:east",
        "hazard": "waterlogging",
    }
    good(request.new(CENTRE, asked))
    is_problem(request.act(DRAINAGE, "release", {"quantity": 2}), 409, "resource.not_allowed")
    good(request.act(LEADER, "approve"))
    good(request.act(DRAINAGE, "release", {"quantity": 2}))
    good(request.act(CENTRE, "receive", {"quantity": 2}))
    good(request.act(DRAINAGE, "return", {"quantity": 1}))
    seen = request.read(CENTRE)
    assert seen["stage"] == "returned" and [m["quantity"] for m in seen["moves"]] == [2.0, 2.0, 1.0]
    assert Client(wet).get(f"resources/{request.id}", wet.token(post="post:gas.duty")).status_code == 404


def desk(town: Town, post: str) -> list[tuple[str, str]]:
    found = Client(town).get("desk", town.token(post=post)).json()
    return [(one["kind"], one["stream"].partition(":")[0]) for one in found["items"]]


@pytest.mark.slow
def test_the_desk_shows_each_what_waits_for_them_and_nothing_else(wet: Town) -> None:
    warning, request = Desk(wet, "warnings"), Desk(wet, "resources")
    assert desk(wet, LEADER) == []
    good(warning.new(DRAINAGE, CONTENTS))
    good(
        request.new(
            CENTRE, {"resource": "pump", "quantity": 2, "area": "area:east", "hazard": "waterlogging"}
        )
    )
    assert desk(wet, LEADER) == [("resource", "resource"), ("approve", "warning")], (
        "what is due first is in front"
    )
    assert desk(wet, DRAINAGE) == desk(wet, CENTRE) == []
    good(warning.act(LEADER, "approve"))
    assert desk(wet, CENTRE) == [("publish", "warning")]
    good(warning.act(CENTRE, "publish"))
    assert ("response", "response") in desk(wet, LEADER) and desk(wet, MAYOR) == []
    wet.pass_time(31 * MINUTE)
    assert desk(wet, MAYOR) == [("response", "response")], "passed on"
    good(warning.act(CENTRE, "danger_over"))
    assert ("lift", "warning") in desk(wet, "post:emergency.duty")
    first = Client(wet).get("desk", wet.token(post=MAYOR)).json()["items"][0]
    assert first["left_s"] < 0 and first["label"]["zh"] == "决定是否启动响应"


@pytest.mark.slow
def test_a_report_is_drafted_signed_received_and_stands_in_the_timeline(wet: Town) -> None:
    case = wet.open_case()
    client = Client(wet)

    def act(post: str, action: str, body: dict[str, Any]) -> httpx.Response:
        headers = {"Idempotency-Key": f"{action}-{post}", "If-Match": f'"{wet.version(case)}"'}
        answer = client.ask(
            "POST", f"cases/{case}/acts/{action}", wet.token(post=post), json=body, headers=headers
        )
        wet.settle()
        return answer

    good(act(CENTRE, "judge", {"verdict": "real"}))
    good(act(CENTRE, "report", {"text": "首报：现场情况待核实，无人员伤亡报告"}))
    state = client.get(f"cases/{case}/report", wet.token(post=CENTRE)).json()
    assert state["state"]["blocked"] == "unsigned" and state["sent"] == []
    assert desk(wet, LEADER) == [("sign", "case")]
    is_problem(act(CENTRE, "sign", {"passed": True}), 403, "act.not_yours")
    good(act(LEADER, "sign", {"passed": True}))
    good(act("post:government.duty", "receive", {}))
    state = client.get(f"cases/{case}/report", wet.token(post=CENTRE)).json()
    assert state["state"]["received"] == 1 and state["state"]["blocked"] == ""
    assert state["sent"][0]["text"].startswith("首报") and desk(wet, LEADER) == []
    lines = client.get(f"cases/{case}/timeline", wet.token(post=CENTRE)).json()["items"]
    events = [line["event"] for line in lines if line["type"] == "report"]
    assert events == ["ReportOwed", "ReportDrafted", "CaseReported", "ReportReceived"]


@pytest.mark.slow
def test_a_warning_of_the_meteorological_office_comes_in_once_and_may_not_come_from_anybody(
    wet: Town,
) -> None:
    given = {
        "source": "meteorology", "number": "M-7", "revision": 1, "change": "issue",
        "category": "waterlogging",
        "colour": "red", "area": "area:east", "issues": format_time(START), "issuer": "body:meteorology",
        "caution": "强降雨",
    }  # fmt: skip

    def send(post: str = "", source: str = "", **more: Any) -> httpx.Response:
        token = wet.token(post=post, source=source)
        answer = Client(wet).ask(
            "POST", "warnings/external", token, json=given | more, headers={"Idempotency-Key": "x"}
        )
        wet.settle()
        return answer

    is_problem(send(DRAINAGE), 403, "auth.no_capability")
    assert good(send(CENTRE))["reason"]["key"] == "warning.external_taken"
    assert good(send(source="source:drainage"))["reason"]["key"] == "warning.known_revision"
    found = Client(wet).get("warnings", wet.token(post=CENTRE)).json()["items"]
    assert len(found) == 1 and found[0]["external"] and found[0]["undecided"] == 1
    shown = Desk(wet, "warnings", found[0]["id"])
    is_problem(shown.act(LEADER, "lift", {"reason": "x"}), 409, "warning.external")
    assert shown.read(CENTRE)["versions"][0]["contents"]["caution"] == "强降雨"
    good(send(CENTRE, revision=2, change="cancel"))
    after = shown.read(CENTRE)
    assert after["stage"] == "lifted" and not after["over"], "cancelled, and nobody has decided"


@pytest.mark.slow
def test_simulated_leaders_bring_a_warning_and_its_response_to_their_end(wet: Town) -> None:
    warning = Desk(wet, "warnings")
    good(warning.new(DRAINAGE, CONTENTS))
    for _ in range(60):
        authority, policy = wet.platform.authority, wet.platform.handler.policy
        scope = wet.platform.access.scope(session_of(wet))
        waiting = [i for s in authority.all(scope, WarningState) for i in of_warning(policy, 5, s)]
        waiting += [i for s in authority.all(scope, ResponseState) for i in of_response(policy, 5, s)]
        if not waiting:
            break
        first = min(waiting, key=lambda intent: intent.rank)
        if first.at > wet.now:
            wet.pass_time(min(first.at - wet.now, 10 * MINUTE))
            continue
        answer = perform(wet.platform, first).result(10)
        assert answer.status == "done", answer
        wet.settle()
    seen = warning.read(CENTRE)
    assert seen["stage"] == "published" and seen["decisions"] and not seen["open_questions"]


def session_of(town: Town) -> Any:
    duty = town.platform.handler.policy.city.on_duty(CENTRE, town.now)
    assert duty is not None
    return Session(person=duty.person, post=CENTRE)


@pytest.mark.slow
def test_who_may_see_a_warning_hears_of_it_and_nobody_else(wet: Town) -> None:
    heard: list[Happened] = []
    listener = Listener("x", lambda batch: heard.extend(batch.happened), lambda key: None)
    wet.platform.live.listen(listener)
    warning = Desk(wet, "warnings")
    good(warning.new(DRAINAGE, CONTENTS))
    for _ in range(500):
        found = [one for one in heard if one.kind == "warning"]
        if found:
            break
        time.sleep(0.02)
    wet.platform.live.leave(listener)
    assert {one.id for one in found} == {warning.id}, "once or, where its deliveries came later, again"
    one = found[0]
    knows = {}
    for post in (CENTRE, DRAINAGE, LEADER, "post:gas.duty", "post:contractor.duty"):
        scope = wet.platform.access.scope(Session(person="person:x", post=post))
        knows[post] = may_know(scope, one.kind, one.id, one.facts, one.now)
    assert list(knows.values()) == [True, True, True, False, False]
