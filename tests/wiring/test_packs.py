"""A city that names a pack in `packs.csv` detects by its rows, and calls things by its words."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from liandong.app.clock import VirtualClock
from liandong.app.settings import load_settings
from liandong.core.values.access import Session
from liandong.core.values.errors import NotFound
from liandong.core.values.times import SECOND, format_time, parse_time
from liandong.texts import extend, label, sentences
from liandong.wiring import open_city
from liandong.wiring.packs import read_equipped

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "city"
NOW = parse_time("2026-11-22T12:00:00+08:00")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The example city without rules and quantities of its own."""
    made = tmp_path / "city"
    shutil.copytree(EXAMPLE, made)
    for table in ("rules.csv", "quantities.csv"):
        head = (made / table).read_text(encoding="utf-8").splitlines()[0]
        (made / table).write_text(head + "\n", encoding="utf-8")
    return made


def use(folder: Path, pack: str, maturity: str) -> None:
    (folder / "packs.csv").write_text(f"pack,maturity\n{pack},{maturity}\n", encoding="utf-8")


def cases_after_a_leak(data: Path, folder: Path) -> tuple[int, list[str]]:
    """How many cases three readings of 62 %LEL open, and the rules that the city then runs."""
    clock = VirtualClock(NOW + 120 * SECOND)
    city = open_city(load_settings({"data": data}, {}), read_equipped(folder), clock=clock)
    city.start()
    try:
        platform = city.platform
        platform.tick().result(10)
        readings = [
            {"channel": "channel:valve-1.ch4", "time": format_time(NOW + n * 60 * SECOND), "value": 62}
            for n in range(3)
        ]
        source = platform.access.session(platform.access.issue_token(Session(source="source:gas")))
        future, errors = platform.receiving.readings(source, json.dumps({"readings": readings}).encode())
        assert future.result(10).rows == 3 and errors == ()
        while not platform.quiet():
            pass
        centre = Session(person="person:centre", post="post:centre.duty")
        officer = platform.access.session(platform.access.issue_token(centre))
        rows, _ = platform.questions.cases(platform.access.scope(officer))
        return len(rows), sorted(platform.handler.policy.rules)
    finally:
        city.stop()


def test_a_live_pack_opens_a_case_and_a_shadow_one_does_not(tmp_path: Path, folder: Path):
    use(folder, "gas", "live")
    cases, rules = cases_after_a_leak(tmp_path / "live", folder)
    assert cases == 1 and "gas_ch4_high" in rules
    use(folder, "gas", "shadow")
    cases, rules = cases_after_a_leak(tmp_path / "shadow", folder)
    assert cases == 0 and "gas_ch4_high" in rules


def test_the_words_of_a_citys_packs_are_lent_to_the_texts(tmp_path: Path, folder: Path):
    use(folder, "gas", "live")
    cases_after_a_leak(tmp_path / "data", folder)
    assert label("hazard", "oxygen_low", "zh") == "缺氧"
    assert label("hazard", "oxygen_low", "en") == "too little oxygen"
    assert label("quantity", "ch4_vol", "en") == "methane by volume"


def test_a_lent_word_does_not_replace_one_that_is_there():
    before = dict(sentences("zh"))
    extend("zh", {"label.hazard.gas_leak": "别的"})
    assert sentences("zh") == before and label("hazard", "gas_leak", "zh") == "燃气泄漏"


def test_an_unknown_pack_is_refused(folder: Path):
    use(folder, "moon", "live")
    with pytest.raises(NotFound) as error:
        read_equipped(folder)
    assert error.value.key == "pack.unknown"


def test_a_row_of_the_citys_own_goes_before_the_packs(folder: Path):
    use(folder, "gas", "live")
    head = (folder / "rules.csv").read_text(encoding="utf-8").splitlines()[0]
    row = "gas_ch4_high,1,gas_leak,high,ch4_lel,yes,45,35,0,600,*,no,ours,U"
    (folder / "rules.csv").write_text(f"{head}\n{row}\n", encoding="utf-8")
    made = {rule.key: rule for rule in read_equipped(folder).rules}
    assert (made["gas_ch4_high"].raise_at, made["gas_ch4_high"].pack) == (45.0, "")
    assert (made["gas_ch4_medium"].raise_at, made["gas_ch4_medium"].pack) == (25.0, "gas")
