"""Readings over HTTP: the door of devices, as a router that wiring mounts."""

from liandong.adapters.http.router import make_router

__all__ = ["make_router"]
