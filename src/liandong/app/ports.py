"""What the shell needs of the world, as few methods as will do. Stores and adapters implement these."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, runtime_checkable

import msgspec

from liandong.core.values.access import AccessScope, Session
from liandong.core.values.decision import Param
from liandong.core.values.journal import Anchor, EntryKind, JournalRow, Root
from liandong.core.values.lists import CallOutcome, DataKind, HeardState, Mode, Outcome, Repeats

#: (segment, row) in the readings log.
Position = tuple[int, int]


class StreamRow(msgspec.Struct, frozen=True, kw_only=True):
    """Head and cached state of one stream, with the columns that lists and scopes select on."""

    stream: str
    kind: str  #: case, risk, alarm, score, admission, access, system …
    sequence: int
    hash: str
    version: int = 0
    body: bytes | None = None  #: JSON of the state; None for streams that have none
    grouping: str = ""
    ordinal: int = 0
    domain: str = ""  #: hazard
    area_path: str = "/"
    unit: str = ""  #: lead
    mode: Mode = Mode.REAL
    stage: str = ""
    level: str = ""
    opened: int = 0
    updated: int = 0
    cause: str = ""


class OrderRow(msgspec.Struct, frozen=True, kw_only=True):
    """Read model of an order."""

    id: str
    case: str  #: case id (without `case:`)
    unit: str
    post: str
    person: str
    deputy: str
    action: str  #: the next step to do, empty when none is left
    status: str
    round: int
    issued: int
    due: int | None  #: of the next step's clock
    domain: str
    area_path: str
    mode: Mode


class QueueRow(msgspec.Struct, frozen=True, kw_only=True):
    """Read model of the live queue: what it is put in order and filtered by."""

    case: str
    live: int  #: 1 while there is work
    turn: int  #: place: when its next limit ends, then those without one, then what is closed
    unit: str  #: lead
    waits: str  #: unit of the step that is due first
    asset: str
    domain: str
    area_path: str
    mode: Mode
    level: str


class ParticipantRow(msgspec.Struct, frozen=True, kw_only=True):
    """Read model of who takes part in a case; (case, part, unit, post, since) is its key."""

    case: str
    part: str
    unit: str
    post: str
    since: int
    until: int


class TimerRow(msgspec.Struct, frozen=True, kw_only=True):
    """A moment at which a case wants to be woken."""

    id: str
    case: str
    due: int


class OutboxRow(msgspec.Struct, frozen=True, kw_only=True):
    """Something to deliver, at least once."""

    id: str
    order: str
    case: str
    recipient: str
    channel: str
    template: str
    params: dict[str, Param]
    mode: Mode
    created: int
    attempts: int = 0
    next_at: int = 0


class Digest(OutboxRow, frozen=True, kw_only=True):
    """Deliveries that quiet hours held back for one person on one channel, told as one message.

    `id` is made of theirs; each of them keeps an attempt and an outcome of its own.
    """

    members: tuple[OutboxRow, ...]


class AttemptRow(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt: written before it is tried, so that a crash in the middle is seen as unknown."""

    id: str
    outbox: str
    number: int
    started: int
    finished: int | None = None
    outcome: Outcome | None = None
    detail: str = ""


class OutboxOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What an attempt came to; `next_at` None ends the delivery."""

    outbox: str
    attempt: str
    outcome: Outcome
    at: int
    next_at: int | None
    detail: str = ""


class ActRow(msgspec.Struct, frozen=True, kw_only=True):
    """The answer given to an act, so that a repeat gets the same one."""

    id: str
    body_digest: str
    status: str  #: done or refused
    key: str  #: reason key
    params: dict[str, Param]
    case: str
    version: int
    at: int


class VaultRow(msgspec.Struct, frozen=True, kw_only=True):
    """Sealed personal data. Without the subject's key it is noise."""

    id: str
    subject: str
    nonce: bytes
    sealed: bytes


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """A message that could not be decided or stored, kept for an operator."""

    id: str
    at: int
    type: str
    body: bytes  #: JSON of the message (holds references, never personal data)
    error: str  #: error type and key
    replayed: int | None = None


