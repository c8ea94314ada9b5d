"""What every domain pack must keep: its rows are whole, its words are there, its samples come true."""

from __future__ import annotations

import contextlib
import copy
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np

from liandong.app.packs import KINDS, LANGUAGES, load_models, load_pack, load_scorers
from liandong.conformance.scorer import check_scorer
from liandong.core.detect.scorers import SCORERS, Kind, make_scorer
from liandong.core.detect.series import Raised, series_shard, settle
from liandong.core.detect.shard import Shard
from liandong.core.ingest.reduce import parse_reducer
from liandong.core.pack import Hazard, Learned, Maturity, Model, Pack, Sample, baseline_for, rule_of
from liandong.core.values.errors import BadInput, LiandongError
from liandong.core.values.lists import Quality
from liandong.core.values.readings import ReadingBatch
from liandong.core.values.rows import EscalationRow, GradingRow, PauseRow, RoleRow, StepRow
from liandong.core.values.rules import ChannelRow, Rule
from liandong.core.values.scales import CASE_LEVELS, SEVERITIES
from liandong.core.values.times import DAY, format_time, parse_time

Limit = Rule | Learned
BookRow = GradingRow | RoleRow | StepRow | EscalationRow | PauseRow
#: How late a reading of a sample may be; dirty samples come out of order.
LATENESS_S = 3600.0


def check_pack(folder: Path) -> list[LiandongError]:
    """Everything wrong with the pack in a folder; empty where nothing is.

    Raises BadInput where the folder cannot be read as a pack at all.
    """
    pack = load_pack(folder)
    models = load_models(folder)
    kinds = {**SCORERS, **load_scorers(folder, pack.id)}
    parts: tuple[Callable[[], Iterator[LiandongError]], ...] = (
        lambda: _rows(pack),
        lambda: _words(pack, folder),
        lambda: _hazards(pack, models),
        lambda: _model_samples(pack, models),
        lambda: _samples(pack, kinds),
        lambda: _scorers(pack, kinds),
    )
    return [error for part in parts for error in part()]


def _limits(pack: Pack) -> tuple[Limit, ...]:
    """Everything that may raise: rows as they stand, and rows from which limits are learned."""
    return (*pack.rules, *pack.learned)


def _wrong(pack: Pack, what: str, why: str) -> BadInput:
    return BadInput("pack.wrong", pack=pack.id, what=what, why=why)


# Rows


def _rows(pack: Pack) -> Iterator[LiandongError]:
    """Keys are unique, codes are of their lists, what a row names exists, numbers say where they are from."""
    quantities, hazards = {q.key for q in pack.quantities}, {h.id for h in pack.hazards}
    for what, keys in (
        ("quantities.csv", [q.key for q in pack.quantities]),
        ("detectors.csv", [r.key for r in pack.rules] + [r.key for r in pack.learned]),
        ("hazards.csv", [h.id for h in pack.hazards]),
    ):
        for key in sorted({key for key in keys if keys.count(key) > 1}):
            yield _wrong(pack, what, f"{key}: twice")
    for quantity in pack.quantities:
        if not quantity.unit:
            yield _wrong(pack, "quantities.csv", f"{quantity.key}: no unit")
    for row in _limits(pack):
        if row.quantity not in quantities:
            yield _wrong(pack, "detectors.csv", f"{row.key}: quantity {row.quantity}")
        if row.hazard not in hazards:
            yield _wrong(pack, "detectors.csv", f"{row.key}: hazard {row.hazard}")
        if row.severity not in SEVERITIES:
            yield _wrong(pack, "detectors.csv", f"{row.key}: severity {row.severity}")
        if not row.basis:
            yield _wrong(pack, "detectors.csv", f"{row.key}: no basis")
    for condensed in pack.condensed:
        for name in {condensed.quantity, condensed.fast} - quantities:
            yield _wrong(pack, "condensed.csv", f"quantity {name}")
        try:
            parse_reducer(condensed.reducer)
        except LiandongError:
            yield _wrong(pack, "condensed.csv", f"{condensed.quantity}: reducer {condensed.reducer}")
    for baseline in pack.baselines:
        if baseline.quantity not in quantities or baseline.high < baseline.low or not baseline.source:
            yield _wrong(pack, "baselines.csv", f"{baseline.point} {baseline.quantity} {baseline.epoch}")
    for cascade in pack.cascades:
        if not {cascade.hazard, cascade.then} <= hazards or not cascade.basis:
            yield _wrong(pack, "cascades.csv", f"{cascade.hazard} → {cascade.then}")
    yield from _playbook(pack, hazards)


