"""Rules over stored readings, months at a time: (partition × month) cells, each kept when it is done.

The same shard operator as live does the work. A cell begins with the detector's state at the end of the
month before, so cells of one partition run one after the other and partitions beside each other, in
processes. What a cell found and the state it left are written aside and renamed: a run that was killed
goes on with the cell it was in. All is a counterfactual in mode `replay`: readings come in order of
their time, so that what was too late then counts here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from liandong.app.ports import Archive
from liandong.core.detect.layout import partition_of
from liandong.core.detect.scorers import Kind
from liandong.core.detect.shard import Shard
from liandong.core.values.canonical import canonical_bytes, sha256
from liandong.core.values.findings import FindingMessage, FindingSettled
from liandong.core.values.lists import FindingPart, Mode
from liandong.core.values.readings import ReadingBatch
from liandong.core.values.rules import ChannelRow, Rule, SourceTerms
from liandong.core.values.times import DAY, to_datetime, to_micros

_SOURCE = "history"
#: Rows read at once; a stretch is chosen so long that it holds about so many.
_ROWS = 2_000_000
#: Rows given to the shard at once.
_BATCH = 100_000
#: No stored reading is evaluated twice, so a source needs no ticks.
_IDLE_S = 1e9


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """One finding of a cell; `ended` None while it was open at the end of the cell."""

    id: str
    rule: str
    channel: str
    onset: int
    raised: int
    value: float
    ended: int | None = None
    peak: float | None = None


class Cell(NamedTuple):
    """One partition in one month (UTC)."""

    partition: int
    month: str
    start: int
    end: int
    before: str  #: month of the cell before it, empty for the first


class CellDone(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of a cell."""

    digest: str
    rows: int
    found: tuple[Settled, ...]


@dataclass(frozen=True)
class Plan:
    """A run over history; `archive` opens the readings in whatever process asks."""

    channels: tuple[ChannelRow, ...]
    rules: tuple[Rule, ...]
    city: str
    start: int  #: microseconds, the first moment
    end: int  #: the moment after the last
    work: Path  #: folder for what is done
    archive: Callable[[], Archive]
    kinds: Callable[[], Mapping[str, Kind]] = dict  #: scorers that rules over groups may name
    _open: list[Archive] = field(default_factory=list, repr=False, compare=False)

    def digest(self) -> str:
        """Of everything that a cell's result depends on, but for the readings themselves."""
        rows = [self.channels, self.rules, self.city, self.start, self.end]
        return sha256(canonical_bytes(msgspec.to_builtins(rows, str_keys=True)))[:32]


def cells_of(plan: Plan) -> dict[int, list[Cell]]:
    """Partition → its cells in order, for partitions that hold a channel."""
    months = list(_months(plan.start, plan.end))
    partitions = sorted({partition_of(row.group) for row in plan.channels})
    before = ["", *(name for name, _, _ in months)]
    return {
        p: [Cell(p, *month, name) for month, name in zip(months, before, strict=False)] for p in partitions
    }


