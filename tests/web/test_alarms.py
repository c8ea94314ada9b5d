"""Alarms and announcements through the API of a running city, from the reading to the list."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from liandong.app.rebuild import rebuild
from liandong.core.values.access import Session
from liandong.core.values.city import Permission
from liandong.core.values.lists import Capability
from liandong.core.values.times import HOUR, MINUTE, format_time
from tests.web.town import CENTRE, Client, Town, is_problem, message, reading

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """Of its own, because the centre may shelve here."""
    folder: Path = tmp_path_factory.mktemp("alarms")
    made = Town(folder, permissions=(Permission(post=CENTRE, capability=Capability.ALARM_SHELVE),))
    yield made
    made.close()


class Owner:
    """The unit that owns a methane channel's asset, and its duty post."""

    def __init__(self, town: Town, number: int) -> None:
        self.town, self.channel = town, town.channels()[number]
        city = town.platform.handler.policy.city
        asset = city.asset_of_channel(self.channel.key)
        assert asset is not None
        post = city.duty_post(asset.owner)
        assert post is not None
        self.asset, self.post, self.alarm = asset.key, post.key, f"gas_leak|{asset.key}"

    def measure(self, value: float, minutes: int = 6) -> None:
        for _ in range(minutes):
            body = message(reading(self.channel.key, self.town.now, value))
            future, errors = self.town.platform.receiving.readings(Session(source=self.channel.source), body)
            assert not errors
            future.result(10)
            self.town.pass_time(MINUTE)


class Alarms:
    """Acts on alarms and announcements as posts."""

    def __init__(self, town: Town) -> None:
        self.town, self.client, self.keys = town, Client(town), 0

    def list(self, post: str = CENTRE, **query: Any) -> list[dict[str, Any]]:
        answer = self.client.get("alarms", self.town.token(post=post), params=query)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["items"]
        return found

    def do(self, path: str, post: str, version: int | None = None, **body: Any) -> httpx.Response:
        self.keys += 1
        headers = {"Idempotency-Key": f"k{self.keys}"}
        if version is not None:
            headers["If-Match"] = f'"{version}"'
        return self.client.post(path, self.town.token(post=post), headers=headers, json=body)

    def act(self, alarm: dict[str, Any], action: str, post: str = CENTRE, **body: Any) -> httpx.Response:
        return self.do(f"alarms/{quote(alarm['id'])}/acts/{action}", post, alarm["version"], **body)

    def announce(self, owner: Owner, hours: float, post: str = "", **more: Any) -> httpx.Response:
        now = self.town.now
        body = {
            "kind": "purging", "assets": [owner.asset], "since": format_time(now), "contact": "现场负责人",
            "until": format_time(now + round(hours * HOUR)), "reason": "计划放散",
        }  # fmt: skip
        return self.do("announcements", post or owner.post, **(body | more))


def test_an_alarm_is_listed_kept_quiet_with_a_reason_and_told_again(town: Town) -> None:
    desk, gas = Alarms(town), Owner(town, 0)
    gas.measure(27.0)
    (alarm,) = [one for one in desk.list(state="unacknowledged") if one["id"] == gas.alarm]
    assert (alarm["level"], alarm["active"], alarm["stale"], alarm["hold"]) == ("III", True, False, None)
    until = format_time(town.now + HOUR)
    bureau = "post:emergency.duty"  # sees every case, and may keep no alarm quiet
    is_problem(desk.act(alarm, "shelve", bureau, until=until, reason="x"), 403, "auth.no_capability")
    is_problem(desk.act(alarm, "shelve", gas.post, until=until, reason="x"), 404, "alarm.unknown")
    is_problem(desk.act(alarm, "shelve", until=until), 409, "power.no_reason")
    shelved = desk.act(alarm, "shelve", until=until, reason="探头标定")
    assert shelved.status_code == 200 and shelved.json()["id"] == gas.alarm, shelved.text
    (seen,) = desk.list(state="shelved")
    assert seen["hold"]["reason"] == "探头标定" and seen["hold"]["until"] == until
    is_problem(desk.act(alarm, "release"), 409, "power.stale")
    town.pass_time(HOUR)
    (again,) = [one for one in desk.list(state="unacknowledged") if one["id"] == gas.alarm]
    assert again["hold"] is None
    acknowledged = desk.act(again, "acknowledge")
    assert acknowledged.status_code == 200
    assert gas.alarm in [one["id"] for one in desk.list(state="acknowledged")]


def test_who_judges_the_case_has_seen_the_alarm(town: Town) -> None:
    desk, gas = Alarms(town), Owner(town, 1)
    gas.measure(27.0)
    case = town.platform.store.latest("case", gas.alarm)
    assert case is not None
    town_client = Client(town)
    town_client.act(case.stream[5:], "judge", town.token(post=CENTRE), key="j", verdict="real", text="已核对")
    (alarm,) = [one for one in desk.list(state="acknowledged") if one["id"] == gas.alarm]
    assert alarm["acknowledged_by_case"] and alarm["acknowledged_by"] == ""
    gas.measure(0.5, minutes=12)
    assert gas.alarm not in [one["id"] for one in desk.list()]  # over, and seen


def test_what_an_owner_announces_is_suppressed_with_trace_and_told_at_its_end(town: Town) -> None:
    desk, gas, other = Alarms(town), Owner(town, 2), Owner(town, 3)
    is_problem(desk.announce(gas, 1, post="post:drainage.duty"), 403, "announcement.foreign")
    made = desk.announce(gas, 2)
    assert made.status_code == 200, made.text
    id = made.json()["id"]
    gas.measure(27.0)
    assert town.platform.store.latest("case", gas.alarm) is None
    (alarm,) = desk.list(state="suppressed")
    assert (alarm["id"], alarm["hold"]["announcement"]) == (gas.alarm, id)
    other.measure(27.0)
    assert other.alarm in [one["id"] for one in desk.list()]
    token = town.token(post=gas.post)
    mine = town_get(town, f"announcements/{id}", token)
    assert (mine["suppressed"], mine["told"], mine["contact"], mine["late"]) == (1, 0, "现场负责人", False)
    for _ in range(10):
        gas.measure(27.0, minutes=1)
        town.pass_time(12 * MINUTE)
    assert town.platform.store.latest("case", gas.alarm) is not None
    ended = town_get(town, f"announcements/{id}", town.token(post=CENTRE))
    assert (ended["stage"], ended["told"], ended["alarms"][0]["alarm"]) == ("expired", 1, gas.alarm)
    is_problem(
        desk.do(f"announcements/{id}/acts/extend", gas.post, ended["version"], reason="x"),
        409,
        "announcement.over",
    )
    load = town_get(town, "alarm-load", town.token(post=CENTRE))
    (shift,) = [one for one in load["shifts"] if one["post"] == CENTRE]
    assert shift["alarms"] >= 3 and shift["worst_hour"] >= 1 and load["manageable"] == 6.0
    assert not rebuild(town.platform.store).differences


def town_get(town: Town, path: str, token: str) -> dict[str, Any]:
    answer = Client(town).get(path, token)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found
