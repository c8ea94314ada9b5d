"""`liandong bench crash`: coordinators killed with -9 again and again, and what the journal says afterwards.

Many cases with limits run through hours of a city's time in minutes. People act on some of them in time
and on others not at all; their acts go to any of the processes, and again until they are answered. At the
end the journal has to prove that what was due happened once, and what was acknowledged is in it once.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from liandong.app.accounting import Accounting
from liandong.app.clock import perf
from liandong.app.handle import record_message
from liandong.app.writer import Admit, Writer
from liandong.bench.crash_proof import prove
from liandong.bench.crash_worker import open_at
from liandong.bench.transitions import START, act_of, committed, findings
from liandong.core.values.case import CaseState
from liandong.core.values.lists import Action
from liandong.core.values.messages import Act
from liandong.core.values.times import HOUR

LEASE_S = 2.0
#: Hours of the city's time: long enough for four escalations and a second order.
HOURS = 3
#: What people do, in this order, where they do anything.
_STEPS: tuple[tuple[Action, dict[str, Any]], ...] = (
    (Action.JUDGE, {"verdict": "real"}),
    (Action.PUSH, {}),
    (Action.ACKNOWLEDGE, {}),
    (Action.ARRIVE, {}),
)
_case_decoder = msgspec.json.Decoder(CaseState)
_encoder = msgspec.json.Encoder(order="sorted")


class Process:
    """One coordinator over its lives, and the acts that it still owes an answer."""

    def __init__(self, run: Run, name: str) -> None:
        self.run, self.name = run, name
        self.open: dict[str, bytes] = {}
        self._alive = threading.Lock()
        self.ready = threading.Event()
        self.stopped = False
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """A new life; what the last one owed is sent again."""
        given = self.run.given | {"name": self.name}
        self.ready.clear()
        with self._alive:
            self.run.owed(self)
            self._start(given)

    def _start(self, given: dict[str, Any]) -> None:
        self._forget()
        errors = (self.run.folder / f"errors-{self.name}.txt").open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "liandong.bench.crash_worker", json.dumps(given)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
        )  # fmt: skip
        errors.close()
        threading.Thread(target=self._read, args=(self.process,), daemon=True).start()

    def _forget(self) -> None:
        """Close what is left of the life before."""
        if self.process is not None and self.process.stdin is not None:
            with suppress(OSError):
                self.process.stdin.close()

    def _read(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        with process.stdout:
            for line in process.stdout:
                if not line.endswith(b"\n"):
                    break  # it was killed in the middle of a word
                said = json.loads(line)
                if "ready" in said:
                    self.ready.set()
                elif "id" in said:
                    self.run.answered(self, said)

    def send(self, id: str, line: bytes) -> None:
        """Ask for an act; a process that dies meanwhile leaves it open."""
        with self._alive:
            self.open[id] = line
            try:
                assert self.process is not None and self.process.stdin is not None
                self.process.stdin.write(line + b"\n")
                self.process.stdin.flush()
            except (OSError, ValueError):
                pass  # it has died, and its next life begins with what it owes

    def kill(self) -> None:
        """-9, at whatever it is doing."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def signal(self, which: signal.Signals) -> None:
        """Stop it, or let it go on."""
        assert self.process is not None
        self.process.send_signal(which)

    def end(self) -> int:
        """No more acts; an orderly end, or a last kill where deliveries hold it up."""
        assert self.process is not None and self.process.stdin is not None
        self.process.stdin.close()
        try:
            return self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.kill()
            return 0


