"""领域包 The pack contract: what a domain knows, as rows, and how a city is equipped with it.

A pack is a folder of rows (docs/howto/write-a-pack.md). Numbers from a standard are data with their
source and how far they were checked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum

import msgspec

from liandong.core.values.cascade import Cascade
from liandong.core.values.city import PackUse, Quantity
from liandong.core.values.dataset import CityFolder
from liandong.core.values.errors import BadInput, NotFound
from liandong.core.values.lists import Statistic, Trust
from liandong.core.values.rows import EscalationRow, GradingRow, PauseRow, RoleRow, StepRow
from liandong.core.values.rules import Rule

#: What a hazard model is: named facts in, a number of the unit it declares out.
Model = Callable[[Mapping[str, float]], float]


class Maturity(StrEnum):
    """How far a pack has come; only a live one may tell anybody."""

    DRAFT = "draft"
    SHADOW = "shadow"
    LIVE = "live"


class Standard(msgspec.Struct, frozen=True, kw_only=True):
    """A standard that the pack's rows come from; `trust` says whether its text was read."""

    key: str  #: number with year, `GB/T 50493-2019`
    title: str
    trust: Trust = Trust.UNVERIFIED
    valid_from: str = ""  #: ISO date
    valid_to: str = ""
    replaced_by: str = ""


class Hazard(msgspec.Struct, frozen=True, kw_only=True):
    """What may go wrong, where it is defined, and what is needed to say so."""

    id: str
    defined_for: tuple[str, ...]  #: kinds of asset, `*` for any
    needs: tuple[str, ...] = ()  #: quantities that its rules look at, and facts that its model reads
    model: str = ""  #: name in the pack's `hazards.py`, empty where rows are enough
    unit: str = ""  #: of what the model gives
    basis: str = ""  #: clause, table, page; `check pack` refuses an empty one
    trust: Trust = Trust.UNVERIFIED
    verified: bool = False  #: the model was compared with numbers that are not our own


class Condensed(msgspec.Struct, frozen=True, kw_only=True):
    """How windows of a fast quantity become readings of a slow one."""

    quantity: str  #: the slow one
    fast: str
    reducer: str  #: as in a channel's row, `mean@10`


class Learned(msgspec.Struct, frozen=True, kw_only=True):
    """How the limit of one point is learned from its reference readings.

    The inner 96 % of the reference is the envelope. Its middle is the baseline and half its width the
    scale: so many times (`factor`) the scale, but at least `floor`, is the distance that raises.
    """

    key: str  #: key of the rule; a learned row is `key@channel`
    version: int = 1
    quantity: str
    factor: float
    clear_factor: float
    floor: float  #: canonical unit
    hold_s: float = 0.0
    clear_hold_s: float = 0.0
    hazard: str
    severity: str
    basis: str
    trust: Trust = Trust.UNVERIFIED


class Baseline(msgspec.Struct, frozen=True, kw_only=True):
    """What was learned at one point: the envelope of its reference readings since one zero setting."""

    structure: str = ""
    point: str  #: name of the column or channel
    quantity: str
    epoch: str  #: ISO day of the reference; holds until the next one of the point
    low: float  #: 2 % quantile of its readings, canonical unit
    high: float  #: 98 % quantile
    readings: int  #: how many it was learned from
    source: str  #: files and where they come from
    trust: Trust = Trust.KNOWN

    @property
    def middle(self) -> float:
        """The level from which is measured."""
        return (self.low + self.high) / 2

    @property
    def half(self) -> float:
        """Half the width of the envelope."""
        return (self.high - self.low) / 2


class Playbook(msgspec.Struct, frozen=True, kw_only=True):
    """Default rows of a mechanism, for whoever drafts one. No city runs them unapproved."""

    grading: tuple[GradingRow, ...] = ()
    roles: tuple[RoleRow, ...] = ()
    steps: tuple[StepRow, ...] = ()
    escalations: tuple[EscalationRow, ...] = ()
    pauses: tuple[PauseRow, ...] = ()


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """A finding that a sample must give; moments as written in its table."""

    rule: str
    channel: str
    onset: str
    raised: str
    ended: str = ""  #: empty while it is open


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """Readings in arrival order and what they must give."""

    name: str
    kind: str  #: positive, negative or dirty
    readings: tuple[tuple[str, str, str, str, str], ...]  #: time, channel, quantity, value, kind of asset
    expected: tuple[Expected, ...]


class ModelSample(msgspec.Struct, frozen=True, kw_only=True):
    """Facts and the number that a hazard's model must make of them."""

    hazard: str
    facts: tuple[tuple[str, float], ...]
    expected: float
    tolerance: float
    source: str


