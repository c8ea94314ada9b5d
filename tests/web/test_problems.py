"""Every refusal is one kind of document, in the reader's language, without anything of the inside."""

from __future__ import annotations

from typing import Any

import pytest

from liandong.core.values.errors import Broken, Busy, Conflict, Fatal, NotFound
from tests.web.town import API, CENTRE, OPERATOR, Client, Town, is_problem


def _raise(error: Exception) -> Any:
    def fail(*args: Any, **named: Any) -> Any:
        raise error

    return fail


@pytest.mark.parametrize("secret", ["/var/lib/secret", "王小明"])
def test_a_fault_says_nothing_of_the_inside(
    town: Town, client: Client, monkeypatch: pytest.MonkeyPatch, secret: str
) -> None:
    token = town.token(post=CENTRE)
    for error in (ValueError(secret), Broken("vault.altered", id=secret), Fatal("log.unusable", path=secret)):
        monkeypatch.setattr(town.platform.questions, "cases", _raise(error))
        answer = client.get("cases", token)
        document = is_problem(answer, 500, "http.internal")
        assert secret not in answer.text and document["params"]["incident"] in document["detail"]
    monkeypatch.undo()
    assert client.get("cases", token).status_code == 200


def test_a_dead_letter_is_named_because_it_can_be_replayed(
    town: Town, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(town.platform.questions, "cases", _raise(Broken("writer.dead_letter", id="dead_x")))
    document = is_problem(client.get("cases", town.token(post=CENTRE)), 500, "writer.dead_letter")
    assert document["params"] == {"id": "dead_x"}


def test_busy_says_when_to_come_back(town: Town, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(town.platform.questions, "cases", _raise(Busy("queue.full", retry_after=3)))
    answer = client.get("cases", town.token(post=CENTRE))
    is_problem(answer, 429, "queue.full")
    assert answer.headers["retry-after"] == "3"


def test_a_full_queue_refuses_readings(town: Town, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(town.platform.intake, "submit", _raise(Busy("queue.full", retry_after=1)))
    channel = town.channels()[0]
    body = {"readings": [{"channel": channel.key, "time": "2026-05-01T09:00:00+08:00", "value": 1}]}
    answer = client.post("readings", town.token(source=channel.source), json=body)
    is_problem(answer, 429, "queue.full")


@pytest.mark.parametrize(
    ("error", "status"), [(Conflict("journal.raced"), 409), (NotFound("order.unknown"), 404)]
)
def test_classes_have_their_status(
    town: Town, client: Client, monkeypatch: pytest.MonkeyPatch, error: Any, status: int
) -> None:
    monkeypatch.setattr(town.platform.questions, "cases", _raise(error))
    is_problem(client.get("cases", town.token(post=CENTRE)), status, error.key)


@pytest.mark.parametrize(
    ("accept", "language"),
    [
        ("", "zh"),
        ("en", "en"),
        ("en-GB,en;q=0.9,zh;q=0.8", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("fr, en;q=0.2", "en"),
        ("en;q=0.3, zh;q=0.7", "zh"),
        ("en;q=0", "zh"),
        ("en;q=x", "zh"),
        ("*", "zh"),
        (";;;,,,=", "zh"),
    ],
)
def test_the_language_is_the_asker_s(client: Client, accept: str, language: str) -> None:
    answer = client.get("me", language=accept)
    document = is_problem(answer, 401, "auth.missing")
    assert answer.headers["content-language"] == language
    assert answer.headers["vary"] == "Accept-Language"
    assert document["title"] == {"zh": "未登录", "en": "Not signed in"}[language]


def test_routes_and_methods_that_are_not_there(client: Client) -> None:
    document = is_problem(client.get("nothing"), 404, "http.not_found")
    assert document["instance"] == f"{API}/nothing"
    answer = client.ask("DELETE", "cases")
    assert is_problem(answer, 405, "http.wrong_method")["params"] == {"method": "DELETE", "allowed": "GET"}
    assert answer.headers["allow"] == "GET"
    is_problem(client.get("cases/"), 404, "http.not_found")


@pytest.mark.parametrize(
    ("path", "name", "accepts"),
    [
        ("cases?limit=501", "limit", "≤ 500"),
        ("cases?limit=0", "limit", "≥ 1"),
        ("cases?limit=x", "limit", "1, 2, 3 …"),
        ("cases?stage=gone", "stage", "opened | judged"),
        ("orders?status=x", "status", "issued | active"),
        ("cases/x/journal?after=-1", "after", "≥ 0"),
    ],
)
def test_a_bad_parameter_is_named(town: Town, client: Client, path: str, name: str, accepts: str) -> None:
    document = is_problem(client.get(path, town.token(post=CENTRE)), 422, "http.bad_parameter")
    assert document["params"]["name"] == name and document["params"]["accepts"].startswith(accepts)


def test_a_bad_cursor(town: Town, client: Client) -> None:
    for cursor in ("x", "bm90aGluZw", "////"):
        is_problem(client.get(f"cases?after={cursor}", town.token(post=CENTRE)), 422, "page.bad_cursor")


def test_nothing_that_is_typed_breaks_an_answer(town: Town, client: Client) -> None:
    """Half characters, zeros and braces come back as what they are, in a sound document."""
    token = town.token(post=OPERATOR)
    for typed in ("%00", "%ff%fe", "{0.__class__}", "%F0%9F%98%80", "a" * 100, "..%2f..", "%ED%A0%80"):
        for path in (f"cases/{typed}", f"rejected/{typed}", f"nothing/{typed}"):
            answer = client.get(path, token)
            assert answer.status_code == 404 and "⟦" not in answer.json()["detail"]