class Run:
    """One run from the first case to the last."""

    def __init__(
        self, folder: Path, cases: int, address: str, password_file: str, coordinators: int, seconds: float,
        seed: int, tell: Callable[[str], None],
    ) -> None:  # fmt: skip
        self.folder, self.cases, self.tell = folder, cases, tell
        self.seconds = seconds
        self.chance = random.Random(seed)
        self.given: dict[str, Any] = {
            "folder": str(folder), "address": address, "password_file": password_file, "start": START,
            "end": START + HOURS * HOUR, "speed": HOURS * HOUR / 1_000_000 / seconds, "lease_s": LEASE_S,
            "begun": 0,
        }  # fmt: skip
        self.store = open_at(self.given)
        self.processes = [Process(self, f"c{n + 1}") for n in range(coordinators)]
        self.acknowledged: dict[str, str] = {}
        self.errors: dict[str, int] = {}
        self.kills = self.pauses = self.deaths = 0
        self._unsent: dict[str, bytes] = {}
        self._busy: set[str] = set()
        self._of: dict[str, str] = {}
        self._lock = threading.Lock()

    # Beginning.

    def open_cases(self) -> list[str]:
        """A city with as many assets, and a case at each; their streams."""
        from liandong.sim.city import demo_city
        from liandong.wiring.packs import equipped

        folder = equipped(demo_city(1, START, days=2, sensors=self.cases * 3))
        handler = committed(self.store, folder)
        writer = Writer(self.store, handler, Accounting(), limit=1_000_000, perf=perf)
        writer.now = START
        writer.start()
        found = findings(handler.policy, "gas_ch4_medium", self.cases)
        for future in [writer.submit(Admit(one, "source:bench")) for one in found]:
            future.result()
        writer.stop()
        self.policy = handler.policy
        return [row.stream for row in self.store.states("case")]

    # While it runs.

    def play(self, streams: list[str]) -> None:
        """Kill and act until the city's time is over, then wait until all is done."""
        self.given["begun"] = time.time_ns() // 1_000
        for process in self.processes:
            process.start()
        for process in self.processes:
            process.ready.wait(60)
        actors = threading.Thread(target=self._act, args=(streams,), daemon=True)
        actors.start()
        until = perf() + self.seconds
        while perf() < until:
            # Longer lives in longer runs, so that much is going on when they end.
            time.sleep(self.chance.uniform(0.5, 3.0) * max(1.0, self.seconds / 60))
            self._revive()
            self._strike(self.chance.choice(self.processes))
        self._revive()
        actors.join()

    def _strike(self, process: Process) -> None:
        """Mostly a kill; where there are several, sometimes a sleep longer than the lease."""
        if not process.ready.is_set():
            # Also while it starts: after a moment, whatever it is doing then.
            time.sleep(self.chance.uniform(0.0, 1.0))
        if len(self.processes) > 1 and self.chance.random() < 0.25:
            self.pauses += 1
            process.signal(signal.SIGSTOP)
            time.sleep(LEASE_S * self.chance.uniform(1.2, 2.5))
            process.signal(signal.SIGCONT)
            return
        self.kills += 1
        process.kill()
        process.start()

    def _revive(self) -> None:
        """One that has ended by itself, because it may not go on, starts again as its supervisor would."""
        for process in self.processes:
            if process.process is not None and process.process.poll() is not None:
                self.deaths += 1
                process.start()

    def _act(self, streams: list[str]) -> None:
        """Half of the cases are handled, some of them in time; acts without an answer are sent again."""
        handled = [s for s in streams if self.chance.random() < 0.5]
        waves = max(4, int(self.seconds / 2))
        begun = perf()
        for wave in range(waves):
            share = handled[wave % 4 :: 4]
            for at in range(0, len(share), 200):
                self._next_acts(share[at : at + 200])
            self._send_again()
            time.sleep(max(0.0, begun + (wave + 1) * self.seconds / waves - perf()))

    def _next_acts(self, streams: list[str]) -> None:
        for stream, row in self.store.load(streams).items():
            case = _case_decoder.decode(row.body or b"")
            with self._lock:
                busy = case.id in self._busy
            made = None if busy else self._act_for(case)
            if made is not None:
                line = _encoder.encode(record_message(made))
                with self._lock:
                    self._busy.add(case.id)
                    self._of[made.id] = case.id
                self._send(made.id, line)
            del stream

    def _act_for(self, case: CaseState) -> Act | None:
        done = {action for action, _ in _STEPS if action in case.done}
        for action, body in _STEPS:
            if action not in done:
                try:
                    return act_of(self.policy, case, action, body)
                except LookupError:
                    return None
        return None

    def _send(self, id: str, line: bytes) -> None:
        awake = [process for process in self.processes if process.ready.is_set()] or self.processes
        self.chance.choice(awake).send(id, line)

    def _send_again(self) -> None:
        with self._lock:
            unsent, self._unsent = self._unsent, {}
        for id, line in unsent.items():
            self._send(id, line)

    def owed(self, process: Process) -> None:
        """Acts that a dead process has not answered: nobody knows whether they are in the journal."""
        with self._lock:
            left, process.open = process.open, {}
            self._unsent |= left

    def answered(self, process: Process, said: dict[str, Any]) -> None:
        """An answer; what was not decided is asked again."""
        with self._lock:
            line = process.open.pop(said["id"], None)
            if "error" in said:
                self.errors[said["error"]] = self.errors.get(said["error"], 0) + 1
                if line is not None:
                    self._unsent[said["id"]] = line
                return
            self.acknowledged[said["id"]] = said["status"]
            self._busy.discard(self._of.get(said["id"], ""))

    # The end.

    def finish(self, patience_s: float = 3_600.0) -> None:
        """Until no limit is due and no answer owed, then an orderly end. Deliveries go on until then, and
        those that are left stay in the outbox."""
        until = perf() + patience_s
        while perf() < until:
            self._revive()
            self._send_again()
            owed = any(process.open for process in self.processes) or bool(self._unsent)
            now = int(self.store.meta("now") or 0)
            due = self.store.due_timers(self.given["end"], 1)
            if not owed and not due and now >= self.given["end"]:
                break
            time.sleep(0.5)
        else:
            raise RuntimeError("the run did not come to rest")
        for process in self.processes:
            if process.end():
                raise RuntimeError(f"{process.name} did not end well")


