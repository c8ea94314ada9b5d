"""The only room that knows all rooms: it builds, serves, demonstrates and inspects a city."""

from liandong.wiring.city import open_city

__all__ = ["open_city"]
