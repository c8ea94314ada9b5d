"""Roles by function and territory, flows within flows, contacts, and in whose name somebody acts."""

from __future__ import annotations

import msgspec
import pytest

from liandong.core.mechanism.policy import Policy
from liandong.core.mechanism.resolve import centre_of, name_for, resolve, unit_of_role
from liandong.core.mechanism.routing import Routing
from liandong.core.values.case import CaseState, Order
from liandong.core.values.city import Area, Asset, City, CityIndex, Holding, Post, Unit
from liandong.core.values.document import Mechanism, PrecedenceRow
from liandong.core.values.lists import AreaKind, Participation, UnitKind
from liandong.core.values.rows import ContactRow, FlowRow, RoleRow

D, T = UnitKind.DEPARTMENT, UnitKind.TOWN
LEAD = Participation.LEAD


def area(key: str, kind: AreaKind, parent: str = "") -> Area:
    return Area(
        key=f"area:{key}", name_zh=key, kind=kind, parent=f"area:{parent}" if parent else "", path="/"
    )


def unit(key: str, place: str, function: str, kind: UnitKind = D) -> Unit:
    return Unit(key=f"unit:{key}", name_zh=key, kind=kind, area=f"area:{place}", function=function)


UNITS = (
    unit("housing", "city", "housing"),
    unit("housing_e", "east", "housing"),
    unit("housing_w", "west", "housing"),
    unit("emergency", "city", "emergency"),
    unit("town_a", "a", "", T),
    unit("centre", "city", "centre"),
)
CITY = City(
    key="c",
    areas=(
        area("city", AreaKind.CITY),
        area("east", AreaKind.DISTRICT, "city"),
        area("west", AreaKind.DISTRICT, "city"),
        area("a", AreaKind.TOWN, "east"),
        area("a1", AreaKind.GRID, "a"),
        area("b", AreaKind.TOWN, "west"),
    ),
    units=UNITS,
    assets=tuple(
        Asset(
            key=f"asset:{place}", name_zh=place, kind="k", area=f"area:{place}", owner="unit:housing",
            tier=tier,
        )
        for place, tier in (("a1", "city"), ("b", "owner"), ("city", ""))
    ),
    posts=(
        *(Post(key=f"post:{u.key[5:]}", unit=u.key, title_zh="岗") for u in UNITS),
        Post(key="post:gas_desk", unit="unit:housing_e", title_zh="燃气科"),
        Post(key="post:second", unit="unit:housing_e", title_zh="副岗"),
    ),
    holdings=tuple(Holding(post=f"post:{u.key[5:]}", person=f"person:{u.key[5:]}") for u in UNITS),
)  # fmt: skip


def policy(mechanism: Mechanism | None = None, city: City = CITY) -> Policy:
    return Policy(city=CityIndex(city), routing=Routing(mechanism or Mechanism(key="m")), rules={})


def case(place: str, hazard: str = "gas_leak") -> CaseState:
    return CaseState(id="c", hazard=hazard, level="III", asset=f"asset:{place}", area=f"area:{place}")


@pytest.mark.parametrize(
    ("place", "role", "wanted"),
    [
        ("a1", "city:housing", "unit:housing"),
        ("a1", "district:housing", "unit:housing_e"),
        ("b", "district:housing", "unit:housing_w"),
        ("city", "district:housing", ""),
        ("b", "district:emergency", ""),
        ("a1", "town", "unit:town_a"),
        ("a1", "town:town", "unit:town_a"),
        ("a1", "territorial", "unit:town_a"),
        ("b", "town", ""),
        ("a1", "province:housing", ""),
        ("a1", "city:", ""),
    ],
)
def test_a_function_is_found_in_the_territory_of_the_asset(place: str, role: str, wanted: str):
    assert unit_of_role(policy(), case(place), role) == wanted


def test_a_role_without_a_unit_goes_to_the_centre_of_the_city():
    found = policy(Mechanism(key="m", centre="city:centre"))
    assert centre_of(found) == "unit:centre"
    to = resolve(found, case("b"), "district:emergency", 0)
    assert (to.unit, to.person) == ("unit:centre", "person:centre") and "district:emergency" in to.fallback


