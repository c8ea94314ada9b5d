"""A simulated device that publishes through an MQTT broker, and a broker of its own where one is needed."""

from __future__ import annotations

import getpass
import shutil
import socket
import subprocess
import threading
from pathlib import Path
from typing import Any

#: Debian keeps servers where users do not look.
_PLACES = "/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin"


def find_mosquitto() -> str | None:
    """The broker's program on this machine."""
    return shutil.which("mosquitto") or shutil.which("mosquitto", path=_PLACES)


class Broker:
    """A mosquitto on a port of this machine, whose sessions outlive its restarts in `folder`."""

    def __init__(self, folder: Path, port: int, lines: tuple[str, ...] = ("allow_anonymous true",)) -> None:
        self.port = port
        folder.mkdir(parents=True, exist_ok=True)
        self._file = folder / "mosquitto.conf"
        # Or a mosquitto that root starts becomes another user, who may not write here.
        known = [f"user {getpass.getuser()}", f"listener {port} 127.0.0.1"]
        known += ["persistence true", f"persistence_location {folder}/"]
        self._file.write_text("\n".join([*known, *lines, ""]), encoding="utf-8")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Broker:
        """Until it listens. Raises FileNotFoundError where there is no mosquitto."""
        program = find_mosquitto()
        if program is None:
            raise FileNotFoundError("mosquitto")
        self._process = subprocess.Popen(
            [program, "-c", str(self._file)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        waiting = threading.Event()
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return self
            except OSError:
                waiting.wait(0.02)
        raise ConnectionError(f"mosquitto on port {self.port}")

    def stop(self) -> None:
        """End it; what it keeps is on its disk."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            self._process = None


class MqttDevice:
    """Publishes and waits for the broker's acknowledgement. Needs paho-mqtt."""

    def __init__(self, port: int, host: str = "127.0.0.1", user: str = "", password: str = "") -> None:
        from paho.mqtt import client as paho

        self._client: Any = paho.Client(paho.CallbackAPIVersion.VERSION2)
        if user:
            self._client.username_pw_set(user, password)
        self._client.connect(host, port)
        self._client.loop_start()

    def publish(self, topic: str, payload: bytes | str, qos: int = 1, retain: bool = False) -> None:
        """Publish one message; returns once the broker has it."""
        self._client.publish(topic, payload, qos=qos, retain=retain).wait_for_publish(10)

    def close(self) -> None:
        """Leave."""
        self._client.disconnect()
        self._client.loop_stop()
