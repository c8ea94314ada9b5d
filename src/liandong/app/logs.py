"""Logs: JSON lines with an event key and fields from a closed list. No sentence, so no name slips in.

Personal data must not reach a log, and nobody can prove that of free text. So everything that is not
listed here is dropped and counted, and of an exception only its type and place are kept.
"""

from __future__ import annotations

import json
import logging
import logging.handlers
import re
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import Any

from liandong.core.values.errors import LiandongError
from liandong.core.values.times import SECOND, format_time

#: Fields holding a word: a key, slug, id or digest made by us, never by a person.
_WORD_NAMES = """
    action anomaly capability case channel coordinator digest error_key fate group hazard key lane method mode
    order pack partition reason rule setting signal source state step stream unit
"""
#: Fields holding a number or a truth value.
_NUMBER_NAMES = """
    attempt batch bytes count deadlines dead depth difference errno limit ms next now offset passed port
    position queued received rejected retry_after row segment sequence status version
"""
WORDS = frozenset(_WORD_NAMES.split())
NUMBERS = frozenset(_NUMBER_NAMES.split())
#: Fields holding a path of a file or route; a query is cut off, because it holds what people typed.
PATHS = frozenset({"path", "route"})
FIELDS = WORDS | NUMBERS | PATHS

_KEY = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")
_WORD = re.compile(r"[A-Za-z0-9_.:\-]{1,128}")
_PATH = re.compile(r"[A-Za-z0-9_.:{}/\-]{1,256}")
#: A telephone or identity number would pass for a word.
_LONG_NUMBER = re.compile(r"\d{11}|\d{3}[-.:]\d{4}[-.:]\d{4}")
_PLACES = 5

Fault = tuple[type[BaseException], BaseException, TracebackType | None]


class Dropped:
    """Counts what was kept out of the log, so that a careless call is noticed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0

    def add(self, count: int) -> None:
        with self._lock:
            self._count += count

    @property
    def count(self) -> int:
        """Fields and messages kept out since the process began."""
        return self._count


dropped = Dropped()


class Log:
    """Writes events: `log.info("case.opened", case=case.id, count=3)`."""

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(name)

    def debug(self, event: str, **fields: object) -> None:
        """For whoever is looking for a fault."""
        self._write(logging.DEBUG, event, fields)

    def info(self, event: str, **fields: object) -> None:
        """What happened, as it should."""
        self._write(logging.INFO, event, fields)

    def warning(self, event: str, **fields: object) -> None:
        """Something that a person should look at some time."""
        self._write(logging.WARNING, event, fields)

    def error(self, event: str, error: BaseException | None = None, **fields: object) -> None:
        """Something that a person should look at now; of the error only type, key and place are kept."""
        self._write(logging.ERROR, event, fields, error)

    def _write(
        self, level: int, event: str, fields: dict[str, object], error: BaseException | None = None
    ) -> None:
        if self._logger.isEnabledFor(level):
            fault = None if error is None else (type(error), error, error.__traceback__)
            self._logger.log(level, "%s", event, extra={"liandong": (event, fields)}, exc_info=fault)


def get_logger(name: str) -> Log:
    """The log of a module; its name is written with every line."""
    return Log(name)


class JsonLines(logging.Formatter):
    """One record, one line; also for records of other packages, whose sentences are dropped."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        event, fields = getattr(record, "liandong", (None, {}))
        lost = 0
        if not isinstance(event, str) or not _clean(_KEY, event):
            lost, event = 1, "log.unnamed" if event is not None else "log.foreign"
            fields = {} if not isinstance(fields, dict) else fields
        line: dict[str, object] = {
            "ts": format_time(int(record.created * SECOND)),
            "level": record.levelname.lower(),
            "logger": record.name if _clean(_WORD, record.name) else "?",
            "event": event,
        }
        kept = admitted(fields)
        line |= kept
        lost += len(fields) - len(kept)
        if record.exc_info and record.exc_info[1] is not None:
            fault, withheld = describe(record.exc_info[1])
            line |= {name: value for name, value in fault.items() if name not in line}
            lost += withheld
        if lost:
            dropped.add(lost)
            line["dropped"] = lost
        return json.dumps(line, ensure_ascii=False, separators=(",", ":"))


