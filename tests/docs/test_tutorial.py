"""The tutorial cannot rot: every file and command is taken from the page and run, in order, in one shell."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ports import free_port

TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorial"
PAGE, ENGLISH = TUTORIAL / "first-mechanism.md", TUTORIAL / "first-mechanism.en.md"
_FENCE = re.compile(r"^```(\w+)(?: (file|append)=(\S+))?\n(.*?)^```$", re.M | re.S)
#: Between the outputs of two blocks.
_MARK = "=== block {} ==="


def _blocks(page: Path) -> Iterator[tuple[str, str, str, str]]:
    """(language, file or append or nothing, name, text) in the order of the page."""
    for found in _FENCE.finditer(page.read_text(encoding="utf-8")):
        yield found[1], found[2] or "", found[3] or "", found[4]


def _script(page: Path, port: int) -> tuple[str, dict[int, str]]:
    """The page as one script, and what each of its blocks is said to print.

    A file block becomes a here-document, so that files and commands keep their order.
    """
    lines = ["set -euo pipefail", "trap 'kill ${SERVER:-} 2>/dev/null || true' EXIT"]
    said: dict[int, str] = {}
    number = 0
    for language, how, name, words in _blocks(page):
        if how:
            sign = ">" if how == "file" else ">>"
            lines += [f"cat {sign} {name} <<'END_OF_BLOCK'\n{words}END_OF_BLOCK"]
        elif language == "sh":
            number += 1
            # `!` keeps `set -e` quiet; the status itself is what the page promises.
            promised = re.sub(r"^! (.+)$", r"if \1; then exit 99; fi", words, flags=re.M)
            lines += [f"echo; echo '{_MARK.format(number)}'", promised]
        else:
            assert language == "text", language
            said[number] = words
    return "\n".join(lines).replace("8431", str(port)), said


def _shown(pattern: str, printed: str) -> bool:
    """Whether a shown output, in which … stands for anything, was printed."""
    parts = [re.escape(part) for part in re.split(r"\s*…\s*", pattern.strip())]
    return re.search(r"[\s\S]*?".join(parts), printed) is not None


def test_both_languages_run_the_same() -> None:
    assert [*_blocks(PAGE)] == [*_blocks(ENGLISH)]
    names = [name for _, how, name, _ in _blocks(PAGE) if how == "file"]
    assert len(names) == len(set(names)) and "gas.yaml" in names


def test_a_shown_output_has_to_be_printed() -> None:
    assert _shown("a … c\n", "x\na b c\n") and not _shown("a … c\n", "a b\n") and not _shown("ab", "a b")


@pytest.mark.slow
def test_the_tutorial_does_what_it_says(tmp_path: Path) -> None:
    script, said = _script(PAGE, free_port())
    assert len(said) > 10
    (tmp_path / "all.sh").write_text(script, encoding="utf-8")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LIANDONG_")}
    done = subprocess.run(
        ["bash", "all.sh"], cwd=tmp_path, env=kept | {"PATH": path, "NO_PROXY": "*", "no_proxy": "*"},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=540, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4_000:]
    printed = re.split(r"^=== block \d+ ===\n", done.stdout, flags=re.M)
    for number, pattern in said.items():
        assert _shown(pattern, printed[number]), f"block {number}:\n{pattern}\nprinted:\n{printed[number]}"
