"""Commands for mechanisms: convert them, prove them, ask them who must act."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from liandong.cli.common import JsonOption, Language, group, write_json

mechanism = group("mechanism", "Response mechanisms: convert, prove, ask who must act.")

Source = Annotated[
    Path, typer.Argument(help="A .yaml or .xlsx file, a folder of CSV tables, or a built-in document's key.")
]


CityPlace = Annotated[
    Path | None, typer.Option("--city", help="The city: folder of tables, or one workbook.")
]


@mechanism.command()
def convert(
    source: Source,
    to: Annotated[Path, typer.Argument(help="A .yaml or .xlsx file, or a folder of CSV tables, to write.")],
    city: CityPlace = None,
) -> None:
    """Write a mechanism in another form, or a file again in the canonical one. Prints its digest.

    With a city, a workbook has a box for each of its units that has to sign.
    """
    from liandong.adapters.mechanisms import convert_file
    from liandong.adapters.tables import quantities_of, read_city
    from liandong.wiring.packs import installed

    folder = read_city(city, quantities_of(installed())) if city else None
    typer.echo(convert_file(source, to, folder.city if folder else None))


Files = Annotated[
    list[Path] | None,
    typer.Argument(help="The document and its supplements, each as a file, a folder of tables or a key."),
]
#: So many faults and gaps are said; the file of figures holds all.
_LISTED = 200


@mechanism.command()
def check(
    files: Files = None,
    city: CityPlace = None,
    source_only: Annotated[
        bool, typer.Option("--source-only", help="The document alone: what is open is listed, not refused.")
    ] = False,
    since: Annotated[
        str, typer.Option("--from", help="Rosters from when on, RFC 3339 or a date; without it, now.")
    ] = "",
    days: Annotated[float, typer.Option("--days", help="Rosters for how many days.")] = 30,
    travel: Annotated[
        Path | None,
        typer.Option("--travel", help="CSV of where units set out from: unit, lon, lat or area, minutes."),
    ] = None,
    pairs: Annotated[
        bool, typer.Option("--pairs", help="Also say which row wins over which, and why.")
    ] = False,
    json: JsonOption = None,
    language: Language = "zh",
) -> None:
    """Prove a mechanism: 0 proven, 1 refused with every fault and its witness, 2 unreadable.

    Without files, the city's own mechanism.
    """
    from collections import Counter

    from liandong.texts import text
    from liandong.texts.faults import Teller
    from liandong.wiring.proofs import check_mechanism

    found = check_mechanism(files or [], city, source_only, since, days, travel)
    teller = Teller(found.mechanism, found.city, language)
    told = [(fault, teller.tell(fault)) for fault in found.faults]
    title = found.mechanism.title_zh if language == "zh" else found.mechanism.title_en
    said: dict[str, Any] = {"document": title or found.mechanism.key}
    for fault, words in told[:_LISTED]:
        typer.echo(f"{fault.proof} {text(f'proof.title.{fault.proof}', language)}")
        typer.echo(f"  {words.message}")
        typer.echo(f"  {text('mechanism.remedy', language, what=words.remedy)}")
    for what, count in Counter(gap.what for gap in found.gaps).items():
        rows = [gap.row or f"{gap.flow}/{gap.level}" for gap in found.gaps if gap.what == what]
        shown = ", ".join(rows[:12]) + (" …" if len(rows) > 12 else "")
        typer.echo(text(f"city.unset_{what}", language, count=count, rows=shown))
    for pair in found.pairs if pairs else ():
        typer.echo(text(f"mechanism.pair_{pair.by}", language, winner=pair.winner, loser=pair.loser))
    if not found.claimed:
        typer.echo(text("mechanism.claims_nothing", language))
    result = "refused" if told else "proven"
    closing = "source_good" if source_only and not told else result
    said |= {"count": len(told), "gaps": len(found.gaps), "pairs": len(found.pairs), "digest": found.digest}
    typer.echo(text(f"mechanism.{closing}", language, **said))
    write_json(
        json,
        {
            "result": result, "digest": found.digest, "document": found.mechanism.key,
            "source_only": source_only, "with_city": found.city is not None,
            "faults": [
                {"kind": fault.kind, "proof": fault.proof, "rows": list(fault.rows),
                 "witness": dict(fault.witness), "message": words.message, "remedy": words.remedy}
                for fault, words in told
            ],
            "gaps": [
                {"what": gap.what, "flow": gap.flow, "level": gap.level, "row": gap.row, "action": gap.action}
                for gap in found.gaps
            ],
            "pairs": len(found.pairs), "cells": found.cells, "seconds": round(found.seconds, 3),
        },
    )  # fmt: skip
    raise typer.Exit(1 if told else 0)


@mechanism.command()
def route(
    files: Files = None,
    at: Annotated[str, typer.Option("--at", help="When, RFC 3339.")] = "",
    domain: Annotated[str, typer.Option("--domain", help="Hazard or flow, e.g. gas_leak.")] = "",
    level: Annotated[str, typer.Option("--level", help="Level of the case: I, II, III, IV.")] = "",
    area: Annotated[str, typer.Option("--area", help="Area, e.g. area:zumiao.")] = "",
    asset: Annotated[str, typer.Option("--asset", help="Or an asset of the city.")] = "",
    kind: Annotated[str, typer.Option("--kind", help="Kind of asset.")] = "",
    stage: Annotated[str, typer.Option("--stage", help="Stage of the business.")] = "",
    tier: Annotated[str, typer.Option("--tier", help="Who watches it: city, department, owner.")] = "",
    phase: Annotated[str, typer.Option("--phase", help="monitor, or respond.")] = "monitor",
    city: CityPlace = None,
    json: JsonOption = None,
    language: Language = "zh",
) -> None:
    """Say who must act in a situation, and the row that says so: 0 somebody leads, 1 nobody does."""
    from liandong.core.values.errors import BadInput
    from liandong.wiring.proofs import Asked
    from liandong.wiring.proofs import route as ask

    for name, value in (("--at", at), ("--domain", domain), ("--level", level)):
        if not value:
            raise BadInput("mechanism.route_needs", option=name)
    asked = Asked(at, domain, level, area, asset, kind, stage, tier, phase, language)
    found, teller = ask(files or [], city, asked)
    for line in _route_lines(found, teller, language):
        typer.echo(line)
    write_json(json, found)
    raise typer.Exit(0 if found["lead"] else 1)


def _route_lines(found: dict[str, Any], teller: Any, language: str) -> list[str]:
    """The answer for a person to read."""
    from liandong.texts import label, text

    def who(one: dict[str, Any]) -> str:
        unit = f" ({teller.who(one['unit'])})" if one.get("unit") else ""
        return str(teller.who(one["role"])) + unit

    lead = found["lead"]
    lines = [text("mechanism.route_lead", language, who=who(lead), row=lead["row"])] if lead else [
        text("mechanism.route_nobody", language)
    ]  # fmt: skip
    for part in found["parts"]:
        word = label("participation", part["part"], language)
        lines.append(text("mechanism.route_part", language, what=word, who=who(part), row=part["row"]))
    for step in found["steps"]:
        said = {"action": step["action"], "who": who(step), "row": step["row"]}
        if step["limit_s"] is None:
            lines.append(text("mechanism.route_step_open", language, **said))
        else:
            said["minutes"] = f"{step['limit_s'] / 60:g}"
            said["origin"] = label("clock_origin", step["origin"], language)
            lines.append(text("mechanism.route_step", language, **said))
        for one in step["escalations"]:
            word = label("escalation_kind", one["kind"], language)
            if one["fraction"] is not None:
                when = f"{one['fraction'] * 100:g} %"
            else:
                when = f"{(one['after_s'] or one['no_answer_s'] or 0) / 60:g} min"
            said = {"what": word, "who": who(one), "when": when, "row": one["row"]}
            lines.append(text("mechanism.route_escalation", language, **said))
    for contact in found["contacts"]:
        lines.append(
            text("mechanism.route_contact", language, who=who(contact), matter=contact["matter"],
                 post=contact["post"], row=contact["row"])
        )  # fmt: skip
    return lines
