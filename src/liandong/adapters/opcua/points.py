"""What is asked of OPC UA servers, and what of their answers is a reading."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from liandong.adapters._io.fieldfile import Point
from liandong.core.ingest.rows import DeviceRow
from liandong.core.values.lists import Quality
from liandong.core.values.times import to_micros

#: The two highest bits of a status code (OPC 10000-4, 7.39.1): 00 good, 01 uncertain, 10 bad.
_SEVERITY_SHIFT, _GOOD, _UNCERTAIN = 30, 0, 1
#: OPC UA's zero of time is 1601; what is older than this was never set.
_EARLIEST_YEAR = 1980


class OpcuaServer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One server; a table `[[opcua]]` of the file of links. Paths are relative to that file."""

    name: Annotated[str, Meta(pattern=r"^[\w.\-]{1,64}$")]
    endpoint: Annotated[str, Meta(pattern=r"^opc\.tcp://[^\s@]+$")]  #: without `user:password@`
    points: str
    security: Literal["none", "sign", "encrypt"] = "none"
    policy: Literal["Basic256Sha256", "Aes128Sha256RsaOaep", "Aes256Sha256RsaPss"] = "Basic256Sha256"
    certificate_file: str = ""
    key_file: str = ""
    server_certificate_file: str = ""  #: the only certificate that is accepted of the server
    application_uri: str = "urn:liandong:client"  #: as the certificate says it
    user: str = ""
    password_file: str = ""
    mode: Literal["subscribe", "poll"] = "subscribe"
    publish_s: Annotated[float, Meta(ge=0.01, le=60)] = 0.5  #: how often the server tells what has changed
    period_s: Annotated[float, Meta(ge=0.1, le=86_400)] = 60.0  #: how often every node is read
    timeout_s: Annotated[float, Meta(ge=0.5, le=60)] = 5.0
    most_wait_s: Annotated[float, Meta(ge=0.1, le=3600)] = 60.0

    def __post_init__(self) -> None:
        files = (self.certificate_file, self.key_file, self.server_certificate_file)
        if self.security != "none" and not all(files):
            raise ValueError("field.certificates")
        if self.password_file and not self.user:
            raise ValueError("field.user")


class OpcuaPoint(Point, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One node; a row of a table of points."""

    node: Annotated[str, Meta(pattern=r"^(ns=\d+;|nsu=[^;]+;)?[isgb]=.+$")]
    sampling_s: Annotated[float, Meta(ge=0.0, le=3600)] = 0.5


def row_of(point: OpcuaPoint, said: Any, now: int, at: int | None = None) -> DeviceRow:
    """A DataValue as a row. `now` is our time; `at`, where given, goes before the value's own times.

    A bad status is a reading without a value; an uncertain one is a measurement with a mark, because the
    alarm of a sensor that is due for calibration must not be lost. A value that is no number has none.
    """
    severity = _severity(said)
    value = _number(said.Value.Value if said.Value is not None else None)
    time = at if at is not None else time_of(said, now)
    if severity not in (_GOOD, _UNCERTAIN) or value is None:
        return DeviceRow(point.device, point.item, time, None)
    quality = int(Quality.UNCERTAIN) if severity == _UNCERTAIN else 0
    return DeviceRow(point.device, point.item, time, value * point.scale + point.offset, quality=quality)


def time_of(said: Any, now: int) -> int:
    """When a value was true: the source's time, else the server's, else ours, microseconds UTC."""
    return micros(said.SourceTimestamp) or micros(said.ServerTimestamp) or now


def micros(moment: datetime | None) -> int | None:
    """A time of OPC UA, which is UTC even where it does not say so; None where it was never set."""
    if moment is None or moment.year < _EARLIEST_YEAR:
        return None
    return to_micros(moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC))


def _severity(said: Any) -> int:
    status = said.StatusCode
    return _GOOD if status is None else int(status.value) >> _SEVERITY_SHIFT


def _number(value: Any) -> float | None:
    if isinstance(value, bool | int | float):
        return float(value) if math.isfinite(value) else None
    return None
