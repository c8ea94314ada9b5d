"""A CAP 1.2 document as what it tells: nothing in it is executed, resolved or fetched.

The XML is refused before any parser sees it where it is not UTF-8, is too large, or declares a document type:
CAP needs none, and entities are how a small document becomes a large one.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from enum import Enum
from functools import cache
from typing import Any

from liandong.core.values.errors import BadInput
from liandong.core.values.times import format_time, to_micros

NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
MOST_BYTES = 1024 * 1024
_ENCODING = re.compile(rb"""<\?xml[^>]{0,200}encoding\s*=\s*["']([A-Za-z0-9._\-]+)["']""")
#: A word of a colour, in the languages of warnings here, → ours.
COLOURS = {
    "red": "red", "红": "red", "orange": "orange", "橙": "orange", "yellow": "yellow", "黄": "yellow",
    "blue": "blue", "蓝": "blue", "white": "white", "白": "white",
}  # fmt: skip
#: Where no parameter names the colour: the mapping in use for Chinese warnings in CAP.
OF_SEVERITY = {"Extreme": "red", "Severe": "orange", "Moderate": "yellow", "Minor": "blue"}
_COLOUR_NAMES = (
    "warningcolor",
    "warningcolour",
    "colour",
    "color",
    "awareness_level",
    "预警级别",
    "预警颜色",
)
_ID = re.compile(r"[^\s,<&]{1,200}")


@dataclass(frozen=True, slots=True)
class Told:
    """One `info` of a document: what is warned of, how badly, where, when, in which words."""

    events: tuple[str, ...]  #: event codes, then the event itself
    colour: str  #: ours; empty where neither parameter nor severity says one
    codes: tuple[str, ...]  #: geocodes, as they stand
    places: tuple[str, ...]  #: descriptions of areas
    shapes: int  #: polygons and circles
    starts: int | None
    until: int | None
    caution: str
    measures: str


@dataclass(frozen=True, slots=True)
class Document:
    """A message as a whole; moments in microseconds UTC."""

    identifier: str
    sender: str
    sent: int
    status: str
    kind: str  #: Alert, Update, Cancel, Ack or Error
    name: str  #: `sender,identifier,sent` as later messages refer to it
    references: tuple[str, ...]
    infos: tuple[Told, ...]


def reference(sender: str, identifier: str, sent: int) -> str:
    """How a message is referred to, whatever zone its time is written in."""
    return f"{sender},{identifier},{sent}"


def read_document(raw: bytes) -> Document:
    """A document's bytes → what it tells. Raises BadInput `cap.…`."""
    _check(raw)
    alert = _parse(raw)
    for value in (alert.identifier, alert.sender):
        if not isinstance(value, str) or not _ID.fullmatch(value.strip()):
            raise BadInput("cap.malformed", why="identifier, sender")
    sender, identifier = alert.sender.strip(), alert.identifier.strip()
    sent = _moment(alert.sent, "sent")
    assert sent is not None
    return Document(
        identifier=identifier, sender=sender, sent=sent, status=_word(alert.status, "status"),
        kind=_word(alert.msg_type, "msgType"), name=reference(sender, identifier, sent),
        references=tuple(_references(alert.references or "")),
        infos=tuple(_told(info) for info in _of_one_language(alert.infos)),
    )  # fmt: skip


def fields_of(document: Document) -> dict[str, Any]:
    """A document as JSON, moments as RFC 3339."""

    def shown(at: int | None) -> str | None:
        return None if at is None else format_time(at)

    infos = [
        {**asdict(one), "starts": shown(one.starts), "until": shown(one.until)} for one in document.infos
    ]
    return {**asdict(document), "sent": format_time(document.sent), "infos": infos}


def _check(raw: bytes) -> None:
    if len(raw) > MOST_BYTES:
        raise BadInput("batch.too_large", limit=MOST_BYTES, size=len(raw))
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadInput("cap.malformed", why="UTF-8") from error
    encoding = _ENCODING.search(raw[:400])
    if encoding is not None and encoding[1].lower() not in (b"utf-8", b"utf8", b"us-ascii"):
        raise BadInput("cap.malformed", why=encoding[1].decode("ascii")[:40])
    if b"<!DOCTYPE" in raw or b"<!ENTITY" in raw or b"<!doctype" in raw:
        raise BadInput("cap.doctype")


def _parse(raw: bytes) -> Any:
    models, parser_of, failures = _library()
    try:
        return parser_of().from_bytes(raw, models.Alert)
    except failures as error:
        raise BadInput("cap.malformed", why=str(error).partition("\n")[0][:120]) from error


@cache
def _library() -> tuple[Any, Any, tuple[type[BaseException], ...]]:
    """The models of cap-tools, a maker of parsers, and what these raise. BadInput where it is missing."""
    try:
        from cap_tools import models
        from xsdata.exceptions import ConverterError, ConverterWarning, ParserError, XmlHandlerError
        from xsdata.formats.dataclass.context import XmlContext
        from xsdata.formats.dataclass.parsers import XmlParser
        from xsdata.formats.dataclass.parsers.config import ParserConfig
        from xsdata.formats.dataclass.parsers.handlers import XmlEventHandler
    except ImportError as error:
        raise BadInput("cap.not_installed") from error

    def make() -> Any:
        config = ParserConfig(fail_on_unknown_properties=False, fail_on_converter_warnings=True)
        # Python's own reader: the other one mends what is broken, and half a warning must not pass for all.
        # A context of its own each time (1 ms): one that is kept remembers every strange name it ever met.
        return XmlParser(context=XmlContext(), config=config, handler=XmlEventHandler)

    # Whatever a document makes the library do, it is the document that is refused.
    failures = (
        ConverterError, ConverterWarning, ParserError, XmlHandlerError, SyntaxError, ValueError, TypeError,
        KeyError, AttributeError, LookupError, RecursionError, ArithmeticError,
    )  # fmt: skip
    return models, make, failures


def _references(text: str) -> list[str]:
    """The messages that a message refers to; what is no reference is passed over."""
    from xsdata.models.datatype import XmlDateTime

    found = []
    for one in text.split():
        sender, _, rest = one.strip('"').partition(",")
        identifier, _, sent = rest.rpartition(",")
        try:
            moment = _moment(XmlDateTime.from_string(sent), "references")
        except (BadInput, ValueError):
            continue
        if sender and identifier and moment is not None:
            found.append(reference(sender, identifier, moment))
    return found[:200]


def _of_one_language(infos: list[Any]) -> list[Any]:
    """Infos in Chinese where there are any, else in the language of the first: the others repeat them."""
    languages = [(info.language or "en-US").lower() for info in infos]
    wanted = next((one for one in languages if one.startswith("zh")), languages[0] if languages else "")
    return [info for info, language in zip(infos, languages, strict=True) if language == wanted]


def _told(info: Any) -> Told:
    codes = [_text(code.value) for code in info.event_codes]
    areas = info.areas
    caution = "\n".join(part for part in (_plain(info.headline), _plain(info.description)) if part)
    return Told(
        events=tuple(one for one in (*codes, _plain(info.event)) if one),
        colour=_colour(info),
        codes=tuple(_text(code.value) for area in areas for code in area.geocodes),
        places=tuple(_plain(area.area_desc) for area in areas),
        shapes=sum(len(area.polygons) + len(area.circles) for area in areas),
        starts=_moment(info.onset or info.effective, "onset"), until=_moment(info.expires, "expires"),
        caution=caution, measures=_plain(info.instruction),
    )  # fmt: skip


def _colour(info: Any) -> str:
    for parameter in info.parameters:
        if _text(parameter.value_name).lower() in _COLOUR_NAMES:
            said = _text(parameter.value).lower()
            found = next((colour for word, colour in COLOURS.items() if word in said), "")
            if found:
                return found
    return OF_SEVERITY.get(_word(info.severity, "severity"), "")


def _text(wrapped: Any) -> str:
    return _plain(getattr(wrapped, "value", wrapped))


def _plain(text: Any) -> str:
    return text.strip() if isinstance(text, str) else ""


def _word(one: Any, name: str) -> str:
    """A word of a closed list. Raises BadInput where the element is empty: the library passes that on."""
    if not isinstance(one, Enum):
        raise BadInput("cap.malformed", why=name)
    return str(one.value)


def _moment(at: Any, name: str) -> int | None:
    """Microseconds UTC. Raises BadInput where a moment has no zone, or lies outside the calendar."""
    if at is None:
        return None
    if isinstance(at, str):  # empty: the library passes that on
        raise BadInput("cap.malformed", why=name)
    if at.offset is None:
        raise BadInput("cap.no_zone", element=name)
    try:
        return to_micros(at.to_datetime())
    except (ValueError, OverflowError) as error:
        raise BadInput("cap.malformed", why=name) from error
