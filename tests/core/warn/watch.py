"""A town of two owners and a centre, whose alarms are driven by hand: risks, acts, announcements, time."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import Any

from liandong.core.mechanism.policy import Policy
from liandong.core.mechanism.routing import Routing
from liandong.core.route import owner_of, stream_of
from liandong.core.values.alarm import AlarmAct, AlarmState
from liandong.core.values.announcement import AnnouncementAct, AnnouncementState
from liandong.core.values.case import VaultRef
from liandong.core.values.city import Area, Asset, Channel, City, CityIndex, Post, Sensor, Unit
from liandong.core.values.decision import Decision
from liandong.core.values.document import Mechanism
from liandong.core.values.events import AGGREGATES, evolve, kind_of
from liandong.core.values.lists import (
    AlarmAction,
    AnnouncementAction,
    AnnouncementKind,
    AnnouncementStage,
    AreaKind,
    Mode,
    Step,
    UnitKind,
)
from liandong.core.values.messages import TimerFired
from liandong.core.values.risk import OpenFinding, RiskAssessed
from liandong.core.values.roster import Holding
from liandong.core.values.rows import GatherRow
from liandong.core.warn import decide

GAS, CENTRE, WATER = "gas", "centre", "water"
WORDS = VaultRef("v", "d")


def city() -> City:
    units = (GAS, CENTRE, WATER)
    assets = [("well1", "a", GAS), ("well2", "b", GAS), ("main", "b", WATER)]
    return City(
        key="c",
        areas=(
            Area(key="area:c", name_zh="市", kind=AreaKind.CITY, path="/c/"),
            *(Area(key=k, name_zh=k, kind=AreaKind.TOWN, path=f"/c/{k}/", parent="area:c") for k in "ab"),
        ),
        units=tuple(Unit(key=u, name_zh=u, kind=UnitKind.FIRM) for u in units),
        posts=tuple(Post(key=f"{u}.duty", unit=u, title_zh=u, duty=True) for u in units),
        holdings=tuple(Holding(post=f"{u}.duty", person=f"{u}.p") for u in units),
        assets=tuple(Asset(key=k, name_zh=k, kind="well", area=area, owner=u) for k, area, u in assets),
        sensors=tuple(Sensor(key=f"s_{k}_{n}", asset=k) for k, _, _ in assets for n in (1, 2)),
        channels=tuple(
            Channel(
                key=f"c_{k}_{n}", number=i * 2 + n, sensor=f"s_{k}_{n}", quantity="q", group=k, source="s"
            )
            for i, (k, _, _) in enumerate(assets)
            for n in (1, 2)
        ),
    )  # fmt: skip


class Watch:
    """The streams of warn alone; `said` is what coordinate is told."""

    def __init__(self, gatherings: tuple[GatherRow, ...] = ()) -> None:
        mechanism = Mechanism(key="m", centre=CENTRE, gatherings=gatherings)
        self.base = Policy(city=CityIndex(city()), routing=Routing(mechanism), rules={})
        self.states: dict[str, Any] = {}
        self.levels: dict[tuple[str, int], str] = {}
        self.said: list[Any] = []
        self.events: list[Any] = []
        self.now = 1_000_000_000_000
        self.count = 0

    @property
    def policy(self) -> Policy:
        open_ = (s for s in self.states.values() if isinstance(s, AnnouncementState))
        rows = (s.what for s in open_ if s.stage == AnnouncementStage.OPEN and s.what)
        return replace(self.base, announcements=tuple(rows))

    def alarm(self, grouping: str) -> AlarmState:
        found: AlarmState = self.states.get(f"alarm:{grouping}", AlarmState())
        return found

    def risk(self, grouping: str, level: str, sensor: int = 1) -> Decision:
        """A sensor of the asset finds this level from now on; empty = nothing."""
        return self.take(self.assessed(grouping, level, sensor))

    def assessed(self, grouping: str, level: str, sensor: int = 1) -> RiskAssessed:
        """What assess says of it."""
        hazard, _, asset = grouping.partition("|")
        before = max((v for (g, _), v in self.levels.items() if g == grouping), key=_rank, default="")
        self.levels[grouping, sensor] = level
        after = max((v for (g, _), v in self.levels.items() if g == grouping), key=_rank)
        area = self.base.city.assets[asset].area
        detail = OpenFinding(
            id=f"f{asset}{sensor}", rule="r", severity="s", level=level, channel=f"c_{asset}_{sensor}",
            onset=self.now, raised=self.now, value=1.0,
        )  # fmt: skip
        return RiskAssessed(
            grouping=grouping, hazard=hazard, asset=asset, area=area,
            area_path=self.base.city.area_path(area), change="raised" if level else "ended",
            finding=detail.id, detail=detail if level else None, level_before=before, level=after,
            basis="", mode=Mode.REAL,
        )  # fmt: skip

    def act(self, grouping: str, action: AlarmAction, hours: float = 1.0, unit: str = CENTRE) -> Decision:
        self.count += 1
        return self.take(
            AlarmAct(
                id=str(self.count), body_digest="", grouping=grouping, action=action, person=f"{unit}.p",
                post=f"{unit}.duty", version=self.alarm(grouping).version,
                until=self.now + round(hours * 3600e6), reason=WORDS,
            )
        )  # fmt: skip

    def announce(self, hours: float = 1.0, unit: str = GAS, since: float = 0.0, **place: Any) -> Decision:
        self.count += 1
        kind = place.pop("kind", AnnouncementKind.PURGING)
        start = self.now + round(since * 3600e6)
        return self.take(
            AnnouncementAct(
                id=str(self.count), body_digest="", announcement=f"a{self.count}", person=f"{unit}.p",
                action=AnnouncementAction.ANNOUNCE, post=f"{unit}.duty", version=0, kind=kind, since=start,
                until=start + round(hours * 3600e6), contact=WORDS, reason=WORDS, **place,
            )
        )  # fmt: skip

    def about(self, id: str, action: AnnouncementAction, unit: str = GAS, hours: float = 0.0) -> Decision:
        self.count += 1
        return self.take(
            AnnouncementAct(
                id=str(self.count), body_digest="", announcement=id, action=action, person=f"{unit}.p",
                post=f"{unit}.duty", version=self.states[f"announcement:{id}"].version, reason=WORDS,
                until=self.now + round(hours * 3600e6) if hours else None,
            )
        )  # fmt: skip

    def wait(self, seconds: float) -> None:
        """Time passes, and nothing else: timers fire, no message comes."""
        end = self.now + round(seconds * 1e6)
        while due := sorted(
            (timer.due, stream, timer.id)
            for stream, state in self.states.items()
            for timer in getattr(state, "timers", {}).values()
            if timer.due <= end
        ):
            self.now, stream, timer = due[0]
            self.take(TimerFired(case=stream, timer=timer, due=self.now))
        self.now = end

    def take(self, message: Any) -> Decision:
        first: Decision | None = None
        waiting = deque([message])
        while waiting:
            current = waiting.popleft()
            if owner_of(current) != Step.WARN:
                self.said.append(current)
                continue
            policy = self.policy
            stream, _ = stream_of(policy, current, lambda grouping: None)
            state = self.states.get(stream, AGGREGATES[kind_of(stream)][0])
            decision = decide(policy, state, current, self.now)
            first = first or decision
            for event in decision.events:
                state = evolve(stream, state, event)
            self.states[stream] = state
            self.events += decision.events
            waiting.extend(event for event in decision.events if owner_of(event) is not None)
        assert first is not None
        return first


def _rank(level: str) -> int:
    return ("", "IV", "III", "II", "I").index(level)
