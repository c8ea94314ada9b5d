"""From a role to a person. What cannot be resolved goes to the centre, with the reason, and never blocks."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liandong.core.mechanism.resolve import resolve, unit_of_role
from liandong.core.values.case import CaseState
from liandong.core.values.case_events import OrderIssued
from liandong.core.values.lists import Action
from tests.core.world import (
    CENTRE,
    GAS,
    START,
    UP_TO_PUSH,
    Life,
    city_without,
    demo_policy,
    folder,
    make_policy,
    opened,
)

ASSET = next(a for a in folder().city.assets if a.key == opened().case.asset)
CASE = CaseState(id="c", hazard="gas_leak", level="III", asset=ASSET.key)


@pytest.mark.parametrize(
    ("role", "unit"),
    [
        ("owner", ASSET.owner),
        ("operator", ASSET.operator or ASSET.owner),
        ("regulator", ASSET.regulator),
        ("centre", "unit:centre"),
        ("lead", ASSET.owner),
        ("verifier", "unit:emergency_east"),
        ("unit:fire", "unit:fire"),
        ("stranger", ""),
        ("unit:stranger", ""),
        ("", ""),
    ],
)
def test_what_a_role_means(role, unit):
    assert unit_of_role(demo_policy(), CASE, role) == unit


def test_the_territory_is_the_town_whose_ground_it_is():
    index = demo_policy().city
    for asset in folder().city.assets:
        unit = unit_of_role(demo_policy(), msgspec.structs.replace(CASE, asset=asset.key), "territorial")
        path = index.area_path(asset.area)
        if not unit:
            assert path.count("/") < 4, "only what belongs to city or district stands in no town"
            continue
        assert unit.startswith("unit:town_") and path.startswith(index.area_path(index.units[unit].area))


roles = st.sampled_from(
    ["owner", "regulator", "territorial", "centre", "lead", "verifier", "unit:fire", "unit:x", "?"]
)


@given(
    roles,
    st.sampled_from([ASSET.key, "asset:none"]),
    st.booleans(),
    st.sets(st.sampled_from([p.key for p in folder().city.posts])),
)
def test_somebody_is_always_found_or_the_reason_is_said(role, asset, leader, empty):
    policy = make_policy(city_without(*empty))
    case = msgspec.structs.replace(CASE, asset=asset)
    to = resolve(policy, case, role, START, leader)
    unit = unit_of_role(policy, case, role)
    if to.fallback:
        assert to.unit == "unit:centre" and to.post == CENTRE
        assert unit in to.fallback if unit else role in to.fallback
        assert (CENTRE in empty) == (to.person == "") == to.fallback.endswith("nobody at the centre either")
    else:
        assert to.unit == unit and policy.city.holds(to.person, to.post, START)


def test_an_order_for_nobody_waits_at_the_centre_until_somebody_comes():
    policy = make_policy(city_without(GAS, "post:gas.leader"))
    life = opened(policy=policy)
    life.do(*UP_TO_PUSH)
    assert life.order().post == CENTRE
    assert life.of(OrderIssued)[-1].fallback == "nobody on duty: unit:gas"
    nobody = Life(make_policy(city_without(CENTRE)))
    nobody.find()
    order = nobody.order()
    assert (order.post, order.person) == (CENTRE, "")
    assert not [e for m in nobody.made for e in m.decision.effects], "nobody can be told"
    for person in ("", "person:p001"):
        assert nobody.act(Action.JUDGE, as_=CENTRE, person=person, verdict="real").refused
    nobody.policy = demo_policy()  # the roster is filled
    nobody.finish(nobody.case)


def test_without_a_centre_it_still_does_not_fail():
    policy = make_policy(mechanism=msgspec.structs.replace(folder().mechanism, centre=""))
    to = resolve(policy, CASE, "centre", START)
    assert (to.unit, to.post, to.person) == ("", "", "") and to.fallback
