"""Devices, sources and watchers over HTTP: within the scope only, counted as a whole, paged."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.web.test_queue import WEST
from tests.web.town import CENTRE, OPERATOR, Client, Town, is_problem


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    made = Town(tmp_path_factory.mktemp("town"))
    made.open_case()
    yield made
    made.close()


@pytest.fixture(scope="module")
def client(town: Town) -> Client:
    return Client(town)


def test_every_sensor_is_on_exactly_one_page(town: Town, client: Client) -> None:
    token = town.token(post=CENTRE)
    seen, cursor = [], ""
    while True:
        page = client.get(f"devices?limit=7&after={cursor}", token).json()
        seen += [item["sensor"] for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == sum(page["counts"].values())
    assert page["counts"]["live"] >= 1 and page["counts"]["never"] > 1
    quiet = client.get("devices?state=never&limit=500", token).json()["items"]
    assert {item["state"] for item in quiet} == {"never"} and len(quiet) == page["counts"]["never"]
    assert quiet[0]["state_name"] == {"zh": "从未上线", "en": "never heard"}


def test_the_silent_ones_may_come_first_page_by_page(town: Town, client: Client) -> None:
    token, rank = town.token(post=CENTRE), ["silent", "late", "never", "live"]
    seen, cursor = [], ""
    while cursor is not None:
        page = client.get(f"devices?order=silent_first&limit=9&after={cursor}", token).json()
        seen += [(rank.index(item["state"]), item["sensor"]) for item in page["items"]]
        cursor = page["next"]
    assert seen == sorted(seen) and len(seen) == len(set(seen)) == sum(page["counts"].values())
    assert {state for state, _ in seen} >= {2, 3}, "else the order says nothing"


def test_another_town_sees_its_own_only(town: Town, client: Client) -> None:
    every = client.get("devices?limit=500", town.token(post=CENTRE)).json()["items"]
    west = client.get("devices?limit=500", town.token(post=WEST)).json()["items"]
    assert len(west) < len(every)
    assert sum(
        row["sensors"] for row in client.get("watchers", town.token(post=WEST)).json()["items"]
    ) == len(west)


def test_sources_are_for_those_who_watch_what_comes_in(town: Town, client: Client) -> None:
    items = client.get("sources", town.token(post=OPERATOR)).json()["items"]
    states = {item["source"]: item["state"] for item in items}
    assert states[town.channels()[0].source] == "live" and "never" in states.values()
    is_problem(client.get("sources", town.token(post=WEST)), 403, "auth.no_capability")
