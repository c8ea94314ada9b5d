"""P3: every override lies inside what it overrides."""

from __future__ import annotations

from collections.abc import Iterator

from liandong.core.mechanism.compile import Compiled, all_rows
from liandong.core.mechanism.fault import Fault
from liandong.core.mechanism.precedence import split
from liandong.core.mechanism.space import AXES
from liandong.core.values.rows import ANY, Row, Ruling


def overrides(compiled: Compiled) -> Iterator[Fault]:
    """P3: every override lies inside what it overrides."""
    every = {row.key: row for row in all_rows(compiled.mechanism)}
    for row in every.values():
        for over in split(row.overrides) if isinstance(row, Ruling) else ():
            yield from _inside(compiled, row, over, every)
    for stated in compiled.mechanism.overrides:
        for key in (stated.row, stated.over):
            if key not in every:
                yield Fault(proof="P3", kind="override_unknown", rows=(stated.key,), witness={"row": key})
        one, other = every.get(stated.row), every.get(stated.over)
        if one is None or other is None:
            continue
        a, b = compiled.box(one), compiled.box(other)
        if not all(x & y for x, y in zip(a, b, strict=True)) or not _flows_meet(compiled, one, other):
            yield Fault(proof="P3", kind="override_apart", rows=(stated.key, one.key, other.key), witness={})
            continue
        region = compiled.space.box(stated)
        for axis, said, x, y in zip(AXES, region, a, b, strict=True):
            outside = said & ~(x & y)
            if getattr(stated, axis) != ANY and outside:
                yield _outside(compiled, (stated.key, one.key, other.key), axis, outside)
                break


def _inside(compiled: Compiled, row: Row, over: str, every: dict[str, Row]) -> Iterator[Fault]:
    other = every.get(over)
    if other is None:
        yield Fault(proof="P3", kind="override_unknown", rows=(row.key,), witness={"row": over})
        return
    mine, its = str(getattr(row, "flow", ANY)), str(getattr(other, "flow", ANY))
    if its != ANY and its not in compiled.flows(mine):
        yield Fault(
            proof="P3",
            kind="override_outside",
            rows=(row.key, over),
            witness={"axis": "flow", "outside": mine},
        )
        return
    a, b = compiled.box(row), compiled.box(other)
    for axis, x, y in zip(AXES, a, b, strict=True):
        if x & ~y:
            yield _outside(compiled, (row.key, over), axis, x & ~y)
            return


def _outside(compiled: Compiled, rows: tuple[str, ...], axis: str, mask: int) -> Fault:
    atoms = compiled.space.atoms[axis]
    first = next(atom for number, atom in enumerate(atoms) if mask >> number & 1)
    return Fault(proof="P3", kind="override_outside", rows=rows, witness={"axis": axis, "outside": first})


def _flows_meet(compiled: Compiled, one: Row, other: Row) -> bool:
    flows = (str(getattr(one, "flow", ANY)), str(getattr(other, "flow", ANY)))
    return any(all(flow in compiled.flows(hazard) for flow in flows) for hazard in compiled.hazards())
