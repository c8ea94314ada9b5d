"""What a visitor is shown: the parts of the story, each found, each handled by those who have to."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest

from liandong.adapters.tables.findings import examine
from liandong.app.accounts import SignInRules
from liandong.app.passwords import Hasher, check_password
from liandong.core.values.case import CaseState
from liandong.core.values.lists import Action, Participation
from liandong.core.values.times import HOUR, MINUTE
from liandong.stores.sqlite import open_sqlite
from liandong.wiring.demo_accounts import DESKS
from liandong.wiring.packs import installed, read_equipped

pytestmark = pytest.mark.slow
Day = tuple[Path, dict[str, Any]]


@pytest.fixture(scope="module")
def cases(day: Day) -> list[CaseState]:
    store = open_sqlite(day[0])
    try:
        return [msgspec.json.decode(row.body or b"", type=CaseState) for row in store.states("case")]
    finally:
        store.close()


def the(cases: list[CaseState], hazard: str, **fields: Any) -> CaseState:
    found = [c for c in cases if c.hazard == hazard and all(getattr(c, k) == v for k, v in fields.items())]
    assert len(found) == 1, [(c.hazard, c.level, c.cause) for c in cases]
    return found[0]


def units(case: CaseState, part: Participation) -> set[str]:
    return {p.unit for p in case.participants if p.part == part}


# The parts of the story


def test_a_leak_at_night_reaches_level_one_and_those_whom_the_second_version_names(
    cases: list[CaseState],
) -> None:
    leak = the(cases, "gas_leak", level="I")
    assert leak.cause == "real" and 1 <= (leak.alarmed // HOUR + 8) % 24 <= 4
    district = next(u for u in units(leak, Participation.INFORM) if u.startswith("unit:emergency_"))
    district = district.removeprefix("unit:emergency_")
    assert "unit:gas" in units(leak, Participation.LEAD)
    assert {"unit:housing", f"unit:housing_{district}", "unit:centre"} <= units(leak, Participation.ASSIST)
    assert {"unit:emergency", f"unit:emergency_{district}"} <= units(leak, Participation.INFORM)
    order = [Action.JUDGE, Action.PUSH, Action.HANDLE, Action.FEED_BACK, Action.ARCHIVE]
    times = [leak.done[action] for action in order]
    assert times == sorted(times)


def test_its_report_is_given_within_twelve_hours(cases: list[CaseState]) -> None:
    leak = the(cases, "gas_leak", level="I")
    (clock,) = [c for c in leak.clocks.values() if c.action == Action.DISPOSAL_REPORT]
    assert clock.limit_us == 12 * HOUR and clock.stopped is not None and not clock.overdue
    assert leak.done[Action.DISPOSAL_REPORT] - clock.started <= 12 * HOUR


def test_the_chemical_plant_is_reached_and_its_cause_solved_in_five_minutes(cases: list[CaseState]) -> None:
    plant = the(cases, "toxic_gas")
    assert plant.lead.startswith("unit:firm-") and plant.cause == "real"
    pushed, handled = plant.done[Action.PUSH], plant.done[Action.HANDLE]
    assert 0 < handled - pushed <= 5 * MINUTE


def test_the_bridge_that_settles_is_found_from_its_slow_drift(cases: list[CaseState]) -> None:
    bridge = the(cases, "structure_shifted")
    assert bridge.cause == "real" and bridge.asset.startswith("asset:bridge-")


def test_the_panel_says_fire_and_the_loss_of_its_power_over_tcp(day: Day, cases: list[CaseState]) -> None:
    fires = [c for c in cases if c.hazard == "fire"]
    assert fires and all(c.level == "II" and c.asset.startswith("asset:panel-") for c in fires)
    assert any(c.cause == "real" for c in fires)
    assert the(cases, "fire_power_lost").cause == "device_fault"
    assert day[1]["run"]["frames_sent"] > 100


def test_the_drainage_centre_leads_when_the_road_is_under_water(cases: list[CaseState]) -> None:
    water = the(cases, "waterlogging")
    assert "unit:drainage" in units(water, Participation.LEAD) and "unit:water" in units(
        water, Participation.INFORM
    )


def test_some_answer_too_late_and_are_reminded_urged_supervised_and_relieved(day: Day) -> None:
    kinds = day[1]["result"]["by_escalation"]
    assert set(kinds) == {"remind", "urge", "supervise", "take_over"}
    assert kinds["remind"] >= kinds["urge"] >= kinds["supervise"] >= kinds["take_over"] >= 1


def test_false_alarms_and_faults_are_closed_as_what_they_were(day: Day, cases: list[CaseState]) -> None:
    causes = Counter(c.cause for c in cases)
    assert {"false_biogas", "false_calibration", "false_rule", "device_fault"} <= set(causes)
    assert all(c.over for c in cases) and day[1]["result"]["by_cause"] == dict(sorted(causes.items()))


# What is said at the beginning and at the end


def test_it_says_where_to_look_and_what_happened(day: Day) -> None:
    said = "\n".join(day[1]["said"])
    for words in (
        "http://127.0.0.1:",
        str(day[0]),
        "hj212 127.0.0.1:",
        "gb26875 127.0.0.1:",
        "accounts.json",
    ):
        assert words in said
    for words in ("按时率 on time", "办结原因 by cause", "share that was not real"):
        assert words in said


def test_result_and_run_are_what_the_contract_says(day: Day) -> None:
    result, run = day[1]["result"], day[1]["run"]
    assert {
        "readings_accepted", "findings", "warnings", "cases", "orders", "overdue", "escalated", "by_cause",
        "decision_entries", "clauses",
    } <= set(result)  # fmt: skip
    assert result["cases"] == result["closed"] == sum(result["by_level"].values())
    assert run["equation"] == [] and run["verify_findings"] == 0 and run["entries_verified"] > 500
    for step in run["accounting"].values():
        assert step["in"] == step["out"] + step["rejected"] + step["dead"] + step["queued"]
    assert run["accounting"]["detect"]["out"] == result["readings_accepted"]
    for row in result["clauses"].values():
        assert 0 <= row["on_time"] <= row["stopped"]
    assert sum(row["on_time"] < row["stopped"] for row in result["clauses"].values()) >= 1


def test_visitors_have_accounts_whose_passwords_lie_with_the_data_and_nowhere_else(day: Day) -> None:
    file = day[0] / "accounts.json"
    kept = json.loads(file.read_text(encoding="utf-8"))
    assert kept["accounts"] == DESKS and file.stat().st_mode & 0o077 == 0
    check_password(kept["password"], "centre", SignInRules().password_length)
    log = (day[0] / "liandong.log").read_text(encoding="utf-8")
    assert kept["password"] not in log + "\n".join(day[1]["said"])
    store = open_sqlite(day[0])
    try:
        assert {row.name for row in store.accounts()} == set(DESKS)
        assert all(Hasher().matches(row.hash, kept["password"]) for row in store.accounts())
    finally:
        store.close()


# The city alone


def test_the_city_can_be_written_out_and_checked(tmp_path: Path) -> None:
    to = tmp_path / "city"
    done = subprocess.run(
        [sys.executable, "-m", "liandong", "demo", "--city-only", str(to), "--sensors", "200"],
        capture_output=True, text=True, timeout=120, env=os.environ | {"PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "209 传感器" in done.stdout and not list(tmp_path.glob("**/*.db"))
    examined = examine(to, installed())
    assert examined.findings == [] and not examined.unreadable
    assert len(read_equipped(to).city.areas) == 1 + 5 + 32 * 7
