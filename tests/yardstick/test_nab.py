"""The benchmark's scoring by hand on a tiny corpus, and every built-in detector on the real one."""

from __future__ import annotations

import json
import os
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from liandong.cli import app
from liandong.core.detect.novelty import raised_rows
from liandong.core.detect.series import DETECTORS
from liandong.core.values.errors import BadInput
from liandong.yardstick.nab import (
    PROFILES,
    TRIED,
    Series,
    corpus_scores,
    flag,
    judge_novelty,
    load_corpus,
    novelty_scores,
    raw_score,
    score_nab,
    sigmoid,
)

DATA = (
    Path(os.environ.get("LIANDONG_SHARED_DATA", Path(__file__).parents[2] / ".." / "shared" / "data")) / "nab"
)
ROWS = 200
#: 15 % of 200 rows are probation.
WINDOW = (100, 119)


def series(*windows: tuple[int, int], rows: int = ROWS) -> Series:
    stamps = [f"2026-01-01 {n // 60:02d}:{n % 60:02d}:00" for n in range(rows)]
    return Series("s", stamps, np.arange(rows), np.zeros(rows), list(windows))


def score(flags: list[int], *windows: tuple[int, int]) -> float:
    return raw_score(series(*windows), flags, *PROFILES["standard"])


def test_the_first_row_of_a_window_is_worth_one_and_its_last_next_to_nothing():
    assert score([100], WINDOW) == pytest.approx(1.0)
    assert score([119], WINDOW) == pytest.approx(sigmoid(-1 / 20) / sigmoid(-1.0))
    assert 0 < score([119], WINDOW) < 0.13


def test_only_the_best_row_of_a_window_counts_and_a_missed_one_costs():
    assert score([100, 105, 110], WINDOW) == pytest.approx(1.0)
    assert score([], WINDOW) == -1.0
    assert raw_score(series(WINDOW), [], *PROFILES["reward_low_FN_rate"]) == -2.0


def test_false_alarms_cost_little_right_after_a_window_and_all_far_from_one():
    assert score([50]) == pytest.approx(-0.11)
    near, far = score([100, 120], WINDOW) - 1, score([100, 199], WINDOW) - 1
    assert -0.11 < near < 0 and far == pytest.approx(-0.11)
    assert near == pytest.approx(0.11 * sigmoid(1 / 19))


def test_probation_is_not_scored():
    assert score([0, 10, 29]) == 0.0 and score([30]) == pytest.approx(-0.11)
    assert series(rows=10_000).probation == 750


def test_perfect_is_100_and_silence_0_on_every_profile():
    corpus = [series(WINDOW, (150, 160))]
    assert corpus_scores(corpus, {"s": [100, 150]}) == dict.fromkeys(PROFILES, 100.0)
    assert corpus_scores(corpus, {"s": []}) == dict.fromkeys(PROFILES, 0.0)


@given(st.lists(st.integers(0, ROWS - 1)), st.integers(0, ROWS - 1))
def test_one_more_flag_never_gains_outside_a_window_nor_loses_inside(flags, more):
    before, after = score(flags, WINDOW), score([*flags, more], WINDOW)
    inside = WINDOW[0] <= more <= WINDOW[1]
    assert after >= before - 1e-12 if inside else after <= before + 1e-12


def corpus_folder(tmp_path: Path, windows: dict[str, list[list[str]]]) -> Path:
    made = series()
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "combined_windows.json").write_text(json.dumps(windows))
    (tmp_path / "data").mkdir()
    rows = [f"{stamp},{100.0 if n == 110 else n % 3}" for n, stamp in enumerate(made.stamps)]
    (tmp_path / "data" / "a.csv").write_text("timestamp,value\n" + "\n".join(rows) + "\n")
    return tmp_path


def test_a_spike_is_flagged_where_it_is_and_the_files_say_so(tmp_path):
    stamps = series().stamps
    folder = corpus_folder(tmp_path, {"a.csv": [[stamps[100] + ".000000", stamps[119] + ".000000"]]})
    out, flags = tmp_path / "o.json", tmp_path / "f.json"
    done = CliRunner().invoke(
        app, ["score", "nab", str(folder), "--detector", "offset", "--json", str(out), "--flags", str(flags)]
    )
    assert done.exit_code == 0, done.output
    assert json.loads(flags.read_text()) == {"a.csv": [stamps[110]]}
    report = json.loads(out.read_text())
    assert report["beside"]["never"]["standard"] == 0.0 > report["beside"]["always"]["standard"]
    assert report["scores"]["standard"] > 50


@pytest.mark.parametrize(
    ("windows", "key"),
    [
        ({"b.csv": []}, "nab.bad_series"),
        ({"a.csv": [["2020-01-01 00:00:00", "2020-01-01 00:00:00"]]}, "nab.bad_window"),
    ],
)
def test_what_is_wrong_with_a_corpus_is_named(tmp_path, windows, key):
    with pytest.raises(BadInput) as error:
        load_corpus(corpus_folder(tmp_path, windows))
    assert error.value.key == key


