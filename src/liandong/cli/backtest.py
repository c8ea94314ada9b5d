"""The command that tries rules on what a city has stored."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from liandong.cli.common import DataOption, JsonOption, Language, app, need_data, write_json


@app.command()
def backtest(
    rules: Annotated[str, typer.Argument(help="A rules table (CSV, workbook or folder), or `in-force`.")],
    data: DataOption = Path("data"),
    since: Annotated[str, typer.Option("--from", help="From when, RFC 3339; else the first reading.")] = "",
    until: Annotated[str, typer.Option("--to", help="Up to when; else the last reading.")] = "",
    jobs: Annotated[int, typer.Option(min=1, help="Processes beside each other.")] = 1,
    work: Annotated[
        Path | None, typer.Option(help="Folder for what is done; the same one goes on after a break.")
    ] = None,
    json: JsonOption = None,
    language: Language = "zh",
) -> None:
    """Rules over the stored readings: findings a day, verified events hit and missed, delay, beside the
    always-fire and never-fire baselines. 0 no verified event missed, 1 some are."""
    from rich.progress import Progress

    from liandong.wiring.rules_trial import backtest_rules, report_lines

    need_data(data)
    with Progress(transient=True) as bar:
        task = bar.add_task("backtest", total=None)
        report = backtest_rules(
            data, rules, since, until, jobs, work,
            lambda done, total: bar.update(task, completed=done, total=total),
        )  # fmt: skip
    for line in report_lines(report, language):
        typer.echo(line)
    write_json(json, report)
    raise typer.Exit(1 if report["trial"]["missed"] else 0)
