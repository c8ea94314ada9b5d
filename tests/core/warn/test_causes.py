"""Alarms that explain others: joined, held back, let go; whatever the order, nothing stays unsaid."""

from __future__ import annotations

from collections import deque
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from liandong.core.mechanism.policy import Policy
from liandong.core.mechanism.routing import Routing
from liandong.core.route import owner_of, stream_of
from liandong.core.values.alarm import AlertCleared, AlertRaised
from liandong.core.values.cascade import Cascade, Effect
from liandong.core.values.city import Area, Asset, City, CityIndex, Relation
from liandong.core.values.document import Mechanism
from liandong.core.values.events import AGGREGATES, evolve, kind_of
from liandong.core.values.gathering import GatheringEnded
from liandong.core.values.lists import AreaKind, Mode, RelationKind, Step
from liandong.core.values.risk import OpenFinding, RiskAssessed
from liandong.core.values.rows import GatherRow
from liandong.core.warn import decide

ADJACENT, FEEDS = RelationKind.ADJACENT, RelationKind.FEEDS
CASCADES = (
    Cascade(
        hazard="leak", asset_kind="pipe", relation=ADJACENT, effect=Effect.RAISES, then="gas", basis="b1"
    ),
    Cascade(hazard="power_cut", relation=FEEDS, effect=Effect.MUTES, then="pump_stopped", basis="b2"),
)


def city(cascades: tuple[Cascade, ...] = CASCADES) -> City:
    kinds = {
        "pipe": "pipe",
        "well1": "well",
        "well2": "well",
        "station": "station",
        "pump": "pump",
        "far": "well",
    }
    return City(
        key="c",
        areas=(Area(key="area:c", name_zh="市", kind=AreaKind.CITY, path="/c/"),),
        assets=tuple(
            Asset(key=k, name_zh=k, kind=kind, area="area:c", owner="u") for k, kind in kinds.items()
        ),
        relations=(
            Relation(source="pipe", kind=ADJACENT, target="well1"),
            Relation(source="pipe", kind=ADJACENT, target="well2"),
            Relation(source="station", kind=FEEDS, target="pump"),
        ),
        cascades=cascades,
    )  # fmt: skip


class Warn:
    """The streams of warn alone; what it says to coordinate is kept."""

    def __init__(self, gather: tuple[GatherRow, ...] = ()) -> None:
        self.policy = Policy(
            city=CityIndex(city()), routing=Routing(Mechanism(key="m", gatherings=gather)), rules={}
        )
        self.states: dict[str, Any] = {}
        self.said: list[Any] = []
        self.reasons: list[str] = []
        self.levels: dict[str, str] = {}
        self.now = 0

    def risk(self, grouping: str, level: str) -> list[Any]:
        """The level of a risk becomes this; what coordinate is told because of it."""
        hazard, _, asset = grouping.partition("|")
        before = self.levels.get(grouping, "")
        self.levels[grouping] = level
        self.now += 1
        detail = OpenFinding(
            id=f"f{self.now}",
            rule="r",
            severity="high",
            level=level,
            channel="c",
            onset=0,
            raised=0,
            value=1.0,
        )
        return self.take(
            RiskAssessed(
                grouping=grouping, hazard=hazard, asset=asset, area="area:c", area_path="/c/",
                change="raised" if level else "ended", finding=f"f-{grouping}",
                detail=detail if level else None,
                level_before=before, level=level, basis="", mode=Mode.REAL,
            )
        )  # fmt: skip

    def take(self, message: Any) -> list[Any]:
        said: list[Any] = []
        waiting = deque([message])
        while waiting:
            current = waiting.popleft()
            if owner_of(current) != Step.WARN:
                said.append(current)
                continue
            stream, _ = stream_of(self.policy, current, lambda grouping: None)
            state = self.states.get(stream, AGGREGATES[kind_of(stream)][0])
            decision = decide(self.policy, state, current, self.now)
            self.reasons.append(decision.reason.key)
            for event in decision.events:
                state = evolve(stream, state, event)
            self.states[stream] = state
            waiting.extend(event for event in decision.events if owner_of(event) is not None)
        self.said += said
        return said


LEAK, GAS1, GAS2, CUT, PUMP = "leak|pipe", "gas|well1", "gas|well2", "power_cut|station", "pump_stopped|pump"


