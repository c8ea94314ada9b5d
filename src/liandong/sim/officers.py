"""Simulated people: what each does with an order, and when, as a function of (seed, case, step, round).

Nothing is remembered between calls, so a killed demonstration goes on exactly where it was.
"""

from __future__ import annotations

from typing import Any

import msgspec

from liandong.core.values.case import LIVE, CaseState, Order
from liandong.core.values.lists import Action, Cause
from liandong.core.values.times import MINUTE
from liandong.sim.chance import between, chance
from liandong.sim.device_story import Episode

#: Usual minutes from and to, and the share of officers who take much longer.
_PACE: dict[Action, tuple[float, float, float]] = {
    Action.JUDGE: (2, 12, 0.12),
    Action.PUSH: (0.5, 2, 0.0),
    Action.ACKNOWLEDGE: (0.5, 4, 0.2),
    Action.ARRIVE: (12, 50, 0.15),
    Action.CHECK: (3, 10, 0.0),
    Action.HANDLE: (15, 60, 0.15),
    Action.FEED_BACK: (3, 12, 0.1),
    Action.REVIEW: (20, 90, 0.0),
    Action.CLOSE: (3, 20, 0.0),
    Action.ARCHIVE: (5, 30, 0.0),
}
_SLOW = 6.0  # how much longer the slow ones take
_WORDS = {
    Action.JUDGE: "视频与相邻通道已核对",
    Action.ARRIVE: "已到现场，联系人王小明 000-5550143",
    Action.HANDLE: "已关阀通风并复测，住户李华 000-5550199 已告知",
    Action.FEED_BACK: "处置完毕，恢复正常",
    Action.REVIEW: "复核现场照片与读数",
}


class Intent(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody is going to do."""

    at: int
    case: str
    order: str
    action: Action
    body: dict[str, Any]
    key: str  #: idempotency key: the same intent is never done twice

    @property
    def rank(self) -> tuple[int, str, str]:
        """Order in which intents of one moment are done."""
        return (self.at, self.case, self.order)


class Officers:
    """Everybody at work in the demonstration."""

    def __init__(self, seed: int, story: tuple[Episode, ...]) -> None:
        self.seed = seed
        self.story = story

    def intent(self, case: CaseState, order: Order) -> Intent | None:
        """The next thing that the holder of an order does; None where nothing is left to do."""
        left = [step for step in order.steps if step.action not in order.done]
        if order.status not in LIVE or not left:
            return None
        action = left[0].action
        before = [case.done[a] for a in order.done if a in case.done]
        base = max([order.issued, *before])
        if case.clocks and action in (Action.HANDLE, Action.FEED_BACK):
            base = max(
                [base, *(c.paused_at for c in case.clocks.values() if c.order == order.id and c.paused_at)]
            )
        return self._special(case, order, action, base) or self._plain(
            case, order, action, base, left[0].evidence
        )

    def _who(self, case: CaseState, action: Action, order: Order) -> tuple[str, str, int]:
        return (case.id, action.value, order.round)

    def _delay(self, case: CaseState, action: Action, order: Order) -> int:
        low, high, slow = _PACE[action]
        minutes = between(low, high, self.seed, "delay", *self._who(case, action, order))
        if chance(self.seed, "slow", *self._who(case, action, order)) < slow:
            minutes *= _SLOW
        return round(minutes * MINUTE)

    def _make(self, case: CaseState, order: Order, action: Action, at: int, **body: Any) -> Intent:
        key = f"{order.id}:{action.value}:{len(order.done)}"
        return Intent(at=at, case=case.id, order=order.id, action=action, body=body, key=key)

    def _special(self, case: CaseState, order: Order, action: Action, base: int) -> Intent | None:
        """What does not go by the book: wrong duty, handed to the deputy, a stopped clock."""
        who = self._who(case, action, order)
        first_lead = order.role == "lead" and not any(
            o.role == "lead" and o.round < order.round for o in case.orders.values()
        )
        if action == Action.ACKNOWLEDGE and first_lead and chance(self.seed, "return", *who) < 0.12:
            at = base + round(between(3, 9, self.seed, "return at", *who) * MINUTE)
            return self._make(case, order, Action.RETURN, at, reason="not_our_duty", text="不属我单位职责")
        if action == Action.ARRIVE and order.deputy and first_lead and chance(self.seed, "over", *who) < 0.12:
            return self._make(case, order, Action.HAND_OVER, base + 2 * MINUTE, to=order.deputy)
        running = [c for c in case.clocks.values() if c.order == order.id and c.stopped is None]
        wants = action == Action.HANDLE and running and not any(c.paused_us or c.paused_at for c in running)
        if wants and chance(self.seed, "pause", *who) < 0.2:
            return self._make(case, order, Action.PAUSE, base + 4 * MINUTE, reason="road_closure")
        return None

    def _plain(self, case: CaseState, order: Order, action: Action, base: int, evidence: bool) -> Intent:
        body: dict[str, Any] = {}
        if words := _WORDS.get(action):
            body["text"] = words
        if evidence:
            body["evidence"] = [f"photo:{order.id}:{action.value}"]
        truth = self.truth(case)
        if action == Action.JUDGE:
            # Biogas cannot be told from a leak at a desk; a rule that chatters can.
            body["verdict"] = "false" if truth == Cause.FALSE_RULE else "real"
        elif action == Action.REVIEW:
            again = sum(o.role == "verifier" for o in case.orders.values()) > 1
            body["passed"] = again or chance(self.seed, "review", *self._who(case, action, order)) >= 0.15
        elif action == Action.CLOSE:
            body["cause"] = truth.value
        return self._make(case, order, action, base + self._delay(case, action, order), **body)

    def truth(self, case: CaseState) -> Cause:
        """What is found on site: the episode that was going on at the asset when the alarm came."""
        near = [e for e in self.story if e.asset == case.asset and e.begin <= case.alarmed]
        return near[-1].cause if near else Cause.NOT_REPRODUCIBLE
