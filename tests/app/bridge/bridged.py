"""The small town with a gas company that keeps its orders in a system of its own."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import msgspec

from liandong.adapters.bridge_api import make_router as bridge_router
from liandong.adapters.http import make_router
from liandong.app.bridge.documents import Answer
from liandong.app.clock import VirtualClock
from liandong.app.settings import load_settings
from liandong.core.values.access import Session
from liandong.core.values.case import CaseState, Order
from liandong.core.values.city import Bridge
from liandong.core.values.dataset import CityFolder
from liandong.core.values.lists import Action, BridgeKind
from liandong.core.values.times import MINUTE
from liandong.sim.receivers import STATUSES
from liandong.web.app import create_app
from liandong.wiring import open_city
from tests.small_town import demo_city
from tests.web.town import START, Client, Town, message, reading

GAS, BRIDGE, SOURCE = "unit:gas", "bridge:gas", "source:gas"
VERIFIER = "post:emergency_east.review"


def bridged(kind: BridgeKind = BridgeKind.API, start: int = START, **more: Any) -> CityFolder:
    """The town's tables with one bridge."""
    made = demo_city(7, start, 3, 36)
    row = Bridge(
        key=BRIDGE, unit=GAS, system="燃气调度系统", kind=kind, source=SOURCE, statuses=STATUSES, **more
    )
    return _watched(msgspec.structs.replace(made, city=msgspec.structs.replace(made.city, bridges=(row,))))


def _watched(made: CityFolder) -> CityFolder:
    """With a rule of its own for bridges that differ, beside those by which the platform watches itself."""
    city, replace = made.city, msgspec.structs.replace
    rule = next(r for r in made.rules if r.key == "self.delivery")
    quantity = next(q for q in city.quantities if q.key == "self_delivery")
    channel = next(c for c in city.channels if c.quantity == "self_delivery")
    number = max(c.number for c in city.channels) + 1
    mine = replace(channel, key="channel:self.bridge", number=number, quantity="self_bridge")
    city = replace(
        city, channels=(*city.channels, mine),
        quantities=(*city.quantities, replace(quantity, key="self_bridge")),
    )  # fmt: skip
    rules = (*made.rules, replace(rule, key="self.bridge", quantity="self_bridge"))
    return replace(made, city=city, rules=rules)


class BridgedTown(Town):
    """A running town whose time the test sets; `settings` name the other end of the bridge."""

    def __init__(self, data: Path, kind: BridgeKind = BridgeKind.API, places: str = "", **more: Any) -> None:
        self.data = data
        self.folder = bridged(kind, **more)
        (data / "bridges.toml").write_text(places, encoding="utf-8")
        self.clock = VirtualClock(START)
        self.settings = load_settings(
            {"data": data, "bridges_file": data / "bridges.toml", "bridge_poll_s": 0.05}, {}
        )
        self.city = open_city(self.settings, self.folder, clock=self.clock)
        self.city.start()
        self.platform = self.city.platform
        assert self.platform.bridges is not None
        self.bridges = self.platform.bridges
        self.app = create_app(
            self.platform, routers=[make_router(self.platform), bridge_router(self.platform)]
        )
        self.now = START
        self._tokens = {}
        self.pass_time(1)
        self.web = Client(self)
        self._acts = 0

    def state(self, case: str) -> CaseState:
        row = self.platform.store.load([f"case:{case}"])[f"case:{case}"]
        return msgspec.json.decode(row.body or b"", type=CaseState)

    def order(self, case: str, unit: str = GAS) -> Order:
        """The unit's newest order."""
        return [o for o in self.state(case).orders.values() if o.unit == unit][-1]

    def act(self, case: str, action: str, post: str, **body: Any) -> None:
        """Somebody at a post acts in the console."""
        self._acts += 1
        answer = self.web.act(case, action, self.token(post=post), key=f"k{self._acts}", **body)
        assert answer.status_code == 200, answer.text
        self.settle()

    def sent_out(self) -> str:
        """A case that has been pushed to the gas company."""
        case = self.open_case()
        self.act(case, "judge", "post:centre.duty", verdict="real")
        self.act(case, "push", "post:centre.duty")
        return case

    def report(self, event: str, case: str, status: str, **more: Any) -> Answer:
        """One event of the gas company's system, straight into the door."""
        given = {"event": event, "order": self.order(case).id, "status": status} | more
        return self.take(given)

    def take(self, event: dict[str, Any]) -> Answer:
        raw = json.dumps({k: v for k, v in event.items() if v is not None}).encode()
        answer = self.bridges.inward.take(self.bridges.row(BRIDGE), raw)
        self.settle()
        return answer

    def until(self, what: Any, seconds: float = 10.0) -> None:
        deadline = time.monotonic() + seconds
        while not what():
            assert time.monotonic() < deadline, "it did not come to that"
            time.sleep(0.01)


def entries(town: BridgedTown, stream: str) -> list[Any]:
    return [json.loads(row.body) for row in town.platform.store.entries_of(stream)]


__all__ = [
    "BRIDGE", "GAS", "MINUTE", "SOURCE", "START", "VERIFIER", "Action", "BridgedTown", "Session", "bridged",
    "entries", "message", "reading",
]  # fmt: skip
