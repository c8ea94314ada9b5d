"""What an adapter does for a bridge. Each kind (HTTP, tables, files) implements this."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol

from liandong.app.bridge.documents import Answer, TheirOrder
from liandong.core.values.lists import Outcome


class Incoming(Protocol):
    """One event as it came, and the way to say what became of it."""

    raw: bytes

    def answered(self, answer: Answer) -> None:
        """It was taken, and has this outcome so far; it need not be given again."""

    def refused(self, key: str, said: str) -> None:
        """It cannot be read: put it aside with the reason."""


class Link(Protocol):
    """The way to one receiver's own system."""

    def push(self, document: dict[str, Any]) -> tuple[Outcome, bool, str]:
        """Give one order: outcome, whether trying again may help, detail. The newest `version` of an
        `order` stands; giving it again does no harm."""

    def poll(self) -> Iterator[Incoming]:
        """What has been reported since; nothing where that system calls us. May raise OSError."""

    def answer(self, answers: Sequence[Answer]) -> None:
        """What became of events that were answered otherwise before. May raise OSError."""

    def orders(self) -> Iterable[TheirOrder] | None:
        """The orders that it has open, and those it closed lately; None where it cannot be asked."""

    def close(self) -> None:
        """Let go of whatever is held."""
