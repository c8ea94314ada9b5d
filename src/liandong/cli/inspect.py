"""Commands that look into what a city has done: verify, rebuild, why, backup."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from liandong.cli.common import DataOption, Language, app, need_data


@app.command()
def verify(
    data: DataOption,
    anchor: Annotated[list[Path] | None, typer.Option(help="Anchor file kept elsewhere; repeatable.")] = None,
    public_key: Annotated[
        list[Path] | None, typer.Option(help="Public key kept elsewhere; repeatable.")
    ] = None,
    language: Language = "zh",
) -> None:
    """Check every entry, chain, root and anchor; say what is proven and what is not."""
    from liandong.wiring.inspect import verify_folder

    need_data(data)
    lines, code = verify_folder(data, anchor or [], public_key or [], language)
    for line in lines:
        typer.echo(line)
    raise typer.Exit(code)


@app.command()
def rebuild(
    data: DataOption,
    write: Annotated[bool, typer.Option("--write", help="Replace stored states that differ.")] = False,
    language: Language = "zh",
) -> None:
    """Fold the journal and compare with the stored state."""
    from liandong.wiring.inspect import rebuild_folder

    need_data(data)
    lines, code = rebuild_folder(data, write, language)
    for line in lines:
        typer.echo(line)
    raise typer.Exit(code)


@app.command()
def why(
    what: Annotated[str, typer.Argument(help="A case id, or a channel.")],
    at: Annotated[str, typer.Argument(help="With a channel: the moment, RFC 3339.")] = "",
    data: DataOption = Path("data"),
    language: Language = "zh",
) -> None:
    """Why a case became what it is, down to the first bytes; or why a channel said nothing then."""
    from liandong.wiring.inspect import why_case, why_channel

    need_data(data)
    for line in why_channel(data, what, at, language) if at else why_case(data, what, language):
        typer.echo(line)


@app.command()
def backup(
    data: DataOption, to: Annotated[Path, typer.Option("--to", help="Empty folder to copy into.")]
) -> None:
    """Copy database, log and evidence while the city runs. Keys are never copied."""
    from liandong.wiring.inspect import backup_folder

    need_data(data)
    typer.echo(backup_folder(data, to))
