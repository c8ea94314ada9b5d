"""Tests that start a server or a running city count as slow: `make quick` leaves them out."""

from __future__ import annotations

from pathlib import Path

import pytest

_HERE = Path(__file__).parent
#: Folders and files in which (nearly) every test has a server, a database or a city with its threads.
_SLOW = (
    "adapters/bridge_api",
    "adapters/bridge_table",
    "adapters/notify",
    "adapters/voice",
    "app/bridge",
    "app/test_intake",
    "cli/test_mechanism_check",
    "cli/test_roster",
    "docs/test_example_city",
    "runners/test_embedded",
    "stores/postgres",
    "stores/sql",
    "web",
    "wiring/test_accounts",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark them, so that no test has to say it itself."""
    for item in items:
        place = item.path.relative_to(_HERE).as_posix() if _HERE in item.path.parents else ""
        if place.startswith(_SLOW):
            item.add_marker(pytest.mark.slow)
