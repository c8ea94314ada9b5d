"""A mechanism as awkward as the language allows: every level has other steps, roles and clock origins.

IV  is the centre's alone. III has no push, an interrupted lead, an archive elsewhere and a disposal
report. II reviews in the same order as it closes. I has a limit on everything but its report, which is a
step of the order that archives. Nothing like it should be written, but a case
whose level changes between them must still end.
"""

from __future__ import annotations

import msgspec

from liandong.core.values.document import Mechanism
from liandong.core.values.lists import Action, ClockOrigin, EscalationKind, Participation
from liandong.core.values.rows import EscalationRow, PauseRow, RoleRow, StepRow
from tests.core.world import folder

A, C = Action, ClockOrigin
Steps = tuple[tuple[Action, str, float | None, ClockOrigin], ...]

LEVELS: dict[str, Steps] = {
    "IV": (
        (A.JUDGE, "centre", 600.0, C.FINDING),
        (A.CLOSE, "centre", 1200.0, C.PREVIOUS),
        (A.ARCHIVE, "centre", 3600.0, C.FINDING),
    ),
    "III": (
        (A.JUDGE, "centre", 600.0, C.OPENED),
        (A.ACKNOWLEDGE, "lead", 300.0, C.ISSUED),
        (A.HANDLE, "lead", 1800.0, C.ACKNOWLEDGED),
        (A.CHECK, "unit:fire", 1800.0, C.PREVIOUS),
        (A.FEED_BACK, "lead", 3600.0, C.PREVIOUS),
        (A.REVIEW, "verifier", 3600.0, C.ISSUED),
        (A.CLOSE, "centre", None, C.PREVIOUS),
        (A.ARCHIVE, "unit:emergency", 3600.0, C.PREVIOUS),
        (A.DISPOSAL_REPORT, "centre", 3600.0, C.PREVIOUS),
    ),
    "II": (
        (A.JUDGE, "centre", 600.0, C.FINDING),
        (A.PUSH, "centre", 300.0, C.PREVIOUS),
        (A.ACKNOWLEDGE, "lead", 300.0, C.PUSHED),
        (A.ARRIVE, "lead", 1200.0, C.PREVIOUS),
        (A.CHECK, "lead", 900.0, C.ARRIVED),
        (A.HANDLE, "lead", 1800.0, C.ARRIVED),
        (A.FEED_BACK, "lead", 3600.0, C.FINDING),
        (A.REVIEW, "centre", 3600.0, C.PREVIOUS),
        (A.CLOSE, "centre", 3600.0, C.PREVIOUS),
        (A.ARCHIVE, "centre", 3600.0, C.PREVIOUS),
    ),
    "I": (
        (A.JUDGE, "centre", 300.0, C.FINDING),
        (A.PUSH, "centre", 600.0, C.FINDING),
        (A.ACKNOWLEDGE, "lead", 900.0, C.FINDING),
        (A.ARRIVE, "lead", 1800.0, C.PUSHED),
        (A.CHECK, "lead", 600.0, C.PREVIOUS),
        (A.HANDLE, "lead", 3600.0, C.ACKNOWLEDGED),
        (A.FEED_BACK, "lead", 600.0, C.PREVIOUS),
        (A.REVIEW, "verifier", 600.0, C.OPENED),
        (A.CLOSE, "centre", 600.0, C.ARRIVED),
        (A.ARCHIVE, "centre", 600.0, C.ISSUED),
        (A.DISPOSAL_REPORT, "centre", None, C.PREVIOUS),
    ),
}
_LADDER = ((0.5, EscalationKind.REMIND, "actor"), (0.8, EscalationKind.URGE, "leader"))
_LADDER += ((1.0, EscalationKind.SUPERVISE, "superior"), (1.5, EscalationKind.TAKE_OVER, "superior"))


def rough_mechanism(levels: dict[str, Steps] = LEVELS) -> Mechanism:
    demo = folder().mechanism
    actions = tuple({row[0] for rows in levels.values() for row in rows})
    return msgspec.structs.replace(
        demo,
        roles=(
            RoleRow(key="lead", flow="*", level="*", part=Participation.LEAD, role="owner"),
            RoleRow(key="verify", flow="*", level="*", part=Participation.VERIFY, role="unit:emergency_east"),
            RoleRow(key="inform", flow="*", level="*", part=Participation.INFORM, role="unit:housing"),
            RoleRow(key="assist", flow="*", level="*", part=Participation.ASSIST, role="unit:fire"),
        ),
        steps=tuple(
            StepRow(
                key=f"{level}.{action.value}",
                flow="*",
                level=level,
                order=order,
                action=action,
                role=role,
                limit_s=limit,
                origin=origin,
            )
            for level, rows in levels.items()
            for order, (action, role, limit, origin) in enumerate(rows, start=1)
        ),
        escalations=tuple(
            EscalationRow(
                key=f"{action.value}.{kind.value}",
                flow="*",
                level="*",
                action=action,
                fraction=fraction,
                kind=kind,
                role=role,
            )
            for action in sorted(actions)
            for fraction, kind, role in _LADDER
        ),
        pauses=(
            PauseRow(
                key="pause", flow="*", reason="road_closure", actions=actions, charged_to="territorial",
                longest_s=2700.0,
            ),
        ),
    )  # fmt: skip
