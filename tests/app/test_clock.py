"""The clock: which witness it believes, that it never goes back, and that no limit breaks early."""

from __future__ import annotations

import threading

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from liandong.app.clock import DRIFT_PPM, Clock, Ticker, VirtualClock, perf, system_clock
from liandong.core.values.errors import Conflict
from liandong.core.values.times import DAY, HOUR, MINUTE, SECOND, parse_time

TRUTH = parse_time("2026-05-01T00:00:00Z")
Y1970 = 0
Y2038 = parse_time("2038-01-19T03:14:07Z")


class World:
    """True time passes; the wall says something else by `off`, or one fixed moment."""

    def __init__(self, last: int | None = None, off: int = 0) -> None:
        self.truth, self.mono, self.off, self.fixed = TRUTH, 5 * SECOND, off, None
        self.clock = Clock(self._wall, lambda: self.mono, last)

    fixed: int | None

    def _wall(self) -> int:
        return self.fixed if self.fixed is not None else self.truth + self.off

    def pass_time(self, micros: int) -> None:
        self.truth += micros
        self.mono += micros


def test_an_honest_wall_is_followed() -> None:
    world = World()
    world.pass_time(10 * MINUTE)
    reading = world.clock.read()
    assert (reading.now, reading.deadlines, reading.anomaly) == (world.truth, True, None)


@pytest.mark.parametrize("step", [1, SECOND, 60 * SECOND])
def test_a_small_step_forward_is_followed(step: int) -> None:
    world = World()
    world.off = step
    assert world.clock.read().now == world.truth + step


def test_a_small_step_back_holds_until_the_wall_catches_up() -> None:
    world = World()
    world.off = -30 * SECOND
    before = world.clock.read()
    world.pass_time(29 * SECOND)
    held = world.clock.read()
    world.pass_time(10 * SECOND)
    after = world.clock.read()
    assert [before.now, held.now, after.now] == [TRUTH, TRUTH, TRUTH + 9 * SECOND]
    assert {before.anomaly, held.anomaly, after.anomaly} == {None}


def test_many_small_steps_are_one_large_one() -> None:
    """Each step alone would be followed; together they are more than elapsed time bears out."""
    world = World()
    readings = []
    for _ in range(10):
        world.off += 20 * SECOND
        world.pass_time(SECOND)
        readings.append(world.clock.read())
    assert [reading.anomaly for reading in readings] == [None] * 3 + ["ahead"] * 7
    assert readings[-1].now <= world.truth + 60 * SECOND


def test_ahead_stops_limits_and_counts_on_until_the_wall_agrees() -> None:
    world = World()
    world.off = 2 * HOUR
    world.pass_time(SECOND)
    reading = world.clock.read()
    assert (reading.now, reading.deadlines, reading.anomaly) == (world.truth, False, "ahead")
    assert reading.difference == 2 * HOUR
    world.off = 40 * SECOND
    again = world.clock.read()
    assert (again.now, again.deadlines, again.anomaly) == (world.truth + 40 * SECOND, True, None)


def test_behind_counts_on_with_limits_until_the_wall_agrees() -> None:
    world = World()
    world.fixed = Y1970
    world.pass_time(MINUTE)
    reading = world.clock.read()
    assert (reading.now, reading.deadlines, reading.anomaly) == (world.truth, True, "behind")
    world.fixed = None
    assert world.clock.read().anomaly is None


def test_a_sleeping_machine_is_confirmed_by_a_person() -> None:
    """During sleep the monotonic clock stood still, so the wall was right all along."""
    world = World()
    world.off = 3 * HOUR
    assert world.clock.read().anomaly == "ahead"
    reading = world.clock.confirm(accept_wall=True)
    assert (reading.now, reading.deadlines, reading.anomaly) == (world.truth + 3 * HOUR, True, None)


def test_a_person_may_reject_the_wall_and_a_new_jump_is_again_an_anomaly() -> None:
    world = World()
    world.off = 3 * HOUR
    assert world.clock.confirm(accept_wall=False).anomaly is None
    world.pass_time(10 * MINUTE)
    reading = world.clock.read()
    assert (reading.now, reading.deadlines, reading.anomaly) == (world.truth, True, None)
    world.fixed = Y2038
    assert world.clock.read().deadlines is False


