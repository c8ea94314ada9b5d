"""A mechanism on its way into force over HTTP, in a running city: nothing is stopped, nothing is mocked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from liandong.adapters.mechanisms import write_file
from liandong.core.values.city import Permission
from liandong.core.values.document import Mechanism
from liandong.core.values.lists import Capability, DataClass, Mode
from liandong.core.values.times import DAY, HOUR, MINUTE, format_time
from liandong.runners.replay import replay
from liandong.stores.memory import open_memory
from tests.small_town.mechanism import demo_mechanism
from tests.web.town import CENTRE, Client, Town, is_problem

DRAFTER, SECOND = "post:emergency.duty", "post:emergency.leader"
HOUSING, GAS, FIRE, READER = "post:housing.duty", "post:gas.duty", "post:fire.duty", "post:government.leader"
CONTRACTOR = "post:operator"
#: Leads gas leaks from the second mechanism on; in the first it is whoever owns the place.
NEXT = "unit:housing"
LEAD = "role.gas_leak.lead.owner"
_MODES = (Mode.REAL, Mode.DRILL, Mode.TEST)


def _rights() -> tuple[Permission, ...]:
    can = Capability
    rows = (
        (DRAFTER, can.MECHANISM_DRAFT), (DRAFTER, can.MECHANISM_PUBLISH), (SECOND, can.MECHANISM_PUBLISH),
        (READER, can.MECHANISM_READ), (CONTRACTOR, can.MECHANISM_DRAFT), (CONTRACTOR, can.MECHANISM_PUBLISH),
    )  # fmt: skip
    return tuple(
        Permission(post=post, capability=right, domains=("*",), modes=_MODES, data_class=DataClass.INTERNAL)
        for post, right in rows
    )


def _document(*, lead: str = NEXT, hole: bool = False, key: str = "foshan-second-form") -> Mechanism:
    """The town's mechanism with another lead for gas; with a hole, nobody leads there."""
    made = demo_mechanism()
    roles = (row for row in made.roles if row.key != "role.any.lead.owner")
    changed = (replace(row, role=lead) if row.key == LEAD else row for row in roles)
    left = tuple(row for row in changed if not hole or row.key != LEAD)
    return replace(made, key=key, issuer="body:safety", roles=left)


def _yaml(document: Mechanism, folder: Path) -> dict[str, str]:
    path = folder / f"{document.key}.yaml"
    write_file(path, document)
    return {path.name: path.read_text(encoding="utf-8")}


class Office:
    """Whoever drafts, answers and publishes, by post; each act on the version that is there."""

    def __init__(self, town: Town, folder: Path) -> None:
        self.town, self.client, self.folder = town, Client(town), folder
        self.draft_id = ""
        self._keys = 0

    def ask(
        self, post: str, path: str, body: dict[str, Any], *, version: int | None = None, key: str = ""
    ) -> httpx.Response:
        self._keys += 1
        seen = self.version() if version is None else version
        headers = {"Idempotency-Key": key or f"k{self._keys}", "If-Match": f'"{seen}"'}
        return self.client.post(path, self.town.token(post=post), headers=headers, json=body)

    def draft(self, document: Mechanism, post: str = DRAFTER, **more: Any) -> httpx.Response:
        body = {"files": _yaml(document, self.folder)} | ({"draft": self.draft_id} if self.draft_id else {})
        answer = self.ask(post, "mechanisms", body | more.pop("body", {}), **more)
        if answer.status_code == 200:
            self.draft_id = answer.json()["draft"]
        return answer

    def consult(self, until: int, *units: str, post: str = DRAFTER, **more: Any) -> httpx.Response:
        body = {"until": format_time(until), "units": list(units)}
        return self.ask(post, f"mechanisms/{self.draft_id}/consult", body, **more)

    def act(self, action: str, post: str, *, version: int | None = None, key: str = "", **body: Any) -> Any:
        return self.ask(post, f"mechanisms/{self.draft_id}/acts/{action}", body, version=version, key=key)

    def publish(self, number: str, in_force: int, post: str = SECOND, **more: Any) -> httpx.Response:
        answer = self.act("publish", post, number=number, in_force=format_time(in_force), **more)
        return answer

    def version(self) -> int:
        stream = f"mechanism:{self.draft_id}"
        row = self.town.platform.store.load([stream]).get(stream)
        return 0 if row is None else row.version

    def view(self, post: str = DRAFTER, language: str = "en") -> dict[str, Any]:
        answer = self.client.get(f"mechanisms/{self.draft_id}", self.town.token(post=post), language=language)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    made = Town(tmp_path / "town", permissions=_rights())
    yield made
    made.close()


@pytest.fixture
def office(town: Town, tmp_path: Path) -> Office:
    return Office(town, tmp_path)


