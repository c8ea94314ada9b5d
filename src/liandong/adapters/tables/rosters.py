"""What is wrong with a roster's rows among themselves: two on one watch, a swap that is none."""

from __future__ import annotations

from liandong.adapters.tables.sheets import Line, bad
from liandong.core.values.errors import BadInput
from liandong.core.values.roster import Duty, Swap
from liandong.core.values.roster_index import RosterIndex
from liandong.core.values.times import format_time


def check_rosters(lines: dict[str, list[Line]], errors: list[BadInput]) -> None:
    """Add an error for every duty that another one overlaps, and for every swap that cannot be applied."""
    _overlaps(lines["duties"], errors)
    _swaps(lines, errors)


def _overlaps(lines: list[Line], errors: list[BadInput]) -> None:
    """Of one watch of a post nobody can say who is on duty while two rows claim it."""
    good = [line for line in lines if line.good]
    ordered = sorted(good, key=lambda line: (*_watch(line), line.values["start"], line.row))
    latest: Line | None = None
    for line in ordered:
        same = latest is not None and _watch(latest) == _watch(line)
        if same and latest is not None and line.values["start"] < latest.values["end"]:
            errors.append(
                bad(
                    "city.duties_overlap",
                    "duties.csv",
                    line.row,
                    "start",
                    line.text("post"),
                    other=latest.row,
                )
            )
        # The one that ends last is what the next row may run into.
        if latest is None or not same or line.values["end"] > latest.values["end"]:
            latest = line


def _watch(line: Line) -> tuple[str, str]:
    return line.text("post"), line.text("watch")


def _swaps(lines: dict[str, list[Line]], errors: list[BadInput]) -> None:
    """A swap is signed by the two whom it concerns, and the duty it names was the giver's."""
    duties = [Duty(**line.values) for line in lines["duties"] if line.good]
    good = [(line, Swap(**line.values)) for line in lines["swaps"] if line.good]
    idle = set(RosterIndex(duties=duties, swaps=[swap for _, swap in good]).idle)
    for line, swap in good:
        if not swap.signed:
            errors.append(
                bad(
                    "city.swap_unsigned", "swaps.csv", line.row, "agreed_by", swap.agreed_by, giver=swap.giver
                )
            )
        elif swap in idle:
            start = format_time(swap.start)
            errors.append(bad("city.swap_idle", "swaps.csv", line.row, "start", start, giver=swap.giver))
