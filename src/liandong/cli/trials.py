"""Commands that compare mechanisms: what differs, and what each would have asked of whom."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from liandong.cli.common import DataOption, JsonOption, Language, need_data, write_json
from liandong.cli.mechanism import CityPlace, mechanism

One = Annotated[list[Path], typer.Argument(help="The document and its supplements.")]


@mechanism.command()
def diff(
    before: Annotated[Path, typer.Argument(help="The one in force: a file, a folder of tables or a key.")],
    after: Annotated[Path, typer.Argument(help="The new one.")],
    with_before: Annotated[
        list[Path] | None, typer.Option("--with-before", help="What fills the first; repeatable.")
    ] = None,
    with_after: Annotated[
        list[Path] | None, typer.Option("--with-after", help="What fills the second; repeatable.")
    ] = None,
    city: CityPlace = None,
    unit: Annotated[str, typer.Option("--unit", help="Only what changes for this unit or role.")] = "",
    json: JsonOption = None,
    language: Language = "zh",
) -> None:
    """Say in words, unit by unit, what a mechanism changes against another: 0 nothing, 1 something."""
    import msgspec

    from liandong.core.mechanism.difference import changes
    from liandong.texts import text
    from liandong.wiring.mechanisms import city_of, diff_lines, read_merged

    left = read_merged([before, *(with_before or [])])
    right = read_merged([after, *(with_after or [])])
    index = city_of(city)
    lines = diff_lines(left, right, index, language, unit)
    for line in lines or [text("diff.none", language)]:
        typer.echo(line)
    found = [one for one in changes(left, right, index) if not unit or unit in (one.who, *one.units)]
    write_json(json, {"changes": msgspec.to_builtins(found)})
    raise typer.Exit(1 if lines else 0)


@mechanism.command()
def backtest(
    files: One,
    data: DataOption,
    against: Annotated[
        list[Path] | None,
        typer.Option("--against", help="Another mechanism beside it; `in-force` is the city's own."),
    ] = None,
    since: Annotated[
        str, typer.Option("--from", help="From when, RFC 3339; without it, from the first.")
    ] = "",
    until: Annotated[str, typer.Option("--to", help="Up to when; without it, to the last.")] = "",
    seed: Annotated[int, typer.Option(help="Of the simulated people.")] = 7,
    json: JsonOption = None,
    language: Language = "zh",
) -> None:
    """Try a mechanism on what a city has stored: orders per unit by day and by night, what would be late,
    which real events would be missed. 0 none missed, 1 some are."""
    import msgspec

    from liandong.wiring.backtest import trials_on_history

    need_data(data)
    trials, lines = trials_on_history(data, files, against or [], since, until, seed, language)
    for line in lines:
        typer.echo(line)
    write_json(json, {"trials": msgspec.to_builtins(trials)})
    raise typer.Exit(1 if trials[0].burden.missed else 0)


@mechanism.command()
def drill(
    files: One,
    data: Annotated[Path, typer.Option("--data", help="A new folder for the drill's own journal.")],
    hours: Annotated[float, typer.Option(help="Of the simulated city.")] = 6,
    sensors: Annotated[int, typer.Option(help="Of the simulated city.")] = 60,
    seed: Annotated[int, typer.Option(help="Of story and people.")] = 7,
    json: JsonOption = None,
    language: Language = "zh",
) -> None:
    """Drill a mechanism in the simulated city, all of it marked as drill: 0 no real event missed, 1 some."""
    import msgspec

    from liandong.texts import text
    from liandong.wiring.backtest import drill as play
    from liandong.wiring.backtest import trial_lines

    trial, unmarked = play(files, hours, sensors, seed, data, lambda line: None)
    for line in trial_lines([trial], language, str):
        typer.echo(line)
    typer.echo(text("drill.marked", language, count=unmarked))
    write_json(json, {"trial": msgspec.to_builtins(trial), "unmarked": unmarked})
    raise typer.Exit(1 if trial.burden.missed or unmarked else 0)
