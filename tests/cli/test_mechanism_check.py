"""`liandong mechanism check` and `route`: proven is 0, refused is 1 with a witness, unreadable is 2."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from liandong.adapters.mechanisms import read_documents, write_text
from liandong.adapters.tables import write_city
from liandong.app.clock import system_clock
from liandong.cli import app
from liandong.core.mechanism.supplement import merge
from liandong.core.values.dataset import CityFolder, PersonRecord
from liandong.core.values.errors import BadInput
from liandong.core.values.times import DAY
from liandong.mechanisms import known
from liandong.wiring.travel import read_travel
from tests.core.mechanism.proofs.good import START, World, good
from tests.core.mechanism.proofs.planted import gone_from_city, then, without

DOCUMENTS = [key for key in known() if not key.endswith(".supplement")]
CITY_DAY = ("--from", "2026-03-02", "--days", "30")


def run(*words: str) -> tuple[int, str]:
    answer = CliRunner().invoke(app, ["mechanism", *words])
    return answer.exit_code, answer.output


@pytest.mark.parametrize("key", DOCUMENTS)
def test_every_document_of_ours_is_proven_with_its_supplement(key: str) -> None:
    code, said = run("check", key, f"{key}.supplement")
    assert code == 0, said
    assert "全部证明通过" in said


@pytest.mark.parametrize("key", DOCUMENTS)
def test_a_document_alone_contradicts_itself_nowhere_and_what_it_leaves_open_is_listed(
    key: str, tmp_path: Path
) -> None:
    code, said = run("check", key, "--source-only", "--json", str(tmp_path / "a.json"))
    assert code == 0, said
    report = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    assert report["result"] == "proven" and report["faults"] == []
    assert report["source_only"] is True


def _gaps(tmp_path: Path, *words: str) -> set[tuple[str, str]]:
    run("check", *words, "--json", str(tmp_path / "a.json"))
    report = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    return {(gap["what"], gap["row"]) for gap in report["gaps"]}


def test_foshan_leaves_open_what_its_sources_do_not_say(tmp_path: Path) -> None:
    """First version: three limits of level III and no origin; second: one limit, of the disposal report."""
    first = _gaps(tmp_path, "foshan-v1", "--source-only")
    level_three = {f"step.any.III.{action}" for action in ("judge", "arrive", "handle", "feed_back")}
    assert {row for what, row in first if what == "origin"} == level_three
    assert {row for what, row in first if what == "escalation"} == level_three
    assert "verifier" in {what for what, _ in first}
    second = _gaps(tmp_path, "foshan-v2", "--source-only")
    assert {row for what, row in second if what == "origin"} == {"step.gas_outdoors.I.disposal_report"}
    assert ("limit", "step.gas_outdoors.I.handle") in second
    filled = _gaps(tmp_path, "foshan-v2", "foshan-v2.supplement")
    assert not {what for what, _ in filled} & {"escalation", "verifier", "lead"}


def _written(tmp_path: Path, world: World) -> Path:
    file = tmp_path / "document.yaml"
    file.write_text(write_text(world.mechanism), encoding="utf-8")
    return file


def test_a_gap_is_refused_with_a_witness_in_both_languages(tmp_path: Path) -> None:
    file = _written(tmp_path, without("roles", "lead.gas")(good()))
    code, said = run("check", str(file), "--json", str(tmp_path / "a.json"))
    assert code == 1 and "Ⅳ级燃气泄漏" in said and "无人牵头" in said
    assert "nobody leads" in run("check", str(file), "--language", "en")[1]
    report = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    assert report["result"] == "refused" and report["cells"] > 0 and len(report["digest"]) == 64
    fault = next(f for f in report["faults"] if f["kind"] == "no_lead")
    assert fault["proof"] == "P1" and fault["witness"]["flow"] == "gas_leak"
    assert fault["message"] and fault["remedy"]


def test_pairs_are_said_one_by_one(tmp_path: Path) -> None:
    file = _written(tmp_path, good())
    code, said = run("check", str(file), "--pairs", "--json", str(tmp_path / "a.json"))
    report = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    lines = [line for line in said.splitlines() if "lead.drainage.flood" in line]
    assert code == 0 and len(lines) == 1 and "lead.drainage" in lines[0] and "优先次序" in lines[0]
    assert report["pairs"] == len([line for line in said.splitlines() if " 优先于 " in line])


def test_the_digest_is_that_of_the_rows(tmp_path: Path) -> None:
    digests = set()
    for world in (good(), good(), without("roles", "assist.town")(good())):
        run("check", str(_written(tmp_path, world)), "--json", str(tmp_path / "a.json"))
        digests.add(json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))["digest"])
    assert len(digests) == 2


def test_a_supplement_that_contradicts_its_document_is_refused(tmp_path: Path) -> None:
    source, supplement = read_documents([Path("foshan-v1"), Path("foshan-v1.supplement")])
    assert supplement is not None and not merge(source, supplement)[1]
    step = next(row for row in source.steps if row.limit_s is not None)
    against = tmp_path / "against.yaml"
    against.write_text(
        f"key: against\nsupplement_to: {source.key}\nsteps:\n"
        f"  - {{key: {step.key}, flow: '*', level: {step.level}, order: {step.order}, "
        f"action: {step.action.value}, role: {step.role}, limit: 5min}}\n",
        encoding="utf-8",
    )
    code, said = run("check", "foshan-v1", "foshan-v1.supplement", str(against))
    assert code in (1, 2) and step.key in said


@pytest.mark.parametrize("words", [("nowhere.yaml",), ()])
def test_what_cannot_be_read_is_no_refusal(words: tuple[str, ...]) -> None:
    answer = CliRunner().invoke(app, ["mechanism", "check", *words])
    assert answer.exit_code != 0 and answer.exception is not None


# With a city


def _tables(folder: Path, world: World) -> Path:
    people = sorted({h.person for h in world.city.holdings} | {d.person for d in world.city.duties})
    persons = tuple(PersonRecord(key=p, name=p, phone="000-0000-0001") for p in people)
    write_city(folder, CityFolder(city=world.city, mechanism=world.mechanism, rules=(), persons=persons))
    return folder


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The good city as tables, with its mechanism."""
    return _tables(tmp_path_factory.mktemp("city"), good())


