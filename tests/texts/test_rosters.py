"""Every kind of hole has its sentence and its remedy in both languages, without anybody's name."""

from __future__ import annotations

import pytest

from liandong.core.mechanism.rosters import Hole
from liandong.core.values.city import City, CityIndex, Post, Unit
from liandong.core.values.lists import HoleKind, UnitKind
from liandong.core.values.times import parse_time
from liandong.texts.rosters import hole_words

CITY = CityIndex(
    City(
        key="town",
        units=(Unit(key="unit:gas", name_zh="燃气公司", name_en="Gas company", kind=UnitKind.FIRM),),
        posts=(
            Post(key="post:gas.duty", unit="unit:gas", title_zh="值班岗", title_en="Duty officer"),
            Post(key="post:gas.leader", unit="unit:gas", title_zh="带班领导"),
        ),
    )
)


@pytest.mark.parametrize("why", list(HoleKind))
def test_a_hole_is_said_with_its_remedy(why: HoleKind) -> None:
    hole = Hole(
        unit="unit:gas", post="" if why == HoleKind.NO_POST else "post:gas.duty", why=why,
        start=parse_time("2026-12-05T20:00:00+08:00"), end=parse_time("2026-12-06T08:00:00+08:00"),
        person="person:a", other="post:gas.leader",
    )  # fmt: skip
    said, remedy = hole_words(CITY, hole, "zh")
    assert said.startswith("燃气公司") and "2026-12-05 20:00 至 2026-12-06 08:00" in said and remedy
    assert "⟦" not in said + remedy and "{" not in said + remedy
    english, todo = hole_words(CITY, hole, "en")
    assert english.startswith("Gas company") and "2026-12-05 20:00" in english and todo and todo != remedy
    if why == HoleKind.DOUBLE:
        assert "带班领导" in said
    if why == HoleKind.NOBODY:
        assert said == "燃气公司 值班岗 2026-12-05 20:00 至 2026-12-06 08:00 无人值班"
