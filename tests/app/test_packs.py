"""Packs from disk: built-in and third-party ones are found, broken ones are told and skipped."""

from __future__ import annotations

import shutil
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liandong.app import packs
from liandong.app.packs import find_pack, load_models, load_pack, load_packs, pack_folders
from liandong.core.detect.scorers import SCORERS
from liandong.core.pack import (
    Baseline,
    Cascade,
    Condensed,
    Expected,
    Hazard,
    Learned,
    ModelSample,
    Standard,
)
from liandong.core.values.errors import BadInput, LiandongError, NotFound
from liandong.core.values.lists import Statistic, Trust
from liandong.wiring.new_pack import make_pack

BUILT_IN = {"gas", "bridge", "fire"}


@pytest.fixture
def lamp(tmp_path: Path) -> Path:
    return make_pack("lamp", tmp_path)


def test_built_in_packs_are_found_behind_one_entry_point():
    assert {name for name, _ in pack_folders()} >= BUILT_IN
    assert set(load_packs()) >= BUILT_IN


def test_a_third_partys_package_brings_its_own(monkeypatch, tmp_path: Path):
    (tmp_path / "their_packs").mkdir()
    make_pack("lamp", tmp_path / "their_packs")
    make_pack("alone", tmp_path)
    for package in ("their_packs", "alone"):
        (tmp_path / package / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    entries = [
        EntryPoint("theirs", "their_packs", packs.GROUP),
        EntryPoint("one", "alone", packs.GROUP),
        EntryPoint("gone", "no_such_package_at_all", packs.GROUP),
    ]
    monkeypatch.setattr(packs, "entry_points", lambda group: entries)
    told: list[tuple[str, str]] = []
    assert set(load_packs(lambda name, error: told.append((name, error.key)))) == {"lamp", "alone"}
    assert told == [("gone", "pack.no_folder")]
    assert find_pack("lamp") == tmp_path / "their_packs" / "lamp"
    assert "alone" not in sys.modules, "finding a pack runs none of its code"


def test_a_broken_pack_is_told_and_the_others_stay(monkeypatch, tmp_path: Path):
    good, bad = make_pack("good", tmp_path), make_pack("bad", tmp_path)
    (bad / "pack.toml").write_text("id = ")
    shutil.copytree(good, tmp_path / "twin")
    monkeypatch.setattr(
        packs,
        "pack_folders",
        lambda report: iter([("bad", bad), ("good", good), ("twin", tmp_path / "twin")]),
    )
    told: list[tuple[str, str]] = []
    assert list(load_packs(lambda name, error: told.append((name, error.key)))) == ["good"]
    assert told == [("bad", "pack.bad_file"), ("twin", "pack.twice")]


def test_a_pack_is_read_as_it_is_written():
    gas = load_pack(find_pack("gas"))
    rows = {rule.key: rule for rule in gas.rules}
    medium = rows["gas_ch4_medium"]
    assert (medium.raise_at, medium.clear_at, medium.hold_s) == (25.0, 20.0, 240.0)
    assert medium.trust is Trust.VERIFIED and "GB/T 50493-2019 5.5.2" in medium.basis and not medium.shadow
    assert rows["gas_ch4_low"].shadow
    (named,) = [q for q in gas.quantities if q.key == "ch4_vol"]
    assert (named.name_zh, named.unit, named.gas) == ("甲烷体积分数", "%VOL", "ch4")
    alarm = next(q for q in load_pack(find_pack("fire")).quantities if q.key == "fire_alarm")
    assert alarm.codes == ((0, "正常", "normal"), (1, "火警", "fire alarm"))


def test_an_unknown_pack_is_named_with_the_known_ones():
    with pytest.raises(NotFound) as error:
        find_pack("moon")
    assert "gas" in str(error.value.params["known"])


@pytest.mark.parametrize(
    ("file", "text", "key"),
    [
        ("pack.toml", "id = 7\n", "pack.bad_row"),
        ("detectors.csv", "key,version\nx,one\n", "pack.bad_row"),
        ("detectors.csv", "key,colour\nx,red\n", "pack.unknown_column"),
        ("detectors.csv", "key,version\nx\n", "pack.bad_row"),
        ("detectors.csv", 'key\n"x\n', "pack.bad_row"),
        ("quantities.csv", "key,unit,codes\nx,1,nothing\n", "pack.bad_row"),
        ("strings/zh.json", "[1]", "pack.bad_file"),
        ("strings/zh.json", "{", "pack.bad_file"),
        ("samples/positive_high.csv", "time,value\nx,1\n", "pack.bad_row"),
    ],
)
def test_what_is_wrong_is_said_with_file_and_row(lamp: Path, file: str, text: str, key: str):
    (lamp / file).write_text(text)
    with pytest.raises(BadInput) as error:
        load_pack(lamp)
    assert error.value.key == key and error.value.params["file"] == file


def test_a_model_that_cannot_be_imported_is_the_packs_fault(lamp: Path):
    (lamp / "hazards.py").write_text("raise RuntimeError('no')\n")
    with pytest.raises(BadInput):
        load_models(lamp)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(["pack.toml", "quantities.csv", "detectors.csv", "hazards.csv", "strings/en.json"]),
    st.binary(max_size=80),
    st.integers(0, 400),
)
def test_any_bytes_give_a_pack_or_a_clear_error(tmp_path_factory, file: str, junk: bytes, at: int):
    folder = make_pack("lamp", tmp_path_factory.mktemp("packs"))
    data = (folder / file).read_bytes()
    (folder / file).write_bytes(data[:at] + junk + data[at:])
    try:
        load_pack(folder)
    except LiandongError as error:
        assert error.key.startswith("pack.")


def test_the_page_of_packs_names_every_built_in_one_every_column_and_every_statistic():
    reference = Path(__file__).parents[2] / "docs" / "reference"
    page = (reference / "packs.md").read_text(encoding="utf-8")
    for name in load_packs():
        assert f"| `{name}` " in page, name
    for kind in (Hazard, Cascade, Condensed, Learned, Baseline, Standard, Expected, ModelSample):
        for field in msgspec.structs.fields(kind):
            assert f"`{field.name}`" in page, (kind.__name__, field.name)
    detectors = (Path(__file__).parents[2] / "docs" / "reference" / "detectors.md").read_text(
        encoding="utf-8"
    )
    assert all(f"\n| `{statistic}`" in detectors for statistic in Statistic)
    assert all(f"`{scorer}`" in detectors for scorer in SCORERS)
