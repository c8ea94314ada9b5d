"""Commands for the city as tables: check, export, commit, log, diff."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer

from liandong.cli.common import DataOption, Language, group, need_data

city = group("city", "The city as tables: check them, commit them as versions, see what changed.")

Place = Annotated[Path, typer.Argument(help="Folder of tables, CSV or Excel, or one workbook.")]
#: So many of one kind are listed; a city of thousands would scroll away what matters.
_LISTED = 200


@city.command()
def check(place: Place) -> None:
    """Check tables: 0 good, 1 findings, 2 unreadable. Lists what the mechanism leaves unset."""
    from liandong.wiring.versions import check_place

    found = check_place(place)
    for title, errors in (("findings", found.findings), ("notices", found.notices)):
        if errors:
            _say(f"city.check_{title}", count=len(errors))
            for error in errors[:_LISTED]:
                _say(error.key, indent="  ", where=_where(error.key, error.params), **error.params)
    if found.unset:
        _say("city.check_unset", count=len(found.unset))
        for what, count in Counter(gap.what for gap in found.unset).items():
            rows = [gap.row or f"{gap.flow}/{gap.level}" for gap in found.unset if gap.what == what]
            shown = ", ".join(rows[:12]) + (" …" if len(rows) > 12 else "")
            _say(f"city.unset_{what}", indent="  ", count=count, rows=shown)
    if not found.findings:
        _say("city.check_good", place=str(place))
    raise typer.Exit(2 if found.unreadable else 1 if found.findings else 0)


def _where(key: str, params: dict[str, Any]) -> str:
    """File and row for sentences of other rooms, which do not say them."""
    return "" if key.startswith("city.") else f"{params.get('file', '')}:{params.get('row', '')} "


def _say(key: str, /, indent: str = "", where: str = "", **params: Any) -> None:
    from liandong.texts import text

    typer.echo(indent + where + text(key, "zh", **params))
    typer.echo(indent + where + text(key, "en", **params))


@city.command()
def export(
    place: Place,
    to: Annotated[Path, typer.Option("--to", help="Workbook to write, .xlsx.")],
) -> None:
    """Write the tables as one workbook with Chinese headers and a sheet that explains them."""
    from liandong.adapters.tables import quantities_of, read_city, write_workbook
    from liandong.core.values.errors import BadInput
    from liandong.wiring.packs import installed

    if to.suffix.lower() != ".xlsx":
        raise BadInput("city.not_a_workbook", file=to.name)
    write_workbook(to, read_city(place, quantities_of(installed())))
    typer.echo(str(to))


@city.command()
def commit(
    place: Place,
    data: DataOption,
    author: Annotated[str, typer.Option("--author", help="Who answers for it.")],
    reason: Annotated[str, typer.Option("--reason", help="Why.")],
    effective: Annotated[
        str, typer.Option("--effective", help="From when, RFC 3339; without it, at once.")
    ] = "",
    override_by: Annotated[
        str, typer.Option("--override-by", help="Who answers for it where it breaks what was proven.")
    ] = "",
    override_reason: Annotated[str, typer.Option("--override-reason", help="And why.")] = "",
    language: Language = "zh",
) -> None:
    """Commit tables as a new version of a stopped city. A later one holds from the first start after it.

    Exit 1 where it would break what was proven of the city and nobody overrides that.
    """
    from liandong.app.settings import load_settings
    from liandong.app.standing import Override, StandingRefused
    from liandong.wiring.versions import commit_place, told_faults

    settings = load_settings({"data": data, "language": language})
    override = Override(person=override_by, reason=override_reason) if override_by else None
    try:
        typer.echo(commit_place(settings, place, author, reason, effective, override))
    except StandingRefused as refused:
        for line in told_faults(place, refused.faults[:_LISTED], language):
            typer.echo(line)
        params: dict[str, Any] = dict(refused.params)
        _say(refused.key, **params)
        raise typer.Exit(1) from refused


@city.command()
def log(data: DataOption, language: Language = "zh") -> None:
    """Every version of the city: from when, by whom, why, what it changed."""
    from liandong.wiring.versions import log_lines

    need_data(data)
    for line in log_lines(data, language):
        typer.echo(line)


@city.command()
def diff(place: Place, data: DataOption, language: Language = "zh") -> None:
    """Say in words what committing these tables would change: 0 nothing, 1 something."""
    from liandong.wiring.versions import diff_lines

    need_data(data)
    lines = diff_lines(data, place, language)
    for line in lines:
        typer.echo(line)
    raise typer.Exit(1 if lines else 0)


@city.command("import")
def import_devices(
    table: Annotated[Path, typer.Argument(help="CSV file or workbook, one row for each channel.")],
    place: Annotated[Path, typer.Option("--city", help="Folder of the city's tables that they join.")],
    report: Annotated[Path | None, typer.Option("--report", help="CSV file for every fault.")] = None,
    partial: Annotated[
        bool, typer.Option("--partial", help="Join the rows that are right although others are not.")
    ] = False,
    language: Language = "zh",
) -> None:
    """Join devices to a city's tables: 0 all, 1 some rows are wrong, 2 unreadable. Without --partial
    nothing is written while a row is wrong."""
    from rich.progress import Progress

    from liandong.adapters.tables import quantities_of
    from liandong.adapters.tables.devices import import_devices as join
    from liandong.adapters.tables.devices import write_report
    from liandong.texts import text
    from liandong.wiring.packs import installed

    known = quantities_of(installed())
    with Progress(transient=True) as bar:
        task = bar.add_task("import", total=None)

        def tell(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        found = join(table, place, known, partial, tell)
        write = not found.errors and not partial
        if write:
            join(table, place, known, True, tell)
    for error in found.errors[:_LISTED]:
        typer.echo("  " + text(error.key, language, **error.params))
    if report is not None:
        write_report(report, found.errors, lambda error: text(error.key, language, **error.params))
    key = "devices.imported" if write or partial else "devices.refused"
    wrong = len({error.params["row"] for error in found.errors})
    typer.echo(
        text(key, language, rows=found.rows, sensors=found.sensors, channels=found.channels, wrong=wrong)
    )
    raise typer.Exit(1 if found.errors else 0)
