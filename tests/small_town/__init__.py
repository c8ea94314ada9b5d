"""A small invented town with every kind of unit, whose keys and rows tests may name."""

from __future__ import annotations

from liandong.core.values.city import City
from liandong.core.values.dataset import CityFolder, PersonRecord
from liandong.core.values.times import DAY
from tests.small_town.mechanism import demo_mechanism
from tests.small_town.people import make_roster
from tests.small_town.places import AREAS, BODY_KEY, UNITS, bodies
from tests.small_town.posts import POSTS, permissions
from tests.small_town.rules import QUANTITIES, RULES
from tests.small_town.things import SOURCES, make_things

#: Fewer than this and the story has no device left for each of its parts.
FEWEST_SENSORS = 36

__all__ = ["BODY_KEY", "FEWEST_SENSORS", "CityFolder", "PersonRecord", "demo_city"]


def demo_city(seed: int, start: int, days: int, sensors: int = 120) -> CityFolder:
    """The city `demo` with rosters from `start` over so many days. Raises ValueError for too small a city."""
    if sensors < FEWEST_SENSORS or days < 1:
        raise ValueError(
            f"a demonstration needs {FEWEST_SENSORS} sensors and 1 day, got {sensors} and {days}"
        )
    things = make_things(seed, sensors)
    roster = make_roster(seed, start, start + days * DAY)
    city = City(
        key="demo",
        zone="Asia/Shanghai",
        version=1,
        areas=AREAS,
        units=UNITS,
        bodies=bodies(roster.chairs),
        posts=POSTS,
        holdings=roster.holdings,
        duties=roster.duties,
        assets=things.assets,
        relations=things.relations,
        sensors=things.sensors,
        quantities=QUANTITIES,
        channels=things.channels,
        sources=SOURCES,
        permissions=permissions(),
    )
    return CityFolder(city=city, mechanism=demo_mechanism(), rules=RULES, persons=roster.persons)
