"""Files of readings through a pack's rules, as the live detector would have judged them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from pathlib import Path
from typing import Any

import numpy as np

from liandong.core.detect.series import Raised, series_shard, settle
from liandong.core.pack import Baseline, Pack, baseline_for, rule_of
from liandong.core.values.errors import BadInput
from liandong.core.values.lists import Statistic
from liandong.core.values.readings import ReadingBatch
from liandong.core.values.rules import ChannelRow, Rule
from liandong.core.values.times import to_datetime
from liandong.core.values.units import unit_of_statistic
from liandong.texts import LANGUAGES, label, text
from liandong.wiring.baselines import Progress, choose
from liandong.wiring.columns import Column, Reader, files_of

#: A file's rows may be out of order by as much as this and still be judged.
LATENESS_S = 86_400.0
BATCH = 50_000


@dataclass(frozen=True, slots=True)
class Replayed:
    """Findings as lines of a file, and what was said on the way, as (key, parameters) of texts."""

    findings: list[dict[str, Any]]
    notes: list[tuple[str, dict[str, Any]]]

    @property
    def live(self) -> int:
        """Findings that somebody would have been told of."""
        return sum(not finding["shadow"] for finding in self.findings)


@dataclass(slots=True)
class _Run:
    """What one replay collects."""

    pack: Pack
    baselines: tuple[Baseline, ...]
    origin: str  #: of the baselines: given, reference, pack
    zone: tzinfo
    findings: list[dict[str, Any]] = field(default_factory=list)
    notes: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    judged: int = 0

    def note(self, key: str, **params: Any) -> None:
        self.notes.append((key, params))


def replay_files(
    paths: Sequence[Path],
    pack: Pack,
    *,
    baselines: Sequence[Path] = (),
    mapping: Mapping[str, str] | None = None,
    zone: str = "Asia/Shanghai",
    progress: Progress = lambda path: None,
) -> Replayed:
    """Judge every column of some files by the pack's rules and by the limits learned for its point.

    Each file is judged by itself, because the zero of a sensor may lie elsewhere in another one. Raises
    as the reading of files does, and BadInput("replay.nothing_judged") where no rule looks at anything.
    """
    reader = Reader(pack, mapping or {}, zone)
    learned, origin = choose(paths, baselines, reader, progress)
    run = _Run(pack, learned.rows, origin, reader.zone)
    run.note(f"replay.baselines_{origin}", files=", ".join(learned.files) or "-")
    for file, point in learned.refused:
        run.note("replay.reference_refused", file=file, point=point)
    for path in files_of(paths):
        progress(path)
        columns, unknown = reader.columns(path), reader.unknown(path)
        if unknown:
            run.note("replay.columns_unknown", file=path.name, columns=", ".join(unknown), pack=pack.id)
        for note in dict.fromkeys(column.note for column in columns if column.note):
            run.note("replay.corrected", file=path.name, note=note)
        for column in columns:
            _judge(run, column)
    if not run.judged:
        raise BadInput("replay.nothing_judged", pack=pack.id)
    return Replayed(sorted(run.findings, key=lambda f: (f["onset"], f["channel"], f["rule"])), run.notes)


def _judge(run: _Run, column: Column) -> None:
    """One column of one file through a shard of its own."""
    row = ChannelRow(
        number=0, key=column.channel, group="replay", source="replay", quantity=column.quantity.key,
        low=column.quantity.low, high=column.quantity.high,
    )  # fmt: skip
    rules = [rule for rule in run.pack.rules if rule.quantity == column.quantity.key]
    baseline = baseline_for(run.baselines, column.point, column.quantity.key, column.day)
    for learned in run.pack.learned:
        if learned.quantity == column.quantity.key:
            if baseline is None:
                run.note("replay.no_baseline", file=column.file, point=column.point, rule=learned.key)
            else:
                rules.append(rule_of(learned, baseline, column.channel))
    if not rules:
        return
    run.judged += 1
    found = settle(series_shard([row], rules, LATENESS_S), _batches(column))
    if baseline is not None:
        _say_margin(run, column, baseline, rules)
    by_key = {rule.key: rule for rule in rules}
    run.findings += [_line(run, column, by_key[one.rule], one, baseline) for one in found]


def _batches(column: Column) -> list[ReadingBatch]:
    return [
        ReadingBatch.from_columns(
            "series",
            channel=np.zeros(len(column.times[at : at + BATCH]), dtype=np.int32),
            event_time=column.times[at : at + BATCH],
            value=column.values[at : at + BATCH],
        )
        for at in range(0, len(column.times), BATCH)
    ]


def _say_margin(run: _Run, column: Column, baseline: Baseline, rules: Sequence[Rule]) -> None:
    """How far the column went from its baseline, beside the lowest limit."""
    limits = [rule.raise_at for rule in rules if rule.statistic is Statistic.OFFSET]
    away = np.abs(column.values - baseline.middle)
    if limits and len(away):
        run.note(
            "replay.margin", file=column.file, point=column.point, least=round(float(np.nanmin(away)), 2),
            most=round(float(np.nanmax(away)), 2), limit=round(min(limits), 2), unit=column.quantity.unit,
            baseline=round(baseline.middle, 2), epoch=baseline.epoch,
        )  # fmt: skip


def _line(run: _Run, column: Column, rule: Rule, found: Raised, baseline: Baseline | None) -> dict[str, Any]:
    """One finding as it is written."""
    of_point = rule.channel == column.channel
    row = next(
        (g for g in run.pack.playbook.grading if (g.flow, g.severity) == (rule.hazard, rule.severity)), None
    )
    case_level = row.level if row else ""
    source = baseline.source if of_point and baseline is not None else "-"
    origin = "pack" if baseline in run.pack.baselines else run.origin
    params = {
        "point": column.point, "value": _figure(found.value), "limit": _figure(rule.raise_at),
        "onset": to_datetime(found.onset).astimezone(run.zone).isoformat(" ", "seconds"),
        "unit": column.quantity.unit, "window": _figure(rule.window_s), "baseline": _figure(rule.baseline),
        "basis": rule.basis.removesuffix(f"; {source}"), "trust": rule.trust, "file": column.file,
    }  # fmt: skip
    told = (Statistic.VALUE, Statistic.RATE, Statistic.ZSCORE, Statistic.OFFSET)
    kind: str = rule.statistic if rule.statistic in told else "other"
    if rule.statistic is Statistic.VALUE and not rule.above:
        kind = "below"
    names = dict(zip(LANGUAGES, (column.quantity.name_zh, column.quantity.name_en), strict=True))
    words = {
        language: text(
            f"replay.reason_{kind}",
            language,
            **params,
            origin=text(f"replay.origin_{origin}", language, source=source),
            statistic=label("statistic", rule.statistic, language),
            of=unit_of_statistic(rule.statistic, column.quantity.unit),
            quantity=names[language],
        )
        for language in LANGUAGES
    }
    return {
        "rule": rule.key, "version": rule.version, "pack": run.pack.id, "hazard": rule.hazard,
        "channel": column.channel, "point": column.point, "quantity": column.quantity.key,
        "unit": column.quantity.unit, "file": column.file,
        "onset": _moment(found.onset, run.zone), "raised": _moment(found.raised, run.zone),
        "ended": None if found.ended is None else _moment(found.ended, run.zone),
        "level": case_level or rule.severity, "severity": rule.severity, "case_level": case_level or None,
        "statistic": str(rule.statistic), "value": found.value, "limit": rule.raise_at, "peak": found.peak,
        "baseline": rule.baseline if rule.statistic is Statistic.OFFSET else None,
        "basis": rule.basis, "trust": str(rule.trust), "shadow": rule.shadow,
        "reason": words["zh"], "reason_en": words["en"],
    }  # fmt: skip


def _figure(number: float) -> str:
    return f"{number:.4g}"


def _moment(at: int, zone: tzinfo) -> str:
    return to_datetime(at).astimezone(zone).isoformat()
