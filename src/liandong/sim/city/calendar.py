"""The demonstration's calendar, and whom a watch wakes.

`china_days.csv` holds the days off and the working weekends of 2025 and 2026, row by row with the notice of
the State Council's office that orders them; both notices were read in full as their agency printed them (V).
A notice counts a holiday's whole span as days off (放假调休), and so does the table. The notice for a year
comes out late in the year before: of a year that is not in the table nothing is known but Monday to Friday.
"""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files

from liandong.core.values.calendar import CalendarDay, Season
from liandong.core.values.city import Unit
from liandong.core.values.lists import DayKind, UnitKind
from liandong.core.values.roster import Wake
from liandong.sim.city.posts import duty_post, is_small, leader_post

#: Guangdong's flood season and its season of special protection against forest fires, as provincial
#: regulations are commonly quoted (K: known, the text itself was not read).
SEASONS = (
    Season(key="flood", title_zh="汛期", title_en="Flood season", start="04-15", end="10-15"),
    Season(
        key="forest_fire",
        title_zh="森林特别防护期",
        title_en="Forest fire season",
        start="10-01",
        end="04-30",
    ),
)


@cache
def china_days() -> tuple[CalendarDay, ...]:
    """Days off and working weekends of 2025 and 2026."""
    body = (files("liandong.sim.city") / "china_days.csv").read_text(encoding="utf-8")
    return tuple(
        CalendarDay(date=row["date"], kind=DayKind(row["kind"]), name_zh=row["name_zh"])
        for row in csv.DictReader(body.splitlines())
    )


def wakes(units: tuple[Unit, ...]) -> tuple[Wake, ...]:
    """From level II on a watch wakes its leader on duty; a firm or site with one desk from level III on."""
    return tuple(
        Wake(
            post=duty_post(unit.key),
            level="III" if is_small(unit.key) else "II",
            whom=leader_post(unit.key),
        )
        for unit in units
        if unit.kind != UnitKind.CONTRACTOR
    )
