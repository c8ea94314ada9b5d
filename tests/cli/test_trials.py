"""Comparing mechanisms on the command line: in words, on a city's stored history, in the simulated city."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from typer.testing import CliRunner

from liandong.adapters.mechanisms import write_file
from liandong.cli import app
from liandong.core.values.document import Mechanism
from liandong.core.values.errors import BadInput, LiandongError
from liandong.core.values.lists import Mode
from liandong.stores.sqlite import open_sqlite
from liandong.wiring.backtest import against_history
from tests.small_town.mechanism import demo_mechanism
from tests.web.town import CENTRE, Client, Town

BEFORE = demo_mechanism()


def _ask(*words: str | Path, expect: int) -> str:
    done = CliRunner().invoke(app, ["mechanism", *map(str, words)])
    assert done.exit_code == expect, done.output
    assert "⟦" not in done.output
    return done.output


def _other(lead: str) -> Mechanism:
    roles = tuple(
        replace(row, role=lead) if row.key == "role.gas_leak.lead.owner" else row for row in BEFORE.roles
    )
    return replace(BEFORE, key=f"led-by-{lead.removeprefix('unit:')}", roles=roles)


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A data folder with one real leak in it, that was handled by whoever led then."""
    data = tmp_path_factory.mktemp("lived")
    town = Town(data)
    try:
        case = town.open_case()
        client, centre = Client(town), town.token(post=CENTRE)
        assert client.act(case, "judge", centre, key="j", verdict="real").is_success
        assert client.act(case, "push", centre, key="p").is_success
        town.settle()
    finally:
        town.close()
    yield data, case


def _written(folder: Path, *documents: Mechanism) -> list[Path]:
    paths = [folder / f"{one.key}.yaml" for one in documents]
    for path, one in zip(paths, documents, strict=True):
        write_file(path, one)
    return paths


def test_diff_says_who_gains_and_who_loses(tmp_path: Path) -> None:
    before, after = _written(tmp_path, BEFORE, _other("unit:housing"))
    assert "gains the part lead" in _ask("diff", before, after, "--language", "en", expect=1)
    file = tmp_path / "said.json"
    mine = _ask("diff", before, after, "--unit", "unit:housing", "--json", file, expect=1)
    assert mine.count("\n") == len(json.loads(file.read_text())["changes"]) > 0
    assert _ask("diff", before, before, expect=0).strip()
    failed = CliRunner().invoke(app, ["mechanism", "diff", str(before), "nowhere.yaml"])
    assert isinstance(failed.exception, LiandongError)


@pytest.mark.slow
def test_backtest_counts_orders_of_each_unit_and_writes_nothing(
    lived: tuple[Path, str], tmp_path: Path
) -> None:
    data, _ = lived
    entries = _positions(data)
    file = tmp_path / "trials.json"
    (after,) = _written(tmp_path, _other("unit:housing"))
    said = _ask("backtest", after, "--data", data, "--against", "in-force", "--json", file, expect=0)
    first, second = json.loads(file.read_text())["trials"]
    assert first["name"] == "led-by-housing" and second["name"] == "in-force"
    assert first["burden"]["cases"] == second["burden"]["cases"] == 1
    led, was = _orders(first), _orders(second)
    assert led["unit:housing"] > 0 and was.get("unit:housing", 0) == 0 and "led-by-housing" in said
    # Nobody else's work differs: the same people, asked by another row.
    assert led["unit:centre"] == was["unit:centre"]
    assert _positions(data) == entries
    again = _ask("backtest", after, "--data", data, "--against", "in-force", expect=0)
    assert again == said


def _orders(trial: dict[str, Any]) -> dict[str, int]:
    return {
        unit["unit"]: unit["orders_by_day"] + unit["orders_by_night"] for unit in trial["burden"]["units"]
    }


def _positions(data: Path) -> int:
    store = open_sqlite(data)
    try:
        return store.last_position()
    finally:
        store.close()


@pytest.mark.slow
def test_a_mechanism_that_sends_nobody_misses_the_real_event(
    lived: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from liandong.wiring import backtest

    data, case = lived
    known = backtest.real_events
    # The leak was real, although nobody has closed it yet.
    store = open_sqlite(data)
    (row,) = [row for row in store.states("case") if row.stream == f"case:{case}"]
    store.close()
    grouping = json.loads(row.body or b"")["grouping"]
    at = json.loads(row.body or b"")["opened"]
    monkeypatch.setattr(backtest, "real_events", lambda store: known(store) | {grouping: at})
    alone = replace(_other("centre"), roles=tuple(r for r in _other("centre").roles if r.part == "lead"))
    # Nor does a superior take it over.
    alone = replace(alone, roles=tuple(replace(r, role="centre") for r in alone.roles), escalations=())
    trials = against_history(data, {"alone": alone, "in-force": BEFORE}, 0, 1 << 62, 7)
    missed = {trial.name: trial.burden.missed for trial in trials}
    assert missed == {"alone": (grouping,), "in-force": ()}
    assert trials[0].burden.without_lead == 1 and trials[1].burden.without_lead == 0


@pytest.mark.slow
def test_a_drill_is_marked_as_one_in_every_entry(tmp_path: Path) -> None:
    file = tmp_path / "drill.json"
    words = ("foshan-v2", "foshan-v2.supplement", "--data", tmp_path / "drill", "--hours", "2")
    said = CliRunner().invoke(app, ["mechanism", "drill", *map(str, words), "--json", str(file)])
    assert said.exit_code in (0, 1), said.output
    found = json.loads(file.read_text())
    assert found["unmarked"] == 0 and found["trial"]["burden"]["cases"] > 0
    assert said.exit_code == bool(found["trial"]["burden"]["missed"])
    store = open_sqlite(tmp_path / "drill")
    try:
        modes = {row.mode for row in store.states("case")}
    finally:
        store.close()
    assert modes == {Mode.DRILL}


@pytest.mark.slow
def test_what_cannot_be_tried_is_said(tmp_path: Path) -> None:
    (after,) = _written(tmp_path, _other("unit:housing"))
    done = CliRunner().invoke(app, ["mechanism", "backtest", str(after), "--data", str(tmp_path / "none")])
    assert isinstance(done.exception, BadInput) and done.exception.key == "data.not_found"
