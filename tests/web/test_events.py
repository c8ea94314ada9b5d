"""Live events over a real socket: what is told, to whom, how fast, and what a stream survives."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from liandong.app.live import MOST_PER_SESSION, Batch, Happened
from liandong.app.ports import CaseFacts, Changes
from liandong.core.values.access import Session
from liandong.core.values.lists import Mode
from liandong.stores.sqlite import open_sqlite
from liandong.web.events import MOST_ALARMS
from liandong.wiring.service import Server, free_socket
from tests.web.test_session import Browser, add, person_of
from tests.web.town import CENTRE, Client, Town, is_problem

WEST = "post:emergency_west.duty"
pytestmark = pytest.mark.slow


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Town]:
    made = Town(tmp_path)
    made.app.state.ping_s = 0.5
    yield made
    made.close()


@pytest.fixture
def served(own: Town) -> Iterator[tuple[Town, str]]:
    server = Server(own.app, free_socket("127.0.0.1", 0)).start()
    yield own, f"http://127.0.0.1:{server.port}"
    server.stop()


class Ear(threading.Thread):
    """Listens to one stream and keeps every event with the moment it came."""

    def __init__(
        self, url: str, token: str = "", query: str = "", headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(daemon=True)
        self.url = f"{url}/api/v1/events{query}"
        self.given = {**({"Authorization": f"Bearer {token}"} if token else {}), **(headers or {})}
        self.events: list[tuple[float, str, str, dict[str, Any]]] = []
        self.status, self.over, self.answer = 0, threading.Event(), {}
        self.start()

    def run(self) -> None:
        try:
            with (
                httpx.Client(timeout=30, trust_env=False) as client,
                client.stream("GET", self.url, headers=self.given) as answer,
            ):
                self.status, self.answer = answer.status_code, dict(answer.headers)
                if self.status != 200:
                    return
                fields: dict[str, str] = {}
                for line in answer.iter_lines():
                    name, _, value = line.partition(": ")
                    if line:
                        fields[name] = value
                    elif "event" in fields:
                        at = (time.perf_counter(), fields["event"], fields.get("id", ""))
                        self.events.append((*at, json.loads(fields["data"])))
                        fields = {}
        except httpx.HTTPError:
            pass
        finally:
            self.over.set()

    def of(self, event: str) -> list[dict[str, Any]]:
        return [data for _, name, _, data in list(self.events) if name == event]

    def wait(self, event: str, count: int = 1, seconds: float = 10.0) -> list[dict[str, Any]]:
        deadline = time.monotonic() + seconds
        while len(self.of(event)) < count:
            assert time.monotonic() < deadline, (event, count, [e[1:] for e in self.events], self.status)
            time.sleep(0.005)
        return self.of(event)


def alarm_of(town: Town) -> str:
    """What `open_case` raises."""
    asset = town.platform.handler.policy.city.asset_of_channel(town.channels()[0].key)
    assert asset is not None
    return f"gas_leak|{asset.key}"


@contextmanager
def no_more_than(seconds: float) -> Iterator[None]:
    started = time.monotonic()
    yield
    assert time.monotonic() - started < seconds


def test_ids_and_positions_to_who_may_know_and_to_nobody_else(served: tuple[Town, str]) -> None:
    town, url = served
    centre, west = Ear(url, town.token(post=CENTRE)), Ear(url, town.token(post=WEST))
    ready = centre.wait("ready")[0]
    west.wait("ready")
    assert ready["position"] == town.platform.store.last_position()
    headers = centre.answer
    assert headers["content-type"].startswith("text/event-stream")
    assert headers["x-accel-buffering"] == "no" and "no-transform" in headers["cache-control"]
    case = town.open_case()
    centre.wait("ping", len(centre.of("ping")) + 2)
    told = centre.of("changed")
    assert {(one["kind"], one["id"]) for one in told} == {("case", case), ("alarm", alarm_of(town))}
    assert set(told[0]) == {"position", "kind", "id"}
    positions = [one["position"] for one in told]
    assert positions == sorted(set(positions)) and positions[0] > ready["position"]
    west.wait("ping", 2)
    assert not west.of("changed") and case not in str(west.events)
    ping = centre.wait("ping")[-1]
    assert ping["now"].startswith("2026-05-01T") and ping["position"] >= positions[-1]


def test_going_on_where_it_was(served: tuple[Town, str]) -> None:
    town, url = served
    token = town.token(post=CENTRE)
    first = Ear(url, token)
    start = first.wait("ready")[0]["position"]
    case = town.open_case(0)
    first.wait("changed")
    for how in ({"query": f"?after={start}"}, {"headers": {"Last-Event-ID": str(start)}}):
        again = Ear(url, token, **how)  # one of two
        assert again.wait("ready")[0]["position"] == start
        assert {one["id"] for one in again.wait("changed", 2)} == {case, alarm_of(town)}
    newest = town.platform.store.last_position()
    caught_up = Ear(url, token, f"?after={newest}")
    caught_up.wait("ping")
    assert not caught_up.of("changed")
    ahead = Ear(url, token, f"?after={newest + 1_000}")
    assert ahead.wait("resync")[0] == {"position": newest, "why": "unknown"}


def test_too_far_behind_is_told_to_begin_anew(
    served: tuple[Town, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    town, url = served
    town.open_case()
    monkeypatch.setattr("liandong.web.events.MOST_BEHIND", 5)
    ear = Ear(url, town.token(post=CENTRE), "?after=1")
    assert ear.wait("resync")[0]["why"] == "too_old"
    assert not ear.of("changed")


def test_from_commit_to_event_in_a_fifth_of_a_second(served: tuple[Town, str]) -> None:
    town, url = served
    case = town.open_case()
    token = town.token(post=CENTRE)
    ears = [Ear(url, town.token(post=post)) for post in (CENTRE, "post:emergency.duty", "post:centre.leader")]
    for ear in ears:
        ear.wait("ready")
    committed: list[float] = []
    town.platform.writer.listeners.append(
        lambda changes: committed.append(time.perf_counter()) if changes.streams.get(f"case:{case}") else None
    )
    client, taken = Client(town, url), []
    for number in range(60):
        assert client.act(case, "note", token, key=f"n{number}", text="x").status_code == 200
        for ear in ears:
            ear.wait("changed", number + 1)
    for ear in ears:
        came = [at for at, name, *_ in ear.events if name == "changed"]
        taken += [b - a for a, b in zip(committed, came, strict=True)]
    taken.sort()
    print(f"commit to event: p50 {taken[90] * 1000:.1f} ms, p99 {taken[178] * 1000:.1f} ms of {len(taken)}")
    assert taken[178] < 0.2


def test_the_end_of_a_session_closes_its_streams(served: tuple[Town, str]) -> None:
    town, url = served
    add(town, "duty01", person_of(town))
    browser, other = Browser(town), Browser(town)
    browser.sign_in("duty01")
    other.sign_in("duty01")
    cookies = ["; ".join(f"{k}={v}" for k, v in one.jar.items()) for one in (browser, other)]
    mine, theirs = (Ear(url, headers={"Cookie": cookie}) for cookie in cookies)
    mine.wait("ready")
    theirs.wait("ready")
    with no_more_than(1.0):
        browser.ask("DELETE", "session")
        assert mine.wait("end")[0] == {"key": "auth.expired"} and mine.over.wait(2)
    assert not theirs.of("end")
    account = town.platform.store.account("duty01")
    assert account is not None
    aside = open_sqlite(town.data)  # as the command line does it, from another process
    aside.commit(Changes(accounts=[msgspec.structs.replace(account, disabled=1)]))
    aside.close()
    assert theirs.wait("end", seconds=3)[0] == {"key": "auth.expired"}


def test_who_loses_the_post_hears_nothing_more(served: tuple[Town, str]) -> None:
    town, url = served
    ear = Ear(url, town.token(post=CENTRE))
    ear.wait("ready")
    roster = town.platform.handler.policy.city.roster
    for kept in (roster._holdings, roster._duties, roster._starts):
        kept.clear()
    assert ear.wait("end")[0] == {"key": "auth.post_not_held"} and ear.over.wait(2)


def test_a_session_may_not_listen_without_end(served: tuple[Town, str]) -> None:
    town, url = served
    token = town.token(post=CENTRE)
    ears = [Ear(url, token) for _ in range(MOST_PER_SESSION)]
    for ear in ears:
        ear.wait("ready")
    is_problem(Client(town, url).get("events", token), 429, "live.too_many_streams")
    Ear(url, town.token(post=WEST)).wait("ready")


def test_who_left_makes_room(served: tuple[Town, str]) -> None:
    town, url = served
    token = town.token(post=CENTRE)
    for _ in range(MOST_PER_SESSION + 2):
        with httpx.stream("GET", f"{url}/api/v1/events", headers={"Authorization": f"Bearer {token}"}) as one:
            assert next(one.iter_bytes())
        deadline = time.monotonic() + 5
        while town.platform.live.listening():
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_a_client_that_takes_nothing_is_told_to_begin_anew(
    served: tuple[Town, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its things are kept once each, and beyond a bound not at all."""
    town, url = served
    monkeypatch.setattr("liandong.web.events.MOST_PENDING", 50)
    ear = Ear(url, town.token(post=CENTRE))
    start = ear.wait("ready")[0]["position"]
    facts = CaseFacts(domain="gas_leak", area_path="/", mode=Mode.REAL)
    many = tuple(Happened(start + n, "case", f"case_{n}", town.now, facts) for n in range(1, 60))
    town.platform.live._deliver(Batch(start + 60, many))
    assert ear.wait("resync")[0] == {"position": start + 60, "why": "slow"}
    assert ear.over.wait(2) and not ear.of("changed")


