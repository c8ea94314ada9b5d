"""What was proven of a city stays proven: commits that break it are refused, nights look ahead."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from liandong.app.accounting import Accounting
from liandong.app.handle import Handler
from liandong.app.policies import (
    activate_pending,
    commit_policy,
    current_policy,
    draft_commit,
    empty_policy,
    schedule_policy,
)
from liandong.app.ports import Store
from liandong.app.standing import RULE, Override, StandingRefused, StandingWatch, counted
from liandong.app.writer import Writer
from liandong.core.values.city import Asset, Channel, City, Quantity, Sensor, Source
from liandong.core.values.findings import Finding
from liandong.core.values.journal import EntryKind, read_entry
from liandong.core.values.lists import Mode
from liandong.core.values.rules import Rule
from liandong.core.values.times import DAY, HOUR
from liandong.stores.memory import open_memory
from tests.app.machine import admitted
from tests.core.mechanism.proofs.good import START, good

replace = msgspec.structs.replace
_RULES = (
    Rule(
        key=RULE, version=1, hazard="gas_leak", severity="medium", quantity="self_standing", raise_at=1.0,
        clear_at=1.0,
    ),
)  # fmt: skip


def city() -> City:
    """The good city, which also watches itself."""
    return replace(
        good().city,
        assets=(
            *good().city.assets,
            Asset(key="asset:self", name_zh="平台", kind="gas_well", area="area:hill", owner="unit:gas"),
        ),
        sensors=(Sensor(key="sensor:self", asset="asset:self"),),
        quantities=(Quantity(key="self_standing", name_zh="失效证明", name_en="broken proofs", unit="1"),),
        channels=(
            Channel(
                key="channel:self", number=0, sensor="sensor:self", quantity="self_standing", group="g",
                source="source:self",
            ),
        ),
        sources=(Source(key="source:self"),),
    )  # fmt: skip


def without_reader(before: City) -> City:
    """The government's duty post may no longer see cases, of which reports tell it."""
    return replace(
        before, permissions=tuple(row for row in before.permissions if row.post != "post:government.duty")
    )


def drafted(handler: Handler, made: City) -> Any:
    before = handler.policy if handler.policy.versions.city else None
    found = draft_commit(before, made, good().mechanism, _RULES, ("file",), "wang", "test")
    assert found is not None
    return found


@pytest.fixture
def handler() -> Handler:
    made = Handler(open_memory(), empty_policy("small", Mode.REAL))
    commit_policy(made, START, *drafted(made, city()))
    return made


def notes(store: Store, stream: str = "system:standing") -> list[Any]:
    entries = [read_entry(row.body) for row in store.entries_of(stream)]
    return [entry.reason for entry in entries if entry.kind == EntryKind.SYSTEM]


# Commits


def test_a_commit_that_breaks_a_proof_is_refused_and_nothing_changes(handler: Handler) -> None:
    with pytest.raises(StandingRefused) as refused:
        commit_policy(handler, START + 1, *drafted(handler, without_reader(city())))
    kinds = {(fault.proof, fault.kind) for fault in refused.value.faults}
    assert kinds == {("P15", "cannot_see"), ("P15", "actor_cannot_see")}
    assert refused.value.params["proofs"] == counted(refused.value.faults)
    kept = current_policy(handler.store, Mode.REAL)
    assert kept is not None and kept.versions.city == 1 and not notes(handler.store)
    commit_policy(handler, START + 2, *drafted(handler, replace(city(), zone="UTC")))
    assert handler.policy.versions.city == 2, "what breaks nothing passes"


def test_a_named_person_may_let_it_pass_and_it_is_journalled(handler: Handler) -> None:
    worse = drafted(handler, without_reader(city()))
    for half in (Override(person="", reason="why"), Override(person="li", reason="")):
        with pytest.raises(StandingRefused):
            commit_policy(handler, START + 1, *worse, half)
    commit_policy(handler, START + 1, *worse, Override(person="li", reason="新系统下周接入"))
    assert handler.policy.versions.city == 2
    (note,) = notes(handler.store)
    assert note.key == "standing.overridden"
    assert note.params["person"] == "li" and note.params["reason"] == "新系统下周接入"
    assert note.params["proofs"].startswith("P15 actor_cannot_see")


