"""What operators ask and do: refused input, dead letters, erasure, the clock, health and figures."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from liandong.app.clock import Clock
from liandong.app.ports import Changes, DeadLetter
from liandong.app.writer import Books
from liandong.core.values.times import MINUTE
from tests.web.town import CENTRE, OPERATOR, START, Client, Town, is_problem, message, reading


def test_who_am_i(town: Town, client: Client) -> None:
    me = client.get("me", town.token(post=OPERATOR)).json()
    assert me["post"] == OPERATOR and me["unit"] == "unit:contractor" and me["source"] == ""
    assert me["capabilities"] == [
        "intake.read", "intake.replay", "journal.read", "personal.erase", "clock.confirm",
    ]  # fmt: skip


def test_health_and_figures(town: Town, client: Client) -> None:
    assert client.get("health/live").json() == {"status": "live"}
    assert client.get("health/ready").json() == {"status": "ready"}
    operator = town.token(post=OPERATOR)
    health = client.get("health", operator).json()
    assert health["equation"] == [] and health["deadlines"] and health["position"] > 0
    figures = client.get("metrics", operator)
    assert figures.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert "liandong_messages_total{" in figures.text


def test_not_ready_without_a_store(town: Town, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone() -> int:
        raise OSError("disk")

    monkeypatch.setattr(town.platform.store, "last_position", gone)
    document = is_problem(client.get("health/ready"), 503, "health.not_ready")
    assert document["params"] == {"parts": "store"}
    assert client.get("health/live").status_code == 200


def _bury(town: Town, letter: DeadLetter) -> None:
    def keep(changes: Changes) -> None:
        changes.dead.append(letter)

    town.platform.writer.submit(Books(keep)).result(10)


def test_a_dead_letter_is_seen_and_replayed(town: Town, client: Client) -> None:
    operator = town.token(post=OPERATOR)
    body = msgspec.json.encode({"type": "TimerFired", "case": "case_none", "timer": "tmr_none", "due": START})
    _bury(town, DeadLetter(id="dead_1", at=START, type="TimerFired", body=body, error="KeyError"))
    item = client.get("dead-letters", operator).json()["items"][0]
    assert (item["id"], item["error"], item["replayed"]) == ("dead_1", "KeyError", None)
    assert item["message"]["timer"] == "tmr_none"
    answer = client.post("dead-letters/dead_1/replay", operator).json()
    assert answer["status"] in ("done", "refused") and answer["reason"]["text"]
    town.settle()
    assert client.get("dead-letters", operator).json()["items"][0]["replayed"]
    is_problem(client.post("dead-letters/dead_none/replay", operator), 404, "dead.unknown")


def test_a_letter_that_dies_again_stays_open(
    town: Town, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator = town.token(post=OPERATOR)
    body = msgspec.json.encode({"type": "TimerFired", "case": "case_none", "timer": "tmr_2", "due": START})
    _bury(town, DeadLetter(id="dead_2", at=START, type="TimerFired", body=body, error="KeyError"))

    def fail(*args: object) -> None:
        raise KeyError("again")

    monkeypatch.setattr(town.platform.handler, "admit", fail)
    is_problem(client.post("dead-letters/dead_2/replay", operator), 500, "writer.dead_letter")
    monkeypatch.undo()
    town.settle()
    items = client.get("dead-letters", operator).json()["items"]
    assert next(item for item in items if item["id"] == "dead_2")["replayed"] is None


def test_refused_input_pages_and_its_bytes_are_a_journalled_look(town: Town, client: Client) -> None:
    operator = town.token(post=OPERATOR)
    channel = town.channels()[0]
    for n in range(3):
        town.pass_time()
        assert client.send(channel.source, b"{" * (n + 1)).status_code == 400
    town.settle()
    page = client.get("rejected?limit=2", operator).json()
    assert [item["size"] for item in page["items"]] == [3, 2]
    rest = client.get(f"rejected?limit=2&after={page['next']}", operator).json()
    assert rest["items"][0]["size"] == 1
    client.get(f"rejected/{page['items'][0]['id']}", operator)
    person = client.get("me", operator).json()["person"]
    assert town.notes(person)[-1] == "access.rejected"
    is_problem(client.get("rejected/rej_none", operator), 404, "rejected.unknown")


def test_the_beginning_of_a_large_message_is_not_replayed_as_the_whole(town: Town, client: Client) -> None:
    town.pass_time()
    operator, channel = town.token(post=OPERATOR), town.channels()[0]
    rows = [reading("channel:none", town.now, 1.0)] * 16_000
    assert client.send(channel.source, message(*rows)).status_code == 422
    town.settle()
    kept = client.get("rejected?limit=1", operator).json()["items"][0]
    assert kept["size"] > 1_000_000
    is_problem(client.post(f"rejected/{kept['id']}/replay", operator), 422, "rejected.not_replayable")


def test_words_are_gone_once_their_key_is_destroyed(town: Town, client: Client, case: str) -> None:
    operator, centre = town.token(post=OPERATOR), town.token(post=CENTRE)
    assert client.act(case, "judge", centre, key="e-1", verdict="real", text="住户李华").status_code == 200
    before = client.get(f"cases/{case}/journal", centre).json()
    answer = client.post(f"subjects/case:{case}/erase", operator, json={"reason": "retention_over"})
    assert answer.json() == {"status": "erased"}
    assert (
        client.get(f"cases/{case}/journal", centre).json()["items"][: len(before["items"])] == before["items"]
    )
    document = is_problem(
        client.act(case, "push", centre, key="e-2", text="更多"), 409, "vault.subject_erased"
    )
    assert document["params"]["current"] == town.version(case)
    assert client.act(case, "push", centre, key="e-3").status_code == 200


def test_an_erased_person_has_no_name_any_more(town: Town, client: Client) -> None:
    record = town.folder.persons[5].key
    centre = town.token(post=CENTRE)
    assert client.get(f"persons/{record}", centre).status_code == 200
    erase = f"subjects/person:{record}/erase"
    assert client.post(erase, town.token(post=OPERATOR), json={"reason": "request"}).status_code == 200
    is_problem(client.get(f"persons/{record}", centre), 404, "vault.erased")


@pytest.mark.parametrize(
    ("subject", "body", "key"),
    [
        ("nobody", {"reason": "x"}, "erase.bad_subject"),
        ("person:p", {}, "http.bad_field"),
        ("person:p", {"reason": "because he asked"}, "http.bad_field"),
        ("person:p", {"reason": "x", "who": "y"}, "http.unknown_field"),
    ],
)
def test_an_erasure_has_to_be_said_rightly(
    town: Town, client: Client, subject: str, body: dict[str, str], key: str
) -> None:
    is_problem(client.post(f"subjects/{subject}/erase", town.token(post=OPERATOR), json=body), 422, key)


def test_the_clock_is_confirmed_by_a_person(
    town: Town, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator = town.token(post=OPERATOR)
    question = {"accept_wall": True}
    is_problem(client.post("clock/confirm", operator, json=question), 422, "clock.not_in_question")
    is_problem(client.post("clock/confirm", operator, json={"accept_wall": "yes"}), 422, "http.bad_field")
    wall = [town.now]
    clock = Clock(lambda: wall[0], lambda: 0, town.now)
    monkeypatch.setattr(town.platform, "clock", clock)
    monkeypatch.setattr(town.platform, "_confirm_clock", clock.confirm)
    clock.read()
    wall[0] += 30 * MINUTE
    health = client.get("health", operator).json()
    assert (
        health["clock_anomaly"] == "ahead" and not health["deadlines"] and health["clock_difference"] == 1800
    )
    assert client.post("clock/confirm", operator, json=question).json() == {"status": "confirmed"}
    assert client.get("health", operator).json()["deadlines"]


def test_questions_at_once_are_bounded(town: Town) -> None:
    """However many ask, the store sees a few; sign-ins and acts have threads of their own."""
    import threading

    from liandong.web.threads import MOST_QUESTIONS, ask, run

    running, most, gate = [0], [0], threading.Lock()

    def question() -> None:
        with gate:
            running[0] += 1
            most[0] = max(most[0], running[0])
        threading.Event().wait(0.02)
        with gate:
            running[0] -= 1

    async def storm() -> str:
        many = [asyncio.ensure_future(ask(question)) for _ in range(5 * MOST_QUESTIONS)]
        quick = await run(lambda: "at once")
        assert not all(task.done() for task in many)
        await asyncio.gather(*many)
        return quick

    assert asyncio.run(storm()) == "at once" and most[0] == MOST_QUESTIONS
