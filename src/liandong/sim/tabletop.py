"""桌面推演: findings and simulated people against a mechanism, in virtual time, without doors or threads.

The same decisions as in a running city, by the same handler over a store of their own; what people do is a
function of (seed, case, step, round), so two mechanisms are tried by the same people.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from liandong.app.handle import Handler
from liandong.app.ports import Changes, Store
from liandong.core.values.case import LIVE, CaseState, VaultRef
from liandong.core.values.ids import act_id
from liandong.core.values.lists import Mode
from liandong.core.values.messages import Act, TimerFired
from liandong.core.values.times import HOUR
from liandong.sim.officers import Intent, Officers

_case = msgspec.json.Decoder(CaseState)
#: People work on so long after the last finding; what is open then counts as open.
AFTERMATH = 72 * HOUR
_FIRED_AT_ONCE = 500
#: Words of simulated people are not kept in a trial; that there were some is.
_WORDS = VaultRef("tabletop", "")


class Tabletop:
    """One trial: findings go in at their moments, timers fire, people act."""

    def __init__(self, handler: Handler, store: Store, officers: Officers, mode: Mode = Mode.REPLAY) -> None:
        self._handler, self._store, self._officers, self._mode = handler, store, officers, mode
        self._cases: dict[str, CaseState] = {}
        self._intents: dict[str, list[Intent]] = {}
        self.refused: dict[str, int] = {}  #: reason → acts that the mechanism did not allow

    def play(self, findings: Sequence[tuple[int, object, str]]) -> int:
        """Play messages as (moment, message, origin), in order; the moment at which all was done."""
        now = following = findings[0][0] if findings else 0
        place = 0
        last = (findings[-1][0] if findings else 0) + AFTERMATH
        while following <= last:
            now = following
            while place < len(findings) and findings[place][0] <= now:
                self._admit(findings[place][1], findings[place][2], now)
                place += 1
            self._fire(now)
            self._act(now)
            moments = [findings[place][0]] if place < len(findings) else []
            timer, intent = self._store.next_timer(), self._first()
            moments += [timer] if timer is not None else []
            moments += [intent.at] if intent is not None else []
            if not moments:
                break
            following = max(min(moments), now + 1)
        return now

    def _admit(self, message: object, origin: str, now: int) -> None:
        handler = self._handler
        handler.begin()
        answer = handler.admit(message, origin, now)
        if answer.status == "refused":
            self.refused[answer.key] = self.refused.get(answer.key, 0) + 1
        changes = handler.take()
        changes.outbox = []  # nobody is told of a trial
        self._store.commit(changes)
        self._look(changes)

    def _look(self, changes: Changes) -> None:
        """Who has something to do now, in the cases that moved."""
        for stream, row in changes.streams.items():
            if row.kind != "case" or row.body is None:
                continue
            case = _case.decode(row.body)
            found = [
                intent
                for order in case.orders.values()
                if order.status in LIVE and (intent := self._officers.intent(case, order)) is not None
            ]
            found += self._officers.beside(case)
            id = stream.partition(":")[2]
            self._cases[id], self._intents[id] = case, found

    def _fire(self, now: int) -> None:
        met: set[tuple[str, int]] = set()
        while True:
            due = [row for row in self._store.due_timers(now, _FIRED_AT_ONCE) if (row.id, row.due) not in met]
            if not due:
                return
            for row in due:
                met.add((row.id, row.due))
                self._admit(TimerFired(case=row.case, timer=row.id, due=row.due), "clock", now)

    def _first(self) -> Intent | None:
        every = (intent for intents in self._intents.values() for intent in intents)
        return min(every, key=lambda intent: intent.rank, default=None)

    def _act(self, now: int) -> None:
        while (intent := self._first()) is not None and intent.at <= now:
            before = self._cases[intent.case].version
            self._admit(self._message(intent, now), "tabletop", now)
            if self._cases[intent.case].version == before:
                # Not allowed: these people would try again for ever.
                self._intents[intent.case].remove(intent)

    def _message(self, intent: Intent, now: int) -> Act:
        case = self._cases[intent.case]
        order = case.orders.get(intent.order)
        post = order.post if order is not None else intent.post
        city = self._handler.policy.city
        duty = city.on_duty(post, now)
        person = duty.person if duty is not None else order.person if order is not None else ""
        fields = dict(intent.body)
        if "text" in fields:
            fields["text"] = _WORDS
        if "evidence" in fields:
            fields["evidence"] = tuple(fields["evidence"])
        made = act_id(city.key, self._mode, person, intent.case, f"{intent.key}:{case.version}")
        return Act(
            id=made, body_digest="", action=intent.action, case=intent.case, person=person, post=post,
            version=case.version, **fields,
        )  # fmt: skip
