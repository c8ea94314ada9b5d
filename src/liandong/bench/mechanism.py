"""Proving a large mechanism: every cell of 30 domains × 200 areas × 4 levels × 168 hours has one lead.

The week is said as the language says it: kinds of day × seasons × hours, which together make at least as
many moments. Rows are those of a real city's kind: general ones, towns with their own lead, nights and
holidays with another, and exceptions by name; so every answer needs precedence.
"""

from __future__ import annotations

import random
from math import prod
from statistics import median
from typing import Any

import msgspec

from liandong.app.clock import perf
from liandong.core.mechanism.compile import Compiled
from liandong.core.mechanism.proofs.cells import cells, doubles
from liandong.core.mechanism.proofs.overrides import overrides
from liandong.core.mechanism.space import AXES
from liandong.core.values.calendar import Season
from liandong.core.values.city import Area, City, CityIndex
from liandong.core.values.document import Mechanism, PrecedenceRow, ScopeRow
from liandong.core.values.lists import AreaKind, Participation
from liandong.core.values.rows import FlowRow, RoleRow

_DOMAINS, _AREAS, _ROWS_A_DOMAIN = 30, 200, 166
_LEVELS = ("I", "II", "III", "IV")


def run(repeats: int = 3) -> dict[str, Any]:
    """Compile and prove P1, P2, P3 and P14, without faults and with one hole and one double planted."""
    city = _city()
    good, bad = _mechanism(planted=False), _mechanism(planted=True)
    taken = [_prove(good, city) for _ in range(repeats)]
    faulty = _prove(bad, city)
    space = Compiled(good, city).space
    moments = len(space.atoms["days"]) * len(space.atoms["season"]) * len(space.atoms["hours"])
    return {
        "domains": _DOMAINS,
        "areas": _AREAS,
        "levels": len(_LEVELS),
        "moments": moments,
        "cells": _DOMAINS * prod(len(space.atoms[axis]) for axis in AXES),
        "rows": len(good.roles),
        "proven_s": round(median(seconds for seconds, _ in taken), 2),
        "faults_of_the_good": len(taken[0][1]),
        "with_two_planted_s": round(faulty[0], 2),
        "faults_of_the_planted": [f"{f.proof} {f.kind} {dict(f.witness)}" for f in faulty[1]],
        "axes": {axis: len(space.atoms[axis]) for axis in AXES},
        "includes": "one core: compiling the rows, counting every cell of every domain, overrides, "
        "dead rows, witnesses; not reading the files.",
    }


def _prove(mechanism: Mechanism, city: CityIndex) -> tuple[float, list[Any]]:
    begun = perf()
    compiled = Compiled(mechanism, city)
    found = [*cells(compiled), *doubles(compiled), *overrides(compiled)]
    return perf() - begun, found


def _city() -> CityIndex:
    towns = [
        Area(
            key=f"area:t{n}", name_zh=f"镇{n}", kind=AreaKind.TOWN, parent=f"area:d{n % 5}",
            path=f"/c/d{n % 5}/t{n}/",
        )
        for n in range(_AREAS - 6)
    ]  # fmt: skip
    districts = [
        Area(key=f"area:d{n}", name_zh=f"区{n}", kind=AreaKind.DISTRICT, parent="area:c", path=f"/c/d{n}/")
        for n in range(5)
    ]
    whole = Area(key="area:c", name_zh="市", kind=AreaKind.CITY, path="/c/")
    seasons = (
        Season(key="flood", title_zh="汛期", start="04-15", end="10-15"),
        Season(key="fire", title_zh="防火期", start="10-01", end="04-30"),
    )
    return CityIndex(City(key="bench", areas=(whole, *districts, *towns), seasons=seasons))


def _mechanism(planted: bool) -> Mechanism:
    chance = random.Random(7)
    flows = tuple(FlowRow(key=f"f{d}", hazards=(f"h{d}",)) for d in range(_DOMAINS))
    rows: list[RoleRow] = []
    for d in range(_DOMAINS):
        hole = planted and d == 17
        for level in _LEVELS:
            phase = "monitor" if hole and level == "II" else "*"
            rows.append(_lead(d, f"general.{level}", level=level, phase=phase))
        rows.append(_lead(d, "holiday", days="holiday"))
        rows.append(_lead(d, "flood", season="flood", days="workday;restday", hours="08:00-20:00"))
        rows.append(_lead(d, "fire", season="fire", days="holiday", overrides=f"f{d}.holiday"))
        for hour in range(24):
            span = f"{hour:02d}:00-{hour + 1:02d}:00"
            where = {"territory": f"area:d{hour % 5}", "phase": "respond", "level": _LEVELS[hour % 4]}
            rows.append(_lead(d, f"hour{hour}", hours=span, **where))
        towns = chance.sample(range(_AREAS - 6), _ROWS_A_DOMAIN - len(rows) % _ROWS_A_DOMAIN)
        for n in towns:
            rows.append(_lead(d, f"town{n}", territory=f"area:t{n}", phase="monitor"))
        if planted and d == 23:
            rows.append(_lead(d, "second", territory=f"area:t{towns[0]}", phase="monitor"))
    axes = ("territory", "phase", "calendar", "level", "kind")
    return Mechanism(
        key="bench", flows=flows, roles=tuple(rows), scope=(ScopeRow(key="scope", flow="*"),),
        precedence=(PrecedenceRow(key="sentence", axes=axes),),
    )  # fmt: skip


def _lead(domain: int, name: str, **axes: str) -> RoleRow:
    row = RoleRow(key=f"f{domain}.{name}", flow=f"f{domain}", part=Participation.LEAD, role="owner")
    return msgspec.structs.replace(row, **axes)