def _months(start: int, end: int) -> Iterator[tuple[str, int, int]]:
    at = start
    while at < end:
        day = to_datetime(at)
        following = datetime(day.year + day.month // 12, day.month % 12 + 1, 1, tzinfo=UTC)
        until = min(int(to_micros(following)), end)
        yield f"{day.year:04d}-{day.month:02d}", at, until
        at = until


def run_history(
    plan: Plan, jobs: int, progress: Callable[[int, int], None] = lambda done, total: None
) -> tuple[list[Settled], int]:
    """All findings by (raised, channel, rule), and how many rows were read. Resumes what is half done."""
    plan.work.mkdir(parents=True, exist_ok=True)
    chains = cells_of(plan)
    total, done = sum(len(cells) for cells in chains.values()), 0
    results: list[CellDone] = []
    progress(done, total)
    if jobs <= 1:
        for cells in chains.values():
            for cell in cells:
                results.append(run_cell(plan, cell))
                done += 1
                progress(done, total)
    else:
        for result in _in_processes(plan, chains, jobs):
            results.append(result)
            done += 1
            progress(done, total)
    newest: dict[str, Settled] = {}
    for result in results:  # in order of months within a partition, so a later end replaces an open one
        newest.update({one.id: one for one in result.found})
    found = sorted(newest.values(), key=lambda one: (one.raised, one.channel, one.rule))
    return found, sum(result.rows for result in results)


def _in_processes(plan: Plan, chains: dict[int, list[Cell]], jobs: int) -> Iterator[CellDone]:
    """One cell of each partition at a time; the next one is given out when it is done."""
    left = {partition: iter(cells) for partition, cells in chains.items()}
    with ProcessPoolExecutor(
        jobs, mp_context=get_context("spawn"), initializer=_remember, initargs=(plan,)
    ) as pool:
        running: dict[Future[CellDone], int] = {}
        for partition, cells in left.items():
            running[pool.submit(_work, next(cells))] = partition
        while running:
            ready, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in ready:
                partition = running.pop(future)
                yield future.result()
                following = next(left[partition], None)
                if following is not None:
                    running[pool.submit(_work, following)] = partition


_plan: list[Plan] = []


def _remember(plan: Plan) -> None:
    _plan[:] = [plan]


def _work(cell: Cell) -> CellDone:
    return run_cell(_plan[0], cell)


def run_cell(plan: Plan, cell: Cell) -> CellDone:
    """One cell, or what is kept of it from a run before."""
    digest = plan.digest()
    place = plan.work / f"{cell.partition:03d}-{cell.month}.json"
    kept = _kept(place, digest)
    if kept is not None:
        return kept
    rows = tuple(
        msgspec.structs.replace(row, source=_SOURCE)
        for row in plan.channels
        if partition_of(row.group) == cell.partition
    )
    terms = (SourceTerms(key=_SOURCE, idle_s=_IDLE_S),)
    shard = Shard(rows, plan.rules, terms, plan.city, Mode.REPLAY, plan.kinds())
    before = plan.work / f"{cell.partition:03d}-{cell.before}.state"
    if cell.before:
        shard.restore(before.read_bytes())
    count, said = _fold(shard, plan, cell)
    done = CellDone(digest=digest, rows=count, found=tuple(_settled(said)))
    # The state goes first, or a cell marked done might not have what the next one begins with.
    _write(place.with_suffix(".state"), shard.dump())
    _write(place, msgspec.json.encode(done))
    before.unlink(missing_ok=True)
    return done


def _kept(place: Path, digest: str) -> CellDone | None:
    try:
        done = msgspec.json.decode(place.read_bytes(), type=CellDone)
    except (FileNotFoundError, msgspec.MsgspecError):
        return None
    return done if done.digest == digest else None


def _fold(shard: Shard, plan: Plan, cell: Cell) -> tuple[int, list[FindingMessage]]:
    if not plan._open:
        plan._open.append(plan.archive())
    numbers = [row.number for row in shard.channels]
    said: list[FindingMessage] = []
    count, at, span, row = 0, cell.start, DAY, 0
    while at < cell.end:
        until = min(at + span, cell.end)
        columns = plan._open[0].rows(numbers, at, until)
        size = len(columns["number"])
        order = np.argsort(columns["event_time"], kind="stable")
        for first in range(0, size, _BATCH):
            part = order[first : first + _BATCH]
            batch = ReadingBatch.from_columns(
                _SOURCE, channel=columns["number"][part].astype(np.int32),
                event_time=columns["event_time"][part].astype(np.int64), value=columns["value"][part],
                quality=columns["quality"][part].astype(np.uint32),
            )  # fmt: skip
            said += shard.process(batch, (1, row)).messages
            row += 1
        count += size
        span = DAY * max(1, min(31, _ROWS * (span // DAY) // max(size, 1)))
        at = until
    said += shard.advance(_SOURCE, cell.end, (2, row)).messages
    return count, said


def _settled(said: Sequence[FindingMessage]) -> list[Settled]:
    found: dict[str, Settled] = {}
    for message in said:
        if isinstance(message, FindingSettled) and (
            message.part is FindingPart.END or message.id not in found
        ):
            found[message.id] = Settled(
                id=message.id, rule=message.rule, channel=message.channel, onset=message.onset,
                raised=message.raised, value=message.value, ended=message.ended, peak=message.peak,
            )  # fmt: skip
    return list(found.values())


def _write(place: Path, data: bytes) -> None:
    aside = place.with_name(place.name + ".new")
    aside.write_bytes(data)
    aside.replace(place)
