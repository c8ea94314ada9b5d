"""Import of files: into a stopped city through its own intake, or into a running one over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

from liandong.adapters.files.messages import FileMessage, file_messages
from liandong.adapters.files.send import HttpSender, Sent
from liandong.app.settings import load_settings
from liandong.core.values.access import Session
from liandong.core.values.errors import Busy
from liandong.texts import text
from liandong.wiring.city import open_city

MOST_SHOWN = 20
Send = Callable[[bytes, int], Sent]


@dataclass
class Imported:
    """What an import came to."""

    rows: int = 0
    accepted: int = 0
    repeated: int = 0
    refused: int = 0
    shown: list[str] = field(default_factory=list)  #: the first refusals in words
    notes: list[str] = field(default_factory=list)  #: what was corrected


def import_files(
    paths: Sequence[Path],
    *,
    source: str,
    names: dict[str, str],
    zone: str,
    data: Path | None = None,
    url: str = "",
    token: str = "",
    language: str = "zh",
    tell: Callable[[FileMessage], None] = lambda message: None,
) -> Imported:
    """Send all files as one source; `tell` is called after each message, refusals are in the language.

    Raises BadInput and NotFound as the files and the city say; what was sent before stays.
    """
    done = Imported()
    opened = _over_http(url, token, language) if url else _into(data or Path(), source, names, language)
    with opened as send:
        for path in paths:
            for message in file_messages(path, zone=zone or "Asia/Shanghai", names=names):
                _add(done, message, send(message.raw, message.rows))
                tell(message)
    return done


def _add(done: Imported, message: FileMessage, sent: Sent) -> None:
    done.rows += message.rows
    done.accepted += sent.accepted
    done.repeated += sent.repeated
    done.refused += len(sent.refused)
    for words in sent.refused[: max(MOST_SHOWN - len(done.shown), 0)]:
        done.shown.append(f"{message.file}:{message.line}+ {words}")
    if message.note and f"{message.file}: {message.note}" not in done.notes:
        done.notes.append(f"{message.file}: {message.note}")


@contextmanager
def _over_http(url: str, token: str, language: str) -> Iterator[Send]:
    sender = HttpSender(url, token, language)
    try:
        yield sender.send
    finally:
        sender.close()


@contextmanager
def _into(data: Path, source: str, names: dict[str, str], language: str) -> Iterator[Send]:
    """A city that runs only for this import; `names` learns what the source's items are called."""
    city = open_city(load_settings({"data": data}))
    for channel in city.platform.handler.policy.city.city.channels:
        if channel.source == source and channel.item and not channel.reducer:
            names.setdefault(channel.item, channel.key)
    city.start()

    def send(raw: bytes, rows: int) -> Sent:
        while True:
            try:
                future, errors = city.platform.receiving.readings(Session(source=source), raw)
                break
            except Busy:
                Event().wait(0.05)
        receipt = future.result()
        refused = tuple(text(error.key, language, **error.params) for error in errors)
        taken = 0 if receipt.duplicate else receipt.rows
        return Sent(taken, receipt.rows if receipt.duplicate else 0, refused)

    try:
        yield send
    finally:
        city.stop()
