"""The small town with gas sensors that are asked, and links to them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from liandong.app.clock import TimeSource
from liandong.app.settings import load_settings
from liandong.core.values.dataset import CityFolder
from liandong.wiring.field import FieldLinks, open_field
from tests.adapters.frame_city import readings
from tests.app.machine import folder
from tests.app.rig import until
from tests.app.running import OPERATOR, City

GAS_1, GAS_2 = "channel:gas-001.ch4_lel", "channel:gas-002.ch4_lel"
DEVICE = "PLC-1"


@cache
def field_city(protocol: str) -> CityFolder:
    """`source:gas` speaks the protocol; its device `PLC-1` has the items `ch4` and `ch4-b`."""
    made = folder()
    items = {GAS_1: "ch4", GAS_2: "ch4-b"}
    channels = tuple(
        msgspec.structs.replace(c, device=DEVICE, item=items[c.key]) if c.key in items else c
        for c in made.city.channels
    )
    sources = tuple(
        msgspec.structs.replace(s, protocol=protocol) if s.key == "source:gas" else s
        for s in made.city.sources
    )
    return msgspec.structs.replace(
        made, city=msgspec.structs.replace(made.city, channels=channels, sources=sources)
    )


class FieldTown:
    """A running city and its links."""

    def __init__(
        self, data: Path, protocol: str, text: str, clock: TimeSource | None = None, **files: str
    ) -> None:
        (data / "links").mkdir(parents=True, exist_ok=True)
        self.file = data / "links" / "field.toml"
        self.file.write_text(text, encoding="utf-8")
        for name, content in files.items():
            (data / "links" / f"{name}.csv").write_text(content, encoding="utf-8")
        self.city = City(data / "city", field_city(protocol), clock)
        self.platform = self.city.platform
        self.settings = load_settings({"data": data / "city", "field_file": self.file}, {})
        self.links: FieldLinks = open_field(self.platform, self.settings)

    @property
    def now(self) -> int:
        return self.city.now

    def start(self) -> FieldTown:
        self.links.start()
        return self

    def readings(self) -> list[tuple[str, float]]:
        return [(channel, value) for channel, _, value, _ in readings(self.platform)]

    def full(self) -> list[tuple[str, int, float, int]]:
        return readings(self.platform)

    def until(self, condition: Callable[[], object]) -> None:
        until(condition, 15)

    def health(self, device: str | None = None) -> dict[str, Any]:
        return next(h for h in self.links.health() if device is None or h["device"] == device)

    def refused(self) -> list[str]:
        self.city.settle()
        scope = self.platform.access.scope(self.city.session(OPERATOR))
        rows, _ = self.platform.questions.rejected(scope, limit=200)
        return [row.key for row in reversed(rows)]

    def stop(self) -> None:
        self.links.stop()
        assert self.platform.accounting.check() == []
        self.city.stop()