def test_what_a_leak_explains_joins_its_case_and_the_last_to_clear_ends_it():
    warn = Warn()
    (leak,) = warn.risk(LEAK, "II")
    assert isinstance(leak, AlertRaised) and leak.place == ""
    (gas,) = warn.risk(GAS1, "III")
    assert (gas.place, gas.members, gas.asset) == (LEAK, 2, "well1")
    (more,) = warn.risk(GAS2, "III")
    assert (more.place, more.members) == (LEAK, 3)
    assert warn.risk(LEAK, "") == []  # its case lives on with what it explains
    assert warn.risk(GAS1, "") == []
    (ended,) = warn.risk(GAS2, "")
    assert isinstance(ended, GatheringEnded) and ended.place == LEAK


def test_an_effect_that_clears_first_leaves_the_case_of_its_cause_open():
    warn = Warn()
    warn.risk(LEAK, "II")
    warn.risk(GAS1, "III")
    assert warn.risk(GAS1, "") == []
    (over,) = warn.risk(LEAK, "")
    assert isinstance(over, AlertCleared) and over.place == "" and over.grouping == LEAK


def test_what_a_power_cut_explains_is_held_back_and_told_if_it_outlasts_it():
    warn = Warn()
    warn.risk(CUT, "II")
    assert warn.risk(PUMP, "III") == [] and warn.reasons[-1] == "warn.held"
    assert warn.risk(PUMP, "I") == []  # worse meanwhile: kept
    cleared, told = warn.risk(CUT, "")
    assert isinstance(cleared, AlertCleared)
    assert isinstance(told, AlertRaised) and (told.grouping, told.level) == (PUMP, "I")
    (over,) = warn.risk(PUMP, "")
    assert isinstance(over, AlertCleared) and over.grouping == PUMP


def test_a_held_alarm_that_clears_by_itself_is_never_told():
    warn = Warn()
    warn.risk(CUT, "II")
    warn.risk(PUMP, "III")
    warn.risk(PUMP, "")
    said = warn.risk(CUT, "")
    assert [type(one) for one in said] == [AlertCleared]


def test_the_cause_may_come_after_its_effect_which_then_keeps_its_own_case():
    """PEERS 3.10: after a restart the suppressing alarm may arrive after the suppressed one."""
    warn = Warn()
    (told,) = warn.risk(PUMP, "III")
    assert isinstance(told, AlertRaised) and told.place == ""
    warn.risk(CUT, "II")
    assert [one.grouping for one in warn.risk(PUMP, "")] == [PUMP]
    assert [one.grouping for one in warn.risk(CUT, "")] == [CUT]


def test_an_asset_that_nothing_is_related_to_is_told_at_once():
    warn = Warn()
    warn.risk(LEAK, "I")
    (told,) = warn.risk("gas|far", "III")
    assert told.place == "" and "warn.uncaused" not in warn.reasons[-1:]


def test_what_nothing_explains_is_still_counted_by_area():
    row = GatherRow(key="g", flow="gas", area_kind=AreaKind.CITY, count=2, within_s=60, quiet_s=60)
    warn = Warn((row,))
    warn.risk(GAS1, "III")
    (second,) = warn.risk(GAS2, "III")
    assert second.place == "gas|area:c#1"
    assert warn.risk(GAS1, "") != []
    (ended,) = warn.risk(GAS2, "")
    assert isinstance(ended, GatheringEnded)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from([LEAK, GAS1, GAS2, CUT, PUMP]), st.sampled_from(["", "III", "I"])),
        max_size=30,
    )
)
def test_in_any_order_every_active_risk_is_told_or_explained_by_an_active_one(made):
    warn = Warn()
    for grouping, level in made:
        if level or warn.levels.get(grouping):
            warn.risk(grouping, level)
        alarms = {key[6:]: state for key, state in warn.states.items() if key.startswith("alarm:")}
        for one, now in warn.levels.items():
            state = alarms[one]
            if not now:
                assert not state.active and not state.inhibited_by
            elif state.inhibited_by:
                assert warn.levels[state.inhibited_by] and not state.active
            else:
                assert state.active and state.level == now
    for grouping in list(warn.levels):
        if warn.levels[grouping]:
            warn.risk(grouping, "")
    gathered = [state for key, state in warn.states.items() if key.startswith("gather:")]
    assert all(not state.open and not state.held and not any(state.active.values()) for state in gathered)
