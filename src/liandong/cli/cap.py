"""Commands about warnings as CAP 1.2."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from liandong.cli.common import Language, group
from liandong.cli.files import read_token
from liandong.core.values.errors import BadInput

cap = group("cap", "预警 CAP 1.2 warnings as CAP 1.2")


@cap.command("take")
def take(
    files: Annotated[list[Path], typer.Argument(help="CAP 1.2 documents, one in each file.")],
    url: Annotated[str, typer.Option(help="Address of the running city.")],
    token_file: Annotated[Path, typer.Option("--token-file", help="File with the source's token.")],
    language: Language = "zh",
) -> None:
    """Hand warnings of other issuers to a running city. May be repeated: each message counts once."""
    from liandong.adapters.cap.send import send
    from liandong.texts import text

    token, refused = read_token(token_file), False
    for file in files:
        try:
            raw = file.read_bytes()
        except OSError as error:
            raise BadInput("file.absent", file=str(file)) from error
        for one in send(url, token, raw, language):
            refused |= one["outcome"] == "refused"
            number, outcome, words = one["number"], one["outcome"], one["text"]
            typer.echo(
                text("cap.taken", language, file=file.name, number=number, outcome=outcome, words=words)
            )
    raise typer.Exit(1 if refused else 0)
