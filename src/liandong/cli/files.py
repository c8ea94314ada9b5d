"""Commands that take readings from files."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from liandong.cli.common import Language, app, need_data
from liandong.core.values.errors import BadInput


@app.command("import")
def import_(
    files: Annotated[list[Path], typer.Argument(help="CSV, zipped CSV or Parquet.")],
    source: Annotated[str, typer.Option(help="Source in whose name the readings are sent.")] = "",
    data: Annotated[Path | None, typer.Option("--data", help="Folder of a city that is not running.")] = None,
    url: Annotated[str, typer.Option(help="Or the address of a running one.")] = "",
    token_file: Annotated[
        Path | None, typer.Option("--token-file", help="With --url: file with the source's token.")
    ] = None,
    zone: Annotated[str, typer.Option(help="Zone of times without an offset.")] = "Asia/Shanghai",
    map_: Annotated[
        list[str] | None, typer.Option("--map", help="COLUMN=CHANNEL where a file calls a channel otherwise.")
    ] = None,
    language: Language = "zh",
) -> None:
    """Import readings from files. May be repeated: what was taken before is not taken again."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from liandong.wiring.files import import_files

    if bool(data) == bool(url) or (url and token_file is None) or (data and not source):
        raise BadInput("import.where")
    names = {}
    for pair in map_ or []:
        column, equals, channel = pair.rpartition("=")
        if not equals or not column or not channel:
            raise BadInput("import.bad_map", pair=pair[:80])
        names[column] = channel
    if data is not None:
        need_data(data)
    token = read_token(token_file) if token_file else ""
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"))
    with Progress(
        *columns, MofNCompleteColumn(), TimeElapsedColumn(), disable=not sys.stderr.isatty()
    ) as bar:
        task = bar.add_task("导入 import", total=float(len(files)))
        seen: list[str] = []

        def tell(message: object) -> None:
            file, share = getattr(message, "file", ""), getattr(message, "done", 0.0)
            root = file.partition("!")[0]
            if root not in seen:
                seen.append(root)
            bar.update(task, completed=len(seen) - 1 + share, description=root)

        done = import_files(
            files, source=source, names=names, zone=zone, data=data, url=url, token=token, language=language,
            tell=tell,
        )  # fmt: skip
    for note in done.notes:
        typer.echo(note)
    for words in done.shown:
        typer.echo(words, err=True)
    typer.echo(
        f"读数 readings: {done.rows}  接收 taken: {done.accepted}  重复 repeated: {done.repeated}  "
        f"拒收 refused: {done.refused}"
    )
    if done.refused:
        raise typer.Exit(1)


def read_token(path: Path) -> str:
    """The token in a file. Raises BadInput where there is none."""
    try:
        token = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput("import.token_file", path=str(path)) from error
    if not token or not token.isascii():
        raise BadInput("import.token_file", path=str(path))
    return token
