"""The page from which a mechanism can be written: its example runs, and it leaves no column or fault out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from liandong.adapters.mechanisms import read_documents, write_signing
from liandong.adapters.tables.layout import MECHANISM, TABLES
from liandong.core.mechanism.proofs.catalogue import prove_document
from liandong.core.mechanism.routing import Routing
from liandong.core.mechanism.supplement import merge
from liandong.core.values.document import Mechanism
from liandong.core.values.lists import Action, Participation
from tests.docs.mechanism_page import KINDS_OF, known_kinds
from tests.docs.pages import DOCS

PAGE = (DOCS / "reference" / "mechanism.md").read_text(encoding="utf-8")


def example(folder: Path) -> tuple[Mechanism, Mechanism | None]:
    """The files of the page, as they stand there."""
    blocks = re.findall(r"```yaml\n# (\S+)\n(.*?)```", PAGE, re.DOTALL)
    assert [name for name, _ in blocks] == ["bridges.yaml", "bridges.supplement.yaml"]
    for name, words in blocks:
        (folder / name).write_text(words, encoding="utf-8")
    return read_documents([folder / name for name, _ in blocks])


def test_the_example_is_read_merged_proven_and_runs(tmp_path: Path) -> None:
    source, supplement = example(tmp_path)
    assert supplement is not None
    merged, refused = merge(source, supplement)
    assert not refused and prove_document(merged) == ()
    routing = Routing(merged)
    arrive = {
        r.key: r.limit_s
        for level in ("III", "II")
        for r in routing.steps("overload", level)
        if r.action == Action.ARRIVE
    }
    assert arrive == {"arrive": 7200.0, "arrive.II": 3600.0}
    lead = routing.role("bridge_settling", "III", Participation.LEAD)
    assert lead is not None and lead.role == "owner"
    write_signing(tmp_path / "bridges.xlsx", source)


@pytest.mark.parametrize(
    ("change", "proof"),
    [
        (
            (
                "grade.high, flow: bridge, severity: high, level: II",
                "grade.high, flow: bridge, severity: high, level: I",
            ),
            "P6",
        ),
        (("fraction: 0.8", "fraction: 0.8, level: II"), "P9"),
        (
            (
                "  - {key: sentence, axes: territory > phase > calendar > level > kind, place: 本市暂定}",
                "  []",
            ),
            "P2",
        ),
        (("role: district:emergency", "role: owner"), "P12"),
    ],
)
def test_the_example_fails_where_something_is_taken_away(tmp_path: Path, change: tuple[str, str], proof: str):
    example(tmp_path)
    path = tmp_path / "bridges.supplement.yaml"
    words = path.read_text(encoding="utf-8")
    assert change[0] in words
    path.write_text(words.replace(*change), encoding="utf-8")
    merged, _ = merge(*read_documents([tmp_path / "bridges.yaml", path]))
    assert proof in {fault.proof for fault in prove_document(merged)}


def test_every_table_and_column_and_every_kind_of_fault_is_on_the_page() -> None:
    for name in MECHANISM:
        section = PAGE.split(f"### {name} {TABLES[name].zh}\n")[1].split("\n### ")[0]
        shared = () if TABLES[name].single else ("key", "provenance", "place", "mark")
        named = re.findall(r"^\| (?:\*\*)?`(\w+)`", section, re.MULTILINE)
        assert named == [column for column in TABLES[name].columns if column not in shared]
        rows = [row.split(" | ") for row in section.splitlines() if row.startswith("| ")][1:]
        assert not [row for row in rows if len(row) != 5 or not all(cell.strip(" |") for cell in row)], name
    listed = [kind for kinds in KINDS_OF.values() for kind in kinds.split()]
    assert sorted(listed) == sorted(known_kinds()) and all(f"| `{kind}` |" in PAGE for kind in listed)
