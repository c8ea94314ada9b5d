"""Mechanisms on the command line: proven, and asked who must act and by which row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import msgspec

from liandong.adapters.mechanisms import read_documents
from liandong.app.clock import system_clock
from liandong.core.mechanism.compile import GROUPS, Compiled, Pair
from liandong.core.mechanism.fault import Fault
from liandong.core.mechanism.gaps import Gap, gaps
from liandong.core.mechanism.proofs.catalogue import SILENCES, prove_document, prove_standing
from liandong.core.mechanism.proofs.cells import unclaimed
from liandong.core.mechanism.proofs.ground import Facts, Ground
from liandong.core.mechanism.proofs.opens import emitted
from liandong.core.mechanism.proofs.units import Roles, Site
from liandong.core.mechanism.routing import Routing, Situation
from liandong.core.mechanism.space import AXES
from liandong.core.mechanism.supplement import merge
from liandong.core.values.calendar import Calendar
from liandong.core.values.city import CityIndex
from liandong.core.values.dataset import CityFolder
from liandong.core.values.document import Mechanism
from liandong.core.values.errors import BadInput, NotFound
from liandong.core.values.lists import Participation
from liandong.core.values.roster import Contact
from liandong.core.values.rows import RoleRow, StepRow
from liandong.core.values.scales import CASE_LEVELS
from liandong.core.values.times import DAY, parse_time
from liandong.texts.faults import Teller
from liandong.wiring.packs import read_equipped
from liandong.wiring.travel import read_travel

PARTS = tuple(Participation)


@dataclass(frozen=True)
class Proven:
    """What checking came to; `faults` empty means proven."""

    mechanism: Mechanism
    city: CityIndex | None
    digest: str
    faults: tuple[Fault, ...]
    gaps: tuple[Gap, ...]
    pairs: tuple[Pair, ...]  #: which row wins over which, as flows, names and the sentence expand to
    cells: int
    seconds: float
    claimed: bool  #: False = the document claims no scope, so that all of its flows and levels were taken


def check_mechanism(
    paths: Sequence[Path],
    place: Path | None,
    source_only: bool = False,
    since: str = "",
    days: float = 30,
    travel: Path | None = None,
) -> Proven:
    """Prove a document with its supplements; with a city also what stands or falls with the city.

    Without documents the city's own mechanism. `travel` is a table of where units set out from. Raises
    BadInput where anything cannot be read.
    """
    began = system_clock().read().now
    folder = read_equipped(place) if place is not None else None
    city = CityIndex(folder.city) if folder is not None else None
    mechanism, found = _whole(paths, folder, source_only)
    compiled = Compiled(mechanism, city)
    found += prove_document(mechanism, city)
    if city is not None and folder is not None:
        found += tuple(
            unclaimed(compiled, tuple(emitted(city, folder.rules, Routing(mechanism, city), True)))
        )
        facts = facts_of(folder, city, mechanism, _moment(city, since), days)
        if travel is not None:
            ways = read_travel(travel)
            facts = msgspec.structs.replace(facts, bases=ways.bases, minutes=ways.minutes)
        found += prove_standing(mechanism, city, facts)
    if source_only:
        found = tuple(fault for fault in found if fault.kind not in SILENCES)
    pairs, cells = counted(compiled)
    return Proven(
        mechanism, city, compiled.digest, found, gaps(mechanism), pairs, cells,
        (system_clock().read().now - began) / 1_000_000, bool(mechanism.scope),
    )  # fmt: skip


def _whole(
    paths: Sequence[Path], folder: CityFolder | None, source_only: bool
) -> tuple[Mechanism, tuple[Fault, ...]]:
    """The document with what fills it; rows of a supplement that contradict it are faults."""
    if not paths:
        if folder is None:
            raise BadInput("mechanism.nothing_named")
        return folder.mechanism, ()
    source, supplement = read_documents(paths)
    if supplement is None or source_only:
        return source, ()
    merged, refused = merge(source, supplement)
    faults = (
        Fault(proof="P3", kind="overruled", rows=(one.key, one.by), witness={"table": one.table})
        for one in refused
    )
    return merged, tuple(faults)


def _moment(city: CityIndex, since: str) -> int:
    """RFC 3339 or a date on the city's clock; now where it is empty."""
    if not since:
        return system_clock().read().now
    try:
        return city.calendar.start_of(since) if len(since) == len("2026-12-01") else parse_time(since)
    except ValueError as error:
        raise BadInput("time.unreadable", value=since[:64]) from error


def facts_of(folder: CityFolder, city: CityIndex, mechanism: Mechanism, since: int, days: float) -> Facts:
    """What a folder of tables knows: telephones. Where a unit sets out from, no table says."""
    contacts = tuple(Contact(person=p.key, channel="phone") for p in folder.persons if p.phone)
    return Facts(
        since=since, until=since + int(days * DAY), contacts=contacts or None,
        emitted=frozenset(emitted(city, folder.rules, Routing(mechanism, city))) or None,
    )  # fmt: skip


def counted(compiled: Compiled) -> tuple[tuple[Pair, ...], int]:
    """The pairs of rows that the flows and the sentence expand to, and how many cells were looked at."""
    hazards = compiled.hazards()
    groups = [compiled.roles(hazard, part) for hazard in hazards for part in PARTS]
    groups += [group for table in GROUPS for hazard in hazards for group in compiled.groups(table, hazard)]
    pairs = {(pair.winner, pair.loser): pair for group in groups for pair in group.pairs()}
    return tuple(pairs.values()), len(hazards) * prod(len(compiled.space.atoms[axis]) for axis in AXES)


