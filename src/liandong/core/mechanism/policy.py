"""Everything that a decision may look at besides state, message and now."""

from __future__ import annotations

from dataclasses import dataclass, field

from liandong.core.mechanism.routing import Routing
from liandong.core.values.city import CityIndex
from liandong.core.values.journal import Versions
from liandong.core.values.lists import Mode
from liandong.core.values.rules import Rule


@dataclass(frozen=True)
class Policy:
    """City, rules and mechanism of one moment, and the versions that name them."""

    city: CityIndex
    routing: Routing
    rules: dict[str, Rule]
    versions: Versions = field(default_factory=Versions)
    mode: Mode = Mode.REAL
    channels: tuple[str, ...] = ("file",)
