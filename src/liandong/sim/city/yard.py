"""Where assets, sensors, channels and relations are collected row by row, each with its place."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from liandong.core.values.city import Asset, Channel, Relation, Sensor
from liandong.core.values.lists import RelationKind
from liandong.core.values.times import DAY
from liandong.sim.chance import chance
from liandong.sim.city.places import GRIDS_PER_TOWN, Town, grid, point


@dataclass
class Yard:
    """Rows as they are made; a channel's number is its place."""

    seed: int
    start: int
    assets: list[Asset] = field(default_factory=list)
    relations: list[Relation] = field(default_factory=list)
    sensors: list[Sensor] = field(default_factory=list)
    channels: list[Channel] = field(default_factory=list)

    def place(
        self, slug: str, kind: str, zh: str, en: str, town: Town, *, owner: str, operator: str = "",
        regulator: str = "", tier: str = "", stage: str = "operate",
        facts: tuple[tuple[str, str], ...] = (), numbers: tuple[tuple[str, str], ...] = (),
    ) -> str:  # fmt: skip
        """Add an asset somewhere in a town; returns its key."""
        key = f"asset:{slug}"
        number = 1 + int(chance(self.seed, "grid", key) * GRIDS_PER_TOWN)
        lon, lat = point(self.seed, town, number, key)
        self.assets.append(
            Asset(
                key=key, name_zh=f"{town.zh}{zh}", name_en=f"{town.en} {en}", kind=kind,
                area=grid(town, number), owner=owner, operator=operator or owner, regulator=regulator,
                tier=tier, stage=stage, lon=lon, lat=lat, facts=facts, numbers=numbers,
            )
        )  # fmt: skip
        return key

    def watch(
        self, slug: str, asset: str, model: str, source: str, *quantities: str, position: str = "",
        device: str = "", items: tuple[str, ...] = (), unit: str = "", reducer: str = "",
        facts: tuple[tuple[str, str], ...] = (),
    ) -> None:  # fmt: skip
        """Put a sensor at an asset, with a channel for each quantity; the asset is the shard group."""
        key = f"sensor:{slug}"
        self.sensors.append(
            Sensor(key=key, asset=asset, model=model, calibrated=self._calibrated(key), facts=facts)
        )
        for place, quantity in enumerate(quantities):
            self.channels.append(
                Channel(
                    key=f"channel:{slug}.{quantity}", number=len(self.channels), sensor=key,
                    quantity=quantity, position=position, group=asset, source=source, device=device,
                    item=items[place] if items else "", unit=unit, reducer=reducer,
                )
            )  # fmt: skip

    def relate(self, source: str, kind: RelationKind, target: str) -> None:
        """Add a relation between two assets."""
        self.relations.append(Relation(source=source, kind=kind, target=target))

    def _calibrated(self, key: str) -> int:
        """A day within the last 14 months: a few are overdue."""
        days = int(chance(self.seed, "calibrated", key) * 425) + 1
        return (self.start // DAY - days) * DAY


def day_before(seed: int, start: int, most: int, *what: str) -> str:
    """A date up to `most` days before the start, as people write it."""
    days = 1 + int(chance(seed, "day", *what) * most)
    at = datetime.fromtimestamp((start - days * DAY) / 1_000_000, UTC)
    return at.strftime("%Y-%m-%d")
