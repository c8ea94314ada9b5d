"""A storm over the API: one case, its members page by page, the evidence of each, and who may see it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from liandong.core.values.access import Session
from liandong.core.values.lists import AreaKind
from liandong.core.values.rows import GatherRow
from liandong.core.values.times import MINUTE
from tests.web.test_queue import WEST
from tests.web.town import CENTRE, Client, Town, is_problem, message, reading

STORM = GatherRow(key="gather", flow="*", area_kind=AreaKind.CITY, count=2, within_s=7_200.0, quiet_s=7_200.0)


def one_per_asset(town: Town) -> list[Any]:
    city = town.platform.handler.policy.city
    found: dict[str, Any] = {}
    for channel in town.channels():
        asset = city.asset_of_channel(channel.key)
        assert asset is not None
        found.setdefault(asset.key, channel)
    return list(found.values())


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """Six leaks, the first with a case of its own and five in the case of a storm."""
    made = Town(tmp_path_factory.mktemp("storm"), gatherings=(STORM,))
    channels = one_per_asset(made)[:6]
    assert len(channels) == 6
    made.open_case()
    for _ in range(4):
        for channel in channels[1:]:
            body = message(reading(channel.key, made.now, 60.0))
            made.platform.receiving.readings(Session(source=channel.source), body)[0].result(10)
        made.pass_time(2 * MINUTE)
    yield made
    made.close()


@pytest.fixture(scope="module")
def client(town: Town) -> Client:
    return Client(town)


@pytest.fixture
def storm(town: Town, client: Client) -> dict[str, Any]:
    """Its row in the queue."""
    items = client.get("queue", town.token(post=CENTRE)).json()["items"]
    assert sorted(item["members"] for item in items) == [0, 5]
    found: dict[str, Any] = max(items, key=lambda item: item["members"])
    return found


def test_the_row_counts_and_the_pages_name_every_member(
    town: Town, client: Client, storm: dict[str, Any]
) -> None:
    members, after, token = [], "", town.token(post=CENTRE)
    while True:
        page = client.get(f"cases/{storm['id']}/members?limit=2&after={after}", token).json()
        members += page["items"]
        after = page["next"]
        if not after:
            break
    city = town.platform.handler.policy.city
    wanted = [city.asset_of_channel(channel.key) for channel in one_per_asset(town)[1:6]]
    assert sorted(m["asset"] for m in members) == sorted(asset.key for asset in wanted if asset)
    for member in members:
        assert member["active"] and member["level"] and member["asset_name"]["zh"]
        assert member["findings"] and all(one["unit"] == "%LEL" for one in member["findings"])


def test_the_evidence_of_any_member_is_shown_and_verifies(
    town: Town, client: Client, storm: dict[str, Any]
) -> None:
    token = town.token(post=CENTRE)
    for member in client.get(f"cases/{storm['id']}/members", token).json()["items"]:
        for one in member["findings"]:
            shown = client.get(f"cases/{storm['id']}/findings/{one['id']}/evidence?raw=text", token)
            assert shown.status_code == 200, shown.text
            evidence = shown.json()
            assert evidence["finding"]["channel"] == one["channel"] and evidence["verifies"]
            assert evidence["asset"]["key"] == member["asset"]
            assert evidence["series"][0]["own"] and evidence["series"][0]["points"]
            assert all(one["channel"] in raw["text"] for raw in evidence["raw"]) and evidence["raw"]


def test_the_whole_case_can_be_opened_from_its_row(town: Town, client: Client, storm: dict[str, Any]) -> None:
    token = town.token(post=CENTRE)
    case = client.get(f"cases/{storm['id']}", token).json()
    assert case["members"] == 5 and storm["value"]["unit"] == "%LEL"
    assert client.get(f"cases/{storm['id']}/timeline", token).json()["items"]


def test_who_may_not_see_the_storm_sees_no_member_and_no_evidence(
    town: Town, client: Client, storm: dict[str, Any]
) -> None:
    centre = town.token(post=CENTRE)
    finding = client.get(f"cases/{storm['id']}/members", centre).json()["items"][0]["findings"][0]["id"]
    token = town.token(post=WEST)
    visible = {item["id"] for item in client.get("queue", token).json()["items"]}
    assert storm["id"] not in visible
    for path in ("", "/members", f"/findings/{finding}/evidence"):
        is_problem(client.get(f"cases/{storm['id']}{path}", token), 404, "case.unknown")
    # A finding of the storm is no finding of another case.
    items = client.get("queue", centre).json()["items"]
    other = next(item["id"] for item in items if item["id"] != storm["id"])
    is_problem(client.get(f"cases/{other}/findings/{finding}/evidence", centre), 404, "finding.unknown")
