"""The space in which rows speak: finite axes, made from the words that the rows use and the city's trees.

Every question below is about boxes over these axes (MECHANISM 2). An axis holds one atom for each thing
that rows can tell apart, and one, named `-`, for everything that no row names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import NamedTuple

from liandong.core.values.city import CityIndex
from liandong.core.values.document import Mechanism
from liandong.core.values.errors import BadInput
from liandong.core.values.lists import DayKind
from liandong.core.values.rows import ANY, Where, words
from liandong.core.values.scales import CASE_LEVELS

OTHER = "-"
PHASES = ("monitor", "respond")
AXES = ("level", "kind", "stage", "tier", "territory", "phase", "days", "season", "hours")
#: Axes as the precedence sentence calls them.
SENTENCE: dict[str, tuple[str, ...]] = {
    "territory": ("territory",),
    "phase": ("phase",),
    "calendar": ("days", "season", "hours"),
    "level": ("level",),
    "kind": ("kind",),
    "stage": ("stage",),
    "tier": ("tier",),
}
_HOURS = re.compile(r"([01]\d|2[0-4]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)")
_DAY_MINUTES = 1440


class Cell(NamedTuple):
    """One atom on each axis, by its place on the axis."""

    level: int
    kind: int
    stage: int
    tier: int
    territory: int
    phase: int
    days: int
    season: int
    hours: int


def intervals(hours: str) -> list[tuple[int, int]]:
    """`22:00-06:00;12:00-13:00` → minutes of the day, [start, end), those over midnight in two.

    Raises BadInput for what is no such text.
    """
    found = []
    for part in words(hours):
        match = _HOURS.fullmatch(part)
        if match is None:
            raise BadInput("mechanism.bad_hours", hours=part)
        start, end = (int(match[i]) * 60 + int(match[i + 1]) for i in (1, 3))
        if max(start, end) > _DAY_MINUTES or start == end:
            raise BadInput("mechanism.bad_hours", hours=part)
        found += [(start, end)] if start < end else [(start, _DAY_MINUTES), (0, end)]
    return [(start, end) for start, end in found if start < end]


class Space:
    """The axes of one mechanism in one city, or, without a city, of the words of the document alone."""

    def __init__(self, mechanism: Mechanism, city: CityIndex | None = None) -> None:
        self.city = city
        boxes: list[Where] = [*mechanism.roles, *mechanism.scope, *mechanism.overrides]
        self.atoms: dict[str, tuple[str, ...]] = {
            "level": tuple(CASE_LEVELS),
            "phase": PHASES,
            "days": tuple(day.value for day in DayKind),
        }
        for axis in ("kind", "stage", "tier"):
            self.atoms[axis] = (*_named(boxes, axis), OTHER)
        self._territories = _named(boxes, "territory")
        self.atoms["territory"], self._area_atom = self._areas()
        self._seasons = _named(boxes, "season")
        combinations = self._season_combinations()
        self._season_atom = {seasons: number for number, seasons in enumerate(combinations)}
        self.atoms["season"] = tuple("+".join(sorted(seasons)) or OTHER for seasons in combinations)
        cuts = {0} | {edge for row in boxes for pair in intervals(row.hours) for edge in pair}
        self._cuts = sorted(cuts - {_DAY_MINUTES})
        self.atoms["hours"] = tuple(f"{cut // 60:02d}:{cut % 60:02d}" for cut in self._cuts)
        #: No row tells one moment from another.
        self.timeless = len(cuts - {_DAY_MINUTES}) == 1 and not self._seasons and not _named(boxes, "days")
        self._place = {axis: {atom: i for i, atom in enumerate(self.atoms[axis])} for axis in AXES}

    # Making the axes.

    def _areas(self) -> tuple[tuple[str, ...], dict[str, int]]:
        """Atoms of the tree: areas that the same named territories contain are one."""
        if self.city is None:
            return (*self._territories, OTHER), {
                area: number for number, area in enumerate(self._territories)
            }
        paths = {word: self.city.areas[word].path for word in self._territories if word in self.city.areas}
        atoms: dict[frozenset[str], list[str]] = {}
        for area in sorted(self.city.areas.values(), key=lambda area: (area.path.count("/"), area.key)):
            inside = frozenset(word for word, path in paths.items() if area.path.startswith(path))
            atoms.setdefault(inside, []).append(area.key)
        atoms.setdefault(frozenset(), [])
        names = [_representative(self.city, areas) for areas in atoms.values()]
        number = {area: i for i, areas in enumerate(atoms.values()) for area in areas}
        self._inside = list(atoms)
        return tuple(names), number

    def _season_combinations(self) -> list[frozenset[str]]:
        """Sets of named seasons that can hold at once."""
        rows = self.city.city.seasons if self.city is not None else ()
        if not rows:
            return [frozenset(), *(frozenset({season}) for season in self._seasons)]
        day, met = date(2000, 1, 1), dict.fromkeys([frozenset[str]()])
        for offset in range(366):
            at = (day + timedelta(days=offset)).isoformat()
            met[frozenset(row.key for row in rows if row.holds(at)) & frozenset(self._seasons)] = None
        return list(met)

    # From words to atoms.

    def mask(self, axis: str, text: str) -> int:
        """The atoms of an axis that a text holds for, as bits; none for words that nothing bears."""
        count = len(self.atoms[axis])
        if text == ANY:
            return (1 << count) - 1
        if axis == "hours":
            inside = intervals(text)
            chosen = [i for i, cut in enumerate(self._cuts) if any(a <= cut < b for a, b in inside)]
        elif axis == "season":
            wanted = set(words(text))
            chosen = [i for seasons, i in self._season_atom.items() if seasons & wanted]
        elif axis == "territory" and self.city is not None:
            wanted = set(words(text))
            chosen = [i for i, inside_of in enumerate(self._inside) if inside_of & wanted]
        else:
            places = self._place[axis]
            chosen = [places[word] for word in words(text) if word in places]
        return sum(1 << i for i in set(chosen))

    def box(self, row: Where) -> tuple[int, ...]:
        """A row's atoms on every axis, in the order of `AXES`."""
        return tuple(self.mask(axis, getattr(row, axis)) for axis in AXES)

    def cell(
        self,
        level: str,
        *,
        kind: str = "",
        stage: str = "",
        tier: str = "",
        area: str = "",
        phase: str = PHASES[0],
        day: str = DayKind.WORKDAY,
        seasons: Iterable[str] = (),
        minute: int = 720,
    ) -> Cell:
        """The cell of a situation; what no row names falls under `-`."""
        hours = max(i for i, cut in enumerate(self._cuts) if cut <= minute)
        known = frozenset(seasons) & frozenset(self._seasons)
        return Cell(
            level=self._place["level"].get(level, 0),  # what nobody has graded is treated as the mildest
            kind=self._of("kind", kind),
            stage=self._of("stage", stage),
            tier=self._of("tier", tier),
            territory=self._area_atom.get(area, self._elsewhere()),
            phase=self._place["phase"].get(phase, 0),
            days=self._place["days"].get(day, 0),
            season=self._season_atom.get(known, self._season_atom[frozenset()]),
            hours=hours,
        )

    def _elsewhere(self) -> int:
        return len(self.atoms["territory"]) - 1 if self.city is None else self._inside.index(frozenset())

    def _of(self, axis: str, word: str) -> int:
        return self._place[axis].get(word, len(self.atoms[axis]) - 1)

    def unknown(self, row: Where) -> Iterator[tuple[str, str]]:
        """Words of a row that nothing in the city bears: (axis, word)."""
        if self.city is None:
            return
        for word in words(row.territory):
            if word not in self.city.areas:
                yield "territory", word
        seasons = {season.key for season in self.city.city.seasons}
        for word in words(row.season):
            if word not in seasons:
                yield "season", word

    def describe(self, cell: Cell) -> dict[str, str]:
        """A cell in words, without what no row tells apart."""
        said = {axis: self.atoms[axis][getattr(cell, axis)] for axis in AXES}
        return {
            axis: word
            for axis, word in said.items()
            if word != OTHER and (len(self.atoms[axis]) > 1 or axis == "level")
        }


def _named(rows: Iterable[Where], axis: str) -> tuple[str, ...]:
    """Every word that a row names on an axis."""
    return tuple(sorted({word for row in rows for word in words(getattr(row, axis))}))


def _representative(city: CityIndex, areas: list[str]) -> str:
    """The area that stands for its atom: one without anything below it, where there is one."""
    if not areas:
        return OTHER
    parents = {area.parent for area in city.areas.values()}
    return next((area for area in areas if area not in parents), areas[0])
