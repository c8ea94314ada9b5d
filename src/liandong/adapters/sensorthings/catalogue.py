"""The city as entities of SensorThings, as far as one asker may see it.

Thing, Location and FeatureOfInterest are an asset, Sensor a sensor, ObservedProperty a quantity and
Datastream a channel, under the keys that they have in the city's tables.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from liandong.adapters.sensorthings.model import RELATIONS
from liandong.adapters.sensorthings.places import Move
from liandong.app.curves import Hazards, sees_asset
from liandong.core.mechanism.policy import Policy
from liandong.core.values.access import AccessScope
from liandong.core.values.city import Asset, Channel, Quantity, Sensor
from liandong.core.values.errors import BadInput
from liandong.core.values.times import format_time

Entity = dict[str, Any]
_GEOJSON = "application/geo+json"
_TYPES = "http://www.opengis.net/def/observationType/OGC-OM/2.0/"


class Stay(NamedTuple):
    """An asset at a place."""

    asset: str
    location: str  #: id
    since: int


class Catalogue:
    """What a scope, or a source about its own channels, may see. Never changed once made."""

    def __init__(
        self,
        policy: Policy,
        scope: AccessScope,
        source: str,
        moves: Mapping[str, Sequence[Move]] | None = None,
    ) -> None:
        city = policy.city
        self._city = city
        hazards = Hazards(policy)
        self.channels: dict[str, Channel] = {}
        self.by_number: dict[int, Channel] = {}
        assets: dict[str, Asset] = {}
        if not source:
            assets = {a.key: a for a in city.city.assets if sees_asset(policy, scope, a, ())}
        for channel in sorted(city.city.channels, key=lambda c: c.number):
            asset = city.asset_of_channel(channel.key)
            if asset is None:
                continue
            own = channel.source == source
            if own if source else sees_asset(policy, scope, asset, hazards.of(channel.key)):
                self.channels[channel.key] = channel
                self.by_number[channel.number] = channel
                assets.setdefault(asset.key, asset)
        self._assets = {key: assets[key] for key in sorted(assets)}
        self._sensors: dict[str, Sensor] = {}
        self._quantities: dict[str, Quantity] = {}
        self._of_asset: dict[str, list[str]] = defaultdict(list)
        self._of_sensor: dict[str, list[str]] = defaultdict(list)
        self._of_quantity: dict[str, list[str]] = defaultdict(list)
        for key, channel in self.channels.items():
            sensor = city.sensors[channel.sensor]
            self._sensors[sensor.key] = sensor
            self._quantities[channel.quantity] = city.quantities[channel.quantity]
            self._of_asset[sensor.asset].append(key)
            self._of_sensor[sensor.key].append(key)
            self._of_quantity[channel.quantity].append(key)
        self._place(moves or {})
        self._kinds: dict[str, Mapping[str, Any]] = {
            "Thing": self._assets,
            "Location": self._locations,
            "HistoricalLocation": self._stays,
            "Datastream": self.channels,
            "Sensor": dict(sorted(self._sensors.items())),
            "ObservedProperty": dict(sorted(self._quantities.items())),
            "FeatureOfInterest": self._assets,
        }

    def _place(self, moves: Mapping[str, Sequence[Move]]) -> None:
        """Where every asset lies and lay. A place has the key of its asset; one before it, also when it was
        taken first."""
        self._locations: dict[str, Asset] = {k: a for k, a in self._assets.items() if _placed(a)}
        self._stays: dict[str, Stay] = {}
        self._stays_of: dict[str, list[str]] = defaultdict(list)
        self._stays_at: dict[str, list[str]] = defaultdict(list)
        for key, asset in self._assets.items():
            known: dict[tuple[float | None, float | None], str] = {(asset.lon, asset.lat): key}
            for since, lon, lat in moves.get(key, ()):
                id = f"{key}.{since}"
                location = known.setdefault((lon, lat), id)
                if location == id:
                    self._locations[id] = msgspec.structs.replace(asset, lon=lon, lat=lat)
                self._stays[id] = Stay(key, location, since)
                self._stays_of[key].append(id)
                self._stays_at[location].append(id)

    def ids(self, kind: str) -> Sequence[str]:
        """Every entity of a kind; observations are asked for elsewhere."""
        return tuple(self._kinds[kind])

    def has(self, kind: str, id: str) -> bool:
        """Whether there is such an entity for this asker."""
        return id in self._kinds[kind]

    def related(self, kind: str, id: str, name: str) -> Sequence[str]:
        """Ids of what an entity leads to by a relation; channels' keys where it leads to observations."""
        if kind == "Datastream":
            channel = self.channels[id]
            sensor = self._sensors[channel.sensor]
            ones = {"Thing": sensor.asset, "Sensor": sensor.key, "ObservedProperty": channel.quantity}
            return (ones.get(name, id),)
        if kind == "HistoricalLocation":
            stay = self._stays[id]
            return (stay.asset if name == "Thing" else stay.location,)
        if name == "HistoricalLocations":
            return (self._stays_at if kind == "Location" else self._stays_of).get(id, ())
        if kind == "Sensor":
            return self._of_sensor[id]
        if kind == "ObservedProperty":
            return self._of_quantity[id]
        if name in ("Datastreams", "Observations"):
            return self._of_asset.get(id, ())
        # Where an asset lay before leads to no asset any more.
        target = RELATIONS[kind][name].target
        return (id,) if self.has(target, id) else ()

    def asset_of(self, channel: str) -> str:
        """The asset at which a channel is measured."""
        return self._sensors[self.channels[channel].sensor].asset

    def properties(self, kind: str, id: str) -> Entity:
        """An entity's own properties, without links."""
        return getattr(self, f"_{kind.lower()}")(self._kinds[kind][id])  # type: ignore[no-any-return]  # one method for each kind

    def _thing(self, asset: Asset) -> Entity:
        given = {
            "kind": asset.kind, "area": asset.area, "owner": asset.owner, "operator": asset.operator,
            "regulator": asset.regulator, "tier": asset.tier, "stage": asset.stage,
        }  # fmt: skip
        properties = {name: value for name, value in given.items() if value}
        if asset.name_en:
            properties["name_en"] = asset.name_en
        return {"name": asset.name_zh, "description": f"{asset.kind} {asset.key}", "properties": properties}

    def _location(self, asset: Asset) -> Entity:
        return {
            "name": asset.name_zh, "description": self._area_name(asset), "encodingType": _GEOJSON,
            "location": _point(asset), "properties": {"area": asset.area, "reference": "EPSG:4490"},
        }  # fmt: skip

    def _historicallocation(self, stay: Stay) -> Entity:
        return {"time": format_time(stay.since)}

    def _featureofinterest(self, asset: Asset) -> Entity:
        feature = {"type": "Feature", "geometry": _point(asset), "properties": {"asset": asset.key}}
        return {
            "name": asset.name_zh, "description": self._area_name(asset), "encodingType": _GEOJSON,
            "feature": feature, "properties": {"area": asset.area},
        }  # fmt: skip

    def _sensor(self, sensor: Sensor) -> Entity:
        return {
            "name": sensor.key, "description": sensor.model or sensor.key, "encodingType": "text/plain",
            "metadata": sensor.model, "properties": dict(sensor.facts),
        }  # fmt: skip

    def _observedproperty(self, quantity: Quantity) -> Entity:
        properties: Entity = {"name_en": quantity.name_en, "unit": quantity.unit}
        if quantity.codes:
            properties["codes"] = [{"code": c, "zh": zh, "en": en} for c, zh, en in quantity.codes]
        return {
            "name": quantity.name_zh, "definition": f"urn:liandong:quantity:{quantity.key}",
            "description": quantity.name_en or quantity.key, "properties": properties,
        }  # fmt: skip

    def _datastream(self, channel: Channel) -> Entity:
        quantity = self._quantities[channel.quantity]
        asset = self._assets[self.asset_of(channel.key)]
        made: Entity = {
            "name": f"{asset.name_zh} {quantity.name_zh}",
            "description": f"{channel.key} {channel.position}".strip(),
            "observationType": _TYPES + ("OM_CountObservation" if quantity.codes else "OM_Measurement"),
            "unitOfMeasurement": {
                "name": quantity.unit,
                "symbol": quantity.unit,
                "definition": f"urn:liandong:unit:{quantity.unit}",
            },
            "properties": {"source": channel.source, "number": channel.number, "position": channel.position},
        }  # fmt: skip
        if (place := _point(asset)) is not None:
            made["observedArea"] = place
        return made

    def _area_name(self, asset: Asset) -> str:
        area = self._city.areas.get(asset.area)
        return area.name_zh if area else asset.area


def _placed(asset: Asset) -> bool:
    return asset.lon is not None and asset.lat is not None


def _point(asset: Asset) -> Entity | None:
    return {"type": "Point", "coordinates": [asset.lon, asset.lat]} if _placed(asset) else None


def walk(names: tuple[str, ...]) -> Iterator[str]:
    """The names of a path, with `@iot.id` and `id` as one."""
    for name in names:
        yield "id" if name == "@iot.id" else name


def member(value: Any, names: tuple[str, ...]) -> Any:
    """What a path leads to inside of JSON; None where it leads nowhere."""
    for name in names:
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value


def unknown_property(kind: str, names: tuple[str, ...]) -> BadInput:
    """A path that no entity of this kind has."""
    return BadInput("sensorthings.unknown_property", entity=kind, path="/".join(names)[:80])
