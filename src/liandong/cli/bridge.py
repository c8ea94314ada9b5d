"""Commands about bridges to receivers' own systems."""

from __future__ import annotations

import typer

from liandong.cli.common import DataOption, Language, StoreOption, group, need_data

bridges = group("bridge", "工单互通 bridges to receivers' own systems")


@bridges.command("status")
def bridge_status(data: DataOption, language: Language = "zh", store: StoreOption = None) -> None:
    """What was reported over each bridge, and what waits or was refused, with the reason."""
    from liandong.wiring.inspect import bridge_lines

    need_data(data, store)
    lines, waiting = bridge_lines(data, language, store)
    for line in lines:
        typer.echo(line)
    raise typer.Exit(1 if waiting else 0)
