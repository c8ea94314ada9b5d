"""Commands. Exit 0 good, 1 findings, 2 unreadable input, 3 internal. Heavy imports wait until needed."""

from __future__ import annotations

import sys

import typer

# Importing a module of commands is what adds them.
from liandong.cli import (  # noqa: F401
    accounts,
    backtest,
    bridge,
    cap,
    city,
    devices,
    files,
    inspect,
    mechanism,
    packs,
    pages,
    reports,
    roster,
    rules,
    run,
    scores,
    trials,
)
from liandong.cli.common import app
from liandong.core.values.errors import Broken, LiandongError

__all__ = ["app", "main"]


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