def test_a_city_is_proven_with_its_own_mechanism(place: Path) -> None:
    code, said = run("check", "--city", str(place), *CITY_DAY)
    assert code == 0, said


def test_a_roster_that_ends_within_the_days_is_refused(tmp_path: Path) -> None:
    """Whoever holds a post answers without a roster; at the gas company nobody holds it."""
    bare = gone_from_city("holdings", lambda row: row.post == "post:gas.duty")(good())
    folder = _tables(tmp_path, bare)
    assert run("check", "--city", str(folder), "--from", "2026-03-02", "--days", "30")[0] == 0
    code, said = run("check", "--city", str(folder), "--from", "2026-04-01", "--days", "30")
    assert code == 1 and "无人值班" in said and "gas" in said


@pytest.mark.parametrize(("row", "code"), [("unit:gas,113.1,23.0,,", 0), ("unit:gas,,,area:mill,26", 1)])
def test_a_way_that_is_longer_than_what_is_left_is_refused(
    place: Path, tmp_path: Path, row: str, code: int
) -> None:
    """60 minutes to judge and 5 to sign leave 25 of the 90 for the way."""
    table = tmp_path / "travel.csv"
    table.write_text(f"unit,lon,lat,area,minutes\n{row}\n", encoding="utf-8")
    found, said = run("check", "--city", str(place), *CITY_DAY, "--travel", str(table))
    assert found == code, said
    assert ("需 26 分钟" in said and "只剩 25 分钟" in said) == (code == 1)


@pytest.mark.parametrize(
    "row", ["unit:gas,,,,", ",113,23,,", "unit:gas,113,x,,", "unit:gas,113,99,,", "unit:gas,,,area:mill,-1",
            "unit:gas,,,area:mill,nan", "unit:gas,,,,5"]
)  # fmt: skip
def test_a_table_of_ways_says_which_line_cannot_be_read(tmp_path: Path, row: str) -> None:
    table = tmp_path / "travel.csv"
    table.write_text(f"unit,lon,lat,area,minutes\n{row}\n", encoding="utf-8")
    with pytest.raises(BadInput) as error:
        read_travel(table)
    assert error.value.params == {"file": "travel.csv", "row": 2}
    table.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadInput):
        read_travel(table)


