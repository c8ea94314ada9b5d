"""The Numenta Anomaly Benchmark: its scoring (Lavin and Ahmad 2015), over our own detectors.

The novelty score is judged by both threshold policies: one threshold for all series, the best on the
labelled corpus, which is what the published detectors had; and one that no label was asked for. The rows
of the platform learn their limits from the probation part of each series (15 %, at most 750 rows), which
is not scored. A finding counts once, at the row at which it is raised.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from liandong.core.detect.novelty import QUIET, USUAL_LIMIT, Novelty, raised_rows
from liandong.core.detect.series import DETECTORS, raises
from liandong.core.values.errors import BadInput

#: (false positive, false negative) weights; a true positive weighs 1 (config/profiles.json of the corpus).
PROFILES = {
    "standard": (0.11, 1.0),
    "reward_low_FP_rate": (0.22, 1.0),
    "reward_low_FN_rate": (0.11, 2.0),
}
POLICY = "no threshold was chosen on the labels: each series' own first 15 % (at most 750 rows) sets it"
BEST_POLICY = "one threshold for all series and each profile, the best on this labelled corpus"
USUAL_POLICY = "one threshold for all series, one in a hundred by the score's own scale; no label was asked"
LEFT_OUT_POLICY = "each group of series by the threshold that is best on the other groups"
#: Thresholds that are tried on the labels; of equally good ones the first, which is the highest, counts.
TRIED = np.arange(250, 24, -1) / 50
NOVELTY = "novelty"
#: Stand beside every figure: what costs nothing to build.
TRIVIAL: dict[str, Callable[[Series], list[int]]]


class Series(msgspec.Struct, frozen=True):
    """One file of the corpus: its rows, and its windows as (first row, last row)."""

    name: str
    stamps: list[str]
    times: Any  #: int64 microseconds
    values: Any  #: float64
    windows: list[tuple[int, int]]

    @property
    def probation(self) -> int:
        """Rows that are not scored."""
        return math.floor(0.15 * min(len(self.stamps), 5000))


TRIVIAL = {"always": lambda series: list(range(len(series.stamps))), "never": lambda series: []}


def score_nab(folder: Path, detector: str, progress: Callable[[int, int], None]) -> dict[str, Any]:
    """Scores of a detector on all three profiles, beside always-fire, never-fire and simple rows.

    Raises BadInput for an unknown detector or a folder that is not the corpus.
    """
    known = (NOVELTY, *DETECTORS, *TRIVIAL)
    if detector not in known:
        raise BadInput("nab.unknown_detector", name=detector, known=", ".join(known))
    corpus = load_corpus(folder)
    beside = [*(DETECTORS if detector == NOVELTY else ()), *TRIVIAL]
    steps = len(corpus) * (1 + len(beside))

    def flags_of(name: str, done: int) -> dict[str, list[int]]:
        found = {}
        for number, series in enumerate(corpus, start=1):
            found[series.name] = flag(series, name)
            progress(done + number, steps)
        return found

    if detector == NOVELTY:
        judged, flags = judge_novelty(corpus, lambda number: progress(number, steps))
    else:
        flags = flags_of(detector, 0)
        judged = {"threshold_policy": POLICY, "scores": corpus_scores(corpus, flags)}
    return {
        "detector": detector,
        "series": len(corpus),
        "windows": sum(len(series.windows) for series in corpus),
        **judged,
        "beside_threshold_policy": POLICY,
        "beside": {
            name: corpus_scores(corpus, flags_of(name, place * len(corpus)))
            for place, name in enumerate(beside, start=1)
        },
        "flags": {s.name: [s.stamps[row] for row in flags[s.name]] for s in corpus},
        "per_series": {s.name: {"flags": len(flags[s.name]), "windows": len(s.windows)} for s in corpus},
    }


def judge_novelty(
    corpus: list[Series], progress: Callable[[int], None]
) -> tuple[dict[str, Any], dict[str, list[int]]]:
    """Novelty by each threshold policy, and its flags by the best threshold of the standard profile."""
    scores = []
    for number, series in enumerate(corpus, start=1):
        scores.append(novelty_scores(series))
        progress(number)
    groups = np.array([series.name.rpartition("/")[0] for series in corpus])
    tried = [
        [_flags_at(series, score, limit) for series, score in zip(corpus, scores, strict=True)]
        for limit in TRIED
    ]
    usual = int(np.flatnonzero(TRIED == USUAL_LIMIT)[0])
    best: dict[str, Any] = {"threshold_policy": BEST_POLICY, "thresholds": {}, "scores": {}}
    free: dict[str, Any] = {"threshold_policy": USUAL_POLICY, "threshold": USUAL_LIMIT, "scores": {}}
    left: dict[str, Any] = {"threshold_policy": LEFT_OUT_POLICY, "thresholds": {}, "scores": {}}
    flags: dict[str, list[int]] = {}
    for name, (fp, fn) in PROFILES.items():
        raw = np.array([list(map(partial(raw_score, fp=fp, fn=fn), corpus, rows)) for rows in tried])
        place = int(raw.sum(axis=1).argmax())
        best["thresholds"][name] = float(TRIED[place])
        best["scores"][name] = corpus_score(corpus, raw[place], fn)
        free["scores"][name] = corpus_score(corpus, raw[usual], fn)
        others = {g: int(raw[:, groups != g].sum(axis=1).argmax()) for g in sorted(set(groups.tolist()))}
        left["thresholds"][name] = {group: float(TRIED[at]) for group, at in others.items()}
        left["scores"][name] = corpus_score(corpus, [raw[others[g], n] for n, g in enumerate(groups)], fn)
        if name == "standard":
            flags = {series.name: rows for series, rows in zip(corpus, tried[place], strict=True)}
    several = len(set(groups.tolist())) > 1
    return {**best, "label_free": free, **({"left_out": left} if several else {}), "quiet_rows": QUIET}, flags


def novelty_scores(series: Series) -> Any:
    """The novelty score of each row, float64; NaN while it learns."""
    scorer = Novelty()
    return scorer.score(scorer.fresh(), series.times, series.values[:, None])


def _flags_at(series: Series, scores: Any, limit: float) -> list[int]:
    return [row for row in raised_rows(scores, limit).tolist() if row >= series.probation]


def flag(series: Series, detector: str) -> list[int]:
    """Rows at which the detector raises, probation left out."""
    if detector in TRIVIAL:
        return TRIVIAL[detector](series)
    if detector == NOVELTY:
        return _flags_at(series, novelty_scores(series), USUAL_LIMIT)
    start = series.probation
    rule = DETECTORS[detector](series.times[:start], series.values[:start])
    moments = set(raises(rule, series.times, series.values))
    return [row for row in range(start, len(series.times)) if int(series.times[row]) in moments]


def corpus_scores(corpus: Iterable[Series], flags: dict[str, list[int]]) -> dict[str, float]:
    """100 × (raw − null) / (perfect − null) on each profile, 2 decimals."""
    corpus = list(corpus)
    return {
        name: corpus_score(corpus, [raw_score(series, flags[series.name], fp, fn) for series in corpus], fn)
        for name, (fp, fn) in PROFILES.items()
    }


def corpus_score(corpus: list[Series], raw: Iterable[float], fn: float) -> float:
    """The same of the series' own raw scores, on the profile with this weight of a miss."""
    windows = sum(len(series.windows) for series in corpus)
    return round(100 * (float(sum(raw)) + fn * windows) / ((1 + fn) * windows), 2) if windows else 0.0


