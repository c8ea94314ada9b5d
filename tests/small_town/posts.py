"""Posts of the demonstration city, and what each may do without taking part in a case."""

from __future__ import annotations

from liandong.core.values.city import Permission, Post
from liandong.core.values.lists import Capability, DataClass, Mode, UnitKind
from tests.small_town.places import UNITS
from tests.small_town.things import SOURCES

REVIEWER = "post:emergency_east.review"
OPERATOR = "post:operator"
LEADER = "post:emergency.leader"
_MODES = (Mode.REAL, Mode.DRILL, Mode.TEST)
_NO_LEADER = (UnitKind.CONTRACTOR,)


def duty_post(unit: str) -> str:
    """Key of the post of a unit that answers around the clock."""
    return f"post:{unit.removeprefix('unit:')}.duty"


def _posts() -> tuple[Post, ...]:
    rows = [
        # Before the bureau's duty post: an order goes to the first post around the clock, and a review
        # has to reach a reviewer at night too.
        Post(
            key=REVIEWER,
            unit="unit:emergency_east",
            title_zh="复核岗",
            title_en="Reviewer",
            duty=True,
        ),
        Post(key=OPERATOR, unit="unit:contractor", title_zh="平台运维岗", title_en="Platform operator"),
    ]
    for unit in UNITS:
        slug = unit.key.removeprefix("unit:")
        rows.append(
            Post(
                key=duty_post(unit.key), unit=unit.key, title_zh="值班岗", title_en="Duty officer", duty=True
            )
        )
        if unit.kind not in _NO_LEADER:
            rows.append(
                Post(
                    key=f"post:{slug}.leader",
                    unit=unit.key,
                    title_zh="带班领导",
                    title_en="Leader on duty",
                    leader=True,
                )
            )
    return tuple(rows)


def _allow(
    post: str, *capabilities: Capability, domains: tuple[str, ...] = ("*",), area: str = ""
) -> list[Permission]:
    return [
        Permission(
            post=post,
            capability=capability,
            domains=domains,
            area=area,
            modes=_MODES,
            data_class=DataClass.PERSONAL
            if capability in (Capability.PERSONAL_READ, Capability.PERSONAL_ERASE)
            else DataClass.INTERNAL,
        )
        for capability in capabilities
    ]


def permissions() -> tuple[Permission, ...]:
    """Standing rights. Firms, gas company, drainage, fire: none; they see the cases they take part in."""
    can = Capability
    rows = _allow(duty_post("unit:centre"), can.CASE_READ, can.CASE_ACT, can.SCORE_READ, can.PERSONAL_READ)
    rows += _allow("post:centre.leader", can.CASE_READ, can.SCORE_READ)
    rows += _allow(duty_post("unit:emergency"), can.CASE_READ, can.SCORE_READ)
    rows += _allow(LEADER, can.CASE_READ, can.CASE_REOPEN, can.SCORE_READ)
    rows += _allow(REVIEWER, can.CASE_READ, can.CASE_ACT, area="area:east")
    rows += _allow(duty_post("unit:housing"), can.CASE_READ, domains=("gas_leak", "waterlogging"))
    for slug in ("east", "west"):
        area = f"area:{slug}"
        rows += _allow(duty_post(f"unit:emergency_{slug}"), can.CASE_READ, can.SCORE_READ, area=area)
        rows += _allow(duty_post(f"unit:housing_{slug}"), can.CASE_READ, domains=("gas_leak",), area=area)
    for unit in UNITS:
        if unit.kind == UnitKind.TOWN:
            rows += _allow(duty_post(unit.key), can.CASE_READ, area=unit.area)
    rows += _allow(
        OPERATOR, can.INTAKE_READ, can.INTAKE_REPLAY, can.JOURNAL_READ, can.CLOCK_CONFIRM, can.PERSONAL_ERASE
    )
    for source in SOURCES:
        rows += _allow(source.key, can.READINGS_SEND)
    return tuple(rows)


POSTS = _posts()
