"""Quiet hours: they end when they say, and never silence what must ring."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liandong.core.values.calendar import Calendar
from liandong.core.values.city import CityIndex
from liandong.core.values.dataset import CityFolder
from liandong.core.values.quiet import CALLS, VOICE, QuietHours, minutes, rings
from liandong.core.values.scales import CASE_LEVELS
from liandong.core.values.times import DAY, HOUR, MINUTE, SECOND, parse_time
from tests.app.machine import folder

NIGHT = QuietHours(who="*", start="22:00", end="07:00")
EVENING = parse_time("2026-03-02T23:10:05+08:00")
CALENDAR = Calendar()


def city(*rows: QuietHours) -> CityIndex:
    made: CityFolder = folder()
    return CityIndex(msgspec.structs.replace(made.city, quiet=rows))


@pytest.mark.parametrize(
    ("at", "until"),
    [
        ("2026-03-02T21:59:59+08:00", ""), ("2026-03-02T22:00:00+08:00", "2026-03-03T07:00:00+08:00"),
        ("2026-03-03T06:59:59+08:00", "2026-03-03T07:00:00+08:00"), ("2026-03-03T07:00:00+08:00", ""),
    ],
)  # fmt: skip
def test_they_hold_from_the_first_moment_to_before_the_last(at: str, until: str) -> None:
    assert NIGHT.until(CALENDAR, parse_time(at)) == (parse_time(until) if until else 0)


@given(
    start=st.integers(0, 1439),
    end=st.integers(0, 1439),
    at=st.integers(EVENING - 400 * DAY, EVENING + 400 * DAY),
)
def test_they_always_end_within_a_day_and_at_their_end(start: int, end: int, at: int) -> None:
    clock = [f"{minute // 60:02d}:{minute % 60:02d}" for minute in (start, end)]
    row = QuietHours(who="*", start=clock[0], end=clock[1])
    until = row.until(CALENDAR, at)
    if until:
        assert at < until <= at + DAY and CALENDAR.at(until).minute == end and until % MINUTE == 0
    else:
        assert start != end and CALENDAR.at(at).minute not in range(start, end)


def test_the_zone_is_the_citys() -> None:
    there = Calendar(offsets=((0, 3_600),))
    assert NIGHT.until(there, parse_time("2026-03-02T22:30:00+01:00")) == parse_time(
        "2026-03-03T07:00:00+01:00"
    )
    assert NIGHT.until(there, EVENING) == 0


@pytest.mark.parametrize("bad", ["24:00", "7:00", "22:60", "", "ten"])
def test_a_time_that_is_none_is_refused(bad: str) -> None:
    with pytest.raises(ValueError, match="time of day"):
        QuietHours(who="*", start=bad, end="07:00")


def test_a_level_that_the_scale_does_not_have_is_refused() -> None:
    with pytest.raises(ValueError, match="level V"):
        QuietHours(who="*", start="22:00", end="07:00", exempt=("V",))


@given(
    level=st.sampled_from(["", "?", *CASE_LEVELS]),
    template=st.sampled_from(["tell.order", "notice.inform", *CALLS]),
    channel=st.sampled_from(["sms", VOICE]),
    exempt=st.sets(st.sampled_from(list(CASE_LEVELS))),
)
def test_no_row_can_silence_what_must_ring(level: str, template: str, channel: str, exempt: set[str]) -> None:
    row = QuietHours(who="*", start="00:00", end="00:00", exempt=tuple(sorted(exempt)))
    held = city(row).held_until("person:p001", channel, level, template, EVENING)
    quiet = level in ("III", "IV") and template not in CALLS and channel != VOICE and level not in exempt
    assert bool(held) == quiet
    assert rings(level, template, channel, row.exempt) != quiet
    if rings(level, template, channel):
        assert not held, "whatever the row says"


def test_a_row_speaks_for_a_person_a_post_or_everybody_on_one_channel_or_all() -> None:
    index = city()
    post = next(p.key for p in index.city.posts if index.on_duty(p.key, EVENING))
    duty = index.on_duty(post, EVENING)
    assert duty is not None
    other = next(p for p in sorted(index.persons) if not index.holds(p, post, EVENING))

    def held(row: QuietHours, person: str, channel: str = "sms") -> bool:
        return bool(city(row).held_until(person, channel, "IV", "notice.inform", EVENING))

    for who in (duty.person, post, "*"):
        row = msgspec.structs.replace(NIGHT, who=who)
        assert held(row, duty.person) and held(row, other) == (who == "*")
    mail = msgspec.structs.replace(NIGHT, channel="email")
    assert held(mail, other, "email") and not held(mail, other, "sms")


def test_of_several_rows_the_longest_holds() -> None:
    short = QuietHours(who="*", start="23:00", end="23:30")
    assert city(short, NIGHT).held_until("person:p001", "sms", "IV", "tell.order", EVENING) == NIGHT.until(
        CALENDAR, EVENING
    )
    assert minutes("07:05") * MINUTE == 7 * HOUR + 300 * SECOND
