"""CSV: encodings, delimiters and decimal commas as they come."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from datetime import tzinfo
from itertools import islice

import numpy as np
import numpy.typing as npt

from liandong.adapters.files.batches import FileBatch
from liandong.adapters.files.header import Layout, layout_of
from liandong.adapters.files.members import Member, text_of
from liandong.adapters.files.times import TimeReader
from liandong.core.values.errors import BadInput

#: Cells that say "nothing was measured".
NONE = {"", "nan", "null", "none", "na", "n/a", "-", "--", "#n/a", "无"}
_DELIMITERS = ",;\t|"


def read_delimited(member: Member, zone: tzinfo, rows: int) -> Iterator[FileBatch]:
    """The readings of one table of text. Raises BadInput with file, line and column."""
    text, encoding = text_of(member)
    try:
        yield from _read(text, member, zone, rows)
    except UnicodeError as error:
        raise BadInput("file.encoding", file=member.name, encoding=encoding) from error
    except csv.Error as error:
        raise BadInput("file.not_a_table", file=member.name, why=str(error)[:80]) from error
    finally:
        text.detach()  # whoever opened the file closes it


def _read(text: io.TextIOWrapper, member: Member, zone: tzinfo, rows: int) -> Iterator[FileBatch]:
    first = text.readline(1 << 20)
    if not first.strip() or "\0" in first:
        raise BadInput(
            "file.not_a_table", file=member.name, why="no header" if not first.strip() else "binary"
        )
    delimiter = max(_DELIMITERS, key=first.count)
    titles = next(csv.reader([first], delimiter=delimiter))
    layout = layout_of(titles, member.name)
    reader = csv.reader(text, delimiter=delimiter, strict=True)
    times = TimeReader(zone, member.name)
    numbers: dict[str, int] = {}
    while True:
        line = reader.line_num + 2
        piece = [row for row in islice(reader, max(rows // len(layout.series), 1)) if row]
        if not piece:
            if reader.line_num + 2 == line:
                return
            continue
        yield _batch(piece, line, layout, titles, times, delimiter == ";", numbers, member)


def _batch(
    piece: list[list[str]],
    line: int,
    layout: Layout,
    titles: Sequence[str],
    times: TimeReader,
    comma: bool,
    numbers: dict[str, int],
    member: Member,
) -> FileBatch:
    need = max(layout.time, layout.channel or 0, *layout.series) + 1
    for row, cells in enumerate(piece):
        if len(cells) < need:
            raise BadInput(
                "file.short_line", file=member.name, line=line + row, columns=len(cells), wanted=need
            )
    time = times.read([cells[layout.time] for cells in piece], line, titles[layout.time])
    values = [
        _numbers([cells[place] for cells in piece], comma, member.name, line, titles[place])
        for place in layout.series
    ]
    count = len(piece)
    if layout.channel is None:
        names, units = layout.names, layout.units
        channel = np.repeat(np.arange(len(names), dtype=np.int64), count)
    else:
        keys = [cells[layout.channel].strip() for cells in piece]
        channel = np.array([numbers.setdefault(key, len(numbers)) for key in keys], dtype=np.int64)
        names, units = tuple(numbers), layout.units * len(numbers)
    return FileBatch(
        file=member.name, line=line, names=names, units=units, channel=channel,
        time=np.tile(time, len(values)), value=np.concatenate(values), note=times.note,
        done=_done(member),
    )  # fmt: skip


def _numbers(cells: list[str], comma: bool, file: str, line: int, column: str) -> npt.NDArray[np.float64]:
    """Cells as float64, NaN where there is none. Raises BadInput naming the first that is no number."""
    if comma:
        cells = [cell.replace(",", ".") for cell in cells]
    try:
        found = np.array([float(cell) for cell in cells], dtype=np.float64)
        if not np.isinf(found).any() and not any("_" in cell for cell in cells):
            return found
    except ValueError:
        pass
    out = np.empty(len(cells), dtype=np.float64)
    for row, cell in enumerate(cells):
        plain = cell.strip()
        if plain.casefold() in NONE:
            out[row] = np.nan
            continue
        try:
            out[row] = float(plain) if "_" not in plain else np.inf
        except ValueError:
            out[row] = np.inf
        if np.isinf(out[row]):
            raise BadInput(
                "file.not_a_number", file=file, line=line + row, column=column[:80], value=cell[:40]
            )
    return out


def _done(member: Member) -> float:
    try:
        return min(member.stream.tell() / max(member.size, 1), 1.0)
    except (OSError, ValueError):
        return 0.0
