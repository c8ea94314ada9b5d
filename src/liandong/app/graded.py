"""Alarms that sub-platforms have graded themselves: read, put in our terms, admitted, answered.

Free words go into the vault under the alarm; what cannot be read, or not converted, is kept for an operator,
who may send it again once the row that was missing is there.
"""

from __future__ import annotations

import re
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import msgspec

from liandong.app.access import Access, id_only
from liandong.app.handle import Answer, Handler
from liandong.app.intake import Receipt
from liandong.app.ports import Changes, Store, StreamRow, VaultRow
from liandong.app.receiving import Taken
from liandong.app.rejected import Rejected
from liandong.app.vault import Vault
from liandong.app.writer import Admit, Lane, Writer
from liandong.core.assess.graded import alarm_id, known_hazard
from liandong.core.values.access import AccessScope, Session
from liandong.core.values.city import Source
from liandong.core.values.errors import BadInput, Forbidden, LiandongError, NotFound
from liandong.core.values.graded import GradedFinding, GradedState
from liandong.core.values.lists import Capability, GradedAction
from liandong.core.values.scales import SEVERITIES
from liandong.core.values.times import EARLIEST, LATEST, parse_time

DOOR = "graded"
MOST_BYTES = 1024 * 1024
MOST_ALARMS = 500
#: What a hazard looks like: never words, because the journal holds it.
_CODE = re.compile(r"[a-z][a-z0-9_]{0,63}")
_FAILURES = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class Report(msgspec.Struct, kw_only=True):
    """An alarm as a sub-platform says it; what it says besides is left aside."""

    id: str
    time: str
    action: GradedAction = GradedAction.RAISE
    version: int | None = None
    hazard: str = ""
    level: str = ""
    asset: str = ""
    sensor: str = ""
    channel: str = ""
    area: str = ""
    onset: str = ""
    value: float | None = None
    unit: str = ""
    text: str = ""


_report = msgspec.json.Decoder(Report)
_outer = msgspec.json.Decoder(dict[str, msgspec.Raw])
_list = msgspec.json.Decoder(list[msgspec.Raw])
_state = msgspec.json.Decoder(GradedState)
#: Reason → what the sender is told became of its word.
OUTCOMES = {
    "graded.raised": "raised",
    "graded.changed": "changed",
    "graded.cleared": "cleared",
    "graded.cleared_before": "cleared",
    "graded.never_raised": "unknown",
    "graded.known_version": "known",
}


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a message on its way: the source's id, and the answer to come or why there is none."""

    number: str
    answer: Future[Answer] | None = None
    error: LiandongError | None = None


