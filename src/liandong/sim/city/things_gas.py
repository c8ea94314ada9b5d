"""Gas: mains, valve chambers, and the underground spaces beside them in which methane would gather."""

from __future__ import annotations

from liandong.core.values.lists import RelationKind
from liandong.sim.chance import between, chance
from liandong.sim.city.places import TOWNS, Town
from liandong.sim.city.yard import Yard, day_before

#: One main for so many watched places.
_PLACES_PER_MAIN = 12
#: Kind of space, Chinese, English, owner; a valve chamber is the gas company's own.
_SPACES = (
    ("gas_chamber", "燃气阀井", "gas valve chamber", "unit:gas"),
    ("sewer_well", "污水井", "sewer manhole", "unit:drainage"),
    ("rain_well", "雨水井", "storm-water manhole", "unit:drainage"),
    ("power_well", "电力井", "power manhole", "unit:power"),
    ("sewer_well", "污水井", "sewer manhole", "unit:drainage"),
    ("telecom_well", "通信井", "telecom manhole", "unit:town"),
)


def source_of(town: Town) -> str:
    """One gateway for the gas sensors of a town."""
    return f"source:gas_{town.slug}"


def towns_with_gas(count: int) -> tuple[Town, ...]:
    """A small city keeps to few towns, so that every main has its neighbours."""
    return TOWNS[: max(2, min(len(TOWNS), count // 10))]


def add_gas(yard: Yard, count: int) -> None:
    """So many methane sensors, one at each place, shared out over the towns."""
    towns = towns_with_gas(count)
    for place, town in enumerate(towns):
        mine = count // len(towns) + (place < count % len(towns))
        _town(yard, town, mine)


def _town(yard: Yard, town: Town, count: int) -> None:
    main = valve = ""
    for number in range(1, count + 1):
        if number % _PLACES_PER_MAIN == 1:
            main, valve = _main(yard, town, 1 + number // _PLACES_PER_MAIN)
        asset = _space(yard, town, number, valve)
        if yard.assets[-1].kind == "gas_chamber":
            yard.relate(main, RelationKind.FEEDS, asset)
        else:
            yard.relate(main, RelationKind.ADJACENT, asset)


def _main(yard: Yard, town: Town, number: int) -> tuple[str, str]:
    """A main, the valve that shuts it, and now and then a culvert that it crosses."""
    seed, slug = yard.seed, f"{town.slug}-{number:03d}"
    district = town.district
    facts = (
        ("埋深", f"{between(0.9, 2.4, seed, 'depth', slug):.1f} m"),
        ("压力级制", "中压" if chance(seed, "pressure", slug) < 0.8 else "次高压"),
        ("管材", "PE" if chance(seed, "pipe", slug) < 0.6 else "钢"),
    )
    housing = f"unit:housing_{district}"
    main = yard.place(
        f"main-{slug}", "gas_main", f"示例路燃气主管{number:03d}", f"gas main {number:03d}", town,
        owner="unit:gas", regulator=housing, tier="owner", facts=facts, numbers=(("gis", f"RQ-{slug}"),),
    )  # fmt: skip
    valve = yard.place(
        f"valve-{slug}", "gas_valve", f"燃气阀门{number:03d}", f"gas valve {number:03d}", town,
        owner="unit:gas", regulator=housing, tier="owner",
        facts=(("阀门", "球阀，可远控" if chance(seed, "valve", slug) < 0.3 else "闸阀，手动"),),
    )  # fmt: skip
    yard.relate(valve, RelationKind.FEEDS, main)
    if number % 4 == 1:
        culvert = yard.place(
            f"culvert-{slug}", "culvert", f"暗渠{number:03d}", f"culvert {number:03d}", town,
            owner="unit:drainage", regulator=f"unit:water_{district}", tier="department",
        )  # fmt: skip
        yard.relate(main, RelationKind.CROSSES, culvert)
    return main, valve


def _space(yard: Yard, town: Town, number: int, valve: str) -> str:
    seed, slug = yard.seed, f"gas-{town.slug}-{number:03d}"
    kind, zh, en, owner = _SPACES[number % len(_SPACES)]
    facts = (
        ("深度", f"{between(1.2, 4.5, seed, 'deep', slug):.1f} m"),
        ("距燃气主管", f"{between(0.3, 9.0, seed, 'near', slug):.1f} m"),
        ("上游阀门", valve.removeprefix("asset:")),
        ("最近照片", day_before(seed, yard.start, 300, "photo", slug)),
    )
    asset = yard.place(
        slug, kind, f"{zh}{number:03d}号", f"{en} {number:03d}", town,
        owner=town.unit if owner == "unit:town" else owner, operator="unit:gas",
        regulator=f"unit:housing_{town.district}", tier="city", facts=facts,
        numbers=(("gis", f"XL-{slug}"),),
    )  # fmt: skip
    yard.watch(
        slug, asset, "demo-methane", source_of(town), "ch4_lel",
        facts=(("安装位置", f"井盖下 {between(0.3, 0.8, seed, 'hang', slug):.1f} m"),),
    )  # fmt: skip
    return asset
