"""The demonstration city: the same for the same seed, without errors, and somebody always on duty."""

from __future__ import annotations

import csv
import itertools
from collections import Counter, defaultdict
from datetime import date
from importlib.resources import files
from pathlib import Path

import msgspec
import pytest

from liandong.adapters.tables import check_city, quantities_of, read_city, write_city
from liandong.app.clock import perf
from liandong.core.mechanism.rosters import acting_units, holes
from liandong.core.values.access import Session, scope_of
from liandong.core.values.city import CityIndex
from liandong.core.values.lists import (
    AreaKind,
    Capability,
    DayKind,
    HoleKind,
    Mode,
    RelationKind,
    UnitKind,
    Watch,
)
from liandong.core.values.roster import Contact, Duty
from liandong.core.values.times import DAY, HOUR, parse_time
from liandong.sim.city import FEWEST_SENSORS, SENSORS, demo_city
from liandong.sim.city.calendar import china_days
from liandong.sim.city.places import DISTRICTS, TOWNS
from liandong.wiring.packs import installed

START = parse_time("2026-05-01T06:30:00+08:00")
DEMO = demo_city(3, START, 3, 120)
CITY = DEMO.city
INDEX = CityIndex(CITY)


def test_the_same_seed_gives_the_same_city_to_the_byte() -> None:
    assert msgspec.json.encode(demo_city(3, START, 3, 120)) == msgspec.json.encode(DEMO)


def test_another_seed_gives_other_people_in_the_same_offices() -> None:
    other = demo_city(4, START, 3, 120)
    assert other.persons != DEMO.persons
    assert other.city.units == CITY.units


@pytest.mark.parametrize("sensors", [FEWEST_SENSORS, 60, 120, 997])
def test_a_city_of_any_size_has_no_errors(tmp_path: Path, sensors: int) -> None:
    made = demo_city(1, START, 1, sensors)
    write_city(tmp_path, made)
    known = quantities_of(installed())
    assert check_city(tmp_path, known) == []
    assert read_city(tmp_path, known) == made
    platform = [s for s in made.city.sensors if s.asset == "asset:platform"]
    assert len(made.city.sensors) == sensors + len(platform)


def test_too_small_a_city_is_refused() -> None:
    with pytest.raises(ValueError, match=f"{FEWEST_SENSORS} sensors"):
        demo_city(1, START, 1, FEWEST_SENSORS - 1)
    with pytest.raises(ValueError, match="1 day"):
        demo_city(1, START, 0, 120)


def test_the_whole_city_has_13120_sensors_and_every_group_fits_a_shard() -> None:
    began = perf()
    city = demo_city(1, START, 3).city
    took = perf() - began
    assert len([s for s in city.sensors if s.asset != "asset:platform"]) == SENSORS == 13_120
    assert max(Counter(c.group for c in city.channels).values()) <= 4_096
    assert {c.number for c in city.channels} == set(range(len(city.channels)))
    # A budget of three seconds; the bound is loose because tests share the machine.
    assert took < 10


# Places


def test_five_districts_and_32_towns_with_their_codes_and_grids_under_each() -> None:
    kinds = Counter(area.kind for area in CITY.areas)
    assert (kinds[AreaKind.CITY], kinds[AreaKind.DISTRICT], kinds[AreaKind.TOWN]) == (1, 5, 32)
    codes = {area.key: area.code for area in CITY.areas if area.kind == AreaKind.TOWN}
    assert codes["area:zumiao"] == "440604012" and codes["area:genghe"] == "440608108"
    assert len(set(codes.values())) == 32 and all(
        code[:6] in {d.code for d in DISTRICTS} for code in codes.values()
    )
    grids = Counter(area.parent for area in CITY.areas if area.kind == AreaKind.GRID)
    assert set(grids) == set(codes) and len(set(grids.values())) == 1
    assert Counter(t.district for t in TOWNS) == {
        "chancheng": 4, "nanhai": 7, "shunde": 10, "sanshui": 7, "gaoming": 4,
    }  # fmt: skip


