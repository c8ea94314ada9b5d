"""Which cases the live rules of a city can open: (hazard, kind of asset, level)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from liandong.core.mechanism.routing import Routing
from liandong.core.values.city import CityIndex
from liandong.core.values.rules import Rule


def emitted(
    city: CityIndex, rules: Iterable[Rule], routing: Routing, packs_only: bool = False
) -> Iterator[tuple[str, str, str]]:
    """What live rules can open, as the mechanism grades them, each once.

    With `packs_only` what live packs alone can: a mechanism has to claim all of it (P1).
    """
    kinds: dict[str, dict[str, None]] = {}
    for channel in city.city.channels:
        asset = city.asset_of_channel(channel.key)
        if asset is not None:
            kinds.setdefault(channel.quantity, {})[asset.kind] = None
    seen = set()
    for rule in rules:
        live = not rule.shadow and (bool(rule.pack) or not packs_only)
        row = routing.grade(rule.hazard, rule.severity) if live else None
        for kind in kinds.get(rule.quantity, ()) if row else ():
            case = (rule.hazard, kind, row.level if row else "")
            if rule.asset_kind in ("*", kind) and case not in seen:
                seen.add(case)
                yield case
