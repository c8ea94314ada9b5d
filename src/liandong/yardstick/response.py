"""Response times of a table of incidents: alarm and arrival in two columns, as fire services publish them.

An incident without an arrival is still open and is censored at the newest moment of the table, as the
platform does with its own open orders.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from liandong.core.evaluate.shares import at, curve, share
from liandong.core.values.errors import BadInput

#: Tried in this order; the first that reads every filled cell of a column is used for it.
FORMATS = (
    "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S.%f%z", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d %H:%M:%S.%f", "%Y/%m/%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M", "%m/%d/%Y %I:%M:%S %p",
    "%d/%m/%Y %H:%M:%S", "%m/%d/%Y %H:%M:%S",
)  # fmt: skip
_SAID = 20


def score_response(path: Path, alarm: str, arrival: str, limit_s: float) -> dict[str, Any]:
    """Median, 90th percentile (both linear) and the share within the limit with its Wilson interval.

    Raises BadInput for a file that cannot be read, a column that is not there, or cells that no format
    reads. Rows whose arrival is before their alarm are left out, counted and named.
    """
    rows = list(_rows(path, (alarm, arrival)))
    starts = _moments(path, alarm, [row[alarm] for _, row in rows])
    ends = _moments(path, arrival, [row[arrival] for _, row in rows])
    known = [m for m in (*starts, *ends) if m is not None]
    if not known:
        raise BadInput("response.empty", path=path.name, column=alarm)
    newest = max(known)
    done: list[float] = []
    still_open: list[float] = []
    backwards: list[int] = []
    unstarted: list[int] = []
    for (line, _), start, end in zip(rows, starts, ends, strict=True):
        if start is None:
            unstarted.append(line)
        elif end is None:
            still_open.append((newest - start).total_seconds())
        elif end < start:
            backwards.append(line)
        else:
            done.append((end - start).total_seconds())
    return {
        "file": path.name, "rows": len(rows), "incidents": len(done), "open": len(still_open),
        "left_out": {
            "arrival_before_alarm": len(backwards), "no_alarm": len(unstarted),
            "lines": (backwards + unstarted)[:_SAID],
        },
        **_figures(done, still_open, limit_s),
    }  # fmt: skip


def _figures(done: list[float], still_open: list[float], limit_s: float) -> dict[str, Any]:
    # An open incident that is older than the limit is late already; a younger one says nothing yet.
    decided = len(done) + sum(seconds > limit_s for seconds in still_open)
    within = share(sum(seconds <= limit_s for seconds in done), decided)
    found = curve(done, still_open)
    exact = not still_open and bool(done)
    return {
        "median_s": float(np.median(done)) if exact else found.median,
        "p90_s": float(np.quantile(done, 0.9)) if exact else found.p90,
        "limit_s": limit_s,
        "within": {
            "hits": within.hits, "count": within.count, "share": within.share,
            "percent": None if within.share is None else round(100 * within.share, 2),
            "wilson95": [within.low, within.high],
        },
        "kaplan_meier": {
            "median_s": found.median, "p90_s": found.p90, "done_within_limit": at(found, limit_s),
            "censored": found.censored,
        },
    }  # fmt: skip


def _rows(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        text = path.read_bytes().decode("gb18030", "replace")
    except OSError as error:
        raise BadInput("response.unreadable", path=str(path), why=error.strerror or "") from error
    reader = csv.DictReader(text.splitlines(), restval="")
    for column in columns:
        if column not in (reader.fieldnames or ()):
            raise BadInput(
                "response.no_column", path=path.name, column=column, known=", ".join(reader.fieldnames or ())
            )
    for row in reader:
        yield reader.line_num, row


def _moments(path: Path, column: str, cells: list[str]) -> list[datetime | None]:
    """The column's moments, None where a cell is empty."""
    best: tuple[int, str] = (-1, "")
    for form in FORMATS:
        found: list[datetime | None] = []
        for cell in cells:
            try:
                found.append(datetime.strptime(cell.strip(), form) if cell.strip() else None)
            except ValueError:
                if len(found) > best[0]:
                    best = (len(found), cell)
                break
        else:
            return found
    raise BadInput("response.bad_time", path=path.name, column=column, line=best[0] + 2, value=best[1][:40])