def test_every_asset_stands_in_the_cell_of_its_own_town() -> None:
    """Points of the drawing: one cell a town, so no shape of theirs can be taken for a boundary."""
    assert len({(t.column, t.row) for t in TOWNS}) == 32
    cells: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for asset in CITY.assets:
        if asset.key != "asset:platform":
            assert asset.lon is not None and asset.lat is not None
            cells[INDEX.area_above(asset.area, AreaKind.TOWN)].append((asset.lon, asset.lat))
    for town in TOWNS:
        for lon, lat in cells.get(town.area, []):
            assert 0 <= lon - (112.50 + 0.08 * town.column) <= 0.08
            assert 0 <= (23.45 - 0.07 * town.row) - lat <= 0.07


def test_the_city_says_that_it_is_a_demonstration() -> None:
    city = CITY.areas[0]
    assert CITY.key == "foshan-demo" and city.code == "4406"
    assert "演示" in city.name_zh and "虚构" in city.name_zh and "示意" in city.name_zh
    assert "invented" in city.name_en and "schematic" in city.name_en


def test_neighbours_and_what_the_field_wants_to_know() -> None:
    kinds = Counter(r.kind for r in CITY.relations)
    assert {RelationKind.ADJACENT, RelationKind.FEEDS, RelationKind.PROTECTS, RelationKind.CROSSES} <= set(
        kinds
    )
    wells = [a for a in CITY.assets if a.key.startswith("asset:gas-")]
    assert wells and all(
        {"深度", "距燃气主管", "上游阀门", "最近照片"} <= dict(a.facts).keys() for a in wells
    )
    watched = {r.target for r in CITY.relations if r.source.startswith("asset:main-")}
    assert {a.key for a in wells} <= watched
    assert all(s.calibrated for s in CITY.sensors if s.asset != "asset:platform")


def test_what_has_no_pack_yet_says_so() -> None:
    plain = [a for a in CITY.assets if a.kind in ("lift", "rail_station", "vehicle", "forest_lookout")]
    assert {a.kind for a in plain} == {"lift", "rail_station", "vehicle", "forest_lookout"}
    assert all(dict(a.facts)["说明"] == "尚无领域包，仅登记" for a in plain)
    sensed = {s.asset for s in CITY.sensors}
    assert not sensed & {a.key for a in plain}


def test_devices_of_the_tcp_doors_are_registered() -> None:
    protocol = {s.key: s.protocol for s in CITY.sources}
    spoken = {protocol[c.source] for c in CITY.channels if c.device}
    assert spoken == {"hj212", "gb26875"}
    for channel in CITY.channels:
        assert bool(channel.device) == bool(channel.item) == (protocol[channel.source] != "http")
    named = [(c.source, c.device, c.item) for c in CITY.channels if c.device]
    assert len(named) == len(set(named))


# Units, posts, people


def test_every_kind_of_unit_is_there() -> None:
    functions = Counter(u.function for u in CITY.units)
    for function in (
        "emergency",
        "housing",
        "water",
        "transport",
        "resources",
        "market",
        "fire",
        "government",
    ):
        assert functions[function] == 1 + len(DISTRICTS), function
    for function in ("centre", "gas", "waterworks", "power", "metro", "drainage"):
        assert functions[function] == 1, function
    assert functions["town"] == 32
    assert sum(u.key.startswith("unit:firm-") for u in CITY.units) == 35
    (contractor,) = [u for u in CITY.units if u.kind == UnitKind.CONTRACTOR]
    assert contractor.principal == "unit:centre" == contractor.parent


