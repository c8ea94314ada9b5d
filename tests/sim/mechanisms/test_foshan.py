"""Foshan's two versions: what is the document's, what is ours and what nobody says, by name and number."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from liandong.adapters.mechanisms import write_file
from liandong.adapters.tables import check_city, read_city, write_city
from liandong.adapters.tables.layout import MECHANISM
from liandong.core.mechanism.gaps import gaps, provenances
from liandong.core.mechanism.policy import Policy
from liandong.core.mechanism.routing import Routing
from liandong.core.values.city import CityIndex
from liandong.core.values.document import KINDS, Mechanism
from liandong.core.values.lists import Action, CaseStage, Participation, Provenance
from liandong.mechanisms import load
from liandong.sim.mechanisms import VERSIONS, foshan_mechanism
from tests.core.world import START, Life, channels
from tests.small_town import demo_city

SOURCE, ASSUMED, UNSET = Provenance.SOURCE, Provenance.ASSUMED, Provenance.UNSET
LEVELS = ("IV", "III", "II", "I")
HANDLED = ("judge", "arrive", "handle", "feed_back")


def rows(mechanism: Mechanism, provenance: Provenance) -> set[str]:
    return {f"{n}:{r.key}" for n in KINDS for r in getattr(mechanism, n) if r.provenance == provenance}


# What the document says, and nothing else


def test_of_the_first_version_nine_rows_are_the_documents():
    first = foshan_mechanism(1, supplement=False)
    assert rows(first, SOURCE) == {
        "flows:drainage", "roles:role.any.supervise", "roles:role.any.III.lead", "roles:role.drainage.inform",
        "roles:role.any.assist.centre", *(f"steps:step.any.III.{action}" for action in HANDLED),
    }  # fmt: skip
    limits = {(r.level, r.action.value): r.limit_s for r in first.steps if r.limit_s is not None}
    hour = 3600.0
    assert limits == {
        ("III", "judge"): hour, ("III", "arrive"): 70 * 60.0, ("III", "handle"): 2 * hour,
        ("III", "feed_back"): 2 * hour,
    }  # fmt: skip
    assert not any(row.origin_stated for row in first.steps), "from when the clocks run is not stated"


def test_of_the_second_version_nineteen_rows_are_the_documents():
    second = foshan_mechanism(2, supplement=False)
    eight = ("bridge", "gas", "drainage", "fire", "high_risk_firm", "lift", "rail", "forest")
    outdoors = {
        "lead.city_gas", "assist.city_housing", "assist.district_housing", "assist.centre",
        "inform.city_emergency", "inform.district_emergency",
    }  # fmt: skip
    assert rows(second, SOURCE) == {
        *(f"flows:{flow}" for flow in (*eight, "gas_outdoors")),
        *(f"roles:role.gas_outdoors.I.{name}" for name in outdoors),
        "roles:role.drainage.lead", "roles:role.drainage.inform",
        "steps:step.gas_outdoors.I.disposal_report", "reports:report.gas_outdoors.I",
    }  # fmt: skip
    assert [(r.action, r.limit_s) for r in second.steps if r.limit_s is not None] == [
        (Action.DISPOSAL_REPORT, 12 * 3600.0)
    ]


def test_drainage_moves_from_the_housing_bureau_to_the_water_bureau():
    def told(version: int, part: Participation) -> list[str]:
        routing = Routing(foshan_mechanism(version, supplement=False))
        return [row.role for row in routing.parts("drainage", "II", part)]

    assert told(1, Participation.INFORM) == ["city:housing"] and told(1, Participation.LEAD) == []
    assert told(2, Participation.INFORM) == ["city:water"]
    assert told(2, Participation.LEAD) == ["city:drainage"]


# What nobody says


def test_the_gaps_of_the_documents_are_listed():
    first = Counter(gap.what for gap in gaps(foshan_mechanism(1, supplement=False)))
    # Leads: levels IV, II and I of drainage and of everything else.
    warnings = {"drafter": 1, "approver": 1, "lifter": 1}
    assert first == {
        "limit": 13, "origin": 4, "escalation": 4, "lead": 6, "verifier": 1, "hazards": 1, **warnings,
    }  # fmt: skip
    second = Counter(gap.what for gap in gaps(foshan_mechanism(2, supplement=False)))
    # Leads: all levels of seven flows and of what has none, and three of gas outdoors. Contacts: eight
    # flows and suspected biogas.
    assert second == {
        "limit": 5, "origin": 1, "escalation": 1, "lead": 35, "verifier": 1, "contact": 9, "signer": 1,
        "hazards": 9, **warnings,
    }  # fmt: skip


@pytest.mark.parametrize(("version", "counts"), [(1, (9, 73, 11)), (2, (19, 87, 13))])
def test_with_the_supplement_every_row_still_says_whose_it_is(version: int, counts: tuple[int, int, int]):
    alone, whole = foshan_mechanism(version, supplement=False), foshan_mechanism(version)
    assert rows(alone, SOURCE) == rows(whole, SOURCE), "nothing of ours became the document's"
    assert tuple(provenances(whole).values()) == counts
    left = {gap.what for gap in gaps(whole)}
    assert left <= {"limit", "origin", "contact", "signer", "hazards"}


def test_no_limit_is_given_to_handling_at_levels_where_none_is_known():
    for version in VERSIONS:
        routing = Routing(foshan_mechanism(version))
        for level in ("I", "II", "IV"):
            for row in routing.steps("gas_leak", level):
                known = row.limit_s is None or row.action in (
                    Action.JUDGE, Action.ACKNOWLEDGE, Action.DISPOSAL_REPORT,
                )  # fmt: skip
                assert known, (version, level, row.key)


# As tables


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("supplement", [True, False])
def test_the_tables_read_the_same_through_the_door_of_a_city(tmp_path: Path, version: int, supplement: bool):
    write_city(tmp_path, demo_city(1, START, 1, 36))
    for name in MECHANISM:
        (tmp_path / f"{name}.csv").unlink()
    for part, key in (("source", ""), ("supplement", ".supplement"))[: 2 if supplement else 1]:
        target = tmp_path / "mechanism" / part
        target.parent.mkdir(exist_ok=True)
        write_file(target, load(f"foshan-v{version}{key}"))
    if supplement:
        assert read_city(tmp_path).mechanism == foshan_mechanism(version)
        return
    errors = check_city(tmp_path)
    if version == 1:
        assert {e.key for e in errors} == {"city.role_unresolved"}, "what has no lead cannot run"
    else:
        assert not errors


# Running


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("level", LEVELS)
def test_a_case_of_every_level_comes_to_its_end(version: int, level: str):
    made = demo_city(3, START, 4, 36)
    policy = Policy(
        city=CityIndex(_with_functions(made.city)),
        routing=Routing(foshan_mechanism(version)),
        rules={rule.key: rule for rule in made.rules},
    )
    life = Life(policy)
    life.find(channel=len(channels()) - 1)
    life.do(Action.JUDGE, level=level)
    life.finish(life.case)
    reports = version == 2 and level == "I"
    assert life.case.stage == (CaseStage.REPORTED if reports else CaseStage.ARCHIVED)
    if version == 2:
        assert life.case.lead == "unit:gas"
    if reports:
        units = {p.unit for p in life.case.participants}
        assert {"unit:gas", "unit:housing", "unit:emergency", "unit:centre"} <= units
        assert any(unit.startswith("unit:housing_") for unit in units), "the district's bureau"


def _with_functions(city):
    import msgspec

    words = ("emergency", "housing", "fire", "centre", "gas", "government", "drainage", "water")
    return msgspec.structs.replace(
        city,
        units=tuple(
            msgspec.structs.replace(
                unit, function=next((w for w in words if unit.key.removeprefix("unit:").startswith(w)), "")
            )
            for unit in city.units
        ),
    )
