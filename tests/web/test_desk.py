"""Presence, the hand-over of a shift, and the self-test, through the API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from liandong.core.values.lists import Mode
from liandong.core.values.times import HOUR, MINUTE, parse_time
from tests.app.test_dispatch import KEY, close_cases
from tests.small_town import demo_city
from tests.web.town import CENTRE, OPERATOR, START, Client, Town, is_problem

WEST = "post:emergency_west.duty"


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Town]:
    made = Town(tmp_path)
    yield made
    made.close()


def two(town: Town) -> tuple[str, str]:
    """Tokens of who is on duty at the centre, and of the deputy."""
    duty = town.platform.handler.policy.city.on_duty(CENTRE, town.now)
    assert duty is not None and duty.deputy
    return town.token(post=CENTRE), town.token(post=CENTRE, person=duty.deputy)


# Presence


def test_presence_is_seen_by_who_sees_the_case_and_fades(
    town: Town, client: Client, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = two(town)
    seconds = [0.0]
    monkeypatch.setattr(town.platform.presence, "_seconds", lambda: seconds[0])
    path = f"cases/{case}/presence"
    assert client.get(path, first).json()["items"] == []
    calling = {"doing": "calling", "whom": "unit:gas"}
    said = client.ask("PUT", path, first, json=calling).json()["items"]
    assert said[0]["whom"] == "unit:gas" and said[0]["me"] and said[0]["left_s"] == 60.0
    seen = client.get(path, second).json()["items"]
    assert [one["me"] for one in seen] == [False] and seen[0]["doing"] == "calling"
    client.ask("PUT", path, second, json={"doing": "viewing"})
    assert len(client.get(path, first).json()["items"]) == 2
    seconds[0] = 50.0
    client.ask("PUT", path, first, json=calling)
    seconds[0] = 70.0
    assert [one["doing"] for one in client.get(path, second).json()["items"]] == ["calling"]
    assert client.ask("DELETE", path, first).json()["items"] == []


def test_presence_outside_the_scope_and_nonsense(town: Town, client: Client, case: str) -> None:
    path, west = f"cases/{case}/presence", town.token(post=WEST)
    is_problem(client.get(path, west), 404, "case.unknown")
    is_problem(client.ask("PUT", path, west, json={"doing": "viewing"}), 404, "case.unknown")
    is_problem(client.ask("DELETE", path, west), 404, "case.unknown")
    mine = town.token(post=CENTRE)
    is_problem(client.ask("PUT", path, mine, json={"doing": "sleeping"}), 422, "http.bad_field")
    is_problem(
        client.ask("PUT", path, mine, json={"doing": "calling", "whom": "王五 13800000000"}), 422,
        "http.bad_field",
    )  # fmt: skip


# Shift


def sign(
    client: Client,
    town: Town,
    what: str,
    token: str,
    key: str,
    body: dict[str, Any],
    version: int | None = None,
) -> httpx.Response:
    seen = client.get("shift", token).json()["version"] if version is None else version
    headers = {"Idempotency-Key": key, "If-Match": f'"{seen}"'}
    return client.post(f"shift/{what}", token, headers=headers, json=body)


def test_a_shift_is_handed_over_item_by_item_by_two_people(own: Town) -> None:
    client = Client(own)
    cases = [own.open_case(0), own.open_case(5)]
    first, second = two(own)
    shift = client.get("shift", first).json()
    assert shift["post"] == CENTRE and shift["version"] == 0 and shift["holder"] is None
    assert {item["case"] for item in shift["items"]} == set(cases)
    assert all(item["orders"] and item["orders"][0]["action"] for item in shift["items"])
    duty = shift["on_duty"]
    assert shift["start"] == duty["start"] and shift["end"] == duty["end"]
    assert shift["before"] is None or shift["before"]["end"] == duty["start"]
    assert shift["after"]["start"] == duty["end"] and shift["after"]["person"] == duty["deputy"]
    assert {line["key"] for line in shift["log"]} >= {"case.opened"}
    assert [line["position"] for line in shift["log"]] == sorted(
        (line["position"] for line in shift["log"]), reverse=True
    )

    is_problem(sign(client, own, "take-over", second, "t0", {"confirmed": []}), 409, "shift.nothing_to_take")
    half = {"items": [{"case": cases[0]}]}
    missing = is_problem(sign(client, own, "hand-over", first, "h0", half), 409, "shift.items_missing")
    assert missing["params"] == {"missing": cases[1], "count": 1}
    words = "燃气公司已到场，等第二次测量"
    whole = {"items": [{"case": cases[0], "remark": words}, {"case": cases[1]}], "remark": "平稳"}
    foreign = {"items": [*whole["items"], {"case": "case_none", "remark": "x"}]}
    is_problem(sign(client, own, "hand-over", first, "h1", foreign), 409, "shift.items_foreign")
    done = sign(client, own, "hand-over", first, "h2", whole)
    assert done.status_code == 200 and done.json()["version"] == 1, done.text
    again = sign(client, own, "hand-over", first, "h2", whole, version=0)
    assert again.status_code == 200 and again.json()["key"] == "shift.repeated"

    pending = client.get("shift", second).json()["pending"]
    assert pending["by"] == duty["person"] and pending["remark"] == "平稳"
    assert {item["case"]: item["remark"] for item in pending["items"]} == {cases[0]: words, cases[1]: None}
    is_problem(sign(client, own, "take-over", first, "t1", {"confirmed": cases}), 409, "shift.same_person")
    seen = is_problem(
        sign(client, own, "take-over", second, "t2", {"confirmed": cases[:1]}), 409, "shift.not_confirmed"
    )
    assert seen["params"]["missing"] == cases[1] and seen["version"] == 1
    stale = sign(client, own, "take-over", second, "t3", {"confirmed": cases}, version=0)
    is_problem(stale, 409, "shift.stale")
    taken = sign(client, own, "take-over", second, "t4", {"confirmed": cases})
    assert taken.status_code == 200 and taken.json()["version"] == 2
    after = client.get("shift", second).json()
    assert after["holder"]["person"] == duty["deputy"] and after["pending"] is None

    own.settle()
    bodies = b"".join(row.body for row in own.platform.store.entries(0, 100_000))
    assert b"ShiftTakenOver" in bodies and words.encode() not in bodies and "平稳".encode() not in bodies
    own.platform.vault.erase(f"case:{cases[0]}")
    handed = own.platform.store.entries_of(f"shift:{CENTRE}")
    assert len([row for row in handed if b'"events"' in row.body]) == 2


def test_what_opens_after_the_hand_over_is_said(own: Town) -> None:
    client = Client(own)
    first, second = two(own)
    sign(client, own, "hand-over", first, "h", {"items": []})
    case = own.open_case(0)
    assert client.get("shift", second).json()["new_since"] == [case]


def test_the_log_of_a_shift_page_by_page(own: Town) -> None:
    client, token = Client(own), two(own)[0]
    case = own.open_case(0)
    for number in range(12):
        assert client.act(case, "note", token, key=f"n{number}", text="x").status_code == 200
    whole = client.get("shift/log?limit=200", token).json()
    assert whole["next"] == "" and [line["id"] for line in whole["items"]].count(case) >= 13
    paged, after = [], ""
    for _ in range(100):
        page = client.get(f"shift/log?limit=4&before={after or 0}", token).json()
        paged += page["items"]
        after = page["next"]
        if not after:
            break
    assert paged == whole["items"]
    assert client.get("shift/log", own.token(post=WEST)).json()["items"] == []


def test_the_log_begins_with_the_shift(own: Town) -> None:
    client = Client(own)
    case = own.open_case(0)
    own.pass_time(9 * HOUR)
    token = two(own)[0]
    shift = client.get("shift", token).json()
    assert parse_time(shift["start"]) <= own.now < parse_time(shift["end"])
    opened = [line for line in shift["log"] if line["key"] == "case.opened"]
    assert not opened and case in {item["case"] for item in shift["items"]}


def test_a_shift_belongs_to_a_post(town: Town, client: Client) -> None:
    source = town.token(source=town.channels()[0].source)
    is_problem(client.get("shift", source), 403, "shift.no_post")
    is_problem(client.post("self-test", source), 403, "shift.no_post")
    assert client.get("shift", town.token(post=OPERATOR)).json()["items"] == []
    mine, nothing = town.token(post=CENTRE), {"items": []}
    is_problem(client.post("shift/hand-over", mine, json=nothing), 422, "act.no_version")
    no_key = client.post("shift/hand-over", mine, json=nothing, headers={"If-Match": "0"})
    is_problem(no_key, 422, "act.no_key")


def test_rebuilding_gives_the_shift_again(own: Town) -> None:
    from liandong.app.rebuild import rebuild

    client = Client(own)
    first, second = two(own)
    sign(client, own, "hand-over", first, "h", {"items": []})
    sign(client, own, "take-over", second, "t", {"confirmed": []})
    own.settle()
    assert rebuild(own.platform.store).differences == []


# Silenced rules


@pytest.mark.slow
def test_the_centre_reads_which_rule_is_silent_why_and_what_to_do(tmp_path: Path) -> None:
    rules = tuple(
        msgspec.structs.replace(rule, false_budget=0.5 if rule.key == KEY else 0.0)
        for rule in demo_city(7, START, 3, 36).rules
    )
    town = Town(tmp_path, rules=rules)
    try:
        client, centre = Client(town), town.token(post=CENTRE)
        assert client.get("desk", centre).json()["items"] == []
        close_cases(town.platform.writer, false=18, real=2)
        town.platform.dispatch.tick(town.now)
        town.platform.dispatch.tick(town.now + HOUR)
        town.settle()
        [line] = client.get("desk", centre).json()["items"]
        assert (line["kind"], line["stream"], line["due"]) == ("rule", f"rule:{KEY}", None)
        assert f"规则 {KEY}：最近 20 起有结论的警情中 18 起误报，超过预算 50 %" in line["text"]["zh"]
        assert f"liandong rules live {KEY}" in line["remedy"]["zh"] and line["label"]["en"] == "Rule silenced"
        assert client.get("desk", town.token(post=WEST)).json()["items"] == [], "the centre's alone"
    finally:
        town.close()


# Self-test


def test_the_self_test_tries_every_part(own: Town) -> None:
    client, token = Client(own), two(own)[0]
    person = client.get("me", token).json()["person"]
    silent = client.post("self-test", token).json()
    checks = {check["name"]: check for check in silent["checks"]}
    assert set(checks) == {"store", "clock", "sources", "channel:file", "alarm"}
    assert not checks["sources"]["ok"] and not silent["ok"]
    assert all(checks[name]["ok"] for name in ("store", "clock", "channel:file", "alarm")), checks
    assert "⟦" not in str(checks)
    case = own.open_case(0)
    heard = {c["name"]: c for c in client.post("self-test", token).json()["checks"]}
    assert heard["sources"]["params"]["silent"] == checks["sources"]["params"]["silent"] - 1
    keys = own.notes(person)
    assert keys.count("access.self_test_begun") == keys.count("access.self_test_done") == 2
    lines = [json.loads(line) for line in (own.data / "outbox.jsonl").read_text("utf-8").splitlines()]
    tests = [line for line in lines if line["template"] == "selftest.message"]
    assert len(tests) == 2 and all(line["mode"] == Mode.TEST for line in tests)
    assert [item["id"] for item in client.get("cases", token).json()["items"]] == [case]


def test_the_test_alarm_leaves_nothing_real_behind(own: Town) -> None:
    """Also while the very asset of the test alarm has a real case."""
    client, token = Client(own), two(own)[0]
    own.open_case(0)
    own.settle()
    before = {row.stream: row.sequence for row in own.platform.store.heads()}
    run = client.post("self-test", token).json()
    own.settle()
    after = {row.stream: row.sequence for row in own.platform.store.heads()}
    changed = {stream for stream in after if after[stream] != before.get(stream)}
    assert all(stream.startswith("access:") for stream in changed), changed
    assert next(c for c in run["checks"] if c["name"] == "alarm")["ok"]


def test_a_channel_that_hangs_or_breaks_is_told_and_holds_up_nothing(
    own: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    import threading

    monkeypatch.setattr("liandong.app.selftest.PATIENCE_S", 0.3)
    stuck = threading.Event()

    class Hangs:
        name = "hangs"

        def send(self, row: Any, address: str) -> Any:
            stuck.wait(5)

    class Breaks:
        name = "breaks"

        def send(self, row: Any, address: str) -> Any:
            raise RuntimeError("x")

    monkeypatch.setattr(own.platform.outbox, "channels", {"a": Hangs(), "b": Breaks()})
    checks = {c["name"]: c for c in Client(own).post("self-test", two(own)[0]).json()["checks"]}
    stuck.set()
    assert checks["channel:hangs"]["key"] == "selftest.channel_silent"
    assert checks["channel:breaks"]["key"] == "selftest.channel_failed"
    assert checks["alarm"]["ok"]


def test_a_clock_in_question_is_told(own: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    from liandong.app.clock import Reading

    reading = Reading(own.now, False, "ahead", 5 * MINUTE)
    monkeypatch.setattr(own.platform.clock, "read", lambda: reading)
    check = next(
        c for c in Client(own).post("self-test", two(own)[0]).json()["checks"] if c["name"] == "clock"
    )
    assert not check["ok"] and check["params"] == {"anomaly": "ahead", "seconds": 300}