@dataclass(frozen=True)
class Asked:
    """The situation that somebody asks about."""

    at: str
    domain: str
    level: str
    area: str = ""
    asset: str = ""
    kind: str = ""
    stage: str = ""
    tier: str = ""
    phase: str = "monitor"
    language: str = "zh"


def route(paths: Sequence[Path], place: Path | None, asked: Asked) -> tuple[dict[str, Any], Teller]:
    """Who must act in a situation and the rows that say so, and who puts it into words.

    Raises BadInput, NotFound.
    """
    folder = read_equipped(place) if place is not None else None
    city = CityIndex(folder.city) if folder is not None else None
    mechanism, _ = _whole(paths, folder, source_only=False)
    if asked.level not in CASE_LEVELS:
        raise BadInput(
            "scale.unknown_code", scale="case_level", code=asked.level, known=", ".join(CASE_LEVELS)
        )
    ground = Ground(mechanism, city)
    site = _site(city, asked)
    at = (city.calendar if city is not None else Calendar()).at(parse_time(asked.at))
    situation = Situation(
        kind=site.kind, stage=site.stage, tier=site.tier, area=site.area, phase=asked.phase, day=at.day,
        seasons=at.seasons, minute=at.minute,
    )  # fmt: skip
    who = _Who(ground, site, asked)
    steps = ground.steps(asked.domain, asked.level)
    routing = ground.routing
    lead, verifier = (
        routing.role(asked.domain, asked.level, part, situation)
        for part in (Participation.LEAD, Participation.VERIFY)
    )
    found = {
        "domain": asked.domain, "flows": list(routing.flows(asked.domain)), "level": asked.level,
        "area": site.area, "asset": site.asset, "at": asked.at, "date": at.date, "day": at.day.value,
        "seasons": list(at.seasons), "minute": at.minute, "phase": asked.phase,
        "lead": who.said(lead) if lead is not None else None,
        "parts": [
            {"part": part.value, **who.said(row)}
            for part in PARTS if part != Participation.LEAD
            for row in routing.parts(asked.domain, asked.level, part, situation)
        ],
        "steps": [who.step(row, who.acting(row, lead, verifier)) for row in steps],
        "contacts": [
            {"role": row.role, "matter": row.matter, "department": row.department, "post": row.post,
             "deputy": row.deputy, "row": row.key, "provenance": row.provenance.value}
            for row in routing.contacts(asked.domain)
        ],
    }  # fmt: skip
    return found, Teller(mechanism, city, asked.language)


def _site(city: CityIndex | None, asked: Asked) -> Site:
    """The asset or area that is asked about."""
    if asked.asset:
        found = city.assets.get(asked.asset) if city is not None else None
        if found is None:
            raise NotFound("mechanism.no_asset", asset=asked.asset[:64])
        return Site(
            found.key, found.area, found.kind, found.stage, found.tier, found.owner, found.operator,
            found.regulator,
        )  # fmt: skip
    if city is not None and asked.area and asked.area not in city.areas:
        raise NotFound("mechanism.no_area", area=asked.area[:64])
    return Site("", asked.area, asked.kind, asked.stage, asked.tier, "", "", "")


class _Who:
    """Roles of rows as units, where there is a city."""

    def __init__(self, ground: Ground, site: Site, asked: Asked) -> None:
        self._ground, self._site, self._asked = ground, site, asked
        self._roles = Roles(ground, ground.city) if ground.city is not None else None

    def unit(self, role: str) -> str:
        """The unit that a role means here, empty without a city or where there is none."""
        return self._roles.unit(role, self._site) if self._roles is not None else ""

    def acting(self, row: StepRow, lead: RoleRow | None, verifier: RoleRow | None) -> str:
        """The role that takes a step: of `lead` and `verifier` the one that the rows name here."""
        named = {"lead": lead, "verifier": verifier}.get(row.role)
        return named.role if named is not None else row.role

    def said(self, row: RoleRow) -> dict[str, Any]:
        """A part row with its unit."""
        return {
            "role": row.role, "unit": self.unit(row.role), "in_name_of": row.in_name_of, "row": row.key,
            "provenance": row.provenance.value,
        }  # fmt: skip

    def step(self, row: StepRow, role: str) -> dict[str, Any]:
        """A step with its clause and what happens when it is late."""
        rows = self._ground.routing.escalations(self._asked.domain, self._asked.level, row.action, row.line)
        timed = (e for e in rows if row.limit_s is not None or e.fraction is None)
        return {
            "order": row.order, "line": row.line, "action": row.action.value, "role": role,
            "unit": self.unit(role), "limit_s": row.limit_s, "origin": row.origin.value,
            "origin_stated": row.origin_stated, "row": row.key, "provenance": row.provenance.value,
            "escalations": [
                {"kind": e.kind.value, "role": e.role, "unit": self.unit(e.role), "fraction": e.fraction,
                 "after_s": e.after_s, "no_answer_s": e.no_answer_s, "row": e.key}
                for e in timed
            ],
        }  # fmt: skip
