"""Documents that cannot lag: what they name exists, and what is made from the code is up to date."""

from __future__ import annotations

import re
import shlex
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from liandong.adapters.tables import check_city
from liandong.adapters.tables.layout import MECHANISM, TABLES
from liandong.app.ports import Changes
from liandong.core.route import OWNERS
from liandong.core.values import lists
from liandong.core.values.events import EVENT_TYPES
from liandong.core.values.journal import Entry, EntryKind, Versions, chain, chain_hash
from liandong.core.values.lists import Mode
from liandong.stores.sqlite import FILE, open_sqlite
from liandong.texts.glossary import closed_lists, listed, unnamed
from tests.docs import pages
from tests.docs.pages import DOCS, REPO, commands

README = REPO / "README.md"
WRITTEN = sorted([*REPO.glob("*.md"), *DOCS.rglob("*.md")])
RECORDS = sorted((DOCS / "decisions").glob("[0-9]*.md"))
#: Programs that a fresh system of the kinds we support has, or that a reader surely has.
KNOWN = {"make", "curl", "git"}


# Made from the code


def test_generated_parts_are_what_the_code_gives() -> None:
    assert not [p.name for p in pages.stale()], "run `make docs`"


def test_a_stale_part_is_seen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    page = DOCS / "glossary.md"
    copy = tmp_path / "glossary.md"
    copy.write_text(
        page.read_text(encoding="utf-8").replace("| 提级 | take over |", "| 提级 | promote |"),
        encoding="utf-8",
    )
    monkeypatch.setattr(pages, "GENERATED", {copy: pages.GENERATED[page]})
    assert list(pages.stale()) == [copy]
    pages.write()
    assert not list(pages.stale()) and copy.read_text(encoding="utf-8") == page.read_text(encoding="utf-8")


def test_every_closed_list_is_in_the_glossary_with_a_chinese_term() -> None:
    assert not list(unnamed())
    shown = closed_lists()
    enums = [c for c in vars(lists).values() if isinstance(c, type) and c.__module__ == lists.__name__]
    assert set(enums) <= set(listed()) and len(enums) > 15
    for cls in enums:
        section = shown.split(f"`{cls.__name__}`\n")[1].split("\n###")[0]
        rows = [row for row in section.splitlines() if row.startswith("|")][2:]
        assert len(rows) == len(cls.__members__), cls.__name__
        assert all(re.match(r"\| [\u4e00-\u9fff]", row) for row in rows), cls.__name__
    for name in (*EVENT_TYPES, *(cls.__name__ for cls in OWNERS)):
        assert f"`{name}`" in shown, name


def test_every_idea_has_both_languages_a_name_and_a_sentence() -> None:
    ideas = (DOCS / "glossary.md").read_text(encoding="utf-8").split("## 封闭列表")[0]
    rows = [
        [c.strip() for c in row.strip("|").split("|")] for row in ideas.splitlines() if row.startswith("|")
    ][2:]
    assert len(rows) > 35
    for row in rows:
        assert (
            len(row) == 4 and all(row) and re.search(r"[\u4e00-\u9fff]", row[0]) and row[3].endswith("。")
        ), row
    names = [row[0] for row in rows]
    assert len(set(names)) == len(names)


# What is named exists


def test_every_command_and_option_is_described() -> None:
    page = (DOCS / "reference" / "commands.md").read_text(encoding="utf-8")
    for name, command in commands().items():
        section = page.split(f"### {name}\n")[1].split("\n### ")[0]
        assert command.help, name
        for param in command.params:
            assert param.param_type_name == "argument" or f"`{param.opts[0]}` |" in section, (
                name,
                param.name,
            )


def test_every_column_of_every_table_is_described() -> None:
    page = (DOCS / "reference" / "city.md").read_text(encoding="utf-8")
    # The tables of a mechanism have a page of their own, made from their types.
    for table in (table for table in TABLES.values() if table.name not in MECHANISM):
        section = page.split(f"## {table.file}\n")[1].split("\n## ")[0]
        named = re.findall(r"^\| (?:\*\*)?`(\w+)`(\*\*)? \|", section, re.MULTILINE) or []
        bold = set(re.findall(r"^\| \*\*`(\w+)`\*\* \|", section, re.MULTILINE))
        assert [name for name, _ in named] == list(table.columns), table.file
        assert bold == {c.name for c in table.columns.values() if c.required}, table.file


def test_the_example_city_is_without_fault() -> None:
    assert check_city(DOCS / "examples" / "city") == []


def links(page: Path) -> Iterator[str]:
    for target in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8")):
        if not target.startswith(("http://", "https://")):
            yield target


@pytest.mark.parametrize("page", WRITTEN, ids=lambda p: str(p.relative_to(REPO)))
def test_linked_files_exist(page: Path) -> None:
    missing = [target for target in links(page) if not (page.parent / target).exists()]
    assert not missing


def shell_lines(page: Path) -> list[str]:
    """Lines of fenced `sh` blocks, with continued ones joined."""
    blocks = re.findall(r"^```sh\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.replace("\\\n", " ").splitlines() if line.strip()]


def broken(line: str, targets: set[str]) -> str:
    """What does not exist in a line of shell; empty where all of it does."""
    inner = re.search(r"\$\((\.venv/bin/liandong .*)\)$", line)
    words = shlex.split(inner[1] if inner else line)
    program, rest = words[0], words[1:]
    if program == "make":
        return "" if rest and rest[0] in targets else f"make {' '.join(rest)}"
    if program != ".venv/bin/liandong":
        return "" if program in KNOWN else program
    command = commands().get(" ".join(rest[:2])) or commands().get(rest[0])
    if command is None:
        return rest[0]
    options = {name for param in command.params for name in (*param.opts, *param.secondary_opts)}
    unknown = [word for word in rest[1:] if word.startswith("--") and word not in options]
    absent = [word for word in rest[1:] if word.startswith("docs/") and not (REPO / word).exists()]
    return " ".join(unknown + absent)


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z]+):", (REPO / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


