"""P1, P2, P14: every cell of what the document claims has one lead, no cell has two, no row is dead."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from liandong.core.mechanism.compile import GROUPS, SINGLE, Compiled, moment
from liandong.core.mechanism.fault import Fault
from liandong.core.mechanism.precedence import Box
from liandong.core.mechanism.proofs.grid import Grid, count_group
from liandong.core.mechanism.space import AXES, Cell
from liandong.core.values.decision import Param
from liandong.core.values.lists import Participation
from liandong.core.values.rows import ANY, RoleRow
from liandong.core.values.scales import CASE_LEVELS

_KINDS = {Participation.LEAD: ("no_lead", "two_leads"), Participation.VERIFY: ("", "two_verifiers")}


def cells(compiled: Compiled) -> Iterator[Fault]:
    """P1 every cell has a lead; P2 no cell has two without an override; P14 no lead row is dead."""
    said: set[tuple[str, tuple[str, ...]]] = set()
    alive: set[str] = set()
    counted: set[str] = set()
    for hazard in compiled.hazards():
        claimed = claims(compiled, hazard)
        for part in SINGLE:
            hole, double = _KINDS[part]
            group = compiled.roles(hazard, part)
            result = count_group(compiled, group, claimed if hole else ())
            alive |= result.speaking
            counted |= {candidate.row.key for candidate in group.candidates}
            for cell, count in result.holes:
                yield Fault(proof="P1", kind=hole, witness=witness(compiled, hazard, cell, cells=count))
            for one, other, cell in result.doubles:
                rows = tuple(sorted((one, other)))
                if (double, rows) not in said:
                    said.add((double, rows))
                    yield Fault(proof="P2", kind=double, rows=rows, witness=witness(compiled, hazard, cell))
            for rows, cell in result.circles:
                if ("override_circle", rows) not in said:
                    said.add(("override_circle", rows))
                    yield Fault(
                        proof="P2", kind="override_circle", rows=rows, witness=witness(compiled, hazard, cell)
                    )
    yield from _dead(compiled, alive, counted)


def doubles(compiled: Compiled) -> Iterator[Fault]:
    """P2 for every other kind of row: of one step, reminder, report … two rows speak at one level."""
    said: set[tuple[str, ...]] = set()
    for table in GROUPS:
        for hazard in compiled.hazards():
            for group in (
                compiled.groups(table, hazard) if len(getattr(compiled.mechanism, table)) > 1 else ()
            ):
                for level in CASE_LEVELS:
                    for rows in _together(table, group.speaking(compiled.space.cell(level))):
                        if rows not in said:
                            said.add(rows)
                            yield Fault(
                                proof="P2", kind="two_rows", rows=rows,
                                witness={"table": table, "flow": hazard, "level": level},
                            )  # fmt: skip


def _together(table: str, rows: tuple[Any, ...]) -> Iterator[tuple[str, ...]]:
    """Rows that say something of one and the same thing."""
    things: dict[Any, list[str]] = {}
    for row in rows:
        things.setdefault(moment(row) if table == "escalations" else "", []).append(row.key)
    yield from (tuple(sorted(keys)) for keys in things.values() if len(keys) > 1)


def claims(compiled: Compiled, hazard: str) -> list[Box]:
    """What the document claims to settle for a hazard; without any scope row, everything."""
    scope = compiled.mechanism.scope
    names = compiled.flows(hazard)
    if not scope:
        return [tuple((1 << len(compiled.space.atoms[axis])) - 1 for axis in AXES)]
    return [compiled.space.box(row) for row in scope if row.flow in names]


def witness(compiled: Compiled, hazard: str, cell: Cell, **more: Param) -> dict[str, Param]:
    """A cell in words: the flow first."""
    return {"flow": hazard, **compiled.space.describe(cell), **more}


def _dead(compiled: Compiled, alive: set[str], counted: set[str]) -> Iterator[Fault]:
    """Lead and verify rows that never speak: overtaken everywhere, outside the city, or never in season."""
    space = compiled.space
    flows = {row.key for row in compiled.mechanism.flows}
    for flow in compiled.mechanism.flows:
        if flow.within and flow.within not in flows:
            yield Fault(
                proof="P14", kind="unknown_word", rows=(flow.key,),
                witness={"axis": "within", "word": flow.within},
            )  # fmt: skip
    for row in compiled.mechanism.roles:
        if not row.role:
            continue
        for axis, word in space.unknown(row):
            yield Fault(
                proof="P14", kind="unknown_word", rows=(row.key,), witness={"axis": axis, "word": word}
            )
        single = row.part in (Participation.LEAD, Participation.VERIFY)
        if not all(space.box(row)):
            axis = next(axis for axis, mask in zip(AXES, space.box(row), strict=True) if not mask)
            if not any(True for _ in space.unknown(row)):
                yield Fault(
                    proof="P14", kind="empty_axis", rows=(row.key,),
                    witness={"axis": axis, "word": str(getattr(row, axis))},
                )  # fmt: skip
        elif single and row.key in counted and row.key not in alive:
            yield Fault(
                proof="P14", kind="dead_row", rows=(row.key, *_overtaking(compiled, row)),
                witness={"flow": row.flow, "level": row.level},
            )  # fmt: skip
        elif row.flow != ANY and not any(row.flow in compiled.flows(h) for h in compiled.hazards()):
            yield Fault(proof="P14", kind="dead_flow", rows=(row.key,), witness={"flow": row.flow})


def _overtaking(compiled: Compiled, row: RoleRow) -> tuple[str, ...]:
    """Rows that win over a dead one somewhere."""
    keys = dict.fromkeys(
        pair.winner
        for hazard in compiled.hazards()
        for pair in compiled.roles(hazard, row.part).pairs()
        if pair.loser == row.key
    )
    return tuple(keys)


def unclaimed(compiled: Compiled, emitted: Sequence[tuple[str, str, str]]) -> Iterator[Fault]:
    """P1: what live packs can emit, as (hazard, kind of asset, level), lies in the claimed scope."""
    counts = [len(compiled.space.atoms[axis]) for axis in AXES]
    known = set(compiled.hazards())
    for hazard, kind, level in emitted:
        box = tuple(
            compiled.space.mask("level", level) if axis == "level" else (
                1 << compiled.space.cell(level, kind=kind).kind if axis == "kind" else (1 << count) - 1
            )
            for axis, count in zip(AXES, counts, strict=True)
        )  # fmt: skip
        scope = claims(compiled, hazard) if hazard in known or compiled.mechanism.scope else []
        grid = Grid.of([box, *scope], counts)
        left = np.broadcast_to(grid.cells(box), grid.shape).copy()
        for claimed in scope:
            left &= ~grid.cells(claimed)
        found = grid.first(left)
        if found is not None:
            yield Fault(
                proof="P1", kind="scope_misses", witness=witness(compiled, hazard, found, kind=kind or "-")
            )
