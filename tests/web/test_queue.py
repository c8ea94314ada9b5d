"""The live queue, search and screens, over a running city: order, filters, names, and nobody else's cases."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from liandong.core.values.lists import ReportKind
from liandong.core.values.rows import ReportRow
from liandong.core.values.times import HOUR, MINUTE, format_time
from tests.web.town import CENTRE, OPERATOR, Client, Town, is_problem

WEST, EAST, GAS = "post:emergency_west.duty", "post:emergency_east.duty", "post:gas.duty"
ROW = ReportRow(
    key="report.any.first", flow="*", level="*", kind=ReportKind.UPWARD, recipient="unit:government",
    signer="unit:centre", first_s=300.0, next_s=600.0, place="test",
)  # fmt: skip


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    made = Town(tmp_path_factory.mktemp("town"), reports=(ROW,))
    yield made
    made.close()


@pytest.fixture(scope="module")
def client(town: Town) -> Client:
    return Client(town)


@pytest.fixture(scope="module")
def cases(town: Town) -> list[str]:
    return [town.open_case(0), town.open_case(1)]


def items(client: Client, town: Town, query: str = "", post: str = CENTRE) -> list[dict]:
    answer = client.get(f"queue?{query}", town.token(post=post))
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


def test_a_row_says_everything(town: Town, client: Client, cases: list[str]) -> None:
    answer = client.get("queue", town.token(post=CENTRE)).json()
    assert answer["total"] == 2 and answer["now"] == format_time(town.platform.writer.now)
    assert answer["position"] <= town.platform.store.last_position()
    row = next(item for item in answer["items"] if item["id"] == cases[0])
    assert row["asset_name"]["zh"].startswith("燃气") and row["hazard_name"]["zh"] == "燃气泄漏"
    assert row["areas"][0]["key"] == "area:demo" and row["areas"][-1]["key"] == row["area"]
    assert row["alarm"]["state"] == "active_unack"
    [wait] = row["waits"]
    assert (wait["action"], wait["post"], wait["person_name"]) == ("judge", CENTRE, None)
    assert wait["post_title"]["zh"] == "值班岗" and wait["person"].startswith("person:")
    assert row["due"] == wait["due"] == row["clock"]["due"]
    assert row["clock"]["origin"] == "finding" and row["clock"]["origin_assumed"] is True
    assert row["value"]["unit"] == "%LEL" and row["value"]["vol"] == pytest.approx(3.0)
    assert row["precision"][0]["all"] == {"real": 0, "counted": 0} and row["version"] == town.version(
        cases[0]
    )


def test_what_is_due_first_comes_first(town: Town, client: Client, cases: list[str]) -> None:
    due = [item["due"] for item in items(client, town)]
    assert due == sorted(due) and all(due)


def test_names_only_for_who_may_and_the_look_is_journalled(
    town: Town, client: Client, cases: list[str]
) -> None:
    token = town.token(post=CENTRE)
    me = client.get("me", token).json()["person"]
    before = town.notes(me).count("access.persons")
    named = {person.key: person.name for person in town.folder.persons}
    [row, _] = items(client, town, "persons=true")
    assert row["waits"][0]["person_name"] == named[row["waits"][0]["person"]]
    assert town.notes(me).count("access.persons") == before + 1
    [row, _] = items(client, town, "persons=true", post=EAST)
    assert row["waits"][0]["person_name"] is None, "no personal.read"
    assert not any(name in client.get("queue", token).text for name in named.values())


def test_a_wrong_unit_sees_nothing(town: Town, client: Client, cases: list[str]) -> None:
    for post in (WEST, OPERATOR):
        token = town.token(post=post)
        assert items(client, town, post=post) == []
        assert client.get("search?q=燃气阀室001号", token).json()["items"] == []
        assert client.get(f"search?q={cases[0]}", token).json()["items"] == []
    source = town.token(source=town.channels()[0].source)
    assert client.get("queue", source).json()["items"] == []


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("level=II", 2), ("level=I", 0), ("hazard=gas_leak", 2), ("hazard=waterlogging", 0),
        ("area=area:east", 2), ("area=area:west", 0), ("unit=unit:centre", 2), ("unit=unit:fire", 0),
        ("mine=true", 2), ("overdue=false", 2),
    ],
)  # fmt: skip
def test_filters(town: Town, client: Client, cases: list[str], query: str, found: int) -> None:
    assert len(items(client, town, query)) == found


def test_mine_is_not_everybodys(town: Town, client: Client, cases: list[str]) -> None:
    assert items(client, town, "mine=true", post=EAST) == []


def test_pages_without_loss_or_repeat(town: Town, client: Client, cases: list[str]) -> None:
    token = town.token(post=CENTRE)
    first = client.get("queue?limit=1", token).json()
    second = client.get(f"queue?limit=1&after={first['next']}", token).json()
    assert {first["items"][0]["id"], second["items"][0]["id"]} == set(cases) and second["next"] == ""
    is_problem(client.get("queue?after=rubbish", token), 422, "page.bad_cursor")
    is_problem(client.get("queue?area=area:nowhere", token), 422, "http.bad_parameter")


@pytest.mark.parametrize(
    ("query", "why", "kind"),
    [
        ("燃气阀室001", "name", "asset"), ("ranqifashi001", "pinyin", "asset"),
        ("rqfs001", "initials", "asset"),
        ("gas-001", "id", "asset"), ("shiqiao", "id", "area"), ("石桥", "name", "area"),
        ("channel:gas-001.ch4_lel", "id", "channel"), ("rqyxgs", "initials", "unit"),
    ],
)  # fmt: skip
def test_search(town: Town, client: Client, cases: list[str], query: str, why: str, kind: str) -> None:
    found = client.get(f"search?q={query}", town.token(post=CENTRE)).json()["items"]
    assert (found[0]["why"], found[0]["kind"]) == (why, kind), found[:2]
    if kind == "asset":
        assert found[0]["cases"] == [cases[0]] and found[0]["areas"]


def test_a_telephone_number_finds_its_person_and_stays_nowhere(
    town: Town, client: Client, cases: list[str]
) -> None:
    record = town.folder.persons[10]
    token = town.token(post=CENTRE)
    me = client.get("me", token).json()["person"]
    [found] = client.get(f"search?q={record.phone.replace('-', ' ')}", token).json()["items"]
    assert (found["key"], found["why"], found["name"]["zh"]) == (record.key, "telephone", record.name)
    assert town.notes(me)[-1] == "access.persons"
    entries = town.platform.store.entries_of(f"access:{me}")
    assert not any(record.phone.encode() in row.body for row in entries)
    assert client.get(f"search?q={record.phone}", town.token(post=EAST)).json()["items"] == []
    assert client.get(f"search?q={record.phone[:-1]}", token).json()["items"] == []


def test_a_screen_is_given_back_as_it_was(town: Town, client: Client, cases: list[str]) -> None:
    token = town.token(post=CENTRE)
    me = client.get("me", token).json()["person"]
    shown = {"position": 7, "filters": {"level": "II"}, "cases": cases[::-1]}
    kept = client.post("screen", token, json=shown).json()
    at = town.now
    assert kept["kept"] is True
    assert client.post("screen", token, json=shown).json()["kept"] is False, "nothing has changed"
    town.pass_time(MINUTE)
    client.post("screen", token, json=shown | {"cases": []})
    back = client.get(f"screen?at={format_time(at)}", token).json()
    assert (back["cases"], back["filters"], back["position"]) == (cases[::-1], {"level": "II"}, 7)
    assert back["digest"] == kept["digest"] and back["person"] == me
    assert client.get("screen", token).json()["cases"] == []
    entry = next(
        row for row in town.platform.store.entries_of(f"access:{me}") if kept["digest"].encode() in row.body
    )
    assert entry.hash == back["hash"] and json.loads(entry.body)["reason"]["params"]["cases"] == 2
    dark = {one["channel"]: one["last"] for one in back["dark"]}
    assert "channel:gas-001.ch4_lel" not in dark, "it has just been heard"
    assert dark["channel:gas-003.ch4_lel"] is None, "it was never heard"


def test_anothers_screen_needs_the_right_to_the_journal(town: Town, client: Client, cases: list[str]) -> None:
    token = town.token(post=CENTRE)
    me = client.get("me", token).json()["person"]
    client.post("screen", token, json={"position": 1, "cases": cases})
    refused = client.get(f"screen?person={me}", town.token(post=EAST))
    is_problem(refused, 403, "auth.no_capability")
    operator = town.token(post=OPERATOR)
    assert client.get(f"screen?person={me}", operator).json()["cases"] == cases
    watcher = client.get("me", operator).json()["person"]
    assert town.notes(watcher)[-1] == "access.screen_read"
    is_problem(client.get("screen", operator), 404, "screen.none")
    early = format_time(town.now - 240 * HOUR)
    is_problem(client.get(f"screen?at={early}", token), 404, "screen.none")


def test_a_screen_that_never_rests_is_stopped(town: Town, client: Client, cases: list[str]) -> None:
    token = town.token(post=EAST)
    for number in range(60):
        assert client.post("screen", token, json={"position": 1, "cases": [f"x{number}"]}).status_code == 200
    is_problem(client.post("screen", token, json={"position": 1, "cases": ["y"]}), 429, "screen.too_often")
    town.pass_time(2 * MINUTE)
    assert client.post("screen", token, json={"position": 1, "cases": ["y"]}).json()["kept"] is True


def test_overdue_report_and_closing(town: Town, client: Client, cases: list[str]) -> None:
    """Last, because it moves the cases on: the report's clock leads, then one is closed and counts."""
    token = town.token(post=CENTRE)
    client.act(cases[1], "judge", token, key="j1", verdict="real")
    row = next(item for item in items(client, town) if item["id"] == cases[1])
    assert row["report"]["recipient_name"]["zh"] and row["due"] == row["report"]["due"]
    assert row["report"]["signer_post"] == "post:centre.leader" and row["report"]["basis"] == "test"
    [wait] = next(item for item in items(client, town) if item["id"] == cases[0])["waits"]
    client.act(cases[0], "judge", town.token(post=wait["post"]), key="j0", verdict="false")
    done = client.act(cases[0], "close", token, key="c0", cause="false_interference")
    assert done.status_code == 200, done.text
    town.pass_time(10 * MINUTE)
    assert {item["id"] for item in items(client, town, "overdue=true")} == {cases[1]}
    assert items(client, town)[0]["overdue"] is True

    assert [item["id"] for item in items(client, town)] == [cases[1]]
    both = items(client, town, "closed_hours=1")
    assert [item["id"] for item in both] == [cases[1], cases[0]] and both[1]["live"] is False
    rule = row["precision"][0]["rule"]
    now = next(item for item in items(client, town) if item["id"] == cases[1])
    tally = next(one for one in now["precision"] if one["rule"] == rule)
    assert tally["all"] == {"real": 0, "counted": 1} and tally["here"] == {"real": 0, "counted": 0}
    other = next(one for one in both[1]["precision"] if one["rule"] == rule)
    assert other["here"] == {"real": 0, "counted": 1}
    assert now["record"]["of_rule"] == {"real": 0, "counted": 1}, "of the rule, wherever it spoke"
    assert now["record"]["of_sensor"] == {"real": 0, "counted": 0}, "this sensor has not been judged yet"
    assert both[1]["record"]["of_sensor"] == {"real": 0, "counted": 1}
    page = client.get(f"cases/{cases[1]}", token).json()
    assert now["record"] in [finding["record"] for finding in page["findings"]], "beside the finding"
    alarms = client.get("alarms", token).json()["items"]
    assert now["record"] in [alarm["record"] for alarm in alarms]
