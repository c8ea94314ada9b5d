"""What several commands share: their options, and how they write figures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from liandong.core.values.errors import BadInput

app = typer.Typer(
    add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help="联动 liandong"
)

DataOption = Annotated[Path, typer.Option("--data", help="Folder of everything the city remembers.")]
StoreOption = Annotated[
    str | None,
    typer.Option("--store", help="Folder of SQLite's file, or postgresql://user@host:port/database."),
]
JsonOption = Annotated[Path | None, typer.Option("--json", help="Also write the figures to this file.")]
Language = Annotated[str, typer.Option("--language", help="zh or en.")]


def need_data(data: Path, store: str | None = None) -> None:
    """Refuse a data folder that is not there, instead of making an empty one."""
    from liandong.wiring.stores import is_there

    if not is_there(data, store):
        raise BadInput("data.not_found", path=str(data))


def write_json(path: Path | None, report: Any) -> None:
    """Write figures to a file, where one is named."""
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(report, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def group(name: str, help: str) -> typer.Typer:
    """A command with commands of its own, `liandong NAME …`."""
    made = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, help=help)
    app.add_typer(made, name=name)
    return made
