"""Versions of a city: numbers stay, only what changed gets a new version, and work goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liandong.app.policies import (
    commits,
    current_policy,
    draft_commit,
    empty_policy,
    keep_numbers,
    numbers_ever,
    policy_of,
)
from liandong.app.rebuild import rebuild
from liandong.core.values.city import Channel, City
from liandong.core.values.dataset import CityFolder
from liandong.core.values.errors import Broken
from liandong.core.values.findings import Finding
from liandong.core.values.journal import EntryKind, read_entry
from liandong.core.values.lists import Mode
from liandong.core.values.times import MINUTE
from liandong.runners.replay import replay
from liandong.stores.memory import open_memory
from liandong.stores.sqlite import open_sqlite
from tests.app.machine import START, admitted, committed, folder, live_orders
from tests.app.running import GAS
from tests.app.running import City as Town

replace = msgspec.structs.replace


def changed(**parts: Any) -> CityFolder:
    made = folder()
    return CityFolder(
        city=parts.get("city", made.city), mechanism=parts.get("mechanism", made.mechanism),
        rules=parts.get("rules", made.rules), persons=made.persons,
    )  # fmt: skip


def stricter(raise_at: float = 70.0) -> tuple[Any, ...]:
    """Methane alarms only from 70 %LEL on."""
    return tuple(
        replace(rule, version=2, raise_at=raise_at, clear_at=min(rule.clear_at, raise_at))
        if rule.quantity == "ch4_lel"
        else rule
        for rule in folder().rules
    )


def commit(store: Any, made: CityFolder, channels: tuple[str, ...] = ("file",)) -> Any:
    """Commit over whatever the store has; the message, or None."""
    before = current_policy(store, Mode.REAL)
    drafted = draft_commit(
        before, made.city, made.mechanism, made.rules, channels, "a", "b", ever=numbers_ever(store)
    )
    if drafted is None:
        return None
    from liandong.app.handle import Handler

    handler = Handler(store, before or empty_policy(made.city.key, Mode.REAL))
    handler.begin()
    handler.admit(drafted[0], "policy", START)
    changes = handler.take()
    changes.datasets |= drafted[1].datasets
    store.commit(changes)
    return drafted[0]


# Numbers


def channel(key: str, number: int) -> Channel:
    return Channel(key=key, number=number, sensor="sensor:s", quantity="q", group="g", source="source:x")


@settings(max_examples=60, deadline=None)
@given(
    versions=st.lists(
        st.lists(st.sampled_from("abcdefgh"), unique=True, min_size=1, max_size=8), min_size=2, max_size=7
    )
)
def test_a_number_means_one_channel_for_ever(versions: list[list[str]]) -> None:
    """Channels come, go and come back: the readings log keeps their numbers all the while."""
    before: City | None = None
    ever: dict[str, int] = {}
    owner: dict[int, str] = {}
    for keys in versions:
        offered = City(key="demo", channels=tuple(channel(k, n) for n, k in enumerate(keys)))
        city = keep_numbers(before, offered, ever)
        assert [c.key for c in city.channels] == keys
        for row in city.channels:
            assert owner.setdefault(row.number, row.key) == row.key
            assert ever.setdefault(row.key, row.number) == row.number
        before = city


def test_the_numbers_of_channels_that_left_are_found_in_the_store() -> None:
    store = open_memory()
    city = folder().city
    commit(store, folder())
    last = max(city.channels, key=lambda c: c.number)
    without = replace(city, channels=tuple(c for c in city.channels if c is not last))
    commit(store, changed(city=without))
    added = replace(last, key="channel:new.self_queue_age", number=0)
    commit(store, changed(city=replace(without, channels=(*without.channels, added))))
    policy = current_policy(store, Mode.REAL)
    assert policy is not None
    assert policy.city.channels[added.key].number == last.number + 1
    commit(store, changed(city=replace(city, channels=(*city.channels, added))))
    policy = current_policy(store, Mode.REAL)
    assert policy is not None and policy.city.channels[last.key].number == last.number
    assert numbers_ever(store)[added.key] == last.number + 1 and len([*commits(store)]) == 4


# Versions


def test_the_same_city_is_not_committed_twice() -> None:
    store = open_memory()
    assert commit(store, folder()) is not None
    assert commit(store, folder()) is None
    assert commit(store, changed(rules=tuple(reversed(folder().rules)))) is None, "rows have no order"


@pytest.mark.parametrize("part", ["city", "rules", "mechanism", "channels"])
def test_only_what_changed_gets_a_new_version(part: str) -> None:
    store = open_memory()
    first = commit(store, folder())
    assert (first.city, first.rules, first.mechanism) == (1, 1, 1)
    made = changed(
        **{
            "city": {"city": replace(folder().city, zone="Asia/Urumqi")},
            "rules": {"rules": stricter()},
            "mechanism": {"mechanism": replace(folder().mechanism, issuer="another")},
            "channels": {},
        }[part]
    )
    second = commit(store, made, ("file", "webhook") if part == "channels" else ("file",))
    for name in ("city", "rules", "mechanism"):
        assert getattr(second, name) == 1 + (name == part)
        assert (getattr(second, f"{name}_digest") == getattr(first, f"{name}_digest")) == (name != part)
    policy = current_policy(store, Mode.REAL)
    assert policy is not None
    assert (policy.versions.city, policy.versions.rules, policy.versions.mechanism) == (
        second.city, second.rules, second.mechanism,
    )  # fmt: skip
    assert policy.city.city.version == second.city and policy.routing.mechanism.version == second.mechanism
    assert policy.channels == second.channels


def test_going_back_to_an_old_city_is_a_new_version() -> None:
    store = open_memory()
    first = commit(store, folder())
    commit(store, changed(rules=stricter()))
    third = commit(store, folder())
    assert third.rules == 3 and third.rules_digest == first.rules_digest


def test_a_missing_dataset_is_broken() -> None:
    store = open_memory()
    message = commit(store, folder())
    with pytest.raises(Broken):
        policy_of(store, replace(message, city_digest="0" * 64), Mode.REAL)


def test_no_commit_no_policy() -> None:
    store = open_memory()
    assert current_policy(store, Mode.REAL) is None and numbers_ever(store) == {}
    committed(store)
    assert current_policy(store, Mode.REAL) is not None


# A running city


def test_a_case_goes_on_after_the_policy_has_changed(tmp_path: Path) -> None:
    town = Town(tmp_path)
    case, _ = town.open_case()
    town.step(case.id)
    town.stop()
    mechanism = folder().mechanism
    slower = replace(
        mechanism,
        steps=tuple(replace(s, limit_s=s.limit_s and s.limit_s * 2) for s in mechanism.steps),
    )
    again = Town(tmp_path, changed(mechanism=slower, rules=stricter()))
    before = {key: clock.limit_us for key, clock in case.clocks.items()}
    again.finish(case.id)
    ended = again.case()
    assert ended.id == case.id and ended.stage == "archived" and not live_orders(ended)
    assert {k: c.limit_us for k, c in ended.clocks.items() if k in before} == before, (
        "a clock keeps its limit"
    )

    versions = {}
    for row in again.store.entries_of(f"case:{case.id}"):
        entry = read_entry(row.body)
        versions[row.sequence] = (entry.versions.city, entry.versions.rules, entry.versions.mechanism)
    assert set(versions.values()) == {(1, 1, 1), (1, 2, 2)}
    assert sorted(versions.values()) == [versions[n] for n in sorted(versions)]
    assert rebuild(again.store).differences == []
    assert replay(again.store, open_memory()).differences == []
    again.stop()


def test_new_rules_read_the_log_again_and_say_nothing_of_the_past(tmp_path: Path) -> None:
    town = Town(tmp_path)
    for _ in range(4):
        town.send(60.0)
        town.pass_time(2 * MINUTE)
    records = town.city.intake.log.last
    said = [m for m, origin, _ in admitted(town.store) if origin == "source:gas"]
    assert {m.rule for m in said if isinstance(m, Finding)} == {
        "gas_ch4_low",
        "gas_ch4_medium",
        "gas_ch4_high",
    }
    town.stop()

    # Under these rules the same readings say something else; that was not said then and is not said now.
    again = Town(tmp_path, changed(rules=stricter(20.0)))
    again.settle()
    assert (
        again.city.replayed == len([*again.city.intake.log.read()]) and again.city.intake.log.last == records
    )
    assert [m for m, origin, _ in admitted(again.store) if origin == "source:gas"] == said
    state = again.city.intake.shard.explain(GAS)
    assert {r.version for r in state.rules} == {2} and {r.phase for r in state.rules} == {"raised"}
    again.stop()
    third = Town(tmp_path, changed(rules=stricter(20.0)))
    assert third.city.replayed == 0, "the orderly end left a snapshot of the new rules"
    third.stop()


def test_new_rules_hold_for_new_readings(tmp_path: Path) -> None:
    town = Town(tmp_path)
    for _ in range(4):
        town.send(5.0)
        town.pass_time(2 * MINUTE)
    town.stop()
    again = Town(tmp_path, changed(rules=stricter(70.0)))
    for value in (60.0, 60.0, 60.0, 60.0, 75.0, 75.0, 75.0, 75.0):
        again.pass_time(2 * MINUTE)
        again.send(value)
    found = [m for m, *_ in admitted(again.store) if isinstance(m, Finding)]
    assert found and {(m.rule_version, m.limit) for m in found} == {(2, 70.0)}
    assert min(m.onset for m in found) >= START + 8 * MINUTE + 5 * 2 * MINUTE - MINUTE
    again.stop()


def test_admissions_of_a_policy_are_in_its_stream(tmp_path: Path) -> None:
    Town(tmp_path).stop()
    store = open_sqlite(tmp_path)
    kinds = [read_entry(r.body).kind for r in store.entries_of("admission:policy")]
    assert kinds == [EntryKind.ADMISSION]
    store.close()
