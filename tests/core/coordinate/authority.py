"""A small city with rows of authority, and messages going along the route without a shell."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import Any

import msgspec

from liandong.core.mechanism.policy import Policy
from liandong.core.mechanism.routing import Routing
from liandong.core.route import DECIDE, owner_of, stream_of
from liandong.core.values.authority_rows import DecisionRow, MeasureRow, ResourceRow, WarningRow
from liandong.core.values.case import VaultRef
from liandong.core.values.city import Area, City, CityIndex, Holding, Post, Unit
from liandong.core.values.decision import Decision
from liandong.core.values.document import Mechanism
from liandong.core.values.events import AGGREGATES, evolve, kind_of, read_event, record_event
from liandong.core.values.lists import (
    AreaKind,
    MeasureKind,
    ResourceAction,
    ResponseAction,
    UnitKind,
    WarningAction,
)
from liandong.core.values.messages import DeliveryReported, TimerFired
from liandong.core.values.public_warning import Contents, WarningAct, WarningState
from liandong.core.values.resource import ResourceAct, ResourceState
from liandong.core.values.response import ResponseAct, ResponseState
from liandong.core.values.rows import FlowRow
from liandong.core.values.scales import Scale
from liandong.core.values.times import HOUR, MINUTE, SECOND, parse_time

START = parse_time("2026-07-20T08:00:00+08:00")
WORDS = VaultRef("v1", "d1")
UNITS = {
    "unit:government": ("", UnitKind.DEPARTMENT, "government"),
    "unit:emergency": ("unit:government", UnitKind.DEPARTMENT, "emergency"),
    "unit:water": ("unit:government", UnitKind.DEPARTMENT, "water"),
    "unit:centre": ("unit:emergency", UnitKind.INSTITUTION, "centre"),
    "unit:garrison": ("", UnitKind.INSTITUTION, "garrison"),
    "unit:firm": ("", UnitKind.CONTRACTOR, "pumping"),
}


def city() -> City:
    """Each unit has a duty post with two persons and a post of the leader on duty with one."""
    names = [key.partition(":")[2] for key in UNITS]
    return City(
        key="town",
        areas=(
            Area(key="town", name_zh="城", kind=AreaKind.CITY, path="/town/"),
            Area(key="east", name_zh="东区", kind=AreaKind.DISTRICT, parent="town", path="/town/east/"),
        ),
        units=tuple(
            Unit(key=key, name_zh=key, kind=kind, parent=parent, function=function, area="town")
            for key, (parent, kind, function) in UNITS.items()
        ),
        posts=tuple(
            post
            for name in names
            for post in (
                Post(key=f"post:{name}.duty", unit=f"unit:{name}", title_zh="值班", duty=True),
                Post(key=f"post:{name}.leader", unit=f"unit:{name}", title_zh="带班领导", leader=True),
            )
        ),
        holdings=tuple(
            Holding(post=f"post:{name}.{post}", person=f"person:{name}.{who}")
            for name in names
            for post, who in (("duty", "a"), ("duty", "b"), ("leader", "chief"))
        ),
    )


def warning_row(**changes: Any) -> WarningRow:
    return replace_row(
        WarningRow(
            key="w.flood", flow="flood", drafter="unit:water", approver="unit:emergency",
            publisher="unit:centre", raiser="unit:emergency", lifter="unit:emergency", channels=("radio",),
            onward=("unit:government", "unit:garrison", "neighbours"), green_channel=True,
            approve_s=1800.0, lift_s=3600.0,
        ),
        **changes,
    )  # fmt: skip


def replace_row(row: Any, **changes: Any) -> Any:
    return msgspec.structs.replace(row, **changes)


def mechanism(**changes: Any) -> Mechanism:
    return replace_row(
        Mechanism(
            key="m", centre="unit:centre",
            flows=(FlowRow(key="flood", hazards=("rainstorm", "waterlogging")),),
            warnings=(warning_row(),),
            decisions=(
                DecisionRow(
                    key="d.red", flow="flood", scale=Scale.WARNING_COLOUR, code="red;orange",
                    decider="unit:emergency", limit_s=1800.0, response="II", otherwise="unit:government",
                ),
                DecisionRow(
                    key="d.case", flow="flood", scale=Scale.CASE_LEVEL, code="I", decider="unit:emergency",
                    limit_s=900.0, response="I", otherwise="unit:government",
                ),
            ),
            measures=(
                MeasureRow(
                    key="m.red", flow="flood", scale=Scale.WARNING_COLOUR, code="red",
                    kind=MeasureKind.WITHDRAW, title_zh="转移", role="unit:water", limit_s=7200.0,
                ),
                MeasureRow(
                    key="m.two", flow="flood", scale=Scale.RESPONSE_LEVEL, code="II;I",
                    kind=MeasureKind.CLOSE, title_zh="关闭下穿隧道", role="unit:water", limit_s=3600.0,
                ),
                MeasureRow(
                    key="m.one", flow="flood", scale=Scale.RESPONSE_LEVEL, code="I",
                    kind=MeasureKind.STOP, title_zh="停课停业", role="unit:government",
                ),
            ),
            resources=(
                ResourceRow(
                    key="r.pump", resource="pump", owner="unit:water", requester="unit:centre",
                    releaser="unit:water", requisitioner="unit:government", payer="unit:government",
                    approvals=("unit:emergency", "unit:government"), allowed=2, approval_s=600.0,
                    decides="unit:government",
                ),
            ),
        ),
        **changes,
    )  # fmt: skip


def policy(mechanism_: Mechanism | None = None, **more: Any) -> Policy:
    return Policy(
        city=CityIndex(city()), routing=Routing(mechanism_ or mechanism()), rules={},
        channels=("file",), **more,
    )  # fmt: skip


def contents(**changes: Any) -> Contents:
    return replace_row(
        Contents(
            category="rainstorm", colour="red", starts=START, area="town", caution=WORDS, measures=WORDS,
            issuer="unit:emergency", issues=START,
        ),
        **changes,
    )  # fmt: skip


class Town:
    """States of all streams, a clock, every event and everything that was told."""

    def __init__(self, policy_: Policy | None = None) -> None:
        self.policy = policy_ or policy()
        self.now = START
        self.states: dict[str, Any] = {}
        self.events: list[Any] = []
        self.told: list[Any] = []
        self.acts = 0

    def send(self, message: Any) -> Decision:
        """The message and what follows from it; each event is read back from how the journal keeps it."""
        first: Decision | None = None
        waiting = deque([message])
        while waiting:
            current = waiting.popleft()
            step = owner_of(current)
            assert step is not None, current
            stream, empty = stream_of(self.policy, current, lambda _: None)
            before = self.states.get(stream, empty or AGGREGATES[kind_of(stream)][0])
            decision = DECIDE[step](self.policy, before, current, self.now)
            assert decision == DECIDE[step](self.policy, before, current, self.now)
            state = before
            for event in decision.events:
                assert read_event(record_event(event)) == event
                state = evolve(stream, state, event)
            assert decision.after in (None, state)
            self.states[stream] = state
            self.events += decision.events
            self.told += decision.effects
            first = first or decision
            waiting.extend(e for e in decision.events if owner_of(e) is not None)
        running = [s.active for s in self.states.values() if isinstance(s, ResponseState) and s.active]
        self.policy = replace(self.policy, responses=tuple(running))
        assert first is not None
        return first

    def timers(self) -> list[tuple[int, str, str]]:
        """Every moment that any stream waits for."""
        return sorted(
            (t.due, stream, t.id)
            for stream, s in self.states.items()
            for t in getattr(s, "timers", {}).values()
        )

    def until(self, moment: int) -> None:
        """Time goes on; what comes due fires."""
        while True:
            due = [t for t in self.timers() if t[0] <= moment]
            if not due:
                break
            at, stream, timer = due[0]
            self.now = max(self.now, at)
            self.send(TimerFired(case=stream.removeprefix("case:"), timer=timer, due=at))
        self.now = max(self.now, moment)

    def wait(self, seconds: float) -> None:
        self.until(self.now + round(seconds * SECOND))

    # People. `who` is `unit.person`, e.g. `water.a`; its post follows.

    def _who(self, who: str) -> dict[str, str]:
        unit, _, person = who.partition(".")
        post = "leader" if person == "chief" else "duty"
        return {"person": f"person:{who}", "post": f"post:{unit}.{post}"}

    def _key(self, key: str) -> dict[str, str]:
        self.acts += 1
        return {"id": key or f"act_{self.acts}", "body_digest": "d"}

    def warn(self, who: str, action: WarningAction, *, key: str = "", **more: Any) -> Decision:
        version = more.pop("version", self.warning.version)
        message = WarningAct(
            warning="wrn_1", action=action, version=version, **self._key(key), **self._who(who), **more
        )
        return self.send(message)

    @property
    def warning(self) -> WarningState:
        return self.states.get("warning:wrn_1", WarningState())

    @property
    def response(self) -> ResponseState:
        found = [s for s in self.states.values() if isinstance(s, ResponseState) and s.id]
        return found[0] if found else ResponseState()

    def respond(self, who: str, action: ResponseAction, **more: Any) -> Decision:
        state = self.response
        more.setdefault("version", state.version)
        more.setdefault("response", state.id)
        return self.send(ResponseAct(action=action, **self._key(""), **self._who(who), **more))

    def ask(self, who: str, action: ResourceAction, **more: Any) -> Decision:
        state = self.request
        version = more.pop("version", state.version)
        message = ResourceAct(
            request="rsq_1", action=action, version=version, **self._key(""), **self._who(who), **more
        )
        return self.send(message)

    @property
    def request(self) -> ResourceState:
        return self.states.get("resource:rsq_1", ResourceState())

    def deliver(self, outcome: str, templates: tuple[str, ...] = ("tell.warning",)) -> None:
        """Every delivery of these texts so far ends so."""
        for n, one in enumerate([t for t in self.told if t.template in templates]):
            self.send(
                DeliveryReported(
                    case=one.case, order=one.order, attempt=f"dlv_{n}", number=1, recipient=one.recipient,
                    channel=one.channel, outcome=outcome,
                )
            )  # fmt: skip

    def in_force(self, **changes: Any) -> None:
        """A warning drafted, approved and published."""
        for who, action, more in (
            ("water.a", WarningAction.DRAFT, {"contents": contents(**changes)}),
            ("emergency.chief", WarningAction.APPROVE, {}),
            ("centre.a", WarningAction.PUBLISH, {}),
        ):
            decision = self.warn(who, action, **more)
            assert not decision.refused, decision.reason


__all__ = ["HOUR", "MINUTE", "START", "WORDS", "Town", "contents", "mechanism", "policy", "warning_row"]
