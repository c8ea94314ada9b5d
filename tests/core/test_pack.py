"""Equipping a city with packs: what is added, what wins, what is refused; learned limits."""

from __future__ import annotations

import msgspec
import pytest

from liandong.core.pack import (
    Baseline,
    Learned,
    Maturity,
    Pack,
    baseline_for,
    equip,
    own_rows,
    rule_of,
)
from liandong.core.values.city import Channel, City, PackUse, Quantity
from liandong.core.values.dataset import CityFolder
from liandong.core.values.document import Mechanism
from liandong.core.values.errors import BadInput, NotFound
from liandong.core.values.lists import Statistic
from liandong.core.values.rules import Rule


def quantity(key: str, unit: str = "m") -> Quantity:
    return Quantity(key=key, name_zh="量", name_en=key, unit=unit)


def limit(key: str, raise_at: float = 2.0, **more: object) -> Rule:
    fixed = {"version": 1, "hazard": "high", "severity": "medium", "quantity": "level", "clear_at": 1.0}
    return Rule(key=key, raise_at=raise_at, **{**fixed, **more})


def pack(id: str = "lake", maturity: Maturity = Maturity.LIVE, **more: object) -> Pack:
    fixed = {"quantities": (quantity("level"),), "rules": (limit("a"), limit("b", shadow=True))}
    return Pack(id=id, title_zh="湖", title_en="lake", version="1", maturity=maturity, **{**fixed, **more})


def folder(*uses: PackUse, rules: tuple[Rule, ...] = (), **city: object) -> CityFolder:
    return CityFolder(city=City(key="c", packs=uses, **city), mechanism=Mechanism(key="m"), rules=rules)


LIVE = PackUse(pack="lake")


def test_a_city_without_packs_stays_as_it_is():
    given = folder(rules=(limit("own"),))
    assert equip(given, {"lake": pack()}) == given


def test_quantities_and_rules_are_added_and_say_where_they_come_from():
    made = equip(folder(LIVE, rules=(limit("own"),)), {"lake": pack()})
    assert [q.key for q in made.city.quantities] == ["level"]
    assert [(r.key, r.pack, r.shadow) for r in made.rules] == [
        ("own", "", False), ("a", "lake", False), ("b", "lake", True),
    ]  # fmt: skip


def test_equipping_twice_changes_nothing():
    packs = {"lake": pack()}
    once = equip(folder(LIVE), packs)
    assert equip(once, packs) == once


def test_a_citys_own_row_of_the_same_key_wins_and_is_named():
    mine = limit("a", raise_at=9.0)
    given = folder(LIVE, rules=(mine,), quantities=(quantity("level", "cm"),))
    made = equip(given, {"lake": pack()})
    assert made.rules[0] == mine and made.city.quantities == (quantity("level", "cm"),)
    assert own_rows(given, {"lake": pack()}) == ("a", "level")


def test_an_own_row_that_says_the_same_is_not_worth_a_word():
    given = folder(LIVE, rules=(limit("a", pack="lake"),), quantities=(quantity("level"),))
    assert own_rows(given, {"lake": pack()}) == ()


@pytest.mark.parametrize(
    ("use", "maturity", "silent"),
    [
        ("live", Maturity.LIVE, False),
        ("shadow", Maturity.LIVE, True),
        ("live", Maturity.SHADOW, True),
        ("live", Maturity.DRAFT, True),
    ],
)
def test_what_is_not_live_on_both_sides_tells_nobody(use: str, maturity: Maturity, silent: bool):
    made = equip(folder(PackUse(pack="lake", maturity=use)), {"lake": pack(maturity=maturity)})
    assert made.rules[0].shadow is silent


def test_of_two_packs_with_one_key_the_one_used_first_wins():
    packs = {"lake": pack(), "sea": pack("sea", rules=(limit("a", 7.0),))}
    first = equip(folder(PackUse(pack="sea"), LIVE), packs)
    assert {r.key: (r.pack, r.raise_at) for r in first.rules}["a"] == ("sea", 7.0)


def test_a_pack_that_is_not_installed_is_refused_by_name():
    with pytest.raises(NotFound) as error:
        equip(folder(PackUse(pack="moon")), {"lake": pack()})
    assert error.value.params == {"pack": "moon", "known": "lake"}


def test_a_channel_whose_quantity_nobody_knows_is_refused():
    row = Channel(key="channel:1", number=1, sensor="s", quantity="depth", group="g", source="a")
    with pytest.raises(BadInput) as error:
        equip(folder(LIVE, channels=(row,)), {"lake": pack()})
    assert error.value.key == "pack.quantity_unused"


LEARNED = Learned(
    key="shift", quantity="level", factor=3.0, clear_factor=2.0, floor=0.5, hazard="high", severity="medium",
    basis="ours",
)  # fmt: skip


def base(epoch: str = "2022-04-11", low: float = 1.0, high: float = 5.0) -> Baseline:
    return Baseline(
        point="p", quantity="level", epoch=epoch, low=low, high=high, readings=50, source="a file"
    )


def test_a_learned_limit_is_so_many_half_widths_from_the_middle():
    rule = rule_of(LEARNED, base(), "channel:7")
    assert (rule.key, rule.channel, rule.statistic) == ("shift@channel:7", "channel:7", Statistic.OFFSET)
    assert (rule.baseline, rule.raise_at, rule.clear_at) == (3.0, 6.0, 4.0)
    assert rule.basis == "ours; a file"


def test_a_still_reference_does_not_make_a_limit_of_nothing():
    rule = rule_of(LEARNED, base(low=3.0, high=3.0), "c")
    assert rule.raise_at == pytest.approx(0.5) and 0 < rule.clear_at < rule.raise_at


def test_an_epoch_holds_until_the_next_one():
    rows = [base("2022-04-11"), base("2022-03-07"), msgspec.structs.replace(base("2021-01-01"), point="q")]
    days = {"2022-03-06": "2022-03-07", "2022-03-07": "2022-03-07", "2022-04-10": "2022-03-07"}
    for day, epoch in {**days, "2022-04-11": "2022-04-11", "2030-01-01": "2022-04-11"}.items():
        found = baseline_for(rows, "p", "level", day)
        assert found is not None and found.epoch == epoch, day
    assert baseline_for(rows, "p", "depth", "2022-04-11") is None
