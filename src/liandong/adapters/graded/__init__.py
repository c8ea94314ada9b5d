"""Alarms that sub-platforms have graded themselves, over HTTP: a router that wiring mounts."""

from liandong.adapters.graded.router import make_router

__all__ = ["make_router"]
