"""Everything that a decision may look at besides state, message and now."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from liandong.core.mechanism.announced import Announced
from liandong.core.mechanism.powers import Powers
from liandong.core.mechanism.routing import Routing
from liandong.core.values.alarm_terms import TERMS, AlarmTerms
from liandong.core.values.announcement import ActiveAnnouncement
from liandong.core.values.city import CityIndex
from liandong.core.values.journal import Versions
from liandong.core.values.lists import Mode
from liandong.core.values.response import ActiveResponse
from liandong.core.values.rules import Rule

#: The two phases of the axis `phase` of a row: everyday watching 平时, and while a response is running 响应.
MONITOR, RESPOND = "monitor", "respond"


@dataclass(frozen=True)
class Policy:
    """City, rules and mechanism of one moment, the versions that name them, the responses that run, and the
    announcements that hold."""

    city: CityIndex
    routing: Routing
    rules: dict[str, Rule]
    versions: Versions = field(default_factory=Versions)
    mode: Mode = Mode.REAL
    channels: tuple[str, ...] = ("file",)
    responses: tuple[ActiveResponse, ...] = ()
    announcements: tuple[ActiveAnnouncement, ...] = ()
    alarm_terms: AlarmTerms = TERMS
    seed: str = ""  #: of the draw which closures are reviewed; kept from those who are drawn
    hollow: frozenset[str] = frozenset()  #: units whose closures were found hollow

    @cached_property
    def powers(self) -> Powers:
        """The rows of authority."""
        return Powers(self.routing.mechanism, self.routing.flows)

    @cached_property
    def announced(self) -> Announced:
        """The announcements, looked up by place."""
        return Announced(self.announcements, self.city)

    def flow_of(self, hazard: str) -> str:
        """The flow that a hazard takes; the hazard itself where the rows name none."""
        names = self.routing.flows(hazard)
        return names[1] if len(names) > 2 else names[0]

    def phase_of(self, hazard: str, area_path: str) -> str:
        """`respond` where a response runs for this hazard's flow or a wider one, in an area around."""
        if not self.responses:
            return MONITOR
        names = self.routing.flows(hazard)
        return (
            RESPOND
            if any(r.flow in names and area_path.startswith(r.area_path) for r in self.responses)
            else MONITOR
        )
