"""Rows of a response mechanism: who does what within what time. Each row says where it comes from.

An axis of a row holds one word, several joined by `;`, or `*` for any. `place` says where in the document
the row stands (or, of a row of ours, why it is so), `mark` repeats the document's own clause mark.
Which row speaks where several hold is never silent: `document` has the precedence sentence and overrides.
"""

from __future__ import annotations

import msgspec

from liandong.core.values.lists import (
    Action,
    AreaKind,
    Cause,
    ClockOrigin,
    EscalationKind,
    Participation,
    Provenance,
    ReportKind,
)

ANY = "*"


def words(axis: str) -> tuple[str, ...]:
    """The words of an axis: `I;II` → ("I", "II"); of `*` none, which stands for any."""
    return () if axis == ANY else tuple(part.strip() for part in axis.split(";") if part.strip())


def says(axis: str, word: str) -> bool:
    """Whether an axis holds for a word."""
    return axis == ANY or word in words(axis)


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """What every row has."""

    key: str
    provenance: Provenance = Provenance.ASSUMED
    place: str = ""
    mark: str = ""  #: clause mark of the document, e.g. `第八条（二）`


class Ruling(Row, frozen=True, kw_only=True):
    """A row that speaks for flows and levels."""

    flow: str  #: a hazard, its flow, or a wider flow; `*` = all
    level: str = ANY  #: levels of a case
    overrides: str = ""  #: rows that this one overrides by name; it must lie inside them


class Where(Ruling, frozen=True, kw_only=True):
    """A row that speaks for a part of the whole space: the axes of DESIGN's lead rows."""

    kind: str = ANY  #: kinds of asset
    stage: str = ANY  #: business stages 业务环节
    tier: str = ANY  #: who watches the risk point: `city`, `department`, `owner`
    territory: str = ANY  #: areas, each with everything below it
    phase: str = ANY  #: `monitor` (平时) or `respond` (a response has been started)
    days: str = ANY  #: kinds of day: `workday`, `restday`, `holiday`
    season: str = ANY  #: seasons of the city's calendar, e.g. `flood`
    hours: str = ANY  #: local time of day, `HH:MM-HH:MM`, may wrap over midnight


class GradingRow(Row, frozen=True, kw_only=True):
    """Converts the severity of a finding into the level of a case."""

    flow: str
    severity: str
    level: str


class FlowRow(Row, frozen=True, kw_only=True):
    """专项联动流程: a name for the rows of one kind of event, and the hazards that take it.

    A flow takes over the rows of the wider flow that it lies `within` where it has none of its own.
    """

    title_zh: str = ""
    title_en: str = ""
    within: str = ""  #: key of the wider flow
    hazards: tuple[str, ...] = ()


class RoleRow(Where, frozen=True, kw_only=True):
    """Lead and part rows: which role takes part how.

    A role is `owner`, `operator`, `regulator`, `territorial` (also `town`), `centre`, `superior`, a unit's
    key, a body's key (its office acts), or a function within a territory: `city:housing`,
    `district:housing`, `town:grid`. An empty role is what a document leaves open (未规定).
    """

    part: Participation
    role: str = ""
    in_name_of: str = ""  #: the unit or body in whose name it acts 借势


class StepRow(Ruling, frozen=True, kw_only=True):
    """One step: who acts, within what limit, from which origin. A clause is step + limit + origin.

    Steps with `line` belong to a linked order beside the main line: it is issued once every main step of
    a smaller `order` is done, has its own life, and the case ends only when every line has ended.
    """

    order: int
    action: Action
    role: str  #: `lead`, `centre`, `verifier` or any role of RoleRow
    line: str = ""  #: name of the linked order; empty = the main line
    title_zh: str = ""  #: the flow's own name for the step
    title_en: str = ""
    after_failed: str = ""  #: only where this earlier action was tried and did not succeed
    limit_s: float | None = None  #: None = 未规定
    origin: ClockOrigin = ClockOrigin.FINDING
    origin_stated: bool = False  #: False = the document is silent and the origin is assumed
    evidence: bool = False  #: the step needs evidence
    needs_s: float | None = None  #: time that the work itself takes, where it is known; P7 and P8 count it


