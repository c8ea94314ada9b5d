"""A running city reads a real asyncua server: told of changes, polled, signed and encrypted."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from liandong.app.clock import TimeSource, system_clock
from liandong.core.values.times import SECOND
from liandong.sim.opcua import NAMESPACE, URI, OpcuaNodes
from tests.adapters.field_city import DEVICE, GAS_1, FieldTown
from tests.ports import free_port

pytestmark = pytest.mark.slow
POINTS = f"device,item,node,sampling_s\n{DEVICE},ch4,nsu={NAMESPACE};s=ch4,0\n{DEVICE},ch4-b,ns=2;s=ch4-b,0\n"
UNCERTAIN, BAD = 0x40000000, 0x80000000  # OPC 10000-4, 7.39


def town(path: Path, endpoint: str, more: str = "", clock: TimeSource | None = None) -> FieldTown:
    link = f'[[opcua]]\nname = "server"\nendpoint = "{endpoint}"\npoints = "points.csv"\npublish_s = 0.05\n'
    return FieldTown(path, "opcua", link + more, clock, points=POINTS)


def test_every_change_is_told_with_its_own_time_and_its_status(tmp_path: Path) -> None:
    nodes = OpcuaNodes(("ch4", "ch4-b"), port=free_port()).start()
    made = town(tmp_path, nodes.endpoint)
    at = made.now - 60 * SECOND
    try:
        for place, name in enumerate(("ch4", "ch4-b")):
            nodes.set(name, float(place), at)
        made.start()
        made.until(lambda: len(made.readings()) >= 2)
        for place, (value, status) in enumerate([(60.0, 0), (61.0, UNCERTAIN), (62.0, BAD), (63.0, 0)], 1):
            nodes.set("ch4", value, at + place * SECOND, status)
        made.until(lambda: (GAS_1, 63.0) in made.readings())
        full = [row for row in made.full() if row[0] == GAS_1 and row[1] < at + 9 * SECOND]
        told = [(t - at, value, quality) for _, t, value, quality in full]
        s = SECOND
        assert told == [(0, 0, 0), (s, 60, 0), (2 * s, 61, 64), (3 * s, 0, 1), (4 * s, 63, 0)]
        nodes.stop()
        made.until(lambda: made.health()["failures_in_a_row"])
    finally:
        made.stop()
        nodes.end()


def test_a_value_that_stands_is_a_reading_again_at_the_present_time_of_the_server(tmp_path: Path) -> None:
    """Else a sensor whose value does not change would count as stale."""
    nodes = OpcuaNodes(("ch4", "ch4-b"), port=free_port()).start()
    clock = system_clock(None)
    made = town(tmp_path, nodes.endpoint, 'mode = "poll"\nperiod_s = 0.1\n', clock)
    at = made.now - 2 * SECOND
    try:
        nodes.set("ch4", 5.0, at)
        made.start()
        made.until(lambda: sum(channel == GAS_1 for channel, _ in made.readings()) >= 4)
        times = [t for c, t, value, quality in made.full() if c == GAS_1 and (value, quality) == (5.0, 0)]
        assert times[0] == at and times == sorted(set(times)) and times[-1] - at > 2 * SECOND
    finally:
        made.stop()
        nodes.end()


def _certificate(folder: Path, name: str, uri: str) -> tuple[Path, Path]:
    from asyncua.crypto.cert_gen import setup_self_signed_certificate
    from cryptography.x509.oid import ExtendedKeyUsageOID

    key, certificate = folder / f"{name}.key.pem", folder / f"{name}.der"
    use = [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]
    asyncio.run(setup_self_signed_certificate(key, certificate, uri, "localhost", use, {"commonName": name}))
    return key, certificate


def test_an_encrypted_session_of_a_user_and_none_with_a_wrong_password(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    links = tmp_path / "links"
    links.mkdir()
    key, certificate = _certificate(links, "server", URI)
    _certificate(links, "client", "urn:liandong:client")
    users = {"city": "s3cret-7"}
    nodes = OpcuaNodes(("ch4", "ch4-b"), "127.0.0.1", free_port(), certificate, key, users).start()
    (links / "password").write_text("s3cret-8\n", encoding="utf-8")
    more = (
        'security = "encrypt"\ncertificate_file = "client.der"\nkey_file = "client.key.pem"\n'
        'server_certificate_file = "server.der"\nuser = "city"\n'
        'password_file = "password"\nmost_wait_s = 0.2\n'
    )
    made = town(tmp_path, nodes.endpoint, more)
    nodes.set("ch4", 7.0, made.now)
    made.start()
    try:
        made.until(lambda: made.health()["failures"])
        assert made.readings() == []
        made.links.stop()
        (links / "password").write_text("s3cret-7\n", encoding="utf-8")
        from liandong.wiring.field import open_field

        made.links = open_field(made.platform, made.settings).start()
        made.until(lambda: (GAS_1, 7.0) in made.readings())
        assert "s3cret" not in caplog.text + repr(made.links.health())
    finally:
        made.stop()
        nodes.end()
