"""Units and committees of the demonstration: official bodies named by what they do, invented firms."""

from __future__ import annotations

from liandong.core.values.city import Body, Unit
from liandong.core.values.lists import UnitKind
from liandong.sim.city.places import CITY_AREA, DISTRICTS, TOWNS, Town

FIRMS = 35
KEY_SITES = 10
CONTRACTOR = "unit:contractor"
CENTRE = "unit:centre"
EMERGENCY_COMMITTEE = "body:emergency_committee"
SAFETY_COMMITTEE = "body:safety_committee"
DISASTER_COMMITTEE = "body:disaster_committee"
LEADING_GROUP = "body:leading_group"

#: Slug and function, the city's name, the districts' name, English.
_BUREAUS = (
    ("emergency", "市应急管理局", "应急管理局", "Emergency Management Bureau"),
    ("housing", "市住房和城乡建设局", "住房城乡建设局", "Housing and Construction Bureau"),
    ("water", "市水利局", "水利局", "Water Bureau"),
    ("transport", "市交通运输局", "交通运输局", "Transport Bureau"),
    ("resources", "市自然资源局", "自然资源局", "Natural Resources Bureau"),
    ("market", "市市场监督管理局", "市场监督管理局", "Market Regulation Bureau"),
    ("fire", "市消防救援支队", "消防救援大队", "Fire and Rescue Service"),
)
#: Slug, function, names, bureau above, kind.
_SERVICES = (
    ("gas", "gas", "示例燃气公司", "Example Gas Company", "housing", UnitKind.FIRM),
    ("waterworks", "waterworks", "示例供水公司", "Example Water Company", "water", UnitKind.FIRM),
    ("power", "power", "示例供电公司", "Example Power Company", "government", UnitKind.FIRM),
    ("metro", "metro", "示例轨道交通公司", "Example Metro Company", "transport", UnitKind.FIRM),
    ("upkeep", "", "示例路桥养护公司", "Example Bridge Upkeep Company", "transport", UnitKind.FIRM),
    ("lift_care", "", "示例电梯维保公司", "Example Lift Maintenance Company", "market", UnitKind.FIRM),
    ("carrier", "", "示例道路运输公司", "Example Road Carrier", "transport", UnitKind.FIRM),
    ("drainage", "drainage", "市引排水调度中心", "Drainage Dispatch Centre", "water", UnitKind.INSTITUTION),
)
_TRADES = ("化工", "涂料", "树脂", "制剂", "助剂", "气体", "电镀")
_TRADES_EN = ("Chemicals", "Coatings", "Resins", "Agents", "Additives", "Gases", "Plating")
_SITES = ("商业广场", "医院", "会展中心", "地下商城", "高层公寓")
_SITES_EN = ("shopping plaza", "hospital", "exhibition hall", "underground mall", "residential tower")


def firm(number: int) -> str:
    """Key of a high-risk firm, from 1."""
    return f"unit:firm-{number:02d}"


def town_of_firm(number: int) -> Town:
    """Where a high-risk firm stands."""
    return TOWNS[(number * 3) % len(TOWNS)]


def site(number: int) -> str:
    """Key of a key fire site (消防安全重点单位), from 1."""
    return f"unit:site-{number:02d}"


def town_of_site(number: int) -> Town:
    """Where a key fire site stands."""
    return TOWNS[(number * 7 + 2) % len(TOWNS)]


