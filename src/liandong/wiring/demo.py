"""The demonstration: an invented city, its devices and its people, over real HTTP on this machine."""

from __future__ import annotations

import json
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from liandong.app.clock import VirtualClock
from liandong.app.logs import configure_logging
from liandong.app.ports import Changes
from liandong.app.settings import load_settings
from liandong.app.writer import Books
from liandong.core.values.times import DAY, HOUR, SECOND, format_time, parse_time
from liandong.runners.embedded import Embedded
from liandong.sim.agenda import Agenda
from liandong.sim.city import demo_city
from liandong.sim.device_story import device_story
from liandong.sim.devices import device_script
from liandong.sim.officers import Officers
from liandong.sim.result import result_of
from liandong.wiring.city import open_city
from liandong.wiring.inspect import count_entries
from liandong.wiring.service import Server, free_socket, make_app

#: The demonstration's first moment: fixed, so that a seed means one story.
START = parse_time("2026-06-01T00:00:00+08:00")


def run_demo(
    *,
    data: Path | None,
    once: bool,
    seed: int,
    hours: float,
    sensors: int,
    speed: float,
    port: int,
    step_ms: int,
    tell: Callable[[str], None],
) -> dict[str, Any]:
    """Play the agenda; with `once` in virtual time to its end, else paced, then serve until stopped.

    `step_ms` stretches every step in real time, for watching it and for killing it.
    """
    home = data or Path(tempfile.mkdtemp(prefix="liandong-demo-"))
    home.mkdir(parents=True, exist_ok=True)
    configure_logging("info", home / "liandong.log")
    folder = demo_city(seed, START, days=int(hours // 24) + 5, sensors=sensors)
    settings = load_settings(
        {"data": home, "anchor_file": home / "anchor" / "roots.jsonl", "root_interval_s": 600}
    )
    clock = VirtualClock(START)
    city = open_city(settings, folder, clock=clock)
    server = Server(make_app(city, "zh"), free_socket("127.0.0.1", port))
    city.start()
    server.start()
    url = f"http://127.0.0.1:{server.port}"
    tell(f"示例城市 demonstration city: {url}/api/v1   data: {home}")
    restarts = _count_start(city)
    try:
        with httpx.Client(base_url=url, timeout=60) as client, _Bar(START, hours) as bar:
            agenda = Agenda(
                city, clock, client,
                device_script(seed, folder, START, hours),
                Officers(seed, device_story(seed, folder, START, hours)),
                START,
                pause=_stretch(step_ms) if once else _pacer(speed),
                progress=bar.show,
            )  # fmt: skip
            ended = agenda.play()
        city.sign_root()
        report = {
            "result": result_of(city.platform),
            "run": {
                **agenda.run, "restarts": restarts, "roots": len(city.store.roots()),
                **count_entries(city.store), "ended": format_time(ended),
                "equation": city.platform.accounting.check(),
            },
        }  # fmt: skip
        tell(json.dumps(report["result"], ensure_ascii=False, indent=2))
        if not once:
            tell(f"演示完毕，按 Ctrl-C 结束 the story is over; Ctrl-C ends: {url}/api/v1/health/live")
            with suppress(KeyboardInterrupt):
                threading.Event().wait()
        return report
    finally:
        server.stop()
        city.stop()


def _count_start(city: Embedded) -> int:
    """How often this folder was started before."""
    before = int(city.store.meta("demo.starts") or 0)

    def keep(changes: Changes) -> None:
        changes.meta["demo.starts"] = str(before + 1)

    city.writer.submit(Books(keep)).result()
    return before


def _pacer(speed: float) -> Callable[[int, int], None]:
    """Wait as long as the city's time takes at this speed."""
    nap = threading.Event()

    def wait(now: int, following: int) -> None:
        nap.wait((following - now) / SECOND / speed)

    return wait


def _stretch(step_ms: int) -> Callable[[int, int], None] | None:
    """The same real time for every step, however much of the city's it takes."""
    if not step_ms:
        return None
    nap = threading.Event()

    def wait(now: int, following: int) -> None:
        nap.wait(step_ms / 1000)

    return wait


class _Bar:
    """Progress over the city's hours; silent where nobody looks."""

    def __init__(self, start: int, hours: float) -> None:
        self._start = start
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f}%"),
            TimeElapsedColumn(),
        )
        self._total = hours * HOUR
        self._task = self._bar.add_task("", total=self._total + DAY / 4)

    def show(self, now: int) -> None:
        """Where the city's time is."""
        self._bar.update(
            self._task, completed=min(now - self._start, self._total + DAY / 4), description=format_time(now)
        )

    def __enter__(self) -> _Bar:
        self._bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.stop()
