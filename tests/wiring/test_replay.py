"""Files through a pack's rules: baselines, epochs, mapping, exit codes, and the real bridge."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import pytest

from liandong.app.packs import find_pack, load_pack
from liandong.core.values.errors import BadInput, NotFound
from liandong.wiring.baselines import learn, read_baselines, write_baselines
from liandong.wiring.columns import Reader, is_reference, quantity_of
from liandong.wiring.replay import Replayed, replay_files

REPO = Path(__file__).parents[2]
DATA = Path(os.environ.get("LIANDONG_SHARED_DATA", REPO.parent / "shared" / "data")) / "munich_bridge"
needs_bridge = pytest.mark.skipif(not DATA.is_dir(), reason=f"needs the bridge data in {DATA.name}")
ZONE = "Europe/Berlin"
BRIDGE = load_pack(find_pack("bridge"))
GAS = load_pack(find_pack("gas"))


def series(
    path: Path, level: float, column: str = "SG-1 (um/m)", day: str = "2026-03-02", minutes: int = 8,
    load: float = 8.0,
) -> Path:  # fmt: skip
    """Strain at 10 Hz: noise, and in the second half a load that adds to the level."""
    rng = np.random.default_rng(crc32(f"{level} {day}".encode()))
    rows = [f"Time (-),{column}"]
    count = minutes * 600
    for n in range(count):
        value = level + rng.normal(0, 0.3) + (load if n >= count // 2 else 0.0)
        seconds = n / 10
        rows.append(f"{day} 10:{int(seconds // 60):02}:{seconds % 60:06.3f},{value:.3f}")
    path.write_text("\n".join(rows) + "\n")
    return path


def run(*paths: Path, **more: Any) -> Replayed:
    return replay_files(paths, BRIDGE, zone=ZONE, **more)


def kinds(done: Replayed) -> set[tuple[str, str]]:
    return {(finding["file"], finding["rule"].partition("@")[0]) for finding in done.findings}


def notes(done: Replayed) -> set[str]:
    return {key for key, _ in done.notes}


def test_a_reference_beside_the_files_is_the_baseline_and_that_is_said(tmp_path: Path):
    series(tmp_path / "day_ref_01.csv", 100.0)
    settled = series(tmp_path / "settled.csv", 140.0, day="2026-03-05")
    done = run(settled)
    assert kinds(done) == {("settled.csv", "bridge_strain_shift"), ("settled.csv", "bridge_strain_shift_far")}
    assert "replay.baselines_reference" in notes(done)
    first = done.findings[0]
    assert first["baseline"] == pytest.approx(104, abs=0.5) and first["limit"] == pytest.approx(12.6, abs=1)
    assert first["onset"].startswith("2026-03-05T10:00:10") and first["onset"].endswith("+01:00")
    assert "参考文件：day_ref_01.csv" in first["reason"] and "day_ref_01.csv" in first["reason_en"]
    assert (first["level"], first["severity"], first["trust"]) == ("III", "medium", "U")


def test_the_reference_itself_and_what_is_like_it_stay_silent(tmp_path: Path):
    reference = series(tmp_path / "day_ref_01.csv", 100.0)
    alike = series(tmp_path / "next_day.csv", 101.5, day="2026-03-03", load=9.0)
    assert run(reference, alike).findings == []


def test_a_zero_set_anew_begins_an_epoch(tmp_path: Path):
    series(tmp_path / "a_ref.csv", 100.0, day="2026-03-02")
    series(tmp_path / "b_ref.csv", -300.0, day="2026-04-02")
    before = series(tmp_path / "before.csv", 100.0, day="2026-04-01")
    after = series(tmp_path / "after.csv", -300.0, day="2026-04-03")
    wrong = series(tmp_path / "wrong.csv", 100.0, day="2026-04-04")
    assert {file for file, _ in kinds(run(before, after, wrong))} == {"wrong.csv"}


def test_a_reference_that_shows_another_state_is_left_out_and_judged(tmp_path: Path):
    series(tmp_path / "a_ref.csv", 100.0)
    other = series(tmp_path / "b_ref.csv", 150.0)
    done = run(other)
    assert "replay.reference_refused" in notes(done)
    assert {file for file, _ in kinds(done)} == {"b_ref.csv"}


def test_an_idle_reference_is_widened_by_a_loaded_one(tmp_path: Path):
    series(tmp_path / "a_ref.csv", 100.0, load=0.0)
    loaded = series(tmp_path / "b_ref.csv", 100.1, load=9.0)
    done = run(loaded)
    assert "replay.reference_refused" not in notes(done) and done.findings == []
    (row,) = learn([tmp_path], Reader(BRIDGE, {}, ZONE)).rows
    assert row.readings == 96 and row.low < 101 and row.high > 108


def test_given_baselines_stand_alone_as_files_or_as_a_table(tmp_path: Path):
    reference = series(tmp_path / "quiet.csv", 100.0)
    (tmp_path / "other").mkdir()
    file = series(tmp_path / "other" / "today.csv", 140.0)
    series(tmp_path / "other" / "today_ref.csv", 140.0)
    assert run(file).findings == [], "what calls itself a reference is believed"
    assert len(run(file, baselines=[reference]).findings) == 2
    learned = learn([reference], Reader(BRIDGE, {}, ZONE))
    for name in ("table.csv", "table.json"):
        write_baselines(tmp_path / name, learned.rows)
        assert read_baselines(tmp_path / name) == list(learned.rows)
        done = run(file, baselines=[tmp_path / name])
        assert len(done.findings) == 2 and "replay.baselines_given" in notes(done)


def test_without_any_baseline_nothing_is_judged_and_nothing_is_called_good(tmp_path: Path):
    with pytest.raises(BadInput) as error:
        run(series(tmp_path / "today.csv", 0.0))
    assert error.value.key == "replay.nothing_judged"


def test_too_short_a_reference_is_refused_by_name(tmp_path: Path):
    with pytest.raises(BadInput) as error:
        learn([series(tmp_path / "ref.csv", 1.0, minutes=2)], Reader(BRIDGE, {}, ZONE))
    assert error.value.key == "baseline.file" and error.value.params["file"] == "ref.csv"


def test_a_file_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(NotFound):
        run(tmp_path / "nothing.csv")


@pytest.mark.parametrize(
    "junk", [b"", b"[", b"[1]", b'[{"point":1}]', b"\xff\xfe", b"structure,point\n1,2\n"]
)
def test_a_baseline_table_that_is_none_is_a_clear_error(tmp_path: Path, junk: bytes):
    for name in ("table.json", "table.csv"):
        (tmp_path / name).write_bytes(junk)
        try:
            assert read_baselines(tmp_path / name) == []
        except BadInput as error:
            assert error.key == "baseline.unreadable"


@pytest.mark.parametrize(
    ("name", "yes"),
    [
        ("ReferenceStateForceAt100Hz.csv.zip", True),
        ("UniBw_2022-04-11_ref_support_load_01DMS_CNAt100Hz.csv.zip", True),
        ("ref.csv", True),
        ("REF-3.csv", True),
        ("refuge_bridge.csv", False),
        ("prefab.csv", False),
        ("UniBw_2022-04-11_support_load_01.csv", False),
    ],
)
def test_a_name_marks_a_reference_by_a_word_of_its_own(name: str, yes: bool):
    assert is_reference(Path(name)) is yes


@pytest.mark.parametrize(
    ("name", "unit", "mapping", "quantity"),
    [
        ("DMS_CN", "um/m", {}, "strain"),
        ("FRC-01", "kN", {}, "force"),
        ("FRC-01", "N", {}, "force"),
        ("strain_mean", "", {}, "strain_mean"),
        ("x", "", {"x": "acceleration"}, "acceleration"),
        ("x", "cm/s2", {}, "acceleration"),
        ("x", "t", {}, "vehicle_weight"),
        ("x", "", {}, None),
        ("x", "Hz", {}, None),
    ],
)
def test_a_column_finds_its_quantity(name: str, unit: str, mapping: dict[str, str], quantity: str | None):
    found = quantity_of(name, unit, BRIDGE, mapping)
    assert (found.key if found else None) == quantity


def test_a_mapping_to_nothing_is_refused():
    with pytest.raises(BadInput):
        quantity_of("x", "", BRIDGE, {"x": "colour"})


def test_plain_rules_judge_too_and_a_shadow_rule_tells_nobody(tmp_path: Path):
    rows = [
        f"2026-01-05 08:{n:02}:00,{v}" for n, v in enumerate([1, 6, 12, 18, 24, 30, 36, 42, 45, 44, 40, 33])
    ]
    path = tmp_path / "well.csv"
    path.write_text("time,well 7 [%LEL]\n" + "\n".join(rows) + "\n")
    done = replay_files([path], GAS)
    assert {f["rule"]: f["shadow"] for f in done.findings} == {
        "gas_ch4_low": True,
        "gas_ch4_medium": False,
    }
    assert done.live == 1
    medium = next(f for f in done.findings if f["rule"] == "gas_ch4_medium")
    assert medium["onset"] == "2026-01-05T08:05:00+08:00" and medium["level"] == "III"
    assert "GB/T 50493-2019 5.5.2" in medium["reason"]


# The command itself


def command(*words: object, code: int) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "liandong", *map(str, words)], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.slow
def test_the_commands_say_by_their_exit_code_what_they_found(tmp_path: Path):
    reference = series(tmp_path / "day_ref.csv", 100.0)
    settled = series(tmp_path / "settled.csv", 140.0)
    table, out = tmp_path / "base.csv", tmp_path / "deep" / "out.jsonl"
    command("learn", reference, "--pack", "bridge", "--out", table, code=0)
    command("replay", reference, "--pack", "bridge", "--findings", out, code=0)
    assert out.read_text() == ""
    command("replay", settled, "--pack", "bridge", "--baseline", table, "--findings", out, code=1)
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert len(lines) == 2 and all(
        {"rule", "channel", "onset", "level", "reason"} <= set(one) for one in lines
    )
    (tmp_path / "rubbish.csv").write_bytes(b"\x00\x01nothing")
    command("replay", tmp_path / "rubbish.csv", "--pack", "bridge", "--findings", out, code=2)
    command("replay", settled, "--pack", "moon", "--findings", out, code=2)
    made = tmp_path / "packs"
    command("new", "pack", "lamp", "--to", made, code=0)
    command("check", "pack", made / "lamp", code=0)
    (made / "lamp" / "README.md").unlink()
    command("check", "pack", made / "lamp", code=1)
    command("check", "pack", tmp_path, code=2)


# The real bridge


@needs_bridge
def test_the_real_bridge_raises_in_strain_and_force_and_its_references_do_not():
    done = run(*sorted(DATA.glob("*.csv.zip")))
    raised = {(f["file"], f["quantity"]) for f in done.findings}
    name = "UniBw_2022-04-11_support_"
    assert raised == {
        (f"{name}01_lowering_01DMS_CNAt100Hz.csv.zip", "strain_mean"),
        (f"{name}load_01DMS_CNAt100Hz.csv.zip", "strain_mean"),
        (f"{name}load_01ForceAt100Hz.csv.zip", "force_mean"),
    }
    assert {f["point"] for f in done.findings} == {"DMS_CN", "FRC-01", "FRC-02"}
    assert all(f["onset"].startswith("2022-04-11T") for f in done.findings), "the swapped date is put right"


@needs_bridge
def test_the_margins_of_the_real_bridge():
    """References reach less than half of the limit; settled means lie beyond it, all of them."""
    done = run(*sorted(DATA.glob("*.csv.zip")))
    margins = [params for key, params in done.notes if key == "replay.margin"]
    references = [m["most"] / m["limit"] for m in margins if "ref" in m["file"].lower()]
    settled = [
        m["least"] / m["limit"]
        for m in margins
        if "support_load_01" in m["file"] and "_ref_" not in m["file"]
    ]
    assert len(references) == 6 and max(references) < 0.5
    assert len(settled) == 3 and min(settled) > 1.1


@needs_bridge
def test_a_known_structure_is_judged_without_any_reference_at_hand(tmp_path: Path):
    for path in DATA.glob("*.csv.zip"):
        shutil.copy(path, tmp_path / path.name)
        reference = is_reference(path)
        alone = tmp_path / "alone.csv.zip"
        (tmp_path / path.name).rename(alone)
        done = replay_files([alone], BRIDGE, zone=ZONE)
        assert "replay.baselines_pack" in notes(done)
        assert bool(done.findings) is not reference, path.name


@needs_bridge
def test_the_packs_table_is_what_learn_makes_of_the_references():
    learned = learn([p for p in DATA.glob("*.csv.zip") if is_reference(p)], Reader(BRIDGE, {}, ZONE))
    mine = {(r.point, r.quantity, r.epoch): (r.low, r.high) for r in learned.rows}
    table = {(r.point, r.quantity, r.epoch): (r.low, r.high) for r in BRIDGE.baselines}
    assert set(mine) == set(table)
    for key, pair in table.items():
        assert pair == pytest.approx(mine[key], abs=1e-4)
