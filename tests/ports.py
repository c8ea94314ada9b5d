"""Ports for servers that tests start, kill and start again on the same port."""

from __future__ import annotations

import os
from itertools import count

from liandong.core.values.errors import BadInput
from liandong.wiring.service import free_socket

_turn = count()
#: Below those that the system gives to outgoing connections, or one of these may sit on a port in between.
_LOW, _HIGH = 20_000, 32_000


def free_port() -> int:
    """A port of 127.0.0.1 on which nobody listens, another one every time and in every process."""
    for _ in range(500):
        port = _LOW + (os.getpid() * 131 + next(_turn) * 17) % (_HIGH - _LOW)
        try:
            free_socket("127.0.0.1", port).close()
        except BadInput:
            continue
        return port
    raise AssertionError("no free port")
