"""L-TOWN: the configuration as it is written, water that balances, a detector that knows no labels, and the
real network around one abrupt leak."""

from __future__ import annotations

import json
import os
import sys
from datetime import datetime
from pathlib import Path

import msgspec
import numpy as np
import pytest
from typer.testing import CliRunner

from liandong.cli import app
from liandong.core.values.errors import BadInput
from liandong.yardstick.ltown import Alarm, judge, score_ltown
from liandong.yardstick.ltown_detect import Detector, Model, Settings
from liandong.yardstick.ltown_setup import Leak, Setup, read_setup
from liandong.yardstick.ltown_water import (
    Measured,
    Spread,
    load_network,
    nominal,
    reality,
    sensitivities,
)

DATA = (
    Path(os.environ.get("LIANDONG_SHARED_DATA", Path(__file__).parents[2] / ".." / "shared" / "data"))
    / "ltown"
)
EXACT = Spread(0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
CONFIG = """times:
  StartTime: 2018-01-01 00:00
  EndTime: 2018-01-01 23:55

leakages:
- # linkID, startTime, endTime, leakDiameter (m), leakType, peakTime
- 11, 2018-01-01 06:00, 2018-01-01 11:55, 0.03, abrupt, 2018-01-01 06:00
- 12, 2018-01-01 12:00, 2018-01-01 23:55, 0.02, incipient, 2018-01-01 12:45

pressure_sensors:
- 12
- 22
flow_sensors:
- 9
level_sensors:
- 2
"""


def config(folder: Path, text: str = CONFIG) -> Path:
    path = folder / "c.yalm"
    path.write_text(text)
    return path


def silent(stage: str, done: int, total: int) -> None:
    assert 0 < done <= total


def test_a_configuration_is_read_and_an_incipient_hole_grows_evenly(tmp_path):
    setup = read_setup(config(tmp_path))
    assert (setup.rows, setup.pressures, setup.flows, setup.levels) == (288, ("12", "22"), ("9",), ("2",))
    sudden, slow = setup.leaks
    assert sudden == Leak("11", 72, 143, 72, 0.03, True)
    assert sudden.diameters(np.array([71, 72, 143, 144])).tolist() == [0.0, 0.03, 0.03, 0.0]
    assert slow.diameters(np.array([144, 148, 153, 287])) == pytest.approx([0.002, 0.01, 0.02, 0.02])


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("EndTime: 2018", "EndTime: x2018", "ltown.bad_line"),
        ("0.03, abrupt", "0.03, sudden", "ltown.bad_line"),
        ("0.02, incipient, 2018-01-01 12:45", "0.02, incipient, 2018-01-01 11:45", "ltown.bad_line"),
        ("pressure_sensors:\n- 12\n- 22", "", "ltown.missing_part"),
        ("  StartTime: 2018-01-01 00:00\n", "", "ltown.missing_part"),
    ],
)
def test_what_is_wrong_with_a_configuration_is_named(tmp_path, old, new, key):
    with pytest.raises(BadInput) as error:
        read_setup(config(tmp_path, CONFIG.replace(old, new)))
    assert error.value.key == key


def test_without_wntr_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "wntr", None)
    with pytest.raises(BadInput) as error:
        load_network(tmp_path / "L-TOWN.inp")
    assert error.value.key == "ltown.no_wntr"


# --- the detector, on a made-up town of 4 sensors along a line of 9 places ---


def town() -> Model:
    places = np.column_stack([np.linspace(0, 4000, 9), np.zeros(9)])
    sensors = np.array([0.0, 1400, 2600, 4000])
    shape = 0.01 + 0.03 * np.exp(-np.abs(sensors[:, None] - places[:, 0]) / 800)
    return Model(np.stack([shape * (1 + hour / 24) for hour in range(24)]), np.full((24, 1, 9), 5.0), places)


def residuals(model: Model, hours: int, leaks: dict[int, tuple[int, int, float]]) -> np.ndarray:
    """Offsets, noise and a daily swing of all demand; `leaks`: place → (first hour, end, m³/h)."""
    chance = np.random.default_rng(3)
    found = 0.3 * chance.standard_normal(4) + 0.005 * chance.standard_normal((hours, 4))
    for hour in range(hours):
        slopes = model.slopes[hour % 24]
        found[hour] -= slopes.sum(axis=1) * 0.5 * chance.standard_normal()
        found[hour] -= sum(flow * slopes[:, k] for k, (a, b, flow) in leaks.items() if a <= hour < b)
    return found


def run(model: Model, values: np.ndarray) -> list[tuple[str, int, int]]:
    detector = Detector(model, Settings(learn_days=3))
    return [(e.kind, e.alarm_h, e.place) for row in values for e in detector.feed(row)]


def test_leaks_and_their_ends_are_told_apart_and_placed_without_being_told():
    model = town()
    values = residuals(model, 480, {2: (120, 300, 20.0), 7: (200, 480, 15.0)})
    kinds = run(model, values)
    assert [(kind, place) for kind, _, place in kinds] == [("leak", 2), ("leak", 7), ("end", 2)]
    assert all(0 <= said - true < 24 for (_, said, _), true in zip(kinds, (120, 200, 300), strict=True))
    assert run(model, values[:310])[:2] == kinds[:2]


