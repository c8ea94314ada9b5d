"""应急响应: what was asked, what was decided, and the response that runs for a flow in an area."""

from __future__ import annotations

from typing import Any

import msgspec

from liandong.core.values.case import Timer, VaultRef
from liandong.core.values.lists import MeasureKind, Mode, ResponseAction, ResponseStage
from liandong.core.values.matter import (
    DecisionTaken,
    MatterEscalated,
    MatterReceived,
    Receipt,
    Sending,
    SendingReported,
    replace,
    reported,
    sent,
    with_timers,
    without_clock,
)
from liandong.core.values.scales import Scale


class ActiveResponse(msgspec.Struct, frozen=True, kw_only=True):
    """A response that runs, as far as other decisions depend on it."""

    id: str
    flow: str
    area_path: str
    level: str
    since: int


class ResponseAct(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """响应动作: a person, as one post, decides or records something about a response."""

    id: str  #: from the client's idempotency key within person and target
    body_digest: str
    response: str
    action: ResponseAction
    person: str
    post: str
    version: int  #: If-Match
    hazard: str = ""  #: with `area`, of a response that nobody has asked for yet
    area: str = ""
    question: str = ""  #: which question is answered; empty = the one that is due first
    level: str = ""
    matter: VaultRef | None = None  #: 事项
    expected_s: float | None = None  #: 预计期限
    measures: VaultRef | None = None  #: 处置措施 in words, besides those of the rows
    told: tuple[str, ...] = ()  #: roles or units that are told besides those who must be
    measure: str = ""  #: key of the measure
    taken: bool | None = None
    reason: VaultRef | None = None


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """须作启动决定的一项: who has to answer it by when, and what was answered."""

    key: str
    source: str
    number: int
    hazard: str
    scale: Scale
    code: str
    row: str  #: empty where no row names a decider and the centre stands in
    unit: str
    post: str
    person: str
    fallback: str = ""
    level: str = ""  #: of response that the row puts to the decision
    asked: int
    limit_us: int | None = None
    due: int | None = None
    units: tuple[
        str, ...
    ] = ()  #: whose leaders on duty may decide: the decider, later also who was asked next
    alarms: int = 0  #: how often the platform has called out that nobody decides
    answered: int = 0
    start: bool | None = None
    by: str = ""


class Measure(msgspec.Struct, frozen=True, kw_only=True):
    """措施: taken, not taken with a reason, or still open."""

    key: str
    row: str
    kind: MeasureKind
    unit: str  #: who takes it; empty = 未规定
    due: int | None = None
    taken: bool | None = None
    person: str = ""
    post: str = ""
    at: int = 0
    reason: VaultRef | None = None


class ResponseAsked(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """已提请决定."""

    response: str
    flow: str
    hazard: str
    area: str
    area_path: str
    mode: Mode
    episode: int
    question: Question
    measures: tuple[Measure, ...] = ()
    timers: tuple[Timer, ...] = ()


class ResponseOpened(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A person begins without having been asked: the episode that the decision belongs to."""

    response: str
    flow: str
    hazard: str
    area: str
    area_path: str
    mode: Mode
    episode: int
    at: int


class ResponseStarted(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """已启动响应: 事项、级别、预计期限、处置措施 (突发事件应对法 2024 art. 72), and who is told."""

    response: str
    level: str
    matter: VaultRef
    expected_s: float
    until: int
    measures: tuple[Measure, ...]
    told: tuple[str, ...]
    unresolved: tuple[str, ...] = ()
    person: str
    post: str
    unit: str
    at: int
    words: VaultRef | None = None  #: measures in words, besides the list
    sendings: tuple[Sending, ...] = ()
    timers: tuple[Timer, ...] = ()


class ResponseLevelChanged(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """响应级别调整."""

    response: str
    before: str
    after: str
    measures: tuple[Measure, ...]
    person: str
    post: str
    unit: str
    at: int
    reason: VaultRef | None = None
    sendings: tuple[Sending, ...] = ()
    timers: tuple[Timer, ...] = ()


class MeasureNoted(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """措施已记录."""

    response: str
    measure: str
    taken: bool
    person: str
    post: str
    unit: str
    at: int
    reason: VaultRef | None = None


class ResponseEnded(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """响应终止."""

    response: str
    person: str
    post: str
    unit: str
    at: int
    reason: VaultRef | None = None
    sendings: tuple[Sending, ...] = ()


class ResponseState(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Fold of one flow's and area's responses, one episode after the other; the journal keeps all of them."""

    id: str = ""
    version: int = 0
    mode: Mode = Mode.REAL
    flow: str = ""  #: 专项联动流程 that it is the response of
    hazard: str = ""  #: what asked first in this episode
    area: str = ""
    area_path: str = "/"
    episode: int = 0
    stage: ResponseStage = ResponseStage.NONE
    level: str = ""
    since: int = 0
    until: int = 0  #: expected end
    ended: int = 0
    unit: str = ""  #: who started it
    matter: VaultRef | None = None
    words: VaultRef | None = None  #: measures in words
    questions: dict[str, Question] = {}
    measures: dict[str, Measure] = {}
    told: tuple[str, ...] = ()
    unresolved: tuple[str, ...] = ()
    sendings: dict[str, Sending] = {}
    receipts: tuple[Receipt, ...] = ()
    timers: dict[str, Timer] = {}
    escalations: int = 0
    number: int = 0  #: of the newest order to those who are told

    @property
    def open(self) -> tuple[Question, ...]:
        """Questions that nobody has answered, the first due first."""
        waiting = [q for q in self.questions.values() if q.start is None]
        return tuple(sorted(waiting, key=lambda q: (q.due is None, q.due or 0, q.asked, q.key)))

    @property
    def active(self) -> ActiveResponse | None:
        """What other decisions look at; None where no response runs."""
        if self.stage != ResponseStage.ACTIVE:
            return None
        return ActiveResponse(
            id=self.id, flow=self.flow, area_path=self.area_path, level=self.level, since=self.since
        )


def _begun(s: ResponseState, e: ResponseAsked | ResponseOpened) -> ResponseState:
    """The episode that an event belongs to; what a new one does not concern is left to the journal."""
    if e.episode == s.episode:
        return s
    return ResponseState(
        id=e.response, version=s.version, mode=e.mode, flow=e.flow, hazard=e.hazard, area=e.area,
        area_path=e.area_path, episode=e.episode, number=s.number,
    )  # fmt: skip


def _asked(s: ResponseState, e: ResponseAsked) -> ResponseState:
    s = _begun(s, e)
    return replace(
        s, questions=s.questions | {e.question.key: e.question},
        measures={m.key: m for m in e.measures} | s.measures, timers=with_timers(s.timers, e.timers),
    )  # fmt: skip


def _taken(s: ResponseState, e: DecisionTaken) -> ResponseState:
    asked = s.questions.get(e.question)
    if asked is None:
        return s
    answered = replace(asked, answered=e.at, start=e.start, by=e.person)
    return replace(
        s, questions=s.questions | {e.question: answered}, timers=without_clock(s.timers, e.question)
    )


def _started(s: ResponseState, e: ResponseStarted) -> ResponseState:
    return replace(
        s, stage=ResponseStage.ACTIVE, level=e.level, since=e.at, until=e.until, ended=0, unit=e.unit,
        matter=e.matter, words=e.words, told=e.told, unresolved=e.unresolved,
        measures={m.key: m for m in e.measures} | s.measures, number=s.number + 1,
        sendings=sent(s.sendings, e.sendings), timers=with_timers(s.timers, e.timers),
    )  # fmt: skip


def _changed(s: ResponseState, e: ResponseLevelChanged) -> ResponseState:
    return replace(
        s, level=e.after, measures={m.key: m for m in e.measures} | s.measures, number=s.number + 1,
        sendings=sent(s.sendings, e.sendings), timers=with_timers(s.timers, e.timers),
    )  # fmt: skip


def _noted(s: ResponseState, e: MeasureNoted) -> ResponseState:
    noted = replace(
        s.measures[e.measure], taken=e.taken, person=e.person, post=e.post, at=e.at, reason=e.reason
    )
    return replace(s, measures=s.measures | {e.measure: noted}, timers=without_clock(s.timers, e.measure))


def _ended(s: ResponseState, e: ResponseEnded) -> ResponseState:
    """Measures that are open are nobody's duty any more; questions that are open stay open."""
    keep = {q.key for q in s.open}
    return replace(
        s, stage=ResponseStage.ENDED, ended=e.at, number=s.number + 1,
        sendings=sent(s.sendings, e.sendings),
        timers={key: t for key, t in s.timers.items() if t.clock in keep},
    )  # fmt: skip


def _escalated(s: ResponseState, e: MatterEscalated) -> ResponseState:
    timers, asked = with_timers(s.timers, e.timers, gone=e.timer), s.questions.get(e.about)
    if asked is None:
        return replace(s, escalations=s.escalations + 1, timers=timers)
    units = asked.units if not e.unit or e.unit in asked.units else (*asked.units, e.unit)
    asked = replace(asked, units=units, alarms=asked.alarms + e.alarm)
    return replace(s, escalations=s.escalations + 1, timers=timers, questions=s.questions | {e.about: asked})


_APPLY: dict[type, Any] = {
    ResponseAsked: _asked,
    ResponseOpened: _begun,
    DecisionTaken: _taken,
    ResponseStarted: _started,
    ResponseLevelChanged: _changed,
    MeasureNoted: _noted,
    ResponseEnded: _ended,
    MatterEscalated: _escalated,
    MatterReceived: lambda s, e: replace(s, receipts=(*s.receipts, e.receipt)),
    SendingReported: lambda s, e: replace(s, sendings=reported(s.sendings, e)),
}
_QUIET = (SendingReported, MatterEscalated)
RESPONSE_EVENTS = tuple(cls for cls in _APPLY if cls.__module__ == __name__)


def evolve_response(state: ResponseState, event: Any) -> ResponseState:
    """Apply one event; chooses nothing."""
    after: ResponseState = _APPLY[type(event)](state, event)
    return after if isinstance(event, _QUIET) else replace(after, version=state.version + 1)
