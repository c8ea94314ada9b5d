"""Commands that score: response times of a table, detectors on the public benchmark."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from liandong.cli.common import JsonOption, group, write_json

score = group("score", "Score public data, or a city's own tables, by the platform's own measures.")


@score.command("response")
def score_response(
    file: Annotated[Path, typer.Argument(help="CSV file, one incident a row.")],
    alarm: Annotated[str, typer.Option(help="Column of the moment of the alarm.")],
    arrival: Annotated[str, typer.Option(help="Column of the moment of arrival; empty cells are open.")],
    limit: Annotated[float, typer.Option(help="Limit in seconds.")] = 300.0,
    json_file: JsonOption = None,
) -> None:
    """Response times: median, 90th percentile, share within a limit with its interval."""
    from liandong.yardstick.response import score_response

    report = score_response(file, alarm, arrival, limit)
    within = report["within"]
    typer.echo(
        f"{report['incidents']} 起 incidents，中位 median {report['median_s']} s，p90 {report['p90_s']} s，"
        f"≤ {limit:g} s: {within['percent']} %（95 %: {_percent(within['wilson95'])}），"
        f"未到场 open {report['open']}，剔除 left out {sum(list(report['left_out'].values())[:2])}"
    )
    write_json(json_file, report)


@score.command("nab")
def score_nab(
    folder: Annotated[Path, typer.Argument(help="Folder with data/ and labels/ of the benchmark.")],
    detector: Annotated[str, typer.Option(help="Built-in detector, `always` or `never`.")],
    json_file: JsonOption = None,
    flags: Annotated[
        Path | None, typer.Option(help="Also write the flagged timestamps of each series here.")
    ] = None,
) -> None:
    """A built-in detector on the Numenta Anomaly Benchmark, beside always-fire and never-fire."""
    from rich.progress import Progress

    from liandong.yardstick.nab import score_nab

    with Progress(transient=True) as bar:
        task = bar.add_task("NAB", total=None)
        report: dict[str, Any] = score_nab(
            folder, detector, lambda done, total: bar.update(task, completed=done, total=total)
        )
    write_json(flags, report.pop("flags"))
    for name, scores in {detector: report["scores"], **report["beside"]}.items():
        typer.echo(f"{name:12s} " + "  ".join(f"{profile} {value}" for profile, value in scores.items()))
    typer.echo(f"{report['series']} series, {report['windows']} windows; {report['threshold_policy']}")
    write_json(json_file, report)


def _percent(bounds: list[float | None]) -> str:
    return "–".join("?" if b is None else f"{100 * b:.2f}" for b in bounds)