def test_every_duty_post_has_somebody_at_every_moment_of_the_period() -> None:
    rosters = defaultdict(list)
    for duty in CITY.duties:
        rosters[duty.post].append(duty)
    posts = {post.key for post in CITY.posts if post.duty}
    assert posts <= set(rosters)
    for duties in rosters.values():
        duties.sort(key=lambda d: d.start)
        assert duties[0].start <= START and duties[-1].end >= START + 3 * DAY
        assert all(a.end == b.start for a, b in itertools.pairwise(duties))
        assert all(d.deputy and d.deputy != d.person for d in duties)


def test_main_watch_second_watch_and_deputy_are_three_people_of_one_crew() -> None:
    for unit in ("unit:centre", "unit:gas", "unit:emergency_sanshui", "unit:town_datang"):
        slug = unit.removeprefix("unit:")
        for hour in (1, 9, 17, 40):
            at = START + hour * HOUR
            main, second = (INDEX.on_duty(f"post:{slug}.{watch}", at) for watch in ("duty", "second"))
            assert main is not None and second is not None
            assert len({main.person, second.person, main.deputy}) == 3
        assert INDEX.duty_post(unit) == INDEX.posts[f"post:{slug}.duty"]
        assert INDEX.leader_post(unit) == INDEX.posts[f"post:{slug}.leader"]


def test_whoever_is_on_duty_holds_the_post() -> None:
    held = {(h.post, h.person) for h in CITY.holdings if h.since <= START}
    assert all({(d.post, d.person), (d.post, d.deputy)} <= held for d in CITY.duties)


def test_every_unit_that_a_row_can_name_has_a_duty_post() -> None:
    assert all(post is not None and post.duty for post in map(INDEX.duty_post, INDEX.units))


def test_committees_have_two_chairs_an_office_and_a_clerk_in_every_member() -> None:
    assert len(CITY.bodies) == 4
    for body in CITY.bodies:
        assert len(set(body.chairs)) == 2 and body.office == "unit:emergency" and len(body.members) > 10
        for unit in body.members:
            post = f"post:{unit.removeprefix('unit:')}.clerk"
            assert sum(h.post == post for h in CITY.holdings) == 1


def test_names_are_unique_and_numbers_belong_to_no_network() -> None:
    assert len({p.name for p in DEMO.persons}) == len({p.key for p in DEMO.persons}) == len(DEMO.persons)
    assert all(p.phone.startswith("000-") for p in DEMO.persons)


def test_no_name_of_a_person_is_in_the_city() -> None:
    said = msgspec.json.encode(CITY).decode()
    assert not [p.name for p in DEMO.persons if p.name in said]


# Who may what


def may(
    post: str, capability: Capability, domain: str = "gas_leak", area: str = "/foshan/chancheng/zumiao/"
) -> bool:
    scope = scope_of(INDEX, Session(person="person:p0001", post=post), START)
    return scope.covers(capability, domain, area, Mode.REAL)


def test_the_centre_sees_and_acts_everywhere() -> None:
    for domain in ("gas_leak", "toxic_gas", "waterlogging", "platform_fault", "fire"):
        assert may("post:centre.duty", Capability.CASE_READ, domain, "/foshan/gaoming/")
        assert may("post:centre.duty", Capability.CASE_ACT, domain, "/foshan/gaoming/")


def test_utilities_firms_and_sites_have_no_standing_rights() -> None:
    held = {p.post for p in CITY.permissions}
    for unit in CITY.units:
        if unit.kind == UnitKind.FIRM:
            assert f"post:{unit.key.removeprefix('unit:')}.duty" not in held


def test_a_bureau_reads_its_domain_in_its_district() -> None:
    assert may("post:housing_chancheng.duty", Capability.CASE_READ)
    assert not may("post:housing_chancheng.duty", Capability.CASE_READ, "toxic_gas")
    assert not may("post:housing_nanhai.duty", Capability.CASE_READ)


def test_only_the_emergency_leader_reopens() -> None:
    reopen = [p.post for p in CITY.permissions if p.capability == Capability.CASE_REOPEN]
    assert reopen == ["post:emergency.leader"]


