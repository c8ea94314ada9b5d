"""Rosters through the API: two signatures change who gets the orders, rings find dead contacts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from liandong.app.clock import VirtualClock
from liandong.app.rebuild import rebuild
from liandong.app.settings import load_settings
from liandong.core.values.city import Duty
from liandong.core.values.lists import Watch
from liandong.core.values.roster import Wake
from liandong.core.values.times import HOUR, MINUTE, format_time
from liandong.wiring import open_city
from tests.small_town import demo_city
from tests.web.town import CENTRE, OPERATOR, START, Client, Town, is_problem

EAST = "post:emergency_east.duty"


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Town]:
    made = Town(tmp_path)
    yield made
    made.close()


def rows(town: Town) -> list[Duty]:
    return list(town.platform.handler.policy.city.roster.rows(CENTRE, Watch.MAIN))


def ahead(town: Town, number: int = 0) -> tuple[Duty, str]:
    """A duty that is still to come, and a colleague who is free then."""
    coming = [duty for duty in rows(town) if duty.start > town.now][number]
    crew = sorted({duty.person for duty in rows(town)})
    busy = {duty.person for duty in rows(town) if duty.start < coming.end and coming.start < duty.end}
    return coming, next(person for person in crew if person not in busy)


def item(duty: Duty, taker: str) -> dict[str, Any]:
    return {"post": CENTRE, "start": format_time(duty.start), "giver": duty.person, "taker": taker}


def say(client: Client, token: str, path: str, key: str, **body: Any) -> httpx.Response:
    return client.post(f"roster/{path}", token, headers={"Idempotency-Key": key}, json=body)


def answers(town: Town, at: int) -> str:
    found = town.platform.handler.policy.city.on_duty(CENTRE, at)
    return found.person if found else ""


def test_the_roster_of_the_unit_says_who_is_on_and_who_comes(town: Town, client: Client) -> None:
    token = town.token(post=CENTRE)
    seen = client.get("roster", token).json()
    assert seen["unit"] == "unit:centre" and seen["day"] == "workday" and seen["version"] == 0
    [post] = [one for one in seen["posts"] if one["post"] == CENTRE]
    [watch] = post["watches"]
    assert watch["watch"] == "main" and watch["now"]["person"] == post["person"] == answers(town, town.now)
    assert [duty["start"] for duty in watch["ahead"]] == sorted(duty["start"] for duty in watch["ahead"])
    assert watch["ahead"][0]["start"] == watch["now"]["end"] and watch["now"]["person_name"] is None
    assert any(one["leader"] for one in seen["posts"])
    # The town's roster is made for three days, and that is seen now.
    assert {hole["why"] for hole in seen["holes"] if hole["post"] == CENTRE} == {"nobody"}
    assert all("→" not in hole["text"] and hole["remedy"] for hole in seen["holes"])
    named = client.get("roster?persons=true", token).json()
    assert {one["post"] for one in named["posts"]} == {one["post"] for one in seen["posts"]}


def test_a_swap_holds_once_both_have_signed_and_orders_go_to_who_took_over(own: Town) -> None:
    client = Client(own)
    duty, taker = ahead(own)
    giver = own.token(post=CENTRE, person=duty.person)
    other = own.token(post=CENTRE, person=taker)
    made = say(client, giver, "swaps", "s1", items=[item(duty, taker)])
    assert made.status_code == 200 and made.json()["key"] == "roster.swap_proposed", made.text
    assert answers(own, duty.start) == duty.person
    [waiting] = client.get("roster", other).json()["proposals"]
    assert waiting["mine"] and waiting["other"] == taker and waiting["items"][0]["giver"] == duty.person
    assert not client.get("roster", giver).json()["proposals"][0]["mine"]

    path = f"proposals/{waiting['proposal']}"
    is_problem(say(client, giver, f"{path}/agree", "a0"), 409, "roster.same_person")
    done = say(client, other, f"{path}/agree", "a1")
    assert done.status_code == 200 and done.json()["key"] == "roster.swapped", done.text
    again = say(client, other, f"{path}/agree", "a1")
    assert again.status_code == 200 and again.json()["key"] == "roster.repeated"
    assert answers(own, duty.start) == taker and client.get("roster", other).json()["proposals"] == []

    own.now = duty.start
    own.pass_time(MINUTE)
    case = own.open_case()
    orders = client.get("orders?person=me", own.token(post=CENTRE, person=taker)).json()["items"]
    assert case in {order["case"] for order in orders}, "the order is for who is on duty by agreement"

    trace = [row.body for row in own.platform.store.entries_of("roster:unit:centre")]
    assert sum(b'"DutySwapped"' in body for body in trace) == 1
    assert taker.encode() in trace[-2] or taker.encode() in trace[-1]


def test_the_card_names_the_watches_of_a_post_and_whom_it_wakes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = demo_city(7, START, 3, 36)
    head = next(post.key for post in made.city.posts if post.leader and post.unit == "unit:centre")
    coming = [duty for duty in made.city.duties if duty.post == CENTRE]
    crew = sorted({duty.person for duty in coming})

    def other(duty: Duty, watch: Watch) -> Duty:
        person = next(one for one in crew if one not in (duty.person, duty.deputy))
        return msgspec.structs.replace(duty, person=person, deputy="", watch=watch)

    city = msgspec.structs.replace(
        made.city,
        duties=(*made.city.duties, *(other(duty, Watch.SECOND) for duty in coming)),
        wakes=(
            Wake(post=CENTRE, level="II", whom=head),
            Wake(post=CENTRE, level="I", whom="post:gas.leader"),
        ),
    )
    monkeypatch.setattr("tests.web.town.demo_city", lambda *_: msgspec.structs.replace(made, city=city))
    town = Town(tmp_path)
    try:
        client, case = Client(town), town.open_case()
        shown = client.get(f"cases/{case}", town.token(post=CENTRE)).json()
        card = next(one for one in shown["card"]["watches"] if one["unit"] == "unit:centre")
        duty = town.platform.handler.policy.city.roster.around(CENTRE, Watch.SECOND, town.now)[1]
        assert duty is not None and card["second"]["person"] == duty.person != card["main"]["person"]
        woken = {"I": [head, "post:gas.leader"], "II": [head]}.get(shown["level"], [])
        assert [one["post"] for one in card["wake"]] == woken and woken
    finally:
        town.close()


def test_a_swap_survives_a_restart_and_the_journal_alone_gives_it_again(tmp_path: Path) -> None:
    town = Town(tmp_path)
    client = Client(town)
    duty, taker = ahead(town, 1)
    say(client, town.token(post=CENTRE, person=duty.person), "swaps", "s1", items=[item(duty, taker)])
    [waiting] = client.get("roster", town.token(post=CENTRE)).json()["proposals"]
    path = f"proposals/{waiting['proposal']}/agree"
    assert say(client, town.token(post=CENTRE, person=taker), path, "a1").status_code == 200
    town.settle()
    town.close()

    clock = VirtualClock(town.now)
    city = open_city(load_settings({"data": tmp_path}, {}), town.folder, clock=clock)
    city.start()
    try:
        found = city.platform.handler.policy.city.on_duty(CENTRE, duty.start)
        assert found is not None and found.person == taker
        assert rebuild(city.platform.store).differences == []
    finally:
        city.stop()


def test_what_is_no_swap_is_refused_with_a_reason_and_a_remedy(town: Town, client: Client) -> None:
    duty, taker = ahead(town)
    giver = town.token(post=CENTRE, person=duty.person)
    hour = format_time(town.now - HOUR)
    for body, key in (
        (item(duty, "person:nobody"), "roster.not_of_unit"),
        (item(duty, taker) | {"start": hour}, "roster.already_begun"),
        (item(duty, taker) | {"start": format_time(duty.start + MINUTE)}, "roster.no_such_duty"),
    ):
        is_problem(say(client, giver, "swaps", f"x{key}", items=[body]), 409, key)
    is_problem(say(client, giver, "swaps", "e", items=[]), 422, "http.bad_field")
    is_problem(say(client, giver, "swaps", "", items=[item(duty, taker)]), 422, "act.no_key")
    is_problem(say(client, giver, "proposals/act_none/agree", "n"), 409, "roster.no_proposal")
    is_problem(say(client, giver, "proposals/p/agree", "n", unit="unit:none"), 404, "roster.unknown_unit")


def test_posts_go_over_in_one_action_and_the_successor_may_sign_in_for_them(own: Town) -> None:
    client = Client(own)
    city = own.platform.handler.policy.city
    since = own.now + HOUR
    on = [duty for duty in rows(own) if duty.start <= since < duty.end]
    busy = {person for duty in on for person in (duty.person, duty.deputy)}
    giver = next(h.person for h in city.roster.holdings(CENTRE) if h.person not in busy)
    taker = next(h.person for h in city.roster.holdings(EAST))
    made = say(
        client, own.token(post=CENTRE, person=giver), "moves", "m1", taker=taker, since=format_time(since)
    )
    assert made.status_code == 200, made.text
    state = own.platform.rosters.state("unit:centre")
    path = f"proposals/{state.moves_open[0].proposal}/agree"
    there = own.token(post=EAST, person=taker)
    done = say(client, there, path, "a1", unit="unit:centre")
    assert done.status_code == 200 and done.json()["key"] == "roster.posts_moved", done.text
    own.now = since
    own.pass_time(MINUTE)
    city = own.platform.handler.policy.city
    assert city.holds(taker, CENTRE, own.now) and not any(
        duty.person == giver for duty in rows(own) if duty.start > since
    )
    is_problem(client.get("roster", own.token(post=CENTRE, person=giver)), 403, "auth.post_not_held")
    assert client.get("roster", own.token(post=CENTRE, person=taker)).status_code == 200


def test_rings_make_a_list_of_the_dead_and_a_stranger_sees_no_roster(own: Town) -> None:
    client = Client(own)
    token = own.token(post=CENTRE)
    person = rows(own)[-1].person
    for key, outcome in (("r1", "no_answer"), ("r2", "no_answer")):
        done = say(client, token, "rings", key, person=person, outcome=outcome)
        assert done.status_code == 200, done.text
    seen = client.get("roster", token).json()
    assert [(one["person"], one["channel"], one["outcome"]) for one in seen["dead"]] == [
        (person, "phone", "no_answer")
    ]
    assert person in {hole["person"] for hole in seen["holes"] if hole["why"] == "no_channel"}
    say(client, token, "rings", "r3", person=person, outcome="answered")
    assert client.get("roster", token).json()["dead"] == []
    is_problem(
        say(client, token, "rings", "r4", person="person:nobody", outcome="answered"), 409,
        "roster.unknown_person",
    )  # fmt: skip
    gas = own.token(post="post:gas.duty")
    is_problem(client.get("roster?unit=unit:centre", gas), 404, "roster.unknown_unit")
    assert client.get("roster?unit=unit:gas", own.token(post=CENTRE)).json()["unit"] == "unit:gas"
    ring = {"person": rows(own)[-1].person, "outcome": "answered", "unit": "unit:centre"}
    is_problem(say(client, gas, "rings", "r5", **ring), 404, "roster.unknown_unit")
    assert "access.outside_unit" in own.notes(own.platform.access.session(gas).person)
    assert client.get("roster", own.token(post=OPERATOR)).status_code == 200