def test_accepting_a_wall_that_is_behind_waits_for_it() -> None:
    world = World()
    world.off = -HOUR
    world.clock.read()
    held = world.clock.confirm(accept_wall=True)
    world.pass_time(30 * MINUTE)
    world.fixed = Y2038
    thrown = world.clock.read()
    world.fixed = None
    world.pass_time(31 * MINUTE)
    caught_up = world.clock.read()
    assert (held.now, held.anomaly) == (TRUTH, "held")
    assert (thrown.now, thrown.anomaly, thrown.deadlines) == (TRUTH, "ahead", False)
    assert (caught_up.now, caught_up.anomaly) == (TRUTH + MINUTE, None)


def test_a_confirmation_of_what_was_shown_does_not_cover_a_later_jump() -> None:
    world = World()
    world.off = 3 * HOUR
    shown = world.clock.read().difference
    world.fixed = Y2038
    with pytest.raises(Conflict) as refused:
        world.clock.confirm(accept_wall=True, difference=shown)
    assert refused.value.key == "clock.moved_again"
    world.fixed = None
    assert world.clock.confirm(accept_wall=True, difference=shown).anomaly is None


@pytest.mark.parametrize(
    ("gap", "anomaly", "deadlines"),
    [
        (0, None, True),
        (HOUR, None, True),
        (7 * DAY, None, True),
        (7 * DAY + SECOND, "ahead", False),
        (-60 * SECOND, None, True),
        (-61 * SECOND, "behind", True),
    ],
)
def test_start_against_the_last_admitted_tick(gap: int, anomaly: str | None, deadlines: bool) -> None:
    last = TRUTH - gap
    reading = World(last=last).clock.read()
    assert (reading.anomaly, reading.deadlines) == (anomaly, deadlines)
    assert reading.now == (TRUTH if 0 <= gap <= 7 * DAY else last)


@pytest.mark.parametrize("wrong", [Y1970, Y2038])
def test_a_wrong_wall_at_start_is_forgiven_once_it_says_what_a_start_would_accept(wrong: int) -> None:
    """A machine without a battery starts in 1970 and hears from the time server a minute later."""
    world = World(last=TRUTH - 2 * DAY)
    world.fixed = wrong
    assert world.clock.read().anomaly in ("ahead", "behind")
    world.fixed = None
    world.pass_time(MINUTE)
    reading = world.clock.read()
    assert (reading.now, reading.deadlines, reading.anomaly) == (world.truth, True, None)
    world.off = HOUR  # the generosity of the start is spent
    assert world.clock.read().anomaly == "ahead"


def test_a_gap_longer_than_a_week_is_confirmed() -> None:
    world = World(last=TRUTH - 30 * DAY)
    assert world.clock.read().deadlines is False
    reading = world.clock.confirm(accept_wall=True)
    assert (reading.now, reading.deadlines, reading.anomaly) == (TRUTH, True, None)


def test_a_year_of_quartz_drift_is_no_anomaly() -> None:
    """50 ppm is 26 minutes a year; read often or seldom, it must not call a person."""
    world = World()
    for hour in range(24 * 365):
        world.pass_time(HOUR)
        world.off += HOUR * DRIFT_PPM // 2 // 1_000_000
        reading = world.clock.read()
        assert reading.anomaly is None, hour
        assert reading.now == world.truth + world.off


def test_drift_is_forgiven_also_when_the_clock_is_read_very_often() -> None:
    world = World()
    for _ in range(20_000):
        world.pass_time(3_000)
        world.off = (world.truth - TRUTH) * DRIFT_PPM // 2 // 1_000_000
        reading = world.clock.read()
    assert world.off == 3_000
    assert abs(reading.difference) <= 1


def test_forgiveness_of_drift_is_neither_saved_up_nor_given_twice() -> None:
    """A month without drift does not buy a step, nor does asking a hundred times at one moment."""
    world = World()
    world.pass_time(30 * DAY)
    world.clock.read()
    world.off = 50 * SECOND
    for _ in range(100):
        reading = world.clock.read()
    assert reading.difference >= 49 * SECOND
    world.off = 62 * SECOND
    assert world.clock.read().anomaly == "ahead"


