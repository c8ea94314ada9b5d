"""How devices, sources and those who watch points stand, for who may see cases there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from liandong.app.curves import Hazards, sees_asset
from liandong.app.devices import Device, watchers
from liandong.core.values.lists import Capability, DeviceState
from liandong.core.values.times import format_time
from liandong.web.names import Name, Names, listed
from liandong.web.signin import Asker, SignedIn
from liandong.web.threads import ask
from liandong.web.views import Moment, View, moment

router = APIRouter(tags=["devices"])


class DeviceView(View):
    """A sensor 传感器 and how it stands."""

    sensor: str
    asset: str
    asset_name: Name
    state: DeviceState
    state_name: Name
    heard: Moment | None
    tier: str = Field(description="Who watches the point: city, department or owner.")
    owner: str
    owner_name: Name
    upkeep: str = Field(description="Unit that pays for its upkeep.")
    upkeep_name: Name
    watcher: str = Field(description="Unit that has to see to it.")
    watcher_name: Name
    calibration_overdue: bool
    sources: list[str] = Field(description="Sources that send its readings.")


class DevicePage(View):
    """Sensors in the order asked for."""

    items: list[DeviceView]
    counts: dict[str, int] = Field(description="State → how many in the whole scope.")
    next: str | None
    now: Moment


class SourceView(View):
    """A source 数据源 and how it stands."""

    source: str
    unit: str
    unit_name: Name
    protocol: str
    state: DeviceState
    state_name: Name
    heard: Moment | None
    channels: int
    silent: int
    drift_s: float | None = Field(description="How far its clocks are behind ours; negative: ahead.")


class SourceList(View):
    """Every source, silent ones first."""

    items: list[SourceView]
    now: Moment


class WatcherView(View):
    """How a unit keeps the points that it watches."""

    unit: str
    unit_name: Name
    tier: str
    points: int
    sensors: int
    states: dict[str, int]
    calibrations_overdue: int


class WatcherList(View):
    """The worst kept first."""

    items: list[WatcherView]
    now: Moment


@router.get("/devices", operation_id="list_devices")
async def list_devices(
    asker: SignedIn,
    state: Annotated[DeviceState | None, Query(description="Only these.")] = None,
    tier: Annotated[str, Query(max_length=32)] = "",
    watcher: Annotated[str, Query(max_length=200, description="Unit that has to see to them.")] = "",
    order: Annotated[
        Literal["sensor", "silent_first"], Query(description="By key; or silent, late, never, live.")
    ] = "sensor",
    after: Annotated[str, Query(max_length=200, description="`next` of the page before.")] = "",
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> DevicePage:
    """Sensors at assets that the asker may see; none of the states says that all is well."""
    key = _worst if order == "silent_first" else _key
    return await ask(lambda: _page(asker, state, tier, watcher, key, after, limit))


@router.get("/watchers", operation_id="list_watchers")
async def list_watchers(asker: SignedIn) -> WatcherList:
    """How each unit keeps the points that it watches, within the asker's scope."""

    def work() -> WatcherList:
        names = Names(asker.platform.handler.policy)
        rows = watchers(_seen(asker))
        return WatcherList(
            items=[
                WatcherView(
                    unit=row.unit, unit_name=names.of(row.unit), tier=row.tier, points=row.points,
                    sensors=row.sensors, states=row.states, calibrations_overdue=row.overdue,
                )
                for row in rows
            ],
            now=format_time(asker.platform.writer.now),
        )  # fmt: skip

    return await ask(work)


@router.get("/sources", operation_id="list_sources")
async def list_sources(asker: SignedIn) -> SourceList:
    """Freshness, silence and clock of every source, for who may read what comes in."""

    def work() -> SourceList:
        platform = asker.platform
        platform.access.need(asker.scope, Capability.INTAKE_READ)
        names = Names(platform.handler.policy)
        items = [
            SourceView(
                source=one.source, unit=one.unit, unit_name=names.of(one.unit), protocol=one.protocol,
                state=one.state, state_name=listed("device_state", one.state), heard=moment(one.heard),
                channels=one.channels, silent=one.silent, drift_s=one.drift_s,
            )
            for one in platform.devices.sources()
        ]  # fmt: skip
        items.sort(key=lambda one: (_WORST.index(one.state), one.source))
        return SourceList(items=items, now=format_time(platform.writer.now))

    return await ask(work)


def _seen(asker: Asker) -> list[Device]:
    """Sensors at assets within the scope."""
    policy = asker.platform.handler.policy
    city, hazards = policy.city, Hazards(policy)
    by_kind: dict[tuple[str, str], set[str]] = {}
    meant: dict[str, set[str]] = {}
    for channel in city.city.channels:
        asset = city.assets[city.sensors[channel.sensor].asset]
        found = by_kind.get((channel.quantity, asset.kind))
        if found is None:
            found = by_kind[channel.quantity, asset.kind] = hazards.of(channel.key)
        meant.setdefault(channel.sensor, set()).update(found)
    return [
        one
        for one in asker.platform.devices.devices()
        if sees_asset(policy, asker.scope, city.assets[one.asset], meant.get(one.sensor, ()))
    ]


#: Silent ones are who has to be rung up first.
_WORST = (DeviceState.SILENT, DeviceState.LATE, DeviceState.NEVER, DeviceState.LIVE)


def _key(one: Device) -> str:
    return one.sensor


def _worst(one: Device) -> str:
    return f"{_WORST.index(one.state)}.{one.sensor}"


def _page(
    asker: Asker, state: DeviceState | None, tier: str, watcher: str, key: Callable[[Device], str],
    after: str, limit: int,
) -> DevicePage:  # fmt: skip
    names, seen = Names(asker.platform.handler.policy), _seen(asker)
    counts: dict[str, int] = {one.value: 0 for one in DeviceState}
    for one in seen:
        counts[one.state] += 1
    wanted = sorted(
        (
            one for one in seen
            if key(one) > after and state in (None, one.state) and tier in ("", one.tier)
            and watcher in ("", one.watcher)
        ),
        key=key,
    )  # fmt: skip
    page = wanted[:limit]
    return DevicePage(
        items=[
            DeviceView(
                sensor=one.sensor, asset=one.asset, asset_name=names.of(one.asset), state=one.state,
                state_name=listed("device_state", one.state), heard=moment(one.heard), tier=one.tier,
                owner=one.owner, owner_name=names.of(one.owner), upkeep=one.upkeep,
                upkeep_name=names.of(one.upkeep), watcher=one.watcher, watcher_name=names.of(one.watcher),
                calibration_overdue=one.overdue, sources=list(one.sources),
            )
            for one in page
        ],
        counts=counts, next=key(page[-1]) if len(wanted) > limit else None,
        now=format_time(asker.platform.writer.now),
    )  # fmt: skip
