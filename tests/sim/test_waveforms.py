"""Fast strain of the bridges, condensed by the city's own reducers."""

from __future__ import annotations

from liandong.core.ingest.waveforms import Statistics, decode_waveforms
from liandong.core.values.city import CityIndex
from liandong.core.values.times import MINUTE, SECOND, parse_time
from liandong.sim.city import demo_city
from liandong.sim.device_story import Kind
from liandong.sim.devices import Gateways
from liandong.sim.waveforms import RATE, SPAN, Waves
from liandong.wiring.packs import equipped

START = parse_time("2026-05-01T00:00:00+08:00")
HOURS = 12
DEMO = equipped(demo_city(5, START, 1, 36))
GATEWAYS = Gateways(5, DEMO, START, HOURS)
WAVES = Waves(GATEWAYS, DEMO)
PLAN = WAVES.plan()
ROWS = {row.key: row for row in CityIndex(DEMO.city).channel_rows()}


def condensed(first: int = 0) -> list[tuple[str, int, float]]:
    """What the city makes of the messages from one on, as after a start."""
    statistics = Statistics(DEMO.city)
    names = {row.number: row.key for row in ROWS.values()}
    found = []
    for planned in PLAN[first:]:
        message = WAVES.make(planned)
        decoded = decode_waveforms(message.body, message.source, ROWS, message.at, message.at)
        assert not decoded.errors
        batch = statistics.condense(decoded.batch, message.at)
        columns = (batch.channel.tolist(), batch.event_time.tolist(), batch.value.tolist())
        found += [(names[channel], at, value) for channel, at, value in zip(*columns, strict=True)]
    return found


ALL = condensed()


def test_every_message_is_complete_in_itself() -> None:
    """So that a city that was killed between two of them misses no window."""
    fast = [c for c in DEMO.city.channels if c.reducer]
    assert len(fast) == len([a for a in DEMO.city.assets if a.kind == "bridge"])
    assert len(ALL) == len(fast) * len(PLAN)
    assert [(c, at) for c, at, _ in condensed(7)] == [(c, at) for c, at, _ in ALL[7 * len(fast) :]]
    assert all(at % SPAN == 0 for _, at, _ in ALL)


def test_the_same_message_is_the_same_bytes_and_has_all_samples() -> None:
    message = WAVES.make(PLAN[3])
    assert message == WAVES.make(PLAN[3]) != WAVES.make(PLAN[4])
    decoded = decode_waveforms(message.body, message.source, ROWS, message.at, message.at)
    assert all(len(samples) == RATE * SPAN // SECOND for *_, samples in decoded.batch.windows())


def test_the_mean_follows_the_bearing_that_sinks_and_nothing_else() -> None:
    (sinking,) = [e for e in GATEWAYS.story if e.kind == Kind.SETTLING]
    groups = {c.key: c.group for c in DEMO.city.channels}
    by_bridge: dict[str, dict[int, float]] = {}
    for channel, at, value in ALL:
        by_bridge.setdefault(groups[channel], {})[at] = value
    for bridge, values in by_bridge.items():
        jumps = [abs(values[at] - values[at - SPAN]) for at in values if at - SPAN in values]
        before, last = sinking.begin, sinking.end - sinking.end % SPAN
        if bridge == sinking.asset:
            assert values[last - 5 * MINUTE] - values[before] > 40
        else:
            assert max(jumps) < 10
