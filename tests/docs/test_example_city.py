"""The README's third command: the smallest city takes a reading and opens a case."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from liandong.adapters.tables import read_city
from liandong.app.clock import VirtualClock
from liandong.app.settings import load_settings
from liandong.core.values.access import Session
from liandong.core.values.errors import Forbidden
from liandong.core.values.times import format_time, parse_time
from liandong.wiring import open_city

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "city"
NOW = parse_time("2026-11-22T12:00:00+08:00")


def test_a_reading_of_the_readme_becomes_a_case(tmp_path: Path) -> None:
    city = open_city(load_settings({"data": tmp_path}, {}), read_city(EXAMPLE), clock=VirtualClock(NOW))
    city.start()
    try:
        platform = city.platform
        platform.tick().result(10)
        body = {"readings": [{"channel": "channel:valve-1.ch4", "time": format_time(NOW), "value": 62}]}
        source = platform.access.session(platform.access.issue_token(Session(source="source:gas")))
        future, errors = platform.receiving.readings(source, json.dumps(body).encode())
        assert future.result(10).rows == 1 and errors == ()
        while not platform.quiet():
            pass
        centre = Session(person="person:centre", post="post:centre.duty")
        officer = platform.access.session(platform.access.issue_token(centre))
        (row,), _ = platform.questions.cases(platform.access.scope(officer))
        assert row.level == "II"
        with pytest.raises(Forbidden):
            platform.receiving.readings(officer, b"{}")
    finally:
        city.stop()
