"""警情: a case, its orders and its clocks. What can befall them is in `case_events`."""

from __future__ import annotations

import msgspec

from liandong.core.values.lists import (
    Action,
    CaseStage,
    Cause,
    ClockOrigin,
    Mode,
    OrderStatus,
    Participation,
    Verdict,
)
from liandong.core.values.risk import OpenFinding
from liandong.core.values.sidelines import DutyQuestion, HelpRequest, Ringing, Supervisor, TransferRequest

replace = msgspec.structs.replace


class VaultRef(msgspec.Struct, frozen=True):
    """A person's words: where the vault keeps them, and a salted digest that proves them."""

    id: str
    digest: str


class PlannedStep(msgspec.Struct, frozen=True, kw_only=True):
    """One step of an order as it was when the order was issued."""

    action: Action
    clause: str  #: key of the step row
    limit_us: int | None  #: None = 未规定
    origin: ClockOrigin
    evidence: bool = False


class Timer(msgspec.Struct, frozen=True, kw_only=True):
    """A moment at which the case wants to be woken."""

    id: str
    clock: str  #: clock it belongs to
    moment: str  #: escalation row key, `due` or `pause_end`
    due: int


class Clock(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """One clause running for one round."""

    key: str  #: clause#round
    clause: str
    round: int
    order: str
    action: Action
    unit: str  #: who is measured by it
    origin: ClockOrigin
    started: int
    limit_us: int
    due: int
    paused_at: int | None = None
    pause_reason: str = ""
    charged_to: str = ""
    paused_us: int = 0
    charges: dict[str, int] = {}  #: unit → microseconds of pause charged to it
    overdue: bool = False
    stopped: int | None = None
    void: bool = False  #: stopped without being met, e.g. because the order was returned
    extended_us: int = 0  #: by which approved extensions moved its due time


class Order(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """工单: steps that one unit's person on duty has to do."""

    id: str
    role: str
    unit: str
    post: str
    person: str
    deputy: str
    round: int
    steps: tuple[PlannedStep, ...]
    done: tuple[Action, ...] = ()
    status: OrderStatus = OrderStatus.ISSUED
    issued: int = 0
    row: str = ""  #: key of the row that sent it there
    numbers: tuple[tuple[str, str], ...] = ()  #: pairs (system, number): what other systems call it
    their_status: str = ""  #: newest word of the receiver's own system
    their_at: int | None = None  #: when, by that system's clock
    heard_at: int = 0  #: when, by ours
    line: str = ""  #: linked order beside the main line: of the rows, or `duty.1`, `help.1`, `request.1`
    others: tuple[str, ...] = ()  #: further persons to whom it was handed by name
    called: bool = False  #: somebody has answered a call for it


class Participant(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """Who may see the case, as what, from when, until when (0 = open)."""

    part: Participation
    unit: str
    post: str
    since: int
    until: int = 0


class ReportDraft(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """A version of an upward report that waits for the signature of the leader on duty."""

    number: int
    kind: str
    person: str
    post: str
    signer_unit: str
    signer_post: str
    signer: str
    at: int
    text: VaultRef | None = None


class Report(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """上报: an upward report that a row asks for: whom, since when it is owed, and what was sent."""

    row: str  #: key of the row
    to: str  #: unit that receives it
    started: int  #: the moment of knowing from which the row counts
    limit_us: int | None  #: of the first report; None = 未规定
    due: int | None  #: when the next version is due; None = none is, or 未规定
    sent: int | None = None  #: when the newest version went out
    versions: int = 0  #: a correction is another version, never an edit
    draft: ReportDraft | None = None  #: waits to be signed
    held: int = 0  #: when the leader on duty did not sign it; 0 = nothing is held back
    overdue: bool = False
    order: str = ""  #: under which the newest version was delivered
    nobody: bool = False  #: somebody who had to get it is nowhere to be found
    received: int = 0  #: newest version that the receiver has confirmed
    received_at: int = 0
    received_by: str = ""


_OVER = frozenset({CaseStage.CLOSED, CaseStage.ARCHIVED, CaseStage.REPORTED, CaseStage.CANCELLED})


class CaseState(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Fold of the case events."""

    id: str = ""
    grouping: str = ""
    ordinal: int = 0
    parents: tuple[str, ...] = ()
    hazard: str = ""
    asset: str = ""
    area: str = ""
    area_path: str = ""
    level: str = ""
    mode: Mode = Mode.REAL
    opened: int = 0
    onset: int = 0
    alarmed: int = 0
    stage: CaseStage = CaseStage.OPENED
    verdict: Verdict | None = None
    cause: Cause | None = None
    round: int = 0  #: raised by every issue of an order
    version: int = 0  #: raised by every decision that people see; for If-Match
    lead: str = ""  #: unit that leads
    done: dict[Action, int] = {}  #: main steps done → when
    findings: dict[str, OpenFinding] = {}
    seen: tuple[str, ...] = ()  #: every finding that ever belonged to it
    rules: tuple[str, ...] = ()  #: every rule whose finding ever belonged to it
    channels: tuple[str, ...] = ()  #: every channel of which a finding ever belonged to it
    alarm_active: bool = False
    members: int = 0  #: alarms that share this case, as last said; 0 where it is one asset's own
    orders: dict[str, Order] = {}
    clocks: dict[str, Clock] = {}
    timers: dict[str, Timer] = {}
    participants: tuple[Participant, ...] = ()
    handlers: tuple[tuple[str, str], ...] = ()  #: (person, unit) that acted on site
    reviewed: bool | None = None
    escalations: int = 0
    deliveries: dict[str, str] = {}  #: order → outcome of its newest attempt
    numbers: tuple[tuple[str, str], ...] = ()  #: pairs (system, number)
    closed: int = 0
    calls: int = 0  #: 通话记录 so far
    reports: dict[str, Report] = {}  #: row → the report that it asks for
    asked: tuple[str, ...] = ()  #: levels at which somebody was asked whether to start a response
    line_done: dict[str, dict[Action, int]] = {}  #: linked order → its steps done → when
    failed: dict[str, tuple[Action, ...]] = {}  #: line → what was tried and did not succeed
    waits: tuple[str, ...] = ()  #: `order/action` whose escalations without a limit have been set
    ringing: dict[str, Ringing] = {}  #: order → the call for it that nobody has answered
    supervisors: tuple[Supervisor, ...] = ()
    urged: int = 0
    acts: dict[str, int] = {}  #: row that allowed an act beside the steps → how often
    questions: dict[str, DutyQuestion] = {}  #: line → whose duty it is
    helps: dict[str, HelpRequest] = {}  #: line → what another unit was asked for
    requests: dict[str, TransferRequest] = {}  #: line → what waits for somebody's approval
    deferred: int = 0  #: looked at again then; 0 = not deferred
    merged_into: str = ""  #: case that has taken this one in
    children: tuple[str, ...] = ()  #: cases that were split off
    passed_on: dict[str, str] = {}  #: finding → case that follows it now
    drawn: bool | None = None  #: whether its closure is to be reviewed; None = not drawn yet

    @property
    def over(self) -> bool:
        """No more work: a new alarm of the same grouping opens a new case."""
        return self.stage in _OVER

    def done_of(self, line: str) -> dict[Action, int]:
        """Steps done on the main line, or on a linked order → when."""
        return self.line_done.get(line, {}) if line else self.done

    def order_for(self, action: Action, line: str = "") -> Order | None:
        """The live order of a line of which this action is a step still to do."""
        for order in self.orders.values():
            open_ = order.status in LIVE and action not in order.done and order.line == line
            if open_ and any(step.action == action for step in order.steps):
                return order
        return None


#: The stage a case reaches with each main step, in the order of the main line.
STAGE_OF: dict[Action, CaseStage] = {
    Action.JUDGE: CaseStage.JUDGED,
    Action.PUSH: CaseStage.PUSHED,
    Action.ACKNOWLEDGE: CaseStage.ACKNOWLEDGED,
    Action.ARRIVE: CaseStage.ON_SITE,
    Action.HANDLE: CaseStage.HANDLED,
    Action.FEED_BACK: CaseStage.FED_BACK,
    Action.REVIEW: CaseStage.REVIEWED,
    Action.CLOSE: CaseStage.CLOSED,
    Action.ARCHIVE: CaseStage.ARCHIVED,
    Action.DISPOSAL_REPORT: CaseStage.REPORTED,
}

LIVE = (OrderStatus.ISSUED, OrderStatus.ACTIVE)
