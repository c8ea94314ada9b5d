"""Bad input over a real socket: answered with what, where and what to do; counted; kept; the rest goes on."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from liandong.core.values.lists import Step
from liandong.wiring.service import Server, free_socket
from tests.web.town import CENTRE, OPERATOR, Client, Town, is_problem, message, reading

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def client(town: Town) -> Iterator[Client]:
    server = Server(town.app, free_socket("127.0.0.1", 0)).start()
    yield Client(town, f"http://127.0.0.1:{server.port}")
    server.stop()


@pytest.fixture(scope="module")
def channel(town: Town) -> Any:
    return town.channels()[-1]


class Books:
    """What a request leaves behind: figures, and a kept copy."""

    def __init__(self, town: Town, client: Client) -> None:
        self.town, self.client = town, client
        self.operator = town.token(post=OPERATOR)

    def refused(self, source: str, key: str) -> int:
        self.town.settle()
        return self.town.platform.accounting.rejections().get((Step.INGEST, source, key), 0)

    def newest(self) -> dict[str, Any]:
        self.town.settle()
        listed: dict[str, Any] = self.client.get("rejected?limit=1", self.operator).json()["items"][0]
        return listed

    def goes_on(self, channel: Any) -> None:
        """The books add up, and a good reading of the same source is taken."""
        self.town.pass_time(1_000_000)
        answer = self.client.send(channel.source, message(reading(channel.key, self.town.now, 1.0)))
        assert answer.status_code == 201 and answer.json()["accepted"] == 1 and not answer.json()["errors"]
        self.town.settle()
        assert self.town.platform.accounting.check() == []


@pytest.fixture
def books(town: Town, client: Client) -> Books:
    town.pass_time(1_000_000)  # so that the newest of what is kept is this test's
    return Books(town, client)


def bad_messages(town: Town, channel: Any) -> dict[str, tuple[bytes, int, str, str]]:
    """Name → bytes, status, key, and a word that the detail has to hold."""
    now, key = town.now, channel.key
    year = 365 * 86_400_000_000
    good = reading(key, now, 1.0)
    return {
        "malformed": (b'{"readings": [', 400, "json.malformed", "JSON"),
        "not UTF-8": (b'{"id": "\xff", "readings": []}', 400, "json.malformed", "JSON"),
        "NaN": (b'{"readings": [{"channel": "x", "value": NaN}]}', 400, "json.malformed", "JSON"),
        "wrong shape": (b'[{"value": 1}]', 422, "json.wrong_shape", "object"),
        "no list": (b'{"readings": 7}', 422, "json.wrong_shape", "readings"),
        "unknown channel": (
            message(good | {"channel": "channel:none"}), 422, "reading.unknown_channel", "channel:none",
        ),
        "text for a number": (message(good | {"value": "NaN"}), 422, "reading.not_a_number", key),
        "overflow": (message(good).replace(b"1.0}", b"1e999}"), 422, "reading.not_a_number", key),
        "absurd": (message(good | {"value": 1e9}), 422, "reading.absurd_value", key),
        "1970": (message(reading(key, 1, 1.0)), 422, "reading.absurd_time", "1970"),
        "future": (message(reading(key, now + year, 1.0)), 422, "reading.future_time", "2027"),
        "no offset": (message(good | {"time": "2026-05-01T09:00:00"}), 422, "reading.bad_time", "09:00:00"),
        "no value": (message({"channel": key, "time": good["time"]}), 422, "reading.missing_field", "value"),
        "no row": (message(7), 422, "json.not_an_object", "1"),
        "too large": (b" " * (8 * 1024 * 1024 + 1), 413, "batch.too_large", "8388608"),
    }  # fmt: skip


NAMES = (
    "malformed", "not UTF-8", "NaN", "wrong shape", "no list", "unknown channel", "text for a number",
    "overflow", "absurd", "1970", "future", "no offset", "no value", "no row", "too large",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_bad_message(
    town: Town, client: Client, books: Books, channel: Any, name: str, language: str
) -> None:
    raw, status, key, word = bad_messages(town, channel)[name]
    before = books.refused(channel.source, key)
    position = town.platform.intake.log.last
    answer = client.post("readings", town.token(source=channel.source), content=raw, language=language)
    document = is_problem(answer, status, key)
    assert word in document["detail"] and answer.headers["content-language"] == language
    # Counted, kept, and nothing of it in the log.
    assert books.refused(channel.source, key) == before + 1
    kept = books.newest()
    assert (kept["key"], kept["source"], kept["path"], kept["size"]) == (
        key,
        channel.source,
        "readings",
        len(raw),
    )
    shown = client.get(f"rejected/{kept['id']}", books.operator).json()
    assert base64.b64decode(shown["raw"]) == raw[:1_000_000]
    assert town.platform.intake.log.last == position
    books.goes_on(channel)


def test_the_list_is_the_whole_list(town: Town, channel: Any) -> None:
    assert tuple(bad_messages(town, channel)) == NAMES


def test_a_foreign_channel(town: Town, client: Client, books: Books, channel: Any) -> None:
    other = next(s.key for s in town.folder.city.sources if s.key != channel.source)
    answer = client.send(other, message(reading(channel.key, town.now, 1.0)))
    document = is_problem(answer, 422, "reading.foreign_channel")
    assert document["params"] == {"channel": channel.key, "source": other, "row": 1}
    books.goes_on(channel)


def test_the_same_message_twice(town: Town, client: Client, books: Books, channel: Any) -> None:
    town.pass_time()
    body = message(reading(channel.key, town.now, 2.0), id="twice")
    first, again = client.send(channel.source, body), client.send(channel.source, body)
    assert first.status_code == again.status_code == 201
    assert (first.json()["accepted"], first.json()["duplicate"]) == (1, False)
    assert (again.json()["accepted"], again.json()["duplicate"]) == (0, True)
    assert books.refused(channel.source, "reading.repeated_message") >= 1
    books.goes_on(channel)


def test_a_half_good_batch(town: Town, client: Client, books: Books, channel: Any) -> None:
    """The good half is taken at once, the bad half is named row by row and kept with the whole."""
    town.pass_time()
    good = reading(channel.key, town.now, 2.0)
    body = message(good, good | {"channel": "channel:none"}, good | {"value": 1e9}, {}, id="half")
    answer = client.send(channel.source, body).json()
    assert answer["accepted"] == 1 and answer["position"]
    assert [(e["key"], e["params"]["row"]) for e in answer["errors"]] == [
        ("reading.unknown_channel", 2), ("reading.absurd_value", 3), ("reading.missing_field", 4),
    ]  # fmt: skip
    assert all("⟦" not in e["detail"] for e in answer["errors"])
    assert books.newest()["key"] == "reading.unknown_channel"
    books.goes_on(channel)


def test_what_was_refused_can_be_replayed_once_the_city_knows_it(
    town: Town, client: Client, books: Books, channel: Any
) -> None:
    """Replayed too early it is refused again and counted again; corrected, it is taken."""
    town.pass_time()
    row = reading("channel:new", town.now, 3.0)
    is_problem(client.send(channel.source, message(row)), 422, "reading.unknown_channel")
    kept = books.newest()["id"]
    early = client.post(f"rejected/{kept}/replay", books.operator).json()
    assert (early["status"], early["accepted"], early["errors"]) == ("refused", 0, 1)
    assert early["reason"]["key"] == "reading.unknown_channel"
    town.platform.receiving.channels["channel:new"] = town.platform.receiving.channels[channel.key]
    try:
        town.pass_time()
        late = client.post(f"rejected/{kept}/replay", books.operator).json()
    finally:
        del town.platform.receiving.channels["channel:new"]
    assert (late["status"], late["accepted"], late["reason"]) == ("done", 1, None)
    town.settle()
    listed = client.get("rejected?limit=500", books.operator).json()["items"]
    assert next(item for item in listed if item["id"] == kept)["replayed"]
    assert {(Step.INGEST, channel.source)} <= town.platform.accounting.tallies().keys()
    books.goes_on(channel)


def bad_acts() -> dict[str, tuple[dict[str, str], bytes, str, int, str]]:
    """Name → headers, body, action, status, key."""
    sound = {"Idempotency-Key": "bad", "If-Match": '"1"'}
    return {
        "malformed": (sound, b'{"verdict": ', "judge", 400, "json.malformed"),
        "unknown field": (sound, b'{"mood": "good"}', "judge", 422, "http.unknown_field"),
        "unknown verdict": (sound, b'{"verdict": "maybe"}', "judge", 422, "http.bad_field"),
        "words for a key": (sound, "{\"reason\": \"住户李华\"}".encode(), "return", 422, "http.bad_field"),
        "no object": (sound, b"[]", "judge", 422, "http.bad_field"),
        "unknown act": (sound, b"{}", "dance", 422, "act.unknown"),
        "bad time": (sound, b'{"device_at": "yesterday"}', "judge", 422, "time.unreadable"),
        "naive time": (sound, b'{"device_at": "2026-05-01T09:00:00"}', "judge", 422, "time.naive"),
        "too large": (sound, b'{"text": "' + b"x" * 70_000 + b'"}', "judge", 413, "http.body_too_large"),
        "no key": ({"If-Match": '"1"'}, b"{}", "judge", 422, "act.no_key"),
        "no version": ({"Idempotency-Key": "bad"}, b"{}", "judge", 422, "act.no_version"),
        "bad version": (sound | {"If-Match": "*"}, b"{}", "judge", 422, "act.no_version"),
    }  # fmt: skip


@pytest.mark.parametrize("name", bad_acts())
def test_a_bad_act(town: Town, client: Client, books: Books, case: str, name: str) -> None:
    headers, raw, action, status, key = bad_acts()[name]
    before, version = books.refused(CENTRE, key), town.version(case)
    answer = client.post(f"cases/{case}/acts/{action}", town.token(post=CENTRE), headers=headers, content=raw)
    document = is_problem(answer, status, key)
    assert "李华" not in document["detail"]
    assert books.refused(CENTRE, key) == before + 1 and town.version(case) == version
    kept = books.newest()
    assert (kept["key"], kept["path"], kept["source"]) == (key, "act", CENTRE) and "⟦" not in kept["detail"]
    # A person's words are for who may read them; the operator sees that and why it was refused.
    shown = client.get(f"rejected/{kept['id']}", books.operator).json()
    assert shown["masked"] and shown["raw"] is None
    is_problem(client.post(f"rejected/{kept['id']}/replay", books.operator), 422, "rejected.not_replayable")
    assert town.platform.accounting.check() == []


def test_refused_acts_are_counted(town: Town, client: Client, case: str) -> None:
    """Without the right, stale, and with a used key: refused by the rows, so counted at their step."""
    token, version = town.token(post=CENTRE), town.version(case)
    is_problem(client.act(case, "close", token, key="r-0", cause="real"), 409, "act.not_allowed")
    is_problem(
        client.act(case, "judge", token, key="r-1", version=version + 1, verdict="real"), 409, "act.stale"
    )
    reviewer = town.token(post="post:emergency_east.review")
    is_problem(client.act(case, "judge", reviewer, key="r-2", verdict="real"), 403, "act.not_yours")
    assert client.act(case, "judge", token, key="r-3", version=version, verdict="real").status_code == 200
    used = client.act(case, "judge", token, key="r-3", version=version, verdict="false")
    is_problem(used, 409, "act.idempotency_conflict")
    same = client.act(case, "judge", token, key="r-3", version=version, verdict="real")
    assert same.status_code == 200 and same.json()["repeated"]
    town.settle()
    found = {key for step, _, key in town.platform.accounting.rejections() if step == Step.COORDINATE}
    assert found >= {"act.stale", "act.not_yours", "act.idempotency_conflict"}
    assert town.platform.accounting.check() == []


def test_bad_and_good_side_by_side(town: Town, client: Client, channel: Any) -> None:
    """A storm of rubbish costs its neighbours nothing."""
    town.pass_time()
    at = town.now - 60_000_000
    bodies = [message(reading(channel.key, at + n, 1.0)) if n % 2 else b"{" for n in range(60)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda body: client.send(channel.source, body).status_code, bodies))
    assert answers == [201 if n % 2 else 400 for n in range(60)]
    town.settle()
    assert town.platform.accounting.check() == []


def test_what_devices_sent_is_shown_by_whatever_door_it_came(
    client: Client, town: Town, books: Books, channel: Any
) -> None:
    """Bytes of a device are no person's words."""
    for path in ("positions", "waveforms"):
        town.pass_time()
        client.post(path, town.token(source=channel.source), content=b'{"id": 7}')
        kept = books.newest()
        shown = client.get(f"rejected/{kept['id']}", books.operator).json()
        assert kept["path"] == path and not shown["masked"]
        assert base64.b64decode(shown["raw"]) == b'{"id": 7}'
