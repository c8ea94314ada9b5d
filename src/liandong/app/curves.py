"""Curves: the readings behind a finding and of a channel, from the evidence store and the recent log."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import asin, cos, radians, sin, sqrt
from typing import Any

import msgspec
import numpy as np

from liandong.app.evidence import Evidence, with_raws
from liandong.app.ports import Archive, Bucket, Point, Position
from liandong.core.mechanism.policy import Policy
from liandong.core.values.access import AccessScope
from liandong.core.values.canonical import sha256
from liandong.core.values.city import Asset, Relation
from liandong.core.values.lists import UNUSABLE, Capability
from liandong.core.values.rules import Rule
from liandong.core.values.times import DAY
from liandong.core.values.units import conversion

#: What the table of units says of methane, in words for whoever reads the curve.
METHANE_BASIS = "100 %LEL ≈ 5 %VOL CH4 (K; IEC 60079-20-1: 4.4)"
_METHANE = ("ch4_lel",)
_EARTH_M = 6_371_008.8


def vol_per_unit(quantity: str, unit: str) -> float | None:
    """What one unit of the quantity is in %VOL; None for anything but methane in %LEL."""
    if quantity not in _METHANE or unit.upper() != "%LEL":
        return None
    return conversion("%LEL", "%VOL", "ch4").factor


#: Readings are read for so long at once.
_STRETCH = 31 * DAY


class ArchiveHistory:
    """Readings of channels from the archive, as far back as it goes."""

    def __init__(self, archive: Archive, policy: Policy) -> None:
        self._archive = archive
        self._channels = policy.city.channels

    def history(self, channels: Sequence[str], start: int, end: int, limit: int) -> dict[str, list[Point]]:
        """As the port says."""
        names = {self._channels[key].number: key for key in channels if key in self._channels}
        found: dict[str, list[Point]] = {key: [] for key in channels}
        rows = self._archive.rows(list(names), start, end)
        columns = (rows[name].tolist() for name in ("number", "event_time", "value", "quality"))
        for number, at, value, quality in zip(*columns, strict=True):
            found[names[number]].append((int(at), float(value), int(quality)))
        return {key: points[-limit:] for key, points in found.items()}

    def buckets(self, channel: str, start: int, end: int, step: int) -> list[Bucket]:
        """As the port says."""
        row = self._channels.get(channel)
        found: list[Bucket] = []
        at = start - start % step
        while row is not None and at < end:
            # A stretch ends where a bucket does, so that none is cut in two.
            until = min(at + max(_STRETCH // step, 1) * step, end)
            found += _condense(self._archive.rows([row.number], max(at, start), until), step)
            at = until
        return found


def _condense(rows: Mapping[str, Any], step: int) -> list[Bucket]:
    """Readings of one channel in order of time → one row for each stretch of `step` that has any."""
    good = (np.asarray(rows["quality"]).astype(np.uint32) & UNUSABLE) == 0
    time, value = np.asarray(rows["event_time"])[good], np.asarray(rows["value"])[good]
    if not len(time):
        return []
    place = time // step
    first = np.flatnonzero(np.r_[True, place[1:] != place[:-1]])
    count = np.diff(np.r_[first, len(time)])
    columns = (
        place[first] * step, count, np.add.reduceat(value, first) / count,
        np.minimum.reduceat(value, first), np.maximum.reduceat(value, first),
    )  # fmt: skip
    return [Bucket(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]


def _newest(points: list[Point], limit: int) -> list[Point]:
    """In order of time, each moment once, at most so many."""
    return [(at, value, quality) for at, (value, quality) in sorted({p[0]: p[1:] for p in points}.items())][
        -limit:
    ]


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """What the evidence store holds of a finding."""

    digest: str
    verifies: bool
    rule_version: int = 0
    limit: float | None = None
    onset: int = 0
    raised: int = 0
    points: tuple[Point, ...] = ()
    records: tuple[tuple[Position, str], ...] = ()  #: position and text of the raw message


def read_window(evidence: Evidence, digest: str) -> Window:
    """What the store holds as a window; whether it is what the journal names. Raises NotFound, Broken."""
    data = evidence.get(digest)
    shown: dict[str, Any] = with_raws(msgspec.json.decode(data), evidence)
    records = shown["records"]
    points = [(int(t), float(v), int(q)) for record in records for t, v, q in record["readings"]]
    return Window(
        digest=digest, verifies=sha256(data) == digest, rule_version=int(shown["rule_version"]),
        limit=float(shown["limit"]), onset=int(shown["onset"]), raised=int(shown["raised"]),
        points=tuple(_newest(points, len(points) or 1)),
        records=tuple(((int(r["position"][0]), int(r["position"][1])), str(r["raw"])) for r in records),
    )  # fmt: skip


class Hazards:
    """What the rules of a policy say that its channels may mean."""

    def __init__(self, policy: Policy) -> None:
        self._city = policy.city
        self._rules: dict[str, list[Rule]] = {}
        for rule in policy.rules.values():
            self._rules.setdefault(rule.quantity, []).append(rule)

    def rules_of(self, channel: str) -> list[Rule]:
        """The rules that look at a channel."""
        row, asset = self._city.channels.get(channel), self._city.asset_of_channel(channel)
        kinds = ("*", asset.kind if asset else "")
        rules = self._rules.get(row.quantity, []) if row else []
        return [rule for rule in rules if rule.asset_kind in kinds and rule.channel in ("*", channel)]

    def of(self, channel: str) -> set[str]:
        """The hazards of those rules."""
        return {rule.hazard for rule in self.rules_of(channel)}


def sees_asset(policy: Policy, scope: AccessScope, asset: Asset, hazards: Iterable[str]) -> bool:
    """A standing right to cases of one of these hazards there, or the asset is the asker's own affair."""
    if scope.unit and scope.unit in (asset.owner, asset.operator, asset.regulator):
        return True
    path = policy.city.area_path(asset.area)
    return any(
        grant.capability == Capability.CASE_READ
        and policy.mode in grant.modes
        and path.startswith(grant.area_path)
        and ("*" in grant.domains or not set(grant.domains).isdisjoint(hazards))
        for grant in scope.grants
    )


def neighbours(policy: Policy, asset: str) -> list[tuple[Relation, Asset, float | None]]:
    """Assets that stand in a relation to this one, with the distance in metres where both are placed."""
    city = policy.city
    here, found = city.assets.get(asset), []
    for relation in city.city.relations:
        other = {relation.source: relation.target, relation.target: relation.source}.get(asset)
        there = city.assets.get(other) if other is not None and other != asset else None
        if there is not None:
            found.append((relation, there, distance_m(here, there)))
    return found


def distance_m(a: Asset | None, b: Asset) -> float | None:
    """Great-circle distance in metres; None where one of them has no place."""
    if a is None or a.lon is None or a.lat is None or b.lon is None or b.lat is None:
        return None
    up, along = radians(b.lat - a.lat), radians(b.lon - a.lon)
    half = sin(up / 2) ** 2 + cos(radians(a.lat)) * cos(radians(b.lat)) * sin(along / 2) ** 2
    return 2 * _EARTH_M * asin(sqrt(half))
