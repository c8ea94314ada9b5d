"""抖动: an alarm that comes and goes too often stays one alarm until it has been calm for a while.

From how many raises within what time is a term of the policy. Raises are counted in event time, calm in time
that was admitted, so that it ends without any message.
"""

from __future__ import annotations

from typing import Any

from liandong.core.mechanism.policy import Policy
from liandong.core.values.alarm import AlarmState, AlertChattered
from liandong.core.values.alarm_terms import AlarmTerms
from liandong.core.values.case import Timer
from liandong.core.values.decision import Decision, because, nothing
from liandong.core.values.ids import make_id
from liandong.core.values.risk import RiskAssessed
from liandong.core.values.times import SECOND
from liandong.core.warn.telling import changed, cleared

#: Clock of the timer that ends a chatter.
CLOCK = "calm"


def chatters(terms: AlarmTerms, raises: tuple[int, ...]) -> bool:
    """Whether the newest raises lie close enough together to be chatter."""
    newest = raises[-terms.chatter_count :]
    within = round(terms.chatter_within_s * SECOND)
    return len(newest) == terms.chatter_count and max(newest) - min(newest) <= within


def goes_on(policy: Policy, state: AlarmState, risk: RiskAssessed) -> bool:
    """Whether a change of an active alarm is a matter of chatter: it comes back, or goes once more."""
    return state.gone or (not risk.level and chatters(policy.alarm_terms, state.raises))


def decide(policy: Policy, state: AlarmState, risk: RiskAssessed, now: int) -> Decision:
    """It went, which is not said yet; or it came back, which is said only where its level is another."""
    if not risk.level:
        if state.gone:
            return nothing("warn.nothing_new", change=risk.change)
        count = state.chatter or policy.alarm_terms.chatter_count
        due = now + round(policy.alarm_terms.calm_s * SECOND)
        name = f"alarm:{state.grouping}"
        made = make_id("tmr", policy.city.key, policy.mode, name, CLOCK, due, state.version)
        calm_at = Timer(id=made, clock=CLOCK, moment="due", due=due)
        went = AlertChattered(grouping=state.grouping, raised=False, count=count, timers=(calm_at,))
        return Decision((went,), (), because("warn.chattering", count=count))
    if risk.detail is not None and risk.detail.shadow:
        return nothing("warn.shadow", rule=risk.detail.rule)
    count = state.chatter + 1
    events: list[Any] = [
        AlertChattered(grouping=state.grouping, raised=True, count=count, detail=risk.detail)
    ]
    if risk.level != state.level:
        events.append(changed(state, risk))
    return Decision(tuple(events), (), because("warn.chattering", count=count))


def calm(policy: Policy, state: AlarmState) -> Decision:
    """It has been calm for long enough: now it is over."""
    if not state.gone:
        return nothing("warn.nothing_new", change="calm")
    finding = state.detail.id if state.detail else ""
    event = cleared(policy, state, finding, state.mode)
    return Decision((event,), (), because("warn.calm", count=state.chatter))
