"""The same mechanism in every form: YAML, Excel and CSV give back what was written, byte for byte."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from liandong.adapters.mechanisms import (
    MechanismErrors,
    convert_file,
    read_document,
    read_text,
    write_file,
    write_signing,
    write_text,
)
from liandong.adapters.mechanisms.cover import signers
from liandong.adapters.mechanisms.nodes import LARGEST
from liandong.adapters.mechanisms.writing import digest
from liandong.core.values.canonical import sha256
from liandong.core.values.city import Area, Body, City, Unit
from liandong.core.values.document import Mechanism
from liandong.core.values.errors import BadInput
from liandong.core.values.lists import Action, AreaKind, Provenance, UnitKind
from liandong.core.values.rows import StepRow
from liandong.texts import LANGUAGES, sentences, text
from tests.adapters.mechanisms.making import mechanisms

LIMITED = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


def written(mechanism: Mechanism) -> str | None:
    """The text, or None where the document holds what no form can; then the error says where."""
    try:
        return write_text(mechanism)
    except BadInput as error:
        for one in (error, *error.errors):
            assert all(one.key in sentences(language) for language in LANGUAGES)
        return None


@given(mechanisms())
@LIMITED
def test_yaml_gives_back_what_was_written(mechanism: Mechanism) -> None:
    made = written(mechanism)
    if made is not None:
        read = read_text(made.encode(), "a.yaml").mechanism
        assert read == mechanism
        assert write_text(read) == made and digest(read) == sha256(made.encode())


@given(mechanisms())
@settings(LIMITED, max_examples=25)
def test_a_workbook_gives_back_what_was_written(
    tmp_path_factory: pytest.TempPathFactory, mechanism: Mechanism
):
    path = tmp_path_factory.mktemp("book") / "a.xlsx"
    made = written(mechanism)
    if made is None:
        return
    try:
        write_signing(path, mechanism)
    except BadInput as error:
        assert error.key == "mechfile.cannot_write" and not list(path.parent.iterdir())
        return
    read = read_document(path).mechanism
    assert read == mechanism and write_text(read) == made


@given(mechanisms())
@settings(LIMITED, max_examples=25)
def test_a_folder_gives_back_what_was_written(tmp_path_factory: pytest.TempPathFactory, mechanism: Mechanism):
    folder = tmp_path_factory.mktemp("folder") / "csv"
    if written(mechanism) is not None:
        write_file(folder, mechanism)
        assert read_document(folder).mechanism == mechanism


# Whatever the bytes are, there is a document or a sentence


def said(raw: bytes) -> Mechanism | None:
    try:
        return read_text(raw, "a.yaml").mechanism
    except MechanismErrors as error:
        assert error.errors
        for one in error.errors:
            assert one.params["file"] == "a.yaml" and isinstance(one.params["line"], int | None)
            shown = [text(one.key, language, **one.params) for language in LANGUAGES]
            assert not any("⟦" in words for words in shown), shown
        return None


@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(str.encode)))
@settings(max_examples=400, deadline=None)
def test_any_bytes_give_a_document_or_an_error_in_words(raw: bytes) -> None:
    said(raw)


PIECES = st.lists(
    st.sampled_from(
        [
            *(
                "key: a",
                "编号: 甲",
                "key",
                ":",
                "steps:",
                "steps: {}",
                "roles: [a]",
                "limit: 1 min",
                "order: 1e9",
            ),
            *("  - {key: a, flow: b, order: 1, action: judge, role: lead}", "  - rows:", "      - {key: b}"),
            *(
                "- ",
                "[",
                "]",
                "{",
                "}",
                "*",
                "&a",
                "!!int 1",
                "---",
                "...",
                "\t",
                "  ",
                "|",
                ">",
                "'",
                '"',
                "#",
            ),
            *("<<: {a: b}", "? a", "%YAML 9", "order: 1e9", "#"),
        ]
    ),
    max_size=14,
)


@given(PIECES, st.sampled_from(["\n", " ", ""]))
@settings(max_examples=600, deadline=None)
def test_broken_yaml_gives_an_error_in_words(pieces: list[str], between: str) -> None:
    said(between.join(pieces).encode())


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_a_damaged_document_gives_an_error_in_words(data: st.DataObject) -> None:
    raw = bytearray(SMALL.encode())
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(raw) - 1))
        raw[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    said(bytes(raw))


@given(st.binary(max_size=300))
@settings(max_examples=60, deadline=None)
def test_bytes_that_are_no_workbook_are_refused(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    path = tmp_path_factory.mktemp("book") / "a.xlsx"
    path.write_bytes(raw)
    with pytest.raises(MechanismErrors):
        read_document(path)


@given(st.data())
@settings(LIMITED, max_examples=25)
def test_a_damaged_workbook_gives_a_document_or_an_error_in_words(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("book") / "a.xlsx"
    write_signing(path, read_text(SMALL.encode(), "a.yaml").mechanism)
    with zipfile.ZipFile(path) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    spoilt = data.draw(st.sampled_from([name for name in parts if name.endswith(".xml")]))
    raw = bytearray(parts[spoilt])
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(raw) - 1))
        raw[place : place + data.draw(st.integers(0, 5))] = data.draw(
            st.text('<>/"=0aZ ', max_size=4)
        ).encode()
    with zipfile.ZipFile(path, "w") as book:
        for name, part in parts.items():
            book.writestr(name, bytes(raw) if name == spoilt else part)
    try:
        read_document(path)
    except MechanismErrors as error:
        shown = [text(one.key, "zh", **one.params) for one in error.errors]
        assert shown and not any("⟦" in words for words in shown)


def test_what_would_take_for_ever_is_refused_at_once() -> None:
    bomb = "a: &a [x,x,x]\nb: &b [*a,*a,*a]\n"
    for raw, key in (
        (bomb.encode(), "mechfile.anchor"),
        (b"[" * 100_000, "mechfile.too_deep"),
        (b"x" * (LARGEST + 1), "mechfile.file_too_large"),
        (b"key: !!python/object:os.system x", "mechfile.tag"),
    ):
        with pytest.raises(MechanismErrors) as error:
            read_text(raw, "a.yaml")
        assert [one.key for one in error.value.errors] == [key]


# No surprises

SMALL = """
编号: small
title_zh: 二〇二二年
steps:
  - {key: no, flow: "*", order: 1, action: judge, role: centre, 时限: 70 分钟, evidence: no}
  - 出处: 暂定
    place: on
    行:
      - {key: on, flow: gas, level: [I, II], order: 2, action: 处置, role: lead, limit: unset}
      - {key: 12:30, flow: gas, level: III, order: 3, action: arrive, role: city:fire, limit_s: 600,
         place: 2022-06}
