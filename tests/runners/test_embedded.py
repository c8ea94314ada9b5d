"""One city in one process: its clock may lie, its folder is its own, and a restart loses nothing."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from liandong.app.clock import Anomaly
from liandong.app.rebuild import rebuild
from liandong.app.settings import load_settings
from liandong.core.values.errors import BadInput, Broken, Conflict, Forbidden
from liandong.core.values.findings import Finding, FindingEnded
from liandong.core.values.lists import Capability
from liandong.core.values.messages import ClockConfirmed
from liandong.core.values.times import DAY, HOUR, MINUTE, SECOND, parse_time
from liandong.runners.replay import replay
from liandong.stores.memory import open_memory
from liandong.wiring import city as wiring
from liandong.wiring import open_city
from tests.app.machine import START, admitted, cases, folder, live_orders
from tests.app.rig import until
from tests.app.running import OPERATOR, City, Hands

FAR = parse_time("2038-01-19T03:14:08+00:00")


class Lying(City):
    """A city by the machine's two clocks, which beats when the test says so."""

    def __init__(
        self, data: Path, hands: Hands | None = None, last: int | None = None, **options: Any
    ) -> None:
        self.hands = hands or Hands()
        super().__init__(data, clock=self.hands.clock(last), **options)

    def beat(self, by: int = 0) -> None:
        self.hands.run(by)
        self.city.beat()
        self.settle()

    def pass_time(self, by: int = MINUTE) -> None:
        self.beat(by)

    def clock_words(self) -> list[str]:
        return [type(m).__name__ for m, origin, _ in admitted(self.store) if origin == "source:self"]


@pytest.fixture
def lying(tmp_path: Path) -> Iterator[Lying]:
    made = Lying(tmp_path)
    yield made
    made.stop()


# A wall clock that jumps


def test_a_wall_in_2038_fires_nothing_and_tells_the_duty_centre(lying: Lying) -> None:
    case, _ = lying.open_case()
    began, fired = lying.now, len(lying.fired())
    next_due = lying.store.next_timer()
    assert next_due is not None and next_due > began
    lying.hands.wall = FAR
    for _ in range(10):
        lying.beat(5 * MINUTE)
    assert len(lying.fired()) == fired, "no limit runs out by a clock that nobody believes"
    assert lying.now == began + 50 * MINUTE == lying.city.writer.now
    health = lying.platform.health()
    assert health["clock_anomaly"] == Anomaly.AHEAD and not health["deadlines"]
    assert health["clock_difference"] > 10 * 365 * 86_400 and health["equation"] == []

    fault = lying.case("platform_fault")
    assert [o.unit for o in live_orders(fault)] == ["unit:centre"] and fault.asset == "asset:platform"
    (raised,) = [m for m, *_ in admitted(lying.store) if isinstance(m, Finding) and m.rule == "self.clock"]
    assert raised.value > 1e8 and raised.limit == 60.0
    assert lying.clock_words() == ["Finding"], "said once, not at every beat"
    assert not next(c for c in cases(lying.store) if c.id == case.id).closed


def test_once_the_wall_is_right_again_limits_run_out_late_but_not_early(lying: Lying) -> None:
    lying.open_case()
    lying.hands.wall += 12 * 365 * DAY
    lying.beat(90 * MINUTE)
    fired = len(lying.fired())
    lying.hands.wall -= 12 * 365 * DAY
    lying.beat(SECOND)
    assert lying.platform.health()["clock_anomaly"] is None
    after = lying.fired()[fired:]
    assert after and all(now >= message.due for message, now in after)
    assert lying.clock_words() == ["Finding", "FindingEnded", "FindingSettled"]
    fault = lying.case("platform_fault")
    assert not fault.alarm_active and live_orders(fault), "a person still has to close it"


def test_a_wall_in_1970_silences_no_limit(lying: Lying) -> None:
    """The monotonic clock has counted every second: limits run out when they are due."""
    lying.open_case()
    lying.hands.wall = 0
    begin = lying.now
    for _ in range(90):
        lying.beat(MINUTE)
        true = lying.hands.monotonic - 5 * SECOND + START
        assert lying.now <= true + SECOND
    late = [(m, now) for m, now in lying.fired() if now > begin]
    assert late and all(0 <= now - m.due <= MINUTE + SECOND for m, now in late)
    health = lying.platform.health()
    assert health["clock_anomaly"] == Anomaly.BEHIND and health["deadlines"]
    assert lying.clock_words() == ["Finding"]


