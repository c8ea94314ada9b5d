"""`check_pack`: every built-in pack passes, a new one passes, and each planted fault is found."""

from __future__ import annotations

from pathlib import Path

import pytest

from liandong.app.packs import find_pack, pack_folders
from liandong.conformance.pack import check_pack
from liandong.wiring.new_pack import make_pack


@pytest.fixture
def lamp(tmp_path: Path) -> Path:
    return make_pack("lamp", tmp_path)


@pytest.mark.parametrize("name", sorted(name for name, _ in pack_folders()))
def test_every_built_in_pack_is_without_fault(name: str):
    assert [error.params for error in check_pack(find_pack(name))] == []


def test_a_new_pack_is_without_fault(lamp: Path):
    assert check_pack(lamp) == []


def swap(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("quantities.csv", "lamp_level,m,", "lamp_level,,", "unit"),
        ("detectors.csv", ",lamp_level,true", ",lamp_depth,true", "lamp_depth"),
        ("detectors.csv", "lamp_high,medium", "lamp_low,medium", "lamp_low"),
        ("detectors.csv", "lamp_high,medium", "lamp_high,terrible", "terrible"),
        ("detectors.csv", "example: replace with clause and page", "", "no basis"),
        ("hazards.csv", "example: replace with clause and page", "", "basis"),
        ("hazards.csv", "*,lamp_level", "*,", "needs"),
        ("hazards.csv", "lamp_level,,,", "lamp_level,glow,cd,", "glow"),
        ("strings/en.json", "quantity.lamp_level", "quantity.other", "quantity.lamp_level"),
        ("strings/en.json", "too high (example)", "太高", "太高"),
        ("strings/zh.json", "过高（示例）", "too high", "too high"),
        ("pack.toml", "New domain lamp", "", "title_en"),
        ("playbook/grading.csv", ",III,", ",V,", "level V"),
        ("playbook/grading.csv", "lamp_high", "darkness", "darkness"),
        ("samples/positive_high.csv", "2.6", "1.6", "missing"),
        ("samples/negative_usual.csv", "1.9", "1.9\n2026-01-05T08:02:00+08:00,point-1,lamp_level,3\n"
         "2026-01-05T08:03:00+08:00,point-1,lamp_level,3", "not expected"),
        ("samples/positive_high.csv", "2026-01-05T08:03:00+08:00", "yesterday", "yesterday"),
    ],
)  # fmt: skip
def test_a_planted_fault_is_found(lamp: Path, file: str, old: str, new: str, said: str):
    swap(lamp / file, old, new)
    assert said in " ".join(str(error.params) for error in check_pack(lamp))


def test_a_live_pack_grades_what_it_raises(lamp: Path):
    swap(lamp / "pack.toml", '"draft"', '"live"')
    assert check_pack(lamp) == []
    (lamp / "playbook" / "grading.csv").unlink()
    assert "has no row" in " ".join(str(error.params) for error in check_pack(lamp))


@pytest.mark.parametrize("kind", ["positive_high", "negative_usual", "dirty_rubbish"])
def test_a_sample_of_each_kind_is_wanted(lamp: Path, kind: str):
    (lamp / "samples" / f"{kind}.csv").unlink()
    assert f"no {kind.partition('_')[0]} sample" in " ".join(str(e.params) for e in check_pack(lamp))


MODEL = """
def glow(facts):
    return {body}
MODELS = {{"glow": glow}}
"""


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('facts["lamp_level"] * 2', ""),
        ('facts["lamp_level"] * 2 + 0 * facts["heat"]', "reads ['heat', 'lamp_level']"),
        ("8.0", "reads []"),
        ('facts["lamp_level"]', "4.0, not 8.0"),
        ('facts["nothing"]', "KeyError"),
        ('facts["lamp_level"] * 2 + globals().setdefault("n", []).append(1) or len(n)', "TypeError"),
        ('globals().update(n=globals().get("n", 7) + 1) or n + 0 * facts["lamp_level"]', "8.0 and then 9.0"),
    ],
)
def test_a_model_reads_what_it_declares_and_gives_what_is_expected(lamp: Path, body: str, said: str):
    swap(lamp / "hazards.csv", "lamp_level,,,", "lamp_level,glow,cd,")
    (lamp / "hazards.py").write_text(MODEL.format(body=body))
    (lamp / "samples" / "models.csv").write_text(
        "hazard,facts,expected,tolerance,source\nlamp_high,lamp_level=4;heat=1,8,0,ours\n"
    )
    found = " ".join(str(error.params) for error in check_pack(lamp))
    assert said in found and bool(said) == bool(found)


SCORER = """
class Excess:
    least = 1
    needs = ("limit",)

    def __init__(self, numbers, members):
        self.limit = numbers["limit"][0]

    def fresh(self):
        return np.zeros(0)

    def score(self, state, time, values):
        return WHAT

SCORERS = {"excess": Excess}
"""


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("values[:, 0] - self.limit", []),
        ("values[:, 0] - np.nan_to_num(values).mean()", ["cut"]),
        ("values[:, 9]", ["raises"]),
    ],
)
def test_a_packs_own_scorer_is_run_by_its_samples_and_held_to_the_contract(
    lamp: Path, what: str, said: list[str]
):
    (lamp / "scorers.py").write_text("import numpy as np\n" + SCORER.replace("WHAT", what), encoding="utf-8")
    rows = lamp / "detectors.csv"
    header, row = rows.read_text(encoding="utf-8").splitlines()
    beyond = (
        row.replace("lamp_level_medium", "beyond").replace("value,0", "score,0").replace(",2,1.5,", ",9,8,")
    )
    rows.write_text(f"{header},scorer,params\n{row},,\n{beyond},lamp.excess,limit=2\n", encoding="utf-8")
    assert [str(error.params["why"]).rpartition(": ")[2] for error in check_pack(lamp)] == said
