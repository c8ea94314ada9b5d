"""A CAP message of a source into warnings of others: one for each hazard and area.

They are shown as they were issued, and ask for the decision that the rows of the mechanism want; nothing
else happens by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from typing import NamedTuple

import msgspec

from liandong.adapters.cap.reading import Document, Told, read_document
from liandong.app.handle import Answer
from liandong.app.intake import Receipt
from liandong.app.platform import Platform
from liandong.app.receiving import Taken
from liandong.core.values.access import Session
from liandong.core.values.city import Area, CityIndex, Source
from liandong.core.values.decision import Param
from liandong.core.values.errors import BadInput, Forbidden
from liandong.core.values.lists import Mode, WarningChange, WarningStage
from liandong.core.values.public_warning import WarningState
from liandong.core.values.times import format_time

DOOR = "cap"
#: What a message must call itself so that a city in this mode takes it.
STATUS_OF = {Mode.REAL: "Actual", Mode.DRILL: "Exercise", Mode.TEST: "Test"}
_HAZARD = re.compile(r"[a-z][a-z0-9_]{0,63}")
_state = msgspec.json.Decoder(WarningState)


class Part(NamedTuple):
    """What a message says of one hazard in one area, on its way."""

    number: str
    area: str
    change: WarningChange
    answer: Future[Answer]


def take(platform: Platform, session: Session, raw: bytes) -> list[Part]:
    """A message of a source, each part answered once it is committed.

    Raises Forbidden for who is no source, BadInput for what cannot be read or not be placed; it is kept then
    for an operator, who may send it again.
    """
    source = platform.handler.policy.city.sources.get(session.source)
    if source is None:
        raise Forbidden("auth.not_a_source")
    try:
        document = read_document(raw)
        parts = list(_parts(platform, source, document))
    except BadInput as error:
        platform.rejected.refuse(source.key, DOOR, error, raw)
        raise
    return [_send(platform, session, document, *part) for part in parts]


def take_again(platform: Platform, session: Session, raw: bytes, _: str = "") -> Taken:
    """A refused message that an operator sends again."""
    parts = take(platform, session, raw)
    for part in parts:
        part.answer.result()
    made: Future[Receipt] = Future()
    made.set_result(Receipt(position=None, rows=len(parts)))
    return made, ()


class _Part(NamedTuple):
    number: str
    change: WarningChange
    hazard: str
    area: str
    told: Told | None  #: None: as it was, cancelled
    before: WarningState | None


def _parts(platform: Platform, source: Source, document: Document) -> Iterator[_Part]:
    policy = platform.handler.policy
    wanted = STATUS_OF.get(policy.mode, "Actual")
    if document.status != wanted:
        raise BadInput("cap.other_status", status=document.status, wanted=wanted)
    if document.kind not in ("Alert", "Update", "Cancel"):
        raise BadInput("cap.other_kind", kind=document.kind)
    known = [state for state in _warnings(platform, source.key) if _is_about(state, document)]
    root = known[0].source_number.split("/")[0] if known else document.identifier
    told: dict[str, _Part] = {}
    if document.kind != "Cancel":
        if not document.infos:
            raise BadInput("cap.no_info")
        before = {state.source_number: state for state in known}
        for info in document.infos:
            hazard = _hazard(source, info)
            if not info.colour:
                raise BadInput("cap.no_colour")
            for area in _areas(policy.city, info):
                number = f"{root}/{hazard}/{area}"
                change = WarningChange.UPDATE if number in before else WarningChange.ISSUE
                told.setdefault(number, _Part(number, change, hazard, area, info, before.get(number)))
    elif not known:
        raise BadInput("cap.cancels_unknown", references=" ".join(document.references)[:160] or "-")
    yield from told.values()
    for state in known:
        # What an update names no longer is over there, as after a cancel.
        over = state.stage == WarningStage.LIFTED and not _said_by(state, document)
        if state.source_number not in told and not over and document.sent >= state.revision:
            yield _Part(state.source_number, WarningChange.CANCEL, state.hazard, state.area, None, state)


def _warnings(platform: Platform, source: str) -> Iterator[WarningState]:
    """What this source has sent so far; there are few of these streams."""
    for row in platform.store.states("warning"):
        if row.body is not None:
            state = _state.decode(row.body)
            if state.source == source:
                yield state


def _is_about(state: WarningState, document: Document) -> bool:
    """Whether a message speaks of a warning: it said it itself, or it refers to what did."""
    named = {version.message for version in state.versions}
    return document.name in named or not named.isdisjoint(document.references)


def _said_by(state: WarningState, document: Document) -> bool:
    return any(version.message == document.name for version in state.versions)


def _send(
    platform: Platform, session: Session, document: Document, number: str, change: WarningChange,
    hazard: str, area: str, told: Told | None, before: WarningState | None,
) -> Part:  # fmt: skip
    if before is not None and _said_by(before, document):
        # Feeds are asked again and again; what they repeat leaves nothing behind.
        known: Future[Answer] = Future()
        params: dict[str, Param] = {"number": number, "revision": before.revision}
        known.set_result(
            Answer(key="warning.known_revision", params=params, case=before.id, version=before.version)
        )
        return Part(number, area, change, known)
    last = before.versions[-1].contents if before and before.versions else None
    starts = told.starts if told else last.starts if last else None
    until = told.until if told else last.until if last else None
    fields = {
        "category": hazard, "colour": told.colour if told else last.colour if last else "", "area": area,
        "starts": format_time(starts if starts is not None else document.sent),
        "until": format_time(until) if until is not None else None, "issues": format_time(document.sent),
        "issuer": document.sender, "message": document.name,
        "caution": told.caution[:8_000] if told else None,
        "measures": told.measures[:8_000] if told else None,
    }  # fmt: skip
    answer = platform.authority.external(session, session.source, number, document.sent, change, fields)
    return Part(number, area, change, answer)


def _hazard(source: Source, told: Told) -> str:
    """Ours for what is warned of: by a row of the source, else as it stands where it is a code of ours."""
    kinds = dict(source.kinds)
    for word in told.events:
        if word in kinds:
            return kinds[word]
    for word in told.events:
        if _HAZARD.fullmatch(word):
            return word
    raise BadInput("cap.unknown_event", event=", ".join(told.events)[:80] or "-")


def _areas(city: CityIndex, told: Told) -> list[str]:
    """The widest areas of ours that lie within what is warned: by official code, else by their very name.

    Shapes are not looked at, because the city's areas have none. Raises BadInput where no area is found.
    """
    found = [area for area in city.city.areas if any(_covers(code, area.code) for code in told.codes)]
    if not found:
        found = [area for area in city.city.areas if told.places.count(area.name_zh)]
    if not found:
        codes = " ".join((*told.codes, *told.places))[:120] or "-"
        raise BadInput("cap.no_area", areas=codes, shapes=told.shapes)
    return [area.key for area in found if not _inside(area, found)]


def _inside(area: Area, others: Iterable[Area]) -> bool:
    return any(area.path != other.path and area.path.startswith(other.path) for other in others)


def _covers(warned: str, code: str) -> bool:
    """Whether an area with this code lies within the warned one (GB/T 2260: 2, 4, 6, 9, 12 digits)."""
    wide, narrow = _significant(warned), _significant(code)
    return bool(wide) and bool(narrow) and narrow.startswith(wide)


def _significant(code: str) -> str:
    if not (code.isascii() and code.isdigit() and len(code) in (2, 4, 6, 9, 12)):
        return ""
    for length in (2, 4, 6, 9):
        if length < len(code) and not code[length:].strip("0"):
            return code[:length]
    return code
