"""Channels, rules and sources compiled into arrays: everything about a shard that does not change."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from operator import attrgetter
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from liandong.core.detect.scorers import SCORERS, Kind, checked_kind, kind_of, make_scorer
from liandong.core.detect.statistics import is_plain
from liandong.core.values.canonical import canonical_bytes, sha256
from liandong.core.values.errors import BadInput
from liandong.core.values.lists import OnSilence, Statistic
from liandong.core.values.rules import ChannelRow, Rule, SourceTerms

PARTITIONS = 256
Row = TypeVar("Row")


def partition_of(group: str) -> int:
    """The virtual partition of a shard group, 0..255, by blake2b of its slug."""
    return hashlib.blake2b(group.encode("utf-8"), digest_size=1).digest()[0]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a rule over a group looks: the channel that its findings are of, and the channels it sees."""

    slot: int
    rule: int
    channel: int
    members: tuple[int, ...]  #: the columns of the scorer: channels


@dataclass(frozen=True, slots=True)
class Layout:
    """Dense indexes. Channels stand by (group, key), slots by (channel, readings before statistics, rule
    key), those of rules over groups after all others by (channel, rule key): the order of messages.
    """

    channels: tuple[ChannelRow, ...]
    rules: tuple[Rule, ...]
    sources: tuple[SourceTerms, ...]
    groups: tuple[str, ...]
    lookup: npt.NDArray[np.int32]  #: registry number → channel, -1 where unknown
    owner: npt.NDArray[np.int32]  #: channel → source
    group_of: npt.NDArray[np.int32]  #: channel → group
    offsets: npt.NDArray[np.int64]  #: channel → its first slot; one longer than channels
    slot_channel: npt.NDArray[np.int32]
    slot_rule: npt.NDArray[np.int32]
    plain_to: npt.NDArray[np.int64]  #: channel → its first slot that remembers something
    timed: npt.NDArray[np.int32]  #: slots that silence alone can change
    timed_at: npt.NDArray[np.int64]  #: group → its first in `timed`; one longer than groups
    odd: npt.NDArray[np.bool_]  #: channel → whether a rule counts its readings out of range
    places: tuple[Place, ...]  #: of rules over groups, by slot
    digest: str  #: hex SHA-256 of channels, rules and sources in canonical form

    @classmethod
    def of(
        cls,
        channels: Iterable[ChannelRow],
        rules: Iterable[Rule],
        sources: Iterable[SourceTerms],
        kinds: Mapping[str, Kind] = SCORERS,
    ) -> Layout:
        """Compile; raises BadInput for a key or number given twice, a channel of an unknown source, and a
        rule of an unknown scorer.
        """
        rows = tuple(sorted(channels, key=attrgetter("group", "key")))
        ruled = tuple(sorted(rules, key=lambda rule: rule.key))
        terms = tuple(sorted(sources, key=lambda source: source.key))
        _refuse_twice("channel", rows, attrgetter("key"))
        _refuse_twice("channel_number", rows, attrgetter("number"))
        _refuse_twice("rule", ruled, lambda rule: rule.key)
        _refuse_twice("source", terms, lambda source: source.key)
        groups = tuple(sorted({row.group for row in rows}))
        slot_channel, slot_rule = _slots(rows, ruled)
        offsets = np.searchsorted(slot_channel, np.arange(len(rows) + 1)).astype(np.int64)
        plains = np.concatenate([[0], np.cumsum(_those(ruled, is_plain)[slot_rule])])
        group_of = _indexes(groups, [row.group for row in rows])
        timed = np.flatnonzero(_those(ruled, _is_timed)[slot_rule]).astype(np.int32)
        odd = np.zeros(len(rows), dtype=np.bool_)
        odd[slot_channel[_those(ruled, lambda r: r.statistic is Statistic.OUT_OF_RANGE)[slot_rule]]] = True
        places = _places(rows, ruled, len(slot_rule), kinds)
        return cls(
            channels=rows,
            rules=ruled,
            sources=terms,
            groups=groups,
            lookup=_lookup(rows),
            owner=_owners(rows, terms),
            group_of=group_of,
            offsets=offsets,
            slot_channel=np.append(slot_channel, [p.channel for p in places]).astype(np.int32),
            slot_rule=np.append(slot_rule, [p.rule for p in places]).astype(np.int32),
            plain_to=offsets[:-1] + np.diff(plains[offsets]),
            timed=timed,
            timed_at=np.searchsorted(group_of[slot_channel[timed]], np.arange(len(groups) + 1)),
            odd=odd,
            places=places,
            digest=digest_of(rows, ruled, terms),
        )


def _those(rules: tuple[Rule, ...], wanted: Callable[[Rule], bool]) -> npt.NDArray[np.bool_]:
    return np.array([wanted(rule) for rule in rules], dtype=np.bool_)


def _is_timed(rule: Rule) -> bool:
    return rule.statistic is Statistic.STALE or rule.on_silence is OnSilence.CLEAR


def applies(rule: Rule, channel: ChannelRow) -> bool:
    """Whether a rule looks at a channel: same quantity, and the channel and asset kind it is limited to."""
    return (
        rule.quantity == channel.quantity
        and rule.channel in ("*", channel.key)
        and rule.asset_kind in ("*", channel.asset_kind)
    )


