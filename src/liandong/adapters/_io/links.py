"""Links that we open ourselves, to devices that only answer: how they fare, and when to ask them again."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from liandong.app.logs import get_logger
from liandong.core.values.errors import BadInput, LiandongError
from liandong.core.values.times import format_time

log = get_logger("field")


@dataclass
class Health:
    """How one device behind a link fares, since the process began. Plain counters, read by any thread."""

    protocol: str
    link: str
    device: str = ""  #: which of several behind one link, as the protocol numbers them
    answers: int = 0
    rows: int = 0  #: values handed over to the intake
    failures: int = 0
    in_a_row: int = 0
    last_answer: int | None = None  #: microseconds UTC
    error: str = ""  #: key of the newest failure; empty once it answers again
    noted: dict[str, int] = field(default_factory=dict)  #: what was left out, by reason

    def answered(self, now: int) -> None:
        """It has answered; a failure that stood is over."""
        if self.in_a_row:
            log.info("field.answers_again", protocol=self.protocol, link=self.link, failures=self.in_a_row)
        self.answers += 1
        self.in_a_row, self.last_answer, self.error = 0, now, ""

    def failed(self, key: str) -> None:
        """It has not; only the first failure in a row, and another one than before, is logged."""
        if not self.in_a_row or key != self.error:
            log.warning("field.no_answer", protocol=self.protocol, link=self.link, key=key)
        self.failures += 1
        self.in_a_row += 1
        self.error = key

    def note(self, reason: str, count: int = 1) -> None:
        """Count what was left out; the first of each reason is logged."""
        if reason not in self.noted:
            log.warning("field.left_out", protocol=self.protocol, link=self.link, key=reason)
        self.noted[reason] = self.noted.get(reason, 0) + count

    def shown(self) -> dict[str, Any]:
        """As an operator sees it."""
        last = self.last_answer
        return {
            "protocol": self.protocol, "link": self.link, "device": self.device, "answers": self.answers,
            "rows": self.rows, "failures": self.failures, "failures_in_a_row": self.in_a_row,
            "last_answer": format_time(last) if last is not None else None, "error": self.error,
            "left_out": dict(self.noted),
        }  # fmt: skip


class FieldLink(Protocol):
    """One connection that this process opens. `run` ends only when it is cancelled, or with an error that
    trying again does not mend, e.g. a library that is not installed."""

    name: str

    @property
    def healths(self) -> Sequence[Health]:
        """How the devices behind it fare."""

    async def run(self) -> None:
        """Ask or listen until cancelled."""


def wait_s(name: str, failures: int, least: float, most: float) -> float:
    """Seconds until the next attempt after so many failures in a row: twice as long each time, ± 25 %.

    The jitter is a function of the name and the count, so that a hundred devices behind one dead switch
    do not come back at one moment and a test still knows when.
    """
    digest = hashlib.blake2b(f"{name}/{failures}".encode(), digest_size=2).digest()
    share = 0.75 + int.from_bytes(digest) / 65_535 / 2
    return min(most, least * 2.0 ** min(max(failures - 1, 0), 32)) * share


async def run_all(jobs: Sequence[Coroutine[Any, Any, None]]) -> None:
    """Run jobs that never end until cancelled, or until one fails; then none of them is left.

    They are cancelled until they have ended, because a library may lose a cancellation that comes together
    with an answer (`asyncio.wait_for` before Python 3.12 does).
    """
    tasks = [asyncio.create_task(job) for job in jobs]
    try:
        await asyncio.gather(*tasks)
    finally:
        await end_all(tasks)


async def end_all(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Cancel tasks until all of them have ended."""
    while pending := [task for task in tasks if not task.done()]:
        for task in pending:
            task.cancel()
        await asyncio.wait(pending, timeout=0.5)


def no_library(link: str, extra: str, error: ImportError) -> LiandongError:
    """What to say where a link's library is not installed."""
    return BadInput("field.no_library", link=link, library=error.name or extra, extra=extra)
