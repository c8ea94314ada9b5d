"""One admitted message becomes journal entries, new states and effects.

State is loaded, steps decide, events are folded, and everything is put into one `Changes`. Nothing
here writes: the writer commits a whole group at once, or throws it away and decides again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, get_args

import msgspec

from liandong.app.ports import ActRow, Changes, OutboxRow, Store, StreamRow
from liandong.app.project import Projection, columns, moved, state_bytes
from liandong.core.mechanism.policy import Policy
from liandong.core.route import DECIDE, owner_of, stream_of
from liandong.core.values.alarm import AlarmAct, AlarmState
from liandong.core.values.announcement import (
    ActiveAnnouncement,
    AnnouncementAct,
    AnnouncementEnded,
    AnnouncementExtended,
    AnnouncementMade,
    AnnouncementState,
)
from liandong.core.values.case import CaseState
from liandong.core.values.decision import Decision, Deliver, Reason
from liandong.core.values.errors import Broken, Conflict, Fatal
from liandong.core.values.events import AGGREGATES, EventRecord, evolve, kind_of, record_event
from liandong.core.values.findings import FindingMessage
from liandong.core.values.graded import GradedFinding
from liandong.core.values.ids import make_id
from liandong.core.values.journal import DEFAULT_ALGORITHM, GENESIS, Entry, EntryKind, JournalRow, chain
from liandong.core.values.lists import AnnouncementStage, Step
from liandong.core.values.messages import (
    Act,
    ClockConfirmed,
    DeliveryReported,
    OrderReported,
    PolicyCommitted,
    SubjectErased,
    TimerFired,
)
from liandong.core.values.public_warning import ExternalWarning, WarningAct, WarningState
from liandong.core.values.publication import DraftState, MechanismAct
from liandong.core.values.resource import ResourceAct, ResourceState
from liandong.core.values.response import (
    ActiveResponse,
    ResponseAct,
    ResponseEnded,
    ResponseLevelChanged,
    ResponseStarted,
    ResponseState,
)
from liandong.core.values.roster import PostsMoved, Swap
from liandong.core.values.roster_events import (
    AnswerProposal,
    DutySwapped,
    PostsHandedOver,
    ProposeMove,
    ProposeSwap,
    ReportRing,
    RosterState,
)
from liandong.core.values.shift import HandOver, ShiftState, TakeOver

#: Where new versions of the policy come in.
POLICY_STREAM = "admission:policy"
_encoder = msgspec.json.Encoder(order="sorted")
_decoders = {kind: msgspec.json.Decoder(type(empty)) for kind, (empty, _) in AGGREGATES.items()}

MESSAGE_TYPES: dict[str, type] = {
    cls.__name__: cls
    for cls in (
        *get_args(FindingMessage), GradedFinding,
        Act, OrderReported, TimerFired, DeliveryReported, PolicyCommitted,
        SubjectErased, ClockConfirmed, HandOver, TakeOver, ProposeSwap, ProposeMove, AnswerProposal,
        ReportRing,
        WarningAct, ExternalWarning, ResponseAct, ResourceAct, MechanismAct, AlarmAct, AnnouncementAct,
    )
}  # fmt: skip
#: Version of each message's schema, as for events. Version 2 of an act only adds fields to the first.
MESSAGE_VERSIONS: dict[str, int] = dict.fromkeys(MESSAGE_TYPES, 1) | {
    "Act": 3,
    "DeliveryReported": 2,
    "ExternalWarning": 2,
}
_message_decoders: dict[str, msgspec.json.Decoder[Any]] = {
    name: msgspec.json.Decoder(cls) for name, cls in MESSAGE_TYPES.items()
}


def record_message(message: Any) -> EventRecord:
    """A message as the journal keeps it."""
    name = type(message).__name__
    return EventRecord(name, MESSAGE_VERSIONS[name], msgspec.Raw(_encoder.encode(message)))


def read_message(record: EventRecord) -> Any:
    """A kept message → its object."""
    decoder = _message_decoders.get(record.type)
    if decoder is None or record.v > MESSAGE_VERSIONS[record.type]:
        raise Broken("journal.unknown_event", type=record.type, version=record.v)
    return decoder.decode(record.data)


#: What persons do under a client's own key: a repeat gets the answer that was given.
PersonsAct = Act | WarningAct | ResponseAct | ResourceAct | MechanismAct | AlarmAct | AnnouncementAct
#: Events after which other decisions look at another policy.
_MOVES_POLICY = frozenset({
    DutySwapped, PostsHandedOver, ResponseStarted, ResponseLevelChanged, ResponseEnded,
    AnnouncementMade, AnnouncementExtended, AnnouncementEnded,
})  # fmt: skip
_MATTERS = (WarningState, ResponseState, ResourceState, DraftState, AnnouncementState)


@dataclass(slots=True)
class Head:
    """What the handler holds of a stream: its head and its state."""

    sequence: int = 0
    hash: str = GENESIS
    state: Any = None


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What the asker is told once it is committed."""

    status: str = "done"  #: done or refused
    key: str = ""
    params: dict[str, Any] = {}
    case: str = ""
    version: int = 0
    repeated: bool = False