@pytest.mark.parametrize("page", [README, REPO / "CONTRIBUTING.md"], ids=lambda p: p.name)
def test_commands_exist(page: Path) -> None:
    assert not [(line, what) for line in shell_lines(page) if (what := broken(line, make_targets()))]


def test_the_readme_has_its_commands_and_figures_in_both_languages() -> None:
    text = README.read_text(encoding="utf-8")
    halves = text.split("\n---\n")
    assert len(halves) == 2 and re.match(r"# 联动", halves[0])
    assert all("`liandong bench`" in half for half in halves), "a figure names the command that printed it"
    blocks = [re.findall(r"^```sh\n(.*?)^```", half, re.MULTILINE | re.DOTALL) for half in halves]
    assert blocks[0][:2] == blocks[1][:2] and len(shell_lines(README)) >= 10


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("make lunch", "make lunch"),
        (".venv/bin/liandong sing --data data", "sing"),
        (".venv/bin/liandong serve --data data --colour red", "--colour"),
        ("A=$(.venv/bin/liandong token --data data --sauce x)", "--sauce"),
        (".venv/bin/liandong serve --data data --city docs/nowhere", "docs/nowhere"),
        ("wget http://127.0.0.1", "wget"),
    ],
)
def test_a_command_that_does_not_exist_is_seen(line: str, what: str) -> None:
    assert broken(line, make_targets()) == what


@pytest.mark.parametrize("page", WRITTEN, ids=lambda p: str(p.relative_to(REPO)))
def test_no_document_knows_the_machine_it_was_written_on(page: Path) -> None:
    found = re.findall(r"(?<![\w.])/(?:root|home|work|tmp|Users)/\w*", page.read_text(encoding="utf-8"))
    assert not found


# Decisions


def test_records_are_numbered_listed_short_and_complete() -> None:
    assert [int(path.name[:4]) for path in RECORDS] == list(range(1, len(RECORDS) + 1)) and len(RECORDS) >= 16
    index = (DOCS / "decisions" / "README.md").read_text(encoding="utf-8")
    for path in RECORDS:
        text = path.read_text(encoding="utf-8")
        assert len(text.splitlines()) <= 40 and f"({path.name})" in index, path.name
        assert re.match(rf"# {path.name[:4]}\. \S", text), path.name
        assert re.search(
            r"^Status: (accepted|replaced by \d{4})\.   Date: \d{4}-\d\d-\d\d\.$", text, re.MULTILINE
        )
        heads = re.findall(r"^## (.+)$", text, re.MULTILINE)
        assert heads == ["Context", "Decision", "Consequence"], path.name


@pytest.mark.parametrize("page", RECORDS, ids=lambda p: p.name)
def test_files_that_a_record_names_exist(page: Path) -> None:
    for named in re.findall(r"`([\w/.]+(?:\.py|/[\w/]+))`", page.read_text(encoding="utf-8")):
        if named.startswith(("/", "health")):
            continue  # a route
        places = (REPO / named, REPO / "src" / "liandong" / named, REPO / "src/liandong/core" / named)
        assert any(place.exists() for place in places), named


# The journal's page


JOURNAL = (DOCS / "reference" / "journal.md").read_text(encoding="utf-8")


def test_the_hash_of_the_example_is_the_one_that_the_code_makes() -> None:
    example = dict(re.findall(r"^(stream|sequence|body|hashed|hash) +(\S+)$", JOURNAL, re.MULTILINE))
    made = chain_hash("sha256", example["stream"], int(example["sequence"]), "", example["body"].encode())
    assert made == example["hash"]


def test_the_program_on_the_page_checks_a_journal_and_finds_a_change(tmp_path: Path) -> None:
    store = open_sqlite(tmp_path)
    previous = {"case:a": (0, ""), "case:b": (0, "")}
    rows = []
    for now, stream in enumerate(["case:a", "case:b", "case:a"], start=1):
        entry = Entry(kind=EntryKind.SYSTEM, stream=stream, now=now, mode=Mode.TEST, versions=Versions())
        row = chain(entry, previous[stream][0] + 1, previous[stream][1])
        previous[stream] = (row.sequence, row.hash)
        rows.append(row)
    store.commit(Changes(entries=rows))
    store.close()
    program = re.search(r"```python\n(.*?)```", JOURNAL, re.DOTALL)
    assert program

    def run() -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", program[1], str(tmp_path / FILE)]
        return subprocess.run(command, capture_output=True, text=True, timeout=60)

    good = run()
    assert good.returncode == 0 and good.stdout == "2 streams are chained\n", good.stderr
    with sqlite3.connect(tmp_path / FILE) as connection:
        forged = rows[0].body.replace(b'"now":1', b'"now":9')
        connection.execute("UPDATE journal SET body = ? WHERE position = 1", (forged,))
    bad = run()
    assert bad.returncode == 1 and "case:a#1: hash" in bad.stderr
