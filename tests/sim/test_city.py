"""The demonstration city: the same for the same seed, without errors, and somebody always on duty."""

from __future__ import annotations

import itertools
from collections import defaultdict
from pathlib import Path

import msgspec
import pytest

from liandong.adapters.tables import check_city, read_city, write_city
from liandong.core.values.access import Session, scope_of
from liandong.core.values.city import City, CityIndex
from liandong.core.values.lists import Action, Capability, Mode, Participation, Provenance, UnitKind
from liandong.core.values.rows import StepRow
from liandong.core.values.times import DAY, HOUR, parse_time
from liandong.sim.city import FEWEST_SENSORS, demo_city

START = parse_time("2026-05-01T06:30:00+08:00")
DEMO = demo_city(3, START, 3)
INDEX = CityIndex(DEMO.city)


def test_the_same_seed_gives_the_same_city_to_the_byte() -> None:
    again = demo_city(3, START, 3)
    assert msgspec.json.encode(again) == msgspec.json.encode(DEMO)


def test_another_seed_gives_other_people_in_the_same_offices() -> None:
    other = demo_city(4, START, 3)
    assert other.persons != DEMO.persons
    assert other.city.units == DEMO.city.units


@pytest.mark.parametrize("sensors", [FEWEST_SENSORS, 60, 120, 301])
def test_a_city_of_any_size_has_no_errors(tmp_path: Path, sensors: int) -> None:
    made = demo_city(1, START, 1, sensors)
    write_city(tmp_path, made)
    assert check_city(tmp_path) == []
    assert read_city(tmp_path).city == made.city
    platform = [c for c in made.city.channels if c.source == "source:self"]
    assert len(made.city.channels) == sensors + len(platform)


def test_too_small_a_city_is_refused() -> None:
    with pytest.raises(ValueError, match="36 sensors"):
        demo_city(1, START, 1, 35)


# Duty


def test_every_duty_post_has_somebody_at_every_moment_of_the_period() -> None:
    rosters = defaultdict(list)
    for duty in DEMO.city.duties:
        rosters[duty.post].append(duty)
    posts = {post.key for post in DEMO.city.posts if post.duty}
    assert set(rosters) == posts
    for duties in rosters.values():
        duties.sort(key=lambda d: d.start)
        assert duties[0].start <= START and duties[-1].end >= START + 3 * DAY
        assert all(a.end == b.start for a, b in itertools.pairwise(duties))
        assert all(d.end - d.start == 8 * HOUR and d.deputy and d.deputy != d.person for d in duties)


