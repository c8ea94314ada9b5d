"""The file of channels: TOML, a table `[[channel]]` for each. It holds secrets: nothing of it is repeated."""

from __future__ import annotations

import logging
import re
import tomllib
from pathlib import Path
from typing import Any

import msgspec

from liandong.core.values.errors import BadInput

#: Libraries that write whole addresses into their logs.
_TALKATIVE = ("httpx", "httpcore", "urllib3", "requests")


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of the file, unchecked. Raises BadInput without repeating anything of it."""
    hush()
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8")).get("channel", [])
    except OSError as error:
        raise BadInput("channels.unreadable", path=str(path), problem=error.strerror or "") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        raise BadInput("channels.malformed", path=str(path)) from None
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise BadInput("channels.malformed", path=str(path))
    return found


def checked(row: dict[str, Any], number: int, kind: Any, path: Path) -> Any:
    """A row as its struct. Raises BadInput naming the row and, where that is safe, the field."""
    try:
        return msgspec.convert(row, kind)
    except msgspec.ValidationError as error:
        said = re.search(r"field `(\w+)`|`\$\.(\w+)|unknown field `(\w+)`", str(error))
        field = next((name for name in said.groups() if name), "") if said else ""
        # A name that we do not know may be a secret in the wrong place.
        known = field if re.fullmatch(r"[a-z_]{2,20}", field) else "?"
    raise BadInput("channels.bad_row", path=str(path), row=number, field=known) from None


def hush() -> None:
    """Keep libraries from writing addresses with their secrets into anybody's log."""
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.ERROR)
