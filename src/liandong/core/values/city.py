"""The city: one immutable, versioned dataset, and the index through which decisions read it.

Keys are stable local slugs, never reused; official codes are attributes. Persons are keys only:
names and telephone numbers live in the vault (CONTRACTS 8 and 11).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from copy import copy

import msgspec

from liandong.core.values.calendar import CHINA, Calendar, CalendarDay, Season
from liandong.core.values.cascade import Cascade, Topology
from liandong.core.values.lists import (
    Action,
    AreaKind,
    BridgeKind,
    Capability,
    DataClass,
    DataKind,
    Mode,
    RelationKind,
    UnitKind,
)
from liandong.core.values.quiet import QuietHours, rings
from liandong.core.values.roster import Duty as Duty
from liandong.core.values.roster import Holding as Holding
from liandong.core.values.roster import Leave, PostsMoved, Swap, Wake
from liandong.core.values.roster import OnDuty as OnDuty
from liandong.core.values.roster_index import RosterIndex
from liandong.core.values.rules import ChannelRow, SourceTerms
from liandong.core.values.scales import CASE_LEVELS
from liandong.core.values.units import channel_conversion


class Area(msgspec.Struct, frozen=True, kw_only=True):
    """区域: a node of the tree; `path` is the materialised path, e.g. `/foshan/chancheng/zumiao/`."""

    key: str
    name_zh: str
    name_en: str = ""
    kind: AreaKind
    parent: str = ""
    path: str
    code: str = ""  #: administrative division code, GB/T 2260 form


class Unit(msgspec.Struct, frozen=True, kw_only=True):
    """单位: an organisation with a kind, a parent, territories and domains."""

    key: str
    name_zh: str
    name_en: str = ""
    kind: UnitKind
    parent: str = ""
    area: str = ""  #: area key of its territory
    domains: tuple[str, ...] = ()
    function: str = ""  #: what it answers for (`emergency`, `housing`, `water` …); a role may ask for it
    principal: str = ""  #: in whose name a contractor acts
    numbers: tuple[tuple[str, str], ...] = ()  #: pairs (system, number)


class Body(msgspec.Struct, frozen=True, kw_only=True):
    """议事协调机构: lends authority to what is issued in its name; may have several chairs."""

    key: str
    name_zh: str
    name_en: str = ""
    chairs: tuple[str, ...] = ()
    office: str = ""  #: unit in which its office sits
    members: tuple[str, ...] = ()  #: units


class Post(msgspec.Struct, frozen=True, kw_only=True):
    """岗位: belongs to a unit; `duty` marks the post that answers around the clock."""

    key: str
    unit: str
    title_zh: str
    title_en: str = ""
    duty: bool = False
    leader: bool = False  #: the leader on duty (带班领导)


class Asset(msgspec.Struct, frozen=True, kw_only=True):
    """设施: a thing that can go wrong, with its owner, operator and regulators."""

    key: str
    name_zh: str
    name_en: str = ""
    kind: str
    area: str
    owner: str
    operator: str = ""
    regulator: str = ""
    tier: str = ""  #: who watches it: `city`, `department` or `owner`
    stage: str = ""  #: business stage: produce, store, trade, use, transport, dispose, build, operate
    lon: float | None = None  #: degrees, EPSG:4490
    lat: float | None = None  #: degrees, EPSG:4490
    facts: tuple[tuple[str, str], ...] = ()  #: (name, words) that whoever goes there wants to know
    numbers: tuple[tuple[str, str], ...] = ()


class Relation(msgspec.Struct, frozen=True, kw_only=True):
    """(from, kind, to) between assets."""

    source: str
    kind: RelationKind
    target: str


class Sensor(msgspec.Struct, frozen=True, kw_only=True):
    """传感器: one device at one asset."""

    key: str
    asset: str
    model: str = ""
    calibrated: int = 0  #: last calibration, microseconds UTC; 0 = not known
    calibration_due: int = 0  #: when the next one is due, microseconds UTC; 0 = not known
    installed: int = 0  #: taken into service, microseconds UTC; 0 = not known
    sampling_s: float = 0.0  #: measures so often; 0 = not known
    report_s: float = 0.0  #: reports so often; 0 = as its source's `idle_s` allows
    owner: str = ""  #: unit that it belongs to; empty = the asset's owner
    upkeep: str = ""  #: unit that pays for its upkeep; empty = its owner
    facts: tuple[tuple[str, str], ...] = ()  #: (name, words), e.g. depth below ground


class Quantity(msgspec.Struct, frozen=True, kw_only=True):
    """量: one canonical unit inside; the physical range flags absurd values."""

    key: str
    name_zh: str
    name_en: str
    unit: str
    low: float | None = None
    high: float | None = None
    codes: tuple[tuple[int, str, str], ...] = ()  #: of a state: (code, 中文, English)
    gas: str = ""  #: which gas, e.g. `ch4`; units such as %LEL and ppm depend on it


class Channel(msgspec.Struct, frozen=True, kw_only=True):
    """通道: sensor × quantity × position; what is detected on."""

    key: str
    number: int
    sensor: str
    quantity: str
    position: str = ""
    group: str
    source: str
    device: str = ""  #: what the device calls itself in its protocol, e.g. the MN of HJ 212
    item: str = ""  #: what the device calls this value, e.g. `a21001-Rtd`
    unit: str = ""  #: unit in which it sends; empty = the quantity's own
    reducer: str = ""  #: how windows of a fast channel are condensed into this one, e.g. `rms`


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """来源: who sends; how late it may be; after how long silence ticks move its watermark."""

    key: str
    unit: str = ""
    #: Door it comes through: `http`, `hj212`, `gb26875`, `jt808`, `file`; asked: `modbus`, `opcua`, `mqtt`.
    protocol: str = "http"
    lateness_s: float = 0.0
    idle_s: float = 600.0
    revision: int = 0
    grades: tuple[tuple[str, str], ...] = ()  #: of alarms it has graded itself: its level → our severity
    kinds: tuple[tuple[str, str], ...] = ()  #: its word → our hazard; without rows it says ours


class Permission(msgspec.Struct, frozen=True, kw_only=True):
    """A standing right of a post: capability × domains × area subtree × modes × data class."""

    post: str
    capability: Capability
    domains: tuple[str, ...] = ("*",)
    area: str = ""  #: area key; empty = the whole city
    modes: tuple[Mode, ...] = (Mode.REAL,)
    data_class: DataClass = DataClass.INTERNAL


class PackUse(msgspec.Struct, frozen=True, kw_only=True):
    """领域包的启用: which domain pack this city runs, and how far it trusts it."""

    pack: str
    maturity: str = "live"  #: `shadow` = runs and is scored, nobody is told


class Retention(msgspec.Struct, frozen=True, kw_only=True):
    """保存期限: how long a class of data is kept; a class without a row is kept for ever."""

    data: DataKind
    days: float
    thin_days: float = 0.0  #: readings older than this are thinned; 0 = never. Other classes are not.
    thin_s: float = 3600.0  #: of each stretch so long the first, last, lowest and highest reading stay
    basis: str = ""  #: who set it, by which rule

    def __post_init__(self) -> None:
        if self.days <= 0 or self.thin_days < 0 or self.thin_s <= 0:
            raise ValueError(f"retention of {self.data}: {self.days} days, thinned after {self.thin_days}")


class Bridge(msgspec.Struct, frozen=True, kw_only=True):
    """工单互通: a unit's orders live in its own system as well; neither side types twice.

    `statuses` says what that system's words mean: one action, several joined by `+`, or `-` for nothing
    but its number; `return:wrong_duty` adds the reason, cause or verdict that the action asks for.
    Addresses and secrets are settings, because they say how this process runs.
    """

    key: str
    unit: str
    system: str  #: what the unit calls its system
    kind: BridgeKind
    source: str = ""  #: whose token its system signs in with, where it calls us
    statuses: tuple[tuple[str, str], ...] = ()
    users: tuple[tuple[str, str], ...] = ()  #: its user → our person; else whoever is on duty
    since: int = 0
    until: int = 0

    def covers(self, now: int) -> bool:
        """Whether it is in force at a moment."""
        return self.since <= now and (not self.until or now < self.until)


class Liaison(msgspec.Struct, frozen=True, kw_only=True):
    """派驻联络员: a person seconded to another unit who acts for the own one within stated limits."""

    key: str
    person: str
    unit: str  #: in whose orders the person acts
    at: str  #: unit at which the person sits, and as whose post the person acts
    actions: tuple[Action, ...] = (Action.ACKNOWLEDGE,)  #: that the person may do
    domains: tuple[str, ...] = ("*",)  #: hazards or flows
    since: int = 0
    until: int = 0

    def covers(self, action: str, domains: tuple[str, ...], now: int) -> bool:
        """Whether the limits let the person do this now."""
        return (
            self.since <= now
            and (not self.until or now < self.until)
            and action in self.actions
            and ("*" in self.domains or any(domain in self.domains for domain in domains))
        )


class City(msgspec.Struct, frozen=True, kw_only=True):
    """One committed version of the city."""

    key: str
    zone: str = "Asia/Shanghai"
    version: int = 0
    areas: tuple[Area, ...] = ()
    units: tuple[Unit, ...] = ()
    bodies: tuple[Body, ...] = ()
    posts: tuple[Post, ...] = ()
    holdings: tuple[Holding, ...] = ()
    duties: tuple[Duty, ...] = ()
    assets: tuple[Asset, ...] = ()
    relations: tuple[Relation, ...] = ()
    cascades: tuple[Cascade, ...] = ()  #: of the packs that it runs
    sensors: tuple[Sensor, ...] = ()
    quantities: tuple[Quantity, ...] = ()
    channels: tuple[Channel, ...] = ()
    sources: tuple[Source, ...] = ()
    permissions: tuple[Permission, ...] = ()
    packs: tuple[PackUse, ...] = ()
    retentions: tuple[Retention, ...] = ()
    swaps: tuple[Swap, ...] = ()
    leaves: tuple[Leave, ...] = ()
    wakes: tuple[Wake, ...] = ()
    days: tuple[CalendarDay, ...] = ()  #: exceptions to Monday–Friday
    seasons: tuple[Season, ...] = ()
    quiet: tuple[QuietHours, ...] = ()
    offsets: tuple[tuple[int, int], ...] = CHINA  #: what `zone` means: (from µs UTC, seconds east of UTC)
    bridges: tuple[Bridge, ...] = ()
    liaisons: tuple[Liaison, ...] = ()


class CityIndex:
    """Look-ups over one city version, built once. Reads nothing but the city."""

    def __init__(self, city: City) -> None:
        self.city = city
        self.key = city.key
        self.calendar = Calendar(city.days, city.seasons, city.offsets)
        self.areas = {a.key: a for a in city.areas}
        self.units = {u.key: u for u in city.units}
        self.bodies = {b.key: b for b in city.bodies}
        self.posts = {p.key: p for p in city.posts}
        self.assets = {a.key: a for a in city.assets}
        self.topology = Topology(
            city.cascades,
            ((r.source, r.kind, r.target) for r in city.relations),
            {a.key: a.kind for a in city.assets},
        )
        self.sensors = {s.key: s for s in city.sensors}
        self.channels = {c.key: c for c in city.channels}
        self._channel_rows: tuple[ChannelRow, ...] | None = None  # made once somebody asks
        self.quantities = {q.key: q for q in city.quantities}
        self.sources = {s.key: s for s in city.sources}
        self.bridges = {b.key: b for b in city.bridges}
        self.persons = frozenset(h.person for h in city.holdings)
        self._liaisons: dict[str, list[Liaison]] = defaultdict(list)
        for liaison in city.liaisons:
            self._liaisons[liaison.person].append(liaison)
        self._units_for: dict[tuple[str, str], list[str]] = defaultdict(list)
        for unit in sorted(city.units, key=lambda u: u.key):
            self._units_for[unit.function, unit.area].append(unit.key)
            if unit.kind == UnitKind.TOWN and unit.function != "town":
                self._units_for["town", unit.area].append(unit.key)
        self._unit_above: dict[tuple[str, AreaKind, str], str] = {}
        self._posts_of_unit: dict[str, list[Post]] = defaultdict(list)
        for post in city.posts:
            self._posts_of_unit[post.unit].append(post)
        self.roster = RosterIndex(city.holdings, city.duties, city.swaps, city.leaves)
        self._permissions: dict[str, list[Permission]] = defaultdict(list)
        for permission in city.permissions:
            self._permissions[permission.post].append(permission)

    def area_path(self, area: str) -> str:
        """Materialised path of an area, `/` where it is unknown."""
        found = self.areas.get(area)
        return found.path if found else "/"

    def area_above(self, area: str, kind: AreaKind) -> str:
        """The area of this kind in which an area lies, itself included; empty where there is none."""
        seen: set[str] = set()
        while area and area not in seen:
            found = self.areas.get(area)
            if found is None or found.kind == kind:
                return area if found else ""
            seen.add(area)
            area = found.parent
        return ""

    def unit_above(self, area: str, kind: AreaKind, function: str) -> str:
        """The unit that answers for a function in the area of this kind in which an area lies; empty where
        there is none."""
        key = (area, kind, function)
        found = self._unit_above.get(key)
        if found is None:
            above = self.area_above(area, kind)
            found = next(iter(self.units_for(function, above)), "") if above else ""
            self._unit_above[key] = found
        return found

    def units_for(self, function: str, area: str) -> tuple[str, ...]:
        """Units that answer for a function with just this area as their territory, by key."""
        return tuple(self._units_for.get((function, area), ()))

    def asset_of_channel(self, channel: str) -> Asset | None:
        """The asset at which a channel's sensor sits."""
        row = self.channels.get(channel)
        sensor = self.sensors.get(row.sensor) if row else None
        return self.assets.get(sensor.asset) if sensor else None

    def duty_post(self, unit: str) -> Post | None:
        """The post of a unit that answers around the clock, else its first post."""
        posts = self._posts_of_unit.get(unit, [])
        return next((p for p in posts if p.duty), posts[0] if posts else None)

    def leader_post(self, unit: str) -> Post | None:
        """The post of the leader on duty in a unit."""
        return next((p for p in self._posts_of_unit.get(unit, []) if p.leader), None)

    def with_changes(self, changes: Iterable[Swap | PostsMoved]) -> CityIndex:
        """The same city with a roster on which people have agreed since; shares everything else."""
        made = copy(self)
        made.roster = self.roster.changed(changes)
        return made

    def on_duty(self, post: str, now: int) -> OnDuty | None:
        """Who is on duty for a post at a moment: the roster first, else who holds the post."""
        return self.roster.on_duty(post, now)

    def duties_around(self, post: str, now: int) -> tuple[Duty | None, Duty | None, Duty | None]:
        """The duty before, the one of this moment, and the next one, as far as the roster goes."""
        return self.roster.duties_around(post, now)

    def wakes(self, post: str, level: str) -> tuple[str, ...]:
        """Posts that whoever is on duty at a post must wake for a case of this level, as the rows stand."""
        at = CASE_LEVELS[level].rank if level in CASE_LEVELS else 0
        rows = (row for row in self.city.wakes if row.post == post)
        return tuple(dict.fromkeys(row.whom for row in rows if CASE_LEVELS[row.level].rank <= at))

    def duty_posts(self, unit: str) -> tuple[Post, ...]:
        """Every post of a unit that answers around the clock."""
        return tuple(post for post in self._posts_of_unit.get(unit, []) if post.duty)

    def leader_posts(self, unit: str) -> tuple[Post, ...]:
        """Every post of a leader on duty in a unit."""
        return tuple(post for post in self._posts_of_unit.get(unit, []) if post.leader)

    def speaks_for(
        self, person: str, post: str, unit: str, action: str, domains: tuple[str, ...], now: int
    ) -> bool:
        """Whether somebody seconded, at a post of the unit where they sit, may do this for their own unit."""
        rows = self._liaisons.get(person, ())
        where = self.posts[post].unit if rows and post in self.posts else ""
        return any(
            row.unit == unit and row.at == where and row.covers(action, domains, now) for row in rows
        ) and self.holds(person, post, now)

    def posts_of(self, person: str, now: int) -> tuple[Post, ...]:
        """Every post that the person holds now, by key."""
        return tuple(self.posts[key] for key in sorted(self.posts) if self.holds(person, key, now))

    def holds(self, person: str, post: str, now: int) -> bool:
        """True where the person holds the post now, by appointment, roster or as deputy on duty."""
        return self.roster.holds(person, post, now)

    def held_until(self, person: str, channel: str, level: str, template: str, now: int) -> int:
        """When a message may be delivered that quiet hours hold back now; 0 = at once."""
        found = 0
        for row in self.city.quiet:
            if row.channel in ("*", channel) and not rings(level, template, channel, row.exempt):
                until = row.until(self.calendar, now)
                if until > found and (row.who in ("*", person) or self.holds(person, row.who, now)):
                    found = until
        return found

    def permissions(self, post: str) -> tuple[Permission, ...]:
        """Standing rows of a post."""
        return tuple(self._permissions.get(post, ()))

    def superior(self, unit: str) -> str:
        """The unit above, empty at the top."""
        found = self.units.get(unit)
        return found.parent if found else ""

    def is_superior(self, above: str, below: str) -> bool:
        """True where `above` stands anywhere over `below`."""
        seen = set()
        current = self.superior(below)
        while current and current not in seen:
            if current == above:
                return True
            seen.add(current)
            current = self.superior(current)
        return False

    def channel_rows(self) -> tuple[ChannelRow, ...]:
        """What ingest and detect need of the channels, in order of their numbers.

        Raises BadInput for a unit that cannot be converted; `check_units` names all of them.
        """
        if self._channel_rows is not None:
            return self._channel_rows
        rows = []
        for channel in sorted(self.city.channels, key=lambda c: c.number):
            quantity = self.quantities[channel.quantity]
            asset = self.asset_of_channel(channel.key)
            sent = channel_conversion(channel, quantity)
            rows.append(
                ChannelRow(
                    number=channel.number,
                    key=channel.key,
                    group=channel.group,
                    source=channel.source,
                    quantity=channel.quantity,
                    asset_kind=asset.kind if asset else "",
                    low=quantity.low,
                    high=quantity.high,
                    unit=quantity.unit,
                    gas=quantity.gas,
                    factor=sent.factor,
                    offset=sent.offset,
                )
            )
        self._channel_rows = tuple(rows)
        return self._channel_rows

    def source_terms(self) -> tuple[SourceTerms, ...]:
        """What detect needs of the sources."""
        return tuple(
            SourceTerms(key=s.key, lateness_s=s.lateness_s, idle_s=s.idle_s, revision=s.revision)
            for s in self.city.sources
        )
