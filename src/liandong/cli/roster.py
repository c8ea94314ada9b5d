"""Commands for rosters: holes of the weeks ahead, month sheets in and out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from liandong.cli.common import JsonOption, Language, group, write_json

roster = group("roster", "Duty rosters: find holes weeks ahead, take month sheets in and give them out.")

City = Annotated[Path, typer.Option("--city", help="Folder of tables, or one workbook.")]
#: So many are said; the file of figures holds all.
_LISTED = 200


@roster.command()
def check(
    place: Annotated[Path, typer.Argument(help="Folder of tables, CSV or Excel, or one workbook.")],
    since: Annotated[
        str, typer.Option("--from", help="From when, RFC 3339 or a date; without it, now.")
    ] = "",
    days: Annotated[float, typer.Option("--days", help="How many days ahead.")] = 30,
    data: Annotated[
        Path | None, typer.Option("--data", help="The city's memory: swaps and rings since the tables.")
    ] = None,
    named: Annotated[
        bool, typer.Option("--named", help="Only units that must act by the city's own mechanism.")
    ] = False,
    mechanism: Annotated[
        list[Path] | None,
        typer.Option("--mechanism", help="Only units that must act by this document and its supplements."),
    ] = None,
    json: JsonOption = None,
    language: Language = "zh",
) -> None:
    """Find every moment at which a unit that must act would not answer: 0 none, 1 holes, 2 unreadable."""
    from liandong.cli.common import need_data
    from liandong.texts import text
    from liandong.texts.rosters import hole_words
    from liandong.wiring.rosters import check_rosters

    if data is not None:
        need_data(data)
    found = check_rosters(place, since, days, data, named, mechanism or ())
    shown = found.city.calendar.shown
    params: dict[str, Any] = {
        "place": str(place), "start": shown(found.start), "end": shown(found.end), "units": len(found.units),
    }  # fmt: skip
    for year in found.unknown_years:
        typer.echo(text("roster.calendar_unknown", language, year=year))
    if found.holes:
        typer.echo(text("roster.check_holes", language, count=len(found.holes), **params))
    else:
        typer.echo(text("roster.check_good", language, **params))
    items = []
    for hole in found.holes:
        said, remedy = hole_words(found.city, hole, language)
        items.append(
            {
                "unit": hole.unit, "post": hole.post, "from": shown(hole.start), "to": shown(hole.end),
                "from_us": hole.start, "to_us": hole.end, "why": hole.why.value, "person": hole.person,
                "other": hole.other, "words": said, "remedy": remedy,
            }
        )  # fmt: skip
    for item in items[:_LISTED]:
        typer.echo(f"  {item['words']} → {item['remedy']}")
    if len(items) > _LISTED:
        typer.echo(f"  … {len(items) - _LISTED}")
    write_json(
        json,
        {
            "from": params["start"], "to": params["end"], "units": list(found.units), "holes": items,
            "calendar_unknown": list(found.unknown_years),
        },
    )  # fmt: skip
    raise typer.Exit(1 if found.holes else 0)


@roster.command("import")
def take(
    file: Annotated[Path, typer.Argument(help="Month sheets, .xlsx.")],
    city: City,
    language: Language = "zh",
) -> None:
    """Take month sheets into the city's tables: rows are dates, columns are watches, cells are names."""
    from liandong.wiring.rosters import take_in

    typer.echo(take_in(file, city, language))


@roster.command("export")
def give(
    city: City,
    to: Annotated[Path, typer.Option("--to", help="Workbook to write, .xlsx.")],
    unit: Annotated[list[str] | None, typer.Option("--unit", help="Key of a unit; all without it.")] = None,
    language: Language = "zh",
) -> None:
    """Write the rosters as month sheets; `import` takes them back as the very same duties."""
    from liandong.wiring.rosters import give_out

    typer.echo(give_out(city, to, unit or (), language))
