"""A small world for detect's tests, and a slow reference that says what must come out of it.

The reference looks rules up in whole series instead of walking a state machine, so that it cannot share
the kernel's mistakes.
"""

from __future__ import annotations

import math
import struct
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from liandong.core.detect import Detected, Shard
from liandong.core.values.findings import (
    Finding,
    FindingEnded,
    FindingMessage,
    FindingReopened,
    FindingRetracted,
    FindingRevised,
    FindingSettled,
)
from liandong.core.values.lists import FindingPart, Mode, Quality, Statistic
from liandong.core.values.readings import ReadingBatch
from liandong.core.values.rules import ChannelRow, Rule, SourceTerms

S = 1_000_000
FAR = 10**15
OUT = int(Quality.NAN | Quality.OUT_OF_RANGE | Quality.TOO_LATE | Quality.FUTURE)


@dataclass(frozen=True, order=True)
class Row:
    """One reading as it arrives: source, channel number, seconds, value, quality."""

    source: str
    channel: int
    at: int
    value: float
    quality: int = 0


def rule(key: str = "high", **numbers: object) -> Rule:
    """A rule with defaults: raise at 30, clear below 20, no holds."""
    fixed = {"version": 1, "hazard": "gas_leak", "severity": "high", "quantity": "gas"}
    return Rule(**{"key": key, "raise_at": 30.0, "clear_at": 20.0, **fixed, **numbers})


RULES = (
    rule("at_once"),
    rule("held", hold_s=3, clear_hold_s=2),
    rule("low", above=False, raise_at=10.0, clear_at=20.0, hold_s=1),
    rule("same", raise_at=25.0, clear_at=25.0, clear_hold_s=1),
)
#: The same with every statistic; one rule looks at one channel only.
STATISTICS = (
    rule("rate_up", statistic=Statistic.RATE, window_s=3, raise_at=4.0, clear_at=1.0, clear_hold_s=1),
    rule("rate_down", statistic=Statistic.RATE, window_s=1, above=False, raise_at=-9.0, clear_at=0.0),
    rule("score_up", statistic=Statistic.ZSCORE, window_s=8, raise_at=2.0, clear_at=1.0, hold_s=1, floor=0.5),
    rule("score_down", statistic=Statistic.ZSCORE, window_s=5, above=False, raise_at=-1.5, clear_at=-0.5),
    rule("away", statistic=Statistic.OFFSET, baseline=19.5, raise_at=10.0, clear_at=5.0, hold_s=1),
    rule("only_one", channel="channel:1", raise_at=25.0, clear_at=20.0),
)
#: Values on, just below and just above every threshold of RULES.
VALUES = (9.0, 10.0, 10.5, 19.5, 20.0, 20.5, 24.5, 25.0, 29.5, 30.0, 31.0, 40.0)


def channel(number: int, group: str = "g0", source: str = "a", **more: object) -> ChannelRow:
    """A gas channel."""
    return ChannelRow(
        number=number, key=f"channel:{number}", group=group, source=source, quantity="gas", **more
    )


def shard(
    channels: Sequence[ChannelRow] = (channel(0),),
    rules: Sequence[Rule] = RULES[:1],
    sources: Sequence[SourceTerms] = (SourceTerms(key="a"),),
) -> Shard:
    """A shard of the test city."""
    return Shard(tuple(channels), tuple(rules), tuple(sources), "city", Mode.TEST)


def batch(rows: Sequence[Row]) -> ReadingBatch:
    """Rows of one source as columns."""
    return ReadingBatch.from_columns(
        rows[0].source,
        channel=[row.channel for row in rows],
        event_time=[row.at * S for row in rows],
        arrival_time=[row.at * S for row in rows],
        value=[row.value for row in rows],
        quality=[row.quality for row in rows],
    )


def batches(rows: Sequence[Row], cuts: Iterable[int] = ()) -> list[list[Row]]:
    """Rows in arrival order, cut where the source changes and before each index of `cuts`."""
    wanted, out = set(cuts), list[list[Row]]()
    for index, row in enumerate(rows):
        if index == 0 or index in wanted or rows[index - 1].source != row.source:
            out.append([])
        out[-1].append(row)
    return out