def _route(tmp_path: Path, place: Path, *words: str) -> tuple[int, dict[str, Any]]:
    code, said = run("route", "--city", str(place), "--json", str(tmp_path / "r.json"), *words)
    assert (tmp_path / "r.json").is_file(), said
    return code, json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))


def test_route_says_who_must_act_and_the_row_that_says_so(place: Path, tmp_path: Path) -> None:
    asked = ("--at", "2026-03-08T03:00:00+08:00", "--domain", "waterlogging", "--level", "II")
    code, found = _route(tmp_path, place, *asked, "--area", "area:mill")
    assert code == 0
    assert (found["lead"]["row"], found["lead"]["unit"]) == ("lead.drainage.flood", "unit:water_west")
    assert (found["day"], found["minute"]) == ("restday", 180)
    parts = {(part["part"], part["unit"]) for part in found["parts"]}
    assert parts >= {("assist", "unit:town_mill"), ("verify", "unit:emergency_west")}
    arrive = next(step for step in found["steps"] if step["action"] == "arrive")
    assert (arrive["unit"], arrive["limit_s"], arrive["row"]) == ("unit:water_west", 5400.0, "step.arrive")
    assert [e["kind"] for e in arrive["escalations"]] == ["remind", "urge", "supervise", "take_over"]


def test_route_of_an_asset_knows_its_owner(place: Path, tmp_path: Path) -> None:
    asked = ("--at", "2026-03-08T03:00:00Z", "--domain", "waterlogging", "--level", "III")
    code, found = _route(tmp_path, place, *asked, "--asset", "asset:drain-lake")
    assert code == 0 and found["lead"]["unit"] == "unit:drainage" and found["area"] == "area:lake"


def test_route_where_nobody_leads_is_1(place: Path, tmp_path: Path) -> None:
    asked = ("--at", "2026-03-08T03:00:00Z", "--domain", "forest_fire", "--level", "III")
    code, found = _route(tmp_path, place, *asked, "--area", "area:lake")
    assert code == 1 and found["lead"] is None


@pytest.mark.parametrize(
    "words",
    [
        ("--domain", "gas_leak", "--level", "I"),
        ("--at", "2026-03-08T03:00:00Z", "--domain", "gas_leak", "--level", "V"),
        ("--at", "2026-03-08T03:00:00Z", "--domain", "gas_leak", "--level", "I", "--area", "area:x"),
        ("--at", "tomorrow", "--domain", "gas_leak", "--level", "I"),
    ],
)
def test_route_asks_for_what_it_needs(place: Path, words: tuple[str, ...]) -> None:
    answer = CliRunner().invoke(app, ["mechanism", "route", "--city", str(place), *words])
    assert answer.exit_code != 0


# Committing tables


def _commit(folder: Path, data: Path, *more: str) -> tuple[int, str]:
    words = (
        "city",
        "commit",
        str(folder),
        "--data",
        str(data),
        "--author",
        "wang",
        "--reason",
        "test",
        *more,
    )
    answer = CliRunner().invoke(app, words)
    return answer.exit_code, answer.output


def test_tables_that_break_a_proof_are_committed_only_in_a_named_persons_name(tmp_path: Path) -> None:
    """Nobody is on duty at the gas company after midnight, and nobody holds its post."""
    now = system_clock().read().now
    world = good()
    later = tuple(msgspec.structs.replace(d, start=d.start + now - START, end=d.end + now - START)
                  for d in world.city.duties)  # fmt: skip
    world = replace(world, city=msgspec.structs.replace(world.city, duties=later))
    data = tmp_path / "data"
    assert _commit(_tables(tmp_path / "first", world), data)[0] == 0
    worse = _tables(
        tmp_path / "worse",
        then(
            gone_from_city("holdings", lambda row: row.post == "post:gas.duty"),
            gone_from_city("duties", lambda row: row.post == "post:gas.duty" and row.start > now + 2 * DAY),
        )(world),
    )
    code, said = _commit(worse, data)
    assert code == 1 and "P5" in said and "无人值班" in said and "--override-by" in said
    code, said = _commit(worse, data, "--override-by", "li", "--override-reason", "下周补排班")
    assert code == 0, said
    again, said = _commit(worse, data)
    assert again == 0, "nothing new, nothing broken"