class Pack(msgspec.Struct, frozen=True, kw_only=True):
    """What a domain knows, and how far it is trusted."""

    id: str
    title_zh: str
    title_en: str
    version: str
    maturity: Maturity
    owners: tuple[str, ...] = ()
    standards: tuple[Standard, ...] = ()
    quantities: tuple[Quantity, ...] = ()
    rules: tuple[Rule, ...] = ()
    hazards: tuple[Hazard, ...] = ()
    cascades: tuple[Cascade, ...] = ()
    condensed: tuple[Condensed, ...] = ()
    learned: tuple[Learned, ...] = ()
    baselines: tuple[Baseline, ...] = ()
    playbook: Playbook = Playbook()
    strings: Mapping[str, Mapping[str, str]] = {}  #: language → key → words
    samples: tuple[Sample, ...] = ()
    model_samples: tuple[ModelSample, ...] = ()


def equip(folder: CityFolder, packs: Mapping[str, Pack]) -> CityFolder:
    """The folder with the quantities and rules of the packs that its city uses.

    A city's own row of the same key wins (`own_rows` names them); of two packs the one used first.
    Rules of a pack that is not live, or that the city runs in shadow, tell nobody. Raises
    NotFound("pack.unknown") for a pack that is not installed, and BadInput("pack.quantity_unused") where a
    channel has a quantity that neither the city nor one of its packs knows.
    """
    quantities = {row.key: row for row in folder.city.quantities}
    rules = {row.key: row for row in folder.rules}
    cascades = list(folder.city.cascades)
    for use in folder.city.packs:
        pack = _pack_of(use, packs)
        shadow = Maturity.SHADOW in (use.maturity, pack.maturity) or pack.maturity == Maturity.DRAFT
        for quantity in pack.quantities:
            quantities.setdefault(quantity.key, quantity)
        for rule in pack.rules:
            made = msgspec.structs.replace(rule, pack=pack.id, shadow=shadow or rule.shadow)
            rules.setdefault(rule.key, made)
        if not shadow:
            cascades += [row for row in pack.cascades if row not in cascades]
    for channel in folder.city.channels:
        if channel.quantity not in quantities:
            raise BadInput("pack.quantity_unused", channel=channel.key, quantity=channel.quantity)
    city = msgspec.structs.replace(
        folder.city, quantities=tuple(quantities.values()), cascades=tuple(cascades)
    )
    return msgspec.structs.replace(folder, city=city, rules=tuple(rules.values()))


def own_rows(folder: CityFolder, packs: Mapping[str, Pack]) -> tuple[str, ...]:
    """Keys of a city's own rows that stand in place of a pack's, where they say something else."""
    mine = {row.key: row for row in folder.city.quantities}
    own = {row.key: row for row in folder.rules}
    kept = []
    for use in folder.city.packs:
        pack = _pack_of(use, packs)
        kept += [row.key for row in pack.quantities if mine.get(row.key, row) != row]
        kept += [row.key for row in pack.rules if row.key in own and _numbers(own[row.key]) != _numbers(row)]
    return tuple(sorted(set(kept)))


def _numbers(rule: Rule) -> Rule:
    return msgspec.structs.replace(rule, pack="", shadow=False)


def _pack_of(use: PackUse, packs: Mapping[str, Pack]) -> Pack:
    if use.pack not in packs:
        raise NotFound("pack.unknown", pack=use.pack, known=", ".join(sorted(packs)) or "-")
    return packs[use.pack]


def baseline_for(baselines: Iterable[Baseline], point: str, quantity: str, day: str) -> Baseline | None:
    """The baseline of a point on an ISO day: the newest not after it, else the first after it."""
    mine = sorted(
        (row for row in baselines if (row.point, row.quantity) == (point, quantity)),
        key=lambda row: row.epoch,
    )
    before = [row for row in mine if row.epoch <= day]
    return before[-1] if before else mine[0] if mine else None


def rule_of(learned: Learned, baseline: Baseline, channel: str) -> Rule:
    """The limit of one point: how far its condensed readings may lie from the middle of the reference."""
    scale = max(baseline.half, learned.floor / learned.factor)
    return Rule(
        key=f"{learned.key}@{channel}",
        version=learned.version,
        hazard=learned.hazard,
        severity=learned.severity,
        quantity=learned.quantity,
        channel=channel,
        statistic=Statistic.OFFSET,
        baseline=baseline.middle,
        raise_at=learned.factor * scale,
        clear_at=learned.clear_factor * scale,
        hold_s=learned.hold_s,
        clear_hold_s=learned.clear_hold_s,
        basis=f"{learned.basis}; {baseline.source}",
        trust=learned.trust,
    )
