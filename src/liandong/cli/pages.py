"""Commands that print what the documentation is made of."""

from __future__ import annotations

import typer

from liandong.cli.common import app


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
