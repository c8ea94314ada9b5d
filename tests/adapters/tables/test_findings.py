"""What a whole city still lacks is found with its row: devices, packs, rosters, units, empty roles."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from liandong.adapters.tables import examine, write_city
from liandong.app.packs import load_packs
from liandong.core.values.city import City, PackUse, Post
from liandong.core.values.dataset import CityFolder
from liandong.core.values.lists import Statistic
from tests.adapters.tables.folders import DEMO

replace = msgspec.structs.replace
PACKS = load_packs()


def check(tmp_path: Path, data: CityFolder = DEMO, **city: Any) -> Any:
    write_city(tmp_path / "c", replace(data, city=replace(data.city, **city)))
    return examine(tmp_path / "c", PACKS)


def places(errors: Any) -> list[tuple[Any, ...]]:
    return [(e.key, e.params["file"], e.params["row"]) for e in errors]


def test_the_demonstration_is_good_and_says_what_is_unset(tmp_path: Path) -> None:
    found = check(tmp_path)
    assert found.folder == DEMO and found.findings == [] and not found.unreadable
    assert {gap.what for gap in found.unset} >= {"limit", "origin"}


def test_one_item_of_a_device_is_one_channel(tmp_path: Path) -> None:
    city: City = DEMO.city
    named = tuple(replace(c, device="MN1", item=f"a{n % 2}") for n, c in enumerate(city.channels[:3]))
    found = check(tmp_path, channels=(*named, *city.channels[3:]))
    assert places(found.findings) == [("city.device_twice", "channels.csv", 4)]
    assert found.findings[0].params["first"] == 2


def test_a_pack_that_is_not_installed_is_named(tmp_path: Path) -> None:
    found = check(tmp_path, packs=(PackUse(pack="gas"), PackUse(pack="volcano", maturity="shadow")))
    assert places(found.findings) == [("city.unknown_pack", "packs.csv", 3)]


def test_a_unit_that_does_not_convert_is_named(tmp_path: Path) -> None:
    city = DEMO.city
    found = check(tmp_path, channels=(replace(city.channels[0], unit="furlong"), *city.channels[1:]))
    assert places(found.findings) == [("units.channel", "channels.csv", 2)]


def test_a_scorer_that_is_not_there_or_misses_its_numbers_is_named(tmp_path: Path) -> None:
    like = replace(DEMO.rules[0], statistic=Statistic.SCORE, channel="*", scorer="?")
    rules = [replace(like, key=f"score_{n}", scorer=s) for n, s in enumerate(("oracle", "quorum"))]
    found = check(tmp_path, replace(DEMO, rules=(*DEMO.rules, *rules)))
    row = 2 + len(DEMO.rules)
    wanted = [("detect.scorer_unknown", "rules.csv", row), ("detect.scorer_params", "rules.csv", row + 1)]
    assert places(found.findings) == wanted
    good = replace(like, key="good", scorer="quorum", params="limit=3;least=1", members=(like.quantity,))
    assert check(tmp_path / "good", replace(DEMO, rules=(*DEMO.rules, good))).findings == []


def test_a_gap_in_a_roster_is_found_unless_somebody_holds_the_post(tmp_path: Path) -> None:
    city = DEMO.city
    post = city.duties[0].post
    row = 2 + next(n for n, p in enumerate(city.posts) if p.key == post)
    duties = tuple(d for d in city.duties if d.post != post) + tuple(
        d for n, d in enumerate(x for x in city.duties if x.post == post) if n != 1
    )
    nobody = tuple(h for h in city.holdings if h.post != post)
    assert check(tmp_path, duties=duties).findings == []
    found = check(tmp_path, duties=duties, holdings=nobody)
    assert places(found.findings) == [("city.roster_gap", "posts.csv", row)]
    assert found.findings[0].params["count"] == 1


def test_a_duty_post_without_anybody_is_found(tmp_path: Path) -> None:
    posts = (*DEMO.city.posts, Post(key="post:new", unit="unit:gas", title_zh="岗", duty=True))
    found = check(tmp_path, posts=posts)
    assert places(found.findings) == [("city.post_empty", "posts.csv", len(posts) + 1)]


def test_a_role_that_leads_to_nobody_is_a_notice(tmp_path: Path) -> None:
    mechanism = DEMO.mechanism
    rows = tuple(
        replace(row, role="district:moon") if n == 0 else row for n, row in enumerate(mechanism.roles)
    )
    found = check(tmp_path, replace(DEMO, mechanism=replace(mechanism, roles=rows)))
    assert found.findings == []
    assert ("city.role_nobody", "roles.csv", 2) in places(found.notices)
    assert found.notices[0].params["asset"].startswith("asset:")


@pytest.mark.parametrize("name", ["units.csv", "city.xlsx"])
def test_what_cannot_be_read_is_told_from_what_is_wrong(tmp_path: Path, name: str) -> None:
    write_city(tmp_path, DEMO)
    assert not examine(tmp_path, PACKS).unreadable
    (tmp_path / name).write_bytes(b"\xff\xfe\x00")
    assert examine(tmp_path, PACKS).unreadable
    assert examine(tmp_path / "nowhere", PACKS).unreadable
