"""Failure thread 7: from reading to alarm, no device outside a rule's scope is ever alarmed for."""

from __future__ import annotations

from collections import deque
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from liandong.core.detect.shard import Shard
from liandong.core.mechanism.policy import Policy
from liandong.core.mechanism.routing import Routing
from liandong.core.route import DECIDE, owner_of, stream_of
from liandong.core.values.alarm import AlertRaised
from liandong.core.values.city import Area, Asset, Channel, City, CityIndex, Sensor
from liandong.core.values.document import Mechanism
from liandong.core.values.events import AGGREGATES, evolve, kind_of
from liandong.core.values.lists import AreaKind, Mode, Step
from liandong.core.values.rows import GradingRow
from liandong.core.values.rules import ChannelRow, Rule, SourceTerms
from tests.core.detect.world import Row, feed, messages, rule

KINDS, QUANTITIES = ("well", "station"), ("gas", "level")
#: Asset n is of kind n % 2; each has a channel of either quantity, all in one shard group.
ASSETS = tuple(
    Asset(key=f"a{n}", name_zh="", kind=KINDS[n % 2], area="area:c", owner="u", stage="", tier="")
    for n in range(4)
)
CHANNELS = tuple(
    Channel(
        key=f"channel:{n}", number=n, sensor=f"s{n // 2}", quantity=QUANTITIES[n % 2], group="g", source="a"
    )
    for n in range(8)
)
CITY = City(
    key="c",
    areas=(Area(key="area:c", name_zh="", kind=AreaKind.CITY, path="/c/"),),
    assets=ASSETS,
    sensors=tuple(Sensor(key=f"s{n}", asset=f"a{n}") for n in range(4)),
    channels=CHANNELS,
)
SCOPES = st.builds(
    dict,
    quantity=st.sampled_from(QUANTITIES),
    asset_kind=st.sampled_from(("*", *KINDS)),
    channel=st.sampled_from(("*", *(c.key for c in CHANNELS))),
    hazard=st.sampled_from(("leak", "flood")),
)


def alarmed(rules: list[Rule], values: list[float]) -> set[str]:
    """Groupings of the alarms raised after each channel has measured its value twice."""
    rows = tuple(
        ChannelRow(
            number=c.number, key=c.key, group=c.group, source=c.source, quantity=c.quantity,
            asset_kind=ASSETS[c.number // 2].kind,
        )
        for c in CHANNELS
    )  # fmt: skip
    shard = Shard(rows, tuple(rules), (SourceTerms(key="a"),), "c", Mode.REAL)
    grades = (GradingRow(key="g", flow="*", severity="high", level="III"),)
    policy = Policy(
        city=CityIndex(CITY), routing=Routing(Mechanism(key="m", grading=grades)),
        rules={one.key: one for one in rules},
    )  # fmt: skip
    readings = [Row("a", n, at, value) for at in (0, 60) for n, value in enumerate(values)]
    states: dict[str, Any] = {}
    found: set[str] = set()
    waiting = deque(messages(feed(shard, readings)))
    while waiting:
        current = waiting.popleft()
        if isinstance(current, AlertRaised):
            found.add(current.grouping)
        step = owner_of(current)
        if step not in (Step.ASSESS, Step.WARN):
            continue
        stream, _ = stream_of(policy, current, lambda grouping: None)
        state = states.get(stream, AGGREGATES[kind_of(stream)][0])
        decision = DECIDE[step](policy, state, current, 10**9)
        for event in decision.events:
            state = evolve(stream, state, event)
        states[stream] = state
        waiting.extend(event for event in decision.events if owner_of(event) is not None)
    return found


@settings(max_examples=30, deadline=None)
@given(
    st.lists(SCOPES, min_size=1, max_size=4), st.lists(st.sampled_from((0.0, 99.0)), min_size=8, max_size=8)
)
def test_7_an_alarm_is_raised_for_every_device_in_a_rules_scope_and_for_no_other(scopes, values):
    rules = [rule(f"r{n}", **scope) for n, scope in enumerate(scopes)]
    wanted = {
        f"{scope['hazard']}|{ASSETS[n // 2].key}"
        for scope in scopes
        for n, channel in enumerate(CHANNELS)
        if values[n] > 30
        and channel.quantity == scope["quantity"]
        and scope["asset_kind"] in ("*", ASSETS[n // 2].kind)
        and scope["channel"] in ("*", channel.key)
    }
    assert alarmed(rules, values) == wanted
