"""Counting: in which cells of a group's space a row speaks, none does, or two do.

The space of a hazard is counted whole. Atoms that no row of the group tells apart are one (coordinate
compression), so that a city of 200 areas and a week of hours stays small.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from liandong.core.mechanism.compile import Compiled, Group
from liandong.core.mechanism.precedence import Box
from liandong.core.mechanism.space import AXES, Cell

Cells = npt.NDArray[np.bool_]
#: More cells than this are counted in slices along the territories.
_SLICE = 4_000_000
_LEVEL, _TERRITORY = AXES.index("level"), AXES.index("territory")


@dataclass
class Grid:
    """The compressed space of some boxes: per axis the atoms that stand for all."""

    atoms: tuple[npt.NDArray[np.intp], ...]  #: representative atoms of each axis
    weights: tuple[npt.NDArray[np.int64], ...]  #: how many atoms each stands for

    @classmethod
    def of(cls, boxes: Sequence[Box], counts: Sequence[int]) -> Grid:
        """Atoms that lie in the same boxes are one; levels stay apart, so that a hole can name its own."""
        atoms, weights = [], []
        for axis, count in enumerate(counts):
            bits = np.array([[mask[axis] >> atom & 1 for atom in range(count)] for mask in boxes], np.uint8)
            if not len(boxes):
                bits = np.zeros((1, count), np.uint8)
            if axis == _LEVEL:
                atoms.append(np.arange(count))
                weights.append(np.ones(count, np.int64))
                continue
            _, first, repeats = np.unique(bits, axis=1, return_index=True, return_counts=True)
            order = np.argsort(first)
            atoms.append(first[order])
            weights.append(repeats[order].astype(np.int64))
        return cls(tuple(atoms), tuple(weights))

    def slices(self) -> Iterator[Grid]:
        """The grid in parts that are small enough to count at once."""
        size = int(np.prod([len(a) for a in self.atoms]))
        here = len(self.atoms[_TERRITORY])
        step = max(1, here * _SLICE // max(size, 1))
        for start in range(0, here, step):
            cut = slice(start, start + step)
            atoms, weights = list(self.atoms), list(self.weights)
            atoms[_TERRITORY], weights[_TERRITORY] = atoms[_TERRITORY][cut], weights[_TERRITORY][cut]
            yield Grid(tuple(atoms), tuple(weights))

    @property
    def shape(self) -> tuple[int, ...]:
        """Atoms on each axis."""
        return tuple(len(atoms) for atoms in self.atoms)

    def cells(self, box: Box) -> Cells:
        """Which cells lie in a box, broadcastable to `shape`."""
        made: Cells = np.ones((1,) * len(AXES), dtype=bool)
        for axis, atoms in enumerate(self.atoms):
            bits = np.array([box[axis] >> int(atom) & 1 for atom in atoms], dtype=bool)
            if bits.all():
                continue
            made = made & bits.reshape([-1 if i == axis else 1 for i in range(len(AXES))])
        return made

    def first(self, cells: Cells) -> Cell | None:
        """The first cell that is set, None where none is."""
        full = np.broadcast_to(cells, self.shape)
        place = int(full.argmax())
        if not full.flat[place]:
            return None
        index = np.unravel_index(place, self.shape)
        return Cell(*(int(self.atoms[axis][i]) for axis, i in enumerate(index)))

    def count(self, cells: Cells) -> int:
        """How many cells of the whole space the set ones stand for."""
        total = np.broadcast_to(cells, self.shape).astype(np.int64)
        for weight in reversed(self.weights):
            total = total @ weight
        return int(total)


@dataclass
class Counted:
    """What counting one group of one hazard found."""

    holes: list[tuple[Cell, int]]  #: a cell without a row, per level, and how many there are
    doubles: list[tuple[str, str, Cell]]  #: two rows that speak in one cell
    circles: list[tuple[tuple[str, ...], Cell]]  #: rows that override each other, so that none speaks
    speaking: set[str]  #: rows that speak somewhere
    cells: int


def count_group(compiled: Compiled, group: Group, claimed: Sequence[Box]) -> Counted:
    """Count every cell: rows that speak there, within what is claimed and beyond."""
    counts = [len(compiled.space.atoms[axis]) for axis in AXES]
    regions = [box for boxes in group.named.values() for box in boxes if box is not None]
    boxes = [*(candidate.box for candidate in group.candidates), *claimed, *regions]
    found = Counted([], [], [], set(), int(np.prod(counts, dtype=np.int64)))
    holes: dict[int, tuple[Cell, int]] = {}
    for grid in Grid.of(boxes, counts).slices():
        _count_slice(grid, group, claimed, found, holes)
    found.holes = list(holes.values())
    return found


def _count_slice(
    grid: Grid, group: Group, claimed: Sequence[Box], found: Counted, holes: dict[int, tuple[Cell, int]]
) -> None:
    speaks = _speaking(grid, group)
    covered = np.zeros(grid.shape, dtype=bool)
    held = np.zeros(grid.shape, dtype=bool)
    twice = np.zeros(grid.shape, dtype=bool)
    for number, cells in enumerate(speaks):
        twice |= covered & cells
        covered |= cells
        held |= grid.cells(group.candidates[number].box)
        if cells.any():
            found.speaking.add(group.candidates[number].row.key)
    wanted = np.zeros(grid.shape, dtype=bool)
    for box in claimed:
        wanted |= grid.cells(box)
    _note_circles(grid, group, held & ~covered, found)
    _note_holes(grid, wanted & ~held, holes)
    if twice.any():
        _note_doubles(grid, group, speaks, found)


def _speaking(grid: Grid, group: Group) -> list[Cells]:
    """Per row the cells in which it speaks: where it holds and no other row wins over it."""
    holds = [grid.cells(candidate.box) for candidate in group.candidates]
    named_in = {pair[k] for pair in group.named for k in (0, 1)}
    speaks: list[Cells] = []
    earlier: Cells = np.zeros(grid.shape, dtype=bool)  # cells that rows of earlier layers hold
    here: Cells = np.zeros(grid.shape, dtype=bool)
    layer = None
    for j, candidate in enumerate(group.candidates):
        if candidate.layer != layer:
            layer = candidate.layer
            earlier = earlier | here
            here = np.zeros(grid.shape, dtype=bool)
        cells = holds[j] & ~earlier
        if j in named_in:
            cells = _by_name(grid, group, holds, j)
        speaks.append(cells)
        here |= holds[j]
    return speaks


def _by_name(grid: Grid, group: Group, holds: list[Cells], j: int) -> Cells:
    """As `_speaking` for one row that takes part in an override by name."""
    cells: Cells = holds[j].copy()
    for i, other in enumerate(group.candidates):
        if i == j:
            continue
        if other.layer < group.candidates[j].layer:
            cells = cells & ~(holds[i] & ~_region(grid, group, j, i))
        cells = cells & ~(holds[i] & _region(grid, group, i, j))
    return cells


def _region(grid: Grid, group: Group, winner: int, loser: int) -> Cells:
    """Where one row overrides another by name."""
    found: Cells = np.zeros((1,) * len(AXES), dtype=bool)
    for box in group.named.get((winner, loser), ()):
        found = found | (np.ones_like(found) if box is None else grid.cells(box))
    return found


def _note_holes(grid: Grid, cells: Cells, holes: dict[int, tuple[Cell, int]]) -> None:
    """One witness per level, and how many cells are like it."""
    for place, level in enumerate(grid.atoms[0]):
        part = np.zeros_like(cells)
        part[place] = cells[place]
        witness = grid.first(part)
        if witness is not None:
            before = holes.get(int(level))
            holes[int(level)] = (
                before[0] if before else witness,
                grid.count(part) + (before[1] if before else 0),
            )


def _note_circles(grid: Grid, group: Group, cells: Cells, found: Counted) -> None:
    witness = grid.first(cells)
    if witness is not None and not found.circles:
        rows = tuple(c.row.key for c in group.candidates if c.holds(witness))
        found.circles.append((rows, witness))


def _note_doubles(grid: Grid, group: Group, speaks: list[Cells], found: Counted) -> None:
    """Every pair of rows that both speak somewhere, each with one cell."""
    known = {(one, other) for one, other, _ in found.doubles}
    active = [i for i, cells in enumerate(speaks) if cells.any()]
    for place, i in enumerate(active):
        for j in active[place + 1 :]:
            one, other = group.candidates[i], group.candidates[j]
            pair = (one.row.key, other.row.key)
            if pair in known or not one.meets(other):
                continue
            witness = grid.first(speaks[i] & speaks[j])
            if witness is not None:
                found.doubles.append((*pair, witness))