class RejectedRow(msgspec.Struct, frozen=True, kw_only=True):
    """Input that was refused at the door, sealed in the vault, kept for an operator."""

    id: str
    at: int
    source: str
    path: str  #: door, e.g. `readings` or `act`
    key: str  #: error key
    params: dict[str, Param]
    vault: str  #: vault id of the raw bytes; empty where nothing was kept
    size: int
    replayed: int | None = None


class BridgeEventRow(msgspec.Struct, frozen=True, kw_only=True):
    """What a receiver's own system has reported, and what became of it; (bridge, event) is its key."""

    bridge: str
    event: str  #: that system's own id
    digest: str  #: keyed digest of what it said: the same id with other content is refused
    state: HeardState
    order: str = ""  #: our order; empty while it is not known which
    case: str = ""
    number: str = ""  #: that system's number of the order
    status: str = ""  #: its word
    their_at: int | None = None  #: by its clock
    received: int  #: by ours
    tries: int = 0
    key: str = ""  #: reason
    params: dict[str, Param] = {}
    moment: int  #: when it was received, and once it is done or refused, when that was
    vault: str = ""  #: where the whole of it is sealed


class AccountRow(msgspec.Struct, frozen=True, kw_only=True):
    """A local account: a name that a person signs in with. No name or number of the person is here."""

    name: str  #: case-folded
    person: str
    hash: str  #: argon2id with its parameters and salt; empty where only an identity provider signs in
    must_change: int  #: 1: the first thing to do is to choose another password
    disabled: int  #: 1: nobody signs in
    created: int
    changed: int  #: when the password was last chosen
    ended: int  #: sessions begun at or before this moment are over
    language: str = ""


class GuardRow(msgspec.Struct, frozen=True, kw_only=True):
    """What failed sign-ins of one account have come to."""

    name: str
    failures: int  #: since the last success or lock
    locks: int  #: one after the other; each lasts twice as long
    locked_until: int
    at: int  #: of the last failure


class SessionRow(msgspec.Struct, frozen=True, kw_only=True):
    """A person who is signed in, as one post."""

    digest: str  #: of the cookie; the cookie itself is nowhere
    account: str
    person: str
    post: str
    created: int
    seen: int  #: last activity that was written down
    expires: int  #: unless there is activity before
    ends: int  #: whatever happens


class CoordinatorRow(msgspec.Struct, frozen=True, kw_only=True):
    """One of the processes that share a database."""

    name: str
    epoch: int  #: rises with every start, and when others have taken over
    beat: int  #: rises while it lives; below zero it has left or was buried


class LeaseRow(msgspec.Struct, frozen=True, kw_only=True):
    """Who works on the cases of one partition."""

    partition: str
    owner: str  #: name of a coordinator; empty where nobody does
    epoch: int


class HandedRow(msgspec.Struct, frozen=True, kw_only=True):
    """A message that one coordinator has taken and another has to decide."""

    id: str
    partition: str
    number: int  #: their order; given when it is written
    origin: str
    sender: str
    message: bytes  #: as the journal keeps it (holds references, never personal data)
    at: int
    answer: bytes | None = None


@dataclass(frozen=True)
class Stake:
    """What a process may write: itself at its epoch, and its partitions at theirs."""

    name: str
    epoch: int
    owned: Mapping[str, int]


class Mark(msgspec.Struct, frozen=True):
    """An entry of the journal without its body: enough to tell somebody that something happened."""

    position: int
    stream: str
    now: int


class CaseFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What decides who may see a case."""

    domain: str
    area_path: str
    mode: Mode
    participants: tuple[ParticipantRow, ...] = ()


@dataclass
class Changes:
    """One transaction. All of it is written, or none."""

    entries: list[JournalRow] = field(default_factory=list)
    streams: dict[str, StreamRow] = field(default_factory=dict)
    orders: dict[str, OrderRow] = field(default_factory=dict)
    queue: dict[str, QueueRow] = field(default_factory=dict)
    participants: dict[tuple[str, str, str, str, int], ParticipantRow] = field(default_factory=dict)
    timers_set: dict[str, TimerRow] = field(default_factory=dict)
    timers_gone: set[str] = field(default_factory=set)
    outbox: list[OutboxRow] = field(default_factory=list)
    attempts: list[AttemptRow] = field(default_factory=list)
    outcomes: list[OutboxOutcome] = field(default_factory=list)
    acts: list[ActRow] = field(default_factory=list)
    vault: list[VaultRow] = field(default_factory=list)
    rejected: list[RejectedRow] = field(default_factory=list)
    replayed: list[tuple[str, str, int]] = field(default_factory=list)  #: (rejected | dead, id, at)
    dead: list[DeadLetter] = field(default_factory=list)
    roots: list[Root] = field(default_factory=list)
    anchored: list[tuple[int, str, int]] = field(default_factory=list)  #: (root number, where, at)
    datasets: dict[str, tuple[str, bytes]] = field(default_factory=dict)  #: digest → (kind, body)
    credentials: list[tuple[str, Session, int]] = field(
        default_factory=list
    )  #: (token digest, session, expires)
    handed: list[HandedRow] = field(default_factory=list)  #: one that is there already stays as it is
    answered: dict[str, bytes] = field(default_factory=dict)  #: id of what was handed over → the answer
    fences: dict[str, int] = field(default_factory=dict)  #: partition → epoch at which it was owned
    consumed: tuple[Position | None, Position] | None = None  #: from, to; refused unless it still is `from`
    meta: dict[str, str] = field(default_factory=dict)
    bridge_events: dict[tuple[str, str], BridgeEventRow] = field(default_factory=dict)
    accounts: list[AccountRow] = field(default_factory=list)
    accounts_gone: list[str] = field(default_factory=list)
    guards: list[GuardRow] = field(default_factory=list)
    guards_gone: list[str] = field(default_factory=list)
    sessions: list[SessionRow] = field(default_factory=list)
    sessions_gone: list[str] = field(default_factory=list)  #: digests
    sessions_expired: int = 0  #: sessions that ended at or before this moment are removed

    def __bool__(self) -> bool:
        return any(getattr(self, name) for name in self.__dataclass_fields__ if name != "fences")


class Store(Protocol):
    """Journal, state and outbox in one transactional database. One writer in each process; readers
    anywhere. With a stake, nothing is written that the stake does not cover, and of timers and
    deliveries only those of its partitions are found."""

    stake: Stake | None

    def commit(self, changes: Changes) -> int:
        """Write all in one durable transaction, assign gap-free global positions to the entries in
        order, and return the last position. Raises Conflict("journal.raced") where a stream has
        moved (UNIQUE(stream, sequence)), another has admitted something meanwhile, or `consumed` is
        not what it was; Conflict("lease.lost") or ("lease.moved") where the stake is not what it was."""

    def stage(self, changes: Changes) -> Callable[[], int]:
        """Like `commit`, in two parts: all is written into an open transaction, and what is returned
        makes it durable, from any thread. Until then nothing else may be committed."""

    def turn(self) -> AbstractContextManager[None]:
        """Until the next commit, or the end of the block, no other process commits."""

    def data_version(self) -> int:
        """Changes whenever somebody else has committed; then cached states are dropped."""

    def load(self, streams: Sequence[str]) -> dict[str, StreamRow]:
        """Heads and states of the streams that exist."""

    def latest(self, kind: str, grouping: str) -> StreamRow | None:
        """The stream of this kind and grouping with the highest ordinal."""

    def acts(self, ids: Sequence[str]) -> list[ActRow]:
        """The stored answers to those of the acts that have one."""

    def due_timers(self, now: int, limit: int) -> list[TimerRow]:
        """Timers due at or before `now`, by (due, id)."""

    def next_timer(self) -> int | None:
        """When the next timer is due."""

    def act(self, id: str) -> ActRow | None:
        """The stored answer to an act."""

    def outbox_due(self, now: int, limit: int) -> list[OutboxRow]:
        """Deliveries to try now, by (next_at, created, id)."""

    def next_outbox(self) -> int | None:
        """When the next delivery wants to be tried."""

    def open_attempts(self) -> list[tuple[AttemptRow, OutboxRow]]:
        """Attempts that were begun and never finished."""

    def deliveries(self, case: str) -> list[tuple[OutboxRow, list[AttemptRow]]]:
        """What was to be delivered about a case, oldest first, each with its attempts."""

    def consumed(self) -> Position | None:
        """Position of the readings log up to which findings are committed."""

    def meta(self, key: str) -> str | None:
        """A stored fact about this data folder."""

    def dataset(self, digest: str) -> bytes | None:
        """A content-addressed dataset (city, rules, mechanism)."""

    def vault_row(self, id: str) -> VaultRow | None:
        """A sealed row."""

    def credential(self, token_digest: str) -> tuple[Session, int] | None:
        """The session of a token, and when it ends."""

    def account(self, name: str) -> AccountRow | None:
        """An account by its case-folded name."""

    def accounts(self) -> list[AccountRow]:
        """All accounts by name."""

    def guard(self, name: str) -> GuardRow | None:
        """The failures of an account."""

    def session(self, digest: str) -> tuple[SessionRow, AccountRow | None] | None:
        """A session and the account it belongs to, None where that was removed."""

    def marks(self, after: int, limit: int, kinds: Sequence[str] = (), before: int = 0) -> list[Mark]:
        """Entries by global position without their bodies; of streams of these kinds, where any is named.
        With `before` those below it, newest first."""

    def case_facts(self, cases: Sequence[str]) -> dict[str, CaseFacts]:
        """Of cases by id, who may see them."""

    def alarm_facts(self, alarms: Sequence[str]) -> dict[str, CaseFacts]:
        """Of alarms by id, who may see them: also whoever takes part in a case of theirs."""

    def rejected(self, id: str) -> RejectedRow | None:
        """One rejected input."""

    def dead_letter(self, id: str) -> DeadLetter | None:
        """One dead letter."""

    def bridge_event(self, bridge: str, event: str) -> BridgeEventRow | None:
        """What a receiver's system reported under this id."""

    def bridge_events(
        self, bridge: str, states: Sequence[str] = (), after: tuple[int, str] = (0, ""), limit: int = 500
    ) -> list[BridgeEventRow]:
        """Reports in these states, or in any, by (moment, event) after the given one."""

    def bridge_order(self, bridge: str, number: str) -> tuple[str, str]:
        """Order and case of that system's number, empty where none was ever named together with it."""

    def order(self, id: str) -> OrderRow | None:
        """One order."""

    def live_orders(self, posts: Sequence[str]) -> list[OrderRow]:
        """Orders of these posts that are not over, oldest first."""

    def last_position(self) -> int:
        """The newest global position, 0 where there is none."""

    def entries(self, after: int, limit: int, kinds: Sequence[EntryKind] = ()) -> list[JournalRow]:
        """Entries by global position."""

    def entries_of(self, stream: str, after: int = 0, limit: int = 100_000) -> list[JournalRow]:
        """Entries of one stream by sequence."""

    def entries_before(self, stream: str, now: int, below: int, limit: int) -> list[JournalRow]:
        """Entries of one stream up to a moment and below a sequence, newest first."""

    def heads(self) -> Iterator[StreamRow]:
        """Every stream, by key, without bodies being required."""

    def states(self, kind: str, stage: str = "") -> Iterator[StreamRow]:
        """Every stream of a kind with its state, by key; with `stage` only those at it."""

    def roots(self) -> list[Root]:
        """All roots by number."""

    def projection(self) -> dict[str, list[Any]]:
        """orders, participants and timers, sorted, as `rebuild` compares them."""

    def backup(self, target: str) -> None:
        """A consistent copy of the database while running. Keys are never part of it."""

    def close(self) -> None:
        """Release the database."""


