"""One session with an MQTT broker: each message is acknowledged once its readings are durable.

The broker keeps the session (a fixed client id, no clean start): what was not acknowledged it sends
again, also after this process was killed. Subscriptions ask for QoS 1. With QoS 2 the broker gives the
payload away before anybody can know that it is durable, and a kill would lose it.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from ssl import SSLError
from typing import Any

from liandong.adapters._io.links import Health, no_library, run_all
from liandong.adapters._io.taking import Declared, refuse, take_rows
from liandong.adapters.mqtt.payload import Said, rows_of
from liandong.adapters.mqtt.topics import MqttBroker, MqttTopic
from liandong.app.intake import Receipt
from liandong.app.logs import get_logger
from liandong.app.platform import Platform
from liandong.core.values.access import Session
from liandong.core.values.canonical import short_hash
from liandong.core.values.errors import BadInput, Busy, Forbidden, LiandongError
from liandong.core.values.times import MINUTE

log = get_logger("field")
PROTOCOL = "mqtt"
#: How long a full intake is left alone, seconds.
_AGAIN_S = 0.2
#: A message that the broker sends again is looked for among those taken so many minutes ago, at most.
_LOOK_BACK = 7 * 24 * 60

Waiting = list["asyncio.Future[Receipt]"]


class MqttLink:
    """A broker and its topics. paho's thread receives, this loop hands over and acknowledges in order."""

    def __init__(self, platform: Platform, broker: MqttBroker, folder: Path, password: str) -> None:
        self.name = broker.name
        self.broker = broker
        self.health = Health(PROTOCOL, broker.name)
        self._platform, self._folder, self._password = platform, folder, password
        self._declared = Declared(platform, PROTOCOL)
        self._client: Any = None
        self._connection = 0  #: rises with every connection and its loss
        self._connected_before = False
        self._closing = threading.Event()
        self._room = threading.Semaphore(broker.most_waiting)
        self._inbox: asyncio.Queue[tuple[int, Any, int]] = asyncio.Queue()
        self._owed: asyncio.Queue[tuple[int, Any, Waiting]] = asyncio.Queue()
        self._last_arrival = 0

    @property
    def healths(self) -> Sequence[Health]:
        """One, for the broker."""
        return [self.health]

    async def run(self) -> None:
        """Listen until cancelled. Raises BadInput where paho is not installed or a certificate is none."""
        self._client = self._make(asyncio.get_running_loop())
        self._client.loop_start()
        try:
            await run_all([self._take(), self._acknowledge()])
        finally:
            self._closing.set()
            self._client.disconnect()
            await asyncio.shield(asyncio.to_thread(self._client.loop_stop))

    # In paho's thread.

    def _make(self, loop: asyncio.AbstractEventLoop) -> Any:
        try:
            from paho.mqtt import client as paho
            from paho.mqtt.packettypes import PacketTypes
            from paho.mqtt.properties import Properties
        except ImportError as error:
            raise no_library(self.name, "mqtt", error) from error
        broker, five = self.broker, self.broker.version == "5"
        client = paho.Client(
            paho.CallbackAPIVersion.VERSION2, client_id=broker.client_id, manual_ack=True,
            protocol=paho.MQTTv5 if five else paho.MQTTv311, clean_session=None if five else False,
        )  # fmt: skip
        if broker.user:
            client.username_pw_set(broker.user, self._password or None)
        if broker.tls:
            authority, certificate, key = (
                str(self._folder / name) if name else None
                for name in (broker.ca_file, broker.certificate_file, broker.key_file)
            )
            try:
                client.tls_set(authority, certificate, key)
            except (OSError, ValueError) as error:
                raise BadInput("field.bad_certificate", link=self.name) from error
        client.reconnect_delay_set(1, max(broker.most_wait_s, 1))
        client.on_connect, client.on_disconnect = self._on_connect, self._on_disconnect
        client.on_connect_fail, client.on_subscribe = self._on_connect_fail, self._on_subscribe
        client.on_message = lambda _, __, message: self._on_message(loop, message)
        how: dict[str, Any] = {}
        if five:
            asked = Properties(PacketTypes.CONNECT)
            asked.SessionExpiryInterval = broker.session_s
            asked.ReceiveMaximum = broker.most_waiting
            how = {"clean_start": False, "properties": asked}
        client.connect_async(broker.host, broker.port, broker.keepalive_s, **how)
        return client

    def _on_connect(self, client: Any, _: Any, flags: Any, reason: Any, __: Any = None) -> None:
        self._connection += 1
        if reason.is_failure:
            self.health.failed(f"mqtt.refused_{reason.value}")
            return
        if self._connected_before and not flags.session_present:
            self.health.note("mqtt.session_lost")
        self._connected_before = True
        self.health.answered(self._platform.clock.read().now)
        client.subscribe([(rule.filter, 1) for rule in self.broker.topic])

    def _on_disconnect(self, _: Any, __: Any, ___: Any, reason: Any, ____: Any = None) -> None:
        self._connection += 1
        if not self._closing.is_set() and not self.health.in_a_row:
            self.health.failed(f"mqtt.disconnected_{reason.value}")

    def _on_connect_fail(self, _: Any, __: Any) -> None:
        # paho calls this while it handles what went wrong, and passes nothing of it on.
        certificate = isinstance(sys.exc_info()[1], SSLError)
        self.health.failed("mqtt.certificate_refused" if certificate else "mqtt.unreachable")

    def _on_subscribe(self, _: Any, __: Any, ___: Any, reasons: Any, ____: Any = None) -> None:
        for reason in reasons:
            if reason.is_failure:
                self.health.note("mqtt.not_subscribed")

    def _on_message(self, loop: asyncio.AbstractEventLoop, message: Any) -> None:
        """Pass it on; where too many wait the connection is read no further, and its broker keeps them."""
        while not self._room.acquire(timeout=0.5):
            if self._closing.is_set():
                return  # unacknowledged, so it comes again
        arrival = max(self._platform.clock.read().now, self._last_arrival + 1)
        self._last_arrival = arrival
        if not self._closing.is_set():
            loop.call_soon_threadsafe(self._inbox.put_nowait, (self._connection, message, arrival))

    # In the loop.

    async def _take(self) -> None:
        while True:
            connection, message, arrival = await self._inbox.get()
            self.health.answered(arrival)
            try:
                waiting = await self._hand_over(message, arrival)
            except Forbidden as error:
                self.health.note(error.key)  # journalled by the platform; again would not help
                waiting = []
            self._owed.put_nowait((connection, message, waiting))

    async def _acknowledge(self) -> None:
        """In the order in which they came, as the standard asks (MQTT 3.1.1, 4.6; 5, 4.6)."""
        while True:
            connection, message, waiting = await self._owed.get()
            try:
                for durable in waiting:
                    receipt = await durable
                    self.health.rows += 0 if receipt.duplicate else receipt.rows
                    if receipt.duplicate:
                        self.health.note("reading.repeated_message")
            except BadInput as error:
                self.health.note(error.key)
            except LiandongError as error:
                self.health.failed(error.key)  # not durable: no acknowledgement, so it comes again
                message = None
            if message is not None and message.qos and connection == self._connection:
                # Over another connection the number might be another message's; the broker sends it again.
                self._client.ack(message.mid, message.qos)
            self._owed.task_done()
            self._room.release()

    async def _hand_over(self, message: Any, arrival: int) -> Waiting:
        """What has to be durable before the message is acknowledged. Raises Forbidden."""
        raw = message.topic.encode() + b"\n" + message.payload
        for rule in self.broker.topic:
            names = rule.match(message.topic)
            if names is not None:
                break
        else:
            return []
        if rule.format == "readings":
            return await self._readings(rule, message.payload)
        try:
            said = rows_of(rule, names, message.payload, arrival)
        except BadInput as error:
            await refuse(self._platform, PROTOCOL, error, raw)
            return []
        if message.retain and not said.timed:
            self.health.note("mqtt.retained")  # the last value of some time ago is no reading of now
            return []
        waiting: Waiting = []
        for device, rows in self._wanted(rule, said):
            key = short_hash(raw) if said.timed else await self._key(message, raw, device, arrival)
            taken = await take_rows(self._platform, PROTOCOL, device, key, rows, raw)
            if taken is not None:
                waiting.append(taken)
        return waiting

    def _wanted(self, rule: MqttTopic, said: Said) -> list[tuple[str, list[Any]]]:
        """Of an object's members those that the city declares; what was named one by one is all wanted."""
        found = []
        for device, rows in said.rows.items():
            declared = self._declared.items(device)
            if rule.values and declared:
                kept = [row for row in rows if row.item in declared]
                if len(kept) < len(rows):
                    self.health.note("device.unknown_item", len(rows) - len(kept))
                rows = kept
            if rows:
                found.append((device, rows))
        return found

    async def _key(self, message: Any, raw: bytes, device: str, arrival: int) -> str:
        """Name of a message that does not say its time: two of the same words may be two readings.

        The broker's number of the message, its content and the minute tell them apart; one that it marks as
        sent again is looked for under the minutes before.
        """
        what = f"{message.mid}/{short_hash(raw)}/"
        minute = arrival // MINUTE
        if message.dup:
            await self._owed.join()  # the first of them may be on its way to the disk
            source = self._platform.receiving.source_of(PROTOCOL, device)
            for before in range(minute, minute - _LOOK_BACK, -1):
                if self._platform.intake.knows(source, f"{what}{before}"):
                    return f"{what}{before}"
        # Of QoS 0 there is no number, and nothing comes twice.
        return f"{what}{minute}" if message.qos else f"{what}{arrival}"

    async def _readings(self, rule: MqttTopic, payload: bytes) -> Waiting:
        """Our own JSON of readings; bad ones are kept and counted by the platform."""
        session = Session(source=rule.source)
        while True:
            try:
                future, _ = await asyncio.to_thread(self._platform.receiving.readings, session, payload)
            except Busy:
                await asyncio.sleep(_AGAIN_S)
            except BadInput:
                return []
            else:
                return [asyncio.wrap_future(future)]
