"""Commands that run a city: demonstrate, serve, measure."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Annotated, Any

import typer

from liandong.cli.common import DataOption, JsonOption, StoreOption, app, write_json


def _settings(**flags: Any) -> Any:
    from liandong.app.settings import load_settings

    return load_settings(flags)


@app.command()
def demo(
    data: Annotated[
        Path | None, typer.Option("--data", help="Where to keep it; a new folder otherwise.")
    ] = None,
    once: Annotated[
        bool, typer.Option("--once", help="Run in virtual time and end by itself; resumable.")
    ] = False,
    json_file: JsonOption = None,
    seed: Annotated[int, typer.Option(help="Another seed, another story.")] = 1,
    hours: Annotated[float, typer.Option(help="Hours of city life.")] = 12.0,
    sensors: Annotated[int, typer.Option(help="Sensors of the city.")] = 13_120,
    speed: Annotated[float, typer.Option(help="Without --once: city seconds per real second.")] = 240.0,
    port: Annotated[int, typer.Option(help="TCP port; 0 takes a free one.")] = 0,
    step_ms: Annotated[int, typer.Option(help="With --once: real milliseconds for every step.")] = 0,
    city_only: Annotated[
        Path | None, typer.Option("--city-only", help="Only write the city as tables into this folder.")
    ] = None,
    store: StoreOption = None,
) -> None:
    """Show a city at work: readings become cases, people handle them, scores come out."""
    from liandong.wiring.demo import run_demo, write_demo_city

    if city_only is not None:
        typer.echo(write_demo_city(city_only, seed, hours, sensors))
        return
    report = run_demo(
        data=data,
        once=once,
        seed=seed,
        hours=hours,
        sensors=sensors,
        speed=speed,
        port=port,
        step_ms=step_ms,
        store=store,
        tell=typer.echo,
    )
    write_json(json_file, report)


@app.command()
def serve(
    data: DataOption,
    port: Annotated[int | None, typer.Option("--port", help="TCP port to listen on.")] = None,
    city: Annotated[Path | None, typer.Option("--city", help="Folder of the city's tables.")] = None,
    host: Annotated[str | None, typer.Option("--host", help="Address to listen on.")] = None,
    settings: Annotated[Path | None, typer.Option("--settings", help="TOML file of settings.")] = None,
    hj212_port: Annotated[int | None, typer.Option(help="TCP port for HJ 212 devices.")] = None,
    gb26875_port: Annotated[int | None, typer.Option(help="TCP port for fire transmission units.")] = None,
    jt808_port: Annotated[int | None, typer.Option(help="TCP port for vehicle terminals (JT/T 808).")] = None,
    store: StoreOption = None,
    coordinator: Annotated[
        str | None, typer.Option(help="Name of this process among those that share a PostgreSQL database.")
    ] = None,
) -> None:
    """Run a city until stopped."""
    # A third of the start was spent on looking for garbage among what stays; the city turns it on again.
    gc.disable()
    from liandong.wiring.service import serve_city

    flags: dict[str, Any] = {"hj212_port": hj212_port, "gb26875_port": gb26875_port, "jt808_port": jt808_port}
    flags |= {"store": store, "coordinator": coordinator}
    made = _settings(data=data, port=port, city=city, host=host, settings=settings, **flags)
    serve_city(made, tell=typer.echo)


@app.command()
def bench(
    names: Annotated[list[str] | None, typer.Argument(help="Which; all without a name.")] = None,
    json_file: JsonOption = None,
    store: Annotated[
        str | None,
        typer.Option("--store", help="transitions, crash: sqlite, or postgres for a server of its own."),
    ] = None,
    cases: Annotated[int | None, typer.Option(min=1, help="transitions, crash: so many cases.")] = None,
    coordinators: Annotated[
        int | None, typer.Option(min=1, max=8, help="crash: processes that share the store.")
    ] = None,
    minutes: Annotated[float | None, typer.Option(min=0.05, help="soak: for so long; 20 without it.")] = None,
) -> None:
    """Measure this machine: prints each figure with what it includes. `crash` and `soak` prove instead:
    processes are killed again and again, and the journal has to show that nothing was lost or done twice;
    every door is used for many minutes, and what came in has to equal what came out."""
    from liandong.bench.run import run_benches

    options = {"store": store, "cases": cases, "coordinators": coordinators, "minutes": minutes}
    report = run_benches(names or [], typer.echo, options)
    write_json(json_file, report)
    if not all(figures.get("proven", True) for figures in report["results"].values()):
        raise typer.Exit(1)


@app.command()
def warm() -> None:
    """Compile kernels and bytecode, so that the first start is as quick as the later ones."""
    import compileall

    import liandong
    from liandong.core.detect.warm import warm_up
    from liandong.core.ingest.warm import warm_up as warm_up_ingest

    warm_up_ingest()
    warm_up()
    # Python does it by itself, but not where it may not write: then every start compiles every module.
    compileall.compile_dir(str(Path(liandong.__file__).parent), quiet=2)
