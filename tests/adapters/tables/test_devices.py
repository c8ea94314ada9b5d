"""Devices in bulk: right rows join, wrong ones are named by their own row, and nothing is half written."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from typer.testing import CliRunner

from liandong.adapters.tables import read_city, write_city
from liandong.adapters.tables.devices import import_devices
from liandong.adapters.tables.errors import CityErrors
from liandong.cli import app
from tests.core.world import folder

CITY = folder().city
ASSET, SOURCE = CITY.assets[0].key, CITY.sources[0].key
QUANTITY = CITY.quantities[0].key
HEADER = ["sensor", "asset", "quantity", "position", "source", "report_s", "owner", "installed"]
UNIT = CITY.units[0].key


@pytest.fixture
def place(tmp_path: Path) -> Path:
    write_city(tmp_path / "city", folder())
    return tmp_path / "city"


def table(tmp_path: Path, *rows: list[str], header: list[str] = HEADER) -> Path:
    path = tmp_path / "new.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def good(name: str, position: str = "") -> list[str]:
    return [f"sensor:{name}", ASSET, QUANTITY, position, SOURCE, "60", UNIT, "2026-05-01T08:00:00+08:00"]


def test_a_sensor_with_two_channels_joins_with_keys_and_group_made(tmp_path: Path, place: Path) -> None:
    found = import_devices(table(tmp_path, good("new-1", "top"), good("new-1", "bottom")), place, (), True)
    assert (found.rows, found.sensors, found.channels, found.errors) == (2, 1, 2, [])
    after = read_city(place).city
    assert len(after.sensors) == len(CITY.sensors) + 1
    new = [c for c in after.channels if c.sensor == "sensor:new-1"]
    assert [c.key for c in new] == [f"channel:new-1.{QUANTITY}.top", f"channel:new-1.{QUANTITY}.bottom"]
    assert {c.group for c in new} == {ASSET}
    assert min(c.number for c in new) > max(c.number for c in CITY.channels)
    sensor = next(s for s in after.sensors if s.key == "sensor:new-1")
    assert (sensor.report_s, sensor.owner) == (60.0, UNIT) and sensor.installed > 0
    assert after.channels[: len(CITY.channels)] == CITY.channels, "nothing else has changed"


def test_every_wrong_row_is_named_and_takes_no_other_with_it(tmp_path: Path, place: Path) -> None:
    rows = [
        good("a"),
        ["sensor:b", "asset:nowhere", QUANTITY, "", SOURCE, "60", "", ""],
        ["sensor:c", ASSET, QUANTITY, "", SOURCE, "soon", "", "yesterday"],
        good("a"),  # the same channel twice
        good("d"),
    ]
    found = import_devices(table(tmp_path, *rows), place, (), False)
    assert [error.params["row"] for error in found.errors] == sorted(e.params["row"] for e in found.errors)
    assert {error.params["row"] for error in found.errors} == {3, 4, 5}
    assert {e.params["column"] for e in found.errors if e.params["row"] == 4} == {"report_s", "installed"}
    assert (found.sensors, found.channels) == (2, 2)
    assert read_city(place).city.sensors == CITY.sensors, "asked only"


def test_the_command_writes_nothing_while_a_row_is_wrong_unless_told_to(tmp_path: Path, place: Path) -> None:
    path = table(tmp_path, good("a"), ["sensor:b", "asset:nowhere", QUANTITY, "", SOURCE, "", "", ""])
    report = tmp_path / "faults.csv"
    command = ["city", "import", str(path), "--city", str(place)]
    run = CliRunner().invoke(app, [*command, "--report", str(report)])
    assert run.exit_code == 1 and "asset:nowhere" in run.output
    assert len(read_city(place).city.sensors) == len(CITY.sensors)
    with report.open(encoding="utf-8-sig", newline="") as file:
        assert [row["row"] for row in csv.DictReader(file)] == ["3"]
    again = CliRunner().invoke(app, [*command, "--partial"])
    assert again.exit_code == 1
    new = {s.key for s in read_city(place).city.sensors} - {s.key for s in CITY.sensors}
    assert new == {"sensor:a"}


def test_a_table_without_what_is_needed_is_refused_as_a_whole(tmp_path: Path, place: Path) -> None:
    with pytest.raises(CityErrors) as refused:
        import_devices(table(tmp_path, ["sensor:a", "x"], header=["sensor", "colour"]), place, (), True)
    said = {error.params["column"] for error in refused.value.errors}
    assert said == {"colour", "asset", "quantity", "source"}
