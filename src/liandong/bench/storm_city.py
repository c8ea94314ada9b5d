"""The city of the storm: towns full of like assets, each with one channel that five rules watch."""

from __future__ import annotations

import msgspec

from liandong.core.values.city import Area, Asset, Channel, Permission, Quantity, Sensor, Source
from liandong.core.values.dataset import CityFolder
from liandong.core.values.lists import AreaKind, Capability, Trust
from liandong.core.values.rows import GatherRow
from liandong.core.values.rules import Rule
from liandong.core.values.times import DAY

TOWNS = 32
#: Flow of the storm, and of the cases at which people work meanwhile; the latter are never gathered.
STORM, QUIET = "bench_storm", "bench_quiet"
SOURCE = "source:bench"
_LIMITS = ((10.0, "low"), (20.0, "low"), (30.0, "medium"), (40.0, "medium"), (50.0, "high"))


def storm_city(now: int, assets: int, waiting: int) -> CityFolder:
    """A small demonstration city with `assets` more of the storm and `waiting` ones of the quiet flow."""
    from liandong.sim.city import demo_city

    base = demo_city(1, now - now % DAY - DAY, days=3, sensors=120)
    city = base.city
    parent = next(area for area in city.areas if area.kind == AreaKind.DISTRICT)
    towns = tuple(
        Area(
            key=f"area:bench-{n}", name_zh=f"测试镇{n}", kind=AreaKind.TOWN, parent=parent.key,
            path=f"{parent.path}bench-{n}/",
        )
        for n in range(TOWNS)
    )  # fmt: skip
    first = max(channel.number for channel in city.channels) + 1
    things = [_thing(n, STORM if n < assets else QUIET, first) for n in range(assets + waiting)]
    flows = (STORM, QUIET)
    gather = GatherRow(
        key="gather.storm", flow=STORM, area_kind=AreaKind.TOWN, count=20, within_s=600.0, quiet_s=1800.0
    )
    more = msgspec.structs.replace(
        city,
        areas=(*city.areas, *towns),
        assets=(*city.assets, *(asset for asset, _, _ in things)),
        sensors=(*city.sensors, *(sensor for _, sensor, _ in things)),
        channels=(*city.channels, *(channel for _, _, channel in things)),
        sources=(*city.sources, Source(key=SOURCE, unit="unit:gas")),
        permissions=(*city.permissions, Permission(post=SOURCE, capability=Capability.READINGS_SEND)),
        quantities=(*city.quantities, *(Quantity(key=f, name_zh=f, name_en=f, unit="1") for f in flows)),
    )
    rules = (
        *base.rules,
        *(_rule(STORM, limit, severity) for limit, severity in _LIMITS),
        _rule(QUIET, 10.0, "medium"),
    )
    mechanism = msgspec.structs.replace(base.mechanism, gatherings=(gather,))
    return msgspec.structs.replace(base, city=more, rules=rules, mechanism=mechanism)


def _thing(number: int, flow: str, first: int) -> tuple[Asset, Sensor, Channel]:
    key = f"asset:bench-{number}"
    return (
        Asset(
            key=key, name_zh=f"测试设施{number}", kind=flow, area=f"area:bench-{number % TOWNS}",
            owner="unit:gas", operator="unit:gas",
        ),
        Sensor(key=f"sensor:bench-{number}", asset=key),
        Channel(
            key=f"channel:{flow}-{number}", number=first + number, sensor=f"sensor:bench-{number}",
            quantity=flow, group=key, source=SOURCE,
        ),
    )  # fmt: skip


def _rule(flow: str, limit: float, severity: str) -> Rule:
    return Rule(
        key=f"{flow}_{limit:.0f}", version=1, hazard=flow, severity=severity, quantity=flow, raise_at=limit,
        clear_at=limit - 1, basis="benchmark", trust=Trust.UNVERIFIED,
    )  # fmt: skip