def long_corpus(tmp_path: Path) -> Path:
    """Two groups of one series each: noise of 12 days in half hours, a burst in each labelled window."""
    (tmp_path / "labels").mkdir()
    windows = {}
    start = datetime(2026, 1, 1)
    for seed, name in enumerate(("one/a.csv", "two/b.csv")):
        values = np.random.default_rng(seed).normal(20, 1, size=600)
        values[400:404] += 15
        stamps = [str(start + timedelta(minutes=30 * n)) for n in range(600)]
        windows[name] = [[stamps[380] + ".000000", stamps[420] + ".000000"]]
        rows = [f"{stamp},{value}" for stamp, value in zip(stamps, values.tolist(), strict=True)]
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True)
        path.write_text("timestamp,value\n" + "\n".join(rows) + "\n")
    (tmp_path / "labels" / "combined_windows.json").write_text(json.dumps(windows))
    return tmp_path


def test_novelty_is_the_usual_detector_and_is_judged_by_three_threshold_policies(tmp_path):
    folder, out, flags = long_corpus(tmp_path), tmp_path / "o.json", tmp_path / "f.json"
    done = CliRunner().invoke(app, ["score", "nab", str(folder), "--json", str(out), "--flags", str(flags)])
    assert done.exit_code == 0, done.output
    report = json.loads(out.read_text())
    assert report["detector"] == "novelty"
    assert set(report["beside"]) == {*DETECTORS, "always", "never"}
    corpus = load_corpus(folder)
    for policy in (report, report["label_free"], report["left_out"]):
        assert set(policy["scores"]) == set(PROFILES)
        assert 80 < policy["scores"]["standard"] <= report["scores"]["standard"]
    again = {
        s.name: [s.stamps.index(stamp) for stamp in stamps]
        for s, stamps in zip(corpus, json.loads(flags.read_text()).values(), strict=True)
    }
    assert corpus_scores(corpus, again)["standard"] == report["scores"]["standard"]
    free = {s.name: flag(s, "novelty") for s in corpus}
    assert corpus_scores(corpus, free) == report["label_free"]["scores"]
    assert report["label_free"]["threshold"] == 2.0


def test_the_best_threshold_is_the_best_of_those_tried(tmp_path):
    corpus = load_corpus(long_corpus(tmp_path))
    scores = [novelty_scores(s) for s in corpus]
    found = []
    for limit in TRIED:
        flags = {s.name: raised_rows(x, limit).tolist() for s, x in zip(corpus, scores, strict=True)}
        found.append(corpus_scores(corpus, flags)["standard"])
    report = score_nab(tmp_path, "novelty", lambda done, total: None)
    assert report["scores"]["standard"] == max(found)
    assert report["thresholds"]["standard"] == TRIED[int(np.argmax(found))]


def test_a_folder_without_labels_and_an_unknown_detector_are_refused(tmp_path):
    for arguments, key in ((["threshold"], "nab.no_labels"), (["magic"], "nab.unknown_detector")):
        done = CliRunner().invoke(app, ["score", "nab", str(tmp_path), "--detector", *arguments])
        assert getattr(done.exception, "key", "") == key


@pytest.mark.slow
def test_novelty_on_the_real_corpus_by_each_threshold_policy():
    if not (DATA / "labels").is_dir():
        pytest.skip(f"no real data at {DATA}")
    judged, flags = judge_novelty(load_corpus(DATA), lambda done: None)
    assert judged["scores"]["standard"] >= 75.3
    assert judged["label_free"]["scores"]["standard"] >= 71.4
    assert judged["left_out"]["scores"]["standard"] >= 71.4
    assert judged["scores"]["reward_low_FP_rate"] >= 62.3
    assert sum(map(len, flags.values())) < 200


@pytest.mark.slow
@pytest.mark.parametrize("detector", [*DETECTORS, "always", "never"])
def test_every_built_in_detector_on_the_real_corpus(detector, tmp_path):
    if not (DATA / "labels").is_dir():
        pytest.skip(f"no real data at {DATA}")
    out, flags = tmp_path / "o.json", tmp_path / "f.json"
    done = CliRunner().invoke(
        app, ["score", "nab", str(DATA), "--detector", detector, "--json", str(out), "--flags", str(flags)]
    )
    assert done.exit_code == 0, done.output
    report = json.loads(out.read_text())
    assert (report["series"], report["windows"]) == (44, 83)
    assert set(report["scores"]) == set(PROFILES)
    assert report["beside"]["always"]["standard"] < report["scores"]["standard"] or detector == "always"
    assert (
        json.loads(flags.read_text()).keys()
        == json.loads((DATA / "labels" / "combined_windows.json").read_text()).keys()
    )
