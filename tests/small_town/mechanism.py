"""The mechanism of the demonstration: Foshan's first version as far as sources state it, the rest marked."""

from __future__ import annotations

from liandong.core.values.document import Mechanism, PrecedenceRow
from liandong.core.values.lists import Action, ClockOrigin, EscalationKind, Participation, Provenance
from liandong.core.values.rows import EscalationRow, GradingRow, PauseRow, RoleRow, StepRow
from liandong.core.values.scales import CASE_LEVELS, SEVERITIES

_STEPS = (
    (Action.JUDGE, "centre"),
    (Action.PUSH, "centre"),
    (Action.ACKNOWLEDGE, "lead"),
    (Action.ARRIVE, "lead"),
    (Action.CHECK, "lead"),
    (Action.HANDLE, "lead"),
    (Action.FEED_BACK, "lead"),
    (Action.REVIEW, "verifier"),
    (Action.CLOSE, "centre"),
    (Action.ARCHIVE, "centre"),
)
#: Seconds by level and action, as the document states them. Its origins are not stated: from the finding.
_STATED = {
    ("III", Action.JUDGE): 3600.0,
    ("III", Action.ARRIVE): 4200.0,
    ("III", Action.HANDLE): 7200.0,
    ("III", Action.FEED_BACK): 7200.0,
}
#: Our supplement, stated by no source: without it nothing could escalate at the upper levels.
_SUPPLEMENT = {
    (level, action): seconds
    for level in ("II", "I")
    for action, seconds in ((Action.JUDGE, 600.0), (Action.ACKNOWLEDGE, 300.0))
}
#: A leak is proven by what was measured on the spot.
_EVIDENCE = {("gas_leak", Action.CHECK), ("gas_leak", Action.HANDLE)}
_FLOWS = ("*", "gas_leak")
_LADDER = (
    (EscalationKind.REMIND, 0.5, "actor"),
    (EscalationKind.URGE, 0.8, "leader"),
    (EscalationKind.SUPERVISE, 1.0, "superior"),
    (EscalationKind.TAKE_OVER, 1.5, "superior"),
)
_VERIFIER = "unit:emergency_east"


def demo_mechanism() -> Mechanism:
    """All rows, each with its provenance."""
    return Mechanism(
        key="foshan-first-form",
        version=1,
        title_zh="城市安全风险联动处置机制（据公开资料第一版，示例市演示用）",
        title_en="Response mechanism after a first version of August 2021, for the demonstration",
        issuer="示例市安全生产委员会办公室",
        centre="unit:centre",
        precedence=(PrecedenceRow(key="precedence", axes=("level", "tier", "stage")),),
        grading=_grading(),
        roles=_roles(),
        steps=tuple(
            _step(flow, level, order)
            for flow in _FLOWS
            for level in CASE_LEVELS
            for order in range(len(_STEPS))
        ),
        escalations=_escalations(),
        pauses=_pauses(),
    )


def _grading() -> tuple[GradingRow, ...]:
    """Both scales have four codes, mildest first; that they match one to one is our assumption."""
    return tuple(
        GradingRow(key=f"grade.{severity}", flow="*", severity=severity, level=level)
        for severity, level in zip(SEVERITIES, CASE_LEVELS, strict=True)
    )


def _roles() -> tuple[RoleRow, ...]:
    lead, assist, inform = Participation.LEAD, Participation.ASSIST, Participation.INFORM
    supervise, verify = Participation.SUPERVISE, Participation.VERIFY
    source = Provenance.SOURCE
    rows = (
        ("*", lead, "owner", Provenance.ASSUMED),
        ("gas_leak", lead, "owner", source),
        ("toxic_gas", lead, "owner", source),
        ("waterlogging", lead, "operator", Provenance.ASSUMED),
        ("platform_fault", lead, "centre", Provenance.ASSUMED),
        ("gas_leak", assist, "unit:fire", Provenance.ASSUMED),
        ("gas_leak", assist, "territorial", Provenance.ASSUMED),
        ("gas_leak", inform, "unit:housing", Provenance.ASSUMED),
        ("gas_leak", inform, "regulator", Provenance.ASSUMED),
        ("toxic_gas", assist, "unit:fire", Provenance.ASSUMED),
        ("toxic_gas", assist, "territorial", Provenance.ASSUMED),
        ("toxic_gas", inform, "regulator", Provenance.ASSUMED),
        ("waterlogging", assist, "territorial", Provenance.ASSUMED),
        ("waterlogging", inform, "regulator", Provenance.ASSUMED),
        # The document: the emergency bureau coordinates and supervises.
        ("*", supervise, "unit:emergency", source),
        ("*", verify, _VERIFIER, Provenance.ASSUMED),
    )
    return tuple(
        RoleRow(
            key=f"role.{flow if flow != '*' else 'any'}.{part.value}.{role.removeprefix('unit:')}",
            flow=flow,
            level="*",
            part=part,
            role=role,
            provenance=provenance,
        )
        for flow, part, role, provenance in rows
    )


def _step(flow: str, level: str, order: int) -> StepRow:
    action, role = _STEPS[order]
    stated, ours = _STATED.get((level, action)), _SUPPLEMENT.get((level, action))
    if stated is not None:
        provenance = Provenance.SOURCE
    else:
        provenance = Provenance.ASSUMED if ours is not None else Provenance.UNSET
    return StepRow(
        key=f"step.{flow if flow != '*' else 'any'}.{level}.{action.value}",
        flow=flow,
        level=level,
        order=order + 1,
        action=action,
        role=role,
        limit_s=stated if stated is not None else ours,
        origin=ClockOrigin.ISSUED if action == Action.ACKNOWLEDGE else ClockOrigin.FINDING,
        evidence=(flow, action) in _EVIDENCE,
        provenance=provenance,
    )


def _escalations() -> tuple[EscalationRow, ...]:
    """No source states an escalation: the ladder is ours, for every action that has a limit anywhere."""
    actions = [action for action, _ in _STEPS if any(a == action for _, a in (*_STATED, *_SUPPLEMENT))]
    return tuple(
        EscalationRow(
            key=f"escalate.{action.value}.{kind.value}",
            flow="*",
            level="*",
            action=action,
            fraction=fraction,
            kind=kind,
            role=role,
        )
        for action in actions
        for kind, fraction, role in _LADDER
    )


def _pauses() -> tuple[PauseRow, ...]:
    """Reasons beyond the handler's power; each is charged to whoever can end it."""
    late = (Action.HANDLE, Action.FEED_BACK)
    return (
        PauseRow(
            key="pause.excavation_permit", flow="gas_leak", reason="excavation_permit", actions=late,
            charged_to="regulator", longest_s=14_400.0,
        ),
        PauseRow(
            key="pause.road_closure", flow="*", reason="road_closure", actions=(Action.ARRIVE, *late),
            charged_to="territorial", longest_s=7_200.0,
        ),
        PauseRow(
            key="pause.severe_weather", flow="*", reason="severe_weather", actions=(Action.ARRIVE, *late),
            charged_to="centre", longest_s=21_600.0,
        ),
    )  # fmt: skip
