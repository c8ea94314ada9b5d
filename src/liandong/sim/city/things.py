"""What else stands in the demonstration: bridges, panels, drains, firms, plain assets, the platform."""

from __future__ import annotations

from liandong.core.values.city import Asset, Channel, Sensor, Source
from liandong.core.values.lists import RelationKind
from liandong.sim.chance import between, chance
from liandong.sim.city.places import CITY_AREA, DISTRICTS, TOWN, TOWNS
from liandong.sim.city.things_gas import add_gas, source_of, towns_with_gas
from liandong.sim.city.units import (
    CENTRE,
    CONTRACTOR,
    FIRMS,
    KEY_SITES,
    firm,
    site,
    town_of_firm,
    town_of_site,
)
from liandong.sim.city.yard import Yard, day_before

BRIDGES = 7
#: Source addresses of the panels' transmission units, as GB/T 26875.3 has them.
FIRST_PANEL = 2001
SMOKE, HEAT, CALL_POINT = 40, 30, 23
#: What calls itself so in HJ 212; 24 characters, as the standard asks for.
FIRST_MN = "DEMO44060000000000000001"
H2S_ITEM = "a21028-Rtd"
_SELF = (
    "queue_age", "commit_latency", "outbox_age", "unresolved", "clock", "delivery", "standing", "sources",
    "drift",
)  # fmt: skip
#: Shares of all sensors; what is left is gas.
_SHARES = {"bridges": 0.06, "fire": 0.12, "drainage": 0.10, "firms": 0.08}


