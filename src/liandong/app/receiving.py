"""What devices send: readings, positions, waveforms, and messages in protocols of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any

import msgspec

from liandong.app.access import Access
from liandong.app.clock import TimeSource
from liandong.app.condense import Condensing
from liandong.app.handle import Handler
from liandong.app.intake import Intake, Receipt
from liandong.app.refusals import Refusals
from liandong.app.rejected import Rejected
from liandong.app.writer import Writer
from liandong.core.ingest import ChannelTable, Decoded, DeviceRow, Devices, decode_json, decode_rows
from liandong.core.ingest.decoded import DecodedAs
from liandong.core.ingest.positions import DecodedPositions, decode_positions
from liandong.core.ingest.waveforms import DecodedWaveforms, Statistics, decode_waveforms
from liandong.core.values.access import AccessScope, Session
from liandong.core.values.errors import BadInput, Busy, Forbidden, Unreachable
from liandong.core.values.lists import Capability

#: What a door answers: a receipt once it is durable, and the rows it refuses at once.
Taken = tuple[Future[Receipt], tuple[BadInput, ...]]


class _DeviceMessage(msgspec.Struct, frozen=True):
    """A message of a device as it is kept where it was refused, so that it can be sent again whole."""

    protocol: str
    device: str
    key: str
    rows: tuple[DeviceRow, ...]
    raw: bytes


class Receiving:
    """The way of a source's message into the readings log."""

    def __init__(
        self,
        handler: Handler,
        writer: Writer,
        intake: Intake,
        clock: TimeSource,
        access: Access,
        rejected: Rejected,
    ) -> None:
        self._handler, self._writer, self._intake = handler, writer, intake
        self._clock, self._access, self._rejected = clock, access, rejected
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
        now = self._clock.read().now
        try:
            decoded = decode(source, now, max(now, self._writer.now))
        except BadInput as error:
            self._rejected.refuse(source, door, error, raw if kept is None else kept)
            raise
        if decoded.errors:
            # What is taken in part lies whole in the log, so one copy an hour is enough to see what is wrong.
            known = (
                bool(len(decoded.batch)) and not again and self._refusals.before(source, door, decoded, now)
            )
            copy = b"" if known else raw if kept is None else kept
            self._rejected.refuse_rows(source, door, decoded.errors, copy)
            if not len(decoded.batch):
                # Not logged: the same bytes sent again after a correction must not count as a repeat.
                nothing: Future[Receipt] = Future()
                nothing.set_result(Receipt(position=None, rows=0))
                return nothing, decoded.errors
        return self._intake.submit(source, decoded, raw, now, again), decoded.errors

    def plain(
        self, session: Session, raw: bytes, decode: Callable[[str, int, int], DecodedAs[Any] | None]
    ) -> Future[Receipt] | None:
        """Take a message in which everything is right, without waiting for anything.

        None where there is something to tell; then nothing has happened, and `take` will tell it.
        """
        if not session.source or not self._may_send(session.source):
            return None
        now = self._clock.read().now
        try:
            decoded = decode(session.source, now, max(now, self._writer.now))
            if decoded is None or decoded.errors:
                return None
            return self._intake.submit(session.source, decoded, raw, now)
        except (BadInput, Busy, Unreachable):
            return None

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

    def replay(self, scope: AccessScope, id: str) -> Taken:
        """Send a refused device message through its door again."""
        self._access.need(scope, Capability.INTAKE_REPLAY)
        row, raw = self._rejected.raw(scope, id)
        send = self.doors.get(row.path)
        if send is None or len(raw) != row.size:
            # Of a very large message only the beginning was kept; half of it must not pass for all.
            raise BadInput("rejected.not_replayable", id=id, path=row.path)
        now = self._writer.now
        answer = send(Session(source=row.source), raw, f"{id}@{now}")
        self._rejected.mark_replayed("rejected", id)
        return answer

    def _device(self, message: _DeviceMessage, again: str) -> Taken:
        kept = msgspec.json.encode(message)
        try:
            known = self._devices.find(message.protocol, message.device)
        except BadInput as error:
            self._rejected.refuse(f"protocol:{message.protocol}", "device", error, kept)
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
        if not self._may_send(source):
            wanted = Capability.READINGS_SEND.value
            self._access.note(self._access.scope(session), "access.forbidden", who=source, capability=wanted)
            raise Forbidden("auth.no_capability", capability=wanted)
        return source

    def _may_send(self, source: str) -> bool:
        rights = self._handler.policy.city.permissions(source)
        return any(row.capability == Capability.READINGS_SEND for row in rights)