def _playbook(pack: Pack, hazards: set[str]) -> Iterator[LiandongError]:
    book = pack.playbook
    rows: tuple[BookRow, ...] = (
        *book.grading, *book.roles, *book.steps, *book.escalations, *book.pauses,
    )  # fmt: skip
    for row in rows:
        if row.flow not in {*hazards, "*"}:
            yield _wrong(pack, "playbook", f"{row.key}: flow {row.flow}")
        level = getattr(row, "level", "*")
        if level not in {*CASE_LEVELS, "*"}:
            yield _wrong(pack, "playbook", f"{row.key}: level {level}")
    graded = {(row.flow, row.severity) for row in book.grading}
    for rule in _limits(pack):
        silent = isinstance(rule, Rule) and rule.shadow
        if pack.maturity == Maturity.LIVE and not silent and (rule.hazard, rule.severity) not in graded:
            yield _wrong(
                pack, "playbook/grading.csv", f"{rule.key}: {rule.hazard} {rule.severity} has no row"
            )


# Words


def _words(pack: Pack, folder: Path) -> Iterator[LiandongError]:
    """Every text in both languages; every quantity and hazard has a name; a README says what this is."""
    wanted = {f"quantity.{q.key}" for q in pack.quantities} | {f"hazard.{h.id}" for h in pack.hazards}
    keys = {language: set(pack.strings.get(language, {})) for language in LANGUAGES}
    for language in LANGUAGES:
        others = set().union(*keys.values())
        for key in sorted((wanted | others) - keys[language]):
            yield _wrong(pack, f"strings/{language}.json", f"{key}: missing")
    for key, words in pack.strings.get("zh", {}).items():
        if not re.search(r"[\u4e00-\u9fff]", words):
            yield _wrong(pack, "strings/zh.json", f"{key}: {words}")
    for key, words in pack.strings.get("en", {}).items():
        if not words or re.search(r"[\u4e00-\u9fff]", words):
            yield _wrong(pack, "strings/en.json", f"{key}: {words}")
    if not pack.title_zh or not pack.title_en:
        yield _wrong(pack, "pack.toml", "title_zh, title_en")
    if not (folder / "README.md").is_file():
        yield _wrong(pack, "README.md", "missing")


# Hazards and their models


class _Watched(Mapping[str, float]):
    """Facts that remember which of them were asked for."""

    def __init__(self, facts: dict[str, float]) -> None:
        self._facts, self.read = facts, set[str]()

    def __getitem__(self, key: str) -> float:
        self.read.add(key)
        return self._facts[key]

    def __iter__(self) -> Iterator[str]:
        self.read |= set(self._facts)
        return iter(self._facts)

    def __len__(self) -> int:
        return len(self._facts)


def _hazards(pack: Pack, models: Mapping[str, Model]) -> Iterator[LiandongError]:
    """Every hazard has a basis and says all its quantities; its model reads just what is declared."""
    for hazard in pack.hazards:
        if not hazard.basis:
            yield _wrong(pack, "hazards.csv", f"{hazard.id}: no basis")
        if not hazard.defined_for:
            yield _wrong(pack, "hazards.csv", f"{hazard.id}: defined_for")
        used = {row.quantity for row in _limits(pack) if row.hazard == hazard.id}
        if used - set(hazard.needs):
            yield _wrong(pack, "hazards.csv", f"{hazard.id}: needs {', '.join(sorted(used))}")
        if hazard.model and hazard.model not in models:
            yield _wrong(pack, "hazards.csv", f"{hazard.id}: model {hazard.model} is not in hazards.py")
        if hazard.model and not any(sample.hazard == hazard.id for sample in pack.model_samples):
            yield _wrong(pack, "samples/models.csv", f"{hazard.id}: no sample")


