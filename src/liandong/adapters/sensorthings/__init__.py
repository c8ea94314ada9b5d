"""OGC SensorThings API 1.1 (OGC 18-088): the city and its readings for clients of that standard."""

from liandong.adapters.sensorthings.router import PREFIX, make_router

__all__ = ["PREFIX", "make_router"]