def test_what_an_alarm_explains_becomes_usual_at_once():
    model = town()
    detector, before = Detector(model, Settings(learn_days=3)), np.zeros((24, 4))
    for row in residuals(model, 200, {4: (120, 200, 20.0)}):
        before = detector.usual.copy()
        if events := detector.feed(row):
            break
    moved = detector.usual - before
    assert [event.place for event in events] == [4] and events[0].flow_m3h == pytest.approx(20, rel=0.3)
    assert moved == pytest.approx(-20 * model.slopes[:, :, 4], rel=0.5)


def test_a_town_without_leaks_hears_nothing():
    assert run(town(), residuals(town(), 2000, {})) == []


def test_a_place_that_no_sensor_feels_is_not_blamed():
    model = town()
    slopes = model.slopes.copy()
    slopes[:, :, 3] = 1e-12
    blind = msgspec.structs.replace(model, slopes=slopes)
    detector = Detector(blind, Settings(learn_days=3))
    events = [e for row in residuals(model, 400, {2: (120, 300, 20.0)}) for e in detector.feed(row)]
    assert [(e.kind, e.place) for e in events[:2]] == [("leak", 2), ("end", 2)]
    assert max(e.flow_m3h for e in events) <= 100.0 and np.isfinite(detector.unsure).all()


def test_an_alarm_is_a_find_a_repeat_or_false():
    leaks = (Leak("a", 1200, 4000, 1200, 0.02, True), Leak("b", 2400, 4000, 3000, 0.02, False))
    setup = Setup(datetime(2018, 1, 1), 8640, leaks, ("n",), (), ())
    middles = {"a": (0.0, 0.0), "b": (1000.0, 0.0)}
    said = [(99.0, 0.0), (102.0, 100.0), (150.0, 290.0), (201.0, 710.0), (300.0, 500.0), (400.0, 0.0)]
    judged = judge(setup, middles, [Alarm(hour, hour + 6, x, 0.0, 9.0) for hour, x in said], 552.0)
    assert [(leak["delay_h"], leak["distance_m"]) for leak in judged["leaks"]] == [(2.0, 100.0), (1.0, 290.0)]
    assert (judged["repeats"], judged["false_alarms"]) == (1, 3)
    assert judged["abrupt"] == {"leaks": 1, "found_in_time_and_place": 1}
    assert judged["false_alarms_per_month"] == pytest.approx(3 / 552 * 730.5, abs=1e-3)


# --- EPANET ---


@pytest.mark.slow
def test_a_leak_of_net1_takes_what_its_hole_lets_through_and_the_model_follows_the_plant(tmp_path):
    wntr = pytest.importorskip("wntr", reason="needs the extra water")
    path = tmp_path / "Net1.inp"
    network = wntr.network.WaterNetworkModel("Net1")
    network.options.hydraulic.emitter_exponent = 0.5
    wntr.network.write_inpfile(network, str(path))
    setup = read_setup(config(tmp_path))
    dry = msgspec.structs.replace(setup, leaks=())
    with_leak, without = (reality(path, each, EXACT, 1, silent) for each in (setup, dry))
    expected = nominal(path, dry, without, silent)
    # Readings have two decimals; Net1's pump is a flow sensor and its tank a level sensor.
    assert np.abs(without.pressures - expected).max() < 0.1
    fallen = without.pressures - with_leak.pressures
    assert np.abs(fallen[:72]).max() < 0.02 < 1.0 < fallen[73:143].max()
    slopes = sensitivities(path, dry, 10.0, silent)
    assert slopes.shape == (24, 2, len(load_network(path).junction_name_list))
    assert (slopes > -1e-6).all() and slopes.max() > 1e-3
    again = reality(path, setup, Spread(), 1, silent)
    assert np.array_equal(again.pressures, reality(path, setup, Spread(), 1, silent).pressures)
    assert isinstance(again, Measured) and np.abs(again.pressures - with_leak.pressures).max() > 0.05


@pytest.mark.slow
def test_an_abrupt_leak_of_the_real_network_is_found_and_placed_in_simulated_pressures(tmp_path):
    pytest.importorskip("wntr", reason="needs the extra water")
    if not (DATA / "L-TOWN.inp").is_file():
        pytest.skip(f"no real data at {DATA}")
    text = (DATA / "dataset_configuration_historical.yalm").read_text()
    head, _, tail = text.partition("leakages:")
    short = head.replace("2018-12-31 23:55", "2018-01-09 11:55") + "leakages:\n"
    short += "- p866, 2018-01-08 21:05, 2018-01-09 11:55, 0.018108, abrupt, 2018-01-08 21:05\n\n"
    config(tmp_path, short + tail[tail.index("pressure_sensors") :])
    (tmp_path / "L-TOWN.inp").write_bytes((DATA / "L-TOWN.inp").read_bytes())
    command = ["score", "ltown", str(tmp_path), "--config", "c.yalm", "--work", str(tmp_path / "w")]
    done = CliRunner().invoke(app, [*command, "--json", str(tmp_path / "o.json")])
    assert done.exit_code == 0, done.output
    report = json.loads((tmp_path / "o.json").read_text())
    assert report["abrupt"] == {"leaks": 1, "found_in_time_and_place": 1} and report["false_alarms"] == 0
    assert "simulated" in report["simulated"] and len(list((tmp_path / "w").iterdir())) == 1
    assert score_ltown(tmp_path, "c.yalm", tmp_path / "w", 1, silent)["leaks"] == report["leaks"]