class Leases(Protocol):
    """The rows by which processes share the cases of one database. Any thread; nothing waits for long."""

    def join(self, name: str, partitions: Sequence[str]) -> int:
        """Come (back) under a name: its new epoch. What the name owned it still owns, at new epochs."""

    def beat(self, name: str, epoch: int) -> bool:
        """Say that one lives. False where the epoch has moved on."""

    def coordinators(self) -> list[CoordinatorRow]:
        """All that ever were, by name."""

    def leases(self) -> dict[str, LeaseRow]:
        """Partition → its row."""

    def bury(self, seen: CoordinatorRow) -> bool:
        """Free what belongs to one that is still as it was seen. False where it has moved since."""

    def claim(self, name: str, epoch: int, partitions: Sequence[str]) -> None:
        """Take those of the partitions that nobody owns."""

    def release(self, name: str, epoch: int, partitions: Sequence[str]) -> None:
        """Give partitions up."""

    def leave(self, name: str, epoch: int) -> None:
        """Give all up and be gone."""

    def handed(self, partitions: Sequence[str], limit: int) -> list[HandedRow]:
        """What others have taken for the owner of these partitions and has no answer, by number."""

    def answers(self, ids: Sequence[str]) -> dict[str, bytes]:
        """Those of the answers that are there."""

    def tidy(self, before: int) -> None:
        """Remove what was answered and is older than a moment."""


