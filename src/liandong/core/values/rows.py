"""Rows of a response mechanism, first form. Each row says where it comes from.

The proofs of the language are a later issue; these kinds already carry one thread. `*` in flow or
level means any; the exact row wins over `*` on level first, then on flow. `place` says where in the
document the row stands (or, of a row of ours, why it is so).
"""

from __future__ import annotations

import msgspec

from liandong.core.values.lists import (
    Action,
    AreaKind,
    ClockOrigin,
    EscalationKind,
    Participation,
    Provenance,
    ReportKind,
)


class GradingRow(msgspec.Struct, frozen=True, kw_only=True):
    """Converts the severity of a finding into the level of a case."""

    key: str
    flow: str
    severity: str
    level: str
    provenance: Provenance = Provenance.ASSUMED
    place: str = ""


class FlowRow(msgspec.Struct, frozen=True, kw_only=True):
    """专项联动流程: a name for the rows of one kind of event, and the hazards that take it.

    Rows may name a hazard, its flow, or the wider flow that this one lies `within`; the nearer one wins.
    """

    key: str
    title_zh: str = ""
    title_en: str = ""
    within: str = ""  #: key of the wider flow
    hazards: tuple[str, ...] = ()
    provenance: Provenance = Provenance.ASSUMED
    place: str = ""


class RoleRow(msgspec.Struct, frozen=True, kw_only=True):
    """Lead and part rows: which role takes part how.

    A role is `owner`, `operator`, `regulator`, `territorial` (also `town`), `centre`, `superior`, a unit's
    key, or a function within a territory: `city:housing`, `district:housing`, `town:grid`. An empty role is
    what a document leaves open (未规定).
    """

    key: str
    flow: str
    level: str
    part: Participation
    role: str = ""
    in_name_of: str = ""  #: of a lead: the unit or body in whose name it acts
    tier: str = "*"  #: only for assets watched so: `city`, `department`, `owner`
    stage: str = "*"  #: only for assets in this stage of the business
    provenance: Provenance = Provenance.ASSUMED
    place: str = ""


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
    place: str = ""


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
    place: str = ""


class PauseRow(msgspec.Struct, frozen=True, kw_only=True):
    """A reason that may stop a clause's clock, charged to somebody, at most so long."""

    key: str
    flow: str
    reason: str
    actions: tuple[Action, ...]
    charged_to: str  #: role
    longest_s: float
    provenance: Provenance = Provenance.ASSUMED
    place: str = ""


class ContactRow(msgspec.Struct, frozen=True, kw_only=True):
    """对接部门、对接责任人: which post of a unit answers for a flow; without one, its duty post does."""

    key: str
    flow: str
    role: str  #: as in RoleRow, or `lead`
    matter: str = ""  #: what the contact is for, where it is not the work of the flow itself
    department: str = ""  #: name of the department within the unit
    post: str = ""
    deputy: str = ""  #: post that answers when nobody is at the first
    provenance: Provenance = Provenance.ASSUMED
    place: str = ""


class ReportRow(msgspec.Struct, frozen=True, kw_only=True):
    """报告: what is reported on a case of this flow and level, to whom, signed by whom, by when.

    `upward` (上报) goes to authority while the case runs and counts, in seconds, from when it was known to
    be real. `closing` (处置报告) goes round after archiving; its limit is that of its step.
    """

    key: str
    flow: str
    level: str
    kind: ReportKind
    recipient: str  #: role, or `participants`: everybody who took part
    signer: str = ""  #: role of the unit whose leader on duty signs; empty = 未规定
    channel: str = ""
    first_s: float | None = None  #: 首报; None = 未规定
    next_s: float | None = None  #: 续报, from one to the next
    final_s: float | None = None  #: 终报
    provenance: Provenance = Provenance.ASSUMED
    place: str = ""


class GatherRow(msgspec.Struct, frozen=True, kw_only=True):
    """From so many new alarms of a flow in one area within a time, all that follow share one case."""

    key: str
    flow: str
    area_kind: AreaKind  #: level of the tree on which they are counted
    count: int
    within_s: float
    quiet_s: float  #: with no new alarm for so long the storm is over
    provenance: Provenance = Provenance.ASSUMED
    place: str = ""


class Mechanism(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a document: issuer, number, and its rows."""

    key: str
    version: int = 0
    title_zh: str = ""
    title_en: str = ""
    issuer: str = ""
    centre: str = ""  #: unit, or `city:centre`: watches around the clock, catches what has no receiver
    flows: tuple[FlowRow, ...] = ()
    grading: tuple[GradingRow, ...] = ()
    roles: tuple[RoleRow, ...] = ()
    steps: tuple[StepRow, ...] = ()
    escalations: tuple[EscalationRow, ...] = ()
    pauses: tuple[PauseRow, ...] = ()
    gatherings: tuple[GatherRow, ...] = ()
    contacts: tuple[ContactRow, ...] = ()
    reports: tuple[ReportRow, ...] = ()