def test_there_and_back(lying: Lying) -> None:
    """2038, then 1970, then right: one case, one finding a time, and no timer before its moment."""
    lying.open_case()
    true = lying.hands.wall
    for wall in (FAR, 0, None, FAR, None):
        elapsed = lying.hands.monotonic - 5 * SECOND + START
        lying.hands.wall = elapsed if wall is None else wall
        for _ in range(8):
            lying.beat(10 * MINUTE)
    assert all(now >= m.due for m, now in lying.fired())
    assert lying.hands.wall - true == 5 * 80 * MINUTE and lying.now == lying.hands.wall
    words = lying.clock_words()
    assert words == ["Finding", "FindingEnded", "FindingSettled"] * 2
    assert len([c for c in cases(lying.store) if c.hazard == "platform_fault"]) in (1, 2)
    assert rebuild(lying.store).differences == []
    again = open_memory()
    assert replay(lying.store, again).differences == []


def test_a_restart_neither_doubles_nor_forgets_the_alarm(tmp_path: Path) -> None:
    first = Lying(tmp_path)
    first.open_case()
    first.hands.wall = FAR
    first.beat(MINUTE)
    assert first.clock_words() == ["Finding"]
    first.stop()
    last = int(first.now)

    again = Lying(tmp_path, first.hands, last)
    again.beat(MINUTE)
    assert again.platform.health()["clock_anomaly"] == Anomaly.AHEAD
    assert again.clock_words() == ["Finding"]
    again.stop()
    good = Lying(tmp_path, Hands(last + 10 * MINUTE), last)
    good.beat(SECOND)
    assert good.clock_words() == ["Finding", "FindingEnded", "FindingSettled"]
    good.stop()


def test_a_city_without_such_a_channel_is_told_nothing(tmp_path: Path) -> None:
    city = folder().city
    channels = tuple(c for c in city.channels if c.quantity != "self_clock")
    made = folder()
    bare = type(made)(
        city=msgspec.structs.replace(city, channels=channels), mechanism=made.mechanism, rules=made.rules,
        persons=made.persons,
    )  # fmt: skip
    town = Lying(tmp_path, made=bare)
    town.hands.wall = FAR
    town.beat(MINUTE)
    assert town.clock_words() == [] and town.platform.health()["clock_anomaly"] == Anomaly.AHEAD
    town.stop()


def test_a_person_with_the_right_says_what_time_it_is(lying: Lying) -> None:
    lying.open_case()
    lying.beat()
    lying.hands.wall = FAR
    lying.beat(MINUTE)
    shown = lying.platform.health()["clock_difference_us"]
    with pytest.raises(Forbidden):
        lying.platform.confirm_clock(lying.session("post:centre.duty"), False, shown)
    with pytest.raises(Conflict):
        lying.platform.confirm_clock(lying.session(OPERATOR), False, shown - HOUR)
    assert not lying.platform.health()["deadlines"]
    before = lying.now
    assert lying.platform.confirm_clock(lying.session(OPERATOR), False, shown).result(10).status == "done"
    lying.beat(2 * HOUR)
    assert lying.platform.health()["deadlines"] and lying.now == before + 2 * HOUR
    assert [m for m, _ in lying.fired() if m.due > before], "limits go on by the time that was counted"
    (confirmed,) = [m for m, *_ in admitted(lying.store) if isinstance(m, ClockConfirmed)]
    assert confirmed.by == OPERATOR and not confirmed.accept_wall and confirmed.wall > FAR - HOUR
    assert lying.clock_words() == ["Finding", "FindingEnded", "FindingSettled"]
    forbidden = lying.store.entries_of(f"access:{lying.session('post:centre.duty').person}")
    assert any(Capability.CLOCK_CONFIRM.value.encode() in row.body for row in forbidden)


def test_virtual_time_is_never_in_question(tmp_path: Path) -> None:
    town = City(tmp_path)
    with pytest.raises(BadInput):
        town.platform.confirm_clock(town.session(OPERATOR), True)
    town.stop()


# Time and timers


