"""Signing in by an identity provider: a real one in a process of its own, and what may go wrong."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from liandong.adapters.oidc import OidcProvider
from liandong.core.values.errors import Busy, Unauthenticated
from liandong.core.values.times import MINUTE
from liandong.web.app import create_app
from liandong.wiring.service import free_socket
from tests.web.test_session import Browser, add, person_of
from tests.web.town import CENTRE, Town, is_problem

pytestmark = pytest.mark.slow
BACK = "https://city.example/api/v1/session/oidc/return"


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    probe = free_socket("127.0.0.1", 0)
    port = probe.getsockname()[1]
    probe.close()
    users = json.dumps({"sub": "s-1", "preferred_username": "Duty01"})
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "--port", str(port), "--require-nonce",
         "--user-claims", users],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                httpx.get(f"{url}/.well-known/openid-configuration", trust_env=False)
                break
            except httpx.HTTPError:
                assert time.monotonic() < deadline and process.poll() is None
                time.sleep(0.1)
        yield url
    finally:
        process.kill()
        process.wait(10)


def provider(issuer: str, **more: Any) -> OidcProvider:
    given = {"client": "liandong", "secret": "s3cret", "claim": "preferred_username", "now": time.time}
    return OidcProvider(issuer, **{**given, **more})


def authorize(url: str, **form: str) -> dict[str, str]:
    """What a person does at the provider: the query with which the browser comes back."""
    answer = httpx.post(url, data=form or {"sub": "s-1"}, trust_env=False)
    assert answer.status_code == 302, answer.text
    assert answer.headers["location"].startswith(BACK)
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}


@pytest.fixture
def own(tmp_path: Path, issuer: str) -> Iterator[Town]:
    made = Town(tmp_path)
    made.app = create_app(made.platform, public_url="https://city.example", provider=provider(issuer))
    yield made
    made.close()


def come_back(browser: Browser, query: dict[str, str]) -> httpx.Response:
    return browser.get("session/oidc/return", params=query)


def test_there_and_back(own: Town) -> None:
    person = person_of(own)
    add(own, "duty01", person, password="")
    browser = Browser(own)
    assert browser.get("session/ways").json() == {"password": True, "oidc": True}
    away = browser.get("session/oidc?to=/cases/case_1")
    assert away.status_code == 303
    asked = parse_qs(urlsplit(away.headers["location"]).query)
    assert asked["code_challenge_method"] == ["S256"] and asked["redirect_uri"] == [BACK]
    cookie = away.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=lax" in cookie and "secure" in cookie
    back = come_back(browser, authorize(away.headers["location"]))
    assert back.status_code == 303 and back.headers["location"] == "/cases/case_1", back.headers
    said = browser.get("session").json()
    assert said["person"] == person and said["post"] == CENTRE and not said["must_change"]
    assert "liandong_errand" not in browser.jar
    assert own.notes(person) == ["access.signed_in_elsewhere"]


def test_the_way_back_is_good_once_and_not_for_ever(own: Town) -> None:
    add(own, "duty01", person_of(own), password="")
    browser = Browser(own)
    away = browser.get("session/oidc")
    kept = dict(browser.jar)
    query = authorize(away.headers["location"])
    assert come_back(browser, query).headers["location"] == "/"
    for jar, expected in (
        (kept, "oidc.refused"),
        ({}, "oidc.lost"),
        ({"liandong_errand": "AAAA"}, "oidc.lost"),
    ):
        other = Browser(own)
        other.jar = dict(jar)
        assert come_back(other, query).headers["location"] == f"/?sign_in={expected}"
    late = Browser(own)
    query = authorize(late.get("session/oidc").headers["location"])
    own.pass_time(11 * MINUTE)
    assert come_back(late, query).headers["location"] == "/?sign_in=oidc.lost"


def test_somebody_else_s_answer_is_not_taken(own: Town) -> None:
    """The state ties the answer to the browser that began: else one could be signed in as somebody else."""
    add(own, "duty01", person_of(own), password="")
    victim, attacker = Browser(own), Browser(own)
    victim.get("session/oidc")
    query = authorize(attacker.get("session/oidc").headers["location"])
    assert come_back(victim, query).headers["location"] == "/?sign_in=oidc.lost"
    assert "__Host-liandong_session" not in victim.jar


def test_a_name_without_an_account_and_a_person_who_says_no(own: Town) -> None:
    browser = Browser(own)
    query = authorize(browser.get("session/oidc").headers["location"])
    assert come_back(browser, query).headers["location"] == "/?sign_in=auth.no_account"
    refused = authorize(browser.get("session/oidc").headers["location"], action="deny")
    assert come_back(browser, refused).headers["location"] == "/?sign_in=oidc.refused"


@pytest.mark.parametrize("to", ["https://evil.example/", "//evil.example", "/\\evil.example", "x", "/a\nb"])
def test_the_way_back_stays_here(own: Town, to: str) -> None:
    add(own, "duty01", person_of(own), password="")
    browser = Browser(own)
    away = browser.get("session/oidc", params={"to": to})
    assert come_back(browser, authorize(away.headers["location"])).headers["location"] == "/"


def test_another_client_s_word_does_not_hold(issuer: str) -> None:
    """Every part of the provider's word is checked: audience, nonce, time, the code's own secret."""
    mine = provider(issuer)
    errand = mine.begin(BACK)
    carried = {"state": errand.state, "nonce": errand.nonce, "verifier": errand.verifier}
    query = authorize(errand.url)
    with pytest.raises(Unauthenticated) as refused:
        mine.finish(query, carried | {"nonce": "another"}, BACK)
    assert refused.value.key == "oidc.bad_word"
    errand = mine.begin(BACK)
    carried = {"state": errand.state, "nonce": errand.nonce, "verifier": errand.verifier}
    with pytest.raises(Unauthenticated) as refused:
        provider(issuer, now=lambda: time.time() + 2 * 3600).finish(authorize(errand.url), carried, BACK)
    assert refused.value.key == "oidc.bad_word"
    errand = mine.begin(BACK)
    carried = {"state": errand.state, "nonce": errand.nonce, "verifier": errand.verifier}
    with pytest.raises(Unauthenticated) as refused:
        provider(issuer, claim="employee_number").finish(authorize(errand.url), carried, BACK)
    assert refused.value.key == "oidc.no_claim"
    with pytest.raises(Unauthenticated) as refused:
        mine.finish(query | {"iss": "https://other.example", "state": errand.state}, carried, BACK)
    assert refused.value.key == "oidc.bad_word"


def test_a_word_signed_by_somebody_else_does_not_hold(issuer: str) -> None:
    from joserfc import jwt
    from joserfc.jwk import KeySet, OctKey, RSAKey

    mine = provider(issuer)
    good = {"iss": issuer, "aud": "liandong", "nonce": "n", "sub": "x", "iat": int(time.time()),
            "exp": int(time.time()) + 60, "preferred_username": "duty01"}  # fmt: skip
    forged = RSAKey.generate_key(2048, {"kid": "k"})
    tokens = [
        jwt.encode({"alg": "RS256", "kid": "k"}, good, forged),
        jwt.encode({"alg": "HS256"}, good, OctKey.generate_key(256), algorithms=["HS256"]),
        "e30.e30.", "a.b.c", "", "x" * 5_000,
    ]  # fmt: skip
    for token in tokens:
        with pytest.raises(Unauthenticated):
            mine._claims(token, "n")
    mine._keys = lambda fresh: KeySet([forged])  # the control: it can hold
    assert mine._claims(tokens[0], "n")["preferred_username"] == "duty01"
    for name, value in (("iss", "https://x"), ("aud", "other"), ("nonce", "m"), ("exp", 1)):
        with pytest.raises(Unauthenticated):
            mine._claims(jwt.encode({"alg": "RS256", "kid": "k"}, good | {name: value}, forged), "n")


def test_a_provider_that_is_silent_or_talks_nonsense(own: Town) -> None:
    dead = provider("http://127.0.0.1:9")
    with pytest.raises(Busy):
        dead.begin(BACK)
    own.app = create_app(own.platform, provider=dead)
    is_problem(Browser(own).get("session/oidc"), 429, "oidc.unreachable")
    own.app = create_app(own.platform)
    is_problem(Browser(own).get("session/oidc"), 401, "oidc.not_set_up")
    assert Browser(own).get("session/oidc/return").headers["location"] == "/?sign_in=oidc.not_set_up"
