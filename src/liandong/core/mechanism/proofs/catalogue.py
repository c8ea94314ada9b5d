"""The proofs of a mechanism, P1 to P17, in one list, and how all of them are run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from liandong.core.mechanism.fault import Fault
from liandong.core.mechanism.proofs import (
    access,
    cells,
    duty,
    escalation,
    independence,
    limits,
    marks,
    overrides,
    resolved,
    resources,
    steps,
    travel,
    warnings,
)
from liandong.core.mechanism.proofs.ground import Facts, Ground
from liandong.core.values.city import CityIndex
from liandong.core.values.document import Mechanism


class Proof(NamedTuple):
    """One proof: of the document, or standing; what it says is in the texts under `proof.title.<id>`."""

    id: str
    document: bool
    run: Callable[[Ground], Iterator[Fault]]


def _cells(ground: Ground) -> Iterator[Fault]:
    """P1, P2 and P14 count the same cells, so they are counted once."""
    yield from cells.cells(ground.compiled)
    yield from cells.doubles(ground.compiled)


PROOFS: tuple[Proof, ...] = (
    Proof("P1", True, _cells),
    Proof("P3", True, lambda ground: overrides.overrides(ground.compiled)),
    Proof("P6", True, steps.prove),
    Proof("P7", True, limits.prove),
    Proof("P9", True, escalation.prove_answered),
    Proof("P10", True, escalation.prove_authority),
    Proof("P11", True, escalation.prove_end),
    Proof("P12", True, independence.prove),
    Proof("P13", True, warnings.prove),
    Proof("P16", True, marks.prove),
    Proof("P17", True, resources.prove),
    Proof("P4", False, resolved.prove),
    Proof("P5", False, duty.prove),
    Proof("P8", False, travel.prove),
    Proof("P13", False, warnings.prove_deputies),
    Proof("P15", False, access.prove),
)

#: What a document is only silent about: under `--source-only` it is listed as a gap, not refused as a fault.
SILENCES = frozenset(
    {
        "no_lead", "scope_misses", "no_steps", "no_close", "no_archive", "severity_ungraded", "no_escalation",
        "escalation_to_nobody", "stays_with_actor", "colour_without_row", "no_drafter", "no_approver",
        "no_lifter", "no_decision", "no_decider", "decision_unlimited", "nobody_otherwise",
        "resource_no_requester", "resource_no_releaser", "resource_no_decides", "level_without_releaser",
        "report_without_step",
    }
)  # fmt: skip


def prove_document(mechanism: Mechanism, city: CityIndex | None = None) -> tuple[Fault, ...]:
    """Faults of the text and of what it claims; with a city also by the units that its roles mean there."""
    return _run(Ground(mechanism, city), document=True)


def prove_standing(mechanism: Mechanism, city: CityIndex, facts: Facts) -> tuple[Fault, ...]:
    """Faults of city, rosters, channels and access, over the days that the facts name."""
    return _run(Ground(mechanism, city, facts), document=False)


def _run(ground: Ground, document: bool) -> tuple[Fault, ...]:
    found = [fault for proof in PROOFS if proof.document is document for fault in proof.run(ground)]
    return tuple(sorted(found, key=lambda fault: int(fault.proof.removeprefix("P"))))
