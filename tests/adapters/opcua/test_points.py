"""Values of OPC UA as rows: status codes, times, and what is no number."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from liandong.adapters.opcua.points import OpcuaPoint, OpcuaServer, row_of
from liandong.core.values.lists import Quality

NOW = 1_777_000_000_000_000
POINT = OpcuaPoint(device="d", item="i", node="ns=2;s=x", scale=2.0, offset=1.0)
MOMENT = datetime(2026, 5, 1, 1, tzinfo=UTC)
MICROS = 1_777_597_200_000_000


def said(value: Any = 3.0, status: int | None = 0, source: Any = MOMENT, server: Any = None) -> Any:
    code = None if status is None else SimpleNamespace(value=status)
    return SimpleNamespace(
        Value=SimpleNamespace(Value=value), StatusCode=code, SourceTimestamp=source, ServerTimestamp=server
    )


@pytest.mark.parametrize(
    ("value", "status", "wanted", "quality"),
    [
        (3.0, 0, 7.0, 0),
        (True, None, 3.0, 0),
        (3, 0x408F0000, 7.0, Quality.UNCERTAIN),  # UncertainSensorCalibration… still a measurement
        (3.0, 0x80310000, None, 0),  # BadNoCommunication
        ("3.0", 0, None, 0),
        (float("nan"), 0, None, 0),
        (None, 0, None, 0),
    ],
)
def test_the_severity_of_a_status_says_what_a_value_is_worth(
    value: Any, status: int | None, wanted: float | None, quality: int
) -> None:
    row = row_of(POINT, said(value, status), NOW)
    assert (row.value, row.quality, row.time) == (wanted, quality, MICROS)


def test_the_time_is_the_sources_then_the_servers_then_ours() -> None:
    never = datetime(1601, 1, 1)
    assert row_of(POINT, said(source=MOMENT.replace(tzinfo=None)), NOW).time == MICROS
    later = MOMENT + timedelta(seconds=1)
    assert row_of(POINT, said(source=never, server=later), NOW).time == MICROS + 1_000_000
    assert row_of(POINT, said(source=None), NOW).time == NOW and row_of(POINT, said(), NOW, 5).time == 5


@pytest.mark.parametrize("more", [{"security": "sign"}, {"password_file": "p"}, {"endpoint": "http://h"}])
def test_a_server_that_cannot_be_reached_safely_is_refused(more: dict[str, str]) -> None:
    row = {"name": "s", "endpoint": "opc.tcp://h:4840", "points": "p.csv"}
    assert msgspec.convert(row, OpcuaServer).security == "none"
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(row | more, OpcuaServer)
