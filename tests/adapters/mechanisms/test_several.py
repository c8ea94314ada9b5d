"""Several files as one: a document, its supplements, and what it includes."""

from __future__ import annotations

from pathlib import Path

import pytest

from liandong.adapters.mechanisms import MechanismErrors, read_documents, read_together
from liandong.core.mechanism.supplement import merge
from liandong.core.values.errors import BadInput

DOCUMENT = """
key: a
includes: [law]
steps:
  - {key: judge, flow: "*", order: 1, action: judge, role: centre, provenance: unset}
  - {key: push, flow: gas, order: 2, action: push, role: centre, limit: 5 min, provenance: source}
"""
FIRST = """
key: a.1
supplement_to: a
steps:
  - {key: judge, flow: "*", order: 1, action: judge, role: centre, limit: 10 min}
"""
SECOND = """
key: a.2
supplement_to: a
centre: city:centre
steps:
  - {key: close, flow: "*", order: 9, action: close, role: centre}
"""
LAW = """
key: law
includes: [more]
centre: city:emergency
scope:
  - {key: all, flow: "*"}
steps:
  - {key: law.push, flow: "*", order: 2, action: push, role: centre, provenance: source}
  - {key: law.push.gas, flow: gas, order: 2, action: push, role: centre, provenance: source}
  - {key: law.close, flow: "*", order: 9, action: close, role: centre, provenance: source}
"""
MORE = """
key: more
steps:
  - {key: more.archive, flow: "*", order: 10, action: archive, role: centre, provenance: source}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, words in (("a", DOCUMENT), ("a.1", FIRST), ("a.2", SECOND), ("law", LAW), ("more", MORE)):
        (tmp_path / f"{name}.yaml").write_text(words, encoding="utf-8")
    return tmp_path


def at(folder: Path, *names: str) -> list[Path]:
    return [folder / f"{name}.yaml" for name in names]


def test_what_is_filled_and_what_holds_where_all_are_silent(folder: Path) -> None:
    source, supplement = read_documents(at(folder, "a.2", "a", "a.1"))
    assert source.key == "a" and supplement is not None
    merged, refused = merge(source, supplement)
    assert not refused and merged.centre == "city:centre" and not merged.scope
    # The law's own row for gas gives way to the document's, its closing to the supplement's.
    assert {row.key: row.limit_s for row in merged.steps} == {
        "judge": 600.0, "push": 300.0, "close": None, "law.push": None, "more.archive": None,
    }  # fmt: skip


def test_every_row_is_found_where_it_stands(folder: Path) -> None:
    places = read_together(at(folder, "a", "a.1", "a.2")).places
    assert places["steps", "push"] == "a.yaml:6" and places["steps", "close"] == "a.2.yaml:6"
    assert places["steps", "judge"] == "a.yaml:5", "the document's row before the one that fills it"
    assert places["steps", "more.archive"] == "more.yaml:4"


def test_a_document_alone_has_no_supplement(folder: Path) -> None:
    (folder / "a.yaml").write_text(DOCUMENT.replace("includes: [law]\n", ""), encoding="utf-8")
    source, supplement = read_documents(at(folder, "a"))
    assert supplement is None and not source.includes


def test_an_include_may_be_named_built_in_or_missing(folder: Path) -> None:
    (folder / "law.yaml").rename(folder / "elsewhere.yaml")
    with pytest.raises(BadInput, match=r"mechfile\.include_missing"):
        read_documents(at(folder, "a"))
    _, supplement = read_documents(at(folder, "a", "elsewhere"))
    assert supplement is not None and "more.archive" in {row.key for row in supplement.steps}
    (folder / "a.yaml").write_text(DOCUMENT.replace("[law]", "[emergency-response-law]"), encoding="utf-8")
    _, supplement = read_documents(at(folder, "a"))
    assert supplement is not None and "law.high.evacuate" in {row.key for row in supplement.measures}


def test_documents_that_include_each_other_end(folder: Path) -> None:
    (folder / "more.yaml").write_text(MORE + "includes: [law, a]\n", encoding="utf-8")
    read_documents(at(folder, "a", "law")[:1])


def test_a_supplement_of_what_is_included_belongs_there(folder: Path) -> None:
    head = "key: x\nsupplement_to: more\nsteps:\n"
    words = f"{head}  - {{key: x.report, flow: '*', order: 11, action: track, role: lead}}\n"
    (folder / "x.yaml").write_text(words, encoding="utf-8")
    _, supplement = read_documents(at(folder, "a", "x"))
    assert supplement is not None and "x.report" in {row.key for row in supplement.steps}
    spoilt = f"{head}  - {{key: more.archive, flow: gas, order: 1, action: archive, role: lead}}\n"
    (folder / "x.yaml").write_text(spoilt, encoding="utf-8")
    with pytest.raises(MechanismErrors) as error:
        read_documents(at(folder, "a", "x"))
    assert [one.key for one in error.value.errors] == ["mechanism.overruled"]


@pytest.mark.parametrize(
    ("names", "key"),
    [
        (("a.1", "a.2"), "mechfile.no_main"),
        (("a", "more"), "mechfile.two_mains"),
        (("more", "a.1"), "mechfile.supplement_to_other"),
    ],
)
def test_files_that_do_not_belong_together_are_refused(
    folder: Path, names: tuple[str, ...], key: str
) -> None:
    with pytest.raises(BadInput) as error:
        read_documents(at(folder, *names))
    assert error.value.key == key


def test_one_row_in_two_supplements_is_an_error_with_both_places(folder: Path) -> None:
    (folder / "a.2.yaml").write_text(FIRST.replace("key: a.1", "key: a.2"), encoding="utf-8")
    with pytest.raises(MechanismErrors) as error:
        read_documents(at(folder, "a", "a.1", "a.2"))
    (one,) = error.value.errors
    assert (one.key, one.params["file"], one.params["first"]) == (
        "mechfile.row_in_two",
        "a.2.yaml:5",
        "a.1.yaml:5",
    )


def test_errors_of_all_files_are_said_at_once_and_a_missing_one_too(folder: Path) -> None:
    for name in ("a", "a.1"):
        path = folder / f"{name}.yaml"
        path.write_text(
            path.read_text(encoding="utf-8").replace("action: judge", "action: sing"), encoding="utf-8"
        )
    with pytest.raises(MechanismErrors) as error:
        read_documents([*at(folder, "a", "a.1"), folder / "nowhere.yaml", folder / "a.txt"])
    said = [(one.key, one.params["file"]) for one in error.value.errors]
    assert said == [
        ("mechfile.bad_value", "a.yaml"), ("mechfile.bad_value", "a.1.yaml"),
        ("mechfile.no_file", "nowhere.yaml"), ("mechfile.no_file", "a.txt"),
    ]  # fmt: skip


def test_a_supplement_may_not_call_itself_the_document(folder: Path) -> None:
    path = folder / "a.1.yaml"
    path.write_text(FIRST.replace("limit: 10 min", "provenance: source"), encoding="utf-8")
    with pytest.raises(MechanismErrors) as error:
        read_documents(at(folder, "a", "a.1"))
    (one,) = error.value.errors
    assert (one.params["column"], one.params["value"], one.params["line"]) == ("provenance", "source", 5)


def test_a_folder_of_source_and_supplement_is_both(folder: Path, tmp_path: Path) -> None:
    from liandong.adapters.mechanisms import convert_file

    place = tmp_path / "mechanism"
    place.mkdir()
    convert_file(Path("foshan-v2"), place / "source")
    convert_file(Path("foshan-v2.supplement"), place / "supplement")
    assert read_documents([place]) == read_documents([Path("foshan-v2"), Path("foshan-v2.supplement")])
