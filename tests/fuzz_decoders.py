"""Fuzz the decoders: `python -m tests.fuzz_decoders [NAME …] --frames N --seed S --json FILE`.

Each decoder gets N frames: good ones changed a little, changed ones whose lengths and check sums fit
again, pieces of several, and pure rubbish; each by itself, and all of them as a stream that is cut
anywhere. What it may do is read them or refuse them. The run fails where anything but a refusal
escapes, where one frame takes longer than two seconds, and where the process has grown.
"""

from __future__ import annotations

import argparse
import faulthandler
import json
import signal
import sys
import traceback
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from liandong.app.clock import perf
from liandong.core.values.errors import LiandongError
from tests.fuzz_targets import TARGETS, Target

LIMIT_S = 2.0
BACKSTOP_S = 60.0
#: Growth beyond this after the first tenth of the frames counts as a leak.
MOST_GROWTH_KB = 24 * 1024
BATCH = 256
MOST_FAILURES = 20
_EDGES = (0, 1, 0x7D, 0x7E, 0x7F, 0x80, 0xFE, 0xFF, 0x23, 0x40, 0x26, 0x3B, 0x3D)


class Hang(Exception):
    """A frame took too long."""


def resident_kb() -> int:
    """Memory of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4


class Watchdog:
    """Interrupts what does not move on; looks once in half the limit, so it costs nothing a frame."""

    def __init__(self) -> None:
        self.count = self._seen = 0
        self._still = 0

    def __enter__(self) -> Watchdog:
        signal.signal(signal.SIGALRM, self._look)
        signal.setitimer(signal.ITIMER_REAL, LIMIT_S / 2, LIMIT_S / 2)
        return self

    def __exit__(self, *_: object) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)

    def _look(self, *_: object) -> None:
        self._still = self._still + 1 if self.count == self._seen else 0
        self._seen = self.count
        if self._still >= 2:
            self._still = 0
            raise Hang(f"longer than {LIMIT_S} s")


def changed(raw: bytes, other: bytes, rng: Random) -> bytes:
    """One to four small changes."""
    data = bytearray(raw)
    random = rng.random
    for _ in range(1 + int(random() * 4)):
        size = len(data)
        if not size:
            return bytes(data)
        at, way = int(random() * size), int(random() * 8)
        if way <= 1:
            data[at] ^= 1 << int(random() * 8)
        elif way == 2:
            data[at] = _EDGES[int(random() * len(_EDGES))]
        elif way == 3:
            del data[at : at + 1 + int(random() * 4)]
        elif way == 4:
            data[at:at] = rng.randbytes(1 + int(random() * 4))
        elif way == 5:
            data[at:at] = data[at : at + int(random() * 16)]
        elif way == 6:
            del data[at:]
        else:
            data[at:] = other[int(random() * (len(other) + 1)) :]
    return bytes(data)


def frames(target: Target, rng: Random) -> Iterator[bytes]:
    """Without end: 8 % untouched, 4 % rubbish, the rest changed, half of that made to fit again."""
    samples, random = target.samples, rng.random
    while True:
        raw = samples[int(random() * len(samples))]
        way = random()
        if way < 0.08:
            yield raw
        elif way < 0.12:
            yield rng.randbytes(int(random() * 200))
        else:
            made = changed(raw, samples[int(random() * len(samples))], rng)
            yield target.mend(made) if way > 0.56 and target.mend is not None else made


class Run:
    """One decoder's frames."""

    def __init__(self, name: str, count: int, seed: int) -> None:
        self.name, self.count = name, count
        self.target = TARGETS[name]()
        self._rng = Random(f"{name}/{seed}")
        self._refused: Counter[str] = Counter()
        self._read = self._pieces = 0
        self._failures: list[dict[str, str]] = []
        self._framer = self.target.framer() if self.target.framer is not None else None

    def run(self) -> dict[str, Any]:
        """The figures of the run."""
        for raw in self.target.samples:  # what is compiled or loaded at first use is not counted
            self._one(raw)
        source = frames(self.target, self._rng)
        before = resident_kb()
        began, done, warm, slowest = perf(), 0, False, 0.0
        with Watchdog() as dog:
            while done < self.count and len(self._failures) < MOST_FAILURES:
                batch = [next(source) for _ in range(min(BATCH, self.count - done))]
                # What hangs in compiled code hears no signal: then the whole run ends and says where.
                faulthandler.dump_traceback_later(BACKSTOP_S, exit=True, file=sys.__stderr__)
                for raw in batch:
                    if len(self._failures) >= MOST_FAILURES:
                        break
                    at = perf()
                    self._one(raw)
                    slowest = max(slowest, perf() - at)
                    dog.count += 1
                self._stream(batch, dog)
                done += len(batch)
                if not warm and done >= self.count / 10:
                    warm, before = True, resident_kb()
        faulthandler.cancel_dump_traceback_later()
        seconds = perf() - began
        growth = resident_kb() - before
        return {
            "frames": done, "through_the_stream": self._pieces, "seconds": round(seconds, 2),
            "frames_per_s": round(done / seconds), "read": self._read,
            "refused": dict(self._refused.most_common()), "slowest_ms": round(slowest * 1000, 2),
            "growth_kb": growth, "failures": self._failures,
            "ok": not self._failures and growth <= MOST_GROWTH_KB,
        }  # fmt: skip

    def _one(self, raw: bytes) -> None:
        try:
            self.target.read(raw)
        except LiandongError as error:
            self._refused[error.key] += 1
        except Exception as error:
            self._fail(raw, error)
        else:
            self._read += 1

    def _stream(self, batch: list[bytes], dog: Watchdog) -> None:
        """The same frames as one stream, cut anywhere; what it gives back has to be all of it."""
        if self._framer is None:
            return
        stream, at, random, known = b"".join(batch), 0, self._rng.random, set(batch)
        while at < len(stream):
            size = 1 + int(random() * (8 if random() < 0.1 else 3000))
            try:
                pieces = self._framer.feed(stream[at : at + size])
            except Exception as error:
                self._fail(stream, error)
                assert self.target.framer is not None
                self._framer = self.target.framer()
                return
            self._pieces += len(pieces)
            for piece in pieces:
                if piece.error is None and piece.raw not in known:
                    self._one(piece.raw)
            dog.count += 1
            at += size

    def _fail(self, raw: bytes, error: Exception) -> None:
        where = "".join(traceback.format_exception(error)[-3:])
        self._failures.append({"frame": raw[:4096].hex(), "error": repr(error)[:300], "where": where[-800:]})


def main(arguments: list[str] | None = None) -> int:
    """0 where every decoder held, 1 where one did not."""
    parser = argparse.ArgumentParser(description="Fuzz the decoders.")
    parser.add_argument("names", nargs="*", help=f"of {', '.join(TARGETS)}; all without one")
    parser.add_argument("--frames", type=int, default=100_000, help="for each decoder")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args(arguments)
    report: dict[str, Any] = {}
    for name in given.names or TARGETS:
        report[name] = Run(name, given.frames, given.seed).run()
        shown = {k: v for k, v in report[name].items() if k not in ("refused", "failures")}
        sys.stdout.write(f"{name}: {shown}\n")
        for failure in report[name]["failures"][:3]:
            sys.stdout.write(f"  {failure['error']}\n  {failure['frame'][:400]}\n{failure['where']}\n")
        sys.stdout.flush()
    if given.json is not None:
        given.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return 0 if all(one["ok"] for one in report.values()) else 1


if __name__ == "__main__":
    raise SystemExit(main())