def test_timers_fire_at_their_moment_and_in_order(tmp_path: Path) -> None:
    town = City(tmp_path)
    town.open_case()
    while (due := town.store.next_timer()) is not None:
        town.virtual.set(max(due - 1, town.now))
        assert town.tick() == 0
        town.virtual.set(due)
        assert town.tick() >= 1
    fired = town.fired()
    assert len(fired) > 3
    assert [now for _, now in fired] == [m.due for m, _ in fired] == sorted(m.due for m, _ in fired)
    town.stop()


def test_a_restart_catches_up_what_is_overdue_exactly_once(tmp_path: Path) -> None:
    town = City(tmp_path)
    case, _ = town.open_case()
    waiting = {t.id for t in case.timers.values()}
    before = town.store.last_position()
    town.stop()

    again = City(tmp_path)
    assert again.now == town.now and again.store.last_position() == before, (
        "a restart by itself decides nothing"
    )
    assert again.fired() == []
    again.virtual.set(again.now + 2 * DAY)
    assert again.tick() >= len(waiting)
    fired = [m.timer for m, _ in again.fired()]
    assert waiting <= set(fired) and len(fired) == len(set(fired))
    again.stop()
    third = City(tmp_path)
    assert third.tick() == 0 and len(third.fired()) == len(fired)
    assert rebuild(third.store).differences == []
    assert replay(third.store, open_memory()).differences == []
    third.stop()


def test_a_city_that_beats_by_itself(tmp_path: Path) -> None:
    others = set(threading.enumerate())
    made = open_city(load_settings({"data": tmp_path}, {}), folder())
    made.start(0.01)
    began = made.writer.now
    until(lambda: made.writer.now > began and made.store.roots())
    made.stop()
    until(lambda: set(threading.enumerate()) <= others)


# One folder, one process


def test_a_second_city_on_one_folder_is_refused(tmp_path: Path) -> None:
    town = City(tmp_path)
    with pytest.raises(Conflict) as refused:
        City(tmp_path)
    assert refused.value.key == "data.locked"
    town.open_case()
    town.stop()
    again = City(tmp_path)
    assert again.case().hazard == "gas_leak"
    again.stop()


def test_a_city_that_does_not_open_leaves_the_folder_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(policy: Any) -> Any:
        raise Broken("policy.dataset_missing", digest="x")

    monkeypatch.setattr(wiring, "make_shard", broken)
    with pytest.raises(Broken):
        City(tmp_path)
    monkeypatch.undo()
    City(tmp_path).stop()


def test_the_first_commit_is_made_at_the_present_moment(tmp_path: Path) -> None:
    town = City(tmp_path)
    assert [now for _, origin, now in admitted(town.store) if origin == "policy"] == [START]
    town.stop()


def test_a_city_that_runs_collects_garbage_though_the_start_did_not(tmp_path: Path) -> None:
    gc.disable()
    try:
        City(tmp_path).stop()
        assert gc.isenabled()
    finally:
        gc.enable()


def test_an_orderly_end_signs_a_root_of_everything(tmp_path: Path) -> None:
    town = City(tmp_path)
    town.open_case()
    last = town.store.last_position()
    town.stop()
    again = City(tmp_path)
    assert again.store.roots() and max(r.position for r in again.store.roots()) >= last
    again.stop()


def test_ended_findings_of_the_clock_name_the_one_that_began(lying: Lying) -> None:
    lying.hands.wall = FAR
    lying.beat(SECOND)
    lying.hands.wall = lying.hands.monotonic - 5 * SECOND + START
    lying.beat(SECOND)
    begun = [m.id for m, *_ in admitted(lying.store) if isinstance(m, Finding)]
    assert [m.id for m, *_ in admitted(lying.store) if isinstance(m, FindingEnded)] == begun != []


def test_a_log_that_fills_fast_is_compacted_before_its_hour_and_not_at_every_tick(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    city = City(tmp_path)
    try:
        done: list[int] = []
        monkeypatch.setattr(city.city, "_compact", done.append)
        crowded = False
        monkeypatch.setattr(city.platform.archive, "crowded", lambda: crowded)
        began = city.now
        for minute in (0, 59, 60, 65, 66, 67):
            crowded = minute >= 65
            for second in range(2):
                city.city.keep_books(began + minute * MINUTE + second * SECOND)
        assert [(at - began) // MINUTE for at in done] == [60, 65, 66, 67]
    finally:
        city.stop()
