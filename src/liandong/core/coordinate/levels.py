"""级别: what a worse level changes in a case that is already being worked on."""

from __future__ import annotations

from liandong.core.coordinate import reporting
from liandong.core.mechanism.draft import Draft
from liandong.core.mechanism.orders import inform, issue_next, working_lines
from liandong.core.values.case import LIVE
from liandong.core.values.case_events import CaseLevelChanged, StepsUndone
from liandong.core.values.lists import Action


def raise_level(draft: Draft, level: str, by: str) -> None:
    """The case is worse than it was: who holds an order is told, and the rows are asked again."""
    case = draft.case
    draft.add(CaseLevelChanged(case=case.id, before=case.level, after=level, by=by))
    for order in case.orders.values():
        if order.status in LIVE:
            draft.tell(order.id, order.person, "tell.level_raised", level=level, asset=case.asset)
    reporting.owe(draft)
    _review_again(draft)
    issue_next(draft)  # the rows of the new level may ask for somebody else first
    if draft.case.lead:
        inform(draft)  # whom only the new level names has not been told yet


def _review_again(draft: Draft) -> None:
    """A review that has passed does not speak for steps or lines that only the worse level asks for."""
    case = draft.case
    rows = draft.policy.routing.steps(case.hazard, case.level)
    at = next((row.order for row in rows if row.action == Action.REVIEW), 0)
    ahead = any(row.order < at and row.action not in case.done for row in rows)
    if Action.REVIEW in case.done and (ahead or working_lines(draft.policy, case, at)):
        draft.add(
            StepsUndone(case=case.id, undone=(Action.REVIEW,), why=Action.REVIEW, person="", at=draft.now)
        )
