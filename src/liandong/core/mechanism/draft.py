"""A decision being made: each event is applied to a copy, so that the next one sees it."""

from __future__ import annotations

from typing import Any

from liandong.core.mechanism.policy import Policy
from liandong.core.values.case import CaseState
from liandong.core.values.case_fold import evolve_case
from liandong.core.values.decision import Decision, Deliver, Param, because
from liandong.core.values.lists import Mode
from liandong.core.values.quiet import CALLS, VOICE


class Draft:
    """Collects events and effects over one case."""

    def __init__(self, policy: Policy, state: CaseState, now: int) -> None:
        self.policy = policy
        self.case = state
        self.now = now
        self._events: list[Any] = []
        self._effects: list[Deliver] = []

    @property
    def ids(self) -> tuple[str, Mode]:
        """What every id made here begins with."""
        return self.policy.city.key, self.case.mode

    def add(self, event: Any) -> None:
        """An event happens."""
        self._events.append(event)
        self.case = evolve_case(self.case, event)

    def tell(self, order: str, recipient: str, template: str, *, only: str = "", **params: Param) -> None:
        """Tell a person over every channel that the policy names, or over the one that a row asks for."""
        if not recipient:
            return
        channels = tuple(c for c in self.policy.channels if c != VOICE or template in CALLS)
        for channel in (only,) if only in self.policy.channels else channels:
            self._effects.append(
                Deliver(
                    order=order,
                    case=self.case.id,
                    recipient=recipient,
                    channel=channel,
                    template=template,
                    params=params,
                    hold_until=self.policy.city.held_until(
                        recipient, channel, self.case.level, template, self.now
                    ),
                )
            )

    def done(self, key: str, **params: Param) -> Decision:
        """The finished decision."""
        return Decision(tuple(self._events), tuple(self._effects), because(key, **params), after=self.case)
