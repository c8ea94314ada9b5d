"""Areas, units and the committee of the demonstration city. Every name is invented."""

from __future__ import annotations

from liandong.core.values.city import Area, Body, Unit
from liandong.core.values.lists import AreaKind, UnitKind

BODY_KEY = "body:safety"
GRIDS_PER_TOWN = 3

_DISTRICTS = (("east", "东区", "East District"), ("west", "西区", "West District"))
#: Everything that a rule watches stands in the east, because rows of the first form name no territory,
#: and the verifier is one district's bureau.
EAST_TOWNS = ("yunxi", "shiqiao", "heping", "qinghe")
WEST_TOWNS = ("songgang", "baihu")
_TOWNS = {
    "yunxi": ("云溪镇", "Yunxi Town"),
    "shiqiao": ("石桥街道", "Shiqiao Subdistrict"),
    "heping": ("禾坪镇", "Heping Town"),
    "qinghe": ("青荷街道", "Qinghe Subdistrict"),
    "songgang": ("松岗镇", "Songgang Town"),
    "baihu": ("白湖镇", "Baihu Town"),
}
TOWNS = (*EAST_TOWNS, *WEST_TOWNS)
FIRMS = tuple(f"unit:firm-{number}" for number in range(1, 6))
_FIRM_NAMES = ("晨星化工", "远帆涂料", "青石制剂", "北辰树脂", "澄江助剂")
_FIRM_NAMES_EN = (
    "Morning Star Chemicals",
    "Far Sail Coatings",
    "Bluestone Agents",
    "North Resin",
    "Clear River Additives",
)


def district_of(town: str) -> str:
    """Slug of the district in which a town lies."""
    return "east" if town in EAST_TOWNS else "west"


def town_of_firm(number: int) -> str:
    """Slug of the town in which a firm stands, all in the east."""
    return EAST_TOWNS[number % len(EAST_TOWNS)]


def _areas() -> tuple[Area, ...]:
    rows = [
        Area(
            key="area:demo",
            name_zh="示例市（虚构示意）",
            name_en="Demo City (invented, schematic)",
            kind=AreaKind.CITY,
            path="/demo/",
        )
    ]
    for slug, zh, en in _DISTRICTS:
        path = f"/demo/{slug}/"
        rows.append(
            Area(
                key=f"area:{slug}",
                name_zh=zh,
                name_en=en,
                kind=AreaKind.DISTRICT,
                parent="area:demo",
                path=path,
            )
        )
    for slug, (zh, en) in _TOWNS.items():
        path = f"/demo/{district_of(slug)}/{slug}/"
        parent = f"area:{district_of(slug)}"
        rows.append(
            Area(key=f"area:{slug}", name_zh=zh, name_en=en, kind=AreaKind.TOWN, parent=parent, path=path)
        )
        rows += [
            Area(
                key=f"area:{slug}-{number}",
                name_zh=f"{zh}第{number}网格",
                name_en=f"{en} grid {number}",
                kind=AreaKind.GRID,
                parent=f"area:{slug}",
                path=f"{path}{slug}-{number}/",
            )
            for number in range(1, GRIDS_PER_TOWN + 1)
        ]
    return tuple(rows)


def _unit(slug: str, zh: str, en: str, kind: UnitKind, parent: str, area: str, *domains: str) -> Unit:
    return Unit(
        key=f"unit:{slug}",
        name_zh=zh,
        name_en=en,
        kind=kind,
        parent=f"unit:{parent}" if parent else "",
        area=f"area:{area}",
        domains=domains,
    )


def _units() -> tuple[Unit, ...]:
    """A firm's superior is its town, a utility's its bureau: never the bureau that verifies its work."""
    dept, firm = UnitKind.DEPARTMENT, UnitKind.FIRM
    rows = [
        _unit("government", "示例市人民政府", "Demo City Government", dept, "", "demo", "*"),
        _unit("emergency", "示例市应急管理局", "City Emergency Bureau", dept, "government", "demo", "*"),
        _unit(
            "housing", "示例市住建局", "City Housing Bureau",
            dept, "government", "demo", "gas_leak", "waterlogging",
        ),
        _unit("fire", "示例市消防救援支队", "Fire and Rescue Service", dept, "government", "demo", "*"),
        _unit(
            "centre", "示例市城市安全运行监测中心", "City Safety Monitoring Centre",
            UnitKind.INSTITUTION, "emergency", "demo", "*",
        ),
        _unit("gas", "示例燃气有限公司", "Demo Gas Company", firm, "housing", "demo", "gas_leak"),
        _unit(
            "drainage", "示例市引排水调度中心", "Drainage Dispatch Centre",
            UnitKind.INSTITUTION, "housing", "demo", "waterlogging",
        ),
        _unit("upkeep", "示例市政养护有限公司", "Demo Upkeep Company", firm, "housing", "demo", "bridge"),
    ]  # fmt: skip
    contractor = Unit(
        key="unit:contractor",
        name_zh="示例监测运维有限公司",
        name_en="Demo Monitoring Contractor",
        kind=UnitKind.CONTRACTOR,
        parent="unit:centre",
        area="area:demo",
        principal="unit:centre",
    )
    rows.append(contractor)
    for slug, zh, en in _DISTRICTS:
        rows += [
            _unit(f"government_{slug}", f"{zh}人民政府", f"{en} Government", dept, "government", slug, "*"),
            _unit(
                f"emergency_{slug}", f"{zh}应急管理局", f"{en} Emergency Bureau", dept, "emergency", slug, "*"
            ),
            _unit(
                f"housing_{slug}", f"{zh}住建局", f"{en} Housing Bureau", dept, "housing", slug, "gas_leak"
            ),
        ]
    for slug, (zh, en) in _TOWNS.items():
        name = f"{zh}人民政府" if zh.endswith("镇") else f"{zh}办事处"
        above = f"government_{district_of(slug)}"
        rows.append(_unit(f"town_{slug}", name, f"{en} Government", UnitKind.TOWN, above, slug, "*"))
    for number, (zh, en) in enumerate(zip(_FIRM_NAMES, _FIRM_NAMES_EN, strict=True), start=1):
        town = town_of_firm(number)
        name = f"{zh}有限公司（虚构）"
        rows.append(
            _unit(f"firm-{number}", name, f"{en} (invented)", firm, f"town_{town}", town, "toxic_gas")
        )
    return tuple(rows)


def bodies(chairs: tuple[str, ...]) -> tuple[Body, ...]:
    """The safety committee: two chairs, its office in the emergency bureau."""
    members = tuple(unit.key for unit in UNITS if unit.kind == UnitKind.DEPARTMENT)
    return (
        Body(
            key=BODY_KEY,
            name_zh="示例市安全生产委员会",
            name_en="Demo City Safety Committee",
            chairs=chairs,
            office="unit:emergency",
            members=members,
        ),
    )


AREAS = _areas()
UNITS = _units()
