"""A detector as a row: what to look at, when to raise, when to clear, and who says so."""

from __future__ import annotations

import msgspec

from liandong.core.values.lists import Statistic, Trust
from liandong.core.values.times import SECOND


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One limit with hysteresis and hold on every channel of one quantity, or on one channel of it.

    `raise_at` and `clear_at` are in the unit of the statistic: the quantity's canonical unit for `value`
    and `offset`, that unit per second for `rate`, a plain number for `zscore`. With `above` the rule raises
    at value >= raise_at and clears at value < clear_at; without it, at <= and >.
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
    baseline: float = 0.0  #: level from which `offset` measures, canonical unit
    floor: float = 0.0  #: least spread that `zscore` divides by, canonical unit; the instrument's resolution
    pack: str = ""  #: domain pack the row comes from; empty = the city's own
    shadow: bool = False  #: runs and is scored, but nobody is told
    basis: str = ""  #: standard, clause, page; or who set it
    trust: Trust = Trust.UNVERIFIED

    def __post_init__(self) -> None:
        if not (self.clear_at <= self.raise_at if self.above else self.clear_at >= self.raise_at):
            raise ValueError(
                f"rule {self.key}: clear_at {self.clear_at} lies beyond raise_at {self.raise_at}"
            )
        if self.hold_s < 0 or self.clear_hold_s < 0:
            raise ValueError(f"rule {self.key}: a hold cannot be negative")
        if self.statistic in (Statistic.RATE, Statistic.ZSCORE) and not self.window_s > 0:
            raise ValueError(f"rule {self.key}: {self.statistic} needs a window_s above 0")
        if self.window_s < 0 or self.floor < 0:
            raise ValueError(f"rule {self.key}: window_s and floor cannot be negative")
        if self.statistic is Statistic.OFFSET and not self.above:
            raise ValueError(f"rule {self.key}: offset is a distance, which is dangerous above its limit")

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
