"""`liandong roster`: exit codes, words, figures, and month sheets in and out of real folders."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from liandong.adapters.tables import check_city, read_city, write_city, write_workbook
from liandong.core.values.times import parse_time
from liandong.wiring.rosters import check_rosters, give_out, take_in
from tests.small_town import demo_city

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "city"
START = parse_time("2026-05-01T00:00:00+08:00")


def liandong(*arguments: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "liandong", "roster", *arguments], capture_output=True, timeout=120
    )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@pytest.mark.slow
def test_the_example_has_no_hole_and_a_planted_one_is_said_in_words(tmp_path: Path) -> None:
    code, said, _ = liandong("check", str(EXAMPLE), "--from", "2026-11-22")
    assert code == 0 and "无漏洞" in said and "2026-11-22 00:00 至 2026-12-22 00:00" in said
    city = tmp_path / "city"
    shutil.copytree(EXAMPLE, city)
    with (city / "duties.csv").open("a", encoding="utf-8") as file:
        for start, end in (("2026-11-22T00", "2026-12-05T20"), ("2026-12-06T08", "2027-02-01T00")):
            stop = f"{end}:00:00+08:00"
            file.write(f"post:gas.duty,{start}:00:00+08:00,{stop},person:gas,person:gas-b\n")
    figures = tmp_path / "holes.json"
    code, said, _ = liandong("check", str(city), "--from", "2026-11-22", "--json", str(figures))
    assert code == 1 and "示例燃气公司 值班岗 2026-12-05 20:00 至 2026-12-06 08:00 无人值班 → " in said
    [hole] = json.loads(figures.read_text(encoding="utf-8"))["holes"]
    assert (hole["unit"], hole["post"], hole["why"]) == ("unit:gas", "post:gas.duty", "nobody")
    assert (hole["from"], hole["to"]) == ("2026-12-05 20:00", "2026-12-06 08:00") and hole["remedy"]
    code, said, _ = liandong("check", str(city), "--from", "2026-11-22", "--language", "en", "--days", "3")
    assert code == 0 and "no hole" in said
    assert "2027 年" in liandong("check", str(city), "--from", "2027-01-05")[1], "holidays not announced"


@pytest.mark.slow
def test_what_cannot_be_read_is_two(tmp_path: Path) -> None:
    assert liandong("check", str(tmp_path / "none"))[0] == 2
    city = tmp_path / "city"
    shutil.copytree(EXAMPLE, city)
    (city / "units.csv").write_text("what,is,this\n", encoding="utf-8")
    assert liandong("check", str(city))[0] == 2
    assert liandong("check", str(EXAMPLE), "--from", "soon")[0] == 2
    assert liandong("check", str(EXAMPLE), "--days", "0")[0] == 2
    assert liandong("import", str(tmp_path / "none.xlsx"), "--city", str(EXAMPLE))[0] == 2


def duties(folder: Path) -> set[Any]:
    return set(read_city(folder).city.duties)


def test_month_sheets_come_back_into_a_folder_and_into_a_workbook(tmp_path: Path) -> None:
    made = demo_city(1, START, 3, 36)
    folder, sheets = tmp_path / "city", tmp_path / "roster.xlsx"
    write_city(folder, made)
    before = duties(folder)
    assert str(len(before)) in give_out(folder, sheets, (), "zh")
    rows = list(csv.reader((folder / "duties.csv").read_text(encoding="utf-8-sig").splitlines()))
    (folder / "duties.csv").write_text(",".join(rows[0]) + "\n", encoding="utf-8")
    others = {path.name: path.read_bytes() for path in folder.glob("*.csv") if path.name != "duties.csv"}
    assert duties(folder) == set() and str(len(before)) in take_in(sheets, folder, "zh")
    assert duties(folder) == before and check_city(folder) == []
    assert others == {p.name: p.read_bytes() for p in folder.glob("*.csv") if p.name != "duties.csv"}
    book = tmp_path / "city.xlsx"
    write_workbook(book, read_city(folder))
    take_in(sheets, book, "zh")
    assert set(read_city(book).city.duties) == before
    one = tmp_path / "one.xlsx"
    give_out(folder, one, ("unit:centre",), "zh")
    assert one.stat().st_size < sheets.stat().st_size


def test_units_that_the_mechanism_names_are_looked_at_alone() -> None:
    every = check_rosters(EXAMPLE, "2026-11-22")
    named = check_rosters(EXAMPLE, "2026-11-22T00:00:00+08:00", named=True)
    assert every.start == named.start and set(named.units) <= set(every.units)
    assert "unit:gas" in named.units


def test_units_that_act_by_another_document_are_those_that_are_looked_at(tmp_path: Path) -> None:
    write_city(tmp_path, demo_city(1, START, 2, 36))
    found = check_rosters(tmp_path, "2026-05-01", days=1, mechanism=[Path("lift-rescue")])
    every = check_rosters(tmp_path, "2026-05-01", days=1)
    assert 0 < len(found.units) < len(every.units)