def feed(to: Shard, rows: Sequence[Row], cuts: Iterable[int] = (), start: int = 0) -> list[Detected]:
    """Process rows batch by batch; record n of the log stands at position (0, n)."""
    return [to.process(batch(part), (0, start + n)) for n, part in enumerate(batches(rows, cuts))]


def flush(to: Shard, sources: Iterable[str]) -> list[Detected]:
    """Move every watermark past everything."""
    return [to.advance(source, FAR, (9, n)) for n, source in enumerate(sorted(sources))]


def messages(results: Iterable[Detected]) -> list[FindingMessage]:
    """All messages of some results."""
    return [message for result in results for message in result.messages]


def kinds(said: Iterable[FindingMessage]) -> list[str]:
    """Class names of some messages."""
    return [type(message).__name__ for message in said]


def a(*readings: tuple[int, float], number: int = 0, quality: int = 0) -> list[Row]:
    """Readings of source a as (seconds, value)."""
    return [Row("a", number, at, value, quality) for at, value in readings]


def tell(to: Shard, *readings: tuple[int, float], at: tuple[int, int] = (0, 0)) -> tuple[FindingMessage, ...]:
    """One batch of source a; its messages."""
    return to.process(batch(a(*readings)), at).messages


def quality_of(to: Shard, rows: list[Row]) -> list[Quality]:
    """The quality that one batch came back with."""
    return [Quality(q) for q in to.process(batch(rows), (0, 0)).quality.tolist()]


# --- the reference ---------------------------------------------------------------------------------

#: (rule, channel, onset, raised, value, ended, peak)
Episode = tuple[str, str, int, int, float, int | None, float | None]


def bits(value: float) -> int:
    """The value's IEEE bits as an unsigned integer."""
    return struct.unpack("<Q", struct.pack("<d", value))[0]


def resolve(rows: Iterable[Row], revision: dict[str, int]) -> dict[int, list[tuple[int, float]]]:
    """Accepted rows → per channel its (time, value) in time order, one value for each time."""
    best: dict[tuple[int, int], tuple[int, int, float]] = {}
    for row in rows:
        offer = (-revision.get(row.source, 0), bits(row.value), row.value)
        key = (row.channel, row.at * S)
        best[key] = min(best.get(key, offer), offer)
    series = defaultdict(list)
    for (number, at), (_, _, value) in sorted(best.items()):
        series[number].append((at, value))
    return series


def first_held(series: Sequence[tuple[int, float]], begin: int, holds, hold: int) -> tuple[int, int] | None:
    """(first, last) index of the earliest unbroken run from `begin` on that lasts `hold`, if any."""
    for last in range(begin, len(series)):
        first = last
        while first >= begin and holds(series[first][1]):
            first -= 1
        first += 1
        if first <= last and series[last][0] - series[first][0] >= hold:
            return first, last
    return None


def episodes(series: Sequence[tuple[int, float]], by: Rule, key: str = "") -> list[Episode]:
    """Every episode of one rule on one series."""
    found, begin = list[Episode](), 0
    while True:
        up = first_held(
            series, begin, lambda v: v >= by.raise_at if by.above else v <= by.raise_at, by.hold_us
        )
        if up is None:
            return found
        down = first_held(
            series, up[1] + 1, lambda v: v < by.clear_at if by.above else v > by.clear_at, by.clear_hold_us
        )
        onset, raised, value = series[up[0]][0], series[up[1]][0], series[up[1]][1]
        if down is None:
            return [*found, (by.key, key, onset, raised, value, None, None)]
        worst = (max if by.above else min)(v for _, v in series[up[0] : down[1] + 1])
        found.append((by.key, key, onset, raised, value, series[down[1]][0], worst))
        begin = down[1] + 1


