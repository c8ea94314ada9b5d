"""The demonstration: an invented city, its devices and its people, over real HTTP and TCP on this machine."""

from __future__ import annotations

import json
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import msgspec
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from liandong.adapters.tables import write_city
from liandong.app.clock import VirtualClock
from liandong.app.logs import configure_logging
from liandong.app.ports import Changes
from liandong.app.settings import Settings, load_settings
from liandong.app.writer import Books
from liandong.core.values.dataset import CityFolder
from liandong.core.values.document import Mechanism
from liandong.core.values.lists import Mode
from liandong.core.values.times import DAY, HOUR, SECOND, format_time, parse_time
from liandong.runners.embedded import Embedded
from liandong.sim.agenda import Agenda
from liandong.sim.city import demo_city
from liandong.sim.officers import Officers
from liandong.sim.result import accounts_of, in_words, result_of
from liandong.sim.script import Script
from liandong.wiring.city import open_city
from liandong.wiring.demo_accounts import make_accounts
from liandong.wiring.doors import open_doors
from liandong.wiring.inspect import count_entries
from liandong.wiring.service import Server, free_socket, make_app

#: The demonstration's first moment: fixed, so that a seed means one story.
START = parse_time("2026-06-01T00:00:00+08:00")
_HOST = "127.0.0.1"


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
    store: str | None = None,
    mechanism: Mechanism | None = None,
    mode: Mode = Mode.REAL,
) -> dict[str, Any]:
    """Play the agenda; with `once` in virtual time to its end, else paced, then serve until stopped.

    `step_ms` stretches every step in real time, for watching it and for killing it.
    """
    home = data or Path(tempfile.mkdtemp(prefix="liandong-demo-"))
    home.mkdir(parents=True, exist_ok=True)
    configure_logging("info", home / "liandong.log")
    folder = _folder(seed, hours, sensors)
    if mechanism is not None:
        folder = msgspec.structs.replace(folder, mechanism=mechanism)
    settings = _settings(home, store)
    clock = VirtualClock(START)
    city = open_city(settings, folder, clock=clock, mode=mode)
    server = Server(make_app(city, "zh"), free_socket(_HOST, port))
    sockets = {name: free_socket(_HOST, 0) for name in ("hj212", "gb26875")}
    doors = open_doors(city.platform, settings, sockets)
    city.start()
    server.start()
    doors.start()
    signs_in = make_accounts(home, city)
    url = f"http://{_HOST}:{server.port}"
    _say_where(tell, folder, url, doors.ports, home, signs_in)
    restarts = _count_start(city)
    try:
        with httpx.Client(base_url=url, timeout=60) as client, _Bar(START, hours) as bar:
            script = Script(seed, folder, START, hours)
            agenda = Agenda(
                city, clock, client, script, Officers(seed, script.story, folder.mechanism), START,
                ports=doors.ports,
                pause=_stretch(step_ms) if once else _pacer(speed),
                progress=bar.show,
            )  # fmt: skip
            try:
                ended, whole = agenda.play(), True
            except KeyboardInterrupt:
                ended, whole = clock.read().now, False
        city.sign_root()
        report = {
            "result": result_of(city.platform),
            "run": {
                **agenda.run, "restarts": restarts, "roots": len(city.store.roots()),
                **count_entries(city.store), "ended": format_time(ended),
                **accounts_of(city.platform.accounting),
            },
        }  # fmt: skip
        tell(json.dumps(report["result"], ensure_ascii=False, indent=2))
        for line in in_words(report["result"]):
            tell(line)
        if not whole:
            tell("演示中断，用同一数据目录可接着演 interrupted; the same data folder goes on")
        elif once:
            tell(f"再看这座城市 look at it again: liandong serve --data {home}")
        else:
            tell(f"演示完毕，按 Ctrl-C 结束 the story is over; Ctrl-C ends: {url}")
            with suppress(KeyboardInterrupt):
                threading.Event().wait()
        return report
    finally:
        doors.stop()
        server.stop()
        city.stop()


def write_demo_city(to: Path, seed: int, hours: float, sensors: int) -> str:
    """Write the demonstration's city as a folder of tables; says what was written."""
    folder = _folder(seed, hours, sensors)
    write_city(to, folder)
    city = folder.city
    return (
        f"{to}: {len(city.sensors)} 传感器 sensors，{len(city.assets)} 设施 assets，"
        f"{len(city.units)} 单位 units，{len(folder.persons)} 虚构人员 invented persons"
    )


def _folder(seed: int, hours: float, sensors: int) -> CityFolder:
    """Rosters reach beyond the story, because cases go on after it, and beyond the month that a check of
    rosters looks ahead."""
    return demo_city(seed, START, days=int(hours // 24) + 35, sensors=sensors)


def _settings(home: Path, store: str | None) -> Settings:
    return load_settings(
        {
            "data": home, "store": store, "anchor_file": home / "anchor" / "roots.jsonl",
            "root_interval_s": 600,
            # The city's time may run hundreds of times faster than that of whoever looks at it.
            "session_idle_minutes": 30 * 24 * 60, "session_hours": 60 * 24,
        }
    )  # fmt: skip


def _say_where(
    tell: Callable[[str], None],
    folder: CityFolder,
    url: str,
    ports: dict[str, int],
    home: Path,
    accounts: Path,
) -> None:
    city = folder.city
    tell(f"演示城市 demonstration city: {url}   接口 API: {url}/api/v1   数据 data: {home}")
    doors = "，".join(f"{name} {_HOST}:{port}" for name, port in ports.items())
    tell(f"{len(city.sensors):,} 传感器 sensors   设备端口 device ports: {doors}")
    tell(f"登录账号 accounts: {accounts}")


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
