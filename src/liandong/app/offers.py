"""What a person may do to a case now, found by asking the very functions that decide.

Each act is tried, in thought, on the case as it is: what is refused for want of a field is tried again
with one, so that an offer is made exactly where the act would be done. Nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from liandong.core.mechanism.policy import Policy
from liandong.core.route import DECIDE, owner_of
from liandong.core.values.access import Session
from liandong.core.values.case import LIVE, CaseState, VaultRef
from liandong.core.values.decision import Decision
from liandong.core.values.lists import Action, Cause, Verdict
from liandong.core.values.messages import Act
from liandong.core.values.scales import CASE_LEVELS

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
}


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
    order = case.order_for(action)
    taken = {one.name for one in trial.needed}
    free = tuple(
        OfferedField(name, False, trial.choices(name))
        for name in _OPTIONAL.get(action, ("text", "evidence"))
        if name not in taken
    )
    return Offer(action, order.id if order else "", (*trial.needed, *free))


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
            if not options and name in _CHOSEN:
                return False
            self.needed.append(OfferedField(name, True, options))
            self._act = self._with(name, options[0] if options else "")
        return False

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
            return dict.fromkeys(row.reason for row in routing.mechanism.pauses)
        if self.action == Action.PUSH:
            return city.units
        if self.action == Action.HAND_OVER:
            posts = {order.post for order in self.case.orders.values() if order.status in LIVE}
            people = dict.fromkeys(h.person for h in city.city.holdings if h.post in posts)
            return [person for person in people if any(city.holds(person, post, self.now) for post in posts)]
        return ()

    def _would(self, name: str, value: str) -> bool:
        return not self._decide(self._with(name, value)).refused

    def _with(self, name: str, value: str) -> Act:
        """The act with one more field filled in."""
        given: Any = {
            "passed": True, "answered": True, "text": _WORDS, "evidence": _REFERENCE, "number": _WORDS
        }.get(name, value)  # fmt: skip
        return msgspec.structs.replace(self._act, **{name: given})

    def _missing(self, decision: Decision) -> str:
        """The field for want of which it was refused; empty where it was refused for something else."""
        key, params = decision.reason.key, decision.reason.params
        if key == "act.missing_field":
            name = str(params["field"])
            return "number" if (self.action, name) == (Action.CALL, "to") else name
        if key == "close.missing":
            return "cause" if "cause" in str(params["missing"]) else ""
        return {"act.pause_not_allowed": "reason", "act.bad_recipient": "to"}.get(key, "")

    def _decide(self, act: Act) -> Decision:
        step = owner_of(act)
        assert step is not None
        return DECIDE[step](self.policy, self.case, act, self.now)
