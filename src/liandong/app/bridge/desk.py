"""The thread of the bridges: takes what is reported, tries again what waits, answers late, compares."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from liandong.app.bridge.documents import TheirOrder, read_orders
from liandong.app.bridge.inward import WAITING, Inward, Say
from liandong.app.bridge.link import Link
from liandong.app.bridge.outward import BridgeChannel, describe, load_case
from liandong.app.bridge.reconcile import REPAIRED, Difference, Ours, compare
from liandong.app.clock import perf
from liandong.app.handle import Handler
from liandong.app.logs import get_logger
from liandong.app.ports import Changes, OutboxRow, Store
from liandong.app.selfwatch import SOURCE, messages
from liandong.app.vault import Vault
from liandong.app.writer import Admit, Books, Writer
from liandong.core.values.case import LIVE
from liandong.core.values.city import Bridge
from liandong.core.values.errors import BadInput, Fatal, NotFound
from liandong.core.values.ids import make_id
from liandong.core.values.journal import EntryKind
from liandong.core.values.times import SECOND, format_time

log = get_logger("bridge")
_MOST = 500
_PAUSE_S = 0.02
#: Rule of a city that wants a finding while the two sides of a bridge differ.
BRIDGE_RULE = "self.bridge"


class Bridges:
    """Every bridge of the city whose other end the settings name."""

    def __init__(
        self,
        store: Store,
        handler: Handler,
        writer: Writer,
        vault: Vault,
        links: Mapping[str, Link],
        say: Say,
        *,
        public_url: str = "",
        poll_s: float = 2.0,
        reconcile_s: float = 600.0,
    ) -> None:
        self.store, self.handler, self.writer = store, handler, writer
        self.inward = Inward(store, handler, writer, vault, say)
        self.links = dict(links)
        #: Of several processes over one database only one polls, compares and answers late.
        self.leads: Callable[[], bool] = lambda: True
        self._words, self._public_url = say, public_url
        self._poll_s, self._every = poll_s, round(reconcile_s * SECOND)
        self._wake = threading.Condition()
        self._stopping = False
        self._touched: set[str] = set()
        self._look_at_all = True
        self._next_poll = 0.0
        self._compared: dict[str, int] = {}
        self._before: dict[str, list[Difference]] = {}
        self._failed: dict[str, str] = {}
        self._thread = threading.Thread(target=self._run, name="bridges", daemon=True)
        writer.listeners.append(self._committed)

    # What others use.

    def channels(self) -> list[BridgeChannel]:
        """A delivery channel for each link."""
        return [BridgeChannel(key, link, self._document) for key, link in self.links.items()]

    def row(self, key: str) -> Bridge:
        """The row of a bridge in force. Raises NotFound."""
        found = self.handler.policy.city.bridges.get(key)
        if found is None or not found.covers(self.writer.now):
            raise NotFound("bridge.unknown", bridge=key[:64])
        return found

    def document(self, key: str, order: str, change: str = "changed") -> dict[str, Any]:
        """One order of the bridge's unit as it is now. Raises NotFound, also for another unit's order."""
        bridge, found = self.row(key), self.store.order(order)
        made = None
        if found is not None and found.unit == bridge.unit:
            made = describe(self.store, self.handler.policy, found.case, order, change, self._public_url)
        if made is None:
            raise NotFound("bridge.order_unknown", order=order[:64])
        return made

    def open_orders(self, key: str) -> list[dict[str, Any]]:
        """Every live order of the bridge's unit."""
        return [self.document(key, row.id) for row in self._live(self.row(key))]

    def start(self) -> None:
        """Run until stopped; nothing runs where the city has no bridge."""
        if self.links:
            self._thread.start()

    def stop(self) -> None:
        """End after what is being done, and let go of the links."""
        with self._wake:
            self._stopping = True
            self._wake.notify_all()
        if self._thread.is_alive():
            self._thread.join(30)
        for link in self.links.values():
            link.close()

    def nudge(self) -> None:
        """Look again now."""
        with self._wake:
            self._look_at_all = True
            self._wake.notify_all()

    def status(self) -> list[dict[str, Any]]:
        """How each bridge stands: what waits, what was refused, when it was last compared, what differs."""
        return [self._status(bridge) for bridge in self.handler.policy.city.city.bridges]

    def _status(self, bridge: Bridge) -> dict[str, Any]:
        rows = self.store.bridge_events(bridge.key, WAITING)
        compared = self._compared.get(bridge.key)
        return {
            "bridge": bridge.key, "unit": bridge.unit, "system": bridge.system, "kind": bridge.kind,
            "linked": bridge.key in self.links, "waiting": len(rows),
            "error": self._failed.get(bridge.key, ""),
            "compared": format_time(compared) if compared else None,
            "differences": self._before.get(bridge.key, []),
        }  # fmt: skip

    # The thread's side.

    def _committed(self, changes: Changes) -> None:
        """Something that waits may go on where a case has moved or the policy has changed."""
        cases = {key.removeprefix("case:") for key in changes.streams if key.startswith("case:")}
        if cases or changes.datasets:
            with self._wake:
                self._touched |= cases
                self._look_at_all |= bool(changes.datasets)
                self._wake.notify_all()

    def _run(self) -> None:
        while True:
            with self._wake:
                if not self._touched and not self._look_at_all:
                    self._wake.wait(self._poll_s)
                if not self._stopping:
                    self._wake.wait(_PAUSE_S)  # a storm commits hundreds of times a second
                if self._stopping:
                    return
                touched, everything = self._touched, self._look_at_all
                self._touched, self._look_at_all = set(), False
            if not self.leads():
                continue
            poll = everything or perf() >= self._next_poll
            if poll:
                self._next_poll = perf() + self._poll_s
            for key, link in self.links.items():
                again = everything or key in self._failed
                if poll or again or touched:
                    self._turn_safely(key, link, None if again else touched, poll)

    def _turn_safely(self, key: str, link: Link, touched: set[str] | None, poll: bool) -> None:
        """One round; a folder that is away, or a full queue, is no reason to stop, and all is tried again."""
        try:
            self.turn(key, link, touched, poll)
            self._failed.pop(key, None)
        except Fatal:
            with self._wake:
                self._stopping = True
        except Exception as error:
            if self._failed.get(key) != type(error).__name__:
                log.error("bridge.turn_failed", error, source=key)
            self._failed[key] = type(error).__name__

    def turn(self, key: str, link: Link, touched: set[str] | None = None, poll: bool = True) -> None:
        """One round of one bridge; of what waits only that of these cases, or all."""
        try:
            bridge = self.row(key)
        except NotFound:
            return
        for incoming in link.poll() if poll else ():
            try:
                incoming.answered(self.inward.take(bridge, incoming.raw))
            except BadInput as error:
                incoming.refused(error.key, self._words(error.key, **error.params))
        self._retry(bridge, touched)
        self._answer_late(bridge, link)
        now = self.writer.now
        if poll and now >= self._compared.get(key, 0) + self._every:
            self._compared[key] = now
            theirs = link.orders()
            if theirs is not None:
                self.compare(bridge, list(theirs))

    def _retry(self, bridge: Bridge, touched: set[str] | None) -> None:
        """What waits, in the order in which it was received."""
        place = (0, "")
        while rows := self.store.bridge_events(bridge.key, WAITING, place, _MOST):
            for row in rows:
                if touched is None or not row.case or row.case in touched:
                    self.inward.retry(bridge, row)
            place = (rows[-1].moment, rows[-1].event)

    def _answer_late(self, bridge: Bridge, link: Link) -> None:
        """What was settled since the last answer; the place is kept, so that none is left out."""
        name = f"bridge.answered:{bridge.key}"
        moment, _, event = (self.store.meta(name) or "0 ").partition(" ")
        rows = self.inward.answers(bridge.key, (int(moment), event), _MOST)
        if not rows:
            return
        link.answer([self.inward.answer_of(row) for row in rows])
        place = f"{rows[-1].moment} {rows[-1].event}"

        def keep(changes: Changes) -> None:
            changes.meta[name] = place

        self.writer.submit(Books(keep)).result()

    # Comparing.

    def compare_sent(self, key: str, raw: bytes) -> list[Difference]:
        """Compare with a list that the other side has sent. Raises BadInput."""
        return self.compare(self.row(key), list(read_orders(raw)))

    def reconcile(self, key: str) -> list[Difference] | None:
        """Compare now; None where that system can only send its list itself. Raises NotFound, OSError."""
        bridge, link = self.row(key), self.links.get(key)
        theirs = link.orders() if link is not None else None
        return None if theirs is None else self.compare(bridge, list(theirs))

    def compare(self, bridge: Bridge, theirs: list[TheirOrder]) -> list[Difference]:
        """Compare, push what a push repairs, and journal what stays different at two looks in a row."""
        words = {word for word, meaning in bridge.statuses if meaning.strip() not in ("", "-")}
        found = compare(self._ours(bridge, theirs), theirs, words)
        twice = set(found) & set(self._before.get(bridge.key, ()))
        self._before[bridge.key], self._compared[bridge.key] = found, self.writer.now
        for one in found:
            if one.kind in REPAIRED:
                self._push_again(bridge, one)
        self._say(bridge, [one for one in found if one.kind not in REPAIRED], twice)
        return found

    def _ours(self, bridge: Bridge, theirs: list[TheirOrder]) -> dict[str, Ours]:
        waits = {row.order for row in self.store.bridge_events(bridge.key, WAITING)}
        rows = {row.id: row for row in self._live(bridge)}
        for one in theirs:
            known = None if one.order in rows else self.store.order(one.order)
            if known is not None and known.unit == bridge.unit:
                rows[known.id] = known
        found = {}
        for row in rows.values():
            state = load_case(self.store, row.case)
            order = state.orders.get(row.id) if state is not None else None
            found[row.id] = Ours(
                order=row.id, case=row.case, live=row.status in LIVE, waiting=row.id in waits,
                their_status=order.their_status if order is not None else "",
            )  # fmt: skip
        return found

    def _live(self, bridge: Bridge) -> list[Any]:
        posts = [post.key for post in self.handler.policy.city.city.posts if post.unit == bridge.unit]
        return [row for row in self.store.live_orders(posts) if row.unit == bridge.unit]

    def _push_again(self, bridge: Bridge, one: Difference) -> None:
        """The order as it is now, unless a push of it is still on its way."""
        known = self.store.order(one.order)
        if known is None:
            return
        waiting = [
            row for row, tries in self.store.deliveries(known.case)
            if row.order == one.order and row.channel == bridge.key and row.next_at
        ]  # fmt: skip
        if waiting:
            return
        now, policy = self.writer.now, self.handler.policy
        made = make_id("out", policy.city.key, policy.mode, one.order, bridge.key, "again", now)
        row = OutboxRow(
            id=made, order=one.order, case=known.case, recipient=known.person or known.post,
            channel=bridge.key, template="bridge.again", params={"system": bridge.system},
            mode=policy.mode, created=now, next_at=now,
        )  # fmt: skip

        def keep(changes: Changes) -> None:
            changes.outbox.append(row)
            self.handler.note(
                EntryKind.SYSTEM, "system", now, f"bridge.repaired.{one.kind.value}", bridge=bridge.key,
                order=one.order,
            )  # fmt: skip

        self.writer.submit(Books(keep)).result()

    def _said(self, bridge: str) -> dict[str, str]:
        """Order → how it differed when that was said."""
        kept: dict[str, str] = msgspec.json.decode(self.store.meta(f"bridge.differs:{bridge}") or "{}")
        return kept

    def _say(self, bridge: Bridge, found: list[Difference], twice: set[Difference]) -> None:
        """Into the journal, once each: what two looks in a row have found, and what agrees again. The duty
        centre has an open finding while anything differs, where the city has a rule for it."""
        before = self._said(bridge.key)
        still = {one.order: one.kind.value for one in found}
        new = [one for one in found if one in twice and before.get(one.order) != one.kind.value]
        gone = [order for order in before if order not in still]
        after = {order: kind for order, kind in before.items() if order not in gone}
        after |= {one.order: one.kind.value for one in new}
        now = self.writer.now

        def keep(changes: Changes) -> None:
            changes.meta[f"bridge.differs:{bridge.key}"] = msgspec.json.encode(after).decode()
            for one in new:
                self.handler.note(
                    EntryKind.SYSTEM, "system", now, f"bridge.differs.{one.kind.value}", bridge=bridge.key,
                    order=one.order, theirs=one.theirs or "-", ours=one.ours or "-",
                )  # fmt: skip
            for order in gone:
                self.handler.note(
                    EntryKind.SYSTEM, "system", now, "bridge.agrees", bridge=bridge.key, order=order
                )

        if after != before:
            self.writer.submit(Books(keep)).result()
        count = sum(len(self._said(key)) for key in self.handler.policy.city.bridges)
        for message in messages(self.handler.policy, self.store, BRIDGE_RULE, count > 0, float(count), now):
            self.writer.submit(Admit(message, SOURCE)).result()

    def _document(self, row: OutboxRow) -> dict[str, Any] | None:
        change = row.template.removeprefix("bridge.")
        return describe(self.store, self.handler.policy, row.case, row.order, change, self._public_url)
