"""报备: an owner says beforehand what its sensors will feel; extended, withdrawn, ended, expired.

While it holds, alarms of its place are suppressed by it, and each is noted here; at its end what is still
active is told.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from liandong.core.mechanism.announced import belongs
from liandong.core.mechanism.policy import Policy
from liandong.core.mechanism.resolve import centre_of
from liandong.core.values.alarm import AlertReleased, AlertSuppressed, SuppressionEnded
from liandong.core.values.announcement import (
    ActiveAnnouncement,
    AnnouncementAct,
    AnnouncementEnded,
    AnnouncementExtended,
    AnnouncementMade,
    AnnouncementState,
    SuppressionNoted,
)
from liandong.core.values.case import Timer
from liandong.core.values.decision import Decision, because, nothing, refuse
from liandong.core.values.ids import make_id
from liandong.core.values.lists import AnnouncementAction, AnnouncementStage
from liandong.core.values.messages import TimerFired
from liandong.core.values.times import SECOND


def decide(policy: Policy, state: AnnouncementState, message: Any, now: int) -> Decision:
    """One word about one announcement."""
    if isinstance(message, AnnouncementAct):
        return _act(policy, state, message, now)
    if isinstance(message, TimerFired):
        if message.timer not in state.timers:
            return nothing("timer.gone", timer=message.timer)
        return _end(state, AnnouncementStage.EXPIRED, None, now)
    assert isinstance(message, (AlertSuppressed, AlertReleased))
    return _note(state, message)


def _note(state: AnnouncementState, word: AlertSuppressed | AlertReleased) -> Decision:
    held = isinstance(word, AlertSuppressed)
    told = isinstance(word, AlertReleased) and word.there
    event = SuppressionNoted(id=state.id, grouping=word.grouping, held=held, told=told, at=word.at)
    return Decision((event,), (), because("announcement.noted", alarm=word.grouping))


def _act(policy: Policy, state: AnnouncementState, act: AnnouncementAct, now: int) -> Decision:
    new = act.action == AnnouncementAction.ANNOUNCE
    if bool(state.id) == new:
        key = "announcement.exists" if new else "announcement.unknown"
        return refuse(key, announcement=act.announcement)
    if act.version != state.version:
        return refuse("power.stale", version=act.version, current=state.version)
    post = policy.city.posts.get(act.post)
    if post is None or not policy.city.holds(act.person, act.post, now):
        return refuse("power.not_yours", action=act.action.value, needed=act.post)
    if act.reason is None:
        return refuse("power.no_reason", action=act.action.value)
    centre = post.unit == centre_of(policy)
    if new:
        return _announce(policy, act, post.unit, centre, now)
    if state.stage != AnnouncementStage.OPEN:
        return refuse("announcement.over", state=state.stage.value)
    assert state.what is not None
    if act.action == AnnouncementAction.END:
        if not centre:
            return refuse("power.not_yours", action=act.action.value, needed=centre_of(policy))
        return _end(state, AnnouncementStage.ENDED, act, now)
    if post.unit != state.what.unit:
        return refuse("power.not_yours", action=act.action.value, needed=state.what.unit)
    if act.action == AnnouncementAction.WITHDRAW:
        return _end(state, AnnouncementStage.WITHDRAWN, act, now)
    return _extend(policy, state, act, now)


def _announce(policy: Policy, act: AnnouncementAct, unit: str, centre: bool, now: int) -> Decision:
    wrong = _incomplete(policy, act) or _foreign(policy, act, unit, centre)
    if wrong is not None:
        return wrong
    assert act.kind is not None and act.since is not None and act.until is not None
    # What lies before this moment was told already: an announcement never reaches back.
    since = max(act.since, now)
    wrong = _too_long(policy, act.since, act.until, now)
    if wrong is not None:
        return wrong
    area_path = policy.city.area_path(act.area) if act.area else ""
    what = ActiveAnnouncement(
        id=act.announcement, kind=act.kind, unit=unit, any_owner=centre, assets=act.assets,
        area_path=area_path, sensors=act.sensors, hazards=act.hazards, rules=act.rules, since=since,
        until=act.until,
    )  # fmt: skip
    made = AnnouncementMade(
        what=what, mode=policy.mode, area_path=area_path or _around(policy, _assets(policy, act)),
        declared_since=act.since, person=act.person, post=act.post, at=now, contact=act.contact,
        reason=act.reason, timer=_timer(policy, act.announcement, act.until),
    )  # fmt: skip
    return Decision((made,), (), because("announcement.made", kind=act.kind.value))


def _incomplete(policy: Policy, act: AnnouncementAct) -> Decision | None:
    """What is missing, or names what the city does not have."""
    given = {
        "kind": act.kind, "since": act.since, "until": act.until, "contact": act.contact,
        "place": act.assets or act.area or act.sensors,
    }  # fmt: skip
    missing = [name for name, value in given.items() if not value]
    if missing:
        return refuse("announcement.incomplete", missing=", ".join(missing))
    known: tuple[tuple[Iterable[str], Any], ...] = (
        (act.assets, policy.city.assets), (act.sensors, policy.city.sensors), (act.rules, policy.rules),
        ((act.area,) if act.area else (), policy.city.areas),
    )  # fmt: skip
    unknown = [name for names, table in known for name in names if name not in table]
    if unknown:
        return refuse("announcement.unknown_place", names=", ".join(unknown[:5]))
    never = [hazard for hazard in act.hazards if hazard in policy.alarm_terms.never_hazards]
    return refuse("announcement.never", hazards=", ".join(never)) if never else None


def _foreign(policy: Policy, act: AnnouncementAct, unit: str, centre: bool) -> Decision | None:
    """An owner speaks for what it owns or operates; the centre for all."""
    if centre:
        return None
    foreign = [asset for asset in _assets(policy, act) if not belongs(policy.city, unit, asset)]
    if act.area:
        path = policy.city.area_path(act.area)
        mine = (a for a in policy.city.assets.values() if belongs(policy.city, unit, a.key))
        if not any(policy.city.area_path(asset.area).startswith(path) for asset in mine):
            foreign.append(act.area)
    return refuse("announcement.foreign", names=", ".join(foreign[:5])) if foreign else None


def _assets(policy: Policy, act: AnnouncementAct) -> tuple[str, ...]:
    sensors = (policy.city.sensors[key].asset for key in act.sensors)
    return tuple(dict.fromkeys((*act.assets, *sensors)))


def _too_long(policy: Policy, since: int, until: int, now: int) -> Decision | None:
    longest = policy.alarm_terms.announced_longest_s
    if not max(since, now) < until <= since + round(longest * SECOND):
        return refuse("announcement.bad_span", hours=round(longest / 3600, 1))
    return None


def _around(policy: Policy, assets: Iterable[str]) -> str:
    """The smallest area that holds all of the assets."""
    paths = [policy.city.area_path(policy.city.assets[key].area).split("/") for key in assets]
    common: list[str] = []
    for parts in zip(*paths, strict=False):
        if len(set(parts)) > 1:
            break
        common.append(parts[0])
    return "/".join(common).rstrip("/") + "/"


def _timer(policy: Policy, id: str, until: int) -> Timer:
    made = make_id("tmr", policy.city.key, policy.mode, f"announcement:{id}", until)
    return Timer(id=made, clock="until", moment="due", due=until)


def _extend(policy: Policy, state: AnnouncementState, act: AnnouncementAct, now: int) -> Decision:
    assert state.what is not None
    if act.until is None or act.until <= state.what.until:
        return refuse("announcement.incomplete", missing="until")
    wrong = _too_long(policy, state.declared_since, act.until, now)
    if wrong is not None:
        return wrong
    event = AnnouncementExtended(
        id=state.id, until=act.until, person=act.person, post=act.post, at=now, reason=act.reason,
        timer=_timer(policy, state.id, act.until),
    )  # fmt: skip
    return Decision((event,), (), because("announcement.extended"))


def _end(
    state: AnnouncementState, stage: AnnouncementStage, act: AnnouncementAct | None, now: int
) -> Decision:
    """It is over: every alarm that it holds back is told so."""
    ended = AnnouncementEnded(
        id=state.id, stage=stage, person=act.person if act else "", post=act.post if act else "", at=now,
        reason=act.reason if act else None,
    )  # fmt: skip
    held = [grouping for grouping, one in state.alarms.items() if one.held]
    over = [SuppressionEnded(grouping=g, by=state.id, at=now, mode=state.mode) for g in held]
    return Decision((ended, *over), (), because(f"announcement.{stage.value}", held=len(held)))
