"""预警: which row speaks for a warning, and who acts in a role of it."""

from __future__ import annotations

from liandong.core.coordinate.matters import (
    Matter,
    Said,
    acts_for,
    not_yours,
)
from liandong.core.mechanism.policy import Policy
from liandong.core.values.authority_rows import WarningRow
from liandong.core.values.decision import Decision
from liandong.core.values.public_warning import (
    Contents,
    WarningAct,
    WarningState,
)


def row_for(policy: Policy, hazard: str, colour: str, area: str) -> WarningRow | None:
    """The row that speaks for a colour in an area; the area's level of the tree is the territory's."""
    found = policy.city.areas.get(area)
    return policy.powers.warning(hazard, colour, found.kind.value) if found else None


def row_of(matter: Matter, contents: Contents | None = None) -> WarningRow | None:
    """The row of what is proposed, else of the newest version that matters."""
    state: WarningState = matter.state
    if contents is None:
        found = state.at(state.pending or state.current) or state.versions[-1]
        contents = found.contents
    return row_for(matter.policy, state.hazard or contents.category, contents.colour, contents.area)


def who(matter: Matter, act: WarningAct, role: str) -> str | Decision:
    """The unit for which the person acts in a role of the row, or the refusal."""
    unit = matter.unit(role)
    mine = acts_for(matter.policy, act.person, act.post, (unit,) if unit else (), matter.now)
    return mine or not_yours(act.action, role, unit)


def said(contents: Contents) -> Said:
    return {"hazard": contents.category, "colour": contents.colour, "area": contents.area}


def newest(state: WarningState) -> Contents:
    found = state.at(state.pending or state.current)
    return found.contents if found else Contents()


def in_force(state: WarningState) -> Contents:
    found = state.at(state.current)
    return found.contents if found else Contents()
