"""A small mechanism of which everything can be proven, and the city that it runs in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec

from liandong.core.mechanism.proofs.ground import Facts, next_days
from liandong.core.values.authority_rows import DecisionRow, ResourceRow, WarningRow
from liandong.core.values.city import Area, Asset, Body, City, CityIndex, Permission, Post, Unit
from liandong.core.values.document import MarkRow, Mechanism, PrecedenceRow, ScopeRow
from liandong.core.values.lists import (
    Action,
    AreaKind,
    Capability,
    ClockOrigin,
    EscalationKind,
    Participation,
    ReportKind,
    UnitKind,
)
from liandong.core.values.roster import Contact, Duty, Holding
from liandong.core.values.rows import (
    EscalationRow,
    FlowRow,
    GradingRow,
    PauseRow,
    ReportRow,
    RoleRow,
    StepRow,
    TransferRow,
    VerificationRow,
)
from liandong.core.values.scales import CASE_LEVELS, SEVERITIES, Scale
from liandong.core.values.times import DAY, HOUR

#: 2026-03-02 00:00 in Beijing, a Monday.
START = 1_772_380_800_000_000
DISTRICTS = ("east", "west")
TOWNS = {"river": "east", "hill": "east", "lake": "west", "mill": "west"}


@dataclass(frozen=True)
class World:
    """What a proof is given."""

    mechanism: Mechanism
    city: City
    facts: Facts = field(default_factory=lambda: next_days(START))

    @property
    def index(self) -> CityIndex:
        return CityIndex(self.city)


def good() -> World:
    """The mechanism, the city and thirty days of it."""
    made = city()
    people = dict.fromkeys(p for duty in made.duties for p in (duty.person, duty.deputy))
    contacts = tuple(Contact(person=person, channel="sms") for person in people if person)
    bases = {unit.key: (113.10, 23.00) for unit in made.units}
    return World(mechanism(), made, msgspec.structs.replace(next_days(START), contacts=contacts, bases=bases))


# The mechanism.

_ANYWHERE = "*"
_LADDER = (
    (EscalationKind.REMIND, 0.5, "actor"),
    (EscalationKind.URGE, 0.8, "leader"),
    (EscalationKind.SUPERVISE, 1.0, "superior"),
    (EscalationKind.TAKE_OVER, 1.5, "superior"),
)
_MAIN: tuple[tuple[int, Action, str, float | None, ClockOrigin], ...] = (
    (1, Action.JUDGE, "centre", 3600, ClockOrigin.FINDING),
    (2, Action.PUSH, "centre", None, ClockOrigin.PREVIOUS),
    (3, Action.ACKNOWLEDGE, "lead", 300, ClockOrigin.ISSUED),
    (4, Action.ARRIVE, "lead", 5400, ClockOrigin.FINDING),
    (5, Action.CHECK, "lead", None, ClockOrigin.ARRIVED),
    (6, Action.HANDLE, "lead", 7200, ClockOrigin.FINDING),
    (7, Action.FEED_BACK, "lead", 7200, ClockOrigin.FINDING),
    (8, Action.REVIEW, "verifier", None, ClockOrigin.PREVIOUS),
    (9, Action.CLOSE, "centre", None, ClockOrigin.PREVIOUS),
    (10, Action.ARCHIVE, "centre", None, ClockOrigin.PREVIOUS),
    (11, Action.DISPOSAL_REPORT, "centre", 43200, ClockOrigin.PREVIOUS),
)


def mechanism() -> Mechanism:
    """Gas outdoors and drainage, four levels, one linked order, one warning."""
    return Mechanism(
        key="good",
        title_zh="小城联动机制",
        title_en="Mechanism of a small city",
        issuer="body:safety_committee",
        centre="city:centre",
        scope=(
            ScopeRow(key="scope.gas", flow="gas", mark="第一条"),
            ScopeRow(key="scope.drainage", flow="drainage"),
        ),
        precedence=(PrecedenceRow(key="sentence", axes=("territory", "phase", "calendar", "level", "kind")),),
        flows=(
            FlowRow(key="gas", title_zh="燃气", title_en="Gas", hazards=("gas_leak",)),
            FlowRow(key="drainage", title_zh="排水", title_en="Drainage", hazards=("waterlogging",)),
        ),
        grading=tuple(
            GradingRow(key=f"grade.{severity}", flow="*", severity=severity, level=level)
            for severity, level in zip(SEVERITIES, CASE_LEVELS, strict=True)
        ),
        roles=_roles(),
        steps=_steps(),
        escalations=_escalations(),
        pauses=(
            PauseRow(
                key="pause.weather", flow="*", reason="severe_weather", actions=(Action.HANDLE,),
                charged_to="centre", longest_s=7200, approver="centre",
            ),
        ),
        transfers=(
            TransferRow(
                key="return", flow="*", action=Action.RETURN, role="holder", decides="city:emergency",
                limit_s=1800,
            ),
            TransferRow(
                key="extend", flow="*", action=Action.EXTEND, role="holder", approver="centre",
                longest_s=86400, at_most=1,
            ),
            TransferRow(key="reopen", flow="*", action=Action.REOPEN, role="centre"),
        ),
        verifications=(VerificationRow(key="verify.all", flow="*", role="district:emergency"),),
        reports=(
            ReportRow(
                key="report.I", flow="*", level="I", kind=ReportKind.UPWARD, recipient="city:government",
                signer="city:emergency", first_s=1800, next_s=1800, final_s=86400,
            ),
            ReportRow(key="report.end", flow="*", kind=ReportKind.CLOSING, recipient="participants"),
        ),
        warnings=(
            WarningRow(
                key="warn.rain", flow="drainage", territory="city", drafter="city:weather",
                approver="city:emergency", publisher="city:weather", lifter="city:emergency",
                approve_s=600,
            ),
        ),
        decisions=(
            DecisionRow(
                key="decide.orange", flow="drainage", scale=Scale.WARNING_COLOUR, code="orange",
                decider="city:emergency", limit_s=1800, otherwise="city:government",
            ),
            DecisionRow(
                key="decide.red", flow="drainage", scale=Scale.WARNING_COLOUR, code="red",
                decider="city:emergency", limit_s=900, otherwise="city:government",
            ),
            DecisionRow(
                key="decide.I", flow="*", scale=Scale.CASE_LEVEL, code="I",
                decider="city:emergency", limit_s=1800, otherwise="city:government",
            ),
        ),
        resources=(
            ResourceRow(
                key="pumps", resource="pump", owner="city:water", requester="lead",
                releaser="city:water", approvals=("city:emergency",), allowed=1, approval_s=900,
                decides="city:government",
            ),
        ),
        marks=(MarkRow(key="mark.1", mark="第一条", text="本机制适用于燃气"),),
    )  # fmt: skip


def _roles() -> tuple[RoleRow, ...]:
    lead, assist, inform = Participation.LEAD, Participation.ASSIST, Participation.INFORM
    rows = (
        ("lead.gas", "gas", lead, "city:gas", {}),
        ("lead.drainage", "drainage", lead, "owner", {}),
        ("lead.drainage.flood", "drainage", lead, "district:water", {"level": "I;II"}),
        ("assist.town", "*", assist, "town", {}),
        ("inform.housing", "gas", inform, "district:housing", {}),
        ("supervise", "*", Participation.SUPERVISE, "city:emergency", {}),
        ("verify", "*", Participation.VERIFY, "district:emergency", {}),
    )
    return tuple(RoleRow(key=k, flow=f, part=p, role=r, **more) for k, f, p, r, more in rows)


def _steps() -> tuple[StepRow, ...]:
    main = tuple(
        StepRow(
            key=f"step.{action.value}", flow="*", order=order, action=action, role=role, limit_s=limit,
            origin=origin, origin_stated=True,
        )
        for order, action, role, limit, origin in _MAIN
    )  # fmt: skip
    # At the upper levels the town keeps people away while the lead works.
    aside = tuple(
        StepRow(
            key=f"road.{action.value}", flow="gas", level="I;II", line="road", order=3, action=action,
            role="town", limit_s=limit, origin=origin,
        )
        for action, limit, origin in (
            (Action.ACKNOWLEDGE, 300.0, ClockOrigin.ISSUED),
            (Action.ARRIVE, 1800.0, ClockOrigin.ACKNOWLEDGED),
        )
    )  # fmt: skip
    return main + aside


def _escalations() -> tuple[EscalationRow, ...]:
    timed = [action for _, action, _, limit, _ in _MAIN if limit is not None]
    return tuple(
        EscalationRow(
            key=f"escalate.{action.value}.{kind.value}",
            flow="*",
            action=action,
            kind=kind,
            role=role,
            fraction=fraction,
        )
        for action in timed
        for kind, fraction, role in _LADDER
    )


# The city.


def city() -> City:
    """Two districts, four towns, everybody at two posts with a roster of forty days."""
    units = _units()
    posts = tuple(
        Post(
            key=f"post:{unit.key[5:]}.{name}",
            unit=unit.key,
            title_zh=title,
            duty=name == "duty",
            leader=name == "leader",
        )
        for unit in units
        for name, title in (("duty", "值班岗"), ("leader", "带班领导"))
    )
    people = {post.key: f"person:{post.key[5:]}" for post in posts}
    return City(
        key="small",
        areas=_areas(),
        units=units,
        bodies=(
            Body(
                key="body:safety_committee", name_zh="安委会", office="unit:emergency",
                members=("unit:emergency", "unit:housing", "unit:water", "unit:gas"),
            ),
        ),
        posts=posts,
        holdings=tuple(
            Holding(post=key, person=f"{person}.{n}") for key, person in people.items() for n in ("a", "b")
        ),
        duties=tuple(
            Duty(
                post=key, start=START - DAY + shift * 12 * HOUR, end=START - DAY + (shift + 1) * 12 * HOUR,
                person=f"{person}.{'ab'[shift % 2]}", deputy=f"{person}.{'ba'[shift % 2]}",
            )
            for key, person in people.items()
            for shift in range(80)
        ),
        assets=_assets(),
        permissions=(
            *(Permission(post=f"post:centre.{n}", capability=c) for n in ("duty", "leader")
              for c in (Capability.CASE_READ, Capability.CASE_REOPEN)),
            Permission(post="post:government.duty", capability=Capability.CASE_READ),
        ),
    )  # fmt: skip


def _areas() -> tuple[Area, ...]:
    rows = [Area(key="area:city", name_zh="小城", kind=AreaKind.CITY, path="/city/")]
    rows += [
        Area(key=f"area:{d}", name_zh=d, kind=AreaKind.DISTRICT, parent="area:city", path=f"/city/{d}/")
        for d in DISTRICTS
    ]
    rows += [
        Area(key=f"area:{t}", name_zh=t, kind=AreaKind.TOWN, parent=f"area:{d}", path=f"/city/{d}/{t}/")
        for t, d in TOWNS.items()
    ]
    return tuple(rows)


def _units() -> tuple[Unit, ...]:
    def unit(key: str, kind: UnitKind, parent: str, area: str, function: str = "", **more: Any) -> Unit:
        return Unit(
            key=f"unit:{key}", name_zh=key, kind=kind, parent=parent, area=f"area:{area}", function=function,
            **more,
        )  # fmt: skip

    department, institution = UnitKind.DEPARTMENT, UnitKind.INSTITUTION
    rows = [unit("government", department, "", "city", "government")]
    for function in ("emergency", "housing", "water"):
        rows.append(unit(function, department, "unit:government", "city", function))
        rows += [unit(f"{function}_{d}", department, f"unit:{function}", d, function) for d in DISTRICTS]
    rows += [
        unit("weather", institution, "unit:government", "city", "weather"),
        unit("centre", institution, "unit:emergency", "city", "centre"),
        unit("gas", UnitKind.FIRM, "unit:housing", "city", "gas"),
        unit("drainage", institution, "unit:water", "city", "drainage"),
        unit("contractor", UnitKind.CONTRACTOR, "unit:centre", "city", "contractor", principal="unit:centre"),
        *(unit(f"town_{t}", UnitKind.TOWN, "unit:government", t, "town") for t in TOWNS),
    ]
    return tuple(rows)


def _assets() -> tuple[Asset, ...]:
    gas = [
        Asset(
            key=f"asset:well-{t}", name_zh="阀门井", kind="gas_well", area=f"area:{t}", owner="unit:gas",
            regulator="unit:housing", lon=113.10 + 0.01 * n, lat=23.00,
        )
        for n, t in enumerate(TOWNS)
    ]  # fmt: skip
    drains = [
        Asset(
            key=f"asset:drain-{t}", name_zh="下穿", kind="underpass", area=f"area:{t}", owner="unit:drainage",
            regulator="unit:water", lon=113.10, lat=23.00 + 0.01 * n,
        )
        for n, t in enumerate(TOWNS)
    ]  # fmt: skip
    return (*gas, *drains)
