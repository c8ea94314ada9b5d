"""What an alert does to a case: open it, join it, raise its level, or be noted."""

from __future__ import annotations

from liandong.core.coordinate.joining import pass_on
from liandong.core.coordinate.levels import raise_level
from liandong.core.mechanism.clocks import stop_for
from liandong.core.mechanism.draft import Draft
from liandong.core.mechanism.orders import end_order, issue_next
from liandong.core.mechanism.policy import Policy
from liandong.core.values.alarm import AlertChanged, AlertCleared, AlertRaised
from liandong.core.values.case import LIVE, CaseState
from liandong.core.values.case_events import (
    CaseFindingChanged,
    CaseFindingSettled,
    CaseGathered,
    CaseJudged,
    CaseOpened,
    StepsUndone,
)
from liandong.core.values.decision import Decision, nothing
from liandong.core.values.gathering import GatheringEnded
from liandong.core.values.ids import case_id
from liandong.core.values.lists import Action, OrderStatus, Verdict
from liandong.core.values.scales import CASE_LEVELS
from liandong.core.values.transfer_events import FindingPassedOn

Alert = AlertRaised | AlertChanged | AlertCleared | GatheringEnded


def grouping_of(message: Alert) -> str:
    """The grouping of the case that an alert speaks to."""
    return message.place if isinstance(message, GatheringEnded) else message.place or message.grouping


def opens_anew(over: CaseState, message: Alert) -> bool:
    """True where an alert after the end of a case needs a new one: raised again, joined or worse."""
    if isinstance(message, AlertRaised):
        return True
    if isinstance(message, (AlertCleared, GatheringEnded)) or message.detail is None:
        return False
    # That an older finding ends, or is revised, is no reason to send people out again.
    return _worse(over, message) or (message.change == "raised" and message.finding not in over.seen)


def _worse(case: CaseState, message: AlertRaised | AlertChanged) -> bool:
    """True where something has come that makes the alert worse than the case.

    A level that a person has lowered stays so while known findings are only revised, or end.
    """
    if isinstance(message, AlertChanged) and message.change not in ("raised", "reopened"):
        return False
    return CASE_LEVELS[message.level].worse_than(CASE_LEVELS[case.level])


def decide(policy: Policy, state: CaseState, message: Alert, now: int) -> Decision:
    """Open a case, or tell the open one."""
    if not state.id:
        if isinstance(message, (AlertCleared, GatheringEnded)) or message.detail is None:
            return nothing("case.none_open", grouping=grouping_of(message))
        return _open(policy, message, state.ordinal, now)
    passed_on = _passed_on(policy, state, message, now)
    if passed_on is not None:
        return passed_on
    if state.over:
        return nothing("case.over_noted", case=state.id)
    if isinstance(message, GatheringEnded):
        return _all_clear(policy, state, now)
    if message.place and not isinstance(message, AlertCleared):
        joined = _join(policy, state, message, now)
        if joined is not None:
            return joined
    return _tell(policy, state, message, now)


def _passed_on(policy: Policy, state: CaseState, message: Alert, now: int) -> Decision | None:
    """What changes at a finding that another case follows, by a merge or a split, is told to that case."""
    if isinstance(message, GatheringEnded) or message.finding not in state.passed_on:
        return None
    cleared = isinstance(message, AlertCleared)
    change = message.change if isinstance(message, AlertChanged) else "ended" if cleared else "raised"
    detail = None if isinstance(message, AlertCleared) else message.detail
    told = FindingPassedOn(
        case=state.id, into="", change=change, finding=message.finding, detail=detail,
        alarm_active=not cleared,
    )  # fmt: skip
    return pass_on(Draft(policy, state, now), message.finding, change, told)


def _open(policy: Policy, message: AlertRaised | AlertChanged, ordinal: int, now: int) -> Decision:
    """A new case. The shell hands in an empty state that already bears the ordinal of its stream."""
    detail = message.detail
    assert detail is not None
    made = case_id(policy.city.key, message.mode, grouping_of(message), ordinal)
    draft = Draft(policy, CaseState(mode=message.mode), now)
    draft.add(
        CaseOpened(
            case=made,
            grouping=grouping_of(message),
            ordinal=ordinal,
            hazard=message.hazard,
            asset=message.asset,
            area=message.area,
            area_path=message.area_path,
            level=message.level,
            mode=message.mode,
            finding=message.finding,
            detail=detail,
            alarmed=min(detail.raised, now),
            opened=now,
        )
    )
    issue_next(draft)
    return draft.done("case.opened", level=message.level, finding=message.finding)


def _join(policy: Policy, state: CaseState, message: AlertRaised | AlertChanged, now: int) -> Decision | None:
    """One more alarm of a storm: counted, and said at 1, 2, 5, 10, 20, 50 …, because a case that changed
    with each of a thousand could not be acted on. None where it makes the case worse, or contradicts it.
    """
    if _worse(state, message) or state.verdict in (Verdict.FALSE, Verdict.TEST):
        return None
    if not isinstance(message, AlertRaised) or (state.alarm_active and not _round(message.members)):
        return nothing("case.gathered", case=state.id)
    draft = Draft(policy, state, now)
    draft.add(CaseGathered(case=state.id, members=message.members, active=True))
    return draft.done("case.gathered_more", members=message.members)


def _round(count: int) -> bool:
    """1, 2 or 5, with any number of noughts."""
    return count > 0 and str(count).rstrip("0") in ("1", "2", "5")


def _all_clear(policy: Policy, state: CaseState, now: int) -> Decision:
    draft = Draft(policy, state, now)
    draft.add(CaseGathered(case=state.id, members=state.members, active=False))
    return draft.done("case.gathered_clear", members=state.members)


def _tell(
    policy: Policy, state: CaseState, message: AlertRaised | AlertChanged | AlertCleared, now: int
) -> Decision:
    draft = Draft(policy, state, now)
    cleared = isinstance(message, AlertCleared)
    change = message.change if isinstance(message, AlertChanged) else "cleared" if cleared else "raised"
    detail = None if isinstance(message, AlertCleared) else message.detail
    if change == "settled":
        draft.add(CaseFindingSettled(case=state.id, finding=message.finding))
        return draft.done("case.finding_settled", finding=message.finding)
    draft.add(
        CaseFindingChanged(
            case=state.id, change=change, finding=message.finding, detail=detail, alarm_active=not cleared
        )
    )
    if not isinstance(message, AlertCleared) and _worse(state, message):
        raise_level(draft, message.level, message.finding)
    if change == "raised" and message.finding not in state.seen:
        _judge_again(draft)
    return draft.done(f"case.finding_{change}", finding=message.finding)


def _judge_again(draft: Draft) -> None:
    """Something else is found where a false alarm or a test was judged: that judgement does not cover it."""
    case = draft.case
    if case.verdict not in (Verdict.FALSE, Verdict.TEST):
        return
    for order in tuple(case.orders.values()):
        if order.status in LIVE:
            stop_for(draft, order.id, void=True)
            end_order(draft, order, OrderStatus.CANCELLED)
    draft.add(CaseJudged(case=case.id, verdict=Verdict.LOOK, person=""))
    draft.add(
        StepsUndone(
            case=case.id,
            # A review of the closure as a false alarm does not speak for what is handled now.
            undone=tuple(a for a in (Action.JUDGE, Action.PUSH, Action.REVIEW) if a in case.done),
            why=Action.JUDGE,
            person="",
            at=draft.now,
        )
    )
    issue_next(draft)
