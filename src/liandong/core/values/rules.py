"""A detector as a row: what to look at, when to raise, when to clear, and who says so."""

from __future__ import annotations

import math
from collections.abc import Iterator

import msgspec

from liandong.core.values.lists import OnSilence, Statistic, Trust
from liandong.core.values.times import SECOND

#: Statistics that look back over `window_s`, or forget with that time constant.
SPANNED = frozenset(
    {
        Statistic.RATE, Statistic.ZSCORE, Statistic.EWMA, Statistic.MEAN, Statistic.SUM, Statistic.STD,
        Statistic.RANGE, Statistic.ROBUST_Z, Statistic.OUT_OF_RANGE,
    }
)  # fmt: skip
#: Statistics that are a distance or a duration: dangerous above their limit only.
UPWARD = frozenset({Statistic.OFFSET, Statistic.FLAT, Statistic.STALE, Statistic.OUT_OF_RANGE})

NOT_NEGATIVE = ("hold_s", "clear_hold_s", "window_s", "floor", "slack", "silence_s")


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One limit with hysteresis and hold on every channel of one quantity, or on one channel of it.

    `raise_at` and `clear_at` are in the unit of the statistic (docs/reference/detectors.md). With `above`
    the rule raises at value >= raise_at and clears at value < clear_at; without it, at <= and >.
    """

    key: str  #: stable; part of the finding's id
    version: int  #: raised with every change of numbers
    hazard: str  #: what a finding of this rule may mean, e.g. `gas_leak`
    severity: str  #: code on the severity scale
    quantity: str  #: quantity slug, e.g. `ch4_lel`
    above: bool = True  #: direction
    raise_at: float
    clear_at: float
    hold_s: float = 0.0  #: the condition must hold this long in event time before it raises
    clear_hold_s: float = 0.0  #: and this long before it clears
    asset_kind: str = "*"  #: limit to assets of this kind
    channel: str = "*"  #: limit to one channel, for limits per structure and point
    statistic: Statistic = Statistic.VALUE  #: what of the readings is compared with the limits
    window_s: float = 0.0  #: span of the statistic, seconds of event time; its meaning is the statistic's
    baseline: float = 0.0  #: level from which `offset`, `ewma` and `cusum` measure, canonical unit
    floor: float = 0.0  #: least spread to divide by, or change that counts as none; canonical unit
    slack: float = 0.0  #: what `cusum` forgives of every reading's distance from the baseline
    utc_offset_h: float = 8.0  #: local time less UTC, for `seasonal`; there is no summer time in it
    on_silence: OnSilence = OnSilence.HOLD  #: what a silent channel does to the condition
    silence_s: float = 0.0  #: seconds without a reading after which the channel counts as silent
    scorer: str = ""  #: name of the function whose result `score` is
    members: tuple[str, ...] = ()  #: channels or quantities of the group that it sees; empty: this quantity
    params: str = ""  #: its numbers, `name=number`, `name=1,2,3`, parted by `;`
    pack: str = ""  #: domain pack the row comes from; empty = the city's own
    shadow: bool = False  #: runs and is scored, but nobody is told
    false_budget: float = 0.0  #: share of false alarms from which the rule goes back to shadow; 0 = none
    basis: str = ""  #: standard, clause, page; or who set it
    trust: Trust = Trust.UNVERIFIED

    def __post_init__(self) -> None:
        if not (self.clear_at <= self.raise_at if self.above else self.clear_at >= self.raise_at):
            raise ValueError(
                f"rule {self.key}: clear_at {self.clear_at} lies beyond raise_at {self.raise_at}"
            )
        for name in NOT_NEGATIVE:
            if getattr(self, name) < 0:
                raise ValueError(f"rule {self.key}: {name} cannot be negative")
        if not 0 <= self.false_budget < 1:
            raise ValueError(f"rule {self.key}: false_budget is a share below 1")
        wrong = next(self._wrong(), "")
        if wrong:
            raise ValueError(f"rule {self.key}: {wrong}")

    def _wrong(self) -> Iterator[str]:
        """What contradicts the statistic, in words, worst first."""
        if self.statistic in SPANNED and not self.window_s > 0:
            yield f"{self.statistic} needs a window_s above 0"
        if self.statistic in UPWARD and not self.above:
            yield f"{self.statistic} is dangerous above its limit only"
        if self.statistic is Statistic.CUSUM and not (self.raise_at > 0 if self.above else self.raise_at < 0):
            yield "cusum counts up with above and down without it, so raise_at has that sign"
        if self.statistic is Statistic.STALE and not self.raise_at > 0:
            yield "stale needs the seconds of silence in raise_at"
        if self.statistic is Statistic.STALE and self.on_silence is not OnSilence.HOLD:
            yield "stale is about silence itself, so on_silence stays hold"
        if (self.on_silence is OnSilence.HOLD) is not (self.silence_s == 0):
            yield "on_silence clear or unknown goes with a silence_s above 0, hold without"
        if not abs(self.utc_offset_h) <= 14:
            yield "utc_offset_h lies within 14 hours"
        if (self.statistic is Statistic.SCORE) is not bool(self.scorer):
            yield "statistic score and the name of a scorer go together"
        if self.statistic is Statistic.SCORE and self.on_silence is OnSilence.CLEAR:
            yield "a score has no single channel whose silence could clear it"
        try:
            self.numbers()
        except ValueError:
            yield f"params are name=number, parted by ';', not {self.params!r}"

    def numbers(self) -> dict[str, tuple[float, ...]]:
        """`params` as name → numbers. Raises ValueError where it cannot be read."""
        found: dict[str, tuple[float, ...]] = {}
        for part in filter(None, (part.strip() for part in self.params.split(";"))):
            name, sign, numbers = part.partition("=")
            values = tuple(float(number) for number in numbers.split(","))
            if not (sign and name.strip()) or name.strip() in found or not all(map(math.isfinite, values)):
                raise ValueError(part)
            found[name.strip()] = values
        return found

    @property
    def hold_us(self) -> int:
        """Hold in microseconds."""
        return round(self.hold_s * SECOND)

    @property
    def clear_hold_us(self) -> int:
        """Clear hold in microseconds."""
        return round(self.clear_hold_s * SECOND)

    @property
    def window_us(self) -> int:
        """Span of the statistic in microseconds."""
        return round(self.window_s * SECOND)

    @property
    def silence_us(self) -> int:
        """Silence after which the channel counts as silent, in microseconds."""
        return round(self.silence_s * SECOND)


class ChannelRow(msgspec.Struct, frozen=True, kw_only=True):
    """What detect knows of a channel: its number, slug, shard group, source, quantity, asset kind."""

    number: int  #: int32 within the registry; never reused
    key: str
    group: str
    source: str
    quantity: str
    asset_kind: str = ""
    low: float | None = None  #: physical range; outside it is flagged OUT_OF_RANGE and not evaluated
    high: float | None = None
    unit: str = ""  #: the quantity's; what is inside
    gas: str = ""  #: which gas the quantity measures, where a unit depends on it
    factor: float = 1.0  #: inside = sent · factor + offset
    offset: float = 0.0


class SourceTerms(msgspec.Struct, frozen=True, kw_only=True):
    """How a source sends: how late it may be, and after how long silence its watermark moves by ticks."""

    key: str
    lateness_s: float = 0.0
    idle_s: float = 600.0
    revision: int = 0  #: higher wins where two values meet at one channel and time

    @property
    def lateness_us(self) -> int:
        """Allowed lateness in microseconds."""
        return round(self.lateness_s * SECOND)

    @property
    def idle_us(self) -> int:
        """Silence after which ticks advance the watermark, in microseconds."""
        return round(self.idle_s * SECOND)
