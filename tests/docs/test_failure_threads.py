"""Every test that the table of failure threads names exists, and every thread claimed is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

REPO = Path(__file__).parents[2]
PAGE = REPO / "docs" / "reference" / "failure-threads.md"
_ROW = re.compile(r"^\| (\d+) \| .+ \| `(tests/[\w/]+\.py)::(test_\w+)` \|$", re.M)
CLAIMED = {*range(1, 25)}


def test_every_row_names_a_test_that_exists() -> None:
    page = PAGE.read_text(encoding="utf-8")
    rows = _ROW.findall(page)
    assert len(rows) == sum(line[2:3].isdigit() for line in page.splitlines())
    assert {int(number) for number, _, _ in rows} == CLAIMED
    for number, file, name in rows:
        body = ast.parse((REPO / file).read_text(encoding="utf-8"))
        assert name in {node.name for node in body.body if isinstance(node, ast.FunctionDef)}, (number, name)


def test_every_test_of_the_file_of_threads_bears_its_number() -> None:
    body = ast.parse((REPO / "tests" / "stories" / "test_threads.py").read_text(encoding="utf-8"))
    found = _ROW.findall(PAGE.read_text(encoding="utf-8"))
    rows = {(file, name): int(number) for number, file, name in found}
    for node in body.body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            said = re.match(r"(\d+)\b", ast.get_docstring(node) or "")
            assert said is not None, node.name
            listed = rows.get(("tests/stories/test_threads.py", node.name), int(said[1]))
            assert listed == int(said[1]), node.name