class _Quiet:
    """A line that cannot be written is counted; the standard handler would print it with its arguments."""

    def handleError(self, record: logging.LogRecord) -> None:
        """Nothing but the count."""
        dropped.add(1)


class _File(_Quiet, logging.handlers.WatchedFileHandler):
    """Follows the file when the system's log rotation renames it."""


class _Stream(_Quiet, logging.StreamHandler[Any]):
    pass


def admitted(fields: dict[str, Any]) -> dict[str, object]:
    """The fields that may be written, with their values in the form that may be written."""
    return {name: kept for name, value in fields.items() if (kept := _value(name, value)) is not None}


def describe(error: BaseException) -> tuple[dict[str, object], int]:
    """Type, places and causes of an error, and how many of its parameters were withheld."""
    said: dict[str, object] = {"error": _name(error), "places": _places(error.__traceback__)}
    withheld = 0 if isinstance(error, LiandongError) else 1
    if isinstance(error, LiandongError):
        kept = admitted(dict(error.params))
        withheld = len(error.params) - len(kept)
        said |= kept | ({"error_key": error.key} if _clean(_KEY, error.key) else {})
    causes: list[str] = []
    cause = error.__cause__ or error.__context__
    while cause is not None and len(causes) < _PLACES:
        causes.append(_name(cause))
        cause = cause.__cause__ or cause.__context__
    if causes:
        said["causes"] = causes
    return said, withheld


def configure_logging(level: str = "info", file: Path | None = None) -> None:
    """Write everything as JSON lines to the file or to standard error, also what nobody caught."""
    handler: logging.Handler = _Stream(sys.stderr) if file is None else _File(file, encoding="utf-8")
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
        old.close()
    root.addHandler(handler)
    root.setLevel(level.upper())
    logging.captureWarnings(True)
    log = get_logger("liandong")

    def uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            return
        log.error("process.uncaught", error.with_traceback(trace))

    def uncaught_in_thread(caught: threading.ExceptHookArgs) -> None:
        if caught.exc_value is not None:
            log.error("thread.uncaught", caught.exc_value)

    sys.excepthook = uncaught
    threading.excepthook = uncaught_in_thread


def uvicorn_log_config() -> dict[str, object]:
    """For `uvicorn.run(log_config=…)`: no access log, whose lines hold addresses and queries."""
    return {
        "version": 1,
        "incremental": True,
        "loggers": {
            "uvicorn": {"propagate": True},
            "uvicorn.error": {"propagate": True},
            "uvicorn.access": {"level": logging.CRITICAL + 1, "propagate": False},
        },
    }


def _value(name: str, value: object) -> object:
    """The value as it may be written under this name, or None."""
    if name in NUMBERS and isinstance(value, (int, float)):
        return value
    if not isinstance(value, str):
        return None
    if name in WORDS:
        return str(value) if _clean(_WORD, value) else None
    if name in PATHS:
        bare = re.split(r"[?#;]", value, maxsplit=1)[0]
        return bare if _clean(_PATH, bare) else None
    return None


def _clean(shape: re.Pattern[str], value: str) -> bool:
    return shape.fullmatch(value) is not None and _LONG_NUMBER.search(value) is None


def _name(error: BaseException) -> str:
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _places(trace: TracebackType | None) -> list[str]:
    """Module, function and line, innermost last; no source line, because a literal may be a name."""
    found: list[str] = []
    while trace is not None:
        frame = trace.tb_frame
        found.append(f"{frame.f_globals.get('__name__', '?')}:{frame.f_code.co_name}:{trace.tb_lineno}")
        trace = trace.tb_next
    return found[-_PLACES:]
