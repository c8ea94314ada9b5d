"""Commands about domain packs: check and make one, learn baselines, replay files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from liandong.cli.common import Language, app, group
from liandong.core.values.errors import BadInput

if TYPE_CHECKING:
    from liandong.wiring.baselines import Progress

check = group("check", "Check something that others made.")
new = group("new", "Make something new.")

PackName = Annotated[str, typer.Argument(help="Name of an installed pack, or the folder of one.")]
PackOption = Annotated[str, typer.Option("--pack", help="Name of an installed pack, or the folder of one.")]
Files = Annotated[list[Path], typer.Argument(help="CSV, zipped CSV or Parquet, or folders of them.")]
MapOption = Annotated[
    list[str] | None,
    typer.Option("--map", help="COLUMN=quantity where the unit does not say it; repeatable."),
]
ZoneOption = Annotated[str, typer.Option("--zone", help="Zone of times that name none.")]


@check.command("pack")
def check_one(name: PackName, language: Language = "zh") -> None:
    """Prove a pack: rows, words, hazards, samples. Exit 0 good, 1 findings, 2 unreadable."""
    from liandong.app.packs import find_pack
    from liandong.conformance.pack import check_pack
    from liandong.texts import text

    folder = find_pack(name)
    found = check_pack(folder)
    for error in found:
        typer.echo(text(error.key, language, **error.params))
    typer.echo(text("pack.checked", language, pack=name, findings=len(found)))
    raise typer.Exit(1 if found else 0)


@new.command("pack")
def new_one(
    name: Annotated[str, typer.Argument(help="Its id: small letters, digits, underscores.")],
    to: Annotated[Path, typer.Option("--to", help="Folder in which it is made.")] = Path(),
    language: Language = "zh",
) -> None:
    """Make a small whole pack that passes `check pack` at once, to be filled."""
    from liandong.texts import text
    from liandong.wiring.new_pack import make_pack

    typer.echo(text("pack.made", language, folder=str(make_pack(name, to))))


@app.command()
def learn(
    paths: Files,
    pack: PackOption,
    out: Annotated[Path, typer.Option("--out", help="Table to write, .csv or .json.")],
    maps: MapOption = None,
    zone: ZoneOption = "Asia/Shanghai",
    language: Language = "zh",
) -> None:
    """Learn the baseline of every point from files that show the reference state."""
    from liandong.app.packs import find_pack, load_pack
    from liandong.texts import text
    from liandong.wiring.baselines import learn as learn_files
    from liandong.wiring.baselines import write_baselines
    from liandong.wiring.columns import Reader

    with _progress() as progress:
        reader = Reader(load_pack(find_pack(pack)), _mapping(maps), _zone(zone))
        learned = learn_files(paths, reader, progress)
    if not learned.rows:
        raise BadInput("baseline.nothing_learned", pack=pack)
    write_baselines(out, learned.rows)
    for file, point in learned.refused:
        typer.echo(text("replay.reference_refused", language, file=file, point=point))
    typer.echo(text("baseline.learned", language, points=len(learned.rows), file=str(out)))


@app.command()
def replay(
    paths: Files,
    pack: PackOption,
    findings: Annotated[Path, typer.Option("--findings", help="File to write, one finding a line.")],
    baseline: Annotated[
        list[Path] | None,
        typer.Option("--baseline", help="Reference files, or what `learn` wrote; repeatable."),
    ] = None,
    maps: MapOption = None,
    zone: ZoneOption = "Asia/Shanghai",
    language: Language = "zh",
) -> None:
    """Judge files of readings by a pack's rules. Exit 0 nothing found, 1 findings, 2 unreadable."""
    import msgspec

    from liandong.app.packs import find_pack, load_pack
    from liandong.texts import text
    from liandong.wiring.replay import replay_files

    with _progress() as progress:
        done = replay_files(
            paths, load_pack(find_pack(pack)), baselines=baseline or (), mapping=_mapping(maps),
            zone=_zone(zone), progress=progress,
        )  # fmt: skip
    findings.parent.mkdir(parents=True, exist_ok=True)
    findings.write_bytes(b"".join(msgspec.json.encode(one) + b"\n" for one in done.findings))
    for key, params in done.notes:
        typer.echo(text(key, language, **params))
    for one in done.findings:
        typer.echo(one["reason" if language == "zh" else "reason_en"])
    typer.echo(text("replay.done", language, findings=len(done.findings), live=done.live, file=str(findings)))
    raise typer.Exit(1 if done.live else 0)


def _mapping(maps: list[str] | None) -> dict[str, str]:
    pairs = [text.rpartition("=") for text in maps or ()]
    for column, sign, quantity in pairs:
        if not (sign and column and quantity):
            raise BadInput("replay.bad_map", value=f"{column}{sign}{quantity}")
    return {column: quantity for column, _, quantity in pairs}


def _zone(name: str) -> str:
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise BadInput("replay.bad_zone", value=name) from error
    return name


@contextmanager
def _progress() -> Iterator[Progress]:
    """A spinner with the file at hand on the terminal's other stream; nothing where that is a file."""
    from rich.console import Console

    console = Console(stderr=True)
    with console.status("") as status:
        yield lambda path: status.update(path.name)
