"""Links in a served city: from a register to a case, killed at any moment, and what is said of a bad file."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest

from liandong.app.clock import system_clock
from liandong.app.settings import load_settings
from liandong.core.values.access import Session
from liandong.core.values.errors import BadInput
from liandong.core.values.times import MINUTE, SECOND, format_time
from liandong.sim.modbus import ModbusDevices
from liandong.sim.mqtt import Broker, MqttDevice, find_mosquitto
from liandong.wiring import open_city
from liandong.wiring.field import open_field
from tests.adapters.field_city import DEVICE, GAS_1, GAS_2, FieldTown, field_city
from tests.adapters.frame_city import readings
from tests.app.running import OPERATOR
from tests.ports import free_port

HOST = "field.host_or_serial"
POINTS = f"device,item,register,address,type,period_s\n{DEVICE},ch4,holding,0,float32,0.05\n"
LINE = '[[modbus]]\nname = "line"\nhost = "127.0.0.1"\nport = {}\npoints = "points.csv"\nmost_wait_s = 0.3\n'


@pytest.mark.slow
def test_a_register_above_the_limit_becomes_a_case_while_other_links_are_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A link whose library is missing says which to install; the city and the other links run on."""
    port = free_port()
    devices = ModbusDevices((1,), port=port)
    devices.set_float(1, "holding", 0, 60.0)
    devices.start()
    monkeypatch.setitem(sys.modules, "paho.mqtt", None)
    broker = '[[mqtt]]\nname = "broker"\nhost = "127.0.0.1"\nclient_id = "c"\n'
    broker += '[[mqtt.topic]]\ntopic = "{device}/{item}"\nformat = "number"\n'
    made = FieldTown(tmp_path, "modbus", LINE.format(port) + broker, points=POINTS).start()
    try:
        for round_ in range(1, 5):
            made.until(lambda count=round_: len(made.readings()) == count)
            made.city.settle()
            made.city.pass_time(2 * MINUTE)
        case = made.city.case()
        assert case.hazard == "gas_leak"
        off, on = {str(h["link"]): h for h in made.links.health()}, made.platform.field_health()
        assert off["broker"]["error"] == "field.no_library" and off["line"]["error"] == ""
        assert [h["link"] for h in on] == ["line", "broker"]
    finally:
        made.stop()
        devices.end()


