"""What each post of the demonstration may do without taking part in a case."""

from __future__ import annotations

from liandong.core.values.city import Permission, Source, Unit
from liandong.core.values.lists import Capability, DataClass, Mode, UnitKind
from liandong.sim.city.places import DISTRICTS
from liandong.sim.city.posts import OPERATOR, chief_post, duty_post, leader_post, second_post
from liandong.sim.city.units import CENTRE

_MODES = (Mode.REAL, Mode.DRILL, Mode.TEST)
_PERSONAL = (Capability.PERSONAL_READ, Capability.PERSONAL_ERASE)
GAS, TOXIC, WATER, BRIDGE = (
    ("gas_leak",),
    ("toxic_gas",),
    ("waterlogging",),
    ("structure_shifted", "bridge_vibration", "overload"),
)
#: Hazards that a bureau follows in its own area, city-wide or in its district.
_FOLLOWS = {
    "housing": GAS,
    "water": WATER,
    "transport": BRIDGE,
    "fire": ("*",),
    "resources": ("forest_fire",),
    "market": ("lift",),
}


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
            data_class=DataClass.PERSONAL if capability in _PERSONAL else DataClass.INTERNAL,
        )
        for capability in capabilities
    ]


def permissions(units: tuple[Unit, ...], sources: tuple[Source, ...]) -> tuple[Permission, ...]:
    """Standing rights. Firms, utilities and key sites: none; they see the cases they take part in."""
    can = Capability
    rows: list[Permission] = []
    for post in (duty_post(CENTRE), second_post(CENTRE)):
        rows += _allow(post, can.CASE_READ, can.CASE_ACT, can.SCORE_READ, can.PERSONAL_READ, can.ALARM_SHELVE)
    watching = (duty_post("unit:duty_room"), duty_post("unit:government"))
    for post in (leader_post(CENTRE), chief_post(CENTRE), *watching):
        rows += _allow(post, can.CASE_READ, can.SCORE_READ)
    for post in (duty_post("unit:emergency"), second_post("unit:emergency"), chief_post("unit:emergency")):
        rows += _allow(post, can.CASE_READ, can.SCORE_READ)
    rows += _allow(leader_post("unit:emergency"), can.CASE_READ, can.CASE_REOPEN, can.SCORE_READ)
    for function, domains in _FOLLOWS.items():
        rows += _allow(duty_post(f"unit:{function}"), can.CASE_READ, domains=domains)
        for district in DISTRICTS:
            post, area = duty_post(f"unit:{function}_{district.slug}"), f"area:{district.slug}"
            rows += _allow(post, can.CASE_READ, domains=domains, area=area)
    for district in DISTRICTS:
        post = duty_post(f"unit:emergency_{district.slug}")
        rows += _allow(post, can.CASE_READ, can.SCORE_READ, area=f"area:{district.slug}")
        post = duty_post(f"unit:government_{district.slug}")
        rows += _allow(post, can.CASE_READ, area=f"area:{district.slug}")
    for unit in units:
        if unit.kind == UnitKind.TOWN:
            rows += _allow(duty_post(unit.key), can.CASE_READ, area=unit.area)
    rows += _allow(
        OPERATOR, can.INTAKE_READ, can.INTAKE_REPLAY, can.JOURNAL_READ, can.CLOCK_CONFIRM, can.PERSONAL_ERASE
    )
    for source in sources:
        rows += _allow(source.key, can.READINGS_SEND)
    return tuple(rows)
