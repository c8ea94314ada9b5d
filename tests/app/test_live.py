"""Who may know of a case live is who may see it in a list: one rule, said twice, compared."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from liandong.app.live import Live, Said, may_know
from liandong.app.ports import AlarmsAsked, CaseFacts
from liandong.conformance.questions import grant, scope
from liandong.conformance.store import changes, participant, stream_row
from liandong.core.values.lists import Capability, Mode
from liandong.stores.memory import open_memory

_paths = st.sampled_from(["/", "/x/", "/x/y/", "/X/", "/x%/", "/z/"])
_modes = st.sampled_from([Mode.REAL, Mode.DRILL])
_grants = st.builds(
    lambda domains, path, modes, capability: grant(
        capability, domains=domains, area_path=path, modes=modes
    ),
    st.sampled_from([("*",), ("gas",), ("gas", "fire"), ()]), _paths,
    st.sampled_from([(Mode.REAL,), (Mode.DRILL,), (Mode.REAL, Mode.DRILL)]),
    st.sampled_from([Capability.CASE_READ, Capability.SCORE_READ, Capability.CASE_ACT]),
)  # fmt: skip
_people = st.builds(
    lambda unit, post, since, until: participant("a", unit=unit, post=post, since=since, until=until),
    st.sampled_from(["", "unit:a", "unit:b"]), st.sampled_from(["", "post:a", "post:b"]),
    st.integers(1, 20), st.sampled_from([0, 5, 10, 15]),
)  # fmt: skip


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(
    st.lists(_grants, max_size=3), st.lists(_people, max_size=3), st.sampled_from(["gas", "fire"]), _paths,
    _modes, st.sampled_from(["", "unit:a"]), st.sampled_from(["", "post:a"]), st.integers(1, 20),
    st.integers(1, 20),
)  # fmt: skip
@example(
    [], [participant("a", unit="unit:a", post="", since=1, until=5)], "gas", "/", Mode.REAL, "unit:a", "",
    1, 10,
)  # fmt: skip
def test_live_and_list_agree(
    grants: list[Any],
    people: list[Any],
    domain: str,
    path: str,
    mode: Mode,
    unit: str,
    post: str,
    now: int,
    at: int,
) -> None:
    """A scope of `now` and something that happened at `at`, before or after it."""
    store = open_memory()
    try:
        rows = {(p.case, p.part, p.unit, p.post, p.since): p for p in people}
        case = stream_row("case:a", grouping="g", domain=domain, area_path=path, mode=mode)
        alarm = stream_row(
            "alarm:g|a", grouping="g", domain=domain, area_path=path, mode=mode, stage="shelved"
        )
        score = stream_row("score:a", domain=domain, area_path=path, mode=mode)
        store.commit(changes(case, alarm, score, *rows.values()))
        asker = scope(*grants, unit=unit, post=post, now=now)
        facts = store.case_facts(["a"])["a"]
        last = max(now, at)
        listed = bool(store.questions.cases(scope(*grants, unit=unit, post=post, now=last))[0])
        left_since = any(
            p.since <= last and at <= p.until <= last
            and (p.unit == unit != "" or p.post == post != "")
            for p in rows.values()
        )  # fmt: skip
        assert may_know(asker, "case", "a", facts, at) == (listed or left_since)
        of_alarm = store.alarm_facts(["g|a"])["g|a"]
        asked = AlarmsAsked(stages=("shelved",))
        known = bool(store.questions.alarms(scope(*grants, unit=unit, post=post, now=last), asked)[0])
        assert may_know(asker, "alarm", "g|a", of_alarm, at) == (known or left_since)
        assert may_know(asker, "score", "a", facts, now) == bool(store.questions.scores(asker)[0])
    finally:
        store.close()


def test_who_leaves_a_case_is_told_of_that_and_of_nothing_after() -> None:
    gone = participant("a", unit="unit:a", post="", since=1, until=10)
    facts = CaseFacts(domain="gas", area_path="/", mode=Mode.REAL, participants=(gone,))
    asker = scope(unit="unit:a", now=10)
    assert may_know(asker, "case", "a", facts, 10)
    assert not may_know(asker, "case", "a", facts, 11)
    assert not may_know(scope(unit="unit:b", now=5), "case", "a", facts, 5)
    assert not may_know(asker, "case", "a", None, 10)


def test_an_announcement_is_its_unit_s_and_its_area_s_of_whatever_hazard() -> None:
    mine = participant("announcement:x", unit="unit:a", post="", since=0)
    facts = CaseFacts(domain="", area_path="/x/", mode=Mode.REAL, participants=(mine,))
    area = grant(Capability.CASE_READ, domains=("fire",), area_path="/x/")
    assert may_know(scope(unit="unit:a"), "announcement", "x", facts, 1)
    assert may_know(scope(area, unit="unit:b"), "announcement", "x", facts, 1)
    assert not may_know(scope(unit="unit:b"), "announcement", "x", facts, 1)
    assert not may_know(scope(), "announcement", "x", None, 1)


def test_what_nobody_listens_to_is_not_kept() -> None:
    store = open_memory()
    live = Live(store)
    for n in range(3):
        live.say(Said("presence", f"case:{n}"))
    assert live._said == []
    live.close()
    store.close()


def test_a_shift_is_its_own_post_s() -> None:
    assert may_know(scope(post="post:a"), "shift", "post:a", None, 1)
    assert not may_know(scope(post="post:b"), "shift", "post:a", None, 1)
    assert not may_know(scope(), "shift", "", None, 1)
