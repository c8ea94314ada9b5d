"""The city: one immutable, versioned dataset, and the index through which decisions read it.

Keys are stable local slugs, never reused; official codes are attributes. Persons are keys only:
names and telephone numbers live in the vault (CONTRACTS 8 and 11).
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict

import msgspec

from liandong.core.values.lists import (
    AreaKind,
    Capability,
    DataClass,
    DataKind,
    Mode,
    RelationKind,
    UnitKind,
)
from liandong.core.values.rules import ChannelRow, SourceTerms
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


class Holding(msgspec.Struct, frozen=True, kw_only=True):
    """A person holds a post over a period; `until` 0 means open."""

    post: str
    person: str
    since: int = 0
    until: int = 0


class Duty(msgspec.Struct, frozen=True, kw_only=True):
    """值班: post × period × person × deputy (A/B角)."""

    post: str
    start: int
    end: int
    person: str
    deputy: str = ""


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
    protocol: str = "http"  #: door it comes through: `http`, `hj212`, `gb26875`, `file`
    lateness_s: float = 0.0
    idle_s: float = 600.0
    revision: int = 0


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
    basis: str = ""  #: who set it, by which rule

    def __post_init__(self) -> None:
        if self.days <= 0:
            raise ValueError(f"retention of {self.data}: {self.days} days")


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
    sensors: tuple[Sensor, ...] = ()
    quantities: tuple[Quantity, ...] = ()
    channels: tuple[Channel, ...] = ()
    sources: tuple[Source, ...] = ()
    permissions: tuple[Permission, ...] = ()
    packs: tuple[PackUse, ...] = ()
    retentions: tuple[Retention, ...] = ()


class OnDuty(msgspec.Struct, frozen=True):
    """Who answers now: post, person, deputy."""

    post: str
    person: str
    deputy: str = ""


class CityIndex:
    """Look-ups over one city version, built once. Reads nothing but the city."""

    def __init__(self, city: City) -> None:
        self.city = city
        self.key = city.key
        self.areas = {a.key: a for a in city.areas}
        self.units = {u.key: u for u in city.units}
        self.posts = {p.key: p for p in city.posts}
        self.assets = {a.key: a for a in city.assets}
        self.sensors = {s.key: s for s in city.sensors}
        self.channels = {c.key: c for c in city.channels}
        self._channel_rows: tuple[ChannelRow, ...] | None = None  # made once somebody asks
        self.quantities = {q.key: q for q in city.quantities}
        self.sources = {s.key: s for s in city.sources}
        self.persons = frozenset(h.person for h in city.holdings)
        self._units_for: dict[tuple[str, str], list[str]] = defaultdict(list)
        for unit in sorted(city.units, key=lambda u: u.key):
            self._units_for[unit.function, unit.area].append(unit.key)
            if unit.kind == UnitKind.TOWN and unit.function != "town":
                self._units_for["town", unit.area].append(unit.key)
        self._posts_of_unit: dict[str, list[Post]] = defaultdict(list)
        for post in city.posts:
            self._posts_of_unit[post.unit].append(post)
        self._duties: dict[str, list[Duty]] = defaultdict(list)
        for duty in sorted(city.duties, key=lambda d: (d.post, d.start, d.person)):
            self._duties[duty.post].append(duty)
        self._starts = {post: [d.start for d in rows] for post, rows in self._duties.items()}
        self._holdings: dict[str, list[Holding]] = defaultdict(list)
        for holding in city.holdings:
            self._holdings[holding.post].append(holding)
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

    def on_duty(self, post: str, now: int) -> OnDuty | None:
        """Who is on duty for a post at a moment: the roster first, else who holds the post."""
        rows = self._duties.get(post, [])
        at = bisect_right(self._starts.get(post, []), now) - 1
        if at >= 0 and rows[at].start <= now < rows[at].end:
            return OnDuty(post, rows[at].person, rows[at].deputy)
        for holding in self._holdings.get(post, []):
            if holding.since <= now and (not holding.until or now < holding.until):
                return OnDuty(post, holding.person)
        return None

    def duties_around(self, post: str, now: int) -> tuple[Duty | None, Duty | None, Duty | None]:
        """The duty before, the one of this moment, and the next one, as far as the roster goes."""
        rows = self._duties.get(post, [])
        at = bisect_right(self._starts.get(post, []), now) - 1
        current = rows[at] if at >= 0 and now < rows[at].end else None
        before = at - 1 if current else at
        return (
            rows[before] if before >= 0 else None,
            current,
            rows[at + 1] if at + 1 < len(rows) else None,
        )

    def posts_of(self, person: str, now: int) -> tuple[Post, ...]:
        """Every post that the person holds now, by key."""
        return tuple(self.posts[key] for key in sorted(self.posts) if self.holds(person, key, now))

    def holds(self, person: str, post: str, now: int) -> bool:
        """True where the person holds the post now, by appointment, roster or as deputy on duty."""
        if not person:
            return False
        for holding in self._holdings.get(post, []):
            if (
                holding.person == person
                and holding.since <= now
                and (not holding.until or now < holding.until)
            ):
                return True
        duty = self.on_duty(post, now)
        return duty is not None and person in (duty.person, duty.deputy)

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
