"""“3 of 41 real”: how often alarms of a rule, and of a sensor, were real so far, from closed cases.

A rule is counted at one asset and anywhere, a sensor (a channel) under whatever rule. Tests, drills,
duplicates and maintenance say nothing.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import msgspec

from liandong.app.ports import Changes, Store, StreamRow
from liandong.core.values.score import ScoreState


@dataclass(frozen=True)
class Tally:
    """So many were real of so many that count (tests, drills, duplicates and maintenance do not)."""

    real: int = 0
    counted: int = 0


class _Case(msgspec.Struct, frozen=True):
    """Of a case's state what is counted by; the rest is skipped unread."""

    channels: tuple[str, ...] = ()


class _Verdict(NamedTuple):
    """What lies on the closing of a case; `asset` is empty for one that gathers a whole area."""

    rules: tuple[str, ...]
    real: bool | None
    asset: str
    channels: tuple[str, ...]


_score = msgspec.json.Decoder(ScoreState)
_case = msgspec.json.Decoder(_Case)
_NONE = Tally()


class Precision:
    """Counts once from what is stored, then follows what is committed. Threads may share it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._counting = threading.Lock()
        self._closed: dict[str, _Verdict] | None = None
        self._meanwhile: list[Changes] | None = None  #: committed while the stored ones are counted
        self._rules: dict[tuple[str, str], Tally] = defaultdict(Tally)
        self._sensors: dict[str, Tally] = defaultdict(Tally)

    def of(self, rule: str, asset: str) -> tuple[Tally, Tally]:
        """Of the rule at this asset, and of the rule anywhere."""
        self._count()
        with self._lock:
            return self._rules.get((rule, asset), _NONE), self._rules.get((rule, ""), _NONE)

    def sensor(self, channel: str) -> Tally:
        """Of the alarms of a channel, whatever rule they were of."""
        self._count()
        with self._lock:
            return self._sensors.get(channel, _NONE)

    def committed(self, changes: Changes) -> None:
        """Follow a commit; a case that is closed again replaces what was counted of it."""
        if not any(row.kind == "score" for row in changes.streams.values()):
            return
        with self._lock:
            if self._closed is not None:
                self._follow(changes)
            elif self._meanwhile is not None:
                self._meanwhile.append(changes)

    def _count(self) -> None:
        """Read what is stored, which takes seconds where years are; no commit waits for it."""
        if self._closed is not None:
            return
        with self._counting:
            if self._closed is not None:
                return
            with self._lock:
                self._meanwhile = []
            stored = list(self._stored())
            with self._lock:
                self._closed = {}
                for stream, verdict in stored:
                    self._take(stream, verdict)
                for changes in self._meanwhile:
                    self._follow(changes)
                self._meanwhile = None

    def _stored(self) -> Iterator[tuple[str, _Verdict]]:
        scores = {_case_of(row.stream): row for row in self._store.states("score")}
        for case in self._store.states("case"):
            if case.stream in scores:
                yield from _verdict(scores.pop(case.stream), case)
        for row in scores.values():
            yield from _verdict(row, None)

    def _follow(self, changes: Changes) -> None:
        scores = [row for row in changes.streams.values() if row.kind == "score"]
        cases = {key: changes.streams.get(key) for key in (_case_of(row.stream) for row in scores)}
        missing = [key for key, row in cases.items() if row is None]
        cases |= self._store.load(missing) if missing else {}
        for row in scores:
            for stream, verdict in _verdict(row, cases.get(_case_of(row.stream))):
                self._take(stream, verdict)

    def _take(self, stream: str, verdict: _Verdict) -> None:
        assert self._closed is not None
        before = self._closed.get(stream)
        if before is not None:
            self._add(before, -1)
        self._closed[stream] = verdict
        self._add(verdict, 1)

    def _add(self, verdict: _Verdict, by: int) -> None:
        if verdict.real is None:
            return
        hits = by * verdict.real
        for rule in verdict.rules:
            for where in {verdict.asset, ""}:
                tally = self._rules[rule, where]
                self._rules[rule, where] = Tally(tally.real + hits, tally.counted + by)
        for channel in verdict.channels:
            tally = self._sensors[channel]
            self._sensors[channel] = Tally(tally.real + hits, tally.counted + by)


def _case_of(score: str) -> str:
    return f"case:{score.removeprefix('score:')}"


def _verdict(row: StreamRow, case: StreamRow | None) -> Iterator[tuple[str, _Verdict]]:
    """What a score says, with the asset of its case by the grouping `hazard|asset`, and its channels."""
    score = _score.decode(row.body or b"{}").score
    if score is None:
        return
    asset = case.grouping.partition("|")[2] if case is not None else ""
    channels = _case.decode(case.body or b"{}").channels if case is not None else ()
    yield row.stream, _Verdict(score.rules, score.real, asset if asset.startswith("asset:") else "", channels)
