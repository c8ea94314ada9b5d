"""What an answer means: delivered, failed for now, failed for good, or unknown."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import httpx

from liandong.core.values.lists import Outcome

#: Outcome, whether trying again may help, detail without anything that came from outside.
Answer = tuple[Outcome, bool, str]
DELIVERED: Answer = (Outcome.DELIVERED, False, "")
NO_ADDRESS: Answer = (Outcome.FAILED, False, "no address")
#: Statuses after which trying again may help.
_LATER = (408, 425, 429)
#: Nothing was sent, and nothing ever would be.
_NEVER = (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError, UnicodeError)


def of_status(status: int) -> Answer:
    """An HTTP status."""
    if 200 <= status < 300:
        return DELIVERED
    return Outcome.FAILED, status >= 500 or status in _LATER, f"HTTP {status}"


def of_error(error: httpx.HTTPError | httpx.InvalidURL | UnicodeError) -> Answer:
    """Why there is no answer: surely not sent, never to be sent, or sent and not known."""
    if isinstance(error, _NEVER):
        return Outcome.FAILED, False, type(error).__name__
    surely_not = isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout))
    return (Outcome.FAILED if surely_not else Outcome.UNKNOWN), True, type(error).__name__


def of_code(body: bytes, names: Mapping[str, str], later: tuple[str, ...]) -> Answer:
    """The code in a JSON answer: `names` are field → the value that means success.

    A status of 200 alone is no proof: these services answer so to what they refuse as well, and a
    portal between us and them may answer anything.
    """
    for field, good in names.items():
        code = plain(field_of(body, field))
        if code is not None:
            return DELIVERED if code == good else (Outcome.FAILED, code in later, f"code {printable(code)}")
    return Outcome.UNKNOWN, True, "no code"


def field_of(body: bytes, path: str) -> Any:
    """A field of a JSON document, `a.b.0` into objects and lists; None where it is not there."""
    try:
        found: Any = json.loads(body)
    except (ValueError, RecursionError):
        return None
    for name in path.split("."):
        if isinstance(found, dict):
            found = found.get(name)
        elif isinstance(found, list) and name.isdigit() and int(name) < len(found):
            found = found[int(name)]
        else:
            return None
    return found


def plain(value: Any) -> str | None:
    """A word or a number as text, None for anything else."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, (str, int, float)) else None


def printable(code: str) -> str:
    """A code that may be logged: short and without anything that could be a number of a person."""
    short = code[:12]
    return short if short.lstrip("-").isalnum() and short.isascii() and len(code) < 11 else "?"
