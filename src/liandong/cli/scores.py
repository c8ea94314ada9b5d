"""Commands that score: response times of a table, detectors on public benchmarks."""

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
    detector: Annotated[str, typer.Option(help="Built-in detector, `always` or `never`.")] = "novelty",
    json_file: JsonOption = None,
    flags: Annotated[
        Path | None, typer.Option(help="Also write the flagged timestamps of each series here.")
    ] = None,
) -> None:
    """A detector on the Numenta Anomaly Benchmark, beside always-fire, never-fire and simple rows."""
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
    for policy in (report[key] for key in ("label_free", "left_out") if key in report):
        figures = "  ".join(f"{profile} {value}" for profile, value in policy["scores"].items())
        typer.echo(f"{detector:12s} {figures}; {policy['threshold_policy']}")
    write_json(json_file, report)


@score.command("tep")
def score_tep(
    folder: Annotated[Path, typer.Argument(help="Folder with d00.dat, d00_te.dat and dNN_te.dat.")],
    json_file: JsonOption = None,
) -> None:
    """T² and Q on the Tennessee Eastman process, beside the published rates, always-fire and never-fire."""
    from liandong.yardstick.tep import score_tep

    report = score_tep(folder)
    for number, fault in report["faults"].items():
        typer.echo(
            f"故障 fault {number:>2}  "
            + "  ".join(
                f"{kind}: 漏报 missed {found['mdr']:.3f} (公布 published {found['published']}), "
                f"延时 delay {found['delay_min']} min"
                for kind, found in fault.items()
            )
        )
    typer.echo(f"误报 false alarms: {report['false_alarms']}")
    typer.echo(report["threshold_policy"])
    write_json(json_file, report)


@score.command("ltown")
def score_ltown(
    folder: Annotated[Path, typer.Argument(help="Folder with L-TOWN.inp and the configuration.")],
    config: Annotated[
        str, typer.Option(help="The configuration's file name.")
    ] = "dataset_configuration_historical.yalm",
    work: Annotated[
        Path | None, typer.Option(help="Keep the simulated pressures here and use them again.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the simulated reality.")] = 1,
    json_file: JsonOption = None,
) -> None:
    """Leaks of the L-TOWN water network, found and placed in pressures that are simulated here."""
    from rich.progress import Progress

    from liandong.yardstick.ltown import score_ltown

    with Progress(transient=True) as bar:
        tasks: dict[str, Any] = {}

        def show(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bar.add_task(stage, total=total)
            bar.update(tasks[stage], completed=done)

        report = score_ltown(folder, config, work, seed, show)
    for leak in report["leaks"]:
        typer.echo(
            f"{leak['pipe']:>5} {leak['type']:9s} {leak['start']}  发现 found {leak['found'] or '–'}  "
            f"延时 delay {_figure(leak['delay_h'])} h  距离 distance {_figure(leak['distance_m'])} m"
        )
    abrupt, within = report["abrupt"], report["within"]
    typer.echo(
        f"突发 abrupt: {abrupt['found_in_time_and_place']} / {abrupt['leaks']} "
        f"≤ {within['hours']:g} h, ≤ {within['metres']:g} m"
    )
    typer.echo(f"误报 false alarms {report['false_alarms']}: {report['false_alarms_per_month']} /月 month")
    typer.echo(report["simulated"])
    write_json(json_file, report)


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:g}"


def _percent(bounds: list[float | None]) -> str:
    return "–".join("?" if b is None else f"{100 * b:.2f}" for b in bounds)
