"""“3 of 41 real”: how often a rule's alarms were real, at one asset and overall, from closed cases."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import msgspec

from liandong.app.ports import Changes, Store, StreamRow
from liandong.core.values.score import ScoreState

_decoder = msgspec.json.Decoder(ScoreState)
#: What lies on the closing of a case: (rules, real), and the asset where the case has one.
_Verdict = tuple[tuple[str, ...], bool | None, str]


@dataclass(frozen=True)
class Tally:
    """So many were real of so many that count (tests, drills, duplicates and maintenance do not)."""

    real: int = 0
    counted: int = 0


class Precision:
    """Counts once from the stored scores, then follows what is committed. Threads may share it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._closed: dict[str, _Verdict] | None = None
        self._tallies: dict[tuple[str, str], Tally] = {}

    def of(self, rule: str, asset: str) -> tuple[Tally, Tally]:
        """Of the rule at this asset, and of the rule anywhere."""
        with self._lock:
            if self._closed is None:
                self._count()
            return self._tallies.get((rule, asset), Tally()), self._tallies.get((rule, ""), Tally())

    def committed(self, changes: Changes) -> None:
        """Follow a commit; a case that is closed again replaces what was counted of it."""
        scores = [row for row in changes.streams.values() if row.kind == "score"]
        with self._lock:
            if self._closed is None:
                return
            for row in scores:
                case = changes.streams.get(f"case:{row.stream.removeprefix('score:')}")
                self._take(row, _asset_of(case) if case is not None else "")

    def _count(self) -> None:
        self._closed = {}
        assets = {row.stream: _asset_of(row) for row in self._store.heads() if row.kind == "case"}
        for row in self._store.states("score"):
            self._take(row, assets.get(f"case:{row.stream.removeprefix('score:')}", ""))

    def _take(self, row: StreamRow, asset: str) -> None:
        assert self._closed is not None
        score = _decoder.decode(row.body or b"{}").score
        if score is None:
            return
        before = self._closed.get(row.stream)
        if before is not None:
            self._add(before, -1)
            asset = asset or before[2]
        self._closed[row.stream] = found = (score.rules, score.real, asset)
        self._add(found, 1)

    def _add(self, verdict: _Verdict, by: int) -> None:
        rules, real, asset = verdict
        if real is None:
            return
        for rule in rules:
            for where in {asset, ""}:
                tally = self._tallies.get((rule, where), Tally())
                self._tallies[rule, where] = Tally(tally.real + by * real, tally.counted + by)


def _asset_of(row: StreamRow) -> str:
    """The asset of a case by its grouping `hazard|asset`; empty for one that gathers a whole area."""
    found = row.grouping.partition("|")[2]
    return found if found.startswith("asset:") else ""
