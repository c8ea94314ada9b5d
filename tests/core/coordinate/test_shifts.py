"""A shift changes hands only whole, under two names, and once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from liandong.core.coordinate.shifts import decide
from liandong.core.mechanism.policy import Policy
from liandong.core.route import owner_of, stream_of
from liandong.core.values.city import City, CityIndex, Duty, Holding, Post
from liandong.core.values.lists import Step
from liandong.core.values.shift import HandedItem, HandOver, ShiftState, TakeOver, evolve_shift
from liandong.core.values.times import HOUR

POST = "post:centre.duty"
PEOPLE = ("person:a", "person:b", "person:c")
CASES = ("case_1", "case_2", "case_3")
INDEX = CityIndex(
    City(
        key="town",
        posts=(Post(key=POST, unit="unit:centre", title_zh="值班岗", duty=True),),
        holdings=tuple(Holding(post=POST, person=person) for person in PEOPLE[:2]),
        duties=(
            Duty(post=POST, start=0, end=8 * HOUR, person="person:a", deputy="person:b"),
            Duty(post=POST, start=8 * HOUR, end=16 * HOUR, person="person:b"),
        ),
    )
)
POLICY = Policy(city=INDEX, routing=None, rules={})  # a shift asks the city only


def hand(
    person: str, version: int, named: tuple[str, ...], open_: tuple[str, ...], id: str = "h"
) -> HandOver:
    items = tuple(HandedItem(case=case) for case in named)
    return HandOver(id=id, post=POST, person=person, version=version, open=open_, items=items)


def take(person: str, version: int, confirmed: tuple[str, ...], id: str = "t") -> TakeOver:
    return TakeOver(id=id, post=POST, person=person, version=version, confirmed=confirmed)


_messages = st.one_of(
    st.builds(
        hand, st.sampled_from(PEOPLE), st.integers(0, 4), st.permutations(CASES).map(lambda c: tuple(c[:2])),
        st.sampled_from([(), CASES[:1], CASES[:2]]), st.sampled_from("hijk"),
    ),
    st.builds(
        take, st.sampled_from(PEOPLE), st.integers(0, 4), st.sampled_from([(), CASES[:1], CASES]),
        st.sampled_from("tuvw"),
    ),
)  # fmt: skip


@given(st.lists(_messages, max_size=12))
def test_whatever_comes_a_taken_shift_was_handed_over_whole_by_somebody_else(messages: list) -> None:
    state = ShiftState()
    for now, message in enumerate(messages):
        before = state
        decision = decide(POLICY, state, message, now)
        for event in decision.events:
            state = evolve_shift(state, event)
        assert state.version == before.version + len(decision.events) and not decision.effects
        if not decision.events:
            assert state == before and decision.reason.key.startswith("shift.")
            continue
        assert INDEX.holds(message.person, POST, now) and message.version == before.version
        if isinstance(message, HandOver):
            assert sorted(i.case for i in message.items) == sorted(message.open) and state.pending
        else:
            assert before.pending and before.pending.person != message.person
            assert {item.case for item in before.pending.items} <= set(message.confirmed)
            assert state.holder == message.person and state.pending is None
        repeat = decide(POLICY, state, message, now)
        assert not repeat.events and not repeat.refused and repeat.reason.key == "shift.repeated"


def key_of(state: ShiftState, message: HandOver | TakeOver) -> str:
    decision = decide(POLICY, state, message, 5)
    assert decision.refused and not decision.events
    return decision.reason.key


def test_every_refusal_says_why() -> None:
    assert key_of(ShiftState(), hand("person:c", 0, (), ())) == "shift.not_yours"
    assert key_of(ShiftState(), hand("person:a", 1, (), ())) == "shift.stale"
    assert key_of(ShiftState(), hand("person:a", 0, (), CASES)) == "shift.items_missing"
    assert key_of(ShiftState(), hand("person:a", 0, CASES, CASES[:2])) == "shift.items_foreign"
    assert key_of(ShiftState(), hand("person:a", 0, CASES[:1] * 2, CASES[:1])) == "shift.items_foreign"
    assert key_of(ShiftState(), take("person:b", 0, ())) == "shift.nothing_to_take"
    handed = evolve_shift(
        ShiftState(), decide(POLICY, ShiftState(), hand("person:a", 0, CASES, CASES), 5).events[0]
    )
    assert key_of(handed, take("person:a", 1, CASES)) == "shift.same_person"
    assert key_of(handed, take("person:b", 1, CASES[:2])) == "shift.not_confirmed"
    taken = decide(POLICY, handed, take("person:b", 1, CASES), 6).events[0]
    assert (taken.handed_by, taken.person, taken.expected) == ("person:a", "person:b", "person:a")


def test_a_later_hand_over_replaces_one_that_nobody_took() -> None:
    first = evolve_shift(ShiftState(), decide(POLICY, ShiftState(), hand("person:a", 0, (), ()), 5).events[0])
    second = decide(POLICY, first, hand("person:a", 1, CASES[:1], CASES[:1], "h2"), 6)
    assert evolve_shift(first, second.events[0]).pending == second.events[0]


def test_coordinate_owns_it_in_a_stream_of_its_own() -> None:
    for message in (hand("person:a", 0, (), ()), take("person:a", 0, ())):
        assert owner_of(message) is Step.COORDINATE
        assert stream_of(POLICY, message, lambda _: None) == (f"shift:{POST}", None)


def test_the_duties_around_a_moment() -> None:
    first, second = INDEX.city.duties
    assert INDEX.duties_around(POST, 0) == (None, first, second)
    assert INDEX.duties_around(POST, 9 * HOUR) == (first, second, None)
    assert INDEX.duties_around(POST, 20 * HOUR) == (second, None, None)
    assert INDEX.duties_around("post:none", 0) == (None, None, None)
    assert [post.key for post in INDEX.posts_of("person:a", 5)] == [POST]
    assert INDEX.posts_of("person:c", 5) == ()