def test_what_was_broken_before_refuses_no_other_change(handler: Handler) -> None:
    commit_policy(
        handler, START + 1, *drafted(handler, without_reader(city())), Override(person="li", reason="x")
    )
    commit_policy(handler, START + 2, *drafted(handler, replace(without_reader(city()), zone="UTC")))
    assert handler.policy.versions.city == 3


def test_a_version_for_later_is_proven_when_it_is_scheduled_and_starts_when_its_time_has_come(
    handler: Handler,
) -> None:
    with pytest.raises(StandingRefused):
        schedule_policy(handler, START + 1, START + DAY, *drafted(handler, without_reader(city())))
    worse = drafted(handler, without_reader(city()))
    schedule_policy(handler, START + 1, START + DAY, *worse, Override(person="li", reason="x"))
    assert activate_pending(handler, handler.policy, START + 2 * DAY) is not None
    assert handler.policy.versions.city == 2


# Nights


class Night:
    """A running writer over the good city, and its watch."""

    def __init__(self, handler: Handler) -> None:
        self.handler, self.store = handler, handler.store
        self.writer = Writer(self.store, handler, Accounting())
        self.writer.now = START
        self.writer.start()
        self.watch = StandingWatch(self.store, handler, self.writer)

    def look(self, now: int) -> list[str]:
        self.writer.now = now
        return [f"{fault.proof} {fault.kind}" for fault in self.watch.look(now)]

    def said(self) -> list[str]:
        return [type(m).__name__ for m, origin, _ in admitted(self.store) if origin == "source:self"]


@pytest.fixture
def night(handler: Handler) -> Iterator[Night]:
    made = Night(handler)
    yield made
    made.writer.stop()


def test_a_night_on_which_everything_holds_says_nothing(night: Night) -> None:
    assert night.look(START) == [] and night.said() == [] and notes(night.store) == []


def test_a_roster_that_runs_out_is_said_once_and_alarms_until_it_is_filled(night: Night) -> None:
    # Who holds the posts would answer without a roster, too: only the roster of the gas company counts here.
    bare = replace(city(), holdings=tuple(row for row in city().holdings if row.post != "post:gas.duty"))
    handler = night.handler
    found = draft_commit(handler.policy, bare, good().mechanism, _RULES, ("file",), "wang", "test")
    assert found is not None
    commit_policy(handler, START, *found)
    assert night.look(START + 8 * DAY) == [], "the roster reaches thirty days from here"

    later = START + 12 * DAY
    fresh = night.look(later)
    assert "P5 duty_nobody" in fresh
    (note,) = notes(night.store)
    assert note.key == "standing.broken" and "P5 duty_nobody 1" in note.params["proofs"]
    assert night.said() == ["Finding"]
    (raised,) = [m for m, *_ in admitted(night.store) if isinstance(m, Finding)]
    assert raised.rule == RULE and raised.value >= 1

    assert night.look(later + HOUR) == [] and night.said() == ["Finding"], "said once, not every night"
    shifted = tuple(replace(d, start=d.start + 20 * DAY, end=d.end + 20 * DAY) for d in bare.duties)
    longer = replace(bare, duties=tuple(dict.fromkeys((*bare.duties, *shifted))))
    kept = {}
    for duty in longer.duties:
        kept.setdefault((duty.post, duty.start), duty)
    found = draft_commit(
        handler.policy,
        replace(bare, duties=tuple(kept.values())),
        good().mechanism,
        _RULES,
        ("file",),
        "w",
        "t",
    )
    assert found is not None
    commit_policy(handler, later + 2 * HOUR, *found)
    assert night.look(later + DAY) == []
    assert night.said() == ["Finding", "FindingEnded", "FindingSettled"]


def test_it_is_due_once_a_night_and_not_at_the_start(night: Night) -> None:
    midnight = night.handler.policy.city.calendar.next_day(START + HOUR)
    assert not night.watch.due(START + HOUR)
    assert not night.watch.due(midnight + HOUR)
    assert night.watch.due(midnight + 2 * HOUR)
    assert not night.watch.due(midnight + 3 * HOUR)
    assert night.watch.due(midnight + DAY + 2 * HOUR)
