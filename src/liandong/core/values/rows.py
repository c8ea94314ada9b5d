"""Rows of a response mechanism, first form. Each row says where it comes from.

The full language and its proofs are a later issue; these kinds already carry one thread.
`*` in flow or level means any; the exact row wins over `*` on level first, then on flow.
"""

from __future__ import annotations

import msgspec

from liandong.core.values.lists import Action, ClockOrigin, EscalationKind, Participation, Provenance


class GradingRow(msgspec.Struct, frozen=True, kw_only=True):
    """Converts the severity of a finding into the level of a case."""

    key: str
    flow: str
    severity: str
    level: str
    provenance: Provenance = Provenance.ASSUMED


class RoleRow(msgspec.Struct, frozen=True, kw_only=True):
    """Lead and part rows: which role takes part how. A role is `owner`, `operator`, `regulator`,
    `territorial`, `centre`, `superior` or a unit's key."""

    key: str
    flow: str
    level: str
    part: Participation
    role: str
    provenance: Provenance = Provenance.ASSUMED


class StepRow(msgspec.Struct, frozen=True, kw_only=True):
    """One step: who acts, within what limit, from which origin. A clause is step + limit + origin."""

    key: str  #: also the clause's key
    flow: str
    level: str
    order: int
    action: Action
    role: str  #: `lead`, `centre`, `verifier` or any role of RoleRow
    limit_s: float | None = None  #: None = 未规定
    origin: ClockOrigin = ClockOrigin.FINDING
    origin_stated: bool = False  #: False = the document is silent and the origin is assumed
    evidence: bool = False  #: the step needs evidence
    provenance: Provenance = Provenance.ASSUMED


class EscalationRow(msgspec.Struct, frozen=True, kw_only=True):
    """At a fraction of the limit (1.0 = when it is due), to whom and how."""

    key: str
    flow: str
    level: str
    action: Action
    fraction: float
    kind: EscalationKind
    role: str  #: `actor`, `deputy`, `leader`, `superior` or a role of RoleRow
    channel: str = ""  #: only over this delivery channel; empty = over all that the policy names
    provenance: Provenance = Provenance.ASSUMED


class PauseRow(msgspec.Struct, frozen=True, kw_only=True):
    """A reason that may stop a clause's clock, charged to somebody, at most so long."""

    key: str
    flow: str
    reason: str
    actions: tuple[Action, ...]
    charged_to: str  #: role
    longest_s: float
    provenance: Provenance = Provenance.ASSUMED


class Mechanism(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a document: issuer, number, and its rows."""

    key: str
    version: int = 0
    title_zh: str = ""
    title_en: str = ""
    issuer: str = ""
    centre: str = ""  #: unit that watches around the clock and catches what cannot be resolved
    grading: tuple[GradingRow, ...] = ()
    roles: tuple[RoleRow, ...] = ()
    steps: tuple[StepRow, ...] = ()
    escalations: tuple[EscalationRow, ...] = ()
    pauses: tuple[PauseRow, ...] = ()
