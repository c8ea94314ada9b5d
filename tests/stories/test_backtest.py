"""Rules tried on the day that a city has stored: what ran says again what it said; a blunter rule misses."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from liandong.app.handle import read_message
from liandong.core.values.errors import LiandongError
from liandong.core.values.findings import Finding
from liandong.core.values.journal import EntryKind, read_entry
from liandong.core.values.times import parse_time
from liandong.stores.sqlite import open_sqlite
from liandong.wiring.rules_trial import backtest_rules, report_lines

pytestmark = pytest.mark.slow
Day = tuple[Path, dict[str, Any]]


def said_live(data: Path) -> set[tuple[str, str, int]]:
    """(rule, channel, onset) of every finding that the running city had; the platform's own left out."""
    store = open_sqlite(data)
    found = set()
    try:
        after = 0
        while rows := store.entries(after, 5_000, (EntryKind.ADMISSION,)):
            after = rows[-1].position
            for row in rows:
                entry = read_entry(row.body)
                message = read_message(entry.message) if entry.message is not None else None
                if isinstance(message, Finding) and not message.rule.startswith("self."):
                    found.add((message.rule, message.channel, message.onset))
    finally:
        store.close()
    return found


def test_the_rules_in_force_say_again_what_they_said(day: Day, tmp_path: Path) -> None:
    live = said_live(day[0])
    report = backtest_rules(day[0], "in-force", "", "", 1, tmp_path, lambda done, total: None)
    again = {(f["rule"], f["channel"], int(parse_time(f["onset"]))) for f in report["findings"]}
    assert len(live) > 20
    assert again == live
    assert not report["trial"]["missed"] and report["trial"]["events"] > 0
    words = "\n".join(report_lines(report, "zh") + report_lines(report, "en"))
    assert "always" in words and "never" in words and "counterfactual" in words.lower()


def test_a_blunter_rule_misses_and_the_report_says_which(day: Day, tmp_path: Path) -> None:
    rules = tmp_path / "mine.csv"
    with rules.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["key", "version", "hazard", "severity", "quantity", "raise_at", "clear_at"])
        writer.writerow(["gas_blunt", 1, "gas_leak", "high", "ch4_lel", 99999, 99998])
    report = backtest_rules(day[0], str(rules), "", "", 1, tmp_path / "work", lambda done, total: None)
    assert report["findings"] == [] and report["trial"]["total"]["findings"] == 0
    assert report["trial"]["missed"], "every real event"
    assert json.dumps(report)


def test_a_table_that_cannot_be_read_says_which_row(day: Day, tmp_path: Path) -> None:
    rules = tmp_path / "bad.csv"
    rules.write_text("key,version,hazard,severity,quantity,raise_at,clear_at\nx,1,h,high,ch4_lel,1,2\n")
    with pytest.raises(LiandongError) as refused:
        backtest_rules(day[0], str(rules), "", "", 1, tmp_path / "w", lambda done, total: None)
    assert refused.value.errors[0].params["row"] == 2
