"""风险分析: findings and the city become a risk with a level and its basis.

The first level comes from closed rows; nothing here waits for a model.
"""

from __future__ import annotations

from typing import Any

from liandong.core.assess import graded
from liandong.core.assess.graded import risk_level
from liandong.core.mechanism.policy import Policy
from liandong.core.values.decision import Decision, because, nothing
from liandong.core.values.findings import (
    Finding,
    FindingEnded,
    FindingMessage,
    FindingReopened,
    FindingRetracted,
    FindingRevised,
    FindingSettled,
)
from liandong.core.values.graded import GradedFinding, GradedLeft, GradedState, GradedTaken
from liandong.core.values.lists import FindingPart
from liandong.core.values.risk import OpenFinding, RiskAssessed, RiskState, replace

Message = FindingMessage | GradedFinding | GradedTaken | GradedLeft


def grouping_of(policy: Policy, message: FindingMessage) -> str:
    """`hazard|asset`: findings of one hazard at one asset share a risk, an alarm and a case."""
    rule = policy.rules.get(message.rule)
    asset = policy.city.asset_of_channel(message.channel)
    hazard = message.hazard if isinstance(message, Finding) else rule.hazard if rule else ""
    return f"{hazard}|{asset.key if asset else message.channel}"


def stream_of(policy: Policy, message: Message) -> str:
    """The stream in which a message is decided: the risk at its place, or a sub-platform's own alarm."""
    if isinstance(message, GradedFinding):
        return f"graded:{graded.alarm_id(policy, message.source, message.number)}"
    if isinstance(message, (GradedTaken, GradedLeft)):
        return f"risk:{message.grouping}"
    return f"risk:{grouping_of(policy, message)}"


def decide(policy: Policy, state: RiskState | GradedState, message: Message, now: int) -> Decision:
    """Assess again after a finding appeared or changed, here or on a sub-platform."""
    if isinstance(state, GradedState):
        assert isinstance(message, GradedFinding)
        return graded.decide(policy, state, message, now)
    if isinstance(message, (GradedTaken, GradedLeft)):
        return graded.assess(policy, state, message, now)
    assert not isinstance(message, GradedFinding)
    return _found(policy, state, message)


def _found(policy: Policy, state: RiskState, message: FindingMessage) -> Decision:
    """What detect says."""
    detail: OpenFinding | None
    if isinstance(message, Finding):
        change, detail, basis = _raised(policy, message)
    else:
        known = state.findings.get(message.id)
        if known is None:
            return nothing("assess.unknown_finding", finding=message.id)
        change, detail = _changed(known, message)
        basis = ""
        if detail == known:
            return nothing("assess.nothing_new", finding=message.id)
    asset = policy.city.asset_of_channel(message.channel)
    grouping = grouping_of(policy, message)
    findings = {key: f for key, f in state.findings.items() if key != message.id}
    if detail is not None:
        findings[message.id] = detail
    level = risk_level(findings)
    event = RiskAssessed(
        grouping=grouping, hazard=grouping.partition("|")[0], asset=asset.key if asset else message.channel,
        area=asset.area if asset else "", area_path=policy.city.area_path(asset.area) if asset else "/",
        change=change, finding=message.id, detail=detail, level_before=state.level, level=level,
        basis=basis, mode=policy.mode,
    )  # fmt: skip
    return Decision((event,), (), because(f"assess.{change}", level=level or "-", basis=basis or "-"))


def _raised(policy: Policy, message: Finding) -> tuple[str, OpenFinding, str]:
    rule = policy.rules.get(message.rule)
    row = policy.routing.grade(message.hazard, message.severity)
    detail = OpenFinding(
        id=message.id, rule=message.rule, severity=message.severity, level=row.level if row else "",
        channel=message.channel, onset=message.onset, raised=message.raised, value=message.value,
        evidence=message.evidence, shadow=rule.shadow if rule else False,
    )  # fmt: skip
    return "raised", detail, row.key if row else ""


def _changed(known: OpenFinding, message: Any) -> tuple[str, OpenFinding | None]:
    """What a later word of detect makes of a finding that is known."""
    if isinstance(message, FindingRevised):
        return "revised", replace(known, onset=message.onset, raised=message.raised, value=message.value)
    if isinstance(message, FindingRetracted):
        return "retracted", None
    if isinstance(message, FindingEnded):
        return "ended", replace(known, ended=True)
    if isinstance(message, FindingReopened):
        return "reopened", replace(known, ended=False)
    assert isinstance(message, FindingSettled)
    if message.part == FindingPart.END:
        return "dropped", None
    return "settled", replace(known, settled=True)
