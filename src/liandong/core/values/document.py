"""The document: a mechanism's head, its rows, what it claims, and how its rows stand to one another."""

from __future__ import annotations

import msgspec

from liandong.core.values.authority_rows import DecisionRow, MeasureRow, ResourceRow, WarningRow
from liandong.core.values.rows import (
    ANY,
    ContactRow,
    EscalationRow,
    FlowRow,
    GatherRow,
    GradingRow,
    PauseRow,
    ReportRow,
    RoleRow,
    Row,
    StepRow,
    TransferRow,
    VerificationRow,
    Where,
)


class ScopeRow(Where, frozen=True, kw_only=True):
    """What the document claims to settle: every cell of it needs exactly one lead."""


class PrecedenceRow(Row, frozen=True, kw_only=True):
    """优先次序: one signed sentence over axes, e.g. `territory > phase > calendar > level > kind`.

    Of two rows of one flow that overlap, look at the highest axis that either narrows: if one alone
    narrows it, that one wins; if both do, it is a fault and an override by name is needed.
    """

    flow: str = ANY  #: rows of this flow; `*` = of every flow without a sentence of its own
    axes: tuple[str, ...]
    signed_by: str = ""


class OverrideRow(Where, frozen=True, kw_only=True):
    """One row overrides another by name, on the part of their intersection that the axes state."""

    flow: str = ANY
    row: str
    over: str


class MarkRow(Row, frozen=True, kw_only=True):
    """A clause of the document as it is marked there; some row has to carry the same `mark` (P16)."""

    text: str = ""


class Mechanism(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a document: issuer, number, and its rows."""

    key: str
    version: int = 0
    title_zh: str = ""
    title_en: str = ""
    issuer: str = ""  #: body or unit
    number: str = ""  #: 文号
    issued: str = ""  #: YYYY-MM-DD
    in_force: str = ""  #: YYYY-MM-DD
    supersedes: str = ""
    includes: tuple[str, ...] = ()  #: keys of documents whose rows hold where this one is silent
    supplement_to: str = ""  #: key of the document in whose silence these rows speak 暂定补充
    centre: str = ""  #: unit, or `city:centre`: watches around the clock, catches what has no receiver
    scope: tuple[ScopeRow, ...] = ()
    precedence: tuple[PrecedenceRow, ...] = ()
    flows: tuple[FlowRow, ...] = ()
    grading: tuple[GradingRow, ...] = ()
    roles: tuple[RoleRow, ...] = ()
    steps: tuple[StepRow, ...] = ()
    escalations: tuple[EscalationRow, ...] = ()
    pauses: tuple[PauseRow, ...] = ()
    transfers: tuple[TransferRow, ...] = ()
    verifications: tuple[VerificationRow, ...] = ()
    gatherings: tuple[GatherRow, ...] = ()
    contacts: tuple[ContactRow, ...] = ()
    reports: tuple[ReportRow, ...] = ()
    warnings: tuple[WarningRow, ...] = ()
    decisions: tuple[DecisionRow, ...] = ()
    measures: tuple[MeasureRow, ...] = ()
    resources: tuple[ResourceRow, ...] = ()
    overrides: tuple[OverrideRow, ...] = ()
    marks: tuple[MarkRow, ...] = ()


#: Every table of rows that a mechanism has, in the order in which a person reads them.
KINDS: tuple[str, ...] = tuple(
    field.name
    for field in msgspec.structs.fields(Mechanism)
    if field.name != "includes" and isinstance(field.default, tuple)
)
