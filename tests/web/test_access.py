"""No route without a sign-in, nothing outside the scope, and every refusal leaves a trace."""

from __future__ import annotations

import re

import pytest
from fastapi.routing import iter_route_contexts

from liandong.adapters.http import make_router
from liandong.core.values.access import Session
from liandong.core.values.errors import Forbidden
from liandong.core.values.times import DAY, SECOND
from liandong.web.schema import openapi_document
from tests.web.town import API, CENTRE, OPERATOR, Client, Town, is_problem

OPEN = {
    ("GET", f"{API}/health/live"), ("GET", f"{API}/health/ready"), ("GET", f"{API}/session/ways"),
    ("POST", f"{API}/session"), ("GET", f"{API}/session/oidc"), ("GET", f"{API}/session/oidc/return"),
}  # fmt: skip
ROUTES = [
    (method.upper(), path)
    for path, operations in openapi_document([make_router(None)])["paths"].items()
    for method in operations
    if (method.upper(), path) not in OPEN
]
#: Sees waterlogging and gas, but no part of the east's evaluation.
WEST = "post:emergency_west.duty"
EAST = "post:emergency_east.duty"


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize("token", ["", "wrong", "Bearer"])
def test_every_route_asks_who_it_is(client: Client, method: str, path: str, token: str) -> None:
    answer = client.ask(method, re.sub(r"\{\w+\}", "x", path), token, content=b"{}")
    is_problem(answer, 401, "auth.invalid" if token else "auth.missing")
    assert answer.headers["www-authenticate"] == "Bearer"


def test_the_walk_sees_every_route_of_the_application(town: Town, client: Client) -> None:
    """A route that hides from the document would hide from the walk."""
    found = {
        (method, route.path)
        for route in iter_route_contexts(town.app.routes)
        for method in route.methods or ()
    }
    described = {*ROUTES, *OPEN, ("GET", f"{API}/openapi.json")}
    assert {pair for pair in found if pair[0] != "HEAD"} == described
    assert client.get("openapi.json").status_code == 200
    for path in ("health/live", "health/ready", "session/ways"):
        assert client.get(path).status_code == 200
    for path in ("/docs", "/redoc", "/metrics", "/"):
        assert client.get(path).headers["content-type"].startswith("text/html")  # the console's, not ours
        is_problem(client.post(path), 404, "http.not_found")


def test_another_kind_of_credential_is_none(client: Client, town: Town) -> None:
    token = town.token(post=CENTRE)
    for value in (token, f"Basic {token}", f"Token {token}"):
        answer = client.get("me", headers={"Authorization": value})
        is_problem(answer, 401, "auth.missing")


def test_a_case_of_another_area_is_not_there_and_that_is_journalled(
    town: Town, client: Client, case: str
) -> None:
    token = town.token(post=WEST)
    person = client.get("me", token).json()["person"]
    answer = client.get(f"cases/{case}", token)
    is_problem(answer, 404, "case.unknown")
    assert answer.json()["params"] == {"case": case}
    assert town.notes(person)[-1] == "access.outside_scope"
    is_problem(client.get(f"cases/{case}/journal", token), 404, "case.unknown")
    before = len(town.notes(person))
    is_problem(client.act(case, "note", token, key="w-1", text="?"), 404, "case.unknown")
    assert town.notes(person)[before:] == ["access.outside_scope"]
    assert client.get("cases", token).json()["items"] == []
    assert client.get("orders?person=any", token).json()["items"] == []


def test_an_unknown_case_looks_the_same_as_a_foreign_one(town: Town, client: Client, case: str) -> None:
    token = town.token(post=WEST)
    foreign = client.get(f"cases/{case}", token).json()
    unknown = client.get("cases/case_nothing", token).json()
    for document in (foreign, unknown):
        del document["params"], document["instance"], document["detail"]
    assert foreign == unknown


def test_words_typed_as_a_case_do_not_reach_the_journal(town: Town, client: Client) -> None:
    token = town.token(post=WEST)
    is_problem(client.get("cases/王小明 000-5550143", token), 404, "case.unknown")
    person = client.get("me", token).json()["person"]
    town.settle()
    assert "王小明" not in town.platform.store.entries_of(f"access:{person}")[-1].body.decode()


