"""P9, P10, P11: who learns that a limit is missed, with what authority, and that it ends at somebody."""

from __future__ import annotations

from collections.abc import Iterator

from liandong.core.mechanism.fault import Fault
from liandong.core.mechanism.proofs.ground import Ground, once
from liandong.core.mechanism.proofs.units import Roles, Site, rank_of
from liandong.core.values.lists import EscalationKind, Participation
from liandong.core.values.rows import EscalationRow, StepRow

#: Within the unit that is late.
INSIDE = ("actor", "deputy")
#: These order somebody about; reminding, calling and telling do not.
COMMANDS = (EscalationKind.SUPERVISE, EscalationKind.TAKE_OVER)
URGES = (*COMMANDS, EscalationKind.URGE)


def prove_answered(ground: Ground) -> Iterator[Fault]:
    """P9: a clause has an escalation, or a row that says it has none."""
    yield from once(_answered(ground))


def _answered(ground: Ground) -> Iterator[Fault]:
    for flow, level, step, rows in _clauses(ground):
        said = {"flow": flow, "level": level, "action": step.action.value}
        none = [row for row in rows if row.kind == EscalationKind.NONE]
        if not rows:
            yield Fault(proof="P9", kind="no_escalation", rows=(step.key,), witness=said)
        elif none and len(none) < len(rows):
            keys = tuple(row.key for row in rows)
            yield Fault(proof="P9", kind="none_and_some", rows=(*keys, step.key), witness=said)


def prove_authority(ground: Ground) -> Iterator[Fault]:
    """P10: whoever urges, supervises or takes over stands above the one who failed."""
    yield from once(_authority(ground))


def _authority(ground: Ground) -> Iterator[Fault]:
    roles = Roles(ground, ground.city) if ground.city else None
    seen: dict[tuple[str, str, str, bool], Fault | None] = {}
    for flow, level, step, rows in _clauses(ground):
        supervisors = {row.role for row in ground.parts(flow, level, Participation.SUPERVISE)}
        for row in rows:
            if row.kind not in URGES or not row.role or row.role in (*INSIDE, "leader", "superior"):
                continue
            if row.role in supervisors:
                continue
            for actor in ground.actors(flow, level, step.role):
                if actor == row.role:
                    continue
                key = (row.key, actor, flow if ground.mechanism.scope and roles else "", bool(roles))
                if key not in seen:
                    found = _by_units(roles, row, actor, flow, level) if roles else _by_names(row, actor)
                    kind, witness = found or ("", {})
                    said = {
                        "flow": flow, "level": level, "action": step.action.value,
                        "escalation": row.kind.value, "role": row.role, "actor": actor, **witness,
                    }  # fmt: skip
                    rows_ = (row.key, step.key)
                    seen[key] = Fault(proof="P10", kind=kind, rows=rows_, witness=said) if kind else None
                fault = seen[key]
                if fault is not None:
                    yield fault


def _by_names(row: EscalationRow, actor: str) -> tuple[str, dict[str, str]] | None:
    """What the names of two roles say about who stands above whom."""
    above, below = rank_of(row.role), rank_of(actor)
    if above is None or below is None or above > below:
        return None
    return ("peer_commands", {}) if above == below else ("escalates_down", {})


def _by_units(
    roles: Roles, row: EscalationRow, actor: str, flow: str, level: str
) -> tuple[str, dict[str, str]] | None:
    """What the units say that the two roles mean, at every site."""
    checked = set()
    asked = actor if roles.asks_asset(actor) else row.role
    for site in roles.where(asked):
        under, over = roles.unit(actor, site), roles.unit(row.role, site)
        if not under or not over or under == over or (under, over) in checked:
            continue
        if not roles.claimed(flow, level, site):
            continue
        checked.add((under, over))
        if roles.above(over, under) or roles.share_body(row.role, under) or over == site.regulator:
            continue
        kind = "escalates_down" if roles.above(under, over) else "peer_commands"
        return kind, {"unit": over, "other": under, "place": roles.place(site)}
    return None


def prove_end(ground: Ground) -> Iterator[Fault]:
    """P11: no rung leads back to the actor, and the last one reaches somebody else."""
    yield from once(_ends(ground))
    if ground.city:
        yield from once(_walks(ground, Roles(ground, ground.city)))


def _ends(ground: Ground) -> Iterator[Fault]:
    for flow, level, step, rows in _clauses(ground):
        rungs = [row for row in rows if row.kind != EscalationKind.NONE]
        said = {"flow": flow, "level": level, "action": step.action.value, "role": step.role}
        for row in rungs:
            back = row.role in ("actor", step.role) or row.role in ground.actors(flow, level, step.role)
            if not row.role:
                yield Fault(proof="P11", kind="escalation_to_nobody", rows=(row.key,), witness=said)
            elif back and row.kind in COMMANDS:
                yield Fault(
                    proof="P11", kind="escalation_to_actor", rows=(row.key, step.key),
                    witness={**said, "escalation": row.kind.value},
                )  # fmt: skip
        if rungs and all(row.role in INSIDE for row in rungs):
            keys = tuple(row.key for row in rungs)
            yield Fault(proof="P11", kind="stays_with_actor", rows=(*keys, step.key), witness=said)


def _walks(ground: Ground, roles: Roles) -> Iterator[Fault]:
    """Walk each ladder from every unit that may act: who takes over is the actor from then on."""
    walked = set()
    for flow, level, step, rows in _clauses(ground):
        ladder = tuple(
            row for row in rows if row.kind != EscalationKind.NONE and row.role not in ("", *INSIDE)
        )
        for actor in ground.actors(flow, level, step.role):
            for site in roles.where(actor):
                start = roles.unit(actor, site)
                to = tuple(roles.unit(row.role, site) for row in ladder)
                key = (start, to, tuple(row.key for row in ladder))
                if not start or key in walked or not roles.claimed(flow, level, site):
                    continue
                walked.add(key)
                for fault in walk(roles, ladder, start, site):
                    said = {"flow": flow, "level": level, "action": step.action.value, **fault.witness}
                    yield Fault(proof="P11", kind=fault.kind, rows=(*fault.rows, step.key), witness=said)


def walk(roles: Roles, ladder: tuple[EscalationRow, ...], start: str, site: Site) -> Iterator[Fault]:
    """The faults of one ladder from one unit: a rung without a receiver, or back at somebody who had it."""
    holder, had = start, [start]
    for row in ladder:
        if row.role == "leader":
            continue
        said = {"unit": holder, "place": roles.place(site)}
        to = roles.city.superior(holder) if row.role == "superior" else roles.unit(row.role, site)
        if not to:
            if row.role == "superior":
                yield Fault(proof="P11", kind="no_superior", rows=(row.key,), witness=said)
            continue  # a role that means nobody is P4's
        if row.kind not in COMMANDS:
            continue
        if to in had:
            chain = " → ".join((*had[had.index(to) :], to))
            yield Fault(
                proof="P11", kind="escalation_circle", rows=(row.key,), witness={**said, "chain": chain}
            )
            return
        if row.kind == EscalationKind.TAKE_OVER:
            holder = to
            had.append(to)


def _clauses(
    ground: Ground,
) -> Iterator[tuple[str, str, StepRow, tuple[EscalationRow, ...]]]:
    """Every step with a limit, with its escalations, in every flow and level that is claimed."""
    for flow, level in ground.cells:
        for step in ground.steps(flow, level):
            if step.limit_s is not None:
                yield flow, level, step, ground.escalations(flow, level, step)