def units() -> tuple[Unit, ...]:
    """All units. Above a firm stands its town, above a utility its bureau: never who reviews its work."""
    rows = [
        _unit(
            "government", "市人民政府", "City Government", UnitKind.DEPARTMENT, "", CITY_AREA, "government"
        ),
        _unit(
            "duty_room", "市总值班室", "General Duty Room", UnitKind.DEPARTMENT, "unit:government", CITY_AREA
        ),
        _unit(
            "police", "市公安局", "Public Security Bureau", UnitKind.DEPARTMENT, "unit:government", CITY_AREA
        ),
    ]
    for slug, zh, _, en in _BUREAUS:
        rows.append(_unit(slug, zh, f"City {en}", UnitKind.DEPARTMENT, "unit:government", CITY_AREA, slug))
    rows += [
        _unit(
            "centre", "城市安全运行监测中心", "City Safety Monitoring Centre", UnitKind.INSTITUTION,
            "unit:emergency", CITY_AREA, "centre",
        ),
        Unit(
            key=CONTRACTOR, name_zh="示例监测运维公司", name_en="Example Monitoring Contractor",
            kind=UnitKind.CONTRACTOR, parent=CENTRE, area=CITY_AREA, principal=CENTRE,
        ),
    ]  # fmt: skip
    rows += [
        _unit(slug, zh, en, kind, f"unit:{above}", CITY_AREA, function)
        for slug, function, zh, en, above, kind in _SERVICES
    ]
    for district in DISTRICTS:
        rows += _district(district.slug, district.zh, district.en)
    rows += [_town(town) for town in TOWNS]
    rows += [_firm(number) for number in range(1, FIRMS + 1)]
    rows += [_site(number) for number in range(1, KEY_SITES + 1)]
    return tuple(rows)


def _unit(slug: str, zh: str, en: str, kind: UnitKind, parent: str, area: str, function: str = "") -> Unit:
    return Unit(
        key=f"unit:{slug}", name_zh=zh, name_en=en, kind=kind, parent=parent, area=area, function=function
    )


def _district(slug: str, zh: str, en: str) -> list[Unit]:
    area, dept = f"area:{slug}", UnitKind.DEPARTMENT
    rows = [
        _unit(
            f"government_{slug}", f"{zh}人民政府", f"{en} Government", dept, "unit:government", area,
            "government",
        )
    ]  # fmt: skip
    rows += [
        _unit(f"{function}_{slug}", f"{zh}{local}", f"{en} {name}", dept, f"unit:{function}", area, function)
        for function, _, local, name in _BUREAUS
    ]
    return rows


def _town(town: Town) -> Unit:
    zh = f"{town.zh}人民政府" if town.zh.endswith("镇") else f"{town.zh}办事处"
    above = f"unit:government_{town.district}"
    return _unit(f"town_{town.slug}", zh, f"{town.en} Government", UnitKind.TOWN, above, town.area, "town")


def _firm(number: int) -> Unit:
    town, trade = town_of_firm(number), number % len(_TRADES)
    return Unit(
        key=firm(number),
        name_zh=f"示例{_TRADES[trade]}{number:02d}厂（虚构）",
        name_en=f"Example {_TRADES_EN[trade]} {number:02d} (invented)",
        kind=UnitKind.FIRM,
        parent=town.unit,
        area=town.area,
    )


def _site(number: int) -> Unit:
    town, kind = town_of_site(number), number % len(_SITES)
    return Unit(
        key=site(number),
        name_zh=f"示例{_SITES[kind]}{number:02d}（虚构）",
        name_en=f"Example {_SITES_EN[kind]} {number:02d} (invented)",
        kind=UnitKind.FIRM,
        parent=town.unit,
        area=town.area,
    )


def members() -> tuple[str, ...]:
    """Units that sit in the committees: the city's departments and the district governments."""
    city = tuple(f"unit:{slug}" for slug, *_ in _BUREAUS)
    return (*city, "unit:police", *(f"unit:government_{d.slug}" for d in DISTRICTS))


def bodies(chairs: dict[str, tuple[str, ...]]) -> tuple[Body, ...]:
    """三委一部's committees and the leading group. `chairs`: two persons for each."""
    rows = (
        (EMERGENCY_COMMITTEE, "市突发事件应急委员会", "City Emergency Committee", "unit:emergency"),
        (SAFETY_COMMITTEE, "市安全生产委员会", "City Safety Committee", "unit:emergency"),
        (
            DISASTER_COMMITTEE, "市防灾减灾救灾委员会", "City Disaster Prevention Committee",
            "unit:emergency",
        ),
        (LEADING_GROUP, "智慧安全城市建设领导小组", "Smart Safe City Leading Group", "unit:emergency"),
    )  # fmt: skip
    return tuple(
        Body(key=key, name_zh=zh, name_en=en, chairs=chairs[key], office=office, members=members())
        for key, zh, en, office in rows
    )
