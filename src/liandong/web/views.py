"""A case as its readers see it: ids, levels, clocks; never a person's words or name."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from pydantic import BaseModel, ConfigDict, Field

from liandong.app.ports import StreamRow
from liandong.core.values.case import LIVE, CaseState, Clock, Order
from liandong.core.values.lists import (
    Action,
    CaseStage,
    Cause,
    ClockOrigin,
    Mode,
    OrderStatus,
    Participation,
    Provenance,
    Statistic,
    Verdict,
)
from liandong.core.values.risk import OpenFinding
from liandong.core.values.times import SECOND, format_time

_state = msgspec.json.Decoder(CaseState)
Moment = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
Seconds = Annotated[float, Field(description="Seconds.")]


class View(BaseModel):
    """What is answered. Extra fields may come with any version; none goes."""

    model_config = ConfigDict(frozen=True)


def moment(at: int | None) -> str | None:
    """Microseconds → RFC 3339; None for none and for 0, which stands for open."""
    return format_time(at) if at else None


def cause_of(code: str) -> Cause | None:
    """The cause of a row; None where it is open."""
    return Cause(code) if code else None


class CaseSummary(View):
    """A case in a list."""

    id: str
    hazard: str
    area_path: str
    lead: str = Field(description="Unit that leads; empty before anybody does.")
    mode: Mode
    stage: CaseStage
    level: str
    cause: Cause | None
    opened: Moment
    updated: Moment
    version: int


class CasePage(View):
    """Newest first."""

    items: list[CaseSummary]
    next: str = Field(description="Give it as `after` for the next page; empty at the end.")


class TallyView(View):
    """So many real of so many that count."""

    real: int
    counted: int


class RecordView(View):
    """How often the rule and the sensor behind an alarm were right so far, by closed cases."""

    rule: str
    channel: str
    of_rule: TallyView = Field(description="Cases anywhere that the rule raised or joined.")
    of_sensor: TallyView = Field(description="Cases that a finding on the channel belonged to, of any rule.")


class FindingView(View):
    """A finding of the case."""

    rule_version: int | None = Field(default=None, description="Of the rule in force.")
    quantity: str = ""
    unit: str = Field(default="", description="Of value and limit: 1/s of a rate, σ of a z-score.")
    statistic: Statistic = Field(default=Statistic.VALUE, description="What value and limit are of.")
    limit: float | None = Field(default=None, description="At which the rule in force raises.")
    record: RecordView | None = Field(default=None, description="Of its rule and its sensor.")

    id: str
    rule: str
    severity: str
    level: str
    channel: str
    onset: Moment
    raised: Moment
    value: float
    evidence: str = Field(description="Digest of the window of readings that shows it.")
    settled: bool
    ended: bool


class StepView(View):
    """One step of an order."""

    action: Action
    clause: str
    limit_s: float | None = Field(description="None: the rows set no limit.")
    origin: ClockOrigin
    evidence: bool = Field(description="It needs evidence.")
    done: bool
    origin_assumed: bool = Field(default=True, description="The document does not state from when it runs.")
    provenance: Provenance = Field(default=Provenance.ASSUMED, description="Where the limit comes from.")
    basis: str = Field(default="", description="Where in the document the row stands, or why it is so.")


class NumberView(View):
    """What another system calls something."""

    system: str
    number: str


class OrderView(View):
    """An order of the case."""

    id: str
    role: str
    unit: str
    post: str
    person: str
    deputy: str
    round: int
    status: OrderStatus
    issued: Moment
    steps: list[StepView]
    row: str = Field(default="", description="Key of the row that sent it there.")
    acknowledged: Moment | None = Field(default=None, description="When it was signed for.")
    numbers: list[NumberView] = Field(default_factory=list, description="What other systems call it.")
    their_status: str = Field(default="", description="Newest word of the receiver's own system.")
    their_at: Moment | None = Field(default=None, description="When, by that system's clock.")
    heard_at: Moment | None = Field(default=None, description="When it was heard here.")
    line: str = Field(
        default="",
        description="Linked order beside the main line: of the rows, or `duty.1`, `help.1`, `request.1`.",
    )
    others: list[str] = Field(default_factory=list, description="Further persons to whom it was handed.")
    called: bool = Field(default=False, description="Somebody has answered a call for it.")


class ClockView(View):
    """One limit running for one round."""

    key: str
    clause: str
    round: int
    order: str
    action: Action
    unit: str
    origin: ClockOrigin
    started: Moment
    limit_s: Seconds
    due: Moment
    paused: bool
    paused_at: Moment | None
    pause_reason: str
    paused_s: Seconds
    charged: dict[str, float] = Field(description="Unit → seconds of pause charged to it.")
    charged_to: str = Field(description="Unit to which a running pause is charged.")
    overdue: bool
    stopped: Moment | None
    void: bool
    origin_assumed: bool = Field(default=True, description="The document does not state from when it runs.")
    provenance: Provenance = Field(default=Provenance.ASSUMED, description="Where the limit comes from.")
    basis: str = Field(default="", description="Where in the document the row stands, or why it is so.")


class ParticipantView(View):
    """Who may see the case, and why."""

    part: Participation
    unit: str
    post: str
    since: Moment
    until: Moment | None
    rows: list[str] = Field(default_factory=list, description="Rows that give a unit this part.")


class NextView(View):
    """What is due now, and from whom."""

    order: str
    action: Action
    unit: str
    post: str
    person: str
    deputy: str
    due: Moment | None
    evidence: bool


class CaseCore(View):
    """A case as a whole."""

    id: str
    version: int = Field(description="For If-Match; also the ETag.")
    grouping: str
    ordinal: int
    parents: list[str]
    hazard: str
    asset: str
    area: str
    area_path: str
    mode: Mode
    level: str
    stage: CaseStage
    verdict: Verdict | None
    cause: Cause | None
    lead: str
    onset: Moment
    alarmed: Moment
    opened: Moment
    closed: Moment | None
    alarm_active: bool
    reviewed: bool | None
    escalations: int
    done: dict[str, Moment] = Field(description="Main step → when it was done.")
    next: list[NextView]
    orders: list[OrderView]
    clocks: list[ClockView]
    participants: list[ParticipantView]
    findings: list[FindingView]
    rules: list[str]
    numbers: dict[str, str] = Field(description="System → what it calls this case.")


def summary(row: StreamRow) -> CaseSummary:
    """A row of the list."""
    return CaseSummary(
        id=row.stream.removeprefix("case:"), hazard=row.domain, area_path=row.area_path, lead=row.unit,
        mode=row.mode, stage=CaseStage(row.stage), level=row.level, cause=cause_of(row.cause),
        opened=format_time(row.opened), updated=format_time(row.updated), version=row.version,
    )  # fmt: skip


def case_view(row: StreamRow) -> CaseCore:
    """The stored state of a case, in the words of the API."""
    assert row.body is not None
    case = _state.decode(row.body)
    return CaseCore(
        id=case.id, version=case.version, grouping=case.grouping, ordinal=case.ordinal,
        parents=list(case.parents), hazard=case.hazard, asset=case.asset, area=case.area,
        area_path=case.area_path, mode=case.mode, level=case.level, stage=case.stage, verdict=case.verdict,
        cause=case.cause, lead=case.lead, onset=format_time(case.onset), alarmed=format_time(case.alarmed),
        opened=format_time(case.opened), closed=moment(case.closed), alarm_active=case.alarm_active,
        reviewed=case.reviewed, escalations=case.escalations,
        done={action.value: format_time(at) for action, at in case.done.items()},
        next=_next(case), orders=[_order(order) for order in case.orders.values()],
        clocks=[clock_view(clock) for clock in case.clocks.values()], participants=_participants(case),
        findings=[finding_view(finding) for finding in case.findings.values()], rules=list(case.rules),
        numbers=dict(case.numbers),
    )  # fmt: skip


def _next(case: CaseState) -> list[NextView]:
    """The first step that is left of every live order."""
    found = []
    for order in case.orders.values():
        left = [step for step in order.steps if step.action not in order.done]
        if order.status in LIVE and left:
            running = [c for c in case.clocks.values() if c.order == order.id and c.stopped is None]
            due = next((c.due for c in running if c.action == left[0].action), None)
            found.append(
                NextView(
                    order=order.id,
                    action=left[0].action,
                    unit=order.unit,
                    post=order.post,
                    person=order.person,
                    deputy=order.deputy,
                    due=moment(due),
                    evidence=left[0].evidence,
                )
            )
    return found


def _order(order: Order) -> OrderView:
    steps = [
        StepView(
            action=s.action, clause=s.clause, limit_s=None if s.limit_us is None else s.limit_us / SECOND,
            origin=s.origin, evidence=s.evidence, done=s.action in order.done,
        )
        for s in order.steps
    ]  # fmt: skip
    return OrderView(
        id=order.id, role=order.role, unit=order.unit, post=order.post, person=order.person,
        deputy=order.deputy, round=order.round, status=order.status, issued=format_time(order.issued),
        steps=steps, row=order.row,
        numbers=[NumberView(system=system, number=number) for system, number in order.numbers],
        their_status=order.their_status, their_at=moment(order.their_at),
        heard_at=moment(order.heard_at or None), line=order.line, others=list(order.others),
        called=order.called,
    )  # fmt: skip


def clock_view(clock: Clock) -> ClockView:
    """A clock; whoever has the rows adds where its limit comes from."""
    return ClockView(
        key=clock.key, clause=clock.clause, round=clock.round, order=clock.order, action=clock.action,
        unit=clock.unit, origin=clock.origin, started=format_time(clock.started),
        limit_s=clock.limit_us / SECOND, due=format_time(clock.due), paused=clock.paused_at is not None,
        paused_at=moment(clock.paused_at), pause_reason=clock.pause_reason, paused_s=clock.paused_us / SECOND,
        charged={unit: us / SECOND for unit, us in clock.charges.items()}, charged_to=clock.charged_to,
        overdue=clock.overdue, stopped=moment(clock.stopped), void=clock.void,
    )  # fmt: skip


def _participants(case: CaseState) -> list[ParticipantView]:
    return [
        ParticipantView(
            part=p.part, unit=p.unit, post=p.post, since=format_time(p.since), until=moment(p.until)
        )
        for p in case.participants
    ]


def finding_view(finding: OpenFinding) -> FindingView:
    """A finding as it is held."""
    fields: dict[str, Any] = {
        name: getattr(finding, name)
        for name in ("id", "rule", "severity", "level", "channel", "value", "evidence", "settled", "ended")
    }
    return FindingView(onset=format_time(finding.onset), raised=format_time(finding.raised), **fields)
