"""Assets, sensors, channels and sources of the demonstration city."""

from __future__ import annotations

from dataclasses import dataclass, field

from liandong.core.values.city import Asset, Channel, Relation, Sensor, Source
from liandong.core.values.lists import RelationKind
from liandong.sim.chance import chance
from tests.small_town.places import EAST_TOWNS, FIRMS, GRIDS_PER_TOWN, TOWNS, WEST_TOWNS, town_of_firm

#: One gateway per operator. Drainage collects by radio and delivers up to five minutes late, out of order.
SOURCES = (
    Source(key="source:gas", unit="unit:gas"),
    Source(key="source:firms", unit="unit:contractor"),
    Source(key="source:drainage", unit="unit:drainage", lateness_s=300.0, idle_s=900.0),
    Source(key="source:bridges", unit="unit:upkeep"),
    Source(key="source:self", unit="unit:centre", idle_s=60.0),
)
SENSORS_PER_BRIDGE = 4
_SELF = ("queue_age", "commit_latency", "outbox_age", "unresolved", "clock", "delivery")


@dataclass
class Things:
    """Collected row by row; a channel's number is its place."""

    assets: tuple[Asset, ...] = ()
    relations: tuple[Relation, ...] = ()
    sensors: tuple[Sensor, ...] = ()
    channels: tuple[Channel, ...] = ()
    _seen: set[str] = field(default_factory=set)

    def place(self, asset: Asset) -> None:
        """Add an asset once."""
        if asset.key not in self._seen:
            self._seen.add(asset.key)
            self.assets += (asset,)

    def watch(
        self, slug: str, asset: str, quantity: str, source: str, model: str, position: str = ""
    ) -> None:
        """Put a sensor with one channel at an asset; the asset is the shard group."""
        self.sensors += (Sensor(key=f"sensor:{slug}", asset=asset, model=model),)
        self.channels += (
            Channel(
                key=f"channel:{slug}.{quantity}",
                number=len(self.channels),
                sensor=f"sensor:{slug}",
                quantity=quantity,
                position=position,
                group=asset,
                source=source,
            ),
        )

    def relate(self, source: str, kind: RelationKind, target: str) -> None:
        """Add a relation between two assets."""
        self.relations += (Relation(source=source, kind=kind, target=target),)


def make_things(seed: int, sensors: int) -> Things:
    """Half of the sensors for gas, a sixth each for chemical firms, drainage and bridges."""
    things = Things()
    sixth = sensors // 6
    _gas(things, seed, sensors - 3 * sixth)
    _tanks(things, seed, sixth)
    _underpasses(things, seed, sixth)
    _bridges(things, seed, sixth)
    _fire_panels(things, seed)
    _platform(things)
    return things


def _grid(seed: int, town: str, *parts: str | int) -> str:
    return f"area:{town}-{1 + int(chance(seed, 'grid', *parts) * GRIDS_PER_TOWN)}"


def _gas(things: Things, seed: int, count: int) -> None:
    """Valve chambers along one main per town: each is connected with the next."""
    last: dict[str, str] = {}
    for number in range(1, count + 1):
        slug, town = f"gas-{number:03d}", EAST_TOWNS[number % len(EAST_TOWNS)]
        key = f"asset:{slug}"
        well = number % 3 == 0
        things.place(
            Asset(
                key=key,
                name_zh=f"燃气{'窨井' if well else '阀室'}{number:03d}号",
                name_en=f"gas {'well' if well else 'valve chamber'} {number:03d}",
                kind="gas_well" if well else "gas_chamber",
                area=_grid(seed, town, slug),
                owner="unit:gas",
                operator="unit:gas",
                regulator="unit:housing_east",
                numbers=(("gis", f"RQ{number:05d}"),),
            )
        )
        things.watch(slug, key, "ch4_lel", "source:gas", "demo-methane")
        if town in last:
            things.relate(last[town], RelationKind.CONNECTED, key)
        last[town] = key


def _tanks(things: Things, seed: int, count: int) -> None:
    """Sensors around one tank per firm."""
    for number in range(count):
        firm = number % len(FIRMS) + 1
        place = number // len(FIRMS) + 1
        key = f"asset:tank-{firm}"
        things.place(
            Asset(
                key=key,
                name_zh=f"{firm}号企业储罐区",
                name_en=f"tank yard of firm {firm}",
                kind="chemical_tank",
                area=_grid(seed, town_of_firm(firm), key),
                owner=FIRMS[firm - 1],
                operator=FIRMS[firm - 1],
                regulator="unit:emergency_east",
            )
        )
        things.watch(f"tank-{firm}-{place}", key, "h2s", "source:firms", "demo-h2s", f"p{place}")


def _underpasses(things: Things, seed: int, count: int) -> None:
    for number in range(1, count + 1):
        slug, town = f"underpass-{number:02d}", EAST_TOWNS[number % len(EAST_TOWNS)]
        things.place(
            Asset(
                key=f"asset:{slug}",
                name_zh=f"下穿通道{number:02d}号",
                name_en=f"underpass {number:02d}",
                kind="underpass",
                area=_grid(seed, town, slug),
                owner="unit:housing",
                operator="unit:drainage",
                regulator="unit:housing",
            )
        )
        things.watch(slug, f"asset:{slug}", "water_level", "source:drainage", "demo-level")


def _bridges(things: Things, seed: int, count: int) -> None:
    for number in range(count):
        bridge, place = number // SENSORS_PER_BRIDGE + 1, number % SENSORS_PER_BRIDGE + 1
        key = f"asset:bridge-{bridge:02d}"
        things.place(
            Asset(
                key=key,
                name_zh=f"桥梁{bridge:02d}号",
                name_en=f"bridge {bridge:02d}",
                kind="bridge",
                area=_grid(seed, WEST_TOWNS[bridge % len(WEST_TOWNS)], key),
                owner="unit:housing",
                operator="unit:upkeep",
                regulator="unit:housing",
            )
        )
        things.watch(
            f"bridge-{bridge:02d}-{place}", key, "strain", "source:bridges", "demo-strain", f"p{place}"
        )


def _fire_panels(things: Things, seed: int) -> None:
    """Panels without readings yet: they are protected places that a case can name."""
    for number, town in enumerate(TOWNS, start=1):
        key = f"asset:panel-{number}"
        things.place(
            Asset(
                key=key,
                name_zh=f"消防控制室{number}号",
                name_en=f"fire panel {number}",
                kind="fire_panel",
                area=_grid(seed, town, key),
                owner=f"unit:town_{town}",
                regulator="unit:fire",
            )
        )
    for firm in range(1, len(FIRMS) + 1):
        panel = f"asset:panel-{1 + TOWNS.index(town_of_firm(firm))}"
        if f"asset:tank-{firm}" in {asset.key for asset in things.assets}:
            things.relate(panel, RelationKind.PROTECTS, f"asset:tank-{firm}")


def _platform(things: Things) -> None:
    """The platform watches itself as one more asset."""
    things.place(
        Asset(
            key="asset:platform",
            name_zh="城市安全平台",
            name_en="the platform itself",
            kind="platform",
            area="area:demo",
            owner="unit:centre",
            operator="unit:contractor",
            regulator="unit:emergency",
        )
    )
    for slug in _SELF:
        things.sensors += (Sensor(key=f"sensor:self.{slug}", asset="asset:platform"),)
        things.channels += (
            Channel(
                key=f"channel:self.{slug}",
                number=len(things.channels),
                sensor=f"sensor:self.{slug}",
                quantity=f"self_{slug}",
                group="asset:platform",
                source="source:self",
            ),
        )