def make_things(seed: int, start: int, sensors: int) -> Yard:
    """So many sensors over the specials that have rules, and plain assets for those that have none yet."""
    yard = Yard(seed, start)
    counts = {name: max(_LEAST[name], round(sensors * share)) for name, share in _SHARES.items()}
    add_gas(yard, sensors - sum(counts.values()))
    _bridges(yard, counts["bridges"])
    _fire(yard, counts["fire"])
    _drainage(yard, counts["drainage"])
    _firms(yard, counts["firms"])
    _plain(yard, max(1, sensors // 131))
    _platform(yard)
    return yard


_LEAST = {"bridges": 6, "fire": 4, "drainage": 4, "firms": 4}
#: The smallest city in which every part of the story has its devices.
FEWEST_SENSORS = sum(_LEAST.values()) + 18


def sources(yard: Yard) -> tuple[Source, ...]:
    """Gateways that send something, and the platform itself."""
    used = {channel.source for channel in yard.channels}
    count = sum(channel.quantity == "ch4_lel" for channel in yard.channels)
    rows = [Source(key=source_of(town), unit="unit:gas") for town in towns_with_gas(count)]
    for district in DISTRICTS:
        rows.append(
            # Drainage collects by radio and delivers up to five minutes late, out of order.
            Source(
                key=f"source:drainage_{district.slug}", unit="unit:drainage", lateness_s=300.0, idle_s=900.0
            )
        )
        rows.append(Source(key=f"source:firms_{district.slug}", unit=CONTRACTOR))
    rows += [
        Source(key="source:bridges", unit="unit:upkeep", idle_s=900.0),
        Source(key="source:bridges_fast", unit="unit:upkeep", idle_s=900.0),
        Source(key="source:fire", unit="unit:fire", protocol="gb26875", idle_s=900.0),
        Source(key="source:hj212", unit=firm(1), protocol="hj212", idle_s=900.0),
        Source(key="source:self", unit=CENTRE, idle_s=60.0),
    ]
    return tuple(row for row in rows if row.key in used)


def _bridges(yard: Yard, count: int) -> None:
    """One fast strain sensor a bridge; the others are condensed to means over minutes where they stand."""
    bridges = max(1, min(BRIDGES, count // 3))
    for number in range(count):
        bridge, place = number % bridges + 1, number // bridges + 1
        slug = f"bridge-{bridge:02d}"
        town = TOWNS[(bridge * 5 + 1) % len(TOWNS)]
        if place == 1:
            yard.place(
                slug, "bridge", f"示例大桥{bridge:02d}号", f"example bridge {bridge:02d}", town,
                owner=f"unit:transport_{town.district}", operator="unit:upkeep",
                regulator=f"unit:transport_{town.district}", tier="city",
                facts=(
                    ("结构", "连续梁" if bridge % 2 else "斜拉桥"),
                    ("跨径", f"{int(between(30, 180, yard.seed, 'span', slug))} m"),
                    ("最近照片", day_before(yard.seed, yard.start, 200, "photo", slug)),
                ),
            )  # fmt: skip
        quantity, model = _BRIDGE_KINDS[(place - 1) % len(_BRIDGE_KINDS)]
        fast = place == 1
        yard.watch(
            f"{slug}-{place:03d}", f"asset:{slug}", model,
            "source:bridges_fast" if fast else "source:bridges", quantity, position=f"p{place}",
            reducer=FAST_REDUCER if fast else "",
        )  # fmt: skip


_BRIDGE_KINDS = (
    ("strain_mean", "demo-strain"),
    ("bridge_temperature", "demo-thermometer"),
    ("displacement_mean", "demo-displacement"),
)
#: The first strain sensor of each bridge sends all its samples, and the city condenses them.
FAST_REDUCER = "mean@300"


def _fire(yard: Yard, count: int) -> None:
    """Panels of the key sites, each with its detectors; the panel protects the building."""
    panels = max(1, min(KEY_SITES, count // 4))
    for number in range(count):
        panel, place = number % panels + 1, number // panels + 1
        town, address = town_of_site(panel), FIRST_PANEL + panel - 1
        slug, owner = f"panel-{panel:02d}", site(panel)
        if place == 1:
            building = yard.place(
                f"building-{panel:02d}", "building", f"示例建筑{panel:02d}", f"example building {panel:02d}",
                town, owner=owner, regulator=f"unit:fire_{town.district}", tier="owner",
                facts=(
                    ("层数", str(4 + int(chance(yard.seed, "floors", slug) * 30))),
                    ("消控室", "一层西侧"),
                ),
            )  # fmt: skip
            key = yard.place(
                slug, "fire_panel", f"消防控制室{panel:02d}号", f"fire panel {panel:02d}", town, owner=owner,
                regulator=f"unit:fire_{town.district}", tier="owner",
            )  # fmt: skip
            yard.relate(key, RelationKind.PROTECTS, building)
            yard.watch(
                f"{slug}-unit", key, "demo-transmission-unit", "source:fire", "fire_power", "fire_fault",
                device=str(address), items=("main_power", "fault"), position="unit",
            )  # fmt: skip
            continue
        kind = (SMOKE, SMOKE, HEAT, CALL_POINT)[place % 4]
        zone, unit = 1 + place // 100, 1 + place % 100
        yard.watch(
            f"{slug}-{place:03d}", f"asset:{slug}", _DETECTORS[kind], "source:fire", "fire_alarm",
            "fire_fault", device=f"{address}/1-1/{kind}-{zone}.{unit}", items=("fire", "fault"),
            position=f"{zone}区{unit}号",
        )  # fmt: skip


_DETECTORS = {SMOKE: "demo-smoke", HEAT: "demo-heat", CALL_POINT: "demo-call-point"}


def _drainage(yard: Yard, count: int) -> None:
    """Underpasses and drain wells; pumps stand beside the underpasses."""
    towns = TOWNS if count > 2 * len(TOWNS) else TOWNS[:2]
    for number in range(1, count + 1):
        town = towns[number % len(towns)]
        underpass = number % 3 != 0
        slug = f"drain-{number:04d}"
        key = yard.place(
            slug, "underpass" if underpass else "drain_well",
            f"{'下穿通道' if underpass else '排水检查井'}{number:04d}",
            f"{'underpass' if underpass else 'drain well'} {number:04d}", town,
            owner=f"unit:water_{town.district}", operator="unit:drainage",
            regulator=f"unit:water_{town.district}", tier="city",
            facts=(("最近泵站", f"示例泵站{1 + number // 6:03d}"),),
        )  # fmt: skip
        yard.watch(slug, key, "demo-level", f"source:drainage_{town.district}", "water_level")
        if number % 6 == 1:
            pump = yard.place(
                f"pump-{number:04d}", "pump_station", f"示例泵站{1 + number // 6:03d}",
                f"example pump station {1 + number // 6:03d}", town, owner="unit:drainage",
                regulator=f"unit:water_{town.district}", tier="owner",
            )  # fmt: skip
            yard.relate(pump, RelationKind.PROTECTS, key)


def _firms(yard: Yard, count: int) -> None:
    """Toxic gas around one tank yard per firm; the first sensor of the first firm speaks HJ 212."""
    firms = max(2, min(FIRMS, count // 2))
    for number in range(count):
        which, place = number % firms + 1, number // firms + 1
        town, slug = town_of_firm(which), f"tank-{which:02d}"
        if place == 1:
            yard.place(
                slug, "chemical_tank", f"示例{which:02d}厂储罐区", f"tank yard of example firm {which:02d}",
                town, owner=firm(which), regulator=f"unit:emergency_{town.district}", tier="city",
                stage="store",
                facts=(
                    ("介质", "含硫化氢物料（虚构）"),
                    ("视频", f"camera-{which:02d}"),
                    ("集合点", "厂区东门"),
                ),
            )  # fmt: skip
        hj212 = which == 1 and place == 1
        yard.watch(
            f"{slug}-{place:02d}", f"asset:{slug}", "demo-h2s",
            "source:hj212" if hj212 else f"source:firms_{town.district}", "h2s", position=f"p{place}",
            device=FIRST_MN if hj212 else "", items=(H2S_ITEM,) if hj212 else (),
            unit="mg/m3" if hj212 else "",
        )  # fmt: skip


def _plain(yard: Yard, lifts: int) -> None:
    """Specials that have no domain pack yet: places that a case can name, and that say so."""
    note = (("说明", "尚无领域包，仅登记"),)
    for number in range(1, lifts + 1):
        town = TOWNS[(number * 11) % len(TOWNS)]
        yard.place(
            f"lift-{number:03d}", "lift", f"电梯{number:03d}", f"lift {number:03d}", town,
            owner=site(number % KEY_SITES + 1), operator="unit:lift_care",
            regulator=f"unit:market_{town.district}", tier="owner", facts=note,
            numbers=(("lift", f"{300000 + number}"),),
        )  # fmt: skip
    for line, slugs in (("3", ("shunde", "chancheng")), ("gf", ("chancheng", "nanhai"))):
        for stop in range(1, max(2, min(10, lifts // 5)) + 1):
            towns = [town for town in TOWNS if town.district in slugs]
            yard.place(
                f"station-{line}-{stop:02d}", "rail_station", f"示例轨道{line}线{stop:02d}站",
                f"example line {line} stop {stop:02d}", towns[stop % len(towns)], owner="unit:metro",
                regulator="unit:transport", tier="owner", facts=note,
            )  # fmt: skip
    for number, (zh, en) in enumerate(_VEHICLES, start=1):
        yard.place(
            f"vehicle-{number}", "vehicle", f"{zh}（示例）", f"{en} (example)", TOWN["guicheng"],
            owner="unit:carrier", regulator="unit:transport", tier="owner", stage="transport", facts=note,
        )  # fmt: skip
    for number in range(1, max(2, min(12, lifts // 8)) + 1):
        hills = [town for town in TOWNS if town.district in ("gaoming", "sanshui")]
        town = hills[number % len(hills)]
        yard.place(
            f"forest-{number:02d}", "forest_lookout", f"示例林火瞭望点{number:02d}",
            f"example forest lookout {number:02d}", town, owner=f"unit:resources_{town.district}",
            regulator="unit:resources", tier="department", facts=note,
        )  # fmt: skip


#: Classes of vehicles in 两客一危一货 and around it.
_VEHICLES = (
    ("班线客车", "coach"),
    ("旅游包车", "tour coach"),
    ("危险货物运输车", "hazardous-goods truck"),
    ("重型货车", "heavy truck"),
    ("公交车", "bus"),
    ("泥头车", "tipper"),
    ("校车", "school bus"),
)


def _platform(yard: Yard) -> None:
    """The platform watches itself as one more asset."""
    yard.assets.append(
        Asset(
            key="asset:platform", name_zh="城市安全平台", name_en="the platform itself", kind="platform",
            area=CITY_AREA, owner=CENTRE, operator=CONTRACTOR, regulator="unit:emergency", tier="department",
        )
    )  # fmt: skip
    for slug in _SELF:
        yard.sensors.append(Sensor(key=f"sensor:self.{slug}", asset="asset:platform"))
        yard.channels.append(
            Channel(
                key=f"channel:self.{slug}", number=len(yard.channels), sensor=f"sensor:self.{slug}",
                quantity=f"self_{slug}", group="asset:platform", source="source:self",
            )
        )  # fmt: skip
