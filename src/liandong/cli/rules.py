"""Commands for rules: what verdicts say of them, a proposed change, and a person's acceptance of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from liandong.cli.common import DataOption, JsonOption, Language, group, need_data, write_json

rules = group("rules", "Rules: their precision, a proposed change with before and after, accepting it.")
Author = Annotated[str, typer.Option("--author", help="Who answers for it.")]
Reason = Annotated[str, typer.Option("--reason", help="Why.")]
Table = Annotated[
    Path | None, typer.Option("--city", help="Folder of the city's tables, to say the same there.")
]


@rules.command()
def precision(data: DataOption, json: JsonOption = None, language: Language = "zh") -> None:
    """How often alarms were real, by rule, sensor, unit and hour, and which real events each rule missed."""
    import msgspec

    from liandong.wiring.learning import verdict_lines, verdicts_of

    need_data(data)
    said, held = verdicts_of(data)
    for line in verdict_lines(said, held, language):
        typer.echo(line)
    write_json(json, {"verdicts": msgspec.to_builtins(said), "held": held})


@rules.command()
def propose(
    rule: Annotated[str, typer.Argument(help="Key of a rule in force.")],
    data: DataOption,
    since: Annotated[str, typer.Option("--from", help="From when, RFC 3339; else the first reading.")] = "",
    until: Annotated[str, typer.Option("--to", help="Up to when; else the last reading.")] = "",
    jobs: Annotated[int, typer.Option(min=1, help="Processes beside each other.")] = 1,
    work: Annotated[Path | None, typer.Option(help="Folder for what is done.")] = None,
    json: JsonOption = None,
    language: Language = "zh",
) -> None:
    """Look for better numbers of one rule on the stored history: 0 nothing better, 1 something. Changes
    nothing: give the file of --json to `rules accept`."""
    import msgspec
    from rich.progress import Progress

    from liandong.wiring.learning import proposal_lines
    from liandong.wiring.learning import propose as look

    need_data(data)
    with Progress(transient=True) as bar:
        task = bar.add_task("rules", total=None)
        found = look(
            data, rule, since, until, jobs, work,
            lambda done, total: bar.update(task, completed=done, total=total),
        )  # fmt: skip
    for line in proposal_lines(found, language):
        typer.echo(line)
    write_json(json, msgspec.to_builtins(found))
    raise typer.Exit(1 if found.proposed is not None else 0)


@rules.command()
def accept(
    file: Annotated[Path, typer.Argument(help="What `rules propose --json` wrote.")],
    data: DataOption,
    author: Author,
    reason: Reason,
    city: Table = None,
    language: Language = "zh",
) -> None:
    """Put a proposed change into force as a version of a stopped city, under somebody's name."""
    import msgspec

    from liandong.app.settings import load_settings
    from liandong.core.evaluate.proposal import Proposal
    from liandong.core.values.errors import BadInput
    from liandong.wiring.learning import accept as put

    need_data(data)
    try:
        proposal = msgspec.json.decode(file.read_bytes(), type=Proposal)
    except (OSError, msgspec.MsgspecError) as error:
        raise BadInput("rules.bad_proposal", file=file.name, problem=str(error)[:200]) from error
    settings = load_settings({"data": data, "language": language})
    typer.echo(put(settings, proposal, author, reason, city))


@rules.command()
def live(
    rule: Annotated[str, typer.Argument(help="Key of a rule that runs in shadow.")],
    data: DataOption,
    author: Author,
    reason: Reason,
    city: Table = None,
    language: Language = "zh",
) -> None:
    """Let a rule in shadow tell people (again); what its budget counts begins anew."""
    from liandong.app.settings import load_settings
    from liandong.wiring.learning import let_speak

    need_data(data)
    settings = load_settings({"data": data, "language": language})
    typer.echo(let_speak(settings, rule, author, reason, city))