def test_a_monotonic_clock_that_goes_back_is_taken_as_standing_still() -> None:
    world = World()
    world.mono -= HOUR
    reading = world.clock.read()
    assert (reading.now, reading.anomaly) == (TRUTH, None)


def test_rejecting_the_wall_at_start_ends_the_generosity_of_the_start() -> None:
    world = World(last=TRUTH - 30 * DAY)
    assert world.clock.confirm(accept_wall=False).now == TRUTH - 30 * DAY
    world.off = -27 * DAY
    assert world.clock.read().deadlines is False


_MOMENTS = st.one_of(
    st.sampled_from([Y1970, Y2038, TRUTH]),
    st.integers(-2 * DAY, 20 * DAY).map(lambda off: TRUTH + off),
    st.integers(-3 * MINUTE, 3 * MINUTE).map(lambda off: TRUTH + off),
)
_STEPS = st.lists(
    st.tuples(st.integers(0, 2 * HOUR), st.none() | _MOMENTS, st.none() | st.booleans()), max_size=30
)


@given(last=st.none() | _MOMENTS, steps=_STEPS)
def test_now_never_goes_back(last: int | None, steps: list[tuple[int, int | None, bool | None]]) -> None:
    """Whatever the wall says and whatever a person confirms."""
    world = World(last=last)
    before = world.clock.read().now
    for elapsed, wall, confirmed in steps:
        world.pass_time(elapsed)
        world.fixed = wall
        reading = world.clock.read() if confirmed is None else world.clock.confirm(confirmed)
        assert reading.now >= before
        before = reading.now


@given(steps=_STEPS)
@example(steps=[(SECOND, Y2038, None), (SECOND, Y1970, None), (SECOND, Y2038, None), (SECOND, None, None)])
def test_no_jump_makes_a_limit_run_out_early(steps: list[tuple[int, int | None, bool | None]]) -> None:
    """A running clock stays within the tolerance of the truth, and lets limits run only there."""
    world = World()
    for elapsed, wall, _ in steps:
        world.pass_time(elapsed)
        world.fixed = wall
        reading = world.clock.read()
        drift = (world.truth - TRUTH) * DRIFT_PPM // 1_000_000 + 1
        assert abs(reading.now - world.truth) <= 2 * 60 * SECOND + drift
        assert reading.now <= world.truth + 60 * SECOND + drift
    world.fixed = None
    world.pass_time(3 * MINUTE)
    reading = world.clock.read()
    assert (reading.deadlines, reading.anomaly) == (True, None)  # the anomaly cleared by itself


@given(gap=st.integers(0, 7 * DAY), steps=_STEPS)
def test_no_wall_at_start_makes_a_limit_run_out_more_than_a_week_early(
    gap: int, steps: list[tuple[int, int | None, bool | None]]
) -> None:
    world = World(last=TRUTH - gap)
    for elapsed, wall, _ in steps:
        world.pass_time(elapsed)
        world.fixed = wall
        reading = world.clock.read()
        if reading.deadlines:
            drift = (world.truth - TRUTH) * DRIFT_PPM // 1_000_000 + 1
            assert reading.now <= world.truth + 7 * DAY - gap + 60 * SECOND + drift


def test_the_virtual_clock_goes_where_it_is_sent_but_not_back() -> None:
    clock = VirtualClock(TRUTH)
    clock.set(TRUTH + DAY)
    assert clock.read().now == TRUTH + DAY
    with pytest.raises(Conflict) as refused:
        clock.set(TRUTH)
    assert refused.value.key == "clock.went_back"


def test_the_system_clock_reads_and_durations_grow() -> None:
    clock = system_clock()
    first, second = clock.read(), clock.read()
    assert first.now <= second.now
    assert perf() <= perf()


def test_the_ticker_goes_on_after_an_error_and_stops_when_told() -> None:
    calls, errors, enough = [], [], threading.Event()

    def beat() -> None:
        calls.append(1)
        if len(calls) == 1:
            raise ValueError("first beat fails")
        enough.set()

    ticker = Ticker(beat, errors.append, every_s=0.001).start()
    assert enough.wait(10)
    assert ticker.stop()
    seen = len(calls)
    assert not enough.wait(0.02) or len(calls) == seen
    assert [str(error) for error in errors] == ["first beat fails"]