def run(
    cases: int = 1_000,
    store: str = "sqlite",
    coordinators: int = 1,
    seconds: float = 0.0,
    seed: int = 20261122,
    tell: Callable[[str], None] = print,
) -> dict[str, Any]:
    """Run and prove; `store` is sqlite, postgres (a server of its own) or an address of PostgreSQL."""
    if store == "sqlite":
        return _run(cases, "", "", 1, seconds, seed, tell)
    if store != "postgres":
        secret = os.environ.get("LIANDONG_STORE_PASSWORD_FILE", "")
        return _run(cases, store, secret, coordinators, seconds, seed, tell)
    from liandong.bench.postgres import start_server

    server = start_server()
    try:
        address = server.url(server.new_database())
        return _run(cases, address, str(server.password_file), coordinators, seconds, seed, tell)
    finally:
        server.stop()


def _run(
    cases: int, address: str, password_file: str, coordinators: int, seconds: float, seed: int,
    tell: Callable[[str], None],
) -> dict[str, Any]:  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="liandong-crash-") as folder:
        made = Run(
            Path(folder),
            cases,
            address,
            password_file,
            coordinators,
            seconds or max(20.0, cases / 40),
            seed,
            tell,
        )
        began = perf()
        streams = made.open_cases()
        tell(f"  {len(streams)} cases opened in {perf() - began:.1f} s")
        began = perf()
        made.play(streams)
        made.finish()
        took = perf() - began
        tell(f"  {made.kills} kills, {made.pauses} pauses in {took:.0f} s; proving …")
        report = prove(made.store, made.acknowledged, made.given["end"])
        report["deliveries_left"] = made.store.questions.counts()["outbox"]
        made.store.close()
    whole: dict[str, Any] = {
        "store": "postgres" if address else "sqlite",
        "coordinators": len(made.processes),
        "kills": made.kills,
        "pauses_beyond_the_lease": made.pauses,
        "ended_by_themselves": made.deaths,
        "city_hours": HOURS,
        "seconds": round(took),
        "answers_asked_again": made.errors,
        **report,
    }
    return {"words": in_words(whole), **whole}


def in_words(report: dict[str, Any]) -> str:
    """What a reader wants to know first."""
    good = "通过 proven" if report["proven"] else "未通过 NOT PROVEN"
    return (
        f"{good}: {report['store']}, {report['coordinators']} coordinator(s), {report['cases']} cases; "
        f"{report['kills']} kills and {report['pauses_beyond_the_lease']} pauses longer than the lease in "
        f"{report['seconds']} s. {report['timers_spent']} timers fired, each once, with "
        f"{report['escalations']} escalations; {report['taken_away_before_due']} were not needed any more, "
        f"{report['still_to_come']} are still to come. {report['acts_acknowledged']} acts were acknowledged, "
        f"each is in the journal once. Verification: {report['verify_findings']} findings; rebuilding: "
        f"{report['rebuild_differences']} differences."
    )
