"""The two reports of a real city's folder: a closed case and its period, by the command."""

from __future__ import annotations

import io
from pathlib import Path

import docx
import pytest
from pypdf import PdfReader
from typer.testing import CliRunner

from liandong.cli import app
from liandong.core.values.times import HOUR, format_time
from tests.app.machine import START
from tests.app.running import City

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    town = City(tmp_path_factory.mktemp("report"))
    town.send(3.0)
    town.pass_time()
    case, _ = town.open_case()
    town.finish(case.id)
    town.stop()
    return town.data, case.id


def run(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["report", *arguments])
    assert done.exit_code == 0, done.output
    return done.output


@pytest.mark.parametrize(
    ("language", "words"), [("zh", ("警情处置报告", "核实")), ("en", ("Handling report",))]
)
def test_a_case_becomes_a_pdf(
    closed: tuple[Path, str], tmp_path: Path, language: str, words: tuple[str, ...]
):
    data, case = closed
    to = tmp_path / "case.pdf"
    run("case", case, "--data", str(data), "--to", str(to), "--language", language)
    shown = "".join(page.extract_text() for page in PdfReader(io.BytesIO(to.read_bytes())).pages)
    for word in (*words, case):
        assert word in shown
    assert "⟦" not in shown and "person:" not in shown, "a sentence is missing, or a person is named"


def test_a_period_becomes_a_docx_with_intervals(closed: tuple[Path, str], tmp_path: Path):
    data, _ = closed
    to = tmp_path / "period.docx"
    run("period", "--data", str(data), "--to", str(to), "--since", format_time(START - HOUR))
    made = docx.Document(io.BytesIO(to.read_bytes()))
    cells = [cell.text for table in made.tables for row in table.rows for cell in row.cells]
    assert any("(1/1, 20.7–100.0)" in cell for cell in cells), cells
    assert "⟦" not in "".join(cells)


def test_a_period_that_ends_before_it_begins_is_refused(closed: tuple[Path, str], tmp_path: Path):
    data, _ = closed
    since, until = format_time(START), format_time(START - HOUR)
    to = str(tmp_path / "p.pdf")
    done = CliRunner().invoke(
        app, ["report", "period", "--data", str(data), "--to", to, "--since", since, "--until", until]
    )
    assert getattr(done.exception, "key", "") == "report.period_empty"


def test_an_unknown_case_is_not_found(closed: tuple[Path, str], tmp_path: Path):
    done = CliRunner().invoke(
        app, ["report", "case", "case_none", "--data", str(closed[0]), "--to", str(tmp_path / "c.pdf")]
    )
    assert getattr(done.exception, "key", "") == "case.unknown"
