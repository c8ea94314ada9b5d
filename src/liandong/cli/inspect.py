"""Commands that look into what a city has done: verify, rebuild, why, backup."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from liandong.cli.common import DataOption, Language, StoreOption, app, need_data


@app.command()
def verify(
    data: DataOption,
    anchor: Annotated[list[Path] | None, typer.Option(help="Anchor file kept elsewhere; repeatable.")] = None,
    public_key: Annotated[
        list[Path] | None, typer.Option(help="Public key kept elsewhere; repeatable.")
    ] = None,
    language: Language = "zh",
    store: StoreOption = None,
) -> None:
    """Check every entry, chain, root and anchor; say what is proven and what is not."""
    from liandong.wiring.inspect import verify_folder

    need_data(data, store)
    lines, code = verify_folder(data, anchor or [], public_key or [], language, store)
    for line in lines:
        typer.echo(line)
    raise typer.Exit(code)


@app.command()
def rebuild(
    data: DataOption,
    write: Annotated[bool, typer.Option("--write", help="Replace stored states that differ.")] = False,
    language: Language = "zh",
    store: StoreOption = None,
) -> None:
    """Fold the journal and compare with the stored state."""
    from liandong.wiring.inspect import rebuild_folder

    need_data(data, store)
    lines, code = rebuild_folder(data, write, language, store)
    for line in lines:
        typer.echo(line)
    raise typer.Exit(code)


@app.command()
def audit(
    data: DataOption,
    json_to: Annotated[Path | None, typer.Option("--json", help="File for the report.")] = None,
    language: Language = "zh",
    store: StoreOption = None,
) -> None:
    """Prove from the journal that every escalation due did happen: 0 all did, 1 findings."""
    import msgspec

    from liandong.wiring.audit import audit_folder, report_lines

    need_data(data, store)
    report = audit_folder(data, store)
    if json_to is not None:
        json_to.write_bytes(msgspec.json.format(msgspec.json.encode(report)) + b"\n")
    for line in report_lines(report, language):
        typer.echo(line)
    raise typer.Exit(1 if report.findings else 0)


@app.command()
def why(
    what: Annotated[str, typer.Argument(help="A case id, or a channel.")],
    at: Annotated[str, typer.Argument(help="With a channel: the moment, RFC 3339.")] = "",
    data: DataOption = Path("data"),
    language: Language = "zh",
    store: StoreOption = None,
) -> None:
    """Why a case became what it is, down to the first bytes; or why a channel said nothing then."""
    from liandong.wiring.inspect import why_case, why_channel

    need_data(data, store)
    found = why_channel(data, what, at, language, store) if at else why_case(data, what, language, store)
    for line in found:
        typer.echo(line)


@app.command()
def backup(
    data: DataOption,
    to: Annotated[Path, typer.Option("--to", help="Empty folder to copy into.")],
    store: StoreOption = None,
) -> None:
    """Copy database, log and evidence while the city runs. Keys are never copied."""
    from liandong.wiring.inspect import backup_folder

    need_data(data, store)
    typer.echo(backup_folder(data, to, store))


@app.command()
def restore(
    backup: Annotated[Path, typer.Argument(help="Folder that `backup` has written.")],
    to: Annotated[Path, typer.Option("--to", help="Empty folder: the new data folder.")],
    language: Language = "zh",
) -> None:
    """Put a backup into a new data folder and verify it there: 0 good, 1 findings. Put the keys beside it."""
    from liandong.wiring.inspect import restore_folder

    lines, code = restore_folder(backup, to, language)
    for line in lines:
        typer.echo(line)
    raise typer.Exit(code)
