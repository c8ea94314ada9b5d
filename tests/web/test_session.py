"""Signing in by account: sessions, posts, passwords, locks, and what another site cannot do."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from liandong.app.accounts import Accounts, SignInRules
from liandong.app.passwords import Hasher
from liandong.app.ports import AccountRow, Changes
from liandong.app.writer import Books
from liandong.core.values.errors import Unauthenticated
from liandong.core.values.times import DAY, HOUR, MINUTE, parse_time
from tests.web.town import CENTRE, Client, Town, is_problem

PASSWORD = "Gas-Leak-2026"
OURS = {"X-Liandong": "1"}


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Town]:
    """A city whose time a test may let pass."""
    made = Town(tmp_path)
    yield made
    made.close()


def person_of(town: Town, post: str = CENTRE) -> str:
    duty = town.platform.handler.policy.city.on_duty(post, town.now)
    assert duty is not None
    return duty.person


def add(town: Town, name: str, person: str, password: str = PASSWORD, **fields: Any) -> None:
    given = {"must_change": 0, "disabled": 0, "created": town.now, "changed": town.now, "ended": 0}
    hashed = Hasher().hash(password) if password else ""
    row = AccountRow(name=name, person=person, hash=hashed, **{**given, **fields})
    town.platform.writer.submit(Books(lambda changes: changes.accounts.append(row))).result(10)


class Browser(Client):
    """Keeps its cookies and sends our header with everything."""

    def __init__(self, town: Town) -> None:
        super().__init__(town)
        self.jar: dict[str, str] = {}
        self.headers = dict(OURS)

    def ask(self, method: str, path: str, token: str = "", **more: Any) -> httpx.Response:
        headers = {**self.headers, **(more.pop("headers", None) or {})}
        if self.jar:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.jar.items())
        answer = super().ask(method, path, token, headers=headers, **more)
        for line in answer.headers.get_list("set-cookie"):
            name, _, value = line.partition(";")[0].partition("=")
            self.jar[name] = value.strip('"')
            if not self.jar[name]:
                del self.jar[name]
        return answer

    def sign_in(self, name: str, password: str = PASSWORD, **more: Any) -> httpx.Response:
        return self.post("session", json={"account": name, "password": password, **more})


def test_a_session_from_beginning_to_end(own: Town) -> None:
    person = person_of(own)
    add(own, "duty01", person)
    browser = Browser(own)
    is_problem(browser.get("session"), 401, "auth.missing")
    answer = browser.sign_in("Duty01")
    assert answer.status_code == 200, answer.text
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=strict" in cookie and "path=/" in cookie
    assert "secure" not in cookie and PASSWORD.lower() not in answer.text.lower()
    said = answer.json()
    assert (said["account"], said["person"], said["post"]) == ("duty01", person, CENTRE)
    assert said["post_held"] and not said["must_change"] and "case.act" in said["capabilities"]
    assert {"post": CENTRE, "on_duty": True}.items() <= said["posts"][0].items()
    assert parse_time(said["expires"]) == own.now + 30 * MINUTE
    assert parse_time(said["ends"]) == own.now + 12 * HOUR
    assert browser.get("me").json()["post"] == CENTRE
    assert browser.get("session").json() == said
    assert browser.ask("DELETE", "session").json() == {"status": "ended"}
    assert not browser.jar
    assert own.notes(person) == ["access.signed_in", "access.signed_out"]


def test_what_was_ended_is_ended(own: Town) -> None:
    add(own, "duty01", person_of(own))
    browser = Browser(own)
    browser.sign_in("duty01")
    kept = dict(browser.jar)
    browser.ask("DELETE", "session")
    browser.jar = kept
    is_problem(browser.get("me"), 401, "auth.expired")
    is_problem(browser.get("session"), 401, "auth.expired")


def test_a_change_needs_our_header(own: Town) -> None:
    add(own, "duty01", person_of(own))
    browser = Browser(own)
    browser.sign_in("duty01")
    browser.headers = {}
    assert browser.get("me").status_code == 200
    case = own.open_case()
    for method, path in (
        ("POST", f"cases/{case}/acts/note"), ("PUT", f"cases/{case}/presence"), ("DELETE", "session"),
        ("POST", "session"), ("POST", "session/post"), ("POST", "session/password"), ("POST", "self-test"),
    ):  # fmt: skip
        is_problem(browser.ask(method, path, content=b"{}"), 403, "auth.no_header")
    token = own.token(post=CENTRE)
    assert Client(own).act(case, "note", token, key="n", text="x").status_code == 200  # a program needs none


def test_a_session_ends_without_activity_and_activity_renews_it(own: Town) -> None:
    add(own, "duty01", person_of(own))
    browser = Browser(own)
    browser.sign_in("duty01")
    own.pass_time(20 * MINUTE)
    assert browser.get("me").status_code == 200
    own.settle()
    assert parse_time(browser.get("session").json()["expires"]) == own.now + 30 * MINUTE
    for _ in range(3):  # looking at the session and what nobody touched renew nothing
        own.pass_time(9 * MINUTE)
        assert browser.get("session").status_code == 200
        assert browser.get("me", headers={"X-Liandong": "background"}).status_code == 200
        own.settle()
    own.pass_time(4 * MINUTE)
    is_problem(browser.get("me"), 401, "auth.expired")
    assert browser.sign_in("duty01").status_code == 200


def test_a_session_ends_at_the_latest_after_its_longest_time(own: Town) -> None:
    person = person_of(own, "post:operator")  # appointed, so that no shift ends meanwhile
    add(own, "op", person)
    browser = Browser(own)
    browser.sign_in("op")
    for _ in range(35):
        own.pass_time(20 * MINUTE)
        assert browser.get("me").status_code == 200
        own.settle()
    own.pass_time(20 * MINUTE)
    is_problem(browser.get("me"), 401, "auth.expired")


def test_another_post_that_is_held(own: Town) -> None:
    city = own.platform.handler.policy.city
    person = person_of(own)
    add(own, "duty01", person)
    browser = Browser(own)
    is_problem(browser.sign_in("duty01", post="post:operator"), 403, "auth.post_not_held")
    browser.sign_in("duty01")
    held = [post.key for post in city.posts_of(person, own.now)]
    assert [post["post"] for post in browser.get("session").json()["posts"]] == held
    assert browser.post("session/post", json={"post": held[-1]}).json()["post"] == held[-1]
    assert browser.get("me").json()["post"] == held[-1]
    is_problem(browser.post("session/post", json={"post": "post:operator"}), 403, "auth.post_not_held")
    is_problem(browser.post("session/post", json={"post": "王"}), 422, "http.bad_field")
    assert own.notes(person)[-1] == "access.post_changed"


def test_a_person_without_a_post_does_not_get_in(own: Town) -> None:
    add(own, "nobody", "person:nobody")
    is_problem(Browser(own).sign_in("nobody"), 403, "auth.no_post")


def test_whatever_is_wrong_the_answer_is_the_same(own: Town) -> None:
    person = person_of(own)
    add(own, "duty01", person)
    add(own, "gone", person, disabled=1)
    add(own, "elsewhere", person, password="")
    answers = [
        Browser(own).sign_in(name, password)
        for name, password in (
            ("duty01", "wrong"), ("unknown", "wrong"), ("gone", PASSWORD), ("elsewhere", ""), ("", ""),
            ("王", PASSWORD), ("duty01\0", PASSWORD), ("x" * 200, PASSWORD), ("duty01", "x" * 9_999),
        )
    ]  # fmt: skip
    for answer in answers:
        document = is_problem(answer, 401, "auth.sign_in_failed")
        assert document == answers[0].json() and "set-cookie" not in answer.headers
    assert "access.sign_in_failed" in own.notes(person)
    assert own.notes("unknown") == ["access.sign_in_unknown"], "once a second and no more"


@pytest.mark.slow
def test_an_unknown_account_takes_as_long_as_a_known_one(own: Town) -> None:
    """The hash is most of the time, and it is computed for nobody as well."""
    add(own, "duty01", person_of(own))
    accounts = own.platform.accounts
    accounts.rules = SignInRules(attempts=1_000)
    took: dict[str, list[float]] = {"duty01": [], "unknown": []}
    for _ in range(8):
        for name, times in took.items():
            started = time.perf_counter()
            with pytest.raises(Unauthenticated):
                accounts.sign_in(name, "wrong")
            times.append(time.perf_counter() - started)
    known, unknown = (statistics.median(times[1:]) for times in took.values())
    assert unknown > known * 0.5, (known, unknown)


def test_failures_lock_and_each_lock_is_longer(own: Town) -> None:
    person = person_of(own)
    add(own, "duty01", person)
    for lock in (15, 30):
        for _ in range(5):
            is_problem(Browser(own).sign_in("duty01", "wrong"), 401, "auth.sign_in_failed")
        is_problem(Browser(own).sign_in("duty01"), 401, "auth.sign_in_failed")
        own.pass_time((lock - 1) * MINUTE)
        is_problem(Browser(own).sign_in("duty01"), 401, "auth.sign_in_failed")
        own.pass_time(MINUTE + 1)
    assert Browser(own).sign_in("duty01").status_code == 200
    locks = [row for row in own.platform.store.entries_of(f"access:{person}") if b"access.locked" in row.body]
    assert [b'"minutes":15' in row.body for row in locks] == [True, False]
    assert own.platform.store.guard("duty01") is None, "a success forgets the failures"


def test_attempts_side_by_side_count_each(own: Town) -> None:
    from concurrent.futures import ThreadPoolExecutor

    add(own, "duty01", person_of(own))

    def attempt(_: int) -> None:
        with pytest.raises(Unauthenticated):
            own.platform.accounts.sign_in("duty01", "wrong")

    with ThreadPoolExecutor(5) as pool:
        list(pool.map(attempt, range(5)))
    guard = own.platform.store.guard("duty01")
    assert guard is not None and guard.locked_until == own.now + 15 * MINUTE


def test_the_first_password_has_to_be_changed(own: Town) -> None:
    person = person_of(own)
    add(own, "duty01", person, must_change=1)
    browser, other = Browser(own), Browser(own)
    assert browser.sign_in("duty01").json()["must_change"]
    other.sign_in("duty01")
    is_problem(browser.get("me"), 403, "auth.must_change_password")
    for new, key in (
        ("short", "password.too_short"), ("alllowercase1", "password.too_simple"),
        ("Duty01-is-me", "password.contains_name"), (PASSWORD, "password.same"),
        ("Aa1-" + "x" * 1_100, "password.too_long"), ("Aa-Aa-Aa-Aa-A", "password.too_simple"),
    ):  # fmt: skip
        is_problem(browser.post("session/password", json={"old": PASSWORD, "new": new}), 422, key)
    is_problem(browser.post("session/password", json={"old": "wrong", "new": "x"}), 422, "password.wrong_old")
    before = dict(browser.jar)
    new = "Manhole-Cover-9"
    answer = browser.post("session/password", json={"old": PASSWORD, "new": new})
    assert answer.status_code == 200 and not answer.json()["must_change"] and browser.jar != before
    assert browser.get("me").status_code == 200
    is_problem(other.get("session"), 401, "auth.expired")
    is_problem(Browser(own).sign_in("duty01"), 401, "auth.sign_in_failed")
    assert Browser(own).sign_in("duty01", new).status_code == 200
    assert "access.password_changed" in own.notes(person)


def test_a_password_grows_old(own: Town) -> None:
    person = person_of(own, "post:operator")
    add(own, "op", person, changed=own.now - 90 * DAY)
    assert Browser(own).sign_in("op").json()["must_change"]


def test_the_journal_holds_no_name_of_an_account(own: Town) -> None:
    add(own, "zhang.san", person_of(own))
    Browser(own).sign_in("zhang.san")
    Browser(own).sign_in("zhang.san", "wrong-Password-1")
    own.settle()
    bodies = b"".join(row.body for row in own.platform.store.entries(0, 100_000))
    assert b"access.signed_in" in bodies and b"zhang" not in bodies and b"wrong-Password" not in bodies


def test_a_secure_address_makes_secure_cookies(own: Town) -> None:
    from liandong.web.app import create_app

    add(own, "duty01", person_of(own))
    own.app = create_app(own.platform, public_url="https://city.example")
    browser = Browser(own)
    answer = browser.sign_in("duty01")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-liandong_session=") and "Secure" in cookie and "Domain" not in cookie
    assert answer.headers["strict-transport-security"]
    assert browser.get("me").status_code == 200


def test_the_shift_ends_while_somebody_is_signed_in(own: Town) -> None:
    """Who holds the post by roster only may look at the session, and at nothing else."""
    person = person_of(own)
    add(own, "duty01", person)
    browser = Browser(own)
    browser.sign_in("duty01")
    roster = own.platform.handler.policy.city.roster
    for kept in (roster._holdings, roster._duties, roster._starts):
        kept.clear()
    is_problem(browser.get("me"), 403, "auth.post_not_held")
    assert browser.get("session").json()["post_held"] is False
    assert browser.get("session").json()["capabilities"] == []


def test_the_language_of_the_account(own: Town) -> None:
    add(own, "duty01", person_of(own))
    browser = Browser(own)
    browser.sign_in("duty01")
    assert browser.post("session/language", json={"language": "en"}).json()["language"] == "en"
    assert browser.get("cases/none", language="zh").headers["content-language"] == "en"


def test_an_activity_on_its_way_does_not_bring_a_session_back(own: Town) -> None:
    add(own, "duty01", person_of(own))
    accounts: Accounts = own.platform.accounts
    _, visit = accounts.sign_in("duty01", PASSWORD)
    changes = Changes()
    accounts.end(visit)
    accounts._renew(visit.row)
    own.settle()
    assert own.platform.store.session(visit.row.digest) is None and not changes