class EscalationRow(Ruling, frozen=True, kw_only=True):
    """To whom and how, at one moment of a clause: a fraction of its limit (1.0 = when it is due), so long
    after its origin, or when nobody has answered for so long."""

    action: Action
    kind: EscalationKind
    role: str = ""  #: `actor`, `deputy`, `leader`, `superior` or a role of RoleRow
    line: str = ""
    fraction: float | None = None
    after_s: float | None = None
    no_answer_s: float | None = None  #: since the order was issued, while it is not signed for 签收
    repeat_s: float | None = None  #: of a call: rung again after so long, by turns with the deputy
    repeats: int = 1  #: of a call: how often at most
    channel: str = ""  #: only over this delivery channel; empty = over all that the policy names


class PauseRow(Row, frozen=True, kw_only=True):
    """A reason that may stop a clause's clock, charged to somebody, at most so long."""

    flow: str
    reason: str
    actions: tuple[Action, ...]
    charged_to: str  #: role
    longest_s: float
    approver: str = ""  #: role that has to agree; empty = nobody need


class TransferRow(Ruling, frozen=True, kw_only=True):
    """Who may return, hand over, extend, defer, reopen, merge, split, take over, cancel or ask for help."""

    action: Action
    role: str  #: who may: `holder` (of the order), `lead`, `centre`, or a role of RoleRow
    approver: str = ""  #: role that has to agree; empty = nobody need
    longest_s: float | None = None  #: an extension, or a deferral until its review, lasts at most so long
    at_most: int | None = None  #: how often in one case
    decides: str = ""  #: of a return: role that closes the duty question; empty = the issuing body
    limit_s: float | None = None  #: within which it is decided, or a request for help answered


class VerificationRow(Ruling, frozen=True, kw_only=True):
    """复核: which closures are verified by whom, how many of them, and who never can."""

    causes: tuple[Cause, ...] = ()  #: empty = of every cause
    role: str = ""  #: empty = the role whose part is `verify`
    rate: float = 1.0  #: share of the closures that is verified before closing
    raised_rate: float | None = None  #: for units whose closures were found hollow
    never: tuple[str, ...] = ("handler", "superior")  #: who can never verify


class ContactRow(Row, frozen=True, kw_only=True):
    """对接部门、对接责任人: which post of a unit answers for a flow; without one, its duty post does."""

    flow: str
    role: str  #: as in RoleRow, or `lead`
    matter: str = ""  #: what the contact is for, where it is not the work of the flow itself
    department: str = ""  #: name of the department within the unit
    post: str = ""
    deputy: str = ""  #: post that answers when nobody is at the first


class ReportRow(Ruling, frozen=True, kw_only=True):
    """报告: what is reported on a case of this flow and level, to whom, signed by whom, by when.

    `upward` (上报) goes to authority while the case runs and counts, in seconds, from when it was known to
    be real. `closing` (处置报告) goes round after archiving; its limit is that of its step.
    """

    kind: ReportKind
    recipient: str  #: role, or `participants`: everybody who took part
    grade: str = ANY  #: grades of event: `extraordinary`, `major`, `large`, `general`
    signer: str = ""  #: role of the unit whose leader on duty signs; empty = 未规定
    channel: str = ""
    first_s: float | None = None  #: 首报; None = 未规定
    next_s: float | None = None  #: 续报, from one to the next
    final_s: float | None = None  #: 终报
    informs: tuple[str, ...] = ()  #: levels that a direct report passes, and that learn of it


class GatherRow(Row, frozen=True, kw_only=True):
    """From so many new alarms of a flow in one area within a time, all that follow share one case."""

    flow: str
    area_kind: AreaKind  #: level of the tree on which they are counted
    count: int
    within_s: float
    quiet_s: float  #: with no new alarm for so long the storm is over
