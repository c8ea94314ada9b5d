"""A scope covers what a standing row names, and nothing because of a gap."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from liandong.core.values.access import Session, scope_of
from liandong.core.values.city import CityIndex, Permission
from liandong.core.values.lists import Capability, DataClass, Mode
from tests.core.world import folder

CITY = folder().city
AREAS = [area.key for area in CITY.areas]
PATHS = [area.path for area in CITY.areas]
permissions = st.builds(
    Permission,
    post=st.just("post:centre.duty"),
    capability=st.sampled_from(Capability),
    domains=st.sampled_from([("*",), ("gas_leak",), ("gas_leak", "toxic_gas"), ()]),
    area=st.sampled_from(["", *AREAS, "area:mistyped"]),
    modes=st.sampled_from([(Mode.REAL,), (Mode.REAL, Mode.DRILL), ()]),
)


@given(
    st.lists(permissions, max_size=4),
    st.sampled_from(Capability),
    st.sampled_from(["gas_leak", "bridge"]),
    st.sampled_from(PATHS),
    st.sampled_from(Mode),
)
def test_a_scope_covers_exactly_what_one_row_covers(rows, capability, domain, path, mode):
    city = CityIndex(msgspec.structs.replace(CITY, permissions=tuple(rows)))
    scope = scope_of(city, Session(person="person:p001", post="post:centre.duty"), 5)
    paths = {"": "/"} | {area.key: area.path for area in CITY.areas}
    wanted = any(
        row.capability == capability
        and (domain in row.domains or "*" in row.domains)
        and row.area in paths
        and path.startswith(paths[row.area])
        and mode in row.modes
        for row in rows
    )
    assert scope.covers(capability, domain, path, mode) == wanted
    assert not scope_of(city, Session(person="person:p001", post="post:gas.duty"), 5).grants


def test_an_area_that_does_not_exist_is_not_the_whole_city():
    row = Permission(post="post:gas.duty", capability=Capability.CASE_READ, area="area:esat")
    city = CityIndex(msgspec.structs.replace(CITY, permissions=(row,)))
    assert not scope_of(city, Session(post="post:gas.duty"), 0).may(Capability.CASE_READ)


def test_a_neighbour_whose_name_begins_alike_is_not_inside():
    """`/demo/east/` ends in a slash, so it does not cover `/demo/eastern/`."""
    row = Permission(post="post:gas.duty", capability=Capability.CASE_READ, area="area:east")
    scope = scope_of(
        CityIndex(msgspec.structs.replace(CITY, permissions=(row,))), Session(post="post:gas.duty"), 0
    )
    assert scope.covers(Capability.CASE_READ, "gas_leak", "/demo/east/yunxi/", Mode.REAL)
    assert not scope.covers(Capability.CASE_READ, "gas_leak", "/demo/eastern/", Mode.REAL)
    assert not scope.covers(Capability.CASE_READ, "gas_leak", "/demo/", Mode.REAL)


def test_a_post_that_does_not_exist_has_no_unit_and_no_rights():
    scope = scope_of(CityIndex(CITY), Session(person="person:p001", post="post:none"), 7)
    assert (scope.unit, scope.grants, scope.now) == ("", (), 7)
    assert scope_of(CityIndex(CITY), Session(source="source:x"), 0).post == ""
    assert DataClass.INTERNAL in {
        g.data_class for g in scope_of(CityIndex(CITY), Session(post="post:centre.duty"), 0).grants
    }
