"""A soak: every door in use for many minutes with dirty input, and counters that prove what became of it.

One served city in a process of its own; gateways that send JSON and Arrow over HTTP, a monitor that speaks
HJ 212 and a fire panel that speaks GB/T 26875.3 over TCP. A part of what is sent is sent twice, is late,
is of a channel that nobody knows, is no number, or is noise. It holds where (1) every message was answered,
(2) what was answered as accepted is what the books of ingest passed on, source by source, (3) the equation
in = out + rejected + dead + queued holds everywhere, (4) as many readings lie in the log as were accepted,
and (5) neither memory grows nor an answer takes for ever.
"""

from __future__ import annotations

import re
import tempfile
import threading
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import msgspec
import numpy as np

from liandong.app.clock import perf, system_clock
from liandong.bench.ingest import arrow_message
from liandong.bench.served import Served, free_port
from liandong.core.values.dataset import CityFolder
from liandong.core.values.lists import Capability
from liandong.core.values.times import DAY, SECOND, format_time
from liandong.sim.frame_devices import NORMAL
from liandong.sim.frames import FrameLink, gb_component_state, gb_frame, hj212_frame

SENSORS = 3_000
#: Readings in one message, and messages a second, of each gateway.
_JSON, _ARROW = (200, 1.0), (2_000, 1.0)
_MOVED = re.compile(r'liandong_messages_total\{fate="(\w+)",source="([^"]+)",step="(\w+)"\} (\S+)')
_SUMS = ("sent", "accepted", "refused", "sent_again", "unanswered", "in_log")
#: An answer that takes longer than this is a stall.
STALL_S = 10.0
#: The floor of memory may rise by no more than this share from the second quarter of a soak to the last, and
#: from the third to the last, each in a soak long enough for what has a limit to have filled.
GROWTH, CREEP = 0.25, 0.025
_TELLING_MINUTES, _CREEPING_MINUTES = 5.0, 15.0