def _done(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    assert body["status"] == "done" and "⟦" not in body["text"]
    return body


@pytest.mark.slow
def test_from_draft_to_force_without_a_restart(town: Town, office: Office) -> None:
    before = town.open_case(0)
    _push(town, before)
    kept = _plans(town, before)
    (owner,) = {unit for unit, clauses in kept.values() if "step.gas_leak.II.arrive" in clauses}
    assert owner != NEXT

    # Drafted from a YAML file, and proven at once; with a hole it stays unproven and says of what kind.
    holed = _done(office.draft(_document(hole=True)))
    assert holed["key"] == "mechanism.draft_refused"
    assert office.view()["faults"] == ["no_lead"] and not office.view()["proven"]
    _done(office.consult(town.now + HOUR, NEXT))
    town.pass_time(2 * HOUR)
    refused = is_problem(office.publish("安委办〔2026〕1号", town.now + HOUR), 409, "mechanism.not_proven")
    assert refused["params"]["faults"] == "no_lead"

    # Mended: what changes for whom, in words.
    assert _done(office.draft(_document()))["key"] == "mechanism.draft_proven"
    seen = office.view()
    assert seen["proven"] and seen["faults"] == []
    gained = [line for line in seen["changes"] if line.startswith("City Housing Bureau") and "lead" in line]
    assert gained and LEAD in gained[0], seen["changes"]

    # Asked: whoever it concerns, each about its own rows; silence is shown as silence.
    _done(office.consult(town.now + HOUR))
    asked = {one["unit"]: one for one in office.view()["asked"]}
    assert LEAD in asked[NEXT]["rows"] and asked[NEXT]["silent"]
    assert owner in asked and "unit:fire" not in asked  # who loses a duty is asked too
    is_problem(office.publish("1", town.now + HOUR), 409, "mechanism.still_waiting")
    words = "夜间抢修力量不足，建议增设值守"
    for unit in set(asked) - {NEXT}:
        _done(office.act("opinion", f"post:{unit.removeprefix('unit:')}.duty", stand="accept"))
    _done(office.act("opinion", HOUSING, row=LEAD, stand="object", text=words))
    said = office.view(HOUSING)
    assert [one["words"] for one in said["opinions"]] == [words] and not said["asked"][0]["silent"]
    town.pass_time(2 * HOUR)
    is_problem(office.publish("1", town.now + HOUR), 409, "mechanism.open_objections")
    foreign = office.act("decide", GAS, unit=NEXT, row=LEAD, accepted=False, text="x")
    is_problem(foreign, 403, "mechanism.not_issuing")
    _done(office.act("decide", DRAFTER, unit=NEXT, row=LEAD, accepted=False, text="由联合值守解决"))
    assert [one["decision"] for one in office.view(HOUSING)["opinions"]] == ["由联合值守解决"]

    # Countersigned for this very content, and published by another person than the drafter.
    is_problem(office.act("countersign", HOUSING, digest="0" * 64), 409, "mechanism.other_content")
    _done(office.act("countersign", HOUSING, digest=office.view()["digest"]))
    assert office.view(HOUSING)["asked"][0]["signed"]
    is_problem(office.publish("1", town.now + HOUR, post=DRAFTER), 403, "mechanism.same_person")
    moment = town.now + HOUR
    published = _done(office.publish("安委办〔2026〕1号", moment))
    assert published["key"] == "mechanism.published_now" and office.view()["status"] == "published"

    # In force at its moment, live: what opens before keeps its orders.
    town.pass_time(HOUR - 5 * MINUTE)
    assert town.platform.handler.policy.versions.mechanism == 1
    town.pass_time(10 * MINUTE)
    assert office.view()["status"] == "in_force"
    assert town.platform.handler.policy.versions.mechanism == 2
    after = town.open_case(1)
    _push(town, after)
    now = _plans(town, after)
    assert {unit for unit, clauses in now.values() if "step.gas_leak.II.arrive" in clauses} == {NEXT}
    assert {order: _plans(town, before)[order] for order in kept} == kept

    # A later one, under another key, takes its place.
    first, office.draft_id = office.draft_id, ""
    _done(office.draft(_document(lead="unit:gas", key="foshan-third-form")))
    _done(office.consult(town.now + HOUR, "unit:gas"))
    _done(office.act("opinion", GAS, stand="accept"))
    _done(office.publish("安委办〔2026〕2号", town.now + MINUTE))
    town.pass_time(2 * MINUTE)
    assert office.view()["status"] == "in_force"
    second, office.draft_id = office.draft_id, first
    assert office.view()["status"] == "superseded"
    listed = Client(town).get("mechanisms", town.token(post=READER)).json()["items"]
    assert {one["draft"]: one["status"] for one in listed} == {first: "superseded", second: "in_force"}

    # All of it comes out of the journal again, byte by byte.
    town.settle()
    found = replay(town.platform.store, open_memory())
    assert found.differences == [] and found.compared > 50


def _push(town: Town, case: str) -> None:
    """Judge a case and push it to whoever leads."""
    client, token = Client(town), town.token(post=CENTRE)
    for action, fields in (("judge", {"verdict": "real"}), ("push", {})):
        answer = client.act(case, action, token, key=action, **fields)
        assert answer.status_code == 200, answer.text
    town.settle()


def _plans(town: Town, case: str) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Order → unit and the clauses of its steps, as the page of the case shows them."""
    answer = Client(town).get(f"cases/{case}", town.token(post=CENTRE))
    assert answer.status_code == 200, answer.text
    return {
        order["id"]: (order["unit"], tuple(step["clause"] for step in order["steps"]))
        for order in answer.json()["orders"]
    }


def test_a_unit_that_was_only_asked_sees_only_its_own(town: Town, office: Office) -> None:
    _done(office.draft(_document()))
    token = town.token(post=HOUSING)
    is_problem(Client(town).get(f"mechanisms/{office.draft_id}", token), 404, "mechanism.unknown")
    _done(office.consult(town.now + DAY, NEXT, "unit:fire"))
    mine, whole = office.view(HOUSING), office.view()
    assert mine["changes"], whole["changes"]
    assert any(line.startswith("City Housing Bureau") for line in mine["changes"]), mine["changes"]
    assert set(mine["changes"]) < set(whole["changes"])
    _done(office.act("opinion", FIRE, stand="propose", text="另行商定"))
    assert [one["unit"] for one in office.view(HOUSING)["asked"]] == [NEXT]
    assert office.view(HOUSING)["opinions"] == [] and len(office.view()["opinions"]) == 1
    assert Client(town).get("mechanisms", token).json()["items"][0]["waiting_for_me"]
    assert Client(town).get("mechanisms", town.token(post=GAS)).json()["items"] == []


def test_nobody_without_the_right_drafts_publishes_or_looks(town: Town, office: Office) -> None:
    is_problem(Client(town).get("mechanisms"), 401, "auth.missing")
    is_problem(office.draft(_document(), post=HOUSING), 403, "mechanism.no_right")
    is_problem(office.draft(_document(), post=CONTRACTOR), 403, "mechanism.contractor")
    assert list(town.platform.store.states("mechanism")) == [] or office.version() == 0
    _done(office.draft(_document()))
    _done(office.consult(town.now + DAY, NEXT))
    is_problem(office.act("opinion", READER, stand="accept"), 403, "mechanism.not_asked")
    is_problem(office.publish("1", town.now + HOUR, post=CONTRACTOR), 403, "mechanism.contractor")
    is_problem(office.act("enter_force", SECOND), 403, "mechanism.platform_only")
    is_problem(office.act("opinion", HOUSING, stand="object"), 409, "act.missing_field")
    unknown = office.act("opinion", HOUSING, stand="accept", row="no.such.row")
    is_problem(unknown, 409, "mechanism.unknown_row")


def test_the_same_key_does_it_once_and_an_old_version_not_at_all(town: Town, office: Office) -> None:
    first = _done(office.draft(_document(), version=0, key="once"))
    known, office.draft_id = office.draft_id, ""
    again = _done(office.draft(_document(), version=0, key="once"))
    assert again["draft"] == known and again["repeated"] and not first["repeated"]
    office.draft_id = ""
    other = office.draft(_document(lead="unit:gas"), version=0, key="once")
    is_problem(other, 409, "act.idempotency_conflict")
    office.draft_id = known
    assert office.version() == 2  # drafted and proven, once
    seen = office.version()
    _done(office.consult(town.now + DAY, NEXT, version=seen, key="ask"))
    assert _done(office.consult(town.now + DAY, NEXT, version=seen, key="ask"))["repeated"]
    stale = is_problem(office.consult(town.now + DAY, NEXT, version=seen), 409, "act.stale")
    assert stale["version"] == office.version()
    said = {"stand": "object", "key": "say", "version": office.version()}
    _done(office.act("opinion", HOUSING, text="一", **said))
    assert _done(office.act("opinion", HOUSING, text="一", **said))["repeated"]
    is_problem(office.act("opinion", HOUSING, text="二", **said), 409, "act.idempotency_conflict")
    answer = Client(town).post(
        f"mechanisms/{known}/acts/opinion", town.token(post=HOUSING), json={"stand": "accept"}
    )
    is_problem(answer, 422, "act.no_version")


@pytest.mark.parametrize(
    ("files", "status", "key"),
    [
        ({"a.yaml": "key: [unclosed"}, 422, ""),
        ({"../a.yaml": "key: a"}, 422, "http.bad_field"),
        ({"a.xlsx": "key: a"}, 422, "http.bad_field"),
        ({}, 422, "http.bad_field"),
        ({"a.yaml": ""}, 422, ""),
        ({"a.yaml": "\ud800"}, 400, "json.malformed"),
        ({"a.yaml": "key: a\nroles:\n  - {key: r, part: nonsense}"}, 422, ""),
    ],
)
def test_what_is_no_document_is_said(office: Office, files: dict[str, str], status: int, key: str) -> None:
    import json

    raw = json.dumps({"files": files}).encode()
    headers = {"Idempotency-Key": "x", "If-Match": '"0"', "Content-Type": "application/json"}
    answer = office.client.post("mechanisms", office.town.token(post=DRAFTER), content=raw, headers=headers)
    assert answer.status_code == status, answer.text
    assert "⟦" not in answer.text and (not key or answer.json()["key"] == key)
    unknown = office.ask(DRAFTER, "mechanisms", {"files": {"a.yaml": "key: a"}, "draft": "mec_none"})
    is_problem(unknown, 404, "mechanism.unknown")
