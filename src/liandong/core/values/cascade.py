"""级联: what a hazard at one asset does to a hazard at another, along the city's relations."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from enum import StrEnum

import msgspec

from liandong.core.values.lists import RelationKind, Trust


class Effect(StrEnum):
    """What a finding on one asset does to another hazard nearby."""

    RAISES = "raises"
    MUTES = "mutes"


class Cascade(msgspec.Struct, frozen=True, kw_only=True):
    """This hazard on this kind of asset raises or mutes that one along a relation."""

    hazard: str
    asset_kind: str = "*"
    relation: RelationKind
    outward: bool = True  #: from the asset along the relation; otherwise against it
    effect: Effect
    then: str  #: hazard at the other end
    basis: str
    trust: Trust = Trust.UNVERIFIED


class Cause(msgspec.Struct, frozen=True, kw_only=True):
    """What may lie behind a risk: the grouping of the other risk, and the row that says so."""

    grouping: str  #: hazard|asset
    effect: Effect
    basis: str


class Topology:
    """Causes of risks by rows and relations; which assets may have to do with each other at all."""

    def __init__(
        self,
        cascades: Iterable[Cascade],
        relations: Iterable[tuple[str, RelationKind, str]],
        kinds: dict[str, str],
    ) -> None:
        self._cascades = tuple(cascades)
        self._kinds = kinds
        used = {row.relation for row in self._cascades}
        self._near: dict[tuple[str, RelationKind, bool], list[str]] = defaultdict(list)
        self._root: dict[str, str] = {}
        for source, kind, target in relations:
            if kind in used:
                # An effect at the target looks back to the source, and the other way round.
                self._near[target, kind, True].append(source)
                self._near[source, kind, False].append(target)
                self._join(source, target)
        self._hazards = {row.hazard for row in self._cascades} | {row.then for row in self._cascades}

    def _join(self, one: str, other: str) -> None:
        a, b = self._find(one), self._find(other)
        if a != b:
            self._root[max(a, b)] = min(a, b)

    def _find(self, asset: str) -> str:
        root = self._root.setdefault(asset, asset)
        while root != self._root[root]:
            root = self._root[root]
        self._root[asset] = root
        return root

    def component(self, hazard: str, asset: str) -> str:
        """The asset that stands for all that may have to do with this one; empty where nothing may."""
        return self._find(asset) if hazard in self._hazards and asset in self._root else ""

    def causes(self, hazard: str, asset: str) -> Iterator[Cause]:
        """Risks that, where they are active, lie behind this one; those that mute it first."""
        for row in sorted(self._cascades, key=lambda row: row.effect != Effect.MUTES):
            if row.then != hazard:
                continue
            for other in sorted(self._near.get((asset, row.relation, row.outward), ())):
                if other != asset and row.asset_kind in ("*", self._kinds.get(other, "")):
                    yield Cause(grouping=f"{row.hazard}|{other}", effect=row.effect, basis=row.basis)
