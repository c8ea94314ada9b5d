"""Channels, rules and sources compiled into arrays: everything about a shard that does not change."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from liandong.core.values.canonical import canonical_bytes, sha256
from liandong.core.values.errors import BadInput
from liandong.core.values.lists import Statistic
from liandong.core.values.rules import ChannelRow, Rule, SourceTerms

PARTITIONS = 256
Row = TypeVar("Row")


def partition_of(group: str) -> int:
    """The virtual partition of a shard group, 0..255, by blake2b of its slug."""
    return hashlib.blake2b(group.encode("utf-8"), digest_size=1).digest()[0]


@dataclass(frozen=True, slots=True)
class Layout:
    """Dense indexes. Channels stand by (group, key), slots by (channel, readings before statistics, rule
    key): the order of messages.
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
    plain_to: npt.NDArray[np.int64]  #: channel → its first slot that looks at a statistic
    memory_of: npt.NDArray[np.int32]  #: slot → its record among those of statistics, -1 for a plain slot
    digest: str  #: hex SHA-256 of channels, rules and sources in canonical form

    @classmethod
    def of(
        cls, channels: Iterable[ChannelRow], rules: Iterable[Rule], sources: Iterable[SourceTerms]
    ) -> Layout:
        """Compile; raises BadInput for a key or number given twice and for a channel of an unknown source."""
        rows = tuple(sorted(channels, key=lambda row: (row.group, row.key)))
        ruled = tuple(sorted(rules, key=lambda rule: rule.key))
        terms = tuple(sorted(sources, key=lambda source: source.key))
        _refuse_twice("channel", rows, lambda row: row.key)
        _refuse_twice("channel_number", rows, lambda row: row.number)
        _refuse_twice("rule", ruled, lambda rule: rule.key)
        _refuse_twice("source", terms, lambda source: source.key)
        groups = tuple(sorted({row.group for row in rows}))
        slot_channel, slot_rule = _slots(rows, ruled)
        offsets = np.searchsorted(slot_channel, np.arange(len(rows) + 1)).astype(np.int64)
        plain = np.array([rule.statistic is Statistic.VALUE for rule in ruled], dtype=np.bool_)[slot_rule]
        plains = np.concatenate([[0], np.cumsum(plain)])
        return cls(
            channels=rows,
            rules=ruled,
            sources=terms,
            groups=groups,
            lookup=_lookup(rows),
            owner=_owners(rows, terms),
            group_of=_indexes(groups, [row.group for row in rows]),
            offsets=offsets,
            slot_channel=slot_channel,
            slot_rule=slot_rule,
            plain_to=offsets[:-1] + np.diff(plains[offsets]),
            memory_of=np.where(plain, -1, np.cumsum(~plain) - 1).astype(np.int32),
            digest=digest_of(rows, ruled, terms),
        )


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
        places[rule.quantity, rule.channel].append(index)
    found = []
    for c, row in enumerate(rows):
        near = places.get((row.quantity, "*"), []) + places.get((row.quantity, row.key), [])
        mine = [r for r in near if applies(rules[r], row)]
        found += [(c, r) for r in sorted(mine, key=lambda r: (rules[r].statistic is not Statistic.VALUE, r))]
    pairs = np.array(found, dtype=np.int32).reshape(-1, 2)
    return np.ascontiguousarray(pairs[:, 0]), np.ascontiguousarray(pairs[:, 1])


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
