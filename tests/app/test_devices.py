"""Late, silent, never heard: none of them is well, and the watcher is watched by the same figures."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from liandong.app.devices import devices, sources, state_of, watchers
from liandong.core.mechanism.policy import Policy
from liandong.core.values.city import Asset, CityIndex
from liandong.core.values.lists import DeviceState
from liandong.core.values.times import HOUR, MINUTE, SECOND
from liandong.sim.city import demo_city
from liandong.stores.memory import open_memory
from tests.app.machine import CHANNELS, START, admitted, committed, live_orders
from tests.app.running import City

NOW = START + HOUR


@pytest.fixture(scope="module")
def policy() -> Policy:
    store = open_memory()
    made = committed(store).policy
    store.close()
    return made


@pytest.mark.parametrize(
    ("ago_s", "report_s", "idle_s", "state"),
    [
        (10, 60, 600, DeviceState.LIVE),
        (121, 60, 600, DeviceState.LATE),
        (301, 60, 600, DeviceState.SILENT),
        (599, 0, 600, DeviceState.LIVE),
        (601, 0, 600, DeviceState.SILENT),
    ],
)
def test_states_go_by_the_report_interval_else_by_the_source(ago_s, report_s, idle_s, state) -> None:
    assert state_of(NOW - ago_s * SECOND, report_s, idle_s, NOW) is state
    assert state_of(None, report_s, idle_s, NOW) is DeviceState.NEVER


def test_nobody_is_called_silent_for_a_pause_that_was_ours(policy: Policy) -> None:
    """A restart after a night without us: who could not be heard is not scored down for it."""
    source, old = policy.city.channels[CHANNELS[0]].source, {CHANNELS[0]: NOW - 10 * HOUR}

    def states(since: int) -> set[DeviceState]:
        one = next(d for d in devices(policy, old, NOW, since) if d.heard is not None)
        of = next(s for s in sources(policy, old, {}, NOW, since) if s.source == source)
        return {one.state, of.state}

    assert states(NOW - MINUTE) == {DeviceState.LATE}
    assert states(NOW - 9 * HOUR) == {DeviceState.SILENT}, "by now it had time enough"


def test_a_device_that_was_never_heard_is_never_counted_as_live(policy: Policy) -> None:
    found = {one.sensor: one for one in devices(policy, {CHANNELS[0]: NOW - MINUTE}, NOW)}
    sensor = policy.city.channels[CHANNELS[0]].sensor
    assert found[sensor].state is DeviceState.LIVE
    assert {one.state for one in found.values() if one.sensor != sensor} == {DeviceState.NEVER}
    assert len(found) == len(policy.city.city.sensors)


def test_owner_upkeep_and_watcher_come_from_the_row_or_the_asset(policy: Policy) -> None:
    city = policy.city.city
    sensor = city.sensors[0]
    asset = next(a for a in city.assets if a.key == sensor.asset)
    units = [unit.key for unit in city.units[:3]]
    changed = msgspec.structs.replace(
        city,
        sensors=(
            msgspec.structs.replace(sensor, owner=units[0], upkeep=units[1], calibration_due=NOW - 1),
            *city.sensors[1:],
        ),
        assets=tuple(
            msgspec.structs.replace(a, tier="owner") if a.key == asset.key else a for a in city.assets
        ),
    )
    one = devices(_with(policy, CityIndex(changed)), {}, NOW)[0]
    assert (one.owner, one.upkeep, one.watcher, one.tier) == (units[0], units[1], units[0], "owner")
    assert one.overdue
    row = next(w for w in watchers([one]))
    assert (row.unit, row.points, row.states, row.overdue) == (units[0], 1, {"never": 1}, 1)


def test_a_source_is_silent_when_none_of_its_channels_is_heard_in_time(policy: Policy) -> None:
    source = policy.city.channels[CHANNELS[0]].source
    heard = {CHANNELS[0]: NOW - MINUTE, CHANNELS[1]: NOW - 10 * HOUR}
    one = next(s for s in sources(policy, heard, {source: 400.0}, NOW) if s.source == source)
    assert one.state is DeviceState.LIVE and one.drift_s == 400.0
    assert one.silent == one.channels - 1
    quiet = next(s for s in sources(policy, {CHANNELS[0]: NOW - 2 * HOUR}, {}, NOW) if s.source == source)
    assert quiet.state is DeviceState.SILENT


@pytest.mark.slow
def test_a_source_that_goes_silent_in_the_demonstration_is_told_to_the_duty_centre(tmp_path: Path) -> None:
    """Once, also over a restart; and it is over when the source is heard again."""
    made = demo_city(7, START, 2, 36)
    gas = next(c for c in made.city.channels if c.quantity == "ch4_lel")
    town = City(tmp_path, made)

    def look(*minutes: int) -> list[str]:
        for by in minutes:
            town.virtual.set(town.now + by * MINUTE)
            town.platform.tick(persist=True).result(10)
            town.platform.devices.tick(town.now)
            town.settle()
        return [type(m).__name__ for m, origin, _ in admitted(town.store) if origin == "source:self"]

    try:
        town.send(3.0, gas.key, gas.source)
        assert look(0, 5, 4) == [], "ten minutes are allowed"
        assert look(6) == ["Finding"]
        fault = town.case("platform_fault")
        assert fault.asset == "asset:platform"
        assert [order.unit for order in live_orders(fault)] == ["unit:centre"]
        town.stop()
        town = City(tmp_path, made)
        assert look(0, 5, 5) == ["Finding"], "who has just begun to listen has heard no end of it"
        assert look(10) == ["Finding"]
        town.platform.devices.alive(gas.source)
        assert look(5) == ["Finding", "FindingEnded", "FindingSettled"], "a sign of life is enough"
        town.platform.devices.resting = True
        assert look(30) == ["Finding", "FindingEnded", "FindingSettled"]
    finally:
        town.stop()


def _with(policy: Policy, city: CityIndex) -> Policy:
    from dataclasses import replace

    return replace(policy, city=city)


def _owned(asset: Asset) -> Asset:
    return msgspec.structs.replace(asset, tier="owner")
