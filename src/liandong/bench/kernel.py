"""What a reading costs in detect: the kernel alone, with sorting, and through the shard operator.

Every figure is million readings per second on one core, the best of a few runs after a warm-up (compiling
and cold memory are left out); the data are seeded, so only the machine varies.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter, thread_time
from typing import Any

import msgspec
import numpy as np

from liandong.core.detect import Shard, kernel
from liandong.core.detect.statistics import make_memory
from liandong.core.values.lists import Mode, Statistic
from liandong.core.values.readings import ReadingBatch
from liandong.core.values.rules import ChannelRow, Rule, SourceTerms

SEED = 20_260_801
START = 1_767_225_600_000_000
SECOND = 1_000_000
RUNS = 5
CITY, PROVINCE = 30_000, 1_000_000  # channels
BATCH = 5_000
GROUP = 20  # channels in a shard group

Columns = tuple[Any, Any, Any, Any]


def run() -> dict[str, dict[str, Any]]:
    """Measure everything; name → million readings/s, readings, findings, budget, what is included."""
    city, province = by_channel(CITY, 300), by_channel(PROVINCE, 10)
    return {
        "kernel_sorted_30k": _sorted(CITY, city, 40.0),
        "kernel_sorted_30k_busy": _sorted(CITY, city, None, busy=True),
        "kernel_arrival_30k": _arrival(CITY, city),
        "kernel_shuffled_30k": _shuffled(CITY, city),
        "kernel_statistics_30k": _statistics(CITY, city),
        "kernel_sorted_1m": _sorted(PROVINCE, province, 15.0),
        "process_in_order": _process(lateness_s=0.0, swapped=0.0),
        "process_in_order_lateness_60s": _process(lateness_s=60.0, swapped=0.0),
        "process_one_percent_late": _process(lateness_s=60.0, swapped=0.01),
    }


def by_channel(channels: int, each: int) -> Columns:
    """Channel, time, value, quality sorted by (channel, time): one reading a second, about N(10, 5)."""
    rows = channels * each
    return (
        np.repeat(np.arange(channels, dtype=np.int32), each),
        np.tile(START + np.arange(each, dtype=np.int64) * SECOND, channels),
        np.random.default_rng(SEED).normal(10.0, 5.0, rows),
        np.zeros(rows, dtype=np.uint32),
    )


def limit(busy: bool = False) -> Rule:
    """Quiet: 1 reading in 740 exceeds 25. Busy: 1 in 6 exceeds 15, the worst for branch prediction."""
    raise_at, clear_at = (15.0, 12.0) if busy else (25.0, 20.0)
    return Rule(
        key="limit",
        version=1,
        hazard="gas_leak",
        severity="high",
        quantity="gas",
        raise_at=raise_at,
        clear_at=clear_at,
        hold_s=1.0 if busy else 0.0,
    )


def _sorted(channels: int, columns: Columns, budget: float | None, busy: bool = False) -> dict[str, Any]:
    def work() -> int:
        return _evaluate(channels, columns, busy)

    return _figure(
        work, len(columns[0]), budget, "evaluation with transitions; readings come sorted by channel and time"
    )


def kernel_seconds(channels: int, columns: Columns) -> float:
    """Seconds of the processor to evaluate a reading, sorted by channel and time: middle of a few runs."""
    spent = []
    for _ in range(RUNS + 1):
        slots = np.repeat(kernel.make_slots([limit()]), channels)
        offsets = np.arange(channels + 1)
        begin = thread_time()
        kernel.run(slots, offsets, *columns)
        spent.append(thread_time() - begin)
    return float(np.median(spent[1:])) / len(columns[0])


def _arrival(channels: int, columns: Columns) -> dict[str, Any]:
    order = np.argsort(columns[1], kind="stable")
    columns = tuple(column[order] for column in columns)  # type: ignore[assignment]  # as many as before
    return _figure(
        lambda: _evaluate(channels, columns),
        len(order),
        None,
        "evaluation in arrival order: channels interleaved, each channel's own order kept, no sorting",
    )


def _shuffled(channels: int, columns: Columns) -> dict[str, Any]:
    order = np.random.default_rng(SEED + 1).permutation(len(columns[0]))
    columns = tuple(column[order] for column in columns)  # type: ignore[assignment]  # as many as before
    return _figure(
        lambda: _evaluate(channels, kernel.arrange(*columns, channels)),
        len(order),
        6.0,
        "sorting wholly shuffled readings by channel and time, then evaluation",
    )


def _evaluate(channels: int, columns: Columns, busy: bool = False) -> int:
    slots = np.repeat(kernel.make_slots([limit(busy)]), channels)
    return len(kernel.run(slots, np.arange(channels + 1), *columns))


def _statistics(channels: int, columns: Columns) -> dict[str, Any]:
    """Three rules on every channel, none of them plain."""
    rules = [
        msgspec.structs.replace(
            limit(), key="rate", statistic=Statistic.RATE, window_s=60.0, raise_at=1.0, clear_at=0.5
        ),
        msgspec.structs.replace(
            limit(), key="zscore", statistic=Statistic.ZSCORE, window_s=60.0, raise_at=5.0, clear_at=3.0
        ),
        msgspec.structs.replace(
            limit(), key="offset", statistic=Statistic.OFFSET, baseline=10.0, raise_at=15.0, clear_at=10.0
        ),
    ]
    offsets = np.arange(channels + 1) * len(rules)
    of_slot = np.tile(np.arange(3, dtype=np.int32), channels)

    def work() -> int:
        slots, memory = kernel.make_slots(rules)[of_slot], make_memory(rules, of_slot)
        return len(kernel.run(slots, offsets, *columns, plain_to=offsets[:-1], memory=memory))

    return _figure(
        work, len(columns[0]), None,
        "three rules a channel: rate, z-score and offset; readings come sorted by channel and time",
    )  # fmt: skip


def _process(lateness_s: float, swapped: float) -> dict[str, Any]:
    batches = _batches(swapped)

    def work() -> int:
        shard = _shard(lateness_s)
        begin = perf_counter()
        said = sum(len(shard.process(batch, (0, n)).messages) for n, batch in enumerate(batches))
        spent.append(perf_counter() - begin)
        return said

    spent: list[float] = []
    return _figure(
        work,
        sum(map(len, batches)),
        3.0 if not swapped else None,
        f"Shard.process in batches of {BATCH:,} over {CITY:,} channels in groups of {GROUP}, lateness "
        f"{lateness_s:g} s, {swapped:.0%} of readings one second late: judging, window, provisional and "
        "settled evaluation, messages; without decoding, storing, making the shard",
        spent,
    )


def _shard(lateness_s: float) -> Shard:
    channels = [
        ChannelRow(
            number=n, key=f"channel:{n:06}", group=f"group:{n // GROUP:05}", source="source:a", quantity="gas"
        )
        for n in range(CITY)
    ]
    sources = [SourceTerms(key="source:a", lateness_s=lateness_s)]
    return Shard(channels, [limit()], sources, "city", Mode.TEST)


def _batches(swapped: float) -> list[ReadingBatch]:
    """Forty rounds over all channels, one a second, spread over the second; some arrive a second later."""
    rounds = 40
    rng = np.random.default_rng(SEED + 2)
    channel = np.tile(np.arange(CITY, dtype=np.int32), rounds)
    time = START + np.repeat(np.arange(rounds, dtype=np.int64) * SECOND, CITY) + channel * 33
    late = rng.random(len(channel)) < swapped
    order = np.argsort(time + late * (SECOND + 1), kind="stable")
    channel, time, value = channel[order], time[order], rng.normal(10.0, 5.0, len(order))
    return [
        ReadingBatch.from_columns(
            "source:a",
            channel=channel[i : i + BATCH],
            event_time=time[i : i + BATCH],
            arrival_time=time[i : i + BATCH],
            value=value[i : i + BATCH],
        )
        for i in range(0, len(channel), BATCH)
    ]


def _figure(
    work: Callable[[], int],
    readings: int,
    budget: float | None,
    included: str,
    spent: list[float] | None = None,
) -> dict[str, Any]:
    """Run `work` once cold and `RUNS` times; `spent` is where work itself keeps the time that counts."""
    times: list[float] = []
    for _ in range(RUNS + 1):
        begin = perf_counter()
        findings = work()
        times.append(perf_counter() - begin if spent is None else spent[-1])
    return {
        "million_per_s": round(readings / min(times[1:]) / 1e6, 2),
        "median_million_per_s": round(readings / float(np.median(times[1:])) / 1e6, 2),
        "readings": readings,
        "messages": findings,
        "budget": budget,
        "included": included,
    }
