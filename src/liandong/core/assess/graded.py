"""Alarms that come graded: once each, the newest word counts, and then they are findings like any other."""

from __future__ import annotations

from liandong.core.mechanism.policy import Policy
from liandong.core.values.decision import Decision, because, nothing, refuse
from liandong.core.values.graded import (
    GradedFinding,
    GradedLeft,
    GradedNoted,
    GradedState,
    GradedTaken,
    evolve_graded,
)
from liandong.core.values.ids import make_id
from liandong.core.values.lists import GradedAction
from liandong.core.values.risk import OpenFinding, RiskAssessed, RiskState, replace
from liandong.core.values.scales import CASE_LEVELS, SEVERITIES


def alarm_id(policy: Policy, source: str, number: str) -> str:
    """The id of a source's alarm here."""
    return make_id("gfd", policy.city.key, policy.mode, source, number)


def known_hazard(policy: Policy, hazard: str) -> bool:
    """Whether any row grades this hazard, or any rule looks for it: else nobody would ever be told."""
    return any(policy.routing.grade(hazard, severity) for severity in SEVERITIES) or any(
        rule.hazard == hazard for rule in policy.rules.values()
    )


def decide(policy: Policy, state: GradedState, message: GradedFinding, now: int) -> Decision:
    """One word of a sub-platform about one of its alarms."""
    if state.id and message.version <= state.newest:
        return nothing("graded.known_version", number=message.number, newest=state.newest)
    if message.action == GradedAction.CLEAR:
        return _clear(policy, state, message, now)
    problem = _problem(policy, message)
    return problem or _raise(policy, state, message, now)


def _problem(policy: Policy, message: GradedFinding) -> Decision | None:
    """What is wrong with a word by the policy of the moment at which it is decided."""
    if message.severity not in SEVERITIES:
        return refuse("graded.unknown_level", level=message.level, known=", ".join(SEVERITIES))
    if not known_hazard(policy, message.hazard):
        return refuse("graded.unknown_hazard", hazard=message.hazard)
    if message.asset not in policy.city.assets and message.area not in policy.city.areas:
        return refuse("graded.unknown_place", place=message.asset or message.area or "-")
    return None


def _clear(policy: Policy, state: GradedState, message: GradedFinding, now: int) -> Decision:
    id = alarm_id(policy, message.source, message.number)
    if not state.active or state.report is None:
        noted = GradedNoted(
            alarm=id, source=message.source, number=message.number, version=message.version, at=now,
            mode=policy.mode,
        )  # fmt: skip
        key = "graded.cleared_before" if state.episode else "graded.never_raised"
        return Decision((noted,), (), because(key, number=message.number))
    before = state.report
    kept = _with(before, message)
    event = GradedTaken(
        alarm=id, finding=state.finding, grouping=state.grouping, change="ended", report=kept,
        episode=state.episode, at=now, mode=policy.mode, area_path=state.area_path,
    )  # fmt: skip
    return Decision((event,), (), because("graded.cleared", number=message.number))


def _with(before: GradedFinding, clear: GradedFinding) -> GradedFinding:
    """The alarm as it was, with what its clear says."""
    return replace(
        before, version=clear.version, action=clear.action, said=clear.said,
        words=clear.words or before.words,
    )  # fmt: skip


def _raise(policy: Policy, state: GradedState, message: GradedFinding, now: int) -> Decision:
    id = alarm_id(policy, message.source, message.number)
    if state.active and state.report is not None and message.words is None:
        message = replace(message, words=state.report.words)  # what was said in words still stands
    place = message.asset or message.area
    grouping = f"{message.hazard}|{place}"
    moved = state.active and state.grouping != grouping
    events: list[GradedLeft | GradedTaken] = []
    if moved:
        events.append(GradedLeft(alarm=id, finding=state.finding, grouping=state.grouping, at=now))
    fresh = moved or not state.active
    episode = state.episode + fresh
    before = state.report
    worse = before is not None and SEVERITIES[message.severity].worse_than(SEVERITIES[before.severity])
    asset = policy.city.assets.get(message.asset)
    area = asset.area if asset else message.area
    events.append(
        GradedTaken(
            alarm=id, finding=f"{id}_{episode}", grouping=grouping,
            # Worse than before is news as a new finding is: a level that was lowered does not hold it down.
            change="raised" if fresh or worse else "revised",
            report=message, episode=episode, at=now, mode=policy.mode, area_path=policy.city.area_path(area),
        )
    )  # fmt: skip
    row = policy.routing.grade(message.hazard, message.severity)
    key = "graded.raised" if fresh else "graded.changed"
    after = state
    for event in events:
        after = evolve_graded(after, event)
    reason = because(key, number=message.number, finding=after.finding, level=row.level if row else "-")
    return Decision(tuple(events), (), reason, after=after)


def assess(policy: Policy, state: RiskState, message: GradedTaken | GradedLeft, now: int) -> Decision:
    """What a graded alarm does to the risk at its place."""
    if isinstance(message, GradedLeft):
        known = state.findings.get(message.finding)
        if known is None:
            return nothing("assess.unknown_finding", finding=message.finding)
        return _risk(policy, state, message.grouping, message.finding, [("retracted", None)], known.level)
    said = message.report
    row = policy.routing.grade(said.hazard, said.severity)
    detail = OpenFinding(
        id=message.finding, rule=said.source, severity=said.severity, level=row.level if row else "",
        channel=said.channel, onset=said.onset, raised=said.said,
        value=0.0 if said.value is None else said.value, settled=True, ended=message.change == "ended",
    )  # fmt: skip
    changes: list[tuple[str, OpenFinding | None]] = [(message.change, detail)]
    if message.change == "ended":
        changes.append(("dropped", None))  # their word is final: no late reading can take it back
    return _risk(policy, state, message.grouping, message.finding, changes, row.key if row else "")


def _risk(
    policy: Policy, state: RiskState, grouping: str, finding: str,
    changes: list[tuple[str, OpenFinding | None]], basis: str,
) -> Decision:  # fmt: skip
    hazard, _, place = grouping.partition("|")
    asset = policy.city.assets.get(place)
    area = asset.area if asset else place
    findings, before = dict(state.findings), state.level
    events = []
    for change, detail in changes:
        findings.pop(finding, None)
        if detail is not None:
            findings[finding] = detail
        level = risk_level(findings)
        events.append(
            RiskAssessed(
                grouping=grouping, hazard=hazard, asset=place, area=area,
                area_path=policy.city.area_path(area), change=change, finding=finding, detail=detail,
                level_before=before, level=level, basis=basis, mode=policy.mode,
            )
        )  # fmt: skip
        before = level
    first = events[0]
    return Decision(
        tuple(events), (), because(f"assess.{first.change}", level=first.level or "-", basis=basis or "-")
    )


def risk_level(findings: dict[str, OpenFinding]) -> str:
    """The worst case level among findings that count; empty where none does."""
    levels = [CASE_LEVELS[f.level] for f in findings.values() if f.level and not f.shadow and not f.ended]
    return max(levels, key=lambda level: level.rank).code if levels else ""
