"""Posts of the demonstration: who answers around the clock, who leads, who is the clerk of a committee."""

from __future__ import annotations

from liandong.core.values.city import Post, Unit
from liandong.core.values.lists import UnitKind
from liandong.sim.city.places import TOWNS
from liandong.sim.city.units import CENTRE, CONTRACTOR, members

OPERATOR = "post:operator"
BIOGAS_CONTACT = "post:centre.biogas"
#: Units of one duty post only: a second watch (副班) is for authorities, utilities and the centre.
_SMALL = ("unit:firm-", "unit:site-")


def slug(unit: str) -> str:
    """The unit's own part of its posts' keys."""
    return unit.removeprefix("unit:")


def duty_post(unit: str) -> str:
    """Key of the post that answers around the clock (主班)."""
    return f"post:{slug(unit)}.duty"


def second_post(unit: str) -> str:
    """Key of the second watch (副班)."""
    return f"post:{slug(unit)}.second"


def leader_post(unit: str) -> str:
    """Key of the leader on duty (带班领导); in a firm its responsible person."""
    return f"post:{slug(unit)}.leader"


def chief_post(unit: str) -> str:
    """Key of the head of the unit."""
    return f"post:{slug(unit)}.chief"


def is_small(unit: str) -> bool:
    """True for a firm or site with one desk."""
    return unit.startswith(_SMALL)


def posts(units: tuple[Unit, ...]) -> tuple[Post, ...]:
    """All posts; of a unit the main watch comes first: an order goes to the first one around the clock."""
    rows: list[Post] = [
        Post(key=OPERATOR, unit=CONTRACTOR, title_zh="平台运维岗", title_en="Platform operator"),
    ]
    clerks = set(members())
    towns = {town.unit for town in TOWNS}
    for unit in units:
        rows += _of(unit)
        if unit.key in clerks:
            rows.append(
                Post(
                    key=f"post:{slug(unit.key)}.clerk",
                    unit=unit.key,
                    title_zh="三委及领导小组联络员",
                    title_en="Clerk for the committees",
                )
            )
        if unit.key in towns:
            rows.append(
                Post(
                    key=f"post:{slug(unit.key)}.grid",
                    unit=unit.key,
                    title_zh="网格员",
                    title_en="Grid worker",
                )
            )
        if unit.key == CENTRE:
            rows.append(
                Post(
                    key=BIOGAS_CONTACT,
                    unit=CENTRE,
                    title_zh="疑似沼气报告对接岗",
                    title_en="Contact for suspected biogas",
                )
            )
    return tuple(rows)


def _of(unit: Unit) -> list[Post]:
    key = unit.key
    rows = [Post(key=duty_post(key), unit=key, title_zh="主班", title_en="Main watch", duty=True)]
    if not is_small(key):
        rows.append(Post(key=second_post(key), unit=key, title_zh="副班", title_en="Second watch", duty=True))
    if unit.kind == UnitKind.CONTRACTOR:
        return rows
    firm = is_small(key)
    rows.append(
        Post(
            key=leader_post(key),
            unit=key,
            title_zh="企业负责人" if firm else "带班领导",
            title_en="Responsible person" if firm else "Leader on duty",
            leader=True,
        )
    )
    if not firm:
        rows.append(Post(key=chief_post(key), unit=key, title_zh="主要负责人", title_en="Head of the unit"))
    return rows