def test_a_case_without_an_asset_is_placed_by_its_area():
    lost = msgspec.structs.replace(case("a1"), asset="asset:gone")
    assert unit_of_role(policy(), lost, "district:housing") == "unit:housing_e"


SENTENCE = (PrecedenceRow(key="sentence", axes=("level", "tier", "stage")),)
FLOWS = (
    FlowRow(key="gas"),
    FlowRow(key="gas_outdoors", within="gas", hazards=("gas_leak",)),
    FlowRow(key="circle", within="circle", hazards=("odd",)),
)


def test_the_nearest_flow_speaks_and_within_it_the_sentence_decides():
    rows = {
        (flow, level): RoleRow(key=f"{flow}.{level}", flow=flow, level=level, part=LEAD, role="owner")
        for flow in ("gas_leak", "gas_outdoors", "gas", "*")
        for level in ("III", "*")
    }
    for order in (list(rows), list(rows)[::-1]):
        left = dict.fromkeys(order)
        for wanted in [(f, lv) for f in ("gas_leak", "gas_outdoors", "gas", "*") for lv in ("III", "*")]:
            ours = tuple(rows[key] for key in left)
            made = Routing(Mechanism(key="m", flows=FLOWS, roles=ours, precedence=SENTENCE))
            found = made.role("gas_leak", "III", LEAD)
            assert found is not None and (found.flow, found.level) == wanted
            del left[wanted]
    assert Routing(Mechanism(key="m", flows=FLOWS)).flows("odd") == ("odd", "circle", "*")
    assert Routing(Mechanism(key="m", flows=FLOWS)).flows("fire") == ("fire", "*")


def test_who_watches_an_asset_may_decide_who_leads():
    rows = (
        RoleRow(key="any", flow="*", level="*", part=LEAD, role="city:emergency"),
        RoleRow(key="owner", flow="*", level="*", part=LEAD, role="owner", tier="owner"),
    )
    found = policy(Mechanism(key="m", roles=rows, precedence=SENTENCE))
    assert unit_of_role(found, case("b"), "lead") == "unit:housing"
    assert unit_of_role(found, case("a1"), "lead") == "unit:emergency"


def test_a_named_contact_answers_then_its_deputy_then_the_units_own_post():
    contact = ContactRow(
        key="c", flow="gas", role="district:housing", post="post:gas_desk", deputy="post:second"
    )
    other = ContactRow(key="d", flow="gas", role="district:housing", post="post:housing", matter="biogas")
    mechanism = Mechanism(key="m", flows=FLOWS, contacts=(other, contact))
    seats = (Holding(post="post:gas_desk", person="person:g"), Holding(post="post:second", person="person:s"))
    for held, person in ((seats, "person:g"), (seats[1:], "person:s"), ((), "person:housing_e")):
        city = msgspec.structs.replace(CITY, holdings=(*CITY.holdings, *held))
        to = resolve(policy(mechanism, city), case("a1"), "district:housing", 0)
        assert (to.unit, to.person) == ("unit:housing_e", person)
    whole = msgspec.structs.replace(CITY, holdings=(*CITY.holdings, *seats))
    assert resolve(policy(mechanism, whole), case("b"), "district:housing", 0).person == "person:housing_w"
    assert (
        resolve(policy(mechanism, whole), case("a1", "fire"), "district:housing", 0).person
        == "person:housing_e"
    )


@pytest.mark.parametrize(
    ("name", "wanted"),
    [("", "unit:town_a"), ("body:office", "body:office"), ("city:emergency", "unit:emergency")],
)
def test_a_lead_acts_in_the_name_that_its_row_gives(name: str, wanted: str):
    row = RoleRow(key="r", flow="*", level="*", part=LEAD, role="town", in_name_of=name)
    found = policy(Mechanism(key="m", roles=(row,)))
    order = Order(id="o", role="lead", unit="unit:town_a", post="", person="", deputy="", round=1, steps=())
    assert name_for(found, case("a1"), order) == wanted
    assert name_for(found, case("a1"), msgspec.structs.replace(order, role="centre")) == "unit:town_a"
