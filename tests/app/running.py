"""A whole city in a folder, whose time and clocks the test sets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from liandong.app.clock import Clock, TimeSource, VirtualClock
from liandong.app.settings import load_settings
from liandong.core.values.access import Session
from liandong.core.values.case import CaseState
from liandong.core.values.dataset import CityFolder
from liandong.core.values.lists import Action
from liandong.core.values.messages import TimerFired
from liandong.core.values.times import MINUTE, SECOND, format_time
from liandong.runners.embedded import Embedded
from liandong.wiring import open_city
from tests.app.machine import START, admitted, cases, folder, live_orders
from tests.app.rig import until

GAS = "channel:gas-001.ch4_lel"
OPERATOR = "post:operator"


class Hands:
    """A wall clock that may be set and a monotonic one that may not."""

    def __init__(self, at: int = START) -> None:
        self.wall, self.monotonic = at, 5 * SECOND

    def run(self, by: int) -> None:
        self.wall += by
        self.monotonic += by

    def clock(self, last: int | None = None) -> Clock:
        return Clock(lambda: self.wall, lambda: self.monotonic, last)


class City:
    """A running city. Time is virtual unless other hands are given."""

    def __init__(
        self, data: Path, made: CityFolder | None = None, clock: TimeSource | None = None, **options: Any
    ) -> None:
        self.virtual = VirtualClock(START)
        self.data = data
        settings = load_settings({"data": data}, {})
        self.city: Embedded = open_city(settings, made or folder(), clock=clock or self.virtual, **options)
        if clock is None:
            self.virtual.set(max(START, self.city.writer.now))
        self.city.start()
        self.platform, self.store = self.city.platform, self.city.store
        self.keys = 0

    @property
    def now(self) -> int:
        return self.platform.clock.read().now

    def stop(self) -> None:
        self.city.stop()

    def settle(self) -> None:
        until(self.platform.quiet)

    def pass_time(self, by: int = MINUTE) -> None:
        self.virtual.set(self.now + by)
        self.tick()

    def tick(self) -> int:
        fired = self.platform.tick().result(10)
        self.settle()
        return fired

    def send(self, value: float, channel: str = GAS, source: str = "source:gas") -> bytes:
        """A reading of this moment; the bytes that were sent."""
        rows = [{"channel": channel, "time": format_time(self.now), "value": value}]
        raw = json.dumps({"readings": rows, "说明": "现场"}, ensure_ascii=False).encode()
        future, errors = self.platform.receiving.readings(Session(source=source), raw)
        assert not errors and future.result(10).rows == 1
        self.settle()
        return raw

    def case(self, hazard: str = "gas_leak") -> CaseState:
        return next(c for c in cases(self.store) if c.hazard == hazard)

    def open_case(self) -> tuple[CaseState, bytes]:
        """Methane until there is a case; also the bytes of the first reading."""
        first = self.send(60.0)
        for _ in range(3):
            self.pass_time(2 * MINUTE)
            self.send(60.0)
        return self.case(), first

    def session(self, post: str) -> Session:
        duty = self.platform.handler.policy.city.on_duty(post, self.now)
        assert duty is not None
        return Session(person=duty.person, post=post)

    def act(self, case: CaseState, action: Action, session: Session, **body: Any) -> Any:
        self.keys += 1
        future = self.platform.acts.do(
            session, case.id, action.value, body, f"{case.version}-{self.keys}", case.version, b"{}"
        )
        answer = future.result(10)
        self.settle()
        return answer

    def step(self, case: str) -> bool:
        """The next step of the first live order; False where none is left."""
        state = next(c for c in cases(self.store) if c.id == case)
        for order in live_orders(state):
            left = [s.action for s in order.steps if s.action not in order.done]
            body: dict[str, Any] = {"evidence": ["photo:1"], "text": "已核对，联系人王小明"}
            body |= {Action.JUDGE: {"verdict": "real"}, Action.REVIEW: {"passed": True}}.get(left[0], {})
            body |= {"cause": "real"} if left[0] == Action.CLOSE else {}
            answer = self.act(state, left[0], Session(person=order.person, post=order.post), **body)
            assert answer.status == "done", answer
            return True
        return False

    def finish(self, case: str) -> None:
        while self.step(case):
            self.pass_time(MINUTE)

    def fired(self) -> list[tuple[TimerFired, int]]:
        """Timers that fired, with the moment of their tick."""
        return [(m, now) for m, _, now in admitted(self.store) if isinstance(m, TimerFired)]


__all__ = [name for name in dir() if not name.startswith("_")]
