"""The parts of docs/ that are made from the code; `make docs` writes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import typer

from liandong.app.settings import settings_table
from liandong.cli import app
from liandong.texts.glossary import closed_lists
from tests.docs.mechanism_page import reference

REPO = Path(__file__).parents[2]
DOCS = REPO / "docs"


def commands() -> dict[str, Any]:
    """Name → click command; of a group of commands each, `city check`."""
    return dict(_flat("", typer.main.get_command(app)))


def _flat(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    if not hasattr(command, "commands"):
        yield name, command
        return
    for word, one in command.commands.items():
        yield from _flat(f"{name} {word}".strip(), one)


def commands_table() -> str:
    """Every command with its arguments and options."""
    return "\n".join(_command(name, command) for name, command in commands().items())


def _command(name: str, command: Any) -> str:
    taken = [p for p in command.params if p.param_type_name == "argument"]
    given = [p for p in command.params if p.param_type_name == "option" and "--help" not in p.opts]
    called = " ".join(
        ["liandong", name, *(p.name.upper() if p.required else f"[{p.name.upper()}]" for p in taken)]
    )
    lines = [f"### {name}", "", f"`{called}`", "", (command.help or "").strip(), ""]
    if taken or given:
        lines += ["| option | meaning | default |", "|---|---|---|"]
        lines += [f"| {_row(p)} |" for p in (*taken, *given)]
        lines.append("")
    return "\n".join(lines)


def _row(param: Any) -> str:
    shown = param.name.upper() if param.param_type_name == "argument" else param.opts[0]
    default = param.default() if callable(param.default) else param.default
    needless = default in (None, "", False, [])
    empty = "must be given" if param.required else "–" if needless else f"`{default}`"
    return f"`{shown}` | {(param.help or '').strip() or '–'} | {empty}"


#: Page → (name of the markers, what stands between them).
GENERATED: dict[Path, tuple[str, Callable[[], str]]] = {
    DOCS / "glossary.md": ("closed lists", closed_lists),
    DOCS / "reference" / "settings.md": ("settings", settings_table),
    DOCS / "reference" / "commands.md": ("commands", commands_table),
    DOCS / "reference" / "mechanism.md": ("tables and proofs", reference),
}


def parts(page: Path) -> tuple[str, str, str]:
    """A page before, between and after its markers."""
    name = GENERATED[page][0]
    text = page.read_text(encoding="utf-8")
    begin, end = f"<!-- {name}: begin; written by `make docs` -->\n", f"<!-- {name}: end -->"
    assert text.count(begin) == text.count(end) == 1, f"{page.name}: markers"
    head, rest = text.split(begin)
    middle, tail = rest.split(end)
    return head + begin, middle, end + tail


def stale() -> Iterator[Path]:
    """Pages whose generated part is not what the code gives."""
    for page, (_, make) in GENERATED.items():
        if parts(page)[1].strip("\n") != make().strip("\n"):
            yield page


def write() -> None:
    """Put the generated parts in place."""
    for page, (_, make) in GENERATED.items():
        head, _old, tail = parts(page)
        page.write_text(head + "\n" + make().strip("\n") + "\n\n" + tail, encoding="utf-8")


if __name__ == "__main__":
    write()
