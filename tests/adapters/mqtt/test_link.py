"""A real mosquitto between simulated devices and a running city: taken, acknowledged, never lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from liandong.core.values.errors import Busy
from liandong.core.values.times import MINUTE, format_time
from liandong.sim.mqtt import Broker, MqttDevice, find_mosquitto
from tests.adapters.certificates import Authority
from tests.adapters.field_city import DEVICE, GAS_1, GAS_2, FieldTown
from tests.ports import free_port

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_mosquitto() is None, reason="no mosquitto on this machine"),
]
TOPICS = """
[[mqtt.topic]]
topic = "plant/{device}/{item}"
format = "number"
[[mqtt.topic]]
topic = "json/{device}"
time = "at"
values = "data"
[[mqtt.topic]]
topic = "own/#"
format = "readings"
source = "source:gas"
"""


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    made = Broker(tmp_path / "broker", free_port()).start()
    yield made
    made.stop()


def town(path: Path, broker: Broker, version: str = "5", more: str = "") -> FieldTown:
    link = f'[[mqtt]]\nname = "broker"\nhost = "127.0.0.1"\nport = {broker.port}\nclient_id = "liandong"\n'
    return FieldTown(path, "mqtt", f'{link}version = "{version}"\nkeepalive_s = 5\n{more}{TOPICS}')


def listening(made: FieldTown) -> FieldTown:
    made.start()
    made.until(lambda: made.health()["answers"])
    time.sleep(0.1)  # the subscription follows the connection
    return made


@pytest.mark.parametrize("version", ["3.1.1", "5"])
def test_each_form_of_payload_is_read_and_a_stranger_is_kept(
    tmp_path: Path, broker: Broker, version: str
) -> None:
    made = listening(town(tmp_path, broker, version))
    device = MqttDevice(broker.port)
    try:
        at = format_time(made.now - MINUTE)
        said = f'{{"at": "{at}", "data": {{"ch4-b": 7, "serial": "x", "rssi": 1}}}}'
        device.publish(f"plant/{DEVICE}/ch4", "5.5")
        device.publish(f"json/{DEVICE}", said)
        own = f'{{"readings": [{{"channel": "{GAS_1}", "time": "{at}", "value": 4.0}}]}}'
        device.publish("own/anything", own)
        device.publish(f"json/{DEVICE}", said)
        device.publish("plant/stranger/ch4", "1")
        device.publish(f"plant/{DEVICE}/ch4", "five")
        made.until(lambda: len(made.refused()) == 2)
        assert made.readings() == [(GAS_1, 5.5), (GAS_2, 7.0), (GAS_1, 4.0)]
        assert sorted(made.refused()) == ["device.unknown", "mqtt.bad_payload"]
        left = made.health()["left_out"]
        assert left == {"device.unknown_item": 2, "reading.repeated_message": 1}
    finally:
        device.close()
        made.stop()


def test_a_retained_value_without_a_time_is_no_reading(tmp_path: Path, broker: Broker) -> None:
    device = MqttDevice(broker.port)
    device.publish(f"plant/{DEVICE}/ch4", "60", retain=True)
    made = town(tmp_path, broker)
    said = f'{{"at": "{format_time(made.now)}", "data": {{"ch4": 3}}}}'
    device.publish(f"json/{DEVICE}", said, retain=True)
    made.start()
    try:
        made.until(lambda: made.readings())
        made.until(lambda: made.health()["left_out"])
        assert made.readings() == [(GAS_1, 3.0)] and made.health()["left_out"] == {"mqtt.retained": 1}
    finally:
        device.close()
        made.stop()


def test_no_acknowledgement_before_it_is_durable_and_a_burst_waits_in_the_broker(
    tmp_path: Path, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fewer may wait here than are sent; the intake is full at first and then takes them one by one."""
    made = town(tmp_path, broker, "3.1.1", "most_waiting = 8\n")
    whole, full, hold = made.platform.intake.submit, [5], threading.Event()
    taken: list[float] = []

    def submit(source: str, decoded: Any, *rest: Any) -> Any:
        if full[0]:
            full[0] -= 1
            raise Busy("queue.full", retry_after=1)
        hold.wait(10)
        taken.append(float(decoded.batch.value[0]))
        return whole(source, decoded, *rest)

    monkeypatch.setattr(made.platform.intake, "submit", submit)
    acknowledged: list[int] = []
    listening(made)
    link: Any = made.links.links[0]
    ack = link._client.ack
    monkeypatch.setattr(link._client, "ack", lambda mid, qos: (acknowledged.append(mid), ack(mid, qos))[1])
    device = MqttDevice(broker.port)
    try:
        for number in range(60):
            device.publish(f"plant/{DEVICE}/ch4", str(number))
        time.sleep(0.3)
        assert acknowledged == [] and made.readings() == []
        assert link._inbox.qsize() <= 8
        hold.set()
        made.until(lambda: len(acknowledged) == 60)
        assert [value for _, value in made.readings()] == [float(n) for n in range(60)] == taken
    finally:
        device.close()
        made.stop()


