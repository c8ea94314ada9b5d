"""The links of a city's bridges, from its rows and the file of addresses that the settings name.

That file has a table for each bridge, `[gas]` for `bridge:gas`: of kind api `address` (without one that
system only calls us) and `secret_file`, whose secret signs what we send; of kind database `database_file`,
which holds a SQLAlchemy address; of kind file `folder`. Paths are relative to the file.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from liandong.app.bridge.desk import Bridges
from liandong.app.bridge.link import Link
from liandong.app.handle import Handler
from liandong.app.ports import Store
from liandong.app.settings import Settings
from liandong.app.vault import Vault
from liandong.app.writer import Writer
from liandong.core.values.city import Bridge
from liandong.core.values.errors import BadInput
from liandong.core.values.lists import BridgeKind
from liandong.texts import text

_KNOWN = ("address", "secret_file", "database_file", "folder")


def make_bridges(
    settings: Settings, store: Store, handler: Handler, writer: Writer, vault: Vault
) -> Bridges | None:
    """Every bridge whose other end is known; None where the city has no bridge. Raises BadInput."""
    rows = handler.policy.city.city.bridges
    if not rows:
        return None
    places = _read(settings.bridges_file) if settings.bridges_file is not None else {}
    base = settings.bridges_file.parent if settings.bridges_file is not None else Path()

    def say(key: str, /, **params: Any) -> str:
        return text(key, settings.language, **params)

    links = {}
    for row in rows:
        link = _link(row, places.get(row.key.removeprefix("bridge:"), {}), base, say)
        if link is not None:
            links[row.key] = link
    return Bridges(
        store, handler, writer, vault, links, say, public_url=str(settings.public_url or "").rstrip("/"),
        poll_s=settings.bridge_poll_s, reconcile_s=settings.bridge_reconcile_s,
    )  # fmt: skip


def _link(row: Bridge, place: dict[str, str], base: Path, say: Any) -> Link | None:
    """The adapter of a row's kind; None where its place is not named. Engines are imported where used."""
    unknown = [name for name in place if name not in _KNOWN]
    if unknown:
        raise BadInput("bridge.bad_settings", bridge=row.key, problem=", ".join(unknown)[:80])
    if row.kind == BridgeKind.API:
        from liandong.adapters.bridge_api.link import ApiLink

        secret = _secret(row, base / place["secret_file"]) if "secret_file" in place else ""
        return ApiLink(place.get("address", ""), secret.encode())
    if row.kind == BridgeKind.DATABASE and "database_file" in place:
        from liandong.adapters.bridge_table import TableLink

        return TableLink(_secret(row, base / place["database_file"]))
    if row.kind == BridgeKind.FILE and "folder" in place:
        from liandong.adapters.bridge_file import FileLink

        return FileLink(base / place["folder"], say)
    return None


def _read(path: Path) -> dict[str, dict[str, str]]:
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInput("settings.file_unreadable", path=str(path), problem=error.strerror) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput("settings.file_malformed", path=str(path), problem=type(error).__name__) from error
    for name, table in found.items():
        if not isinstance(table, dict) or not all(isinstance(value, str) for value in table.values()):
            raise BadInput("bridge.bad_settings", bridge=name[:64], problem="text")
    return found


def _secret(row: Bridge, path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput("bridge.bad_settings", bridge=row.key, problem=path.name) from error
