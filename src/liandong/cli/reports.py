"""Commands that write reports as documents."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from liandong.cli.common import DataOption, Language, group, need_data
from liandong.core.values.lists import Mode

report = group("report", "Write a report as .docx or PDF.")
ToOption = Annotated[Path, typer.Option("--to", help="File to write, ending in .docx or .pdf.")]


@report.command("case")
def case(
    id: Annotated[str, typer.Argument(help="Id of a case.")],
    data: DataOption,
    to: ToOption,
    language: Language = "zh",
) -> None:
    """The handling report of one case: findings, steps, clocks, every decision with its reason."""
    from liandong.wiring.reports import report_case

    need_data(data)
    typer.echo(report_case(data, id, to, language))


@report.command("period")
def period(
    data: DataOption,
    to: ToOption,
    since: Annotated[str, typer.Option(help="Beginning, RFC 3339.")],
    until: Annotated[str, typer.Option(help="End, RFC 3339; the city's newest moment otherwise.")] = "",
    mode: Annotated[Mode, typer.Option(help="Which mode; modes never mix.")] = Mode.REAL,
    language: Language = "zh",
) -> None:
    """The evaluation of a period: shares in time, time curves, false alarms per rule."""
    from liandong.wiring.reports import report_period

    need_data(data)
    typer.echo(report_period(data, since, until, mode.value, to, language))
