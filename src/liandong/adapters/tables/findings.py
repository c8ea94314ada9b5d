"""What a city that can be read still lacks: units, devices, packs, rosters; and roles that lead to nobody."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import msgspec

from liandong.adapters.tables.city import Reading, build, read_tables
from liandong.adapters.tables.sheets import bad
from liandong.core.mechanism.gaps import Gap, gaps
from liandong.core.mechanism.policy import Policy
from liandong.core.mechanism.resolve import unit_of_role
from liandong.core.mechanism.routing import Routing
from liandong.core.pack import Pack, equip
from liandong.core.values.case import CaseState
from liandong.core.values.city import Asset, City, CityIndex
from liandong.core.values.dataset import CityFolder
from liandong.core.values.errors import BadInput
from liandong.core.values.times import format_time
from liandong.core.values.units import check_units

replace = msgspec.structs.replace
#: Roles that depend on the asset; a unit's key, the lead and the verifier are checked as rows.
_OF_ASSET = ("owner", "operator", "regulator", "territorial", "town")


@dataclass
class Examined:
    """All that a check says. `findings` have to be mended; `notices` should be known; `unset` is 未规定."""

    folder: CityFolder | None = None
    findings: list[BadInput] = field(default_factory=list)
    notices: list[BadInput] = field(default_factory=list)
    unset: tuple[Gap, ...] = ()
    unreadable: bool = False


def examine(place: Path, packs: Mapping[str, Pack]) -> Examined:
    """Check a folder or a workbook. `packs` are the domain packs that are installed."""
    reading = read_tables(place, quantities_of(packs))
    if reading.errors:
        return Examined(findings=reading.errors, unreadable=reading.unreadable)
    folder = build(place, reading)
    rows = _Rows(reading)
    known = tuple(use for use in folder.city.packs if use.pack in packs)
    whole = equip(replace(folder, city=replace(folder.city, packs=known)), packs)
    found = [
        *_units(whole.city, rows),
        *_devices(reading),
        *_scorers(whole, rows),
        *_packs(reading, packs),
        *_rosters(folder.city, rows),
    ]
    return Examined(
        folder=folder,
        findings=[reading.labelled(error) for error in found],
        notices=[reading.labelled(error) for error in _roles(whole, rows)],
        unset=gaps(folder.mechanism),
    )


def quantities_of(packs: Mapping[str, Pack]) -> frozenset[str]:
    """Quantities that a city may measure without a row of its own."""
    return frozenset(quantity.key for pack in packs.values() for quantity in pack.quantities)


class _Rows:
    """Row of a key in its table."""

    def __init__(self, reading: Reading) -> None:
        self._rows = {
            name: {line.text("key"): line.row for line in lines} for name, lines in reading.lines.items()
        }

    def __call__(self, table: str, key: str) -> int:
        return self._rows[table].get(key, 0)


def _units(city: City, rows: _Rows) -> Iterator[BadInput]:
    for error in check_units(city):
        channel = str(error.params["channel"])
        yield BadInput(
            error.key, **{**error.params, "file": "channels.csv", "row": rows("channels", channel)}
        )


def _scorers(folder: CityFolder, rows: _Rows) -> Iterator[BadInput]:
    """Rules over groups that the detector would refuse; what a pack brings itself its own check tries."""
    quantities = {quantity.key for quantity in folder.city.quantities}
    if check_units(folder.city) or any(c.quantity not in quantities for c in folder.city.channels):
        return  # without units and quantities there are no channels to look at
    ours = [rule for rule in folder.rules if rule.scorer and "." not in rule.scorer]
    if not ours:
        return
    # Only here: it brings the compiler of the detector with it.
    from liandong.core.detect.layout import scorer_faults

    for key, error in scorer_faults(CityIndex(folder.city).channel_rows(), ours):
        yield BadInput(error.key, **{**error.params, "file": "rules.csv", "row": rows("rules", key)})


def _devices(reading: Reading) -> Iterator[BadInput]:
    """What one device sends under one name is one channel, or nobody knows whose value it is."""
    protocol = {line.text("key"): line.text("protocol") for line in reading.lines["sources"]}
    first: dict[tuple[str, ...], int] = {}
    for line in reading.lines["channels"]:
        if not line.text("device"):
            continue
        name = (protocol.get(line.text("source"), ""), line.text("device"), line.text("item"))
        if name in first:
            shown = " ".join(name)
            yield bad("city.device_twice", "channels.csv", line.row, "device", shown, first=first[name])
        first.setdefault(name, line.row)


def _packs(reading: Reading, packs: Collection[str]) -> Iterator[BadInput]:
    for line in reading.lines["packs"]:
        if line.text("pack") not in packs:
            allowed = ", ".join(sorted(packs)) or "-"
            yield bad("city.unknown_pack", "packs.csv", line.row, "pack", line.text("pack"), allowed=allowed)


def _rosters(city: City, rows: _Rows) -> Iterator[BadInput]:
    """Posts that answer around the clock, and moments of the roster at which nobody would."""
    index = CityIndex(city)
    duties = defaultdict(list)
    for duty in city.duties:
        duties[duty.post].append(duty)
    held = {holding.post for holding in city.holdings}
    for post in (post for post in city.posts if post.duty):
        row = rows("posts", post.key)
        roster = sorted(duties[post.key], key=lambda duty: duty.start)
        if not roster and post.key not in held:
            yield bad("city.post_empty", "posts.csv", row, "key", post.key)
        gaps = [
            (before.end, after.start)
            for before, after in pairwise(roster)
            if after.start > before.end and index.on_duty(post.key, before.end) is None
        ]
        if gaps:
            begin, end = (format_time(moment) for moment in gaps[0])
            yield bad(
                "city.roster_gap", "posts.csv", row, "key", post.key, at=begin, due=end, count=len(gaps)
            )


def _roles(folder: CityFolder, rows: _Rows) -> Iterator[BadInput]:
    """Roles that lead to nobody for some asset: the case would go to the centre, which has to find out."""
    policy = Policy(
        city=CityIndex(folder.city), routing=Routing(folder.mechanism), rules={r.key: r for r in folder.rules}
    )
    met = _assets_by_hazard(folder)
    everywhere = [asset for assets in met.values() for asset in assets]
    for row in folder.mechanism.roles:
        if row.role in policy.city.units or (row.role not in _OF_ASSET and ":" not in row.role):
            continue
        hazards = [hazard for hazard in met if row.flow in policy.routing.flows(hazard)]
        assets = everywhere if row.flow == "*" else [asset for h in hazards for asset in met[h]]
        lost = next((asset.key for asset in assets if not _unit(policy, row.role, asset)), "")
        if lost:
            at = rows("roles", row.key)
            yield bad("city.role_nobody", "roles.csv", at, "role", row.role, asset=lost)


def _unit(policy: Policy, role: str, asset: Asset) -> str:
    return unit_of_role(policy, CaseState(asset=asset.key, area=asset.area), role)


def _assets_by_hazard(folder: CityFolder) -> dict[str, list[Asset]]:
    """Which assets a hazard can meet, by the rules; of assets that no role can tell apart, one."""
    index = CityIndex(folder.city)
    kinds: dict[str, dict[tuple[str, ...], Asset]] = {}
    measured = {(c.quantity, a.key): a for c in folder.city.channels if (a := index.asset_of_channel(c.key))}
    by_quantity: dict[str, list[Asset]] = defaultdict(list)
    for (quantity, _), asset in measured.items():
        by_quantity[quantity].append(asset)
    for rule in folder.rules:
        for asset in by_quantity[rule.quantity]:
            if rule.asset_kind in ("*", asset.kind):
                alike = (asset.area, *(str(bool(u)) for u in (asset.owner, asset.operator, asset.regulator)))
                kinds.setdefault(rule.hazard, {}).setdefault(alike, asset)
    return {hazard: list(assets.values()) for hazard, assets in kinds.items()}