class Books:
    """What the devices saw, counted by themselves."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.sent: Counter[str] = Counter()
        self.accepted: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.duplicate: Counter[str] = Counter()
        self.unanswered: Counter[str] = Counter()
        self.slowest = 0.0
        self.failed: list[str] = []

    def answered(self, source: str, rows: int, answer: dict[str, Any], seconds: float) -> None:
        """One message over HTTP and its answer."""
        with self._lock:
            self.sent[source] += rows
            self.slowest = max(self.slowest, seconds)
            if answer.get("duplicate"):
                self.duplicate[source] += rows
            else:
                self.accepted[source] += answer["accepted"]
                self.refused[source] += rows - answer["accepted"]

    def framed(self, source: str, confirmed: bool, seconds: float) -> None:
        """One frame over TCP."""
        with self._lock:
            self.sent[source] += 1
            self.accepted[source] += confirmed
            self.unanswered[source] += not confirmed
            self.slowest = max(self.slowest, seconds)


def run(minutes: float = 20.0) -> dict[str, Any]:
    """Soak for so many minutes; `proven` says whether everything held, `findings` what did not."""
    from liandong.sim.city import demo_city
    from liandong.wiring.packs import equipped

    now = system_clock().read().now
    folder = equipped(demo_city(1, now - now % DAY - DAY, days=3, sensors=SENSORS))
    ports = {name: free_port() for name in ("hj212", "gb26875")}
    books, stop = Books(), threading.Event()
    doors = {f"{name}_port": port for name, port in ports.items()}
    with tempfile.TemporaryDirectory() as name, Served(Path(name), folder, **doors) as server:
        memory = [server.memory_mb()]
        threads = [
            threading.Thread(target=_guarded, args=(books, work, stop))
            for work in _devices(server, folder, ports, books)
        ]
        began = perf()
        for thread in threads:
            thread.start()
        while perf() - began < minutes * 60 and not books.failed:
            stop.wait(min(15.0, minutes * 60 / 8))
            memory.append(server.memory_mb())
        stop.set()
        for thread in threads:
            thread.join()
        seconds = perf() - began
        counted = _settled(server, folder)
        logged = _logged(server.data)
        cases = server.count("case")
    found = soak_findings(books, counted, logged, memory, minutes)
    fates = counted[0]
    sources = {
        source: {
            "sent": books.sent[source], "accepted": books.accepted[source], "refused": books.refused[source],
            "sent_again": books.duplicate[source], "unanswered": books.unanswered[source],
            "ingest": dict(fates["ingest", source]), "detect": dict(fates["detect", source]),
            "in_log": logged[source],
        }
        for source in sorted(books.sent)
    }  # fmt: skip
    return {
        "minutes": round(seconds / 60, 2), "sources": sources,
        **{name: sum(one[name] for one in sources.values()) for name in _SUMS},
        "noise_refused": sum(c["rejected"] for (_, who), c in fates.items() if who.startswith("protocol:")),
        "equation": counted[1], "cases": cases, "slowest_answer_s": round(books.slowest, 3),
        "memory_mb": [round(value) for value in memory], "findings": found, "proven": not found,
        "includes": "one server process with SQLite; JSON, Arrow, HJ 212 and GB/T 26875.3 devices with "
        "repeats, late rows, unknown channels, values that are no numbers, and noise; all on this machine",
    }  # fmt: skip


def _guarded(books: Books, work: Callable[[threading.Event], None], stop: threading.Event) -> None:
    try:
        work(stop)
    except Exception as error:  # a device that gives up is what a soak has to show
        books.failed.append(f"{type(error).__name__}: {error}"[:300])


def _devices(
    server: Served, folder: CityFolder, ports: dict[str, int], books: Books
) -> list[Callable[[threading.Event], None]]:
    city = folder.city
    spoken = {source.key: source.protocol for source in city.sources}
    by_source: dict[str, list[Any]] = defaultdict(list)
    for channel in city.channels:
        by_source[channel.source].append(channel)
    made: list[Callable[[threading.Event], None]] = []
    for number, (source, channels) in enumerate(sorted(by_source.items())):
        if spoken[source] == "http" and not source.endswith("self"):
            keys = [channel.key for channel in channels]
            made.append(_gateway(server, books, source, keys, number, bulk=number % 10 == 0))
        elif spoken[source] in ports:
            made.append(_framed(books, source, spoken[source], ports[spoken[source]], channels))
    return made


def _gateway(
    server: Served, books: Books, source: str, keys: list[str], number: int, *, bulk: bool
) -> Callable[[threading.Event], None]:
    """A source that sends batches; one message in fifty goes twice, one row in a thousand is late."""
    rows, rate = _ARROW if bulk else _JSON
    media = "application/vnd.apache.arrow.stream" if bulk else "application/json"
    headers = server.bearer(source=source) | {"Content-Type": media}

    def work(stop: threading.Event) -> None:
        rng = np.random.default_rng(number)
        turn = 0
        with server.client() as client:
            while not stop.wait(1.0 / rate):
                turn += 1
                body = _message(rng, keys, rows, f"{source}:{turn}", turn, bulk)
                for _ in range(1 + (turn % 50 == 0)):
                    began = perf()
                    answer = _post(client, body, headers)
                    books.answered(source, rows, answer, perf() - began)

    return work


def _message(rng: np.random.Generator, keys: list[str], rows: int, name: str, turn: int, bulk: bool) -> bytes:
    now = system_clock().read().now
    channel = rng.integers(0, len(keys), rows)
    time = now - SECOND // 2 + np.arange(rows) * (SECOND // 2 // rows)
    value = np.round(rng.uniform(0.0, 5.0, rows), 3)
    if turn // 120 % 3 == 1:
        value[channel == 0] = 60.0  # something is the matter, for two minutes
    odd = rng.random(rows)
    time[odd < 0.001] -= DAY  # later than any source may be
    names = [*keys, "channel:nobody-knows"]
    channel[(odd > 0.5) & (odd < 0.5005)] = len(keys)
    if bulk:
        return arrow_message(names, channel, time, value, name)
    readings: list[dict[str, Any]] = [
        {"channel": names[c], "time": format_time(t), "value": v}
        for c, t, v in zip(channel.tolist(), time.tolist(), value.tolist(), strict=True)
    ]
    readings[0]["value"] = "none" if rng.random() < 0.1 else readings[0]["value"]
    return msgspec.json.encode({"id": name, "readings": readings})


def _post(client: httpx.Client, body: bytes, headers: dict[str, str]) -> dict[str, Any]:
    while True:
        answer = client.post("/readings", content=body, headers=headers)
        if answer.status_code == 429:
            threading.Event().wait(0.2)
            continue
        if answer.status_code != 201:
            raise RuntimeError(f"{answer.status_code} {answer.text[:300]}")
        found: dict[str, Any] = answer.json()
        return found


def _framed(
    books: Books, source: str, protocol: str, port: int, channels: list[Any]
) -> Callable[[threading.Event], None]:
    """A device with frames of its own, with noise between them."""

    def work(stop: threading.Event) -> None:
        link = FrameLink("127.0.0.1", port, protocol)
        serial = 0
        try:
            # HJ 212 tells its messages apart by the second.
            while not stop.wait(1.1 if protocol == "hj212" else 0.1):
                serial += 1
                at = system_clock().read().now
                frame = _frame(protocol, channels, serial, at)
                noisy = serial % 40 == 0
                if noisy:
                    link.tell(frame[: len(frame) // 2] + b"\x00garbage\r\n##")
                began = perf()
                try:
                    link.send(frame)
                    # Noise may swallow what follows it; then the device asks again in its own time.
                    books.framed(source, True, 0.0 if noisy else perf() - began)
                except ConnectionError:
                    books.framed(source, False, perf() - began)
        finally:
            link.close()

    return work


def _frame(protocol: str, channels: list[Any], serial: int, at: int) -> bytes:
    if protocol == "hj212":
        device = channels[0].device.split("/")[0]
        return hj212_frame(device, at, {c.item: round(serial % 7 / 10, 2) for c in channels})
    device, system, component = next(c.device for c in channels if c.device.count("/") == 2).split("/")
    kind, _, number = system.partition("-")
    model, _, place = component.partition("-")
    zone, _, unit = place.partition(".")
    row = (int(kind), int(number), int(model), int(zone), int(unit), NORMAL, "soak", at)
    return gb_frame(int(device), serial, at, gb_component_state([row]))


def _settled(server: Served, folder: CityFolder) -> tuple[dict[tuple[str, str], Counter[str]], list[str]]:
    """The books once nothing moves: (step, source) → fates, and where the equation does not hold."""
    city = folder.city
    readers = {p.post for p in city.permissions if p.capability == Capability.INTAKE_READ}
    who = next(holding for holding in city.holdings if holding.post in readers)
    headers = server.bearer(person=who.person, post=who.post)
    with server.client() as client:
        before: Any = None
        for _ in range(240):
            found: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
            for fate, source, step, count in _MOVED.findall(client.get("/metrics", headers=headers).text):
                found[step, source][fate] += int(float(count))
            moving = any(c["received"] != c["passed"] + c["rejected"] + c["dead"] for c in found.values())
            if not moving and found == before:
                break
            before = found
            threading.Event().wait(0.5)
        health = client.get("/health", headers=headers).json()
        return found, list(health.get("equation", []))


def _logged(data: Path) -> Counter[str]:
    """Readings in the log, by source."""
    from liandong.stores.readings import ReadingLog

    found: Counter[str] = Counter()
    for _, record in ReadingLog(data / "readings", read_only=True).read():
        if record.batch is not None:
            found[record.source] += record.rows
    return found


def soak_findings(
    books: Books,
    counted: tuple[dict[tuple[str, str], Counter[str]], list[str]],
    logged: Counter[str],
    memory: list[float],
    minutes: float,
) -> list[str]:
    """What does not hold, in words; empty is good."""
    fates, equation = counted
    found = [*books.failed, *equation]
    for source in sorted(books.sent):
        ingest = fates.get(("ingest", source), Counter())
        if ingest["received"] != ingest["passed"] + ingest["rejected"] + ingest["dead"]:
            found.append(f"{source}: {dict(ingest)} does not add up")
        if ingest["passed"] != logged[source]:
            found.append(f"{source}: {ingest['passed']} passed, {logged[source]} in the log")
        if books.unanswered[source]:
            found.append(f"{source}: {books.unanswered[source]} frames without an answer")
        if source in books.duplicate or source in books.refused:  # over HTTP every row is answered for
            if ingest["passed"] != books.accepted[source]:
                found.append(f"{source}: {books.accepted[source]} answered, {ingest['passed']} passed")
            kept = books.accepted[source] + books.refused[source] + books.duplicate[source]
            if kept != books.sent[source]:
                found.append(f"{source}: {books.sent[source]} sent, {kept} answered for")
    if books.slowest > STALL_S:
        found.append(f"an answer took {books.slowest:.1f} s")
    return found + _grown(memory, minutes)


def _grown(memory: list[float], minutes: float) -> list[str]:
    """By the lower quartile, because snapshots and compaction take memory for a moment and give it back."""
    if len(memory) < 8:  # it ended before its time, and what ended it is said
        return []
    _, second, third, last = (float(np.percentile(part, 25)) for part in np.array_split(memory, 4))
    if minutes >= _TELLING_MINUTES and last > second * (1 + GROWTH):
        return [f"memory grew from {second:.0f} to {last:.0f} MB"]
    if minutes >= _CREEPING_MINUTES and last > third * (1 + CREEP):
        return [f"memory crept from {third:.0f} to {last:.0f} MB"]
    return []
