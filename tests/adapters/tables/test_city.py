"""A city's folder: what is written comes back; what is wrong is found with file, row and column."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liandong.adapters.tables import CityErrors, CityFolder, PersonRecord, check_city, read_city, write_city
from liandong.adapters.tables.layout import TABLES
from liandong.core.values.errors import BadInput
from liandong.texts import LANGUAGES, sentences
from tests.adapters.tables.folders import DEMO, change, found, put, row_of, table

replace = msgspec.structs.replace
#: The smallest city of all: quick to write again and again.
SMALL = read_city(Path(__file__).parents[3] / "docs" / "examples" / "city")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_city(tmp_path / "demo", DEMO)
    return tmp_path / "demo"


def same(left: CityFolder, right: Any) -> bool:
    people = [[(p.key, p.name, p.phone) for p in side.persons] for side in (left, right)]
    whole = (left.city, left.mechanism, left.rules) == (right.city, right.mechanism, right.rules)
    return whole and people[0] == people[1]


# Round trip


def test_what_is_written_comes_back(folder: Path) -> None:
    assert same(read_city(folder), DEMO)
    assert check_city(folder) == []


def test_writing_again_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    write_city(tmp_path / "again", read_city(folder))
    for name in TABLES:
        assert (tmp_path / "again" / f"{name}.csv").read_bytes() == (folder / f"{name}.csv").read_bytes()


def test_the_byte_order_mark_may_be_there_or_not(folder: Path) -> None:
    assert (folder / "units.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    put(folder, "units", table(folder, "units"), encoding="utf-8")
    assert same(read_city(folder), DEMO)


PLAIN = st.text(st.characters(exclude_categories=("C",)), max_size=20).map(str.strip)
FILLED = PLAIN.filter(bool)
ITEM = st.text(
    st.characters(exclude_characters=";=；＝", exclude_categories=("C", "Z")), min_size=1, max_size=9
)


@given(
    names=st.tuples(FILLED, PLAIN),
    numbers=st.lists(st.tuples(ITEM, ITEM), max_size=3).map(tuple),
    domains=st.lists(ITEM, max_size=3).map(tuple),
    since=st.integers(1, 4_000_000_000_000_000),
    low=st.none() | st.floats(-1e9, 0.0),
    lateness=st.floats(0, 1e6),
)
@settings(max_examples=30, deadline=None)
def test_any_content_comes_back(
    tmp_path_factory: pytest.TempPathFactory,
    names: tuple[str, str],
    numbers: tuple[tuple[str, str], ...],
    domains: tuple[str, ...],
    since: int,
    low: float | None,
    lateness: float,
) -> None:
    city = DEMO.city
    unit = replace(city.units[0], name_zh=names[0], name_en=names[1], numbers=numbers, domains=domains)
    holding = replace(city.holdings[0], since=since, until=since + 1)
    quantity = replace(city.quantities[0], low=low, high=None)
    source = replace(city.sources[0], lateness_s=lateness)
    data = replace(
        DEMO,
        city=replace(
            city,
            units=(unit, *city.units[1:]),
            holdings=(holding, *city.holdings[1:]),
            quantities=(quantity, *city.quantities[1:]),
            sources=(source, *city.sources[1:]),
        ),
    )
    folder = tmp_path_factory.mktemp("city")
    write_city(folder, data)
    assert same(read_city(folder), data)


@pytest.mark.parametrize("name", ["a\r\nb", " led by a blank", "bell\x07"])
def test_what_would_not_come_back_is_not_written(tmp_path: Path, name: str) -> None:
    units = (replace(DEMO.city.units[0], name_zh=name), *DEMO.city.units[1:])
    with pytest.raises(CityErrors) as caught:
        write_city(tmp_path / "x", replace(DEMO, city=replace(DEMO.city, units=units)))
    assert [(e.key, e.params["file"], e.params["row"], e.params["column"]) for e in caught.value.errors] == [
        ("city.cannot_write", "units.csv", 2, "name_zh")
    ]
    assert not (tmp_path / "x").exists()


def test_a_separator_inside_an_item_is_not_written(tmp_path: Path) -> None:
    unit = replace(DEMO.city.units[0], domains=("gas;water",))
    with pytest.raises(CityErrors):
        write_city(tmp_path, replace(DEMO, city=replace(DEMO.city, units=(unit,))))


def test_a_path_that_is_not_the_computed_one_is_not_written(tmp_path: Path) -> None:
    areas = (replace(DEMO.city.areas[0], path="/elsewhere/"), *DEMO.city.areas[1:])
    with pytest.raises(CityErrors):
        write_city(tmp_path, replace(DEMO, city=replace(DEMO.city, areas=areas)))


# What may be left out


def test_paths_are_computed_from_the_parents(folder: Path) -> None:
    rows = table(folder, "areas")
    at = rows[0].index("path")
    put(folder, "areas", [row[:at] + row[at + 1 :] for row in rows])
    assert same(read_city(folder), DEMO)
    assert next(a for a in read_city(folder).city.areas if a.key == "area:yunxi").path == "/demo/east/yunxi/"


def test_a_channel_without_a_number_gets_the_next_one_and_gaps_stay_gaps(folder: Path) -> None:
    rows = table(folder, "channels")
    at = rows[0].index("number")
    for row, number in zip(rows[1:], ["", "7", "", "3"] + [""] * len(rows), strict=False):
        row[at] = number
    put(folder, "channels", rows)
    numbers = [c.number for c in read_city(folder).city.channels]
    assert numbers == [8, 7, 9, 3, *range(10, 10 + len(numbers) - 4)]


def test_rows_without_content_are_skipped_but_counted(folder: Path) -> None:
    rows = table(folder, "units")
    put(folder, "units", [rows[0], [], ["", ""], *rows[1:]])
    assert same(read_city(folder), DEMO)
    change(folder, "units", 4, "kind", "company")
    assert found(folder) == [("city.bad_value", "units.csv", 4, "kind", "company")]


# Files


@pytest.mark.parametrize("name", [name for name, table in TABLES.items() if not table.optional])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / f"{name}.csv").unlink()
    assert ("city.missing_file", f"{name}.csv") in [e[:2] for e in found(folder)]


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    assert [e.key for e in check_city(tmp_path / "none")] == ["city.missing_folder"]


def test_a_missing_a_misspelt_and_a_doubled_column_are_named(folder: Path) -> None:
    rows = table(folder, "units")
    rows[0][rows[0].index("kind")] = "knid"
    rows[0][rows[0].index("name_en")] = "name_zh"
    put(folder, "units", rows)
    keys = [e[:4] for e in found(folder) if e[1] == "units.csv"]
    assert set(keys) == {
        ("city.missing_column", "units.csv", 1, "kind"),
        ("city.unknown_column", "units.csv", 1, "knid"),
        ("city.duplicate_column", "units.csv", 1, "name_zh"),
    }


@pytest.mark.parametrize("rows", [0, 2])
def test_the_city_is_one_row(folder: Path, rows: int) -> None:
    header, row = table(folder, "city")
    put(folder, "city", [header, *[row] * rows])
    assert "city.one_row" in [e.key for e in check_city(folder)]


@pytest.mark.parametrize("encoding", ["gbk", "gb18030"])
def test_a_file_as_chinese_excel_saves_it_is_read(folder: Path, encoding: str) -> None:
    for name in ("units", "assets", "areas", "persons"):
        put(folder, name, table(folder, name), encoding=encoding)
    assert same(read_city(folder), DEMO)


def test_a_damaged_file_is_not_taken_for_another_encoding(folder: Path) -> None:
    raw = (folder / "units.csv").read_bytes().removeprefix(b"\xef\xbb\xbf")
    at = raw.index("公司".encode())
    (folder / "units.csv").write_bytes(raw[:at] + b"\xff" + raw[at + 1 :])
    row = raw.count(b"\n", 0, at) + 1
    assert ("city.not_utf8", "units.csv", row) in [e[:3] for e in found(folder)]


def test_damage_that_another_encoding_would_read_as_rubbish_is_seen(folder: Path) -> None:
    text = "key,name_zh\n" + "unit:a,佛山市南海区住房和城乡建设局综合科室\n" * 3
    raw = text.encode().replace("佛".encode(), b"\xe4\xe4\xad", 1)
    assert "住房" not in raw.decode("gb18030"), "it can be read, as rubbish"
    (folder / "units.csv").write_bytes(raw)
    assert ("city.not_utf8", "units.csv", 2) in [e[:3] for e in found(folder)]


def test_an_open_quotation_mark_is_named(folder: Path) -> None:
    with (folder / "pauses.csv").open("a", encoding="utf-8") as file:
        file.write('"open,gas_leak')
    assert ("city.bad_csv", "pauses.csv", 5) in [e[:3] for e in found(folder)]


def test_an_empty_file_lacks_its_columns(folder: Path) -> None:
    (folder / "relations.csv").write_bytes(b"")
    assert {e[0] for e in found(folder)} == {"city.missing_column"}


def test_a_cell_beyond_the_header_is_named_without_its_content(folder: Path) -> None:
    rows = table(folder, "persons")
    rows[2].append("000-9999-0000")
    put(folder, "persons", rows)
    (error,) = check_city(folder)
    assert (error.key, error.params["row"]) == ("city.beyond_header", 3)
    assert "000-9999" not in str(error)


@given(name=st.sampled_from(["units", "duties", "rules", "steps", "packs"]), raw=st.binary(max_size=300))
@settings(max_examples=60, deadline=None)
def test_any_bytes_give_errors_and_never_a_crash(
    tmp_path_factory: pytest.TempPathFactory, name: str, raw: bytes
) -> None:
    folder = tmp_path_factory.mktemp("city")
    write_city(folder, SMALL)
    (folder / f"{name}.csv").write_bytes(raw)
    assert all(error.key in sentences("zh") for error in check_city(folder))


# All at once, and without personal data


def test_all_errors_are_collected_in_the_order_of_the_tables(folder: Path) -> None:
    change(folder, "pauses", 2, "longest_s", "long")
    change(folder, "units", 5, "kind", "company")
    change(folder, "units", 3, "area", "area:nowhere")
    with pytest.raises(CityErrors) as caught:
        read_city(folder)
    assert isinstance(caught.value, BadInput)
    assert caught.value.params == {"folder": "demo", "count": 3}
    places = [(e.params["file"], e.params["row"]) for e in caught.value.errors]
    assert places == [("units.csv", 3), ("units.csv", 5), ("pauses.csv", 2)]


def test_a_bad_row_is_still_known_by_its_key(folder: Path) -> None:
    change(folder, "units", row_of(folder, "units", "unit:gas"), "kind", "company")
    assert [e[0] for e in found(folder)] == ["city.bad_value"]


def test_no_error_repeats_a_name_or_a_telephone_number(tmp_path: Path) -> None:
    people = (*DEMO.persons[1:], PersonRecord(key=DEMO.persons[0].key, name="秘密\x07", phone=" 139"))
    with pytest.raises(CityErrors) as caught:
        write_city(tmp_path, replace(DEMO, persons=people))
    assert len(caught.value.errors) == 2
    assert all(e.params["value"] == "" for e in caught.value.errors)


def test_persons_are_no_part_of_the_city(folder: Path) -> None:
    data = read_city(folder)
    said = msgspec.json.encode((data.city, data.mechanism, data.rules)).decode()
    assert not [p for p in data.persons if p.name in said or (p.phone and p.phone in said)]


# The texts


def error_keys() -> set[str]:
    import liandong.adapters.tables as room

    sources = [p.read_text(encoding="utf-8") for p in Path(room.__file__).parent.glob("*.py")]
    return {
        part
        for text in sources
        for part in text.split('"')
        if part.startswith("city.") and part != "city.csv"
    }


def test_every_error_has_words_in_both_languages() -> None:
    for language in LANGUAGES:
        assert not error_keys() - sentences(language).keys()