escalations:
  - {key: none, flow: "*", action: handle, kind: none}
verifications:
  - {key: v, flow: "*", never: []}
"""


def test_words_stay_words_and_grouped_rows_share_what_they_do_not_say() -> None:
    document = read_text(SMALL.encode(), "small.yaml")
    made = document.mechanism
    assert (made.key, made.title_zh) == ("small", "二〇二二年")
    first, second, third = made.steps
    assert (first.key, first.limit_s, first.evidence) == ("no", 4200.0, False)
    assert (second.key, second.level, second.action, second.limit_s) == ("on", "I;II", Action.HANDLE, None)
    assert (second.provenance, second.place, third.place) == (Provenance.ASSUMED, "on", "2022-06")
    assert (third.key, third.role, third.limit_s) == ("12:30", "city:fire", 600.0)
    assert made.verifications[0].never == ()
    assert document.places["steps", "on"] == "small.yaml:9"


@pytest.mark.parametrize(
    ("change", "key", "line", "column", "value"),
    [
        (("70 分钟", "soon"), "mechfile.bad_value", 5, "limit_s", "soon"),
        (("evidence: no", "evidence: off"), "mechfile.bad_value", 5, "evidence", "off"),
        (("[I, II]", "[I, V]"), "mechfile.bad_value", 9, "level", "I;V"),
        (("[I, II]", "[I, [II]]"), "mechfile.no_word", 9, None, "level"),
        (("city:fire", "cityfire"), "mechfile.unknown_role", 10, "role", "cityfire"),
        (("role: lead", "rôle: lead"), "mechfile.unknown_column", 9, None, "rôle"),
        (("role: lead", "role: lead, 角色: lead"), "mechfile.twice", 9, None, "角色"),
        (("12:30", "no"), "mechfile.duplicate_key", 10, "key", "no"),
        (("order: 3", "order: 三"), "mechfile.bad_value", 10, "order", "三"),
        (("order: 3, ", ""), "mechfile.bad_value", 10, "order", ""),
        (("role: centre", "role: [centre, owner]"), "mechfile.no_word", 5, None, "role"),
        (("kind: none", "kind: urge"), "mechfile.bad_value", 13, "fraction", ""),
        (("编号: small\n", ""), "mechfile.bad_value", 2, "key", ""),
        (("steps:", "stops:"), "mechfile.unknown_column", 4, None, "stops"),
        (("    行:", "    rows:\n    行:"), "mechfile.no_list", 10, None, "rows"),
        (("\nescalations:", "\nsteps: []\nescalations:"), "mechfile.twice", 12, None, "steps"),
        (('"*", never', "*, never"), "mechfile.bad_yaml", 15, None, None),
        (("limit_s: 600", "limit_s: -600"), "mechfile.bad_value", 10, "limit_s", "-600"),
        (
            ("title_zh: ", "supplement_to: a\nissued: 2022-13-01\ntitle_zh: "),
            "mechfile.bad_value",
            4,
            "issued",
            None,
        ),
    ],
)
def test_an_error_says_where_it_stands(change: tuple[str, str], key: str, line: int, column: Any, value: Any):
    assert change[0] in SMALL
    with pytest.raises(MechanismErrors) as error:
        read_text(SMALL.replace(*change, 1).encode(), "small.yaml")
    one = error.value.errors[0]
    assert (one.key, one.params["line"]) == (key, line), one.params
    assert column is None or one.params["column"] == column
    assert value is None or one.params["value"] == value
    assert said(SMALL.replace(*change, 1).encode()) is None


def test_an_error_of_a_cell_reads_like_a_sentence() -> None:
    with pytest.raises(MechanismErrors) as error:
        read_text(SMALL.replace("action: arrive", "action: fly").encode(), "small.yaml")
    (one,) = error.value.errors
    assert text(one.key, "en", **one.params).startswith(
        "small.yaml line 10, 动作与时限 12:30, “action”: the value “fly” cannot be used. "
        "Use one of: judge, push"
    )


def test_a_workbook_shows_whose_a_row_is_and_has_a_box_for_everybody_who_signs(tmp_path: Path) -> None:
    made = read_text(SMALL.encode(), "small.yaml").mechanism
    unset = msgspec.structs.replace(made.steps[1], provenance=Provenance.UNSET)
    path = tmp_path / "small.xlsx"
    write_signing(path, msgspec.structs.replace(made, steps=(made.steps[0], unset, made.steps[2])))
    book = load_workbook(path)
    cover = [tuple(row) for row in book["封面"].iter_rows(values_only=True)]
    assert (
        cover[0][0] == "二〇二二年"
        and ("暂定", 4, None, None) in cover
        and ("未规定", 1, None, None) in cover
    )
    boxes = cover.index(("会签单位或角色", "意见", "签字（盖章）", "日期"))
    assert [row[0] for row in cover[boxes + 1 :]] == ["监测中心", "city:fire"]
    steps = book["动作与时限"]
    header = [cell.value for cell in steps[1]]
    assert steps.cell(row=2, column=header.index("时限") + 1).value == "70 分钟"
    shown = {(row[header.index("出处")].value, row[0].fill.fgColor.rgb) for row in steps.iter_rows(min_row=2)}
    assert shown == {("暂定", "00FFF2CC"), ("未规定", "00E0E0E0")}


def test_with_a_city_its_units_sign_by_name(tmp_path: Path) -> None:
    top = Area(key="area:c", name_zh="市", kind=AreaKind.CITY, path="/c/")
    districts = (
        Area(key=f"area:{slug}", name_zh=slug, kind=AreaKind.DISTRICT, parent="area:c", path=f"/c/{slug}/")
        for slug in "de"
    )
    bureau = {"kind": UnitKind.DEPARTMENT, "function": "housing"}
    units = (
        Unit(key="unit:h1", name_zh="东区住建局", area="area:d", **bureau),
        Unit(key="unit:h2", name_zh="西区住建局", area="area:e", **bureau),
        Unit(key="unit:gas", name_zh="燃气公司", kind=UnitKind.FIRM, area="area:c"),
    )
    body = Body(key="body:safety", name_zh="安委会", office="unit:gas")
    city = City(key="t", areas=(top, *districts), units=units, bodies=(body,))
    given = ("district:housing", "unit:gas", "body:safety", "city:fire", "owner", "lead")
    steps = tuple(
        StepRow(key=f"s{number}", flow="*", order=number, action=Action.HANDLE, role=role)
        for number, role in enumerate(given)
    )
    made = Mechanism(key="a", steps=steps)
    names = {"东区住建局", "西区住建局", "燃气公司", "安委会", "city:fire", "权属责任单位"}
    assert set(signers(made, city)) == names
    write_signing(tmp_path / "a.xlsx", made, city)
    assert read_document(tmp_path / "a.xlsx").mechanism == made


def test_an_error_in_a_workbook_names_sheet_and_row(tmp_path: Path) -> None:
    path = tmp_path / "small.xlsx"
    write_signing(path, read_text(SMALL.encode(), "small.yaml").mechanism)
    book = load_workbook(path)
    sheet = book["动作与时限"]
    sheet.cell(row=3, column=[cell.value for cell in sheet[1]].index("动作") + 1).value = "飞"
    book.save(path)
    with pytest.raises(MechanismErrors) as error:
        read_document(path)
    (one,) = error.value.errors
    assert one.params["file"] == "small.xlsx[动作与时限]" and (one.params["line"], one.params["row"]) == (
        3,
        "on",
    )


def test_converting_there_and_back_gives_the_same_bytes(tmp_path: Path) -> None:
    small = tmp_path / "a.yaml"
    small.write_text(write_text(read_text(SMALL.encode(), "a").mechanism), encoding="utf-8")
    digests = {
        convert_file(small, tmp_path / "a.xlsx"),
        convert_file(tmp_path / "a.xlsx", tmp_path / "csv"),
        convert_file(tmp_path / "csv", tmp_path / "b.yaml"),
        sha256(small.read_bytes()),
    }
    assert len(digests) == 1 and (tmp_path / "b.yaml").read_bytes() == small.read_bytes()
    for wrong in ("a.txt", "a.doc"):
        with pytest.raises(BadInput, match=r"mechfile\.no_form"):
            convert_file(small, tmp_path / wrong)