def test_inside_the_scope_without_the_capability(town: Town, client: Client, case: str) -> None:
    token = town.token(post=EAST)
    person = client.get("me", token).json()["person"]
    assert client.get(f"cases/{case}", token).status_code == 200
    document = is_problem(client.get(f"cases/{case}/journal", token), 403, "auth.no_capability")
    assert document["params"] == {"capability": "journal.read"}
    for path in ("rejected", "rejected/x", "dead-letters", "health", "metrics", "persons/person:p001"):
        is_problem(client.get(path, token), 403, "auth.no_capability")
    for path in ("rejected/x/replay", "dead-letters/x/replay"):
        is_problem(client.post(path, token), 403, "auth.no_capability")
    is_problem(
        client.post("subjects/person:person:p001/erase", token, json={"reason": "x"}),
        403,
        "auth.no_capability",
    )
    is_problem(client.post("clock/confirm", token, json={"accept_wall": True}), 403, "auth.no_capability")
    assert town.notes(person) == ["access.forbidden"] * 11


def test_who_takes_part_reads_the_journal(town: Town, client: Client, case: str) -> None:
    entries = client.get(f"cases/{case}/journal", town.token(post=CENTRE)).json()["items"]
    assert entries[0]["key"] == "case.opened" and "已立案" in entries[0]["text"]
    assert [entry["sequence"] for entry in entries] == list(range(1, len(entries) + 1))
    assert {event["type"] for event in entries[0]["events"]} >= {"CaseOpened", "OrderIssued"}


def test_who_may_read_the_journal_reads_it_without_seeing_the_case(
    town: Town, client: Client, case: str
) -> None:
    token = town.token(post=OPERATOR)
    is_problem(client.get(f"cases/{case}", token), 404, "case.unknown")
    page = client.get(f"cases/{case}/journal?limit=2", token, language="en").json()
    assert "Case opened" in page["items"][0]["text"]
    following = client.get(f"cases/{case}/journal?limit=2&after={page['next']}", token).json()
    assert following["items"][0]["sequence"] == 3


def test_scores_need_their_own_capability(town: Town, client: Client) -> None:
    is_problem(client.get("scores", town.token(post=OPERATOR)), 403, "auth.no_capability")
    assert client.get("scores", town.token(post=CENTRE)).json() == {"items": [], "next": ""}


def test_names_are_given_to_who_may_and_every_look_is_journalled(town: Town, client: Client) -> None:
    token = town.token(post=CENTRE)
    me = client.get("me", token).json()
    record = town.folder.persons[0]
    answer = client.get(f"persons/{record.key}", token)
    assert answer.json() == {"id": record.key, "name": record.name, "phone": record.phone}
    assert town.notes(me["person"])[-1] == "access.person"
    is_problem(client.get("persons/person:nobody", token), 404, "person.unknown")
    names = {person.name for person in town.folder.persons}
    for path in ("cases", "orders?person=any", "scores", "me"):
        assert not any(name in client.get(path, token).text for name in names)


def test_a_source_may_send_and_nothing_else(town: Town, client: Client, case: str) -> None:
    token = town.token(source=town.channels()[0].source)
    assert client.get("me", token).json()["source"] == town.channels()[0].source
    is_problem(client.get(f"cases/{case}", token), 404, "case.unknown")
    is_problem(client.get("rejected", token), 403, "auth.no_capability")
    assert client.get("orders", token).json()["items"] == []
    is_problem(client.post("readings", town.token(post=CENTRE), content=b"{}"), 403, "auth.not_a_source")


def test_a_source_is_known_without_the_store_for_a_second(town: Town) -> None:
    """By which the short way in tells whose message it may take at once; a revoked token lives no longer."""
    access = town.platform.access
    token = access.issue_token(Session(source=town.channels()[0].source))
    assert access.known(token) is None and access.known("") is None, "not looked up yet"
    assert access.session(token) == access.known(token)
    town.pass_time(SECOND)
    assert access.known(token) is None
    person = town.token(post=CENTRE)
    access.session(person)
    assert access.known(person) is None, "people go the ordinary way"


def test_a_post_that_is_no_longer_held_opens_nothing(town: Town, client: Client) -> None:
    stranger = town.folder.persons[-1].key
    token = town.token(post=CENTRE, person=stranger)
    is_problem(client.get("me", token), 403, "auth.post_not_held")
    with pytest.raises(Forbidden):
        town.platform.access.session(token)


def test_a_token_ends(town: Town, client: Client) -> None:
    duty = town.platform.handler.policy.city.on_duty(OPERATOR, town.now)
    assert duty is not None
    token = town.platform.access.issue_token(Session(person=duty.person, post=OPERATOR), days=1)
    assert client.get("me", token).status_code == 200
    town.pass_time(DAY)
    is_problem(client.get("me", token), 401, "auth.invalid")
