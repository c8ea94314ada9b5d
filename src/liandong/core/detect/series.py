"""Rules over whole series: for samples, replay and scoring. The same shard operator does the work."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
import numpy.typing as npt

from liandong.core.detect.kernel import NEVER
from liandong.core.detect.scorers import SCORERS, Kind
from liandong.core.detect.shard import Shard
from liandong.core.values.findings import FindingMessage, FindingSettled
from liandong.core.values.lists import FindingPart, Mode, Statistic
from liandong.core.values.readings import ReadingBatch
from liandong.core.values.rules import ChannelRow, Rule, SourceTerms
from liandong.core.values.times import LATEST, SECOND

Times = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]
_SOURCE = "series"


@dataclass(frozen=True, slots=True)
class Raised:
    """One settled finding; moments are microseconds, `ended` and `peak` None where it is still open."""

    rule: str
    channel: str
    onset: int
    raised: int
    value: float
    ended: int | None
    peak: float | None


def raises(rule: Rule, times_us: Sequence[int] | Times, values: Sequence[float] | Values) -> list[int]:
    """The moments (microseconds) at which a rule raises on one series in order of time.

    The rule's own quantity, channel and asset kind do not matter here. Values that are not numbers are
    skipped; of several values at one time one counts, as in the shard.
    """
    row = ChannelRow(
        number=0, key=rule.channel, group="series", source=_SOURCE, quantity=rule.quantity,
        asset_kind=rule.asset_kind,
    )  # fmt: skip
    shard = series_shard([row], [rule])
    batch = ReadingBatch.from_columns(
        _SOURCE, channel=np.zeros(len(times_us), np.int32), event_time=times_us, value=values
    )
    return [found.raised for found in settle(shard, [batch])]


def series_shard(
    channels: Sequence[ChannelRow],
    rules: Sequence[Rule],
    lateness_s: float = 0.0,
    kinds: Mapping[str, Kind] = SCORERS,
) -> Shard:
    """A shard of its own, in replay mode, whose channels all come from one source."""
    terms = (SourceTerms(key=_SOURCE, lateness_s=lateness_s),)
    rows = [msgspec.structs.replace(row, source=_SOURCE) for row in channels]
    return Shard(rows, rules, terms, "series", Mode.REPLAY, kinds)


def settle(shard: Shard, batches: Iterable[ReadingBatch]) -> list[Raised]:
    """Take all batches and let everything settle: the findings by (raised, channel, rule).

    Time ends with the newest reading: that a series stops is no silence.
    """
    said: list[FindingMessage] = []
    newest = NEVER
    for row, batch in enumerate(batches):
        said += shard.process(batch, (0, row)).messages
        newest = max(newest, int(batch.event_time[batch.event_time <= LATEST].max(initial=NEVER)))
    said += shard.advance(_SOURCE, newest + 1, (1, 0)).messages
    found: dict[str, FindingSettled] = {}
    for message in said:
        if isinstance(message, FindingSettled) and (
            message.part is FindingPart.END or message.id not in found
        ):
            found[message.id] = message
    rows = [Raised(m.rule, m.channel, m.onset, m.raised, m.value, m.ended, m.peak) for m in found.values()]
    return sorted(rows, key=lambda row: (row.raised, row.channel, row.rule))


# --- detectors by name, with numbers learned from a quiet stretch of the series ------------------------


def _rule(statistic: Statistic, raise_at: float, clear_at: float, **more: float) -> Rule:
    return Rule(
        key=f"series.{statistic}", version=1, hazard="anomaly", severity="medium", quantity="series",
        statistic=statistic, raise_at=raise_at, clear_at=clear_at, basis="learned from the series' beginning",
        **more,  # type: ignore[arg-type]  # numbers of Rule only
    )  # fmt: skip


def _usual(values: Values) -> tuple[float, float]:
    """Median and robust spread (1.4826 · median absolute deviation), never 0."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return 0.0, 1.0
    middle = float(np.median(finite))
    spread = 1.4826 * float(np.median(np.abs(finite - middle)))
    return middle, spread or float(np.std(finite)) or max(abs(middle), 1.0) * 1e-6


def _step_s(times_us: Times) -> float:
    """The usual time between readings, seconds."""
    return float(np.median(np.diff(times_us))) / SECOND if len(times_us) > 1 else 1.0


def _echo_s(times_us: Times) -> float:
    """How long the series must be quiet before what comes next is something new: a quarter of the stretch."""
    return float(times_us[-1] - times_us[0]) / SECOND / 4 if len(times_us) > 1 else 0.0


def _beyond(deviations: Values, spread: float) -> float:
    """Half as far again as the worst of the quiet stretch, and at least six robust spreads."""
    finite = deviations[np.isfinite(deviations)]
    return max(1.5 * float(finite.max()) if len(finite) else 0.0, 6 * spread)


def threshold_above(times_us: Times, values: Values) -> Rule:
    """A fixed limit above the median, beyond all that the quiet stretch has shown."""
    middle, spread = _usual(values)
    limit = _beyond(values - middle, spread)
    return _rule(Statistic.VALUE, middle + limit, middle + limit / 2, clear_hold_s=_echo_s(times_us))


def offset(times_us: Times, values: Values) -> Rule:
    """The same to either side of the median."""
    middle, spread = _usual(values)
    limit = _beyond(np.abs(values - middle), spread)
    return _rule(Statistic.OFFSET, limit, limit / 2, baseline=middle, clear_hold_s=_echo_s(times_us))


def rate(times_us: Times, values: Values) -> Rule:
    """A rise over four readings, steeper than any of the quiet stretch."""
    window = 4 * _step_s(times_us)
    rises = (values[4:] - values[:-4]) / window if len(values) > 4 else np.zeros(1)
    _, spread = _usual(rises)
    limit = _beyond(rises, spread)
    return _rule(Statistic.RATE, limit, limit / 2, window_s=window, clear_hold_s=_echo_s(times_us))


def zscore(times_us: Times, values: Values) -> Rule:
    """Eight standard deviations above a forgetting mean of 200 readings."""
    _, spread = _usual(values)
    return _rule(
        Statistic.ZSCORE, 8.0, 4.0, window_s=200 * _step_s(times_us), floor=0.1 * spread,
        clear_hold_s=_echo_s(times_us),
    )  # fmt: skip


#: Built-in detectors: (times, values) of a stretch taken as normal → the rule for the series.
DETECTORS: dict[str, Callable[[Times, Values], Rule]] = {
    "threshold": threshold_above,
    "offset": offset,
    "rate": rate,
    "zscore": zscore,
}
