"""Months of readings in cells: the same findings as in one piece, however it is cut, killed or shared out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from liandong.core.detect.series import raises
from liandong.core.values.rules import ChannelRow, Rule
from liandong.core.values.times import DAY, HOUR, to_micros
from liandong.runners.history import Plan, cells_of, run_cell, run_history

START = int(to_micros(datetime(2025, 11, 20, tzinfo=UTC)))
END = START + 60 * DAY
CHANNELS = tuple(
    ChannelRow(number=n, key=f"channel:{n}", group=f"asset:{n // 2}", source="source:gas", quantity="ch4")
    for n in range(6)
)
RULE = Rule(
    key="high", version=1, hazard="gas_leak", severity="high", quantity="ch4", raise_at=3.0, clear_at=2.0,
    hold_s=2 * 3600, clear_hold_s=3600,
)  # fmt: skip


class Readings:
    """An hour apart, with an episode that lasts over the end of each month."""

    def series(self, number: int) -> tuple[Any, Any]:
        at = np.arange(START, END, HOUR)
        return at, 2.0 + 2.0 * np.sin((at - START) / (4 * DAY) + number)

    def rows(self, numbers: Sequence[int], start: int, end: int) -> dict[str, Any]:
        parts = []
        for number in numbers:
            at, value = self.series(number)
            keep = (at >= start) & (at < end)
            parts.append(
                (np.full(keep.sum(), number), at[keep], value[keep], np.zeros(keep.sum(), np.uint32))
            )
        names = ("number", "event_time", "value", "quality")
        return {name: np.concatenate([p[i] for p in parts]) for i, name in enumerate(names)}


class Dying(Readings):
    """Readings that end the process' work in the middle of the third month."""

    def rows(self, numbers: Sequence[int], start: int, end: int) -> dict[str, Any]:
        if end > START + 45 * DAY:
            raise KeyboardInterrupt
        return super().rows(numbers, start, end)


def plan(work: Path, archive: Any = Readings) -> Plan:
    return Plan(CHANNELS, (RULE,), "town", START, END, work, archive)


def whole() -> list[tuple[str, int]]:
    """The same rule over each series in one piece."""
    found = [(row.key, at) for row in CHANNELS for at in raises(RULE, *Readings().series(row.number))]
    return sorted(found)


def seen(work: Path, jobs: int = 1, archive: Any = Readings) -> list[tuple[str, int]]:
    found, rows = run_history(plan(work, archive), jobs)
    assert rows == len(CHANNELS) * 60 * 24
    return sorted((one.channel, one.raised) for one in found)


def test_cells_give_what_one_piece_gives(tmp_path):
    chains = cells_of(plan(tmp_path))
    assert [cell.month for cell in next(iter(chains.values()))] == ["2025-11", "2025-12", "2026-01"]
    assert len(whole()) > len(CHANNELS), "or nothing is shown"
    assert seen(tmp_path) == whole()


def test_a_run_that_was_broken_off_goes_on_and_reads_nothing_twice(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        run_history(plan(tmp_path, Dying), 1)
    before = {path.name for path in tmp_path.glob("*.json")}
    assert before, "a finished cell is kept"
    assert seen(tmp_path) == whole()

    class Unread(Readings):
        def rows(self, numbers: Sequence[int], start: int, end: int) -> dict[str, Any]:
            raise AssertionError("what is done is not read again")

    assert seen(tmp_path, archive=Unread) == whole()


def test_a_cell_that_was_folded_but_not_marked_is_folded_again_from_the_month_before(tmp_path):
    chain = next(iter(cells_of(plan(tmp_path)).values()))
    first = run_cell(plan(tmp_path), chain[0])
    kept = (tmp_path / f"{chain[0].partition:03d}-{chain[0].month}.state").read_bytes()
    second = run_cell(plan(tmp_path), chain[1])
    # Killed after the state was written and before the cell was marked.
    (tmp_path / f"{chain[1].partition:03d}-{chain[1].month}.json").unlink()
    (tmp_path / f"{chain[0].partition:03d}-{chain[0].month}.state").write_bytes(kept)
    assert run_cell(plan(tmp_path), chain[1]) == second
    assert first != second


def test_other_rules_are_another_run(tmp_path):
    assert seen(tmp_path) == whole()
    other = replace(plan(tmp_path), rules=(RULE.__class__(**{**_fields(RULE), "raise_at": 3.9}),))
    found, _ = run_history(other, 1)
    assert sorted((one.channel, one.raised) for one in found) != whole()


@pytest.mark.slow
def test_processes_beside_each_other_give_the_same(tmp_path):
    assert seen(tmp_path, jobs=2) == whole()


def _fields(rule: Rule) -> dict[str, Any]:
    return {name: getattr(rule, name) for name in rule.__struct_fields__}
