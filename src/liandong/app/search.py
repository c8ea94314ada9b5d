"""Search at three in the morning: names, nicknames, pinyin and its initials, device and other numbers.

The index is made from the city when somebody first searches. Telephone numbers are compared as salted
digests whose salt lives as long as the process; neither a query nor a number is stored or logged.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from liandong.app.curves import Hazards, sees_asset
from liandong.core.mechanism.policy import Policy
from liandong.core.values.access import AccessScope
from liandong.core.values.city import Asset
from liandong.core.values.lists import Capability

#: Facts of an asset or a sensor that are other names of it.
NICKNAMES = ("俗称", "别名", "曾用名", "nickname", "alias")
_LATIN = re.compile(r"[a-z0-9]+")
#: Fewer digits are no telephone number.
_LEAST_DIGITS = 7


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that can be found, by its words in the form in which they are compared."""

    kind: str  #: area, asset, sensor, channel or unit
    key: str
    asset: str  #: the asset whose scope it shares; empty for areas and units
    names: tuple[str, ...]
    nicknames: tuple[str, ...]
    numbers: tuple[str, ...]
    devices: tuple[str, ...]
    pinyin: str
    initials: str


@dataclass(frozen=True, slots=True)
class Hit:
    """Something found, and why."""

    kind: str
    key: str
    why: str  #: id, number, device, name, nickname, pinyin, initials or telephone
    matched: str


class Search:
    """Over one city. Threads may share it."""

    def __init__(
        self, policy: Policy, numbers: Callable[[], Iterator[tuple[str, str]]], random: Callable[[int], bytes]
    ) -> None:
        self._policy = policy
        self._numbers = numbers  #: (person, telephone number) out of the vault
        self._salt = random(32)
        self._lock = threading.Lock()
        self._entries: list[Entry] = []
        self._exact: dict[str, list[int]] = {}
        self._words: list[tuple[int, str]] = []
        self._persons: dict[bytes, str] | None = None
        self._hazards_at: dict[str, set[str]] = {}

    def find(self, scope: AccessScope, text: str, limit: int) -> list[Hit]:
        """The best hits within the scope, exact ones first."""
        query = _plain(text)
        if not query:
            return []
        with self._lock:
            if not self._entries:
                self._build()
        found = self._by_telephone(scope, text)
        # What is not even in an entry's words needs no closer look: that is all but a few of them.
        places = {*self._exact.get(query, ()), *(at for at, words in self._words if query in words)}
        ranked = []
        for place in places:
            entry = self._entries[place]
            hit = _match(entry, query)
            if hit is not None:
                ranked.append((hit[0], len(entry.names[0]) if entry.names else 99, place, hit[1], entry))
        ranked.sort(key=lambda row: row[:3])
        for _, _, _, (why, matched), entry in ranked:
            if len(found) >= limit:
                break
            if self._visible(scope, entry):
                found.append(Hit(entry.kind, entry.key, why, matched))
        return found

    def _build(self) -> None:
        """The entries, where their exact names are, and all words of those that have any."""
        self._entries = list(_entries(self._policy))
        for place, entry in enumerate(self._entries):
            key = entry.key.casefold()
            for exact in {key, key.partition(":")[2], *entry.numbers, *entry.devices}:
                self._exact.setdefault(exact, []).append(place)
            words = (*entry.names, *entry.nicknames, *entry.numbers, *entry.devices, entry.pinyin)
            whole = "\n".join((*words, entry.initials)).strip()
            if whole:
                self._words.append((place, whole))

    def _visible(self, scope: AccessScope, entry: Entry) -> bool:
        city = self._policy.city
        if entry.asset:
            asset = city.assets[entry.asset]
            return sees_asset(self._policy, scope, asset, self._hazards(asset))
        if entry.kind == "unit":
            unit = city.units[entry.key]
            return entry.key == scope.unit or _within(scope, city.area_path(unit.area))
        return _within(scope, city.area_path(entry.key))

    def _hazards(self, asset: Asset) -> set[str]:
        if not self._hazards_at:
            hazards = Hazards(self._policy)
            for key in self._policy.city.channels:
                at = self._policy.city.asset_of_channel(key)
                if at is not None:
                    self._hazards_at.setdefault(at.key, set()).update(hazards.of(key))
        return self._hazards_at.get(asset.key, set())

    # Telephone numbers.

    def _by_telephone(self, scope: AccessScope, text: str) -> list[Hit]:
        digits = re.sub(r"[\s\-()+]", "", text)
        if not digits.isascii() or not digits.isdigit() or len(digits) < _LEAST_DIGITS:
            return []
        if not scope.may(Capability.PERSONAL_READ):
            return []
        with self._lock:
            if self._persons is None:
                pairs = ((self._digest(re.sub(r"\D", "", number)), who) for who, number in self._numbers())
                self._persons = dict(pairs)
            person = self._persons.get(self._digest(digits))
        return [Hit("person", person, "telephone", "")] if person else []

    def _digest(self, digits: str) -> bytes:
        return hmac.new(self._salt, digits.encode(), hashlib.sha256).digest()


