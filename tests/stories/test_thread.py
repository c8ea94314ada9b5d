"""One thread from bytes to a score, and every promise about it, on a short day of the demonstration."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from liandong.app.rebuild import rebuild
from liandong.core.values.case import CaseState
from liandong.runners.replay import replay
from liandong.stores.memory import open_memory
from liandong.stores.sqlite import open_sqlite
from liandong.wiring.inspect import verify_folder, why_case, why_channel

pytestmark = pytest.mark.slow


def test_the_whole_thread_happened(day: tuple[Path, dict[str, Any]]) -> None:
    result = day[1]["result"]
    assert result["readings_accepted"] > 1_000
    assert result["findings"] >= result["warnings"] >= result["cases"] >= 4
    assert result["closed"] == result["cases"] == sum(result["by_cause"].values())
    assert result["by_cause"]["real"] >= 1 and result["by_cause"]["false_biogas"] >= 1
    assert result["orders"] > 3 * result["by_cause"]["real"]
    assert result["escalated"] >= result["overdue"] >= 1
    assert day[1]["run"]["equation"] == []
    assert day[1]["run"]["messages_refused"] > 0 and day[1]["run"]["duplicates"] > 0


def test_admission_log_replayed_gives_the_same_journal(day: tuple[Path, dict[str, Any]]) -> None:
    store, again = open_sqlite(day[0]), open_memory()
    try:
        done = replay(store, again)
        assert done.differences == []
        assert done.admitted > 100 and done.compared > 300
        scores = {row.stream: row.body for row in store.states("score")}
        assert scores == {row.stream: row.body for row in again.states("score")} != {}
        assert store.projection() == again.projection()
    finally:
        store.close()
        again.close()


def test_rebuild_equals_the_stored_state(day: tuple[Path, dict[str, Any]]) -> None:
    store = open_sqlite(day[0])
    try:
        found = rebuild(store)
        assert found.differences == [] and found.streams > 10
    finally:
        store.close()


def test_verify_is_green_and_says_what_it_cannot_prove(day: tuple[Path, dict[str, Any]]) -> None:
    lines, code = verify_folder(day[0], [], [], "en")
    assert code == 0
    assert any("anchor" in line for line in lines), "an anchor inside the data folder proves little"


def test_why_leads_from_a_closed_case_to_the_first_bytes(day: tuple[Path, dict[str, Any]]) -> None:
    store = open_sqlite(day[0])
    try:
        rows = [row for row in store.states("case") if (row.cause, row.domain) == ("real", "gas_leak")]
    finally:
        store.close()
    lines = "\n".join(why_case(day[0], rows[0].stream.removeprefix("case:"), "zh"))
    assert '"readings"' in lines and "已办结" in lines
    state = json.loads(rows[0].body or b"{}")
    assert set(state["done"]) >= {"judge", "acknowledge", "arrive", "handle", "feed_back", "review", "close"}


def test_why_a_channel_said_nothing(day: tuple[Path, dict[str, Any]]) -> None:
    lines = why_channel(day[0], "channel:gas-shiwan-001.ch4_lel", "2026-06-01T03:00:00+08:00", "zh")
    assert any("gas_ch4_medium" in line for line in lines)


def test_every_case_ended_with_an_independent_review(day: tuple[Path, dict[str, Any]]) -> None:
    import msgspec

    store = open_sqlite(day[0])
    try:
        for row in store.states("case"):
            case = msgspec.json.decode(row.body or b"", type=CaseState)
            assert case.over and not case.timers
            if case.cause == "real":
                reviewers = {o.person for o in case.orders.values() if o.role == "verifier"}
                assert case.reviewed is True and reviewers.isdisjoint({p for p, _ in case.handlers})
    finally:
        store.close()


def test_the_logs_hold_no_words_of_people(day: tuple[Path, dict[str, Any]]) -> None:
    log = (day[0] / "liandong.log").read_text(encoding="utf-8")
    for mark in ("王小明", "000-5550143", "李华"):
        assert mark not in log
