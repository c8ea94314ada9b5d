"""A post's shift: what is open, what happened since it began, and how it is handed over."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

import msgspec

from liandong.app.handle import Answer, Handler
from liandong.app.live import may_know
from liandong.app.ports import Changes, Mark, OrderRow, Questions, Store, StreamRow, VaultRow
from liandong.app.vault import Vault
from liandong.app.writer import Admit, Writer
from liandong.core.values.access import AccessScope
from liandong.core.values.case import VaultRef
from liandong.core.values.city import Duty
from liandong.core.values.errors import BadInput, Forbidden, LiandongError
from liandong.core.values.ids import act_id
from liandong.core.values.journal import Entry, EntryKind, read_entry
from liandong.core.values.shift import HandedItem, HandOver, ShiftState, TakeOver
from liandong.core.values.times import HOUR

_state = msgspec.json.Decoder(ShiftState)
#: Where neither roster nor signature says when the shift began.
_USUAL = 12 * HOUR
#: Who comes early signs before the roster's hour; what happens between belongs to the new shift.
_EARLY = 2 * HOUR
_PAGE = 200


@dataclass(frozen=True, slots=True)
class LogLine:
    """One thing that happened, with the reason that the journal gives."""

    position: int
    stream: str
    entry: Entry


@dataclass(frozen=True, slots=True)
class ShiftNow:
    """The shift of a post at a moment."""

    post: str
    state: ShiftState
    now: int
    start: int
    end: int  #: 0 where the roster does not say
    before: Duty | None
    current: Duty | None
    after: Duty | None
    cases: Sequence[StreamRow]
    orders: Sequence[OrderRow]


class Shifts:
    """Asks and writes about the shift of the post that a scope acts as."""

    def __init__(
        self,
        store: Store,
        questions: Questions,
        handler: Handler,
        writer: Writer,
        vault: Vault,
        note: Callable[..., None],
    ) -> None:
        self._store, self._questions, self._handler = store, questions, handler
        self._writer, self._vault, self._note = writer, vault, note

    def now(self, scope: AccessScope) -> ShiftNow:
        """Everything but the log. Raises Forbidden for who acts as no post."""
        post = self._post(scope)
        state, now = self._state(post), self._writer.now
        before, current, after = self._handler.policy.city.duties_around(post, now)
        cases, orders = self._questions.open_for_post(scope)
        start = _start(state, current, now)
        return ShiftNow(
            post, state, now, start, current.end if current else 0, before, current, after, cases, orders
        )

    def log(
        self, scope: AccessScope, since: int, before: int = 0, limit: int = 50
    ) -> tuple[list[LogLine], int]:
        """What happened since a moment to the cases that the scope covers and to the shift itself, newest
        first, and the position to go on before (0 at the end). Made from the journal alone."""
        self._post(scope)
        found: list[LogLine] = []
        before = before or self._store.last_position() + 1
        while len(found) < limit:
            marks = self._store.marks(0, _PAGE, ("case", "shift"), before)
            for mark in self._known(scope, [m for m in marks if m.now >= since]):
                before = mark.position
                line = self._line(mark)
                if line is not None:
                    found.append(line)
                if len(found) == limit:
                    return found, before
            if len(marks) < _PAGE or marks[-1].now < since:
                return found, 0
            before = marks[-1].position
        return found, before

    def _known(self, scope: AccessScope, marks: Sequence[Mark]) -> list[Mark]:
        named = [(mark, *mark.stream.partition(":")[::2]) for mark in marks]
        facts = self._store.case_facts(sorted({id for _, kind, id in named if kind == "case"}))
        return [m for m, kind, id in named if may_know(scope, kind, id, facts.get(id), m.now)]

    def _line(self, mark: Mark) -> LogLine | None:
        """The entry, if it is one that somebody on shift would write down."""
        row = self._store.entries(mark.position - 1, 1)[0]
        entry = read_entry(row.body)
        telling = entry.kind == EntryKind.DECISION and entry.reason is not None
        return LogLine(mark.position, mark.stream, entry) if telling and entry.events else None

    # Signing.

    def hand_over(
        self, scope: AccessScope, version: int, items: Sequence[tuple[str, str]], remark: str, key: str
    ) -> Future[Answer]:
        """Sign as the one who goes; `items` are pairs (case, words about it)."""
        post = self._post(scope)
        cases, _ = self._questions.open_for_post(scope)
        open_ = tuple(row.stream.removeprefix("case:") for row in cases)
        rows: list[VaultRow] = []
        handed = tuple(
            # Of a case that is not open the hand-over is refused, so its words need no place.
            HandedItem(case=case, remark=self._seal(f"case:{case}", words if case in open_ else "", rows))
            for case, words in items
        )
        message = HandOver(
            id=self._id(scope, key), post=post, person=scope.person, version=version,
            open=open_, items=handed,
            remark=self._seal(f"person:{scope.person}", remark, rows),
        )  # fmt: skip
        return self._admit(message, scope, rows)

    def take_over(
        self, scope: AccessScope, version: int, confirmed: Sequence[str], remark: str, key: str
    ) -> Future[Answer]:
        """Sign as the one who comes, having seen every item."""
        rows: list[VaultRow] = []
        message = TakeOver(
            id=self._id(scope, key), post=self._post(scope), person=scope.person, version=version,
            confirmed=tuple(confirmed), remark=self._seal(f"person:{scope.person}", remark, rows),
        )  # fmt: skip
        return self._admit(message, scope, rows)

    def words(self, ref: VaultRef | None) -> str | None:
        """A remark; None where there is none, or where it was erased."""
        row = self._store.vault_row(ref.id) if ref else None
        if row is None or ref is None:
            return None
        try:
            return self._vault.open(row, ref).decode("utf-8", "replace")
        except LiandongError:
            return None

    def _admit(
        self, message: HandOver | TakeOver, scope: AccessScope, rows: list[VaultRow]
    ) -> Future[Answer]:
        def keep(changes: Changes) -> None:
            changes.vault += rows

        return self._writer.submit(Admit(message, scope.person, extra=keep))

    def _seal(self, subject: str, words: str, rows: list[VaultRow]) -> VaultRef | None:
        if not words:
            return None
        ref, row = self._vault.seal(subject, words)
        rows.append(row)
        return ref

    def _id(self, scope: AccessScope, key: str) -> str:
        if not key or len(key) > 200:
            raise BadInput("act.no_key")
        policy = self._handler.policy
        return act_id(policy.city.key, policy.mode, scope.person, f"shift:{scope.post}", key)

    def _state(self, post: str) -> ShiftState:
        row = self._store.load([f"shift:{post}"]).get(f"shift:{post}")
        return ShiftState() if row is None or row.body is None else _state.decode(row.body)

    def _post(self, scope: AccessScope) -> str:
        if not scope.post or not scope.person:
            self._note(scope, "access.no_shift")
            raise Forbidden("shift.no_post")
        return scope.post


def _start(state: ShiftState, current: Duty | None, now: int) -> int:
    """When the shift of this moment began: by the roster, or by the signature that came shortly before."""
    if current is None:
        return state.since or now - _USUAL
    early = current.start - _EARLY <= state.since < current.start
    return state.since if early and state.holder in (current.person, current.deputy) else current.start
