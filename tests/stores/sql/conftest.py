"""The two stores on SQL, each made anew for every test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from liandong.stores._sql.lite import LiteStore
from liandong.stores.memory import open_memory
from liandong.stores.sqlite import open_sqlite


@pytest.fixture(params=["sqlite", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LiteStore]:
    made = open_sqlite(tmp_path) if request.param == "sqlite" else open_memory()
    yield made
    made.close()