def _slots(
    rows: tuple[ChannelRow, ...], rules: tuple[Rule, ...]
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """(channel, rule) of every slot. Looks only at rules of the channel's quantity, and at its own ones."""
    places: dict[tuple[str, str], list[int]] = defaultdict(list)
    for index, rule in enumerate(rules):
        if rule.statistic is not Statistic.SCORE:
            places[rule.quantity, rule.channel].append(index)

    def chosen(near: list[int], row: ChannelRow) -> list[int]:
        mine = [r for r in near if applies(rules[r], row)]
        return sorted(mine, key=lambda r: (not is_plain(rules[r]), r))

    # Rules that name no channel are the same for all of a quantity at a kind of asset: chosen once.
    alike: dict[tuple[str, str], list[int]] = {}
    of_row = []
    for row in rows:
        anywhere, own = places.get((row.quantity, "*"), []), places.get((row.quantity, row.key), [])
        mine = None if own else alike.get((row.quantity, row.asset_kind))
        if mine is None:
            mine = chosen(anywhere + own, row)
            if not own:
                alike[row.quantity, row.asset_kind] = mine
        of_row.append(mine)
    channels = np.repeat(np.arange(len(rows), dtype=np.int32), [len(mine) for mine in of_row])
    return channels, np.fromiter(chain.from_iterable(of_row), dtype=np.int32, count=len(channels))


def _places(
    rows: tuple[ChannelRow, ...], rules: tuple[Rule, ...], first: int, kinds: Mapping[str, Kind]
) -> tuple[Place, ...]:
    """Where rules over groups look; their slots are numbered from `first` on."""
    scored = [
        (index, kind_of(rule, kinds)) for index, rule in enumerate(rules) if rule.statistic is Statistic.SCORE
    ]
    if not scored:
        return ()
    of_group: dict[str, list[int]] = defaultdict(list)
    for index, row in enumerate(rows):
        of_group[row.group].append(index)
    found = sorted(
        (c, r, members)
        for near in of_group.values()
        for r, kind in scored
        for c, members in _seen_by(rules[r], kind, rows, near)
    )
    return tuple(Place(first + n, r, c, members) for n, (c, r, members) in enumerate(found))


def _seen_by(
    rule: Rule, kind: Kind, rows: tuple[ChannelRow, ...], near: list[int]
) -> Iterator[tuple[int, tuple[int, ...]]]:
    """(channel of the findings, members) of a rule in a group: one pair, or one for each of its channels."""
    about = [c for c in near if applies(rule, rows[c])]
    if not about:
        return
    wanted = dict.fromkeys(rule.members or (rule.quantity,))
    seen = tuple(dict.fromkeys(c for name in wanted for c in near if name in (rows[c].key, rows[c].quantity)))
    for c in about if kind.each else about[:1]:
        members = (c, *(other for other in seen if other != c)) if kind.each else seen
        if len(members) >= kind.least:
            yield c, members


def scorer_faults(
    channels: Iterable[ChannelRow], rules: Iterable[Rule], kinds: Mapping[str, Kind] = SCORERS
) -> Iterator[tuple[str, BadInput]]:
    """(key, what is wrong) of every rule over a group that a shard would refuse."""
    rows = tuple(sorted(channels, key=lambda row: (row.group, row.key)))
    for rule in rules:
        if rule.statistic is Statistic.SCORE:
            try:
                checked_kind(rule, kinds)
                for place in _places(rows, (rule,), 0, kinds):
                    make_scorer(rule, len(place.members), kinds)
            except BadInput as error:
                yield rule.key, error


def digest_of(channels: Iterable[ChannelRow], rules: Iterable[Rule], sources: Iterable[SourceTerms]) -> str:
    """Hex SHA-256 that says whether a state belongs to these rows; their order does not matter."""
    return sha256(
        canonical_bytes(
            [
                sorted(channels, key=lambda row: row.number),
                sorted(rules, key=lambda rule: rule.key),
                sorted(sources, key=lambda source: source.key),
            ]
        )
    )


def _refuse_twice(what: str, rows: tuple[Row, ...], key: Callable[[Row], str | int]) -> None:
    if len({key(row) for row in rows}) == len(rows):
        return
    seen: set[str | int] = set()
    for row in rows:
        if key(row) in seen:
            raise BadInput(f"detect.{what}_twice", value=key(row))
        seen.add(key(row))


def _lookup(rows: tuple[ChannelRow, ...]) -> npt.NDArray[np.int32]:
    numbers = [row.number for row in rows]
    if numbers and min(numbers) < 0:
        raise BadInput("detect.channel_number_negative", value=min(numbers))
    table = np.full(max(numbers, default=-1) + 1, -1, dtype=np.int32)
    table[numbers] = np.arange(len(rows), dtype=np.int32)
    return table


def _owners(rows: tuple[ChannelRow, ...], sources: tuple[SourceTerms, ...]) -> npt.NDArray[np.int32]:
    known = {source.key for source in sources}
    for row in rows:
        if row.source not in known:
            raise BadInput("detect.source_unknown", channel=row.key, source=row.source)
    return _indexes(tuple(source.key for source in sources), [row.source for row in rows])


def _indexes(names: tuple[str, ...], wanted: list[str]) -> npt.NDArray[np.int32]:
    place = {name: index for index, name in enumerate(names)}
    return np.array([place[name] for name in wanted], dtype=np.int32)
