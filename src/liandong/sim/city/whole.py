"""The demonstration city, put together: the same for the same seed, to the byte."""

from __future__ import annotations

import msgspec

from liandong.core.values.city import City, PackUse
from liandong.core.values.dataset import CityFolder
from liandong.core.values.document import Mechanism
from liandong.core.values.lists import Provenance
from liandong.core.values.times import DAY
from liandong.sim.city.calendar import SEASONS, china_days, wakes
from liandong.sim.city.people import make_roster
from liandong.sim.city.places import CITY, areas
from liandong.sim.city.posts import BIOGAS_CONTACT, posts
from liandong.sim.city.rights import permissions
from liandong.sim.city.rules import QUANTITIES, RULES
from liandong.sim.city.things import FEWEST_SENSORS, make_things, sources
from liandong.sim.city.units import (
    DISASTER_COMMITTEE,
    EMERGENCY_COMMITTEE,
    LEADING_GROUP,
    SAFETY_COMMITTEE,
    bodies,
    units,
)
from liandong.sim.mechanisms import foshan_mechanism

#: Who answers for a flow, or for a matter of it.
CONTACTS = {
    "contact.gas": "post:gas.duty",
    "contact.drainage": "post:drainage.duty",
    "contact.biogas": BIOGAS_CONTACT,
}
#: Domain packs that the city runs; other specials have none yet.
PACKS = ("bridge", "fire", "gas")
#: As many as the city reported in March 2023 (DOMAIN: public press, 13,120 sensors).
SENSORS = 13_120


def demo_city(seed: int, start: int, days: int, sensors: int = SENSORS) -> CityFolder:
    """The city with rosters from `start` over so many days. Raises ValueError for too small a city."""
    if sensors < FEWEST_SENSORS or days < 1:
        raise ValueError(
            f"a demonstration needs {FEWEST_SENSORS} sensors and 1 day, got {sensors} and {days}"
        )
    yard = make_things(seed, start, sensors)
    every_unit, every_source = units(), sources(yard)
    every_post = posts(every_unit)
    committees = (EMERGENCY_COMMITTEE, SAFETY_COMMITTEE, DISASTER_COMMITTEE, LEADING_GROUP)
    roster = make_roster(seed, every_post, committees, start, start + days * DAY)
    city = City(
        key=CITY,
        zone="Asia/Shanghai",
        version=1,
        areas=areas(),
        units=every_unit,
        bodies=bodies(roster.chairs),
        posts=every_post,
        holdings=roster.holdings,
        duties=roster.duties,
        assets=tuple(yard.assets),
        relations=tuple(yard.relations),
        sensors=tuple(yard.sensors),
        quantities=QUANTITIES,
        channels=tuple(yard.channels),
        sources=every_source,
        permissions=permissions(every_unit, every_source),
        wakes=wakes(every_unit),
        days=china_days(),
        seasons=SEASONS,
        packs=tuple(PackUse(pack=pack) for pack in PACKS),
    )
    return CityFolder(city=city, mechanism=_mechanism(), rules=RULES, persons=roster.persons)


def _mechanism() -> Mechanism:
    """Foshan's second version; the contacts whose persons no source names are posts of this city."""
    base = foshan_mechanism(2)
    contacts = tuple(
        msgspec.structs.replace(row, post=CONTACTS[row.key], provenance=Provenance.ASSUMED)
        if row.key in CONTACTS
        else row
        for row in base.contacts
    )
    return msgspec.structs.replace(base, contacts=contacts)