class GradedAlarms:
    """The way of a sub-platform's alarms to the risk at their place."""

    def __init__(
        self, store: Store, handler: Handler, writer: Writer, vault: Vault, access: Access, rejected: Rejected
    ) -> None:
        self._store, self._handler, self._writer = store, handler, writer
        self._vault, self._access, self._rejected = vault, access, rejected

    def take(self, session: Session, raw: bytes) -> list[Word]:
        """The alarms of a message in their order; each answer comes once it is committed.

        Raises Forbidden for a session that is no source or may not send, BadInput where the message as a
        whole cannot be read, Busy where the queue is full: what came before may be sent again without harm.
        """
        source = self._sender(session)
        try:
            alarms = read_alarms(raw)
        except BadInput as error:
            self._rejected.refuse(source.key, DOOR, error, raw)
            raise
        return [self._take(source, one, row) for row, one in enumerate(alarms, start=1)]

    def again(self, session: Session, raw: bytes, _: str) -> Taken:
        """A refused alarm that an operator sends again; what was refused then is refused again by itself."""
        made: Future[Receipt] = Future()
        words = self.take(session, raw)
        for word in words:
            if word.error is not None:
                raise word.error
            assert word.answer is not None
            word.answer.result()
        made.set_result(Receipt(position=None, rows=len(words)))
        return made, ()

    def find(self, session: Session, scope: AccessScope, id: str) -> tuple[GradedState, str | None]:
        """An alarm and its words: by the source's own id for the source itself, by ours for whoever may see
        the hazard at its place. Raises NotFound, journalled."""
        policy = self._handler.policy
        key = (
            alarm_id(policy, session.source, id) if session.source else id.partition("_")[2].partition("_")[0]
        )
        stream = f"graded:{key if session.source else 'gfd_' + key}"
        row = self._store.load([stream]).get(stream)
        state = _state.decode(row.body) if row is not None and row.body is not None else None
        if row is None or state is None or not self._sees(session, scope, row, state):
            self._access.note(scope, "access.outside_scope", who=session.source, case=id_only(id))
            raise NotFound("graded.unknown", number=id[:64])
        return state, self._words(state)

    def _sees(self, session: Session, scope: AccessScope, row: StreamRow, state: GradedState) -> bool:
        if session.source:
            return state.source == session.source
        return state.report is not None and scope.covers(
            Capability.CASE_READ, row.domain, row.area_path, state.mode
        )

    def _words(self, state: GradedState) -> str | None:
        ref = state.report.words if state.report else None
        row = self._store.vault_row(ref.id) if ref else None
        if row is None or ref is None:
            return None
        try:
            return self._vault.open(row, ref).decode("utf-8", "replace")
        except LiandongError:
            return None

    # One alarm.

    def _take(self, source: Source, raw: bytes, row: int) -> Word:
        number = _number(raw)
        try:
            message, rows = self._message(source, raw, row)
        except BadInput as error:
            self._rejected.refuse(source.key, DOOR, error, raw)
            return Word(number, error=error)

        def keep(changes: Changes) -> None:
            changes.vault += rows

        return Word(number, self._writer.submit(Admit(message, source.key, keep, Lane.FINDINGS)))

    def _message(self, source: Source, raw: bytes, row: int) -> tuple[GradedFinding, list[VaultRow]]:
        said = read_report(raw, row)
        time = _moment(said.time, row, "time")
        version = time if said.version is None else said.version
        given: dict[str, Any] = {}
        if said.action != GradedAction.CLEAR:
            given = self._terms(source, said)
        words: list[VaultRow] = []
        message = GradedFinding(
            source=source.key, number=said.id, version=version, action=said.action,
            onset=_moment(said.onset, row, "onset") if said.onset else time, said=time, value=said.value,
            unit=said.unit, **given,
        )  # fmt: skip
        ref = self._seal(message, said.text, words)
        return (msgspec.structs.replace(message, words=ref) if ref else message), words

    def _terms(self, source: Source, said: Report) -> dict[str, Any]:
        """Hazard, severity and place in ours. Raises BadInput naming the row that is missing."""
        policy = self._handler.policy
        city = policy.city
        grades = dict(source.grades)
        severity = grades.get(said.level, "" if grades else said.level)
        if severity not in SEVERITIES:
            known = ", ".join(grades) or ", ".join(SEVERITIES)
            raise BadInput("graded.unknown_level", level=said.level[:40], known=known)
        hazard = dict(source.kinds).get(said.hazard, said.hazard)
        if not _CODE.fullmatch(hazard) or not known_hazard(policy, hazard):
            raise BadInput("graded.unknown_hazard", hazard=said.hazard[:40])
        measured = city.channels.get(said.channel)
        sensor = city.sensors.get(measured.sensor if measured else said.sensor)
        asset = city.assets.get(sensor.asset if sensor else said.asset)
        area = asset.area if asset else said.area
        lost = (said.channel and not measured) or (said.sensor and not sensor) or (said.asset and not asset)
        if lost or area not in city.areas or not self._may_at(source, hazard, city.area_path(area)):
            place = said.channel or said.sensor or said.asset or said.area
            raise BadInput("graded.unknown_place", place=place[:80] or "-")
        return {
            "hazard": hazard, "severity": severity, "level": said.level, "asset": asset.key if asset else "",
            "area": "" if asset else area, "channel": measured.key if measured else "",
        }  # fmt: skip

    def _may_at(self, source: Source, hazard: str, area_path: str) -> bool:
        """Whether the source may speak of this hazard there."""
        city = self._handler.policy.city
        return any(
            row.capability == Capability.READINGS_SEND
            and ("*" in row.domains or hazard in row.domains)
            and (not row.area or (row.area in city.areas and area_path.startswith(city.area_path(row.area))))
            for row in city.permissions(source.key)
        )

    def _seal(self, message: GradedFinding, words: str, rows: list[VaultRow]) -> Any:
        """A reference to the words; a repeat, which changes nothing, leaves none behind."""
        if not words:
            return None
        id = alarm_id(self._handler.policy, message.source, message.number)
        stream = f"graded:{id}"
        row = self._store.load([stream]).get(stream)
        if row is not None and row.body is not None and _state.decode(row.body).newest >= message.version:
            return None
        ref, sealed = self._vault.seal(stream, words[:4_000])
        rows.append(sealed)
        return ref

    def _sender(self, session: Session) -> Source:
        city = self._handler.policy.city
        source = city.sources.get(session.source)
        if source is None:
            raise Forbidden("auth.not_a_source")
        wanted = Capability.READINGS_SEND
        if not any(row.capability == wanted for row in city.permissions(source.key)):
            scope = self._access.scope(session)
            self._access.note(scope, "access.forbidden", who=source.key, capability=wanted.value)
            raise Forbidden("auth.no_capability", capability=wanted.value)
        return source


def read_alarms(raw: bytes) -> list[bytes]:
    """The alarms of a message, each as its own bytes. Raises BadInput."""
    if len(raw) > MOST_BYTES:
        raise BadInput("batch.too_large", limit=MOST_BYTES, size=len(raw))
    try:
        outer = _outer.decode(raw)
        listed = _list.decode(outer["alarms"]) if "alarms" in outer else [raw]
    except _FAILURES as error:
        raise BadInput("json.malformed", why=str(error)[:120]) from error
    if len(listed) > MOST_ALARMS:
        raise BadInput("batch.too_large", limit=MOST_ALARMS, size=len(listed))
    return [bytes(one) for one in listed]


def read_report(raw: bytes, row: int) -> Report:
    """One alarm, its parts within bounds. Raises BadInput naming the row and what is wrong."""
    try:
        said = _report.decode(raw)
    except _FAILURES as error:
        raise BadInput("graded.bad_report", row=row, problem=str(error)[:120]) from error
    if not said.id or len(said.id) > 128:
        raise BadInput("graded.bad_report", row=row, problem="id")
    if len(said.unit) > 16 or " " in said.unit:
        raise BadInput("graded.bad_report", row=row, problem="unit")
    if said.version is not None and not 0 <= said.version < 1 << 62:
        raise BadInput("graded.bad_report", row=row, problem="version")
    for name in ("time", "onset"):
        if name == "time" or said.onset:
            _moment(getattr(said, name), row, name)
    return said


def _number(raw: bytes) -> str:
    """The source's id of an alarm, as far as it has one that can be read."""
    try:
        found = _outer.decode(raw).get("id")
        return str(msgspec.json.decode(found))[:128] if found is not None else ""
    except _FAILURES:
        return ""


def _moment(text: str, row: int, name: str) -> int:
    try:
        found = parse_time(text)
    except BadInput as error:
        raise BadInput("graded.bad_report", row=row, problem=f"{name}={text[:40]}") from error
    if not EARLIEST <= found <= LATEST:
        raise BadInput("graded.bad_report", row=row, problem=f"{name}={text[:40]}")
    return found
