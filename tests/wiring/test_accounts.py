"""Accounts from the command line, beside a city that runs and with one that stands still."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from liandong.app.settings import load_settings
from liandong.core.values.access import Session
from liandong.core.values.errors import BadInput, NotFound, Unauthenticated
from liandong.stores.sqlite import open_sqlite
from liandong.wiring.accounts import (
    add_account,
    disable_account,
    list_accounts,
    remove_account,
    set_password,
    sign_in_rules,
)
from liandong.wiring.inspect import rebuild_folder, verify_folder
from tests.web.town import CENTRE, Town

FIRST, SECOND = "Gas-Leak-2026", "Manhole-Cover-9"
SETTINGS = load_settings({}, {})


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Town]:
    made = Town(tmp_path)
    yield made
    made.close()


def person_of(town: Town) -> str:
    duty = town.platform.handler.policy.city.on_duty(CENTRE, town.now)
    assert duty is not None
    return duty.person


def test_an_account_s_life_while_the_city_runs(own: Town) -> None:
    person, accounts = person_of(own), own.platform.accounts
    assert add_account(own.data, "Duty01", person, FIRST, SETTINGS) == "duty01"
    _, visit = accounts.sign_in("duty01", FIRST)
    assert visit.must_change
    set_password(own.data, "DUTY01", SECOND, SETTINGS)
    with pytest.raises(Unauthenticated):
        accounts.visit_of(visit.row.digest)
    for _ in range(5):
        with pytest.raises(Unauthenticated):
            accounts.sign_in("duty01", FIRST)
    assert [row.name for row, _ in list_accounts(own.data)] == ["duty01"]
    guard = own.platform.store.guard("duty01")
    assert guard is not None and guard.locked_until > own.now
    set_password(own.data, "duty01", SECOND, SETTINGS)
    _, visit = accounts.sign_in("duty01", SECOND)
    disable_account(own.data, "duty01")
    with pytest.raises(Unauthenticated):
        accounts.visit_of(visit.row.digest)
    with pytest.raises(Unauthenticated):
        accounts.sign_in("duty01", SECOND)
    remove_account(own.data, "duty01")
    assert list_accounts(own.data) == []
    assert own.notes(person) == [
        "access.account_added", "access.signed_in", "access.password_set",
        *["access.sign_in_failed"] * 4, "access.locked", "access.password_set", "access.signed_in",
        "access.account_disabled", "access.sign_in_failed", "access.account_removed",
    ]  # fmt: skip


def test_what_cannot_be_an_account(own: Town) -> None:
    person = person_of(own)
    add_account(own.data, "duty01", person, "", SETTINGS)
    for name, who, password, key in (
        ("duty 1", person, FIRST, "account.bad_name"), ("", person, FIRST, "account.bad_name"),
        ("ＤＵＴＹ01", person, FIRST, "account.exists"),
        ("x", "person:none", FIRST, "account.unknown_person"),
        ("y", person, "short", "password.too_short"), ("y", person, "aaaaaaaaaaaa", "password.too_simple"),
    ):  # fmt: skip
        with pytest.raises(BadInput) as refused:
            add_account(own.data, name, who, password, SETTINGS)
        assert refused.value.key == key
    for change in (disable_account, remove_account):
        with pytest.raises(NotFound):
            change(own.data, "unknown")
    with pytest.raises(BadInput) as refused:
        add_account(own.data / "empty", "duty01", person, FIRST, SETTINGS)
    assert refused.value.key == "account.no_city"


def test_both_write_the_same_stream_and_the_chain_holds(own: Town) -> None:
    """The running city notes accesses of a person while the command line changes that person's account."""
    person = person_of(own)
    add_account(own.data, "duty01", person, FIRST, SETTINGS)
    stop = threading.Event()

    def look() -> None:
        scope = own.platform.access.scope(Session(person=person, post=CENTRE))
        while not stop.is_set():
            own.platform.access.note(scope, "access.forbidden", capability="score.read")
            own.platform.tick().result(10)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        for _ in range(10):
            disable_account(own.data, "duty01")
    finally:
        stop.set()
        thread.join(10)
    own.settle()
    entries = own.platform.store.entries_of(f"access:{person}")
    assert [row.sequence for row in entries] == list(range(1, len(entries) + 1))
    assert sum(b"access.account_disabled" in row.body for row in entries) == 10
    case = own.open_case()  # the city still decides, and counts its admissions
    admissions = [row.admission for row in own.platform.store.entries(0, 100_000) if row.kind == "admission"]
    assert case and len(admissions) == len(set(admissions))


def test_standing_still_verifies_and_rebuilds(tmp_path: Path) -> None:
    town = Town(tmp_path)
    person = person_of(town)
    town.close()
    add_account(tmp_path, "duty01", person, FIRST, SETTINGS)
    assert rebuild_folder(tmp_path, False, "en")[1] == 0
    assert verify_folder(tmp_path, [], [], "en")[1] == 0
    store = open_sqlite(tmp_path)
    bodies = b"".join(row.body for row in store.entries(0, 10_000))
    store.close()
    assert b"access.account_added" in bodies and b"duty01" not in bodies


def test_settings_become_rules() -> None:
    settings = load_settings({"session_idle_minutes": 5, "lock_minutes": 1, "password_days": 0}, {})
    rules = sign_in_rules(settings)
    assert (rules.idle_us, rules.lock_us, rules.password_us) == (300_000_000, 60_000_000, 0)


@pytest.mark.slow
def test_the_commands(tmp_path: Path) -> None:
    town = Town(tmp_path / "data")
    person = person_of(town)
    town.close()
    secret = tmp_path / "first"
    secret.write_text(f"{FIRST}\nsecond line\n", encoding="utf-8")

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "liandong", "account", *arguments, "--data", str(tmp_path / "data")],
            capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    done = run("add", "duty01", "--person", person, "--password-file", str(secret))
    assert (done.returncode, done.stdout) == (0, "duty01\n"), done.stderr
    assert run("add", "sso", "--person", person, "--without-password").returncode == 0
    listed = run("list").stdout.splitlines()
    assert [line.split("\t")[::3] for line in listed] == [
        ["duty01", "must-change"],
        ["sso", "without-password"],
    ]
    no_terminal = run("password", "duty01")
    assert no_terminal.returncode == 2 and "--password-file" in no_terminal.stderr
    assert run("disable", "duty01").returncode == run("remove", "sso").returncode == 0
    assert "disabled" in run("list").stdout
    unknown = run("disable", "nobody")
    assert unknown.returncode == 2 and "没有账号" in unknown.stderr
    assert FIRST not in json.dumps([no_terminal.stderr, done.stdout, *listed])
