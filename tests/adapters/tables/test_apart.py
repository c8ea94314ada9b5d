"""A mechanism kept apart: merged when read; a contradiction of the document is named with its row."""

from __future__ import annotations

from pathlib import Path

import pytest

from liandong.adapters.tables import check_city, read_city, write_city
from liandong.adapters.tables.layout import MECHANISM
from liandong.core.values.lists import Provenance
from tests.adapters.tables.folders import DEMO, change, found, put, table


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The demonstration's mechanism as a document, and a supplement that grades."""
    write_city(tmp_path, DEMO)
    for part in ("source", "supplement"):
        (tmp_path / "mechanism" / part).mkdir(parents=True)
    for name in MECHANISM:
        (tmp_path / f"{name}.csv").rename(tmp_path / "mechanism" / "source" / f"{name}.csv")
    grading = tmp_path / "mechanism" / "source" / "grading.csv"
    grading.rename(tmp_path / "mechanism" / "supplement" / "grading.csv")
    return tmp_path


def test_both_parts_are_one_mechanism(folder: Path) -> None:
    assert check_city(folder) == []
    read = read_city(folder).mechanism
    assert read == DEMO.mechanism


def test_a_row_that_contradicts_is_named_where_it_stands(folder: Path) -> None:
    source = folder / "mechanism" / "source"
    rows = table(source, "steps")
    limited = next(i for i, row in enumerate(rows) if row[rows[0].index("provenance")] == "source")
    ours = list(rows[limited])
    ours[0], ours[rows[0].index("limit_s")], ours[rows[0].index("provenance")] = "ours", "60", "assumed"
    put(folder / "mechanism" / "supplement", "steps", [rows[0], ours])
    (error,) = check_city(folder)
    assert error.key == "city.overruled" and error.params["by"] == rows[limited][0]
    assert (error.params["file"], error.params["row"]) == ("mechanism/supplement/steps.csv", 2)


def test_an_error_of_either_part_names_its_file_and_row(folder: Path) -> None:
    change(folder / "mechanism" / "supplement", "grading", 3, "severity", "worst")
    change(folder / "mechanism" / "source", "roles", 4, "role", "somebody")
    places = {(e[0], e[1], e[2]) for e in found(folder)}
    assert places == {
        ("city.bad_value", "mechanism/supplement/grading.csv", 3),
        ("city.unknown_role", "mechanism/source/roles.csv", 4),
    }


def test_a_supplement_may_not_call_itself_the_document(folder: Path) -> None:
    change(folder / "mechanism" / "supplement", "grading", 2, "provenance", Provenance.SOURCE)
    assert found(folder) == [
        ("city.bad_value", "mechanism/supplement/grading.csv", 2, "provenance", "source")
    ]


def test_the_mechanism_stands_in_one_place(folder: Path) -> None:
    (folder / "grading.csv").write_bytes((folder / "mechanism" / "supplement" / "grading.csv").read_bytes())
    assert [e.key for e in check_city(folder)] == ["city.table_twice"]


def test_a_document_needs_its_head(folder: Path) -> None:
    (folder / "mechanism" / "source" / "mechanism.csv").unlink()
    keys = [(e.key, e.params.get("file")) for e in check_city(folder)]
    assert ("city.missing_file", "mechanism/source/mechanism.csv") in keys