def test_the_operator_keeps_the_machine_and_sees_no_case() -> None:
    assert {p.capability for p in CITY.permissions if p.post == "post:operator"} == {
        Capability.INTAKE_READ,
        Capability.INTAKE_REPLAY,
        Capability.JOURNAL_READ,
        Capability.CLOCK_CONFIRM,
        Capability.PERSONAL_ERASE,
    }


def test_every_source_may_send() -> None:
    sending = {p.post for p in CITY.permissions if p.capability == Capability.READINGS_SEND}
    assert sending == {s.key for s in CITY.sources}


def test_every_role_of_the_mechanism_is_somebody_here() -> None:
    """Roles are functions within a territory: each must find one unit wherever an asset stands."""
    for row in DEMO.mechanism.roles:
        where, _, function = row.role.partition(":")
        if where == "city":
            assert [u for u in CITY.units if u.function == function and u.area == "area:foshan"], row.role
        elif where == "district":
            found = {u.area for u in CITY.units if u.function == function}
            assert {f"area:{d.slug}" for d in DISTRICTS} <= found, row.role


# Rosters and the calendar


def test_a_month_of_rosters_has_no_hole_and_a_planted_one_is_found() -> None:
    made = demo_city(1, START, 31, 36)
    index = CityIndex(made.city)
    contacts = [Contact(person=record.key, channel="phone") for record in made.persons]
    units = acting_units(index)
    assert len(units) > 100 and holes(index, units, START, START + 30 * DAY, contacts) == []
    lost = next(duty for duty in made.city.duties if duty.start > START + 20 * DAY and not _second(duty))
    city = msgspec.structs.replace(made.city, duties=tuple(d for d in made.city.duties if d != lost))
    [hole] = holes(CityIndex(city), units, START, START + 30 * DAY, contacts)
    assert (hole.post, hole.start, hole.end, hole.why) == (lost.post, lost.start, lost.end, HoleKind.NOBODY)


def _second(duty: Duty) -> bool:
    return duty.post.endswith(".second")


def test_watches_are_named_and_each_post_says_whom_it_wakes() -> None:
    watches = {duty.post.rpartition(".")[2]: duty.watch for duty in CITY.duties}
    assert watches == {"duty": Watch.MAIN, "second": Watch.SECOND, "leader": Watch.LEADER}
    assert INDEX.wakes("post:gas.duty", "III") == ()
    assert INDEX.wakes("post:gas.duty", "I") == ("post:gas.leader",)
    for row in CITY.wakes:
        assert INDEX.posts[row.whom].leader and INDEX.on_duty(row.whom, START) is not None


def test_the_calendar_is_that_of_the_notices_of_2025_and_2026() -> None:
    days = {row.date: row for row in china_days()}
    assert Counter((row.date[:4], row.kind) for row in days.values()) == {
        # Days off: 1+8+3+5+3+8 and 3+9+3+5+3+3+7; weekends worked: 5 and 6.
        ("2025", DayKind.HOLIDAY): 28, ("2025", DayKind.WORKDAY): 5,
        ("2026", DayKind.HOLIDAY): 33, ("2026", DayKind.WORKDAY): 6,
    }  # fmt: skip
    for row in days.values():
        weekend = date.fromisoformat(row.date).weekday() >= 5
        assert weekend or row.kind == DayKind.HOLIDAY, f"{row.date}: only a weekend is worked by order"
    assert days["2026-02-28"].kind == DayKind.WORKDAY and days["2026-02-23"].name_zh == "春节"
    assert INDEX.calendar.at(parse_time("2026-05-01T12:00:00+08:00")).seasons == ("flood",)
    with (files("liandong.sim.city") / "china_days.csv").open(encoding="utf-8") as file:
        assert all(row["trust"] == "V" and "国务院办公厅" in row["source"] for row in csv.DictReader(file))
