"""The demonstration city: Foshan's tree of areas and kinds of units; all that stands in it is invented."""

from liandong.sim.city.places import CITY
from liandong.sim.city.things import FEWEST_SENSORS
from liandong.sim.city.whole import SENSORS, demo_city

__all__ = ["CITY", "FEWEST_SENSORS", "SENSORS", "demo_city"]
