"""A public warning of ours as CAP 1.2: a message for each version in force, a Cancel at its end."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import Any, NamedTuple

from liandong.adapters.cap.reading import NAMESPACE
from liandong.core.values.city import CityIndex
from liandong.core.values.errors import BadInput, NotFound
from liandong.core.values.lists import Mode
from liandong.core.values.public_warning import WarningState, WarningVersion
from liandong.core.values.times import to_datetime
from liandong.texts import label

#: Colour → severity (mapping in use for Chinese warnings); the colour itself goes as a parameter beside it.
SEVERITY = {
    "red": "Extreme", "orange": "Severe", "yellow": "Moderate", "blue": "Minor", "white": "Minor"
}  # fmt: skip
_STATUS = {Mode.REAL: "Actual", Mode.DRILL: "Exercise"}
#: Part of a hazard's name → category of CAP; what fits none is Other.
_CATEGORIES = (
    ("fire", "Fire"), ("rain", "Met"), ("typhoon", "Met"), ("wind", "Met"), ("heat_wave", "Met"),
    ("cold", "Met"), ("fog", "Met"), ("flood", "Met"), ("waterlogging", "Met"), ("geo", "Geo"),
    ("hazchem", "CBRNE"), ("toxic", "CBRNE"), ("gas", "Safety"), ("bridge", "Infra"),
)  # fmt: skip
#: What XML 1.0 cannot hold.
_UNFIT = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Words(NamedTuple):
    """What a version says in words; None where there are none, or where they were erased."""

    caution: str | None
    measures: str | None


class _Message(NamedTuple):
    identifier: str
    sender: str
    sent: Any
    version: WarningVersion


def write_warning(state: WarningState, words: Words, city: CityIndex, version: int = 0) -> bytes:
    """The message of a version that came into force, the newest or the lifting where none is named.

    `words` are those of that version. Raises NotFound where it never came into force, BadInput where
    cap-tools is missing.
    """
    models, times, serialize = _library()
    out = [v for v in state.versions if v.published and (not version or v.number <= version)]
    if not out or state.source or (version and out[-1].number != version):
        raise NotFound("cap.not_published", warning=state.id, version=version)
    messages = [
        _Message(f"{state.id}-{v.number}", _sender(v, city), times(city, v.published), v) for v in out
    ]
    lifting = bool(state.lifted) and not version
    last = messages[-1]
    if lifting:
        messages.append(_Message(f"{state.id}-lifted", last.sender, times(city, state.lifted), last.version))
    this, earlier = messages[-1], messages[:-1]
    alert = models.Alert(
        identifier=this.identifier, sender=this.sender, sent=this.sent,
        status=models.Status(_STATUS.get(state.mode, "Test")),
        msg_type=models.MsgType("Cancel" if lifting else "Update" if earlier else "Alert"),
        scope=models.Scope("Public"),
        references=" ".join(f"{m.sender},{m.identifier},{m.sent}" for m in earlier) or None,
        infos=[_info(models, times, state, this, words, city, lifting)],
    )  # fmt: skip
    return serialize(alert)


def published(state: WarningState, version: int) -> WarningVersion | None:
    """The version that a message of this number is about; 0: the newest that came into force."""
    out = [v for v in state.versions if v.published and (not version or v.number == version)]
    return out[-1] if out else None


def _info(
    models: Any, times: Any, state: WarningState, message: _Message, words: Words, city: CityIndex,
    lifting: bool,
) -> Any:  # fmt: skip
    said = message.version.contents
    hazard = label("hazard", state.hazard, "zh")
    colour = label("warning_colour", said.colour, "zh").partition("（")[0]
    unit, area = city.units.get(said.issuer), city.areas.get(said.area)
    begun = said.starts is not None and said.starts <= message.version.published
    name = models.Parameter(models.ValueName("warningColor"), models.Value(said.colour))
    geocodes = (
        [models.Geocode(models.ValueName("GB/T 2260"), models.Value(area.code))] if area and area.code else []
    )
    return models.Info(
        language="zh-CN", categories=[models.Category(_category(state.hazard))], event=_fit(hazard),
        response_types=[models.ResponseType("AllClear")] if lifting else [],
        urgency=models.Urgency("Past" if lifting else "Immediate" if begun else "Expected"),
        severity=models.Severity(SEVERITY.get(said.colour, "Unknown")),
        certainty=models.Certainty("Unknown"),  # the eight contents of a warning do not say it
        event_codes=[models.EventCode(models.ValueName("liandong:hazard"), models.Value(state.hazard))],
        effective=message.sent, onset=times(city, said.starts), expires=times(city, said.until),
        sender_name=unit.name_zh if unit else None,
        headline=_fit(f"{'解除' if lifting else ''}{hazard}{colour}预警"),
        description=_fit(words.caution), instruction=_fit(words.measures), parameters=[name],
        areas=[models.Area(area_desc=area.name_zh if area else said.area, geocodes=geocodes)],
    )  # fmt: skip


def _sender(version: WarningVersion, city: CityIndex) -> str:
    """Who issued it, unique among cities; without what CAP forbids in a sender."""
    return re.sub(r"[\s,<&]", "_", f"{version.contents.issuer or 'unit:unknown'}@{city.key}")


def _category(hazard: str) -> str:
    return next((category for part, category in _CATEGORIES if part in hazard), "Other")


def _fit(text: str | None) -> str | None:
    return _UNFIT.sub("", text) if text else None


def _library() -> tuple[Any, Any, Any]:
    """The models of cap-tools, moments on the city's clock, and how a document is written."""
    try:
        from cap_tools import models
        from xsdata.formats.dataclass.serializers import XmlSerializer
        from xsdata.formats.dataclass.serializers.config import SerializerConfig
        from xsdata.models.datatype import XmlDateTime
    except ImportError as error:
        raise BadInput("cap.not_installed") from error

    def moment(city: CityIndex, at: int | None) -> Any:
        """To the second, with the offset in figures: CAP has no Z."""
        if not at:
            return None
        east = timezone(timedelta(microseconds=city.calendar.ahead(at)))
        local: datetime = to_datetime(at).astimezone(east).replace(microsecond=0)
        return _Numeric.from_datetime(local)

    class _Numeric(XmlDateTime):  # type: ignore[misc]  # xsdata has no types
        """UTC is written `-00:00`."""

        def __str__(self) -> str:
            written = str(super().__str__())
            return f"{written[:-1]}-00:00" if written.endswith("Z") else written

    def serialize(alert: Any) -> bytes:
        writer = XmlSerializer(config=SerializerConfig(indent="  ", encoding="UTF-8"))
        return str(writer.render(alert, ns_map={None: NAMESPACE})).encode()

    return models, moment, serialize