@pytest.mark.parametrize("version", ["3.1.1", "5"])
def test_what_was_not_acknowledged_comes_again_also_after_a_restart_of_either_side(
    tmp_path: Path, broker: Broker, version: str
) -> None:
    """The broker keeps the session: what is published while nobody listens, and what lost its answer."""
    made = listening(town(tmp_path / "one", broker, version))
    device = MqttDevice(broker.port)
    link: Any = made.links.links[0]
    lost: list[int] = []
    link._client.ack = lambda mid, qos: lost.append(mid)  # durable, but the broker never hears of it
    device.publish(f"plant/{DEVICE}/ch4", "1")
    device.publish(f"plant/{DEVICE}/ch4", "1")
    made.until(lambda: len(lost) == 2)
    made.links.stop()
    device.publish(f"plant/{DEVICE}/ch4-b", "2")
    device.close()
    broker.stop()
    broker.start()
    made.city.pass_time(3 * MINUTE)
    again = made.links = type(made.links)([type(link)(made.platform, link.broker, tmp_path, "")])
    again.start()
    try:
        made.until(lambda: len(made.readings()) == 3)
        made.until(lambda: made.health()["left_out"])
        assert made.readings() == [(GAS_1, 1.0), (GAS_1, 1.0), (GAS_2, 2.0)]
        made.until(lambda: made.health()["left_out"] == {"reading.repeated_message": 2})
    finally:
        made.stop()


@pytest.mark.parametrize("trusted", [True, False])
def test_over_tls_both_sides_show_a_certificate_and_a_strange_one_is_named(
    tmp_path: Path, trusted: bool
) -> None:
    authority, keys, links = Authority("ours"), tmp_path / "broker", tmp_path / "links"
    authority.give(keys, "server")
    authority.give(links, "client")
    if not trusted:
        (links / "ca.pem").write_bytes(Authority("another").pem)
    inside = free_port()
    files = (f"cafile {keys}/ca.pem", f"certfile {keys}/server.pem", f"keyfile {keys}/server.key")
    lines = (*files, "require_certificate true", f"listener {inside} 127.0.0.1", "allow_anonymous true")
    broker = Broker(keys, free_port(), lines).start()
    ours = 'tls = true\nca_file = "ca.pem"\ncertificate_file = "client.pem"\nkey_file = "client.key"\n'
    made = town(tmp_path, broker, "5", ours)
    try:
        if trusted:
            listening(made)
            device = MqttDevice(inside)
            device.publish(f"plant/{DEVICE}/ch4", "5.5")
            device.close()
            made.until(made.readings)
            assert made.readings() == [(GAS_1, 5.5)]
        else:
            made.start()
            made.until(lambda: made.health()["failures"])
            assert made.health()["error"] == "mqtt.certificate_refused"
    finally:
        made.stop()
        broker.stop()


def test_a_broker_that_refuses_is_seen_and_the_password_is_not(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "password").write_text("s3cret-7\n", encoding="utf-8")
    broker = Broker(tmp_path / "broker", free_port(), ("allow_anonymous false",)).start()
    made = town(tmp_path, broker, "5", 'user = "city"\npassword_file = "password"\n').start()
    try:
        made.until(lambda: made.health()["failures"])
        assert str(made.health()["error"]).startswith("mqtt.refused_")
        assert "s3cret-7" not in caplog.text + repr(made.links.health())
    finally:
        made.stop()
        broker.stop()
