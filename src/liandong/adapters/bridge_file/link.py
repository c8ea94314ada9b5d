"""A folder as a bridge: whole files in and out, never half of one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from liandong.adapters.bridge_file.rows import SUFFIXES, events_of, orders_of
from liandong.app.bridge.documents import Answer, TheirOrder
from liandong.app.bridge.link import Incoming
from liandong.core.values.canonical import canonical_bytes
from liandong.core.values.errors import BadInput
from liandong.core.values.lists import Outcome

_MOST_FILES = 200
Say = Callable[..., str]


class FileLink:
    """One folder; its parts are made where they are missing. `say` puts a reason into words."""

    def __init__(self, folder: Path, say: Say) -> None:
        self._folder, self._say = folder, say
        self._out, self._in = folder / "out", folder / "in"
        self._done, self._bad = folder / "done", folder / "refused"

    def push(self, document: dict[str, Any]) -> tuple[Outcome, bool, str]:
        """Write the order's file, unless a newer version lies there already."""
        target = self._out / f"order-{document['order']}.json"
        try:
            self._make()
            if _version(target) <= document["version"]:
                _write(target, canonical_bytes(document))
        except OSError as error:
            return Outcome.FAILED, True, error.strerror or "write failed"
        return Outcome.DELIVERED, False, ""

    def poll(self) -> Iterator[Incoming]:
        """Every event of every file that waits, by the files' names; a broken file is put aside whole."""
        self._make()
        waiting = [p for p in sorted(self._in.iterdir()) if p.is_file() and _mine(p) and p.stem != "orders"]
        for path in waiting[:_MOST_FILES]:
            try:
                events = events_of(path, self._in / "files")
            except BadInput as error:
                self._put_aside(path, [self._say(error.key, **error.params)])
                continue
            pending = _File(len(events), partial(self._finish, path))
            for number, raw in enumerate(events, 1):
                yield _Line(pending, number, raw)
            if not events:
                self._finish(path, [], [])

    def answer(self, answers: Sequence[Answer]) -> None:
        """One more file of answers; its name grows with the moments, so that they sort."""
        if not answers:
            return
        self._make()
        stamp = answers[-1].at.replace(":", "").replace("-", "") or "0"
        lines = b"".join(canonical_bytes(msgspec.to_builtins(one)) + b"\n" for one in answers)
        number = 0
        while (target := self._out / f"answers-{stamp}-{number:04d}.jsonl").exists():
            if target.read_bytes() == lines:
                return  # written before a restart that came between writing and noting it
            number += 1
        _write(target, lines)

    def orders(self) -> Iterable[TheirOrder] | None:
        """The list that the receiver has left; None where it left none, or one that cannot be read."""
        self._make()
        for suffix in SUFFIXES:
            path = self._in / f"orders{suffix}"
            if path.is_file():
                try:
                    return orders_of(path)
                except BadInput as error:
                    self._put_aside(path, [self._say(error.key, **error.params)])
        return None

    def close(self) -> None:
        """Nothing is held."""

    def _make(self) -> None:
        for folder in (self._out, self._in, self._in / "files", self._done, self._bad):
            folder.mkdir(parents=True, exist_ok=True)

    def _finish(self, path: Path, answers: list[Answer], bad: list[str]) -> None:
        """All of a file is taken: its answers are written, and then it is moved, so that a crash between
        the two only answers it again."""
        self.answer(answers)
        if bad:
            self._put_aside(path, bad)
        else:
            os.replace(path, _free(self._done / path.name))

    def _put_aside(self, path: Path, reasons: list[str]) -> None:
        target = _free(self._bad / path.name)
        _write(target.with_name(target.name + ".reason.txt"), "\n".join(reasons).encode() + b"\n")
        os.replace(path, target)


class _File:
    """A file of which every event has to be answered before it is moved."""

    def __init__(self, count: int, finish: Callable[[list[Answer], list[str]], None]) -> None:
        self._left, self._finish = count, finish
        self._answers: list[Answer] = []
        self._bad: list[str] = []

    def settle(self, answer: Answer | None, bad: str) -> None:
        if answer is not None:
            self._answers.append(answer)
        if bad:
            self._bad.append(bad)
        self._left -= 1
        if not self._left:
            self._finish(self._answers, self._bad)


class _Line:
    """One event of a file."""

    def __init__(self, file: _File, number: int, raw: bytes) -> None:
        self._file, self._number, self.raw = file, number, raw

    def answered(self, answer: Answer) -> None:
        """It was taken."""
        self._file.settle(answer, "")

    def refused(self, key: str, said: str) -> None:
        """It could not be read: the file goes aside with this reason, its other events are done."""
        self._file.settle(None, f"{self._number}: {said}")


def _mine(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and not path.name.startswith((".", "~$"))


def _free(path: Path) -> Path:
    """This name, or the next one that is not taken."""
    number, found = 1, path
    while found.exists():
        found = path.with_name(f"{path.stem}-{number}{path.suffix}")
        number += 1
    return found


def _version(path: Path) -> int:
    """The version that lies there, -1 where there is none that can be read."""
    try:
        return int(msgspec.json.decode(path.read_bytes())["version"])
    except (OSError, msgspec.MsgspecError, KeyError, TypeError, ValueError):
        return -1


def _write(target: Path, data: bytes) -> None:
    """Whole or not at all."""
    aside = target.with_name(f".{target.name}.part")
    with aside.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(aside, target)