def test_shifts_change_at_0_8_and_16_local() -> None:
    assert {(d.start // HOUR + 8) % 24 for d in DEMO.city.duties} == {0, 8, 16}


def test_whoever_is_on_duty_holds_the_post() -> None:
    held = {(h.post, h.person) for h in DEMO.city.holdings if h.since <= START}
    assert all({(d.post, d.person), (d.post, d.deputy)} <= held for d in DEMO.city.duties)


def test_every_unit_that_a_row_can_name_has_a_duty_post() -> None:
    assert all(post is not None and post.duty for post in map(INDEX.duty_post, INDEX.units))


# People are invented


def test_names_are_unique_and_numbers_belong_to_no_network() -> None:
    assert len({p.name for p in DEMO.persons}) == len({p.key for p in DEMO.persons}) == len(DEMO.persons)
    assert all(p.phone.startswith("000-") for p in DEMO.persons)


def test_the_city_says_that_it_is_invented() -> None:
    assert "虚构" in DEMO.city.areas[0].name_zh and "invented" in DEMO.city.areas[0].name_en


def test_no_name_of_a_person_is_in_the_city() -> None:
    said = msgspec.json.encode(DEMO.city).decode()
    assert not [p.name for p in DEMO.persons if p.name in said]


# Who may what


def may(post: str, capability: Capability, domain: str = "gas_leak", area: str = "/demo/east/yunxi/") -> bool:
    scope = scope_of(INDEX, Session(person="person:p001", post=post), START)
    return scope.covers(capability, domain, area, Mode.REAL)


def test_the_centre_sees_and_acts_everywhere() -> None:
    for domain in ("gas_leak", "toxic_gas", "waterlogging", "platform_fault"):
        assert may("post:centre.duty", Capability.CASE_READ, domain, "/demo/west/")
        assert may("post:centre.duty", Capability.CASE_ACT, domain, "/demo/west/")


def test_utilities_and_firms_have_no_standing_rights() -> None:
    posts = {"post:gas.duty", "post:drainage.duty", "post:upkeep.duty", "post:firm-1.duty", "post:fire.duty"}
    assert not posts & {p.post for p in DEMO.city.permissions}


def test_a_bureau_reads_its_domain_in_its_district() -> None:
    assert may("post:housing_east.duty", Capability.CASE_READ)
    assert not may("post:housing_east.duty", Capability.CASE_READ, "toxic_gas")
    assert not may("post:housing_west.duty", Capability.CASE_READ)


def test_only_the_emergency_leader_reopens() -> None:
    reopen = [p.post for p in DEMO.city.permissions if p.capability == Capability.CASE_REOPEN]
    assert reopen == ["post:emergency.leader"]


def test_the_operator_keeps_the_machine_and_sees_no_case() -> None:
    assert {p.capability for p in DEMO.city.permissions if p.post == "post:operator"} == {
        Capability.INTAKE_READ,
        Capability.INTAKE_REPLAY,
        Capability.JOURNAL_READ,
        Capability.CLOCK_CONFIRM,
        Capability.PERSONAL_ERASE,
    }


def test_every_source_may_send() -> None:
    sending = {p.post for p in DEMO.city.permissions if p.capability == Capability.READINGS_SEND}
    assert sending == {s.key for s in DEMO.city.sources}


# The mechanism


def steps(flow: str, level: str) -> dict[Action, StepRow]:
    return {row.action: row for row in DEMO.mechanism.steps if (row.flow, row.level) == (flow, level)}


@pytest.mark.parametrize("flow", ["*", "gas_leak"])
def test_level_three_has_the_limits_that_the_document_states(flow: str) -> None:
    stated = {a: r.limit_s for a, r in steps(flow, "III").items() if r.provenance == Provenance.SOURCE}
    assert stated == {Action.JUDGE: 3600, Action.ARRIVE: 4200, Action.HANDLE: 7200, Action.FEED_BACK: 7200}


def test_what_no_source_states_is_unset_or_says_that_it_is_ours() -> None:
    for row in DEMO.mechanism.steps:
        if row.level != "III":
            assert row.provenance != Provenance.SOURCE
        assert (row.limit_s is None) == (row.provenance == Provenance.UNSET)
    assert {r.provenance for r in DEMO.mechanism.escalations} == {Provenance.ASSUMED}


def test_the_verifier_is_above_nobody_who_leads() -> None:
    verifier = next(r.role for r in DEMO.mechanism.roles if r.part == Participation.VERIFY)
    leads = (
        {a.owner for a in DEMO.city.assets} | {a.operator for a in DEMO.city.assets} | {DEMO.mechanism.centre}
    )
    assert not [unit for unit in leads if unit and INDEX.is_superior(verifier, unit)]


def test_every_lead_has_somebody_above_to_take_over() -> None:
    leads = {a.owner for a in DEMO.city.assets} | {a.operator for a in DEMO.city.assets if a.operator}
    assert all(INDEX.superior(unit) for unit in leads)


def test_what_a_rule_watches_lies_where_the_verifier_may_act() -> None:
    watched = {rule.quantity for rule in DEMO.rules if rule.hazard != "platform_fault"}
    assets = [INDEX.asset_of_channel(c.key) for c in DEMO.city.channels if c.quantity in watched]
    assert assets and all(a and INDEX.area_path(a.area).startswith("/demo/east/") for a in assets)


def test_the_contractor_acts_in_the_name_of_the_centre() -> None:
    contractors = [u for u in DEMO.city.units if u.kind == UnitKind.CONTRACTOR]
    assert [u.principal for u in contractors] == ["unit:centre"]


def test_the_committee_has_two_chairs_and_sits_in_the_emergency_bureau() -> None:
    (body,) = DEMO.city.bodies
    assert len(body.chairs) == 2 and body.office == "unit:emergency"


def test_every_number_of_a_rule_says_where_it_comes_from() -> None:
    assert all(rule.basis for rule in DEMO.rules)
    city: City = DEMO.city
    assert {rule.quantity for rule in DEMO.rules} <= {q.key for q in city.quantities}
