"""The unit that the proofs think a role means is the one that it means at run time."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from liandong.core.mechanism.policy import Policy
from liandong.core.mechanism.proofs.ground import Ground
from liandong.core.mechanism.proofs.units import Roles
from liandong.core.mechanism.resolve import centre_of, unit_of_role
from liandong.core.mechanism.routing import Routing
from liandong.core.values.case import CaseState
from liandong.core.values.city import Area, Asset
from liandong.core.values.lists import AreaKind, Participation
from liandong.core.values.rows import RoleRow
from tests.core.mechanism.proofs.good import World, good
from tests.core.mechanism.proofs.planted import plus

_ROLES = (
    "owner", "operator", "regulator", "territorial", "town", "centre", "city:water", "district:housing",
    "district:nobody", "town:town", "grid:grid", "unit:gas", "unit:gone", "body:safety_committee", "nonsense",
)  # fmt: skip


def _world() -> World:
    """Also an asset above every town, one without a regulator, and one with an operator of its own."""
    world = good()
    more = (
        Asset(key="asset:city", name_zh="平台", kind="platform", area="area:city", owner="unit:centre"),
        Asset(
            key="asset:leased", name_zh="泵", kind="pump", area="area:hill", owner="unit:water",
            operator="unit:drainage",
        ),
    )  # fmt: skip
    return replace(world, city=msgspec.structs.replace(world.city, assets=(*world.city.assets, *more)))


@pytest.mark.parametrize("role", _ROLES)
def test_a_role_means_the_same_unit_as_at_run_time(role: str) -> None:
    world = _world()
    index = world.index
    roles = Roles(Ground(world.mechanism, index), index)
    policy = Policy(city=index, routing=Routing(world.mechanism, index), rules={})
    assert roles.centre == centre_of(policy)
    for site in roles.every_asset():
        case = CaseState(id="c", hazard="gas_leak", level="III", asset=site.asset, area=site.area)
        meant = unit_of_role(policy, case, role)
        assert roles.unit(role, site) == meant, site


def test_sites_leave_out_nothing_that_a_role_can_tell_apart() -> None:
    world = _world()
    index = world.index
    roles = Roles(Ground(world.mechanism, index), index)
    for role in _ROLES:
        every = {roles.unit(role, site) for site in roles.every_asset()}
        assert every <= {roles.unit(role, site) for site in roles.sites}


def test_grids_are_told_apart_only_where_a_row_does() -> None:
    world = _world()
    grids = tuple(
        Area(
            key=f"area:hill-{n}", name_zh=f"网格{n}", kind=AreaKind.GRID, parent="area:hill",
            path=f"/city/east/hill/hill-{n}/",
        )
        for n in (1, 2)
    )  # fmt: skip
    assets = tuple(
        Asset(key=f"asset:g{n}", name_zh="灯", kind="lamp", area=f"area:hill-{n}", owner="unit:gas")
        for n in (1, 2)
    )
    city = msgspec.structs.replace(
        world.city, areas=(*world.city.areas, *grids), assets=(*world.city.assets, *assets)
    )
    world = replace(world, city=city)
    roles = Roles(Ground(world.mechanism, world.index), world.index)
    assert len([s for s in roles.sites if s.kind == "lamp"]) == 1
    named = plus(
        "roles",
        RoleRow(key="g", flow="gas", part=Participation.ASSIST, role="centre", territory="area:hill-2"),
    )
    world = named(world)
    roles = Roles(Ground(world.mechanism, world.index), world.index)
    assert [s.area for s in roles.sites if s.kind == "lamp"] == ["area:hill-1", "area:hill-2"]
