"""Commands. Exit 0 good, 1 findings, 2 unreadable input, 3 internal. Heavy imports wait until needed."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from liandong.core.values.errors import Broken, LiandongError

app = typer.Typer(
    add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help="联动 liandong"
)

DataOption = Annotated[Path, typer.Option("--data", help="Folder of everything the city remembers.")]
JsonOption = Annotated[Path | None, typer.Option("--json", help="Also write the figures to this file.")]
Language = Annotated[str, typer.Option("--language", help="zh or en.")]


def _settings(**flags: Any) -> Any:
    from liandong.app.settings import load_settings

    return load_settings(flags)


def _existing(data: Path) -> None:
    """Refuse a data folder that is not there, instead of making an empty one."""
    from liandong.core.values.errors import BadInput

    if not (data / "liandong.db").is_file():
        raise BadInput("data.not_found", path=str(data))


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
    hours: Annotated[float, typer.Option(help="Hours of city life.")] = 24.0,
    sensors: Annotated[int, typer.Option(help="Sensors of the city.")] = 120,
    speed: Annotated[float, typer.Option(help="Without --once: city seconds per real second.")] = 240.0,
    port: Annotated[int, typer.Option(help="TCP port; 0 takes a free one.")] = 0,
    step_ms: Annotated[int, typer.Option(help="With --once: real milliseconds for every step.")] = 0,
) -> None:
    """Show a city at work: readings become cases, people handle them, scores come out."""
    from liandong.wiring.demo import run_demo

    report = run_demo(
        data=data,
        once=once,
        seed=seed,
        hours=hours,
        sensors=sensors,
        speed=speed,
        port=port,
        step_ms=step_ms,
        tell=typer.echo,
    )
    _write_json(json_file, report)


@app.command()
def serve(
    data: DataOption,
    port: Annotated[int | None, typer.Option("--port", help="TCP port to listen on.")] = None,
    city: Annotated[Path | None, typer.Option("--city", help="Folder of the city's tables.")] = None,
    host: Annotated[str | None, typer.Option("--host", help="Address to listen on.")] = None,
    settings: Annotated[Path | None, typer.Option("--settings", help="TOML file of settings.")] = None,
) -> None:
    """Run a city until stopped."""
    from liandong.wiring.service import serve_city

    serve_city(_settings(data=data, port=port, city=city, host=host, settings=settings), tell=typer.echo)


@app.command()
def token(
    data: DataOption,
    person: Annotated[str, typer.Option(help="Person, e.g. person:p001.")] = "",
    post: Annotated[str, typer.Option(help="Post the person acts as.")] = "",
    source: Annotated[str, typer.Option(help="Or a source that sends readings.")] = "",
    days: Annotated[int, typer.Option(help="How long it is good.")] = 30,
) -> None:
    """Make a token for a person as a post, or for a source. It is shown once; only its digest is kept."""
    from liandong.wiring.service import make_token

    _existing(data)
    typer.echo(make_token(data, person, post, source, days))


@app.command()
def verify(
    data: DataOption,
    anchor: Annotated[list[Path] | None, typer.Option(help="Anchor file kept elsewhere; repeatable.")] = None,
    public_key: Annotated[
        list[Path] | None, typer.Option(help="Public key kept elsewhere; repeatable.")
    ] = None,
    language: Language = "zh",
) -> None:
    """Check every entry, chain, root and anchor; say what is proven and what is not."""
    from liandong.wiring.inspect import verify_folder

    _existing(data)
    lines, code = verify_folder(data, anchor or [], public_key or [], language)
    for line in lines:
        typer.echo(line)
    raise typer.Exit(code)


@app.command()
def rebuild(
    data: DataOption,
    write: Annotated[bool, typer.Option("--write", help="Replace stored states that differ.")] = False,
    language: Language = "zh",
) -> None:
    """Fold the journal and compare with the stored state."""
    from liandong.wiring.inspect import rebuild_folder

    _existing(data)
    lines, code = rebuild_folder(data, write, language)
    for line in lines:
        typer.echo(line)
    raise typer.Exit(code)


@app.command()
def why(
    what: Annotated[str, typer.Argument(help="A case id, or a channel.")],
    at: Annotated[str, typer.Argument(help="With a channel: the moment, RFC 3339.")] = "",
    data: DataOption = Path("data"),
    language: Language = "zh",
) -> None:
    """Why a case became what it is, down to the first bytes; or why a channel said nothing then."""
    from liandong.wiring.inspect import why_case, why_channel

    _existing(data)
    for line in why_channel(data, what, at, language) if at else why_case(data, what, language):
        typer.echo(line)


@app.command()
def backup(
    data: DataOption, to: Annotated[Path, typer.Option("--to", help="Empty folder to copy into.")]
) -> None:
    """Copy database, log and evidence while the city runs. Keys are never copied."""
    from liandong.wiring.inspect import backup_folder

    _existing(data)
    typer.echo(backup_folder(data, to))


@app.command()
def bench(
    names: Annotated[list[str] | None, typer.Argument(help="Which; all without a name.")] = None,
    json_file: JsonOption = None,
) -> None:
    """Measure this machine: prints each figure with what it includes."""
    from liandong.bench.run import run_benches

    report = run_benches(names or [], typer.echo)
    _write_json(json_file, report)


@app.command()
def openapi() -> None:
    """Print the API's OpenAPI document."""
    from liandong.wiring.service import openapi_text

    typer.echo(openapi_text(), nl=False)


@app.command()
def glossary() -> None:
    """Print the closed lists as the glossary shows them."""
    from liandong.texts.glossary import closed_lists

    typer.echo(closed_lists())


@app.command()
def warm() -> None:
    """Compile the detection kernels now, so that the first start is as quick as the later ones."""
    from liandong.core.detect.warm import warm_up

    warm_up()


def _write_json(path: Path | None, report: Any) -> None:
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(report, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def main() -> None:
    """Run a command; an error of ours is said in words with its exit code."""
    from liandong.texts import text

    try:
        app()
    except LiandongError as error:
        typer.echo(text(error.key, "zh", **error.params), err=True)
        typer.echo(text(error.key, "en", **error.params), err=True)
        for one in getattr(error, "errors", ())[:50]:
            typer.echo("  " + text(one.key, "zh", **one.params), err=True)
        sys.exit(1 if isinstance(error, Broken) else 2)
    except KeyboardInterrupt:
        sys.exit(0)
    except Exception as error:
        from liandong.app.logs import configure_logging, get_logger

        configure_logging("error", None)  # type and place only: what an error says may be personal
        get_logger("cli").error("cli.failed", error)
        typer.echo(f"内部错误 internal error: {type(error).__name__}", err=True)
        sys.exit(3)
