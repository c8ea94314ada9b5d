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


class Participant(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """Who may see the case, as what, from when, until when (0 = open)."""

    part: Participation
    unit: str
    post: str
    since: int
    until: int = 0


class Report(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """上报: an upward report that a row asks for: whom, since when it is owed, and what was sent."""

    row: str  #: key of the row
    to: str  #: unit that receives it
    started: int  #: the moment of knowing from which the row counts
    limit_us: int | None  #: of the first report; None = 未规定
    due: int | None  #: when the next version is due; None = none is, or 未规定
    sent: int | None = None  #: when the newest version went out
    versions: int = 0  #: a correction is another version, never an edit


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

    @property
    def over(self) -> bool:
        """No more work: a new alarm of the same grouping opens a new case."""
        return self.stage in (
            CaseStage.CLOSED, CaseStage.ARCHIVED, CaseStage.REPORTED, CaseStage.CANCELLED
        )  # fmt: skip

    def order_for(self, action: Action) -> Order | None:
        """The live order of which this action is a step still to do."""
        for order in self.orders.values():
            open_ = order.status in LIVE and action not in order.done
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
