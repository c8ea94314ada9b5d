"""What a person may do to a case now, found by asking the very functions that decide.

Each act is tried, in thought, on the case as it is: what is refused for want of a field is tried again
with one, so that an offer is made exactly where the act would be done. Nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from liandong.core.mechanism.authority import step_order
from liandong.core.mechanism.policy import Policy
from liandong.core.route import DECIDE, owner_of
from liandong.core.values.access import Session
from liandong.core.values.case import LIVE, CaseState, VaultRef
from liandong.core.values.decision import Decision
from liandong.core.values.lists import Action, Cause, Ground, HelpGround, Verdict
from liandong.core.values.messages import Act
from liandong.core.values.scales import CASE_LEVELS
from liandong.core.values.times import MINUTE

_WORDS = VaultRef("offer", "")
_REFERENCE = ("offer",)
#: Rounds of asking for one more field; no act needs as many.
_ROUNDS = 5
#: Fields whose values come from rows and lists; without any, the act cannot be done.
_CHOSEN = ("cause", "reason", "to")
#: What an act may bear though nothing asks for it.
_OPTIONAL: Mapping[Action, tuple[str, ...]] = {
    Action.JUDGE: ("level", "text"),
    Action.PUSH: ("to", "text"),
    Action.NOTE: ("text", "evidence"),
    Action.CALL: ("number", "rung_at", "text"),
    Action.REPORT: ("reason", "kind", "to"),
    Action.ANSWER_HELP: ("reason", "text"),
    Action.SPLIT: ("to", "findings", "text"),
    Action.HAND_OVER: ("persons", "text"),
}
#: Grounds that an act may name; a mechanism may know others, which are sent without being offered.
_GROUNDS: Mapping[Action, tuple[str, ...]] = {
    Action.RETURN: (Ground.NOT_OUR_DUTY, Ground.WRONG_PLACE, Ground.BEYOND_MEANS),
    Action.DECIDE_DUTY: (Ground.OWN_DUTY, Ground.WRONG_PLACE),
    Action.EXTEND: (Ground.NEEDS_TIME, Ground.NEEDS_MATERIAL, Ground.NEEDS_DECISION),
    Action.DEFER: (Ground.NEEDS_MATERIAL, Ground.NEEDS_DECISION, Ground.NEEDS_TIME),
    Action.MERGE: (Ground.SAME_EVENT,),
    Action.SPLIT: (Ground.SEVERAL_MATTERS,),
    Action.TAKE_OVER: (Ground.NOT_ANSWERED, Ground.GRAVE),
    Action.SUPERVISE: (Ground.NOT_ANSWERED, Ground.GRAVE),
    Action.CANCEL: (Ground.NO_LONGER_NEEDED, Ground.MISTAKEN),
    Action.UNDO: (Ground.MISTAKEN,),
    Action.ASK_HELP: (Ground.BEYOND_MEANS, Ground.NEEDS_MATERIAL),
    Action.REFUSE: (Ground.NOT_JUSTIFIED,),
    Action.ANSWER_HELP: tuple(HelpGround),
}
#: Acts whose `to` is a unit.
_TO_UNITS = (Action.PUSH, Action.DECIDE_DUTY, Action.ASK_HELP, Action.SPLIT)


@dataclass(frozen=True)
class OfferedField:
    """One thing that the act takes; without `options` it is free."""

    name: str
    required: bool
    options: tuple[str, ...] = ()


@dataclass(frozen=True)
class Offer:
    """An act that would be done, and the order that it is a step of, where it is one."""

    action: Action
    order: str
    fields: tuple[OfferedField, ...] = ()


def offers(policy: Policy, case: CaseState, session: Session, now: int) -> list[Offer]:
    """The acts that this person, as this post, could do to this version of the case."""
    found = (_offer(policy, case, session, now, action) for action in Action)
    return [offer for offer in found if offer is not None]


def _offer(policy: Policy, case: CaseState, session: Session, now: int, action: Action) -> Offer | None:
    trial = _Trial(policy, case, session, now, action)
    if not trial.accepted():
        return None
    order = trial.order()
    taken = {one.name for one in trial.needed}
    free = tuple(
        OfferedField(name, False, trial.choices(name))
        for name in _OPTIONAL.get(action, ("text", "evidence"))
        if name not in taken
    )
    return Offer(action, order, (*trial.needed, *free))


class _Trial:
    """One act being tried."""

    def __init__(self, policy: Policy, case: CaseState, session: Session, now: int, action: Action) -> None:
        self.policy, self.case, self.now, self.action = policy, case, now, action
        self.needed: list[OfferedField] = []
        self._act = Act(
            id="", body_digest="", action=action, case=case.id, person=session.person, post=session.post,
            version=case.version,
        )  # fmt: skip

    def accepted(self) -> bool:
        """Whether the act would be done; `needed` says with which fields."""
        for _ in range(_ROUNDS):
            decision = self._decide(self._act)
            if not decision.refused:
                return True
            name = self._missing(decision)
            if not name or name in {known.name for known in self.needed}:
                return False
            options = self.choices(name)
            if not options and name in _CHOSEN and self.action != Action.MERGE:
                return False  # only which case to merge into is free: it is not this case that knows
            self.needed.append(OfferedField(name, True, options))
            self._act = self._with(name, options[0] if options else "offer")
        return False

    def order(self) -> str:
        """The order of which the act would be the next step; empty where it is none."""
        found = step_order(self.policy, self.case, self._act, self.now)
        return "" if isinstance(found, Decision) else found.id

    def choices(self, name: str) -> tuple[str, ...]:
        """What the field may be, where that is a list; of choices only those that would be accepted."""
        if name == "verdict":
            return tuple(verdict.value for verdict in Verdict)
        if name == "level":
            return tuple(CASE_LEVELS)
        if name in ("passed", "answered"):
            return ("true", "false")
        if name == "kind":
            return ("first", "next", "final", "correction")
        if name in _CHOSEN:
            return tuple(value for value in self._candidates(name) if self._would(name, value))
        return ()

    def _candidates(self, name: str) -> Iterable[str]:
        if name == "cause":
            return [cause.value for cause in Cause]
        routing, city = self.policy.routing, self.policy.city
        if name == "reason":
            if self.action == Action.REPORT:
                return self.case.reports
            pauses = dict.fromkeys(row.reason for row in routing.mechanism.pauses)
            return pauses if self.action == Action.PAUSE else _GROUNDS.get(self.action, ())
        if self.action in _TO_UNITS:
            return city.units
        if self.action == Action.HAND_OVER:
            posts = {order.post for order in self.case.orders.values() if order.status in LIVE}
            people = dict.fromkeys(h.person for h in city.city.holdings if h.post in posts)
            here = [person for person in people if any(city.holds(person, post, self.now) for post in posts)]
            rows = routing.transfers(self.case.hazard, self.case.level, self.action)
            return [*here, *(city.units if rows else ())]
        return ()

    def _would(self, name: str, value: str) -> bool:
        """Whether it would be done with this value, or what is still missing then is something else."""
        decision = self._decide(self._with(name, value))
        return not decision.refused or self._missing(decision) not in ("", name)

    def _with(self, name: str, value: str) -> Act:
        """The act with one more field filled in."""
        given: Any = {
            "passed": True, "answered": True, "text": _WORDS, "evidence": _REFERENCE, "number": _WORDS,
        }.get(name, value)  # fmt: skip
        if name == "until":
            given = self._soon()
        return msgspec.structs.replace(self._act, **{name: given})

    def _soon(self) -> int:
        """A moment just after a running clock is due, and after now: the first that would be accepted."""
        running = [clock.due for clock in self.case.clocks.values() if clock.stopped is None]
        moments = sorted({max(self.now, due) + MINUTE for due in (self.now, *running)})
        for moment in moments:
            decision = self._decide(msgspec.structs.replace(self._act, until=moment))
            if not decision.refused or self._missing(decision) not in ("", "until"):
                return moment
        return moments[0]

    def _missing(self, decision: Decision) -> str:
        """The field for want of which it was refused; empty where it was refused for something else."""
        key, params = decision.reason.key, decision.reason.params
        if key == "act.missing_field":
            name = str(params["field"])
            return "number" if (self.action, name) == (Action.CALL, "to") else name
        if key == "close.missing":
            return "cause" if "cause" in str(params["missing"]) else ""
        found = {"act.pause_not_allowed": "reason", "act.bad_recipient": "to", "extend.nothing": "until"}
        return found.get(key, "")

    def _decide(self, act: Act) -> Decision:
        step = owner_of(act)
        assert step is not None
        return DECIDE[step](self.policy, self.case, act, self.now)