def _within(scope: AccessScope, path: str) -> bool:
    """A standing right to cases there, or anywhere inside it."""
    return any(
        grant.capability == Capability.CASE_READ
        and (path.startswith(grant.area_path) or grant.area_path.startswith(path))
        for grant in scope.grants
    )


def _plain(text: str) -> str:
    return "".join(text.casefold().split())[:100]


def _match(entry: Entry, query: str) -> tuple[int, tuple[str, str]] | None:
    """Rank (0 = best) and why."""
    if query in (entry.key.casefold(), entry.key.partition(":")[2].casefold()):
        return 0, ("id", entry.key)
    for why, words, exact in (
        ("number", entry.numbers, 1), ("device", entry.devices, 1), ("name", entry.names, 2),
        ("nickname", entry.nicknames, 2),
    ):  # fmt: skip
        if query in words:
            return exact, (why, query)
    for rank, why, words in ((3, "name", entry.names), (3, "nickname", entry.nicknames)):
        found = next((word for word in words if query in word), None)
        if found:
            return rank, (why, found)
    for why, words in (("number", entry.numbers), ("device", entry.devices)):
        found = next((word for word in words if word.startswith(query)), None)
        if found and len(query) >= 3:
            return 4, (why, found)
    if _LATIN.fullmatch(query) and len(query) >= 2:
        if query in entry.pinyin:
            return 5, ("pinyin", entry.pinyin)
        if query in entry.initials:
            return 6, ("initials", entry.initials)
    return None


def _pinyin(word: str) -> tuple[str, str]:
    """In full and by initials. Things of one kind differ in their numbers only: each run is read once."""
    runs = [_run(run) for run in re.findall(r"[^\W\d_]+|[\W\d_]+", word)]
    return "".join(full for full, _ in runs), "".join(short for _, short in runs)


@lru_cache(maxsize=50_000)
def _run(run: str) -> tuple[str, str]:
    from pypinyin import Style, lazy_pinyin  # a quarter of a second, and only for who searches

    return "".join(lazy_pinyin(run)), "".join(lazy_pinyin(run, style=Style.FIRST_LETTER))


def _entries(policy: Policy) -> Iterator[Entry]:
    """Areas, units, assets, sensors and channels."""

    def entry(
        kind: str, key: str, asset: str, zh: str, en: str, nick: list[str], numbers: list[str],
        devices: list[str],
    ) -> Entry:  # fmt: skip
        spoken = [zh, *nick]
        read = [_pinyin(word) for word in spoken if word]
        full, short = (" ".join(column) for column in (zip(*read, strict=True) if read else ((), ())))
        return Entry(
            kind, key, asset, tuple(_plain(w) for w in (zh, en) if w), tuple(map(_plain, nick)),
            tuple(map(_plain, numbers)), tuple(map(_plain, devices)), full.casefold(), short.casefold(),
        )  # fmt: skip

    city = policy.city.city
    for area in city.areas:
        numbers = [area.code] if area.code else []
        yield entry("area", area.key, "", area.name_zh, area.name_en, [], numbers, [])
    for unit in city.units:
        numbers = [number for _, number in unit.numbers]
        yield entry("unit", unit.key, "", unit.name_zh, unit.name_en, [], numbers, [])
    for asset in city.assets:
        numbers = [number for _, number in asset.numbers]
        nick = _nicknames(asset.facts)
        yield entry("asset", asset.key, asset.key, asset.name_zh, asset.name_en, nick, numbers, [])
    for sensor in city.sensors:
        nick = _nicknames(sensor.facts)
        yield entry("sensor", sensor.key, sensor.asset, "", "", nick, [], [])
    for channel in city.channels:
        found = policy.city.asset_of_channel(channel.key)
        if found is not None:
            devices = [channel.device] if channel.device else []
            yield entry("channel", channel.key, found.key, "", "", [], [], devices)


def _nicknames(facts: tuple[tuple[str, str], ...]) -> list[str]:
    found = [words for name, words in facts if name in NICKNAMES]
    return [part for words in found for part in re.split(r"[、,，/]", words) if part]