class QueueAsked(msgspec.Struct, frozen=True, kw_only=True):
    """What of the queue is asked for; an empty field asks for all."""

    level: str = ""
    hazard: str = ""
    area_path: str = ""
    unit: str = ""  #: leads, or is waited for
    overdue: bool = False
    mine: bool = False  #: an order of it is addressed to the asker or the asker's post
    closed_since: int = 0  #: also what was closed since this moment; 0 = only live ones


class AlarmsAsked(msgspec.Struct, frozen=True, kw_only=True):
    """What of the alarms is asked for; an empty field asks for all that are on the list."""

    stages: tuple[str, ...] = ()
    level: str = ""
    hazard: str = ""
    area_path: str = ""
    since_before: int = 0  #: raised at or before this moment


class Questions(Protocol):
    """Read models. No question is asked without a scope."""

    def cases(
        self, scope: AccessScope, *, stage: str = "", unit: str = "", after: str = "", limit: int = 50
    ) -> tuple[list[StreamRow], str]:
        """Cases within the scope, newest first, and the cursor of the next page (empty at the end)."""

    def case(self, scope: AccessScope, id: str) -> StreamRow | None:
        """A case within the scope; None otherwise."""

    def gathered(
        self, scope: AccessScope, case: str, *, after: str = "", limit: int = 50
    ) -> tuple[list[StreamRow], str]:
        """Alarms that speak to a case within the scope, by key, and the next cursor; a storm has many."""

    def alarms(
        self, scope: AccessScope, asked: AlarmsAsked, *, after: str = "", limit: int = 50
    ) -> tuple[list[tuple[StreamRow, str]], str]:
        """Alarms within the scope, each with the stage of its case (empty where it has none), and the next
        cursor. In a constant number of statements, however many there are."""

    def orders(
        self,
        scope: AccessScope,
        *,
        person: str = "",
        post: str = "",
        unit: str = "",
        status: str = "",
        after: str = "",
        limit: int = 50,
    ) -> tuple[list[OrderRow], str]:
        """Orders within the scope, oldest first, and the next cursor."""

    def queue(
        self, scope: AccessScope, asked: QueueAsked, *, after: str = "", limit: int = 50
    ) -> tuple[list[StreamRow], str, int]:
        """Cases in the order of their turn, the next cursor, and how many live ones there are."""

    def cases_at(self, scope: AccessScope, assets: Sequence[str]) -> dict[str, list[str]]:
        """Asset → ids of its live cases within the scope."""

    def open_for_post(self, scope: AccessScope) -> tuple[list[StreamRow], list[OrderRow]]:
        """Cases that are not over in which the scope's post takes part or has a live order, oldest first,
        without bodies; and its live orders. At most 500 of each."""

    def scores(
        self, scope: AccessScope, *, unit: str = "", after: str = "", limit: int = 50
    ) -> tuple[list[StreamRow], str]:
        """Scored cases within the scope."""

    def rejected(
        self, scope: AccessScope, *, after: str = "", limit: int = 50
    ) -> tuple[list[RejectedRow], str]:
        """Rejected inputs; needs intake.read."""

    def dead_letters(
        self, scope: AccessScope, *, after: str = "", limit: int = 50
    ) -> tuple[list[DeadLetter], str]:
        """Dead letters; needs intake.read."""

    def counts(self) -> dict[str, int]:
        """Figures for health: cases by stage, orders, timers, outbox, rejected, dead."""


class Archive(Protocol):
    """The readings log and its compacted history as one."""

    def rows(self, numbers: Sequence[int], start: int, end: int) -> dict[str, Any]:
        """Readings of channels (by number) with start ≤ event time < end, by (number, event_time): equally
        long columns number, event_time, value, quality."""

    def extent(self) -> tuple[int | None, int | None]:
        """Event times of the oldest and the newest reading, microseconds; None where there is none."""

    def first(self, numbers: Sequence[int]) -> dict[int, int]:
        """Channel number → event time of its oldest reading, of those that have any."""

    def keep(
        self, now: int, kept: Mapping[DataKind, int], thin: tuple[int, int] | None = None
    ) -> tuple[int, dict[str, int]]:
        """Compact what is closed, thin readings that are old (`thin`: after how long, to which stretch), and
        remove what is overdue: files made; class → files removed."""

    def crowded(self) -> bool:
        """Whether so much is closed and not compacted that it should be done now."""


