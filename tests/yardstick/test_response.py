"""Response times: the published figures of a real table, and tables that are not so tidy."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from liandong.cli import app
from liandong.core.values.errors import BadInput
from liandong.yardstick.response import score_response

DATA = Path(os.environ.get("LIANDONG_SHARED_DATA", Path(__file__).parents[2] / ".." / "shared" / "data"))
HEAD = "id,alarm,arrival\n"


def table(tmp_path: Path, *rows: str, encoding: str = "utf-8") -> Path:
    path = tmp_path / "t.csv"
    path.write_bytes((HEAD + "\n".join(rows) + "\n").encode(encoding))
    return path


def test_the_published_figures_of_2464_incidents(tmp_path):
    file = DATA / "fire_sf" / "Fire_Incidents_sf_2016.csv"
    if not file.is_file():
        pytest.skip(f"no real data at {file}")
    out = tmp_path / "r.json"
    done = CliRunner().invoke(
        app,
        ["score", "response", str(file), "--alarm", "Alarm DtTm", "--arrival", "Arrival DtTm",
         "--limit", "300", "--json", str(out)],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    report = json.loads(out.read_text())
    assert (report["median_s"], report["p90_s"], report["within"]["percent"]) == (240.5, 396.0, 73.09)
    assert (report["incidents"], report["open"]) == (2464, 0)
    low, high = report["within"]["wilson95"]
    assert low < 0.7309 < high < low + 0.04
    assert "73.09 %" in done.output and "240.5" in done.output


def test_open_incidents_are_censored_and_late_ones_count_as_late(tmp_path):
    path = table(
        tmp_path,
        "1,2026-05-01 08:00:00,2026-05-01 08:02:00",
        "2,2026-05-01 08:00:00,",
        "3,2026-05-01 08:58:00,",
        "4,2026-05-01 08:00:00,2026-05-01 09:00:00",
    )
    report = score_response(path, "alarm", "arrival", 300)
    assert (report["incidents"], report["open"]) == (2, 2)
    # Row 2 is open for an hour and so late; row 3, two minutes old, says nothing yet.
    assert (report["within"]["hits"], report["within"]["count"]) == (1, 3)
    assert report["kaplan_meier"]["censored"] == 2
    assert report["median_s"] == report["kaplan_meier"]["median_s"]


def test_a_clock_that_ran_backwards_is_named_and_left_out(tmp_path):
    path = table(
        tmp_path,
        "1,2026-05-01 08:00:00,2026-05-01 08:02:00",
        "2,2026-05-01 08:00:00,2026-05-01 07:59:00",
        "3,,2026-05-01 08:00:00",
    )
    report = score_response(path, "alarm", "arrival", 300)
    assert report["left_out"] == {"arrival_before_alarm": 1, "no_alarm": 1, "lines": [3, 4]}
    assert report["incidents"] == 1


def test_chinese_excel_writes_gb18030(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes("编号,报警时间,到场时间\n1,2026/05/01 08:00,2026/05/01 08:04\n".encode("gb18030"))
    assert score_response(path, "报警时间", "到场时间", 300)["median_s"] == 240.0


@pytest.mark.parametrize(
    ("rows", "columns", "key", "params"),
    [
        (("1,2026-05-01 08:00:00,x",), ("alarm", "arrival"), "response.bad_time", {"line": 2, "value": "x"}),
        (("1,a,b",), ("alarm", "came"), "response.no_column", {"column": "came"}),
        ((), ("alarm", "arrival"), "response.empty", {}),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path, rows, columns, key, params):
    with pytest.raises(BadInput) as error:
        score_response(table(tmp_path, *rows), *columns, 300)
    assert error.value.key == key and error.value.params.items() >= params.items()


def test_a_missing_file_is_exit_2(tmp_path):
    with pytest.raises(BadInput) as error:
        score_response(tmp_path / "none.csv", "a", "b", 300)
    assert error.value.key == "response.unreadable"
