"""Tennessee Eastman: the published row, false alarms on rows that set no limit, and bad folders."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from liandong.cli import app
from liandong.core.values.errors import BadInput
from liandong.yardstick.tep import read, score_tep

DATA = (
    Path(os.environ.get("LIANDONG_SHARED_DATA", Path(__file__).parents[2] / ".." / "shared" / "data")) / "tep"
)


def tiny(folder: Path, faults: dict[int, float]) -> Path:
    """A plant of 52 channels in which a fault moves channel 7 by so many standard deviations."""
    chance = np.random.default_rng(1)
    np.savetxt(folder / "d00.dat", chance.standard_normal((52, 500)))
    np.savetxt(folder / "d00_te.dat", chance.standard_normal((960, 52)))
    for number, shift in faults.items():
        values = chance.standard_normal((200, 52))
        values[160:, 6] += shift
        np.savetxt(folder / f"d{number:02d}_te.dat", values)
    return folder


def test_faults_that_are_there_are_scored_and_only_known_ones_have_a_published_figure(tmp_path):
    report = score_tep(tiny(tmp_path, {2: 0.0, 15: 30.0}))
    assert list(report["faults"]) == [2, 15]
    assert report["faults"][15]["q"] == {
        "mdr": 0.0, "published": None, "difference": None, "delay_min": 3
    }  # fmt: skip
    assert report["faults"][2]["q"]["mdr"] > 0.8 and report["faults"][2]["q"]["published"] == 0.014
    assert report["false_alarms"]["normal"] == {"t2": 0.009375, "q": 0.009375, "either": 0.01875}


@pytest.mark.parametrize(("name", "key"), [("none.dat", "tep.unreadable"), ("bad.dat", "tep.bad_shape")])
def test_a_file_that_is_no_plant_is_refused(tmp_path, name, key):
    np.savetxt(tmp_path / "bad.dat", np.ones((4, 3)))
    with pytest.raises(BadInput) as error:
        read(tmp_path / name)
    assert error.value.key == key


@pytest.mark.slow
def test_the_published_rates_on_the_real_files(tmp_path):
    if not (DATA / "d00.dat").is_file():
        pytest.skip(f"no real data at {DATA}")
    done = CliRunner().invoke(app, ["score", "tep", str(DATA), "--json", str(tmp_path / "o.json")])
    assert done.exit_code == 0, done.output
    report = json.loads((tmp_path / "o.json").read_text())
    assert [f for f in map(str, range(1, 11)) if f not in report["faults"]] == []
    for kind in ("t2", "q"):
        assert report["largest_difference"][kind] <= 0.03
        assert all(report["faults"][number][kind]["mdr"] > 0.95 for number in ("3", "9"))
        for share in ("normal", "before_faults", "other_half"):
            assert report["false_alarms"][share][kind] <= 0.05
