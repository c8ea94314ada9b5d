"""One running city: what the doors (HTTP, adapters, the agenda) may ask and do.

Every method takes a session or a scope; nothing here can be asked without one.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from typing import Any

import msgspec

from liandong.app.accounting import Accounting
from liandong.app.accounts import Accounts, SignInRules
from liandong.app.clock import TimeSource, perf
from liandong.app.condense import Condensing
from liandong.app.curves import ArchiveHistory, Hazards, sees_asset
from liandong.app.handle import MESSAGE_TYPES, Answer, Handler
from liandong.app.intake import Intake, Receipt
from liandong.app.live import Live
from liandong.app.lookups import Lookups
from liandong.app.outbox import Outbox
from liandong.app.ports import (
    Archive,
    Changes,
    History,
    Questions,
    RejectedRow,
    Store,
    StreamRow,
)
from liandong.app.precision import Precision
from liandong.app.presence import Presence
from liandong.app.refusals import PERSONAL, Refusals
from liandong.app.screens import Screens
from liandong.app.search import Search
from liandong.app.vault import Vault
from liandong.app.writer import Admit, Books, Tick, Writer
from liandong.core.ingest import ChannelTable, Decoded, DeviceRow, Devices, decode_json, decode_rows
from liandong.core.ingest.decoded import DecodedAs
from liandong.core.ingest.positions import DecodedPositions, decode_positions
from liandong.core.ingest.waveforms import DecodedWaveforms, Statistics, decode_waveforms
from liandong.core.values.access import AccessScope, Session, scope_of
from liandong.core.values.canonical import canonical_bytes, sha256
from liandong.core.values.case import CaseState, VaultRef
from liandong.core.values.errors import BadInput, Forbidden, LiandongError, NotFound, Unauthenticated
from liandong.core.values.ids import act_id, make_id
from liandong.core.values.journal import EntryKind, JournalRow
from liandong.core.values.lists import Action, Capability, Step
from liandong.core.values.messages import Act, ClockConfirmed, SubjectErased
from liandong.core.values.times import DAY, SECOND, format_time, parse_time

_case_decoder = msgspec.json.Decoder(CaseState)
#: A device sends many times a second; its token is looked up this often, and a revoked one lives as long.
_SENDER_KEPT = SECOND
#: What a door answers: a receipt once it is durable, and the rows it refuses at once.
Taken = tuple[Future[Receipt], tuple[BadInput, ...]]


class _DeviceMessage(msgspec.Struct, frozen=True):
    """A message of a device as it is kept where it was refused, so that it can be sent again whole."""

    protocol: str
    device: str
    key: str
    rows: tuple[DeviceRow, ...]
    raw: bytes


class Platform:
    """The doors' view of the shell."""

    def __init__(
        self,
        store: Store,
        questions: Questions,
        handler: Handler,
        writer: Writer,
        intake: Intake,
        outbox: Outbox,
        vault: Vault,
        accounting: Accounting,
        clock: TimeSource,
        archive: Archive,
        confirm_clock: Callable[[bool, int | None], Any] | None = None,
        sign_in: SignInRules | None = None,
    ) -> None:
        self.store = store
        self.questions = questions
        self.handler = handler
        self.writer = writer
        self.intake = intake
        self.outbox = outbox
        self.vault = vault
        self.accounting = accounting
        self.clock = clock
        self._confirm_clock = confirm_clock
        self.archive = archive
        self.history: History = ArchiveHistory(archive, handler.policy)
        self.precision = Precision(store)
        writer.listeners.append(self.precision.committed)
        self._lookups: Lookups | None = None
        self.accounts = Accounts(store, writer, handler, clock, sign_in or SignInRules())
        self.live = Live(store)
        self.presence = Presence(perf)
        writer.listeners.append(self.live.committed)
        self.accounts.ended.append(self.live.end)
        self._senders: dict[str, tuple[Session, int]] = {}
        self.channels = ChannelTable(handler.policy.city.channel_rows())
        self.condensing = Condensing(intake, Statistics(handler.policy.city.city), clock)
        self._devices = Devices(handler.policy.city.city, self.channels.rows)
        self._refusals = Refusals()
        #: Door → how a refused message that came through it is sent again: (session, bytes, again).
        self.doors: dict[str, Callable[[Session, bytes, str], Taken]] = {
            "readings": self.readings,
            "positions": self.positions,
            "waveforms": self.waveforms,
            "device": self._device_again,
        }

    # Sessions and scopes.

    def session(self, token: str) -> Session:
        """Who a token stands for. Raises Unauthenticated."""
        if not token:
            raise Unauthenticated("auth.missing")
        digest, now = token_digest(token), self.clock.read().now
        kept = self._senders.get(digest)
        if kept is not None and kept[1] <= now < kept[1] + _SENDER_KEPT:
            return kept[0]
        found = self.store.credential(digest)
        if found is None or (found[1] and found[1] <= now):
            raise Unauthenticated("auth.invalid")
        session = found[0]
        if session.source and not session.post:
            self._senders[digest] = (session, now)
        if session.post and not self.handler.policy.city.holds(session.person, session.post, self.writer.now):
            raise Forbidden("auth.post_not_held", post=session.post)
        return session

    def scope(self, session: Session) -> AccessScope:
        """What the session may touch now."""
        return scope_of(self.handler.policy.city, session, self.writer.now)

    def issue_token(self, session: Session, days: int = 1) -> str:
        """A new token; only its digest is stored."""
        token = secrets.token_urlsafe(32)
        expires = self.clock.read().now + days * DAY

        def keep(changes: Changes) -> None:
            changes.credentials.append((token_digest(token), session, expires))

        self.writer.submit(Books(keep)).result()
        return token

    def note(self, scope: AccessScope, key: str, *, who: str = "", **params: Any) -> None:
        """Journal an access or the refusal of one, in the person's stream, or in that of `who`."""
        now = self.writer.now
        stream = f"access:{who or scope.person or 'unknown'}"

        def keep(changes: Changes) -> None:
            self.handler.note(EntryKind.ACCESS, stream, now, key, post=scope.post, **params)

        self.writer.submit(Books(keep))

    def note_system(self, key: str, **params: Any) -> None:
        """Journal what the platform itself has done, in the stream `system`."""
        now = self.writer.now

        def keep(changes: Changes) -> None:
            self.handler.note(EntryKind.SYSTEM, "system", now, key, **params)

        self.writer.submit(Books(keep))

    def need(self, scope: AccessScope, capability: Capability) -> None:
        """Raise Forbidden, and journal it, where no grant carries the capability."""
        if not scope.may(capability):
            self.note(scope, "access.forbidden", capability=capability.value)
            raise Forbidden("auth.no_capability", capability=capability.value)

    def case(self, scope: AccessScope, id: str) -> StreamRow:
        """A case within the scope; outside it NotFound, journalled."""
        row = self.questions.case(scope, id)
        if row is None:
            self.note(scope, "access.outside_scope", case=_id_only(id))
            raise NotFound("case.unknown", case=id[:64])
        return row

    def journal(self, scope: AccessScope, id: str, after: int = 0, limit: int = 50) -> list[JournalRow]:
        """Entries of a case's stream, for who takes part in it or may read the journal there."""
        row = self.store.load([f"case:{id}"]).get(f"case:{id}")
        if row is None:
            self.note(scope, "access.outside_scope", case=_id_only(id))
            raise NotFound("case.unknown", case=id[:64])
        allowed = scope.covers(Capability.JOURNAL_READ, row.domain, row.area_path, row.mode)
        if not allowed and not takes_part(scope, row):
            self.case(scope, id)
            self.note(scope, "access.forbidden", capability=Capability.JOURNAL_READ.value, case=id)
            raise Forbidden("auth.no_capability", capability=Capability.JOURNAL_READ.value)
        return self.store.entries_of(row.stream, after, limit)

    # What the pages of the console need beside the read models.

    @property
    def lookups(self) -> Lookups:
        """Search and screens over the policy in force, made when first asked for."""
        found, policy = self._lookups, self.handler.policy
        if found is None or found.policy is not policy:
            search = Search(policy, self._telephones, secrets.token_bytes)
            screens = Screens(self.store, self.writer, self.intake.shard, policy)
            found = self._lookups = Lookups(policy, search, screens)
        return found

    def _telephones(self) -> Iterator[tuple[str, str]]:
        for person in self.handler.policy.city.persons:
            record = self._record(person)
            if record is not None and record.get("phone"):
                yield person, record["phone"]

    def _record(self, person: str) -> dict[str, str] | None:
        """Name and number of a person, None where there is none or it was destroyed."""
        id, _, digest = (self.store.meta(f"person:{person}") or "").partition(":")
        sealed = self.store.vault_row(id) if id else None
        try:
            kept = self.vault.open(sealed, VaultRef(id, digest)) if sealed is not None else b"null"
        except NotFound:
            return None
        record: dict[str, str] | None = msgspec.json.decode(kept)
        return record

    def people(self, scope: AccessScope, persons: Iterable[str]) -> dict[str, dict[str, str]]:
        """Names and numbers of several persons, for who may; one entry of the journal names them all.

        Without the capability nothing is given, and nothing is refused: pages show posts then.
        """
        wanted = sorted({person for person in persons if person})
        if not wanted or not scope.may(Capability.PERSONAL_READ):
            return {}
        found = {person: record for person in wanted if (record := self._record(person)) is not None}
        if found:
            self.note(scope, "access.persons", persons=", ".join(found))
        return found

    def newest(self, channel: str) -> tuple[int, float] | None:
        """Event time and value of the newest accepted reading; None before the first."""
        return self.intake.shard.newest(channel)

    def channel(self, scope: AccessScope, key: str) -> str:
        """A channel whose readings the scope may see, by its key; else NotFound, journalled."""
        policy = self.handler.policy
        asset = policy.city.asset_of_channel(key)
        known = asset is not None and (
            sees_asset(policy, scope, asset, Hazards(policy).of(key))
            or self.questions.cases_at(scope, [asset.key])
        )
        if not known:
            self.note(scope, "access.outside_scope", case=_id_only(key))
            raise NotFound("channel.unknown", channel=key[:64])
        return key

    # Readings.

    def readings(self, session: Session, raw: bytes, again: str = "") -> Taken:
        """Take a message of readings in JSON. The future resolves once it is durable.

        Bad rows are named at once. Raises Forbidden for a session that is no source, BadInput where
        nothing could be read.
        """

        def decode(source: str, arrival: int, now: int) -> Decoded:
            return decode_json(raw, source, self.channels, arrival, now)

        return self.take(session, "readings", raw, decode, again)

    def take(
        self,
        session: Session,
        door: str,
        raw: bytes,
        decode: Callable[[str, int, int], DecodedAs[Any]],
        again: str = "",
        kept: bytes | None = None,
    ) -> Taken:
        """Let a source's message in by a door; `decode` makes it of (source, arrival, now).

        What is refused is kept as `kept`, else as the raw bytes, and goes through `doors[door]` when it
        is replayed. Raises as `readings` does.
        """
        source = self._sender(session)
        now = self.clock.read().now
        try:
            decoded = decode(source, now, max(now, self.writer.now))
        except BadInput as error:
            self.refuse(source, door, error, raw if kept is None else kept)
            raise
        if decoded.errors:
            # What is taken in part lies whole in the log, so one copy an hour is enough to see what is wrong.
            known = (
                bool(len(decoded.batch)) and not again and self._refusals.before(source, door, decoded, now)
            )
            self._refuse_rows(source, door, decoded.errors, b"" if known else raw if kept is None else kept)
            if not len(decoded.batch):
                # Not logged: the same bytes sent again after a correction must not count as a repeat.
                nothing: Future[Receipt] = Future()
                nothing.set_result(Receipt(position=None, rows=0))
                return nothing, decoded.errors
        return self.intake.submit(source, decoded, raw, now, again), decoded.errors

    def positions(self, session: Session, raw: bytes, again: str = "") -> Taken:
        """Take positions of what moves, in JSON; as `readings`. They are kept; no rule looks at them yet."""

        def decode(source: str, arrival: int, now: int) -> DecodedPositions:
            return decode_positions(raw, source, arrival, now)

        return self.take(session, "positions", raw, decode, again)

    def waveforms(self, session: Session, raw: bytes, again: str = "") -> Taken:
        """Take windows of fast signals, in JSON; as `readings`, and condensed as the city declares."""

        def decode(source: str, arrival: int, now: int) -> DecodedWaveforms:
            return decode_waveforms(raw, source, self.channels, arrival, now)

        return self.take_waveforms(session, "waveforms", raw, decode, again)

    def take_waveforms(
        self,
        session: Session,
        door: str,
        raw: bytes,
        decode: Callable[[str, int, int], DecodedWaveforms],
        again: str = "",
    ) -> Taken:
        """As `take`; the future resolves once the windows and the statistics they complete are durable."""
        held: list[DecodedWaveforms] = []

        def decode_and_hold(source: str, arrival: int, now: int) -> DecodedWaveforms:
            held.append(decode(source, arrival, now))
            return held[-1]

        future, errors = self.take(session, door, raw, decode_and_hold, again)
        return self.condensing.after(held[0].batch, future), errors

    def device(self, protocol: str, device: str, key: str, rows: Sequence[DeviceRow], raw: bytes) -> Taken:
        """Take what a device said in its own protocol, decoded into rows; `raw` is its message.

        Repeats are told by (source, key). Raises BadInput("device.unknown") where the city has no such
        device, having kept and counted the message under the protocol's name; Forbidden where its source
        may not send; Busy where the queue is full.
        """
        return self._device(_DeviceMessage(protocol, device, key, tuple(rows), raw), "")

    def source_of(self, protocol: str, device: str) -> str:
        """The source of a registered device, empty where the city has none of this name."""
        try:
            return self._devices.find(protocol, device).source
        except BadInput:
            return ""

    def _device(self, message: _DeviceMessage, again: str) -> Taken:
        kept = msgspec.json.encode(message)
        try:
            known = self._devices.find(message.protocol, message.device)
        except BadInput as error:
            self.refuse(f"protocol:{message.protocol}", "device", error, kept)
            raise

        def decode(_: str, arrival: int, now: int) -> Decoded:
            return decode_rows(message.rows, message.key, known, arrival, now)

        return self.take(Session(source=known.source), "device", message.raw, decode, again, kept)

    def _device_again(self, _: Session, kept: bytes, again: str) -> Taken:
        return self._device(msgspec.json.decode(kept, type=_DeviceMessage), again)

    def _sender(self, session: Session) -> str:
        """The source of a session that may send. Raises Forbidden."""
        source = session.source
        if not source:
            raise Forbidden("auth.not_a_source")
        rights = self.handler.policy.city.permissions(source)
        if not any(row.capability == Capability.READINGS_SEND for row in rights):
            wanted = Capability.READINGS_SEND.value
            self.note(self.scope(session), "access.forbidden", who=source, capability=wanted)
            raise Forbidden("auth.no_capability", capability=wanted)
        return source

    def _refuse_rows(self, source: str, door: str, errors: tuple[BadInput, ...], kept: bytes) -> None:
        """Count every refused row, and keep the message once, under its first error, where there is one."""
        self.accounting.enter(Step.INGEST, source, len(errors))
        for bad in errors:
            self.accounting.reject(Step.INGEST, source, bad.key)
        if kept:
            self._keep_rejected(source, door, errors[0], kept)

    # Acts.

    def act(
        self,
        session: Session,
        case: str,
        action: str,
        body: dict[str, Any],
        key: str,
        version: int,
        raw: bytes,
    ) -> Future[Answer]:
        """A person's act. Words go into the vault; the message holds a reference.

        Raises NotFound outside the scope, BadInput for a body that says too little.
        """
        scope = self.scope(session)
        self.case(scope, case)
        try:
            message, rows = self._act_message(session, case, action, body, key, version)
        except BadInput as error:
            self.refuse(session.post, "act", error, raw, subject=f"case:{case}")
            raise

        def keep(changes: Changes) -> None:
            changes.vault += rows

        return self.writer.submit(Admit(message, session.person, extra=keep))

    def _act_message(
        self, session: Session, case: str, action: str, body: dict[str, Any], key: str, version: int
    ) -> tuple[Act, list[Any]]:
        if action not in list(Action):
            raise BadInput("act.unknown", action=action[:40], known=", ".join(a.value for a in Action))
        if not key or len(key) > 200:
            raise BadInput("act.no_key")
        policy = self.handler.policy
        id = act_id(policy.city.key, policy.mode, session.person, case, key)
        device_at, rung_at = body.get("device_at"), body.get("rung_at")
        words, number = body.get("text") or "", body.get("number") or ""
        ref: VaultRef | None = None
        rows: list[Any] = []
        if words:
            ref, row = self.vault.seal(f"case:{case}", words)
            rows.append(row)
        rung: VaultRef | None = None
        if number:
            rung, row = self.vault.seal(f"case:{case}", number)
            rows.append(row)
        digest = sha256(canonical_bytes([id, action, session.post, version, body]))
        if words or number:
            # Keyed with the case's secret, so that words cannot be guessed from it once that is destroyed.
            digest = self.vault.blind(f"case:{case}", digest)
        return (
            Act(
                id=id, body_digest=digest, action=Action(action), case=case, person=session.person,
                post=session.post, version=version, device_at=parse_time(device_at) if device_at else None,
                client_seq=body.get("client_seq"), text=ref, evidence=tuple(body.get("evidence") or ()),
                verdict=body.get("verdict") or "", level=body.get("level") or "",
                cause=body.get("cause") or "",
                passed=body.get("passed"), reason=body.get("reason") or "", to=body.get("to") or "",
                kind=body.get("kind") or "", number=rung, answered=body.get("answered"),
                rung_at=parse_time(rung_at) if rung_at else None,
            ),
            rows,
        )  # fmt: skip

    def refuse_act(self, session: Session, case: str, error: BadInput, raw: bytes) -> None:
        """Count and keep an act that a door could not even read. Raises NotFound outside the scope."""
        self.case(self.scope(session), case)
        self.refuse(session.post, "act", error, raw, subject=f"case:{case}")

    # Refused input.

    def refuse(self, source: str, path: str, error: BadInput, raw: bytes, subject: str = "") -> None:
        """Count an input that was refused as a whole, and keep it for an operator."""
        self.accounting.enter(Step.INGEST, source)
        self.accounting.reject(Step.INGEST, source, error.key)
        self._keep_rejected(source, path, error, raw, subject)

    def _keep_rejected(
        self, source: str, path: str, error: LiandongError, raw: bytes, subject: str = ""
    ) -> None:
        at = self.clock.read().now
        day = format_time(at)[:10]
        ref, row = self.vault.seal(subject or f"rejected:{source}:{day}", raw[:1_000_000])
        policy = self.handler.policy
        # By chance, because the same may be refused twice within a microsecond.
        made = make_id("rej", policy.city.key, policy.mode, source, at, secrets.token_hex(8))
        rejected = RejectedRow(
            id=made, at=at, source=source, path=path, key=error.key, params=_kept_params(path, error),
            vault=f"{ref.id}:{ref.digest}",
            size=len(raw),
        )  # fmt: skip

        def keep(changes: Changes) -> None:
            changes.vault.append(row)
            changes.rejected.append(rejected)

        self.writer.submit(Books(keep))

    def rejected_raw(self, scope: AccessScope, id: str) -> tuple[RejectedRow, bytes]:
        """A refused input with its bytes. Raises NotFound where it is unknown or destroyed."""
        self.need(scope, Capability.INTAKE_READ)
        row = self.store.rejected(id)
        if row is None:
            raise NotFound("rejected.unknown", id=id[:64])
        key, _, digest = row.vault.partition(":")
        sealed = self.store.vault_row(key)
        if sealed is None:
            raise NotFound("vault.erased")
        self.note(scope, "access.rejected", rejected=row.id)
        return row, self.vault.open(sealed, VaultRef(key, digest))

    def replay_rejected(self, scope: AccessScope, id: str) -> Taken:
        """Send a refused device message through the door again."""
        self.need(scope, Capability.INTAKE_REPLAY)
        row, raw = self.rejected_raw(scope, id)
        send = self.doors.get(row.path)
        if send is None or len(raw) != row.size:
            # Of a very large message only the beginning was kept; half of it must not pass for all.
            raise BadInput("rejected.not_replayable", id=id, path=row.path)
        now = self.writer.now
        answer = send(Session(source=row.source), raw, f"{id}@{now}")
        self._mark_replayed("rejected", id)
        return answer

    def replay_dead(self, scope: AccessScope, id: str) -> Future[Answer]:
        """Admit a dead letter again."""
        self.need(scope, Capability.INTAKE_REPLAY)
        row = self.store.dead_letter(id)
        if row is None:
            raise NotFound("dead.unknown", id=id[:64])
        message: Any = msgspec.json.decode(row.body, type=MESSAGE_TYPES[row.type])
        future: Future[Answer] = self.writer.submit(Admit(message, "replay"))

        def mark(done: Future[Answer]) -> None:
            # Only once it went through: a letter that dies again has to stay open.
            if not done.cancelled() and done.exception() is None:
                self._mark_replayed("dead", id)

        future.add_done_callback(mark)
        return future

    def _mark_replayed(self, what: str, id: str) -> None:
        now = self.writer.now

        def keep(changes: Changes) -> None:
            changes.replayed.append((what, id, now))

        self.writer.submit(Books(keep))

    # Personal data.

    def erase(self, session: Session, subject: str, reason: str) -> Future[Answer]:
        """Destroy a subject's key and journal that it was destroyed, by whom and why (a key, no words)."""
        scope = self.scope(session)
        self.need(scope, Capability.PERSONAL_ERASE)
        if not re.fullmatch(r"(case|person|rejected):[\w:.\-]{1,200}", subject):
            raise BadInput("erase.bad_subject", subject=subject[:64])
        message = SubjectErased(subject=subject, by=session.post, reason=reason)
        future: Future[Answer] = self.writer.submit(Admit(message, "system"))
        future.result()
        self.vault.erase(subject)
        return future

    def person(self, scope: AccessScope, person: str) -> dict[str, str]:
        """Name and number from the vault; every look is journalled. Raises NotFound."""
        self.need(scope, Capability.PERSONAL_READ)
        kept = self.store.meta(f"person:{person}")
        id, _, digest = (kept or "").partition(":")
        sealed = self.store.vault_row(id) if id else None
        if sealed is None:
            self.note(scope, "access.person_unknown")
            raise NotFound("person.unknown", person=person[:64])
        record: dict[str, str] = msgspec.json.decode(self.vault.open(sealed, VaultRef(id, digest)))
        self.note(scope, "access.person", person=person)
        return record

    def read_text(self, scope: AccessScope, ref: VaultRef) -> str:
        """A person's words, for whoever may see the case. Raises NotFound once destroyed."""
        row = self.store.vault_row(ref.id)
        if row is None:
            raise NotFound("vault.erased")
        return self.vault.open(row, ref).decode("utf-8", "replace")

    # Time.

    def tick(self, persist: bool = False) -> Future[int]:
        """Admit the clock's word: timers, silent sources, retries."""
        reading = self.clock.read()
        future = self.writer.submit(Tick(reading.now, reading.deadlines, persist))
        self.intake.tick(reading.now)
        self.outbox.nudge()
        return future

    def confirm_clock(
        self, session: Session, accept_wall: bool, difference: int | None = None
    ) -> Future[Answer]:
        """A person decides what time it is after a jump, having been shown the difference."""
        self.need(self.scope(session), Capability.CLOCK_CONFIRM)
        if self._confirm_clock is None:
            raise BadInput("clock.not_in_question")
        wall = self.clock.read()
        self._confirm_clock(accept_wall, difference)
        message = ClockConfirmed(by=session.post, accept_wall=accept_wall, wall=wall.now + wall.difference)
        return self.writer.submit(Admit(message, "system"))

    # Health.

    def not_ready(self) -> list[str]:
        """Names of the parts that do not work; empty is good."""
        try:
            self.store.last_position()
        except Exception:  # whatever a store may raise, it is not ready then
            return ["store"]
        return [] if self.writer.is_alive() else ["writer"]

    def quiet(self) -> bool:
        """Nothing is moving: queues empty, findings committed, outbox drained or waiting for a time."""
        return self.intake.idle() and self.writer.idle() and self.outbox.idle()

    def health(self) -> dict[str, Any]:
        """Figures for an operator."""
        reading = self.clock.read()
        return {
            "now": format_time(reading.now),
            "deadlines": reading.deadlines,
            "clock_anomaly": reading.anomaly,
            "clock_difference": reading.difference / SECOND,
            "clock_difference_us": reading.difference,
            "queued": self.writer.waiting(),
            "equation": self._violations(),
            "counts": self.questions.counts(),
            "position": self.store.last_position(),
        }

    def _violations(self) -> list[str]:
        """What the books say twice in a row: while messages move, one look may see a step half taken."""
        first = self.accounting.check()
        return [line for line in self.accounting.check() if line in first] if first else []


def takes_part(scope: AccessScope, row: StreamRow) -> bool:
    """True where the post or its unit takes part in a case at the scope's moment."""
    if row.body is None:
        return False
    return any(
        p.since <= scope.now
        and (not p.until or scope.now < p.until)
        and (p.post == scope.post != "" or p.unit == scope.unit != "")
        for p in _case_decoder.decode(row.body).participants
    )


def _id_only(text: str) -> str:
    """What was asked for, unless somebody typed something else than an id: the journal holds no words."""
    return text if re.fullmatch(r"[a-z0-9_]{1,64}", text) else "?"


def _kept_params(path: str, error: LiandongError) -> dict[str, Any]:
    """What of an error may lie open: a device's words, of a person's only numbers."""
    return {k: v for k, v in error.params.items() if path not in PERSONAL or isinstance(v, (int, float))}


def token_digest(token: str) -> str:
    """What is stored of a token."""
    return hashlib.sha256(token.encode()).hexdigest()