def _model_samples(pack: Pack, models: Mapping[str, Model]) -> Iterator[LiandongError]:
    hazards = {hazard.id: hazard for hazard in pack.hazards}
    read: dict[str, set[str]] = {}
    for sample in pack.model_samples:
        hazard = hazards.get(sample.hazard)
        if hazard is None or hazard.model not in models:
            yield _wrong(pack, "samples/models.csv", f"{sample.hazard}: no model")
            continue
        facts = dict(sample.facts)
        watched = _Watched(copy.copy(facts))
        model = models[hazard.model]
        try:
            given = [model(watched), model(dict(facts))]
        except Exception as error:  # a pack's model may raise anything
            yield _wrong(pack, "samples/models.csv", f"{hazard.id}: {error!r}")
            continue
        read.setdefault(hazard.id, set()).update(watched.read)
        if given[0] != given[1]:
            yield _wrong(pack, "hazards.py", f"{hazard.model}: {given[0]} and then {given[1]}")
        if not abs(given[0] - sample.expected) <= sample.tolerance:
            yield _wrong(pack, "samples/models.csv", f"{hazard.id}: {given[0]}, not {sample.expected}")
        if watched._facts != facts:
            yield _wrong(pack, "hazards.py", f"{hazard.model}: changes its facts")
    for key, facts_read in read.items():
        yield from _declared(pack, hazards[key], facts_read)


def _declared(pack: Pack, hazard: Hazard, read: set[str]) -> Iterator[LiandongError]:
    if read != set(hazard.needs):
        said = f"{hazard.id}: needs {sorted(hazard.needs)}, reads {sorted(read)}"
        yield _wrong(pack, "hazards.csv", said)


# Samples


def _samples(pack: Pack, kinds: Mapping[str, Kind]) -> Iterator[LiandongError]:
    """There is one of each kind; each gives its table, however cut, and again after the state was kept."""
    for kind in KINDS:
        if not any(sample.kind == kind for sample in pack.samples):
            yield _wrong(pack, "samples", f"no {kind} sample")
    for sample in pack.samples:
        try:
            yield from _sample(pack, sample, kinds)
        except LiandongError as error:
            yield error


def _scorers(pack: Pack, kinds: Mapping[str, Kind]) -> Iterator[LiandongError]:
    """A rule over a group is looked at by some sample, and its scorer keeps the contract."""
    scored = {rule.key for rule in pack.rules if rule.scorer}
    tried: dict[str, tuple[Rule, int]] = {}
    for sample in pack.samples:
        with contextlib.suppress(LiandongError):  # said by the samples themselves
            tried |= {rule.key: (rule, n) for rule, n in SampleReadings(pack, sample, kinds).shard().scored}
    for key in sorted(scored - tried.keys()):
        yield _wrong(pack, "detectors.csv", f"{key}: no sample has its members")
    for rule, members in tried.values():
        for problem in check_scorer(partial(make_scorer, rule, members, kinds), members):
            yield _wrong(pack, "detectors.csv", f"{rule.key}: scorer {rule.scorer}: {problem}")