def judged(series: Sequence[tuple[int, float]], by: Rule) -> list[tuple[int, float]]:
    """What a rule compares with its limits: (time, statistic) wherever there is one.

    Everything is worked out anew from the whole past at every reading.
    """
    if by.statistic is Statistic.VALUE:
        return list(series)
    if by.statistic is Statistic.OFFSET:
        return [(at, abs(value - by.baseline)) for at, value in series]
    out = list[tuple[int, float]]()
    learned = list[int]()
    for i, (at, value) in enumerate(series):
        if by.statistic is Statistic.RATE:
            anchors = list[tuple[int, float]]()
            for row in series[:i]:
                if not anchors or row[0] - anchors[-1][0] >= by.window_us:
                    anchors.append(row)
            old = [row for row in anchors if at - row[0] >= by.window_us]
            if old:
                out.append((at, (value - old[-1][1]) / ((at - old[-1][0]) / 1e6)))
            continue
        if len(learned) >= 20 and at - series[0][0] >= by.window_us:
            out.append((at, _zscore([(*series[j], series[max(j - 1, 0)][0]) for j in learned], value, by)))
            open_now = any(e[5] is None for e in episodes(out, by))
            meets = out[-1][1] >= by.raise_at if by.above else out[-1][1] <= by.raise_at
            if open_now or meets:
                continue
        learned.append(i)
    return out


def _zscore(learned: Sequence[tuple[int, float, int]], value: float, by: Rule) -> float:
    """The score of a value against readings (time, value, time of the reading before)."""
    mean, variance = learned[0][1], 0.0
    for n, (at, v, before) in enumerate(learned[1:], start=2):
        gone = float(at - before)
        weight = max(min(gone / (gone + by.window_us), 1 / 20), 1 / n)
        away = v - mean
        mean += weight * away
        variance = (1 - weight) * (variance + weight * away * away)
    spread = max(math.sqrt(variance), by.floor)  # a power of one half may be off by one bit
    if value == mean:
        return 0.0
    return max(-1e9, min(1e9, (value - mean) / spread if spread else (1e9 if value > mean else -1e9)))


def expected(
    rows: Iterable[Row], rules: Iterable[Rule], revision: dict[str, int] | None = None
) -> list[Episode]:
    """What must be settled once everything is, from the accepted rows in whatever order."""
    series = resolve(rows, revision or {})
    rules = list(rules)
    return sorted(
        (
            e
            for number, s in series.items()
            for by in rules
            if by.channel in ("*", f"channel:{number}")
            for e in episodes(judged(s, by), by, f"channel:{number}")
        ),
        key=repr,
    )


def settled(said: Iterable[FindingMessage]) -> list[Episode]:
    """Settled content without ids; every part settled once, an end agreeing with its onset."""
    onsets: dict[str, Episode] = {}
    ends: dict[str, Episode] = {}
    for m in said:
        if isinstance(m, FindingSettled):
            content = (m.rule, m.channel, m.onset, m.raised, m.value, m.ended, m.peak)
            book = onsets if m.part is FindingPart.ONSET else ends
            assert m.id not in book
            book[m.id] = content
    for name, end in ends.items():
        assert onsets[name][:5] == end[:5]
    return sorted({**onsets, **ends}.values(), key=repr)


def fold(said: Iterable[FindingMessage]) -> dict[str, Episode]:
    """What a reader of provisional messages believes; asserts the grammar of the stream."""
    standing: dict[str, Episode] = {}
    for m in said:
        match m:
            case Finding():
                assert m.id not in standing
                standing[m.id] = (m.rule, m.channel, m.onset, m.raised, m.value, None, None)
            case FindingRevised():
                old = standing[m.id]
                assert (m.onset, m.raised, m.value) != old[2:5]
                standing[m.id] = (m.rule, m.channel, m.onset, m.raised, m.value, *old[5:])
            case FindingRetracted():
                del standing[m.id]
            case FindingEnded():
                assert standing[m.id][5] is None
                standing[m.id] = (*standing[m.id][:5], m.ended, m.peak)
            case FindingReopened():
                assert standing[m.id][5] is not None
                standing[m.id] = (*standing[m.id][:5], None, None)
            case FindingSettled():
                assert standing[m.id][2:5] == (m.onset, m.raised, m.value)
                if m.part is FindingPart.END:
                    assert standing[m.id][5:] == (m.ended, m.peak)
    return standing


def in_time(rows: Sequence[Row], results: Iterable[Detected]) -> list[Row]:
    """The rows that were neither late nor unusable, by the quality that came back."""
    quality = np.concatenate([result.quality for result in results])
    return [row for row, q in zip(rows, quality.tolist(), strict=True) if not q & OUT]