#: (event time, value in the quantity's canonical unit, quality bits).
Point = tuple[int, float, int]


class Bucket(NamedTuple):
    """Readings of one channel in one stretch of time, condensed for a chart."""

    at: int  #: its beginning, microseconds UTC, a multiple of its length
    readings: int  #: how many
    mean: float
    low: float
    high: float


class History(Protocol):
    """Readings of the past, for curves."""

    def buckets(self, channel: str, start: int, end: int, step: int) -> list[Bucket]:
        """Usable readings with start ≤ event time < end, condensed to stretches of `step` microseconds;
        stretches without a reading are left out, because silence is not a value."""

    def history(self, channels: Sequence[str], start: int, end: int, limit: int) -> dict[str, list[Point]]:
        """Channel → its readings with start ≤ event time < end, oldest first; of more than `limit` for
        one channel the newest. A channel that is unknown, or has none, has an empty list."""


#: A detail that begins so says who took a delivery: a person, a post or an extension, never a number.
BY = "by "


class Channel(Protocol):
    """A way to tell somebody.

    A channel may also have `system: str`, under whose name the receiver's address is looked up (`phone`
    where it says nothing), `lines: int`, how many deliveries it takes at the same time (1), `aside: bool`,
    a record beside the channels that reach people (false), and `close`, after which it waits for nobody.
    """

    name: str
    repeats: Repeats

    def send(self, row: OutboxRow, address: str) -> tuple[Outcome, bool, str]:
        """Try once: outcome, whether trying again may help, detail without personal data."""


@runtime_checkable
class Askable(Protocol):
    """A channel with `Repeats.CAN_BE_ASKED`."""

    def ask(self, row: OutboxRow) -> Outcome:
        """What has become of a delivery whose outcome is unknown; UNKNOWN where that cannot be learnt,
        FAILED where the other side never heard of it."""


class CallState(msgspec.Struct, frozen=True, kw_only=True):
    """What has become of a telephone call."""

    outcome: CallOutcome
    by: str = ""  #: who took it, as the gateway says: person, post or extension, never a number


class VoiceCall(Protocol):
    """A telephone exchange that rings people."""

    def ring(self, call: str, number: str, words: str, language: str) -> CallState:
        """Ring a number and speak the words; the same `call` never rings twice. Raises
        ConnectionRefusedError where the exchange was surely not reached, BadInput where it does not want
        the call, any other OSError where it may have heard."""

    def state(self, call: str) -> CallState | None:
        """What has become of a call; None where the exchange does not know it. Raises OSError."""


class AnchorPlace(Protocol):
    """A place that the operator does not control, where roots are left."""

    name: str

    def leave(self, anchor: Anchor) -> None:
        """Leave one anchor durably. Raises OSError or LiandongError where it cannot."""


class Errand(msgspec.Struct, frozen=True, kw_only=True):
    """What begins a sign-in at an identity provider; the browser brings the last three back."""

    url: str  #: where the browser goes
    state: str
    nonce: str
    verifier: str


class IdentityProvider(Protocol):
    """Somebody else who knows who a person is."""

    def begin(self, back: str) -> Errand:
        """Begin a sign-in that ends at the address `back`. Raises Busy where the provider does not answer."""

    def finish(self, query: Mapping[str, str], carried: Mapping[str, str], back: str) -> str:
        """The account's name, from the query of the way back and from what was carried. Raises
        Unauthenticated where the provider refused or its word does not hold, Busy where it is silent."""


class Keyring(Protocol):
    """Keys per subject, in a file of their own that no backup contains."""

    def key(self, subject: str, create: bool = False) -> bytes | None:
        """The subject's key; None where it was destroyed or never made."""

    def destroy(self, subject: str) -> bool:
        """Destroy a key for good; a destroyed subject never gets another. False where there was none."""


Job = Callable[[Changes], Any]
