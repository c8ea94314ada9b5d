"""Areas of the demonstration: the city's five districts and 32 towns by name and code, grids under them.

Names and codes: division codes as published with the statistical division tables (typed in from a list
of the city's 32 towns and streets). Positions are cells of a drawing, chosen so that neighbours stand
near one another: they are no boundaries and no surveyed points (示意).
"""

from __future__ import annotations

from dataclasses import dataclass

from liandong.core.values.city import Area
from liandong.core.values.lists import AreaKind
from liandong.sim.chance import between

CITY = "foshan-demo"
CITY_AREA = "area:foshan"
GRIDS_PER_TOWN = 6
#: Degrees of one cell of the drawing, and where its first cell begins.
_CELL_LON, _CELL_LAT, _WEST, _NORTH = 0.08, 0.07, 112.50, 23.45


@dataclass(frozen=True)
class District:
    """One district."""

    slug: str
    code: str
    zh: str
    en: str


@dataclass(frozen=True)
class Town:
    """One town or street, and its cell in the drawing (column from the west, row from the north)."""

    slug: str
    code: str
    zh: str
    en: str
    district: str
    column: int
    row: int

    @property
    def area(self) -> str:
        """Key of its area."""
        return f"area:{self.slug}"

    @property
    def unit(self) -> str:
        """Key of its government."""
        return f"unit:town_{self.slug}"


DISTRICTS = (
    District("chancheng", "440604", "禅城区", "Chancheng District"),
    District("nanhai", "440605", "南海区", "Nanhai District"),
    District("shunde", "440606", "顺德区", "Shunde District"),
    District("sanshui", "440607", "三水区", "Sanshui District"),
    District("gaoming", "440608", "高明区", "Gaoming District"),
)
_ROWS = (
    ("shiwan", "440604010", "石湾镇街道", "Shiwan Subdistrict", 5, 4),
    ("zhangcha", "440604011", "张槎街道", "Zhangcha Subdistrict", 5, 3),
    ("zumiao", "440604012", "祖庙街道", "Zumiao Subdistrict", 6, 3),
    ("nanzhuang", "440604100", "南庄镇", "Nanzhuang Town", 4, 4),
    ("guicheng", "440605011", "桂城街道", "Guicheng Subdistrict", 7, 3),
    ("jiujiang", "440605121", "九江镇", "Jiujiang Town", 4, 5),
    ("xiqiao", "440605122", "西樵镇", "Xiqiao Town", 3, 4),
    ("danzao", "440605123", "丹灶镇", "Danzao Town", 3, 3),
    ("shishan", "440605124", "狮山镇", "Shishan Town", 4, 2),
    ("dali", "440605125", "大沥镇", "Dali Town", 6, 2),
    ("lishui", "440605126", "里水镇", "Lishui Town", 6, 1),
    ("lunjiao", "440606003", "伦教街道", "Lunjiao Subdistrict", 8, 5),
    ("leliu", "440606004", "勒流街道", "Leliu Subdistrict", 6, 5),
    ("daliang", "440606005", "大良街道", "Daliang Subdistrict", 7, 6),
    ("ronggui", "440606006", "容桂街道", "Ronggui Subdistrict", 8, 6),
    ("chencun", "440606101", "陈村镇", "Chencun Town", 7, 4),
    ("beijiao", "440606102", "北滘镇", "Beijiao Town", 7, 5),
    ("lecong", "440606103", "乐从镇", "Lecong Town", 6, 4),
    ("longjiang", "440606104", "龙江镇", "Longjiang Town", 5, 5),
    ("xingtan", "440606105", "杏坛镇", "Xingtan Town", 6, 6),
    ("junan", "440606106", "均安镇", "Jun'an Town", 6, 7),
    ("xinan", "440607001", "西南街道", "Xinan Subdistrict", 1, 2),
    ("yundonghai", "440607004", "云东海街道", "Yundonghai Subdistrict", 2, 2),
    ("datang", "440607101", "大塘镇", "Datang Town", 2, 0),
    ("leping", "440607103", "乐平镇", "Leping Town", 3, 1),
    ("baini", "440607104", "白坭镇", "Baini Town", 1, 3),
    ("lubao", "440607105", "芦苞镇", "Lubao Town", 2, 1),
    ("nanshan", "440607106", "南山镇", "Nanshan Town", 1, 0),
    ("hecheng", "440608004", "荷城街道", "Hecheng Subdistrict", 2, 4),
    ("yanghe", "440608106", "杨和镇", "Yanghe Town", 1, 5),
    ("mingcheng", "440608107", "明城镇", "Mingcheng Town", 0, 5),
    ("genghe", "440608108", "更合镇", "Genghe Town", 0, 6),
)
_BY_CODE = {district.code: district.slug for district in DISTRICTS}
TOWNS = tuple(
    Town(slug, code, zh, en, _BY_CODE[code[:6]], column, row) for slug, code, zh, en, column, row in _ROWS
)
TOWN = {town.slug: town for town in TOWNS}


def areas() -> tuple[Area, ...]:
    """City, districts, towns, grids, each below the one before."""
    rows = [
        Area(
            key=CITY_AREA,
            name_zh="佛山市（演示：虚构、示意）",
            name_en="Foshan (demonstration: invented, schematic)",
            kind=AreaKind.CITY,
            path="/foshan/",
            code="4406",
        )
    ]
    for district in DISTRICTS:
        path = f"/foshan/{district.slug}/"
        rows.append(
            Area(
                key=f"area:{district.slug}",
                name_zh=district.zh,
                name_en=district.en,
                kind=AreaKind.DISTRICT,
                parent=CITY_AREA,
                path=path,
                code=district.code,
            )
        )
        for town in TOWNS:
            if town.district == district.slug:
                rows += _town(town, path)
    return tuple(rows)


def _town(town: Town, above: str) -> list[Area]:
    path = f"{above}{town.slug}/"
    rows = [
        Area(
            key=town.area,
            name_zh=town.zh,
            name_en=town.en,
            kind=AreaKind.TOWN,
            parent=f"area:{town.district}",
            path=path,
            code=town.code,
        )
    ]
    rows += [
        Area(
            key=grid(town, number),
            name_zh=f"{town.zh}第{number}网格（示意）",
            name_en=f"{town.en} grid {number} (schematic)",
            kind=AreaKind.GRID,
            parent=town.area,
            path=f"{path}{town.slug}-{number}/",
        )
        for number in range(1, GRIDS_PER_TOWN + 1)
    ]
    return rows


def grid(town: Town, number: int) -> str:
    """Key of a town's grid, from 1."""
    return f"area:{town.slug}-{number}"


def point(seed: int, town: Town, number: int, key: str) -> tuple[float, float]:
    """A place in the drawing: degrees east and north, inside the part of the cell that is the grid's."""
    column, row = (number - 1) % 3, (number - 1) // 3
    x = (column + between(0.1, 0.9, seed, "x", key)) / 3
    y = (row + between(0.1, 0.9, seed, "y", key)) / 2
    lon = _WEST + _CELL_LON * (town.column + 0.06 + 0.88 * x)
    lat = _NORTH - _CELL_LAT * (town.row + 0.06 + 0.88 * y)
    return round(lon, 5), round(lat, 5)