def _sample(pack: Pack, sample: Sample, kinds: Mapping[str, Kind]) -> Iterator[LiandongError]:
    readings = SampleReadings(pack, sample, kinds)
    batch = readings.batch()
    before = {name: getattr(batch, name).copy() for name in ("channel", "event_time", "value", "quality")}
    found = readings.run([batch])
    wanted = sorted(_expected(sample))
    given = sorted(_given(found))
    where = f"samples/{sample.name}.csv"
    for row in sorted(set(wanted) - set(given)):
        yield _wrong(pack, where, f"missing: {' '.join(row)}")
    for row in sorted(set(given) - set(wanted)):
        yield _wrong(pack, where, f"not expected: {' '.join(row)}")
    if sample.kind == "negative" and wanted:
        yield _wrong(pack, where, "a negative sample expects nothing")
    if sample.kind == "positive" and not wanted:
        yield _wrong(pack, where, "a positive sample expects something")
    if readings.run([readings.batch()]) != found:
        yield _wrong(pack, where, "the same readings gave something else")
    if any((getattr(batch, name) != column).any() for name, column in before.items()):
        yield _wrong(pack, where, "the readings were changed")
    if readings.run(readings.batches_of(1)) != found or readings.run(readings.batches_of(3)) != found:
        yield _wrong(pack, where, "the cut of batches changes the findings")
    if readings.run(readings.batches_of(2), keep=True) != found:
        yield _wrong(pack, where, "a kept and restored state gives something else")


def _expected(sample: Sample) -> Iterator[tuple[str, ...]]:
    for row in sample.expected:
        moments = (format_time(parse_time(at)) if at else "" for at in (row.onset, row.raised, row.ended))
        yield (row.rule, row.channel, *moments)


def _given(found: list[Raised]) -> Iterator[tuple[str, ...]]:
    for row in found:
        ended = "" if row.ended is None else format_time(row.ended)
        yield row.rule, row.channel, format_time(row.onset), format_time(row.raised), ended


class SampleReadings:
    """A sample's readings as the detector takes them, with the rules that look at them."""

    def __init__(self, pack: Pack, sample: Sample, kinds: Mapping[str, Kind] = SCORERS) -> None:
        self._kinds = kinds
        known = {quantity.key: quantity for quantity in pack.quantities}
        rows = [reading for reading in sample.readings if reading[2] in known]
        places = {(channel, quantity): asset for _, channel, quantity, _, asset in rows}
        numbers = {place: number for number, place in enumerate(places)}
        self.channels = [
            ChannelRow(
                number=number, key=channel, group="sample", source="sample", quantity=quantity,
                asset_kind=places[channel, quantity], low=known[quantity].low, high=known[quantity].high,
            )
            for (channel, quantity), number in numbers.items()
        ]  # fmt: skip
        self._at = [parse_time(time) for time, *_ in rows]
        self._channel = [numbers[channel, quantity] for _, channel, quantity, _, _ in rows]
        self._value = [_number(value) for *_, value, _ in rows]
        day = format_time(min(self._at) // DAY * DAY)[:10] if self._at else ""
        self.rules = [*pack.rules]
        for row in self.channels:
            baseline = baseline_for(pack.baselines, row.key, row.quantity, day)
            for learned in pack.learned:
                if baseline is not None and learned.quantity == row.quantity:
                    self.rules.append(rule_of(learned, baseline, row.key))

    def batch(self, first: int = 0, last: int | None = None) -> ReadingBatch:
        """Some readings in the order of the file."""
        value = np.array(self._value[first:last], dtype=np.float64)
        return ReadingBatch.from_columns(
            "series",
            channel=self._channel[first:last],
            event_time=self._at[first:last],
            value=np.nan_to_num(value),
            quality=np.where(np.isnan(value), int(Quality.NAN), 0),
        )

    def batches_of(self, rows: int) -> list[ReadingBatch]:
        """All readings, so many at a time."""
        ends = [*range(0, len(self._at), rows), len(self._at)]
        return [self.batch(first, last) for first, last in pairwise(ends)]

    def shard(self) -> Shard:
        """A fresh detector of the sample's channels."""
        return series_shard(self.channels, self.rules, LATENESS_S, self._kinds)

    def run(self, batches: list[ReadingBatch], keep: bool = False) -> list[Raised]:
        """What is found; with `keep` the state goes through its bytes before every batch."""
        shard = self.shard()
        if not keep:
            return settle(shard, batches)

        def kept() -> Iterator[ReadingBatch]:
            for batch in batches:
                shard.restore(shard.dump())
                yield batch

        return settle(shard, kept())


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")