def raw_score(series: Series, rows: Iterable[int], fp: float, fn: float) -> float:
    """The series' score: of each window the best detection or −fn, and a price for each false alarm."""
    best: dict[int, float] = {}
    false = 0.0
    for row in sorted(set(rows)):
        if row < series.probation:
            continue
        window = next((n for n, (a, b) in enumerate(series.windows) if a <= row <= b), None)
        if window is not None:
            first, last = series.windows[window]
            worth = sigmoid(-(last - row + 1) / (last - first + 1)) / sigmoid(-1.0)
            best[window] = max(best.get(window, -fn), worth)
        else:
            false += fp * _false_alarm(series, row)
    return sum(best.get(n, -fn) for n in range(len(series.windows))) + false


def _false_alarm(series: Series, row: int) -> float:
    """−1 far from the window before, nearly nothing right after it."""
    before = [(first, last) for first, last in series.windows if last < row]
    if not before:
        return -1.0
    first, last = before[-1]
    width = last - first  # rows − 1, as the corpus' own scorer has it
    return sigmoid((row - last) / width) if width else -1.0


def sigmoid(position: float) -> float:
    """Worth by place: 1 at the window's start (−1), 0 at its end (0), −1 from 3 widths on."""
    return -1.0 if position > 3.0 else 2 / (1 + math.exp(5 * position)) - 1.0


def load_corpus(folder: Path) -> list[Series]:
    """All series that the labels name. Raises BadInput where something of it is missing."""
    labels = folder / "labels" / "combined_windows.json"
    try:
        windows = json.loads(labels.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadInput("nab.no_labels", path=str(labels), why=str(error)[:120]) from error
    return [_series(folder, name, spans) for name, spans in sorted(windows.items())]


def _series(folder: Path, name: str, spans: list[list[str]]) -> Series:
    path = folder / "data" / name
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = [(row["timestamp"], float(row["value"])) for row in csv.DictReader(file)]
        stamps = [stamp for stamp, _ in rows]
        times = np.array([_micros(stamp) for stamp in stamps], dtype=np.int64)
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise BadInput("nab.bad_series", path=str(path), why=str(error)[:120]) from error
    # A moment that stands twice is its first row, as in the corpus' own scorer.
    place = {time: row for row, time in reversed(list(enumerate(times.tolist())))}
    try:
        windows = [(place[_micros(first)], place[_micros(last)]) for first, last in spans]
    except KeyError as error:
        raise BadInput("nab.bad_window", path=str(path), why=str(error)) from error
    return Series(name, stamps, times, np.array([value for _, value in rows]), sorted(windows))


def _micros(stamp: str) -> int:
    return round(datetime.fromisoformat(stamp).replace(tzinfo=UTC).timestamp() * 1_000_000)
