"""The other ends of bridges, from rows and the file of addresses."""

from __future__ import annotations

from pathlib import Path

import pytest

from liandong.adapters.bridge_api.link import ApiLink
from liandong.adapters.bridge_file import FileLink
from liandong.adapters.bridge_table import TableLink
from liandong.app.settings import load_settings
from liandong.core.values.errors import BadInput
from liandong.core.values.lists import BridgeKind
from liandong.wiring import open_city
from liandong.wiring.inspect import bridge_lines
from tests.app.bridge.bridged import BridgedTown, bridged


@pytest.mark.parametrize(
    ("kind", "places", "link"),
    [
        (BridgeKind.API, "", ApiLink),
        (BridgeKind.API, '[gas]\naddress = "http://x"\nsecret_file = "s"\n', ApiLink),
        (BridgeKind.DATABASE, '[gas]\ndatabase_file = "s"\n', TableLink),
        (BridgeKind.FILE, '[gas]\nfolder = "exchange"\n', FileLink),
        (BridgeKind.DATABASE, "", None),
        (BridgeKind.FILE, "", None),
    ],
)
def test_each_kind_gets_its_adapter(tmp_path: Path, kind: BridgeKind, places: str, link: type | None) -> None:
    (tmp_path / "s").write_text(f"sqlite:///{tmp_path / 'x.db'}\n")
    town = BridgedTown(tmp_path, kind, places)
    try:
        found = town.bridges.links.get("bridge:gas")
        assert found is None if link is None else type(found) is link
        assert ("bridge:gas" in town.platform.outbox.channels) == (link is not None)
    finally:
        town.close()


@pytest.mark.parametrize(
    ("places", "key"),
    [
        ("[gas", "settings.file_malformed"),
        ('gas = "x"', "bridge.bad_settings"),
        ("[gas]\naddress = 1\n", "bridge.bad_settings"),
        ('[gas]\nsecret = "x"\n', "bridge.bad_settings"),
        ('[gas]\nsecret_file = "absent"\n', "bridge.bad_settings"),
    ],
)
def test_a_file_of_addresses_that_is_wrong_stops_the_start(tmp_path: Path, places: str, key: str) -> None:
    (tmp_path / "b.toml").write_text(places)
    settings = load_settings({"data": tmp_path / "data", "bridges_file": tmp_path / "b.toml"}, {})
    with pytest.raises(BadInput) as error:
        open_city(settings, bridged())
    assert error.value.key == key
    with pytest.raises(BadInput) as error:
        open_city(load_settings({"data": tmp_path / "data", "bridges_file": tmp_path / "no"}, {}))
    assert error.value.key == "settings.file_unreadable"


def test_the_command_says_what_waits(tmp_path: Path) -> None:
    town = BridgedTown(tmp_path)
    try:
        case = town.sent_out()
        town.report("e1", case, "在路上", number="RQ-1")
        town.settle()
    finally:
        town.close()
    lines, waiting = bridge_lines(tmp_path, "zh")
    assert waiting == 1 and lines[0].startswith("bridge:gas 燃气调度系统")
    assert "RQ-1" in lines[1] and "状态对照" in lines[1]