def test_the_alarms_of_a_storm_are_one_line(served: tuple[Town, str]) -> None:
    town, url = served
    ear = Ear(url, town.token(post=CENTRE))
    start = ear.wait("ready")[0]["position"]
    facts = CaseFacts(domain="gas_leak", area_path="/", mode=Mode.REAL)
    many = [Happened(start + n, "alarm", f"gas_leak|{n}", town.now, facts) for n in range(1, MOST_ALARMS + 2)]
    case = Happened(start + 500, "case", "case_x", town.now, facts)
    town.platform.live._deliver(Batch(start + 500, (*many, case)))
    told = ear.wait("changed", 2)
    assert [(one["kind"], one["id"]) for one in told] == [("alarm", ""), ("case", "case_x")]
    assert told[0]["position"] == start + MOST_ALARMS + 1


def test_one_dead_subscriber_does_not_slow_the_others(
    served: tuple[Town, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It listens and reads nothing, until its connection is full; the others hear all the same."""
    town, url = served
    monkeypatch.setattr("liandong.web.events.MOST_PENDING", 10**6)
    monkeypatch.setattr("liandong.web.events.STUCK_S", 1.0)
    at, token = httpx.URL(url), town.token(post=CENTRE)
    with socket.socket() as dead:
        dead.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        dead.connect((at.host, at.port))
        head = f"GET /api/v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n"
        dead.sendall(head.encode())
        ear = Ear(url, token)
        start = ear.wait("ready")[0]["position"]
        while town.platform.live.listening() < 2:
            time.sleep(0.01)
        facts = CaseFacts(domain="gas_leak", area_path="/", mode=Mode.REAL)
        for turn in range(1, 21):  # 20 MB, more than any buffer between the two holds
            upto = start + turn * 500
            many = tuple(
                Happened(n, "case", f"case_{n:01000}", town.now, facts) for n in range(upto - 499, upto + 1)
            )
            town.platform.live._deliver(Batch(upto, many))
        assert len(ear.wait("changed", 20 * 500)) == 20 * 500
        deadline = time.monotonic() + 5
        while town.platform.live.listening() > 1:  # and the dead one is let go with what comes next
            assert time.monotonic() < deadline
            upto += 1
            town.platform.live._deliver(Batch(upto, (Happened(upto, "case", "case_x", town.now, facts),)))
            time.sleep(0.1)


def test_stopping_does_not_wait_for_streams(own: Town) -> None:
    server = Server(own.app, free_socket("127.0.0.1", 0)).start()
    ear = Ear(f"http://127.0.0.1:{server.port}", own.token(post=CENTRE))
    ear.wait("ready")
    with no_more_than(0.9):
        server.stop()
    assert ear.over.wait(2) and ear.of("end") == [{"key": "live.shutdown"}]


def test_many_listeners_are_cheap(served: tuple[Town, str]) -> None:
    """One reader feeds all: what a hundred cost is the filter, not a hundred questions."""
    town, url = served
    posts = [CENTRE, "post:emergency.duty", "post:centre.leader", "post:emergency.leader", WEST]
    tokens = [
        town.platform.access.issue_token(
            Session(person=person_of(town, posts[n % len(posts)]), post=posts[n % len(posts)])
        )
        for n in range(100)
    ]
    ears = [Ear(url, token) for token in tokens]
    for ear in ears:
        ear.wait("ready", seconds=30)
    asked: list[int] = []
    marks = town.platform.store.marks
    town.platform.live._store.marks = lambda *a, **k: asked.append(1) or marks(*a, **k)
    started = time.perf_counter()
    case = town.open_case()
    for n, ear in enumerate(ears):
        if posts[n % len(posts)] != WEST:
            ear.wait("changed", seconds=30)
    took = time.perf_counter() - started
    print(f"100 listeners: {len(asked)} reads of the journal, a case told to 80 of them in {took:.2f} s")
    assert len(asked) < 40
    assert all(case in str(ear.of("changed")) for n, ear in enumerate(ears) if posts[n % len(posts)] != WEST)
