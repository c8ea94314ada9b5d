"""The table of errors in api.md, read from the code: `python -m tests.web.errors` writes it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from liandong.core.values import errors
from liandong.texts import sentences
from liandong.web.problems import STATUS, STATUS_OF_KEY, STATUS_OF_REFUSAL

_ROOT = Path(__file__).parents[2]
_CODE = _ROOT / "src" / "liandong"
PAGE = _ROOT / "docs" / "reference" / "api.md"
BEGIN, END = "<!-- errors: begin -->", "<!-- errors: end -->"
#: What a request can meet on its way: doors, ingest, rules of acts, lists.
_FILES = (
    "web/*.py", "adapters/http/*.py", "app/platform.py", "app/access.py", "app/acts.py", "app/lookups.py",
    "app/personal.py", "app/receiving.py", "app/rejected.py", "app/vault.py", "app/handle.py",
    "app/intake.py", "app/writer.py", "app/clock.py", "core/ingest.py", "core/close.py",
    "core/values/times.py", "core/coordinate/acts.py", "core/mechanism/authority.py",
    "stores/_sql/questions.py", "stores/keyring/*.py",
)  # fmt: skip
_CLASSES = {cls.__name__: code for cls, code in STATUS.items()} | {errors.Broken.__name__: 500}
#: Answered without an error class.
_OTHERS = {
    "http.internal": 500, "http.not_found": 404, "http.wrong_method": 405, "http.refused": 400,
    "http.bad_parameter": 422, "health.not_ready": 503,
}  # fmt: skip
_TOLD = {"writer.dead_letter"}


def statuses() -> dict[str, int]:
    """Every key that an answer may carry → its status."""
    found = dict(_OTHERS)
    for pattern in _FILES:
        for path in sorted(_CODE.glob(pattern)):
            found |= dict(_raised(ast.parse(path.read_text(encoding="utf-8"))))
    return {key: status for key, status in found.items() if status != 500 or key in _TOLD | {"http.internal"}}


def _raised(tree: ast.AST) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or not node.args:
            continue
        first = node.args[0]
        if not isinstance(first, ast.Constant) or not isinstance(first.value, str):
            continue
        if node.func.id in _CLASSES:
            yield first.value, STATUS_OF_KEY.get(first.value, _CLASSES[node.func.id])
        elif node.func.id == "refuse":
            yield first.value, STATUS_OF_REFUSAL.get(first.value, 409)


def table() -> str:
    """The table as the page holds it."""
    words = sentences("en")
    rows = [
        f"| `{key}` | {status} | {words[key].replace('{{', '{')} |"
        for key, status in sorted(statuses().items())
    ]
    return "\n".join([BEGIN, "| key | status | words |", "|---|---|---|", *rows, END])


def renewed(page: str) -> str:
    """The page with today's table."""
    before, rest = page.split(BEGIN)
    return before + table() + rest.split(END)[1]


if __name__ == "__main__":
    PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