class Trial:
    """Changes of one message over what the group has so far; joined on success, dropped on failure.

    One is made for every message, so it holds no more of a `Changes` than a message can bring.
    """

    __slots__ = (
        "acts", "admission", "agreed", "entries", "handler", "heads", "latest", "moved", "outbox", "touched",
    )  # fmt: skip

    def __init__(self, handler: Handler) -> None:
        self.handler = handler
        self.heads: dict[str, Head] = {}
        self.latest: dict[str, str] = {}
        self.touched: set[str] = set()
        self.agreed = False  #: somebody's duty or post changed hands, or a response started or ended
        self.entries: list[JournalRow] = []
        self.moved: list[Projection] = []  #: rows of read models, in the order in which they changed
        self.outbox: list[OutboxRow] = []
        self.acts: list[ActRow] = []
        self.admission = handler.admission

    def head(self, stream: str) -> Head:
        """The head as this trial sees it, as a copy that it may change."""
        if stream not in self.heads:
            base = self.handler.head(stream)
            self.heads[stream] = Head(base.sequence, base.hash, base.state)
        return self.heads[stream]

    def latest_case(self, grouping: str) -> CaseState | None:
        """The newest case of a grouping."""
        stream = self.latest.get(grouping) or self.handler.latest_case(grouping)
        return self.head(stream).state if stream else None

    def append(self, entry: Entry) -> None:
        """The next entry of its stream."""
        head = self.head(entry.stream)
        row = chain(entry, head.sequence + 1, head.hash, self.handler.algorithm)
        head.sequence, head.hash = row.sequence, row.hash
        self.entries.append(row)
        self.touched.add(entry.stream)


