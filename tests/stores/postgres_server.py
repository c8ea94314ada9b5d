"""The PostgreSQL server of the process that tests: started when first asked for (see bench/postgres.py)."""

from __future__ import annotations

import atexit
from functools import cache

from liandong.bench.postgres import NoServer, PostgresServer, start_server


@cache
def server() -> PostgresServer:
    """The server of this process. Raises NoServer where none can be had."""
    made = start_server()
    atexit.register(made.stop)
    return made


__all__ = ["NoServer", "PostgresServer", "server"]
