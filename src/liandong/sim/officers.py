"""Simulated people: what each does with an order, and when, as a function of (seed, case, step, round).

Nothing is remembered between calls, so a killed demonstration goes on exactly where it was.
"""

from __future__ import annotations

from typing import Any

import msgspec

from liandong.core.values.case import LIVE, CaseState, Order, Report, ReportDraft
from liandong.core.values.document import Mechanism
from liandong.core.values.lists import Action, Cause, Participation
from liandong.core.values.times import MINUTE, SECOND
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
    Action.DISPOSAL_REPORT: (60, 300, 0.0),
    Action.DECIDE_DUTY: (4, 25, 0.1),
    Action.ANSWER_HELP: (2, 9, 0.1),
    Action.APPROVE: (3, 20, 0.1),
}
_OTHER = (5.0, 30.0, 0.0)  # steps that a mechanism names and this list does not
_SLOW = 6.0  # how much longer the slow ones take
#: People act on whole tens of seconds, so that many of them share a moment of the agenda.
_BEAT = 10 * SECOND
#: The chemical plant of August 2021: reached by message and telephone, found and solved in five minutes.
_FAST = {
    Action.JUDGE: (0.5, 0.9),
    Action.PUSH: (0.1, 0.2),
    Action.ACKNOWLEDGE: (0.2, 0.4),
    Action.ARRIVE: (0.5, 0.8),
    Action.CHECK: (0.4, 0.6),
    Action.HANDLE: (0.8, 1.2),
    Action.FEED_BACK: (0.2, 0.4),
}
_FAST_HAZARD = "toxic_gas"
#: Levels at which the lead is rung, not only told.
_GRAVE = ("II", "I")
_CENTRE_POST = "post:centre.duty"
_WORDS = {
    Action.JUDGE: "视频与相邻通道已核对",
    Action.ARRIVE: "已到现场，联系人王小明 000-5550143",
    Action.HANDLE: "已关阀通风并复测，住户李华 000-5550199 已告知",
    Action.FEED_BACK: "处置完毕，恢复正常",
    Action.REVIEW: "复核现场照片与读数",
    Action.CALL: "已电话叫应责任单位负责人，通报警情",
    Action.REPORT: "首报：时间、地点、级别见警情；责任单位已到场处置，无人员伤亡报告",
}


def _help(given: bool) -> dict[str, Any]:
    return {"passed": True} if given else {"passed": False, "reason": "own_emergency"}


