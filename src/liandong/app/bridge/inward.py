"""What a receiver's own system reports becomes acts through the front door, each once.

An event is stored before it is answered. What cannot be done yet (an unknown order, an unknown word, a step
before its turn) is parked and tried again when that may have changed; what the rows refuse is answered with
the reason. Only orders of the bridge's own unit can be spoken of.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import msgspec

from liandong.app.bridge.documents import Answer, EventIn, read_event
from liandong.app.bridge.outward import load_case
from liandong.app.handle import Answer as Decided
from liandong.app.handle import Handler
from liandong.app.ports import BridgeEventRow, Changes, Store, VaultRow
from liandong.app.vault import Vault
from liandong.app.writer import Admit, Books, Writer
from liandong.core.mechanism.bridges import Meant, Readiness, acting, actions_of, meaning_of, readiness
from liandong.core.values.canonical import canonical_bytes, sha256
from liandong.core.values.case import VaultRef
from liandong.core.values.city import Bridge
from liandong.core.values.decision import Param
from liandong.core.values.errors import BadInput, Broken, Conflict, LiandongError, NotFound
from liandong.core.values.ids import act_id
from liandong.core.values.lists import Action, HeardState
from liandong.core.values.messages import OrderReported
from liandong.core.values.times import format_time

WAITING = (HeardState.TAKEN, HeardState.PARKED)
SETTLED = (HeardState.DONE, HeardState.REFUSED)
replace = msgspec.structs.replace
Say = Callable[..., str]


class Inward:
    """The door of receivers' own systems. `say(key, **params)` puts a reason into words."""

    def __init__(self, store: Store, handler: Handler, writer: Writer, vault: Vault, say: Say) -> None:
        self._store, self._handler, self._writer = store, handler, writer
        self._vault, self._say = vault, say
        self._lock = threading.Lock()

    def take(self, bridge: Bridge, raw: bytes) -> Answer:
        """Keep one event durably and do what it says. Raises BadInput where it cannot be read at all.

        The same event again gets the answer it has by now; other content under its id is refused.
        """
        event = read_event(raw)
        with self._lock:
            row = self._store.bridge_event(bridge.key, event.event)
            if row is not None and self._digest(row, event) != row.digest:
                key = "bridge.event_changed"
                return self._answer(replace(row, state=HeardState.REFUSED, key=key, params={}))
            if row is None:
                row = self._keep(bridge, event, raw)
            return self._answer(row if row.state in SETTLED else self._attempt(bridge, row, event))

    def retry(self, bridge: Bridge, row: BridgeEventRow) -> BridgeEventRow:
        """Try again what waits; a destroyed key ends it."""
        with self._lock:
            current = self._store.bridge_event(bridge.key, row.event) or row
            if current.state in SETTLED:
                return current
            try:
                event = read_event(self._opened(current))
            except NotFound as error:
                return self._settle(current, HeardState.REFUSED, error.key, {})
            return self._attempt(bridge, current, event)

    def answers(self, bridge: str, after: tuple[int, str], limit: int = 500) -> list[BridgeEventRow]:
        """What was settled after a place, oldest first, but for the moment that is not over yet: more may
        be settled in it, and a reader that keeps its place would miss that."""
        rows = self._store.bridge_events(bridge, SETTLED, after, limit)
        return [row for row in rows if row.moment < self._writer.now]

    def answer_of(self, row: BridgeEventRow) -> Answer:
        """A stored outcome in the words of the bridge."""
        return self._answer(row)

    # Keeping.

    def _keep(self, bridge: Bridge, event: EventIn, raw: bytes) -> BridgeEventRow:
        now = self._writer.now
        order, case = self._order_of(bridge, event.order, event.number)
        subject = f"rejected:{bridge.key}:{format_time(now)[:10]}"
        try:
            ref, sealed = self._vault.seal(f"case:{case}" if case else subject, raw)
            subject = f"case:{case}" if case else subject
        except Conflict:  # the case's words were destroyed: none are added to them
            ref, sealed = self._vault.seal(subject, raw)
        digest = self._vault.blind(subject, sha256(canonical_bytes(event)))
        row = BridgeEventRow(
            bridge=bridge.key, event=event.event, digest=digest, state=HeardState.TAKEN, order=order,
            case=case, number=event.number, status=event.status, their_at=event.moment, received=now,
            moment=now, vault=f"{ref.id}:{ref.digest}",
        )  # fmt: skip
        self._put(row, sealed)
        return row

    def _put(self, row: BridgeEventRow, sealed: VaultRow | None = None) -> None:
        def keep(changes: Changes) -> None:
            moment = self._writer.now if row.state in SETTLED else row.moment
            changes.bridge_events[row.bridge, row.event] = replace(row, moment=moment)
            if sealed is not None:
                changes.vault.append(sealed)

        self._writer.submit(Books(keep)).result()

    def _digest(self, row: BridgeEventRow, event: EventIn) -> str:
        """What the digest would be of this content, under the key of the stored one."""
        kept = self._store.vault_row(row.vault.partition(":")[0])
        try:
            return (
                self._vault.blind(kept.subject, sha256(canonical_bytes(event)))
                if kept is not None
                else row.digest
            )
        except LiandongError:  # the key was destroyed: what was said can no longer be compared
            return row.digest

    def _opened(self, row: BridgeEventRow) -> bytes:
        id, _, digest = row.vault.partition(":")
        sealed = self._store.vault_row(id)
        if sealed is None:
            raise NotFound("vault.erased")
        return self._vault.open(sealed, VaultRef(id, digest))

    def _order_of(self, bridge: Bridge, order: str, number: str) -> tuple[str, str]:
        """(order, case) of our number, else of theirs; (order, "") where we know no such order yet."""
        if not order and number:
            return self._store.bridge_order(bridge.key, number)
        found = self._store.order(order) if order else None
        return (order, found.case) if found is not None else (order[:128], "")

    # Doing.

    def _attempt(self, bridge: Bridge, row: BridgeEventRow, event: EventIn) -> BridgeEventRow:
        """As `_try`; what can never be written is refused, so that it does not come again for ever."""
        try:
            return self._try(bridge, row, event)
        except (Broken, Conflict) as error:
            return self._settle(row, HeardState.REFUSED, error.key, error.params)

    def _try(self, bridge: Bridge, row: BridgeEventRow, event: EventIn) -> BridgeEventRow:
        """Do what the event says as far as it can be done now."""
        order, case = self._order_of(bridge, row.order or event.order, event.number)
        row = replace(row, order=order, case=case)
        known = self._store.order(order) if case else None
        if known is None:
            return self._settle(row, HeardState.PARKED, "bridge.order_unknown", {"order": order or "-"})
        if known.unit != bridge.unit:
            return self._settle(
                row, HeardState.REFUSED, "bridge.not_your_order", {"order": order, "unit": bridge.unit}
            )
        meaning = meaning_of(bridge, event.status) if event.status else "-"
        if meaning is None:
            return self._settle(row, HeardState.PARKED, "bridge.status_unknown", {"status": event.status})
        meant = actions_of(meaning) or ((Meant(Action.NOTE),) if event.words or event.evidence else ())
        for part, one in enumerate(meant or (None,)):
            row, answer = self._one(bridge, row, event, meaning, part, one, last=part >= len(meant) - 1)
            if answer is None:
                return row
        assert answer is not None
        return self._settle(row, HeardState.DONE, answer.key, answer.params)

    def _one(
        self, bridge: Bridge, row: BridgeEventRow, event: EventIn, meaning: str, part: int,
        meant: Meant | None, last: bool,
    ) -> tuple[BridgeEventRow, Decided | None]:  # fmt: skip
        """One action of the event; no answer where it had to be parked or was refused."""
        policy = self._handler.policy
        state = load_case(self._store, row.case)
        message, sealed = self._message(bridge, row, event, meaning, part, meant, last)
        if state is not None and meant is not None and row.order in state.orders:
            act = acting(policy, state, message, self._writer.now)
            ready = readiness(policy, state, state.orders[row.order], act, self._writer.now)
            if ready == Readiness.EARLY:
                return self._park_early(row, meant), None

        def keep(changes: Changes) -> None:
            changes.vault += sealed

        answer: Decided = self._writer.submit(Admit(message, bridge.key, extra=keep)).result()
        if answer.status == "refused" and answer.key == "bridge.too_early":
            assert meant is not None
            return self._park_early(replace(row, tries=row.tries + 1), meant), None
        if answer.status == "refused":
            return self._settle(row, HeardState.REFUSED, answer.key, answer.params), None
        return row, answer

    def _park_early(self, row: BridgeEventRow, meant: Meant) -> BridgeEventRow:
        return self._settle(row, HeardState.PARKED, "bridge.step_missing", {"action": meant.action.value})

    def _settle(
        self, row: BridgeEventRow, state: HeardState, key: str, params: dict[str, Param]
    ) -> BridgeEventRow:
        after = replace(row, state=state, key=key, params=params)
        if after != self._store.bridge_event(row.bridge, row.event):
            self._put(after)
        return after

    def _message(
        self, bridge: Bridge, row: BridgeEventRow, event: EventIn, meaning: str, part: int,
        meant: Meant | None, last: bool,
    ) -> tuple[OrderReported, list[VaultRow]]:  # fmt: skip
        policy, subject = self._handler.policy, f"case:{row.case}"
        rows: list[VaultRow] = []

        def seal(words: str | bytes) -> VaultRef | None:
            if not words:
                return None
            ref, sealed = self._vault.seal(subject, words)
            rows.append(sealed)
            return ref

        files = [ref for data in event.files() if (ref := seal(data)) is not None]
        given = (meant.given if meant else {}) | {
            name: value
            for name in ("reason", "cause", "verdict", "passed")
            if (value := getattr(event, name)) not in ("", None)
        }
        made = OrderReported(
            id=act_id(
                policy.city.key, policy.mode, bridge.key, row.case, f"{row.event}#{part}#{row.tries}"
            ),
            body_digest=sha256(canonical_bytes([row.digest, part])),
            action=meant.action if meant else Action.NOTE, case=row.case,
            person=dict(bridge.users).get(event.user, ""), post="", version=0, device_at=row.their_at,
            text=seal(event.words) if last else None,
            evidence=tuple(f"{ref.id}:{ref.digest}" for ref in files),
            bridge=bridge.key, unit=bridge.unit, order=row.order, event=row.event, part=part,
            theirs=event.number, status=event.status, meaning=meaning, plain=meant is None,
            user=seal(event.user), **given,
        )  # fmt: skip
        return made, rows

    def _answer(self, row: BridgeEventRow) -> Answer:
        return Answer(
            event=row.event, outcome=row.state, order=row.order, number=row.number, key=row.key,
            params=row.params, text=self._say(row.key, **row.params) if row.key else "",
            at=format_time(row.moment),
        )  # fmt: skip


def unreadable(error: BadInput, say: Say) -> dict[str, Any]:
    """The answer to what cannot even be read."""
    return {
        "outcome": HeardState.REFUSED, "key": error.key, "params": error.params,
        "text": say(error.key, **error.params),
    }  # fmt: skip
