"""Where the limits of single points come from: reference files, a learned table, or the pack's own."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from liandong.core.detect.baseline import envelope
from liandong.core.pack import Baseline, Pack, rule_of
from liandong.core.values.errors import BadInput, LiandongError
from liandong.wiring.columns import Column, Reader, files_of, is_reference

Progress = Callable[[Path], None]


@dataclass(frozen=True, slots=True)
class Baselines:
    """What was learned, from which files, and which reference contradicts an earlier one."""

    rows: tuple[Baseline, ...]
    files: tuple[str, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()  #: (file, point)


def learn(paths: Sequence[Path], reader: Reader, progress: Progress = lambda path: None) -> Baselines:
    """Learn every point of some reference files; the day of a reference begins an epoch of its zero.

    Of one epoch the references are taken in order of time. One whose median lies where the limits learned
    so far would raise is not taken, because it shows another state than the reference.
    """
    columns: list[Column] = []
    for path in files_of(paths):
        progress(path)
        columns += reader.columns(path)
    learnable = {row.quantity for row in reader.pack.learned}
    groups: dict[tuple[str, str, str], list[Column]] = defaultdict(list)
    for column in sorted(columns, key=lambda column: (int(column.times[0]), column.file)):
        if column.quantity.key in learnable:
            groups[column.point, column.quantity.key, column.day].append(column)
    rows, files, refused = [], set(), []
    for place, group in sorted(groups.items()):
        row, taken, left = _learn_point(reader.pack, place, group)
        rows.append(row)
        files |= {column.file for column in taken}
        refused += [(column.file, column.point) for column in left]
    return Baselines(tuple(rows), tuple(sorted(files)), tuple(refused))


def _learn_point(
    pack: Pack, place: tuple[str, str, str], group: Sequence[Column]
) -> tuple[Baseline, list[Column], list[Column]]:
    taken: list[Column] = []
    refused: list[Column] = []
    made: Baseline | None = None
    for column in group:
        if made is not None and _disagrees(pack, made, column):
            refused.append(column)
            continue
        taken.append(column)
        values = np.concatenate([one.values for one in taken])
        try:
            low, high = envelope(values)
        except LiandongError as error:
            raise BadInput("baseline.file", file=column.file, point=column.point, **error.params) from error
        made = Baseline(
            point=place[0], quantity=place[1], epoch=place[2], low=low, high=high, readings=len(values),
            source=", ".join(dict.fromkeys(one.file for one in taken)),
        )  # fmt: skip
    assert made is not None
    return made, taken, refused


def _disagrees(pack: Pack, baseline: Baseline, column: Column) -> bool:
    """Whether a reference as a whole, by its median, lies where the limits learned so far would raise.

    Its extremes may lie there: a run under load widens what an idle one has shown.
    """
    away = abs(float(np.nanmedian(column.values)) - baseline.middle)
    limits = [
        rule_of(row, baseline, "").raise_at for row in pack.learned if row.quantity == baseline.quantity
    ]
    return away >= min(limits)


def choose(
    paths: Sequence[Path],
    given: Sequence[Path],
    reader: Reader,
    progress: Progress = lambda path: None,
) -> tuple[Baselines, str]:
    """The baselines of a replay and where they come from: `given`, `reference` or `pack`.

    Given ones stand alone. Otherwise every file among the replayed ones, or beside them, whose name marks
    it as a reference is learned, and the pack's own table stands for points that none of them shows.
    """
    if given:
        tables = [path for path in given if _is_table(path)]
        files = [path for path in given if path not in tables]
        learned = learn(files, reader, progress) if files else Baselines(())
        rows = [row for path in tables for row in read_baselines(path)]
        return _together(learned, rows, [path.name for path in tables]), "given"
    beside = [p for path in files_of(paths) for p in files_of([path.parent]) if is_reference(p)]
    references = list(dict.fromkeys([*(p for p in files_of(paths) if is_reference(p)), *beside]))
    if not references:
        return Baselines(reader.pack.baselines), "pack"
    learned = learn(references, reader, progress)
    shown = {(row.point, row.quantity) for row in learned.rows}
    others = [row for row in reader.pack.baselines if (row.point, row.quantity) not in shown]
    return _together(learned, others, []), "reference"


def _together(learned: Baselines, rows: Iterable[Baseline], files: Iterable[str]) -> Baselines:
    """Learned baselines together with rows of tables."""
    return Baselines((*learned.rows, *rows), (*learned.files, *files), learned.refused)


def _is_table(path: Path) -> bool:
    """Whether a path is what `write_baselines` wrote, and no data."""
    if path.suffix.lower() == ".json":
        return True
    if path.suffix.lower() != ".csv" or not path.is_file():
        return False
    with path.open("rb") as file:
        return file.readline(200).decode("utf-8", "replace").startswith(",".join(_FIELDS))


_FIELDS = tuple(field.name for field in msgspec.structs.fields(Baseline))


def write_baselines(path: Path, rows: Iterable[Baseline]) -> None:
    """Write learned rows as a table for people and packs (.csv), or as JSON."""
    rows = list(rows)
    if path.suffix.lower() == ".csv":
        out = io.StringIO(newline="")
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(_FIELDS)
        writer.writerows([[getattr(row, name) for name in _FIELDS] for row in rows])
        path.write_text(out.getvalue(), encoding="utf-8")
    else:
        path.write_bytes(msgspec.json.format(msgspec.json.encode(rows), indent=2) + b"\n")


def read_baselines(path: Path) -> list[Baseline]:
    """What `write_baselines` wrote. Raises BadInput where it is something else."""
    try:
        if path.suffix.lower() == ".csv":
            lines = csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline=""))
            return msgspec.convert([*lines], list[Baseline], strict=False)
        return msgspec.json.decode(path.read_bytes(), type=list[Baseline])
    except (OSError, UnicodeDecodeError, msgspec.MsgspecError, csv.Error) as error:
        raise BadInput("baseline.unreadable", file=path.name, why=str(error)) from error