class _Served:
    """`liandong serve` with a file of links."""

    def __init__(self, data: Path, file: Path) -> None:
        self.port = free_port()
        self._command = [sys.executable, "-m", "liandong", "serve", "--data", str(data)]
        self._command += ["--port", str(self.port)]
        self._environment = os.environ | {
            "LIANDONG_LOG_FILE": str(data / "log.jsonl"), "LIANDONG_FIELD_FILE": str(file),
        }  # fmt: skip
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(
            self._command, env=self._environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def end(self, how: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(how)
        self.process.wait(30)

    def field(self, token: str) -> list[dict[str, Any]]:
        """What an operator sees of the links, empty while nobody answers."""
        try:
            answer = httpx.get(
                f"http://127.0.0.1:{self.port}/api/v1/field", headers={"Authorization": f"Bearer {token}"}
            )
        except httpx.HTTPError:
            assert self.process is not None and self.process.poll() is None, "serve has ended"
            return []
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["devices"]
        return found

    def until_answers(self, token: str, count: int) -> None:
        """Until the only link has taken so many messages, its connection counted."""
        deadline = time.monotonic() + 60
        while not any(link["answers"] >= count for link in self.field(token)):
            assert time.monotonic() < deadline, "it did not come to that"
            time.sleep(0.01)


@pytest.mark.slow
@pytest.mark.skipif(find_mosquitto() is None, reason="no mosquitto on this machine")
def test_killed_between_receipt_and_durability_nothing_is_lost_and_nothing_twice(tmp_path: Path) -> None:
    """Devices publish on while the process is killed; the broker sends again what was not acknowledged."""
    data = tmp_path / "data"
    made = open_city(load_settings({"data": data}, {}), field_city("mqtt"))
    made.start()
    person = next(h.person for h in field_city("mqtt").city.holdings if h.post == OPERATOR)
    token = made.platform.access.issue_token(Session(person=person, post=OPERATOR))
    made.stop()
    broker = Broker(tmp_path / "broker", free_port(), ("allow_anonymous true", "max_queued_messages 0"))
    broker.start()
    file = tmp_path / "field.toml"
    file.write_text(
        f'[[mqtt]]\nname = "broker"\nhost = "127.0.0.1"\nport = {broker.port}\nclient_id = "city"\n'
        '[[mqtt.topic]]\ntopic = "t/{device}"\ntime = "at"\nvalues = "data"\n'
        '[[mqtt.topic]]\ntopic = "n/{device}/{item}"\nformat = "number"\n', encoding="utf-8",
    )  # fmt: skip
    served = _Served(data, file)
    served.start()
    device = MqttDevice(broker.port)
    start = system_clock().read().now // SECOND * SECOND - 60 * MINUTE
    count, sent = 300, threading.Event()

    def publish() -> None:
        for number in range(count):
            at = format_time(start + number * SECOND)
            device.publish(f"t/{DEVICE}", f'{{"at": "{at}", "data": {{"ch4": 1.5}}}}')
            device.publish(f"n/{DEVICE}/ch4-b", str(number % 7))
            time.sleep(0.002)
        sent.set()

    try:
        served.until_answers(token, 1)
        time.sleep(0.2)  # the subscription follows the connection
        publisher = threading.Thread(target=publish)
        publisher.start()
        served.until_answers(token, 20)
        served.end(signal.SIGKILL)
        publisher.join(60)
        assert sent.is_set()
        served.start()
        served.until_answers(token, 20)  # of the hundreds that wait in the broker
        served.end(signal.SIGKILL)
        served.start()
        served.until_answers(token, 1)
        deadline = time.monotonic() + 20
        rows = -1
        while time.monotonic() < deadline and rows != (rows := served.field(token)[0]["answers"]):
            time.sleep(0.5)
        served.end(signal.SIGTERM)
    finally:
        device.close()
        broker.stop()
        if served.process is not None:
            served.process.kill()
    city = open_city(load_settings({"data": data}, {}), None)
    try:
        kept = readings(city.platform)
    finally:
        city.stop()
    timed = Counter((at, value) for channel, at, value, _ in kept if channel == GAS_1)
    assert timed == Counter((start + n * SECOND, 1.5) for n in range(count))
    assert [v for c, _, v, _ in kept if c == GAS_2] == [float(n % 7) for n in range(count)]


@pytest.mark.parametrize(
    ("text", "key", "said"),
    [
        ("[[modbus]]\nname = 'a'\npoints = 'p'\n", "field.bad_row", {"row": "1 (a)", "field": HOST}),
        ("[[mqtt]]\npassword = 's3cret'\n", "field.bad_row", {"row": "1", "field": "password"}),
        ("[[profibus]]\nname = 'a'\n", "field.bad_table", {"table": "profibus"}),
        ("[[opcua]\n", "settings.file_malformed", {}),
        ("[[opcua]]\nname='a'\nendpoint='opc.tcp://u:s3cret@h'\n", "field.bad_row", {"field": "endpoint"}),
    ],
)  # fmt: skip
def test_a_bad_file_is_named_with_its_place_and_without_its_values(
    tmp_path: Path, text: str, key: str, said: dict[str, str]
) -> None:
    path = tmp_path / "field.toml"
    path.write_text(text, encoding="utf-8")

    class Nothing:
        class intake:
            elsewhere = ""

    platform: Any = Nothing()
    with pytest.raises(BadInput) as refused:
        open_field(platform, load_settings({"data": tmp_path, "field_file": path}, {}))
    assert refused.value.key == key and said.items() <= refused.value.params.items()
    assert "s3cret" not in repr(refused.value) and refused.value.__cause__ is None


def test_without_a_file_nothing_is_opened(tmp_path: Path) -> None:
    platform: Any = None
    links = open_field(platform, load_settings({"data": tmp_path}, {})).start()
    assert links.health() == []
    links.stop()