class Intent(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody is going to do."""

    at: int
    case: str
    order: str
    action: Action
    body: dict[str, Any]
    key: str  #: idempotency key: the same intent is never done twice
    post: str = ""  #: who does it where it is no step of an order

    @property
    def rank(self) -> tuple[int, str, str]:
        """Order in which intents of one moment are done."""
        return (self.at, self.case, self.order or self.key)


class Officers:
    """Everybody at work in the demonstration."""

    def __init__(self, seed: int, story: tuple[Episode, ...], mechanism: Mechanism | None = None) -> None:
        self.seed = seed
        self._by_asset: dict[str, list[Episode]] = {}
        for episode in story:
            self._by_asset.setdefault(episode.asset, []).append(episode)
        self._pauses = mechanism.pauses if mechanism is not None else ()

    def intent(self, case: CaseState, order: Order) -> Intent | None:
        """The next thing that the holder of an order does; None where nothing is left to do."""
        left = [step for step in order.steps if step.action not in order.done]
        if order.status not in LIVE or not left:
            return None
        action = left[0].action
        done = case.done_of(order.line)
        before = [done[a] for a in order.done if a in done]
        base = max([order.issued, *before])
        if case.clocks and action in (Action.HANDLE, Action.FEED_BACK):
            base = max(
                [base, *(c.paused_at for c in case.clocks.values() if c.order == order.id and c.paused_at)]
            )
        return self._special(case, order, action, base) or self._plain(
            case, order, action, base, left[0].evidence
        )

    def beside(self, case: CaseState) -> list[Intent]:
        """What the centre does beside the steps of orders: it rings the lead, and reports upward."""
        owed = [report for report in case.reports.values() if report.sent is None and report.draft is None]
        found = [self._report(case, report) for report in owed]
        found += [self._sign(case, report, r) for report in case.reports.values() if (r := report.draft)]
        pushed = case.done.get(Action.PUSH)
        grave = case.hazard == _FAST_HAZARD or case.level in _GRAVE
        calls = 1 + (chance(self.seed, "answered", case.id) < 0.2)
        if pushed is not None and grave and not case.over and case.lead and case.calls < calls:
            body = {"to": case.lead, "answered": case.calls == calls - 1, "text": _WORDS[Action.CALL]}
            at = pushed + (case.calls + 1) * 20 * SECOND
            found.append(self._beside(case, Action.CALL, at, f"call:{case.calls}", body))
        return found

    def _sign(self, case: CaseState, report: Report, draft: ReportDraft) -> Intent:
        """签发, by the leader on duty."""
        minutes = between(1, 6, self.seed, "sign", case.id, report.row, draft.number)
        body = {"reason": report.row, "passed": True}
        at = draft.at + round(minutes * MINUTE)
        what = f"sign:{report.row}:{draft.number}"
        intent = self._beside(case, Action.SIGN, at, what, body)
        return msgspec.structs.replace(intent, post=draft.signer_post)

    def _report(self, case: CaseState, report: Report) -> Intent:
        minutes = between(20, 90, self.seed, "report", case.id, report.row)
        if chance(self.seed, "late report", case.id, report.row) < 0.1:
            minutes *= 2
        body = {"reason": report.row, "text": _WORDS[Action.REPORT]}
        at = report.started + round(minutes * MINUTE)
        return self._beside(case, Action.REPORT, at, f"report:{report.row}", body)

    def _beside(self, case: CaseState, action: Action, at: int, what: str, body: dict[str, Any]) -> Intent:
        return Intent(
            at=-(-at // _BEAT) * _BEAT, case=case.id, order="", action=action, body=body,
            key=f"{case.id}:{what}", post=_CENTRE_POST,
        )  # fmt: skip

    def _who(self, case: CaseState, action: Action, order: Order) -> tuple[str, str, int]:
        return (case.id, action.value, order.round)

    def _delay(self, case: CaseState, action: Action, order: Order) -> int:
        low, high, slow = _PACE.get(action, _OTHER)
        if case.hazard == _FAST_HAZARD and action in _FAST:
            (low, high), slow = _FAST[action], 0.0
        minutes = between(low, high, self.seed, "delay", *self._who(case, action, order))
        if chance(self.seed, "slow", *self._who(case, action, order)) < slow:
            minutes *= _SLOW
        return round(minutes * MINUTE)

    def _may_pause(self, case: CaseState, reason: str, action: Action) -> bool:
        return any(
            row.reason == reason and action in row.actions and row.flow in ("*", case.hazard)
            for row in self._pauses
        )

    def _make(self, case: CaseState, order: Order, action: Action, at: int, /, **body: Any) -> Intent:
        key = f"{order.id}:{action.value}:{len(order.done)}"
        at = -(-at // _BEAT) * _BEAT
        return Intent(at=at, case=case.id, order=order.id, action=action, body=body, key=key)

    def _special(self, case: CaseState, order: Order, action: Action, base: int) -> Intent | None:
        """What does not go by the book: wrong duty, handed to the deputy, a stopped clock."""
        if case.hazard == _FAST_HAZARD:
            return None
        who = self._who(case, action, order)
        first_lead = (
            order.role == "lead"
            and not order.line
            and not any(o.role == "lead" and o.round < order.round for o in case.orders.values())
        )
        asks = first_lead and not case.questions and chance(self.seed, "return", *who) < 0.12
        if action == Action.ACKNOWLEDGE and asks:
            at = base + round(between(3, 9, self.seed, "return at", *who) * MINUTE)
            return self._make(case, order, Action.RETURN, at, reason="not_our_duty", text="不属我单位职责")
        if action == Action.ARRIVE and order.deputy and first_lead and chance(self.seed, "over", *who) < 0.12:
            return self._make(case, order, Action.HAND_OVER, base + 2 * MINUTE, to=order.deputy)
        running = [c for c in case.clocks.values() if c.order == order.id and c.stopped is None]
        wants = action == Action.HANDLE and running and not any(c.paused_us or c.paused_at for c in running)
        reason = "road_closure"
        if wants and self._may_pause(case, reason, action) and chance(self.seed, "pause", *who) < 0.2:
            return self._make(case, order, Action.PAUSE, base + 4 * MINUTE, reason=reason)
        return None

    def _plain(self, case: CaseState, order: Order, action: Action, base: int, evidence: bool) -> Intent:
        body: dict[str, Any] = {}
        if words := _WORDS.get(action):
            body["text"] = words
        if evidence:
            body["evidence"] = [f"photo:{order.id}:{action.value}"]
        if order.line:
            body["order"] = order.id
        truth = self.truth(case, base)
        if action == Action.DECIDE_DUTY:
            body |= {"to": self._whose(case, order), "reason": "own_duty"}
        elif action == Action.ANSWER_HELP:
            body |= _help(chance(self.seed, "help", *self._who(case, action, order)) < 0.8)
        elif action in (Action.SELF_CORRECT, Action.PERSUADE):
            body["passed"] = chance(self.seed, "passed", *self._who(case, action, order)) < 0.6
        elif action == Action.JUDGE:
            # Biogas cannot be told from a leak at a desk; a rule that chatters can.
            body["verdict"] = "false" if truth == Cause.FALSE_RULE else "real"
        elif action == Action.REVIEW:
            again = sum(o.role == "verifier" for o in case.orders.values()) > 1
            body["passed"] = again or chance(self.seed, "review", *self._who(case, action, order)) >= 0.15
        elif action == Action.CLOSE:
            body["cause"] = truth.value
        return self._make(case, order, action, base + self._delay(case, action, order), **body)

    def _whose(self, case: CaseState, order: Order) -> str:
        """Mostly it was the unit's duty after all; else that of a unit which assists already."""
        asked = case.questions[order.line].unit
        others = [p.unit for p in case.participants if p.part == Participation.ASSIST and p.unit != asked]
        moved = chance(self.seed, "duty", case.id, order.line) < 0.3
        return others[0] if moved and others else asked

    def truth(self, case: CaseState, until: int) -> Cause:
        """What is found on site by a moment: the episode at the asset when the alarm came.

        Where several go on at one place, as at a fire panel, what is real is what counts.
        """
        here = [e for e in self._by_asset.get(case.asset, ()) if e.hazard == case.hazard]
        met = [e for e in here if e.begin <= until and e.end >= case.alarmed]
        if any(e.real for e in met):
            return Cause.REAL
        near = [e for e in here if e.begin <= case.alarmed]
        return near[-1].cause if near else Cause.NOT_REPRODUCIBLE