class Handler:
    """Decides over a store's state plus what the current group has already decided."""

    def __init__(
        self, store: Store, policy: Policy, algorithm: str = DEFAULT_ALGORITHM, cache: int = 20_000
    ) -> None:
        self.store = store
        self.algorithm = algorithm
        self.cache = cache
        self._seen = -1
        self._heads: dict[str, Head] = {}
        self.policy = policy
        self._latest: dict[str, str] = {}
        self.admission = 0
        self.now = 0  #: the newest time that anybody has admitted, as far as is known
        self._policy_head: int | None = None
        self.pending: Changes = Changes()
        self._acts: dict[str, ActRow] = {}
        self._asked: set[str] = set()  #: acts whose answers have been looked for

    @property
    def policy(self) -> Policy:
        """The committed policy, with the roster as people agreed on it since (decision 0032), and with the
        responses that run (decision 0035) and the announcements that hold (decision 0049)."""
        return self._policy

    @policy.setter
    def policy(self, policy: Policy) -> None:
        self._committed = policy
        self._policy = replace(
            _with_changes(policy, self._agreed()), responses=self._running(), announcements=self._announced()
        )

    @property
    def committed(self) -> Policy:
        """The policy as it was committed, without what people have agreed on since."""
        return self._committed

    def _agreed(self) -> tuple[Swap | PostsMoved, ...]:
        """Changes of all rosters: those in the store, and over them what is not committed yet."""
        found = {row.stream: self._head_of(row).state for row in self.store.states("roster")}
        found |= {s: head.state for s, head in self._heads.items() if kind_of(s) == "roster"}
        return tuple(
            change for state in found.values() if isinstance(state, RosterState) for change in state.changes
        )

    def _running(self) -> tuple[ActiveResponse, ...]:
        """Responses that run, by stream: those in the store, and over them what is not committed yet."""
        found = {row.stream: self._head_of(row).state for row in self.store.states("response")}
        found |= {s: head.state for s, head in self._heads.items() if kind_of(s) == "response"}
        states = (found[stream] for stream in sorted(found))
        return tuple(s.active for s in states if isinstance(s, ResponseState) and s.active is not None)

    def _announced(self) -> tuple[ActiveAnnouncement, ...]:
        """Announcements that are open, by stream: those in the store, and over them what is not committed."""
        rows = self.store.states("announcement", AnnouncementStage.OPEN)
        found = {row.stream: self._head_of(row).state for row in rows}
        found |= {s: head.state for s, head in self._heads.items() if kind_of(s) == "announcement"}
        states = (found[stream] for stream in sorted(found))
        return tuple(
            s.what
            for s in states
            if isinstance(s, AnnouncementState) and s.what and s.stage == AnnouncementStage.OPEN
        )

    # A group: begin, admit …, take, and after the commit `committed` or `forget`.

    def begin(self, following: bool = False) -> None:
        """Start a group. Cached states are dropped where somebody else has written.

        A `following` group is decided while the one before is not yet committed: what that one
        decided is known here only, so nothing is dropped.
        """
        self.pending = Changes()
        if following:
            return
        version = self.store.data_version()
        if version != self._seen or len(self._heads) > self.cache:
            self.forget()
            self._seen = version
            self._check_policy()
        self._acts, self._asked = {}, set()

    def _check_policy(self) -> None:
        """Where several processes decide, all follow the same policy: one that another has changed is read
        at the next start. Raises Fatal."""
        if self.store.stake is None:
            return
        row = self.store.load([POLICY_STREAM]).get(POLICY_STREAM)
        found = 0 if row is None else row.sequence
        if self._policy_head is not None and found != self._policy_head:
            raise Fatal("policy.changed_elsewhere")
        self._policy_head = found

    def prefetch(self, messages: Sequence[Any], origins: Sequence[str] = ()) -> None:
        """Load what a group's acts and timers will need in two questions instead of two a message."""
        about = {m.case for m in messages if isinstance(m, (Act, TimerFired, DeliveryReported))}
        streams = {name if ":" in name else f"case:{name}" for name in about}
        streams |= {f"admission:{origin}" for origin in origins}
        missing = [stream for stream in streams if stream not in self._heads]
        if missing:
            for stream, row in self.store.load(missing).items():
                self._heads[stream] = self._head_of(row)
        ids = [m.id for m in messages if isinstance(m, PersonsAct)]
        if ids:
            self._acts |= {row.id: row for row in self.store.acts(ids)}
            self._asked |= set(ids)

    def forget(self) -> None:
        """Drop everything that is not in the store."""
        self._heads, self._latest, self._acts, self._asked = {}, {}, {}, set()
        self.policy = self._committed
        self.pending = Changes()
        self.admission = int(self.store.meta("admission") or 0)
        self.now = int(self.store.meta("now") or 0)
        self._seen = -1

    def take(self) -> Changes:
        """The group's changes, with the state of every stream that moved."""
        changes = self.pending
        for stream in {row.stream for row in changes.entries}:
            changes.streams[stream] = self._row(stream)
        if changes.entries:
            changes.meta["admission"] = str(self.admission)
        return changes

    def _row(self, stream: str) -> StreamRow:
        head = self._heads[stream]
        body = None if head.state is None else state_bytes(head.state)
        version = 0 if head.state is None else head.state.version
        return StreamRow(
            stream=stream, kind=kind_of(stream), sequence=head.sequence, hash=head.hash, version=version,
            body=body, **columns(head.state),
        )  # fmt: skip

    # Reading.

    def head(self, stream: str) -> Head:
        """Head and state of a stream, empty where it does not exist yet."""
        found = self._heads.get(stream)
        if found is None:
            row = self.store.load([stream]).get(stream)
            found = Head() if row is None else self._head_of(row)
            self._heads[stream] = found
        return found

    def _head_of(self, row: StreamRow) -> Head:
        state = None if row.body is None else _decoders[row.kind].decode(row.body)
        return Head(row.sequence, row.hash, state)

    def latest_case(self, grouping: str) -> str | None:
        """Stream of the newest case of a grouping."""
        if grouping not in self._latest:
            row = self.store.latest("case", grouping)
            if row is None:
                return None
            self._latest[grouping] = row.stream
            self._heads.setdefault(row.stream, self._head_of(row))
        return self._latest[grouping]

    def answered(self, act: PersonsAct) -> Answer | None:
        """The stored answer to a repeated act. Raises Conflict for the same key with another body."""
        row = self._acts.get(act.id)
        if row is None and act.id not in self._asked:
            row = self.store.act(act.id)
        if row is None:
            return None
        if row.body_digest != act.body_digest:
            raise Conflict("act.idempotency_conflict", act=act.id)
        return Answer(
            status=row.status,
            key=row.key,
            params=row.params,
            case=row.case,
            version=row.version,
            repeated=True,
        )

    # Deciding.

    def admit(self, message: Any, origin: str, now: int) -> Answer:
        """Admit one message: its entry, and every decision that follows from it along the route."""
        if isinstance(message, PersonsAct):
            repeated = self.answered(message)
            if repeated is not None:
                return repeated
        trial = Trial(self)
        trial.admission += 1
        trial.append(
            Entry(
                kind=EntryKind.ADMISSION,
                stream=f"admission:{origin}",
                now=now,
                mode=self._policy.mode,
                versions=self._policy.versions,
                admission=trial.admission,
                message=record_message(message),
            )
        )
        answer = self._follow(trial, message, now)
        if isinstance(message, PersonsAct):
            self._keep_answer(trial, message, answer, now)
        self._join(trial)
        return answer

    def _follow(self, trial: Trial, message: Any, now: int) -> Answer:
        """The message and the events that later steps own, in order."""
        answer: Answer | None = None
        policy = self._policy
        waiting = deque(_owned([message]))
        while waiting:
            current, step = waiting.popleft()
            stream, empty = stream_of(policy, current, trial.latest_case)
            head = trial.head(stream)
            before = head.state if head.state is not None else empty
            if before is None:
                before = AGGREGATES[kind_of(stream)][0]
            decision = DECIDE[step](policy, before, current, now)
            kind = EntryKind.DELIVERY if isinstance(current, DeliveryReported) else EntryKind.DECISION
            trial.append(
                Entry(
                    kind=kind,
                    stream=stream,
                    now=now,
                    mode=policy.mode,
                    versions=policy.versions,
                    admission=trial.admission,
                    step=step,
                    reason=decision.reason,
                    refused=decision.refused,
                    events=tuple(map(record_event, decision.events)),
                    effects=decision.effects,
                )
            )
            self._apply(trial, stream, head, decision, now)
            if answer is None:
                answer = self._answer(decision, head)
            waiting.extend(_owned(decision.events))
        return answer or Answer()

    def _apply(self, trial: Trial, stream: str, head: Head, decision: Decision, now: int) -> None:
        if not decision.events:
            return
        before = head.state
        state = decision.after
        if state is None:
            state = before if before is not None else AGGREGATES[kind_of(stream)][0]
            for event in decision.events:
                state = evolve(stream, state, event)
        head.state = state
        trial.agreed |= not _MOVES_POLICY.isdisjoint(map(type, decision.events))
        trial.moved.append(moved(before, state))
        # Only an opening makes a case the newest of its grouping: a late word on an old one does not.
        if isinstance(state, CaseState) and (before is None or not before.id):
            trial.latest[state.grouping] = stream
        for effect in decision.effects:
            trial.outbox.append(self._outbox(effect, trial.admission, len(trial.outbox), now))

    def _outbox(self, effect: Deliver, admission: int, index: int, now: int) -> OutboxRow:
        # The admission's ordinal tells two deliveries apart that say nearly the same in one moment.
        made = make_id(
            "out", self.policy.city.key, self.policy.mode, effect.order, effect.recipient, effect.channel,
            admission, index,
        )  # fmt: skip
        return OutboxRow(
            id=made, order=effect.order, case=effect.case, recipient=effect.recipient, channel=effect.channel,
            template=effect.template, params=effect.params, mode=self.policy.mode, created=now,
            next_at=max(now, effect.hold_until),
        )  # fmt: skip

    def _answer(self, decision: Decision, head: Head) -> Answer:
        case = head.state if isinstance(head.state, CaseState) else None
        others = (ShiftState, RosterState, AlarmState, *_MATTERS)
        shift = head.state if isinstance(head.state, others) else None
        return Answer(
            status="refused" if decision.refused else "done",
            key=decision.reason.key,
            params=decision.reason.params,
            case=case.id if case else _id_of(head.state),
            version=case.version if case else shift.version if shift else 0,
        )

    def _keep_answer(self, trial: Trial, act: PersonsAct, answer: Answer, now: int) -> None:
        row = ActRow(
            id=act.id, body_digest=act.body_digest, status=answer.status, key=answer.key,
            params=answer.params,
            case=act.case if isinstance(act, Act) else answer.case, version=answer.version, at=now,
        )  # fmt: skip
        trial.acts.append(row)

    def _join(self, trial: Trial) -> None:
        """The message went through: its changes become the group's."""
        for stream in trial.touched:
            self._heads[stream] = trial.heads[stream]
        if POLICY_STREAM in trial.touched:
            self._policy_head = self._heads[POLICY_STREAM].sequence
        self._latest |= trial.latest
        if trial.agreed:
            self.policy = self._committed
        self.admission = trial.admission
        group = self.pending
        group.entries += trial.entries
        for rows in trial.moved:
            group.orders |= rows.orders
            group.queue |= rows.queue
            group.participants |= rows.participants
            for id in rows.timers_gone:
                group.timers_set.pop(id, None)
            group.timers_gone |= rows.timers_gone
            group.timers_set |= rows.timers
        group.outbox += trial.outbox
        group.acts += trial.acts
        for row in trial.acts:
            self._acts[row.id] = row

    def note(self, kind: EntryKind, stream: str, now: int, key: str, **params: Any) -> None:
        """An entry that is no decision of a step: an access, a platform fact."""
        trial = Trial(self)
        trial.append(
            Entry(
                kind=kind,
                stream=stream,
                now=now,
                mode=self.policy.mode,
                versions=self.policy.versions,
                reason=Reason(key, params),
            )
        )
        self._join(trial)


def _owned(messages: Iterable[Any]) -> list[tuple[Any, Step]]:
    """Those that a step handles, each with its step."""
    return [(message, step) for message in messages if (step := owner_of(message)) is not None]


def _id_of(state: Any) -> str:
    """The id by which a door knows what was decided about; empty where it has none."""
    if isinstance(state, AlarmState):
        return state.grouping
    return state.id if isinstance(state, _MATTERS) else ""


def _with_changes(policy: Policy, changes: tuple[Swap | PostsMoved, ...]) -> Policy:
    return replace(policy, city=policy.city.with_changes(changes)) if changes else policy
