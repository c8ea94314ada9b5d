"""Swaps under two signatures, posts that go over in one action, rings that find dead contacts."""

from __future__ import annotations

from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liandong.core.coordinate import decide
from liandong.core.mechanism.policy import Policy
from liandong.core.values.city import City, CityIndex, Post, Unit
from liandong.core.values.decision import Decision
from liandong.core.values.events import evolve
from liandong.core.values.lists import RingOutcome, UnitKind, Watch
from liandong.core.values.roster import Contact, Duty, Holding, Leave
from liandong.core.values.roster_events import (
    AnswerProposal,
    Exchange,
    ProposeMove,
    ProposeSwap,
    ReportRing,
    RosterEvent,
    RosterMessage,
    RosterState,
)
from liandong.core.values.times import DAY, HOUR

GAS, SECOND, OTHER = "post:gas.duty", "post:gas.second", "post:water.duty"
A, B, C, X = "person:a", "person:b", "person:c", "person:x"


def day(number: int, person: str, post: str = GAS, deputy: str = "", watch: Watch = Watch.MAIN) -> Duty:
    return Duty(
        post=post, start=number * DAY, end=(number + 1) * DAY, person=person, deputy=deputy, watch=watch
    )


CITY = City(
    key="town",
    units=tuple(
        Unit(key=f"unit:{key}", name_zh=key, kind=UnitKind.FIRM) for key in ("gas", "water")
    ),
    posts=(
        Post(key=GAS, unit="unit:gas", title_zh="值班岗", duty=True),
        Post(key=SECOND, unit="unit:gas", title_zh="副班", duty=True),
        Post(key=OTHER, unit="unit:water", title_zh="值班岗", duty=True),
    ),
    holdings=(Holding(post=GAS, person=A), Holding(post=GAS, person=B), Holding(post=OTHER, person=X)),
    duties=(
        *(day(n, (A, B)[n % 2], deputy=(B, A)[n % 2]) for n in range(10)),
        *(day(n, C, SECOND) for n in (4, 6)),
        day(6, A, OTHER),
    ),
)  # fmt: skip


class Desk:
    """One unit's roster over the city, decided and folded as the platform does."""

    def __init__(self, city: City = CITY) -> None:
        self.base, self.state = CityIndex(city), RosterState()

    @property
    def city(self) -> CityIndex:
        return self.base.with_changes(self.state.changes)

    def say(self, message: RosterMessage, now: int = HOUR) -> str:
        policy = Policy(city=self.city, routing=None, rules={})  # never asked
        made: Decision = decide(policy, self.state, message, now)
        assert made.refused == (not made.events) or made.reason.key == "roster.repeated"
        for event in made.events:
            self.state = evolve("roster:unit:gas", self.state, event)
        return made.reason.key

    def on(self, number: int, post: str = GAS) -> tuple[str, str]:
        found = self.city.on_duty(post, number * DAY + HOUR)
        assert found is not None
        return found.person, found.deputy


def swap(*items: tuple[int, str, str], by: str = A, id: str = "p1", post: str = GAS) -> ProposeSwap:
    exchanges = tuple(Exchange(post=post, start=n * DAY, giver=g, taker=t) for n, g, t in items)
    return ProposeSwap(id=id, unit="unit:gas", person=by, items=exchanges)


def answer(by: str, agree: bool = True, proposal: str = "p1", id: str = "a1") -> AnswerProposal:
    return AnswerProposal(id=id, unit="unit:gas", person=by, proposal=proposal, agree=agree)


def test_a_swap_needs_both_and_then_the_roster_says_so_with_a_trace() -> None:
    desk = Desk()
    assert desk.say(swap((2, A, B), (3, B, A))) == "roster.swap_proposed"
    assert desk.on(2) == (A, B), "a proposal changes nobody's duty"
    assert desk.say(answer(A)) == "roster.same_person"
    assert desk.say(answer(X, id="a2")) == "roster.not_yours"
    assert desk.say(answer(B, id="a3")) == "roster.swapped"
    assert desk.on(2) == (B, "") and desk.on(3) == (A, ""), "nobody is their own deputy"
    assert desk.on(4)[0] == A
    [first, second] = desk.state.swaps
    assert first.signed and second.signed and (first.proposed_by, first.agreed_by, first.at) == (A, B, HOUR)
    assert desk.state.swaps_open == () and desk.say(answer(B, id="a4")) == "roster.no_proposal"


def test_a_repeat_changes_nothing_and_an_answer_no_may_come_from_either() -> None:
    desk = Desk()
    assert desk.say(swap((2, A, C))) == "roster.swap_proposed"
    assert desk.say(swap((2, A, C))) == "roster.repeated" and len(desk.state.swaps_open) == 1
    assert desk.say(answer(C, agree=False)) == "roster.dropped"
    assert desk.say(swap((2, A, C), id="p2")) == "roster.swap_proposed"
    assert desk.say(answer(A, agree=False, proposal="p2", id="a2")) == "roster.dropped"
    assert desk.state.swaps == () and desk.on(2) == (A, B)


@pytest.mark.parametrize(
    ("message", "key"),
    [
        (swap((2, A, B), (4, A, C)), "roster.two_people"),
        (swap((2, A, A)), "roster.two_people"),
        (swap(), "roster.two_people"),
        (swap((2, A, B), by=C), "roster.not_yours"),
        (swap((0, A, B)), "roster.already_begun"),
        (swap((3, A, B)), "roster.no_such_duty"),
        (swap((12, A, B)), "roster.no_such_duty"),
        (swap((2, A, X)), "roster.not_of_unit"),
        (swap((6, A, C), post=OTHER), "roster.not_of_unit"),
        (swap((4, A, C)), "roster.two_watches"),
        (swap((6, C, A), post=SECOND), "roster.two_watches"),
    ],
)
def test_what_is_no_swap_is_refused_with_the_reason(message: ProposeSwap, key: str) -> None:
    desk = Desk()
    assert desk.say(message) == key and desk.state == RosterState()


def test_who_is_away_cannot_take_over_and_the_second_signature_looks_again() -> None:
    leave = Leave(person=C, start=2 * DAY + HOUR, end=2 * DAY + 2 * HOUR)
    assert Desk(msgspec.structs.replace(CITY, leaves=(leave,))).say(swap((2, A, C))) == "roster.taker_away"
    desk = Desk()
    assert desk.say(swap((2, A, B), id="p1")) == "roster.swap_proposed"
    assert desk.say(swap((2, A, C), id="p2")) == "roster.swap_proposed"
    assert desk.say(answer(C, proposal="p2", id="a2")) == "roster.swapped"
    assert desk.say(answer(B, proposal="p1", id="a1")) == "roster.no_such_duty", "it is C's by now"
    assert desk.on(2)[0] == C
    late = Desk()
    late.say(swap((2, A, B)))
    assert late.say(answer(B), now=2 * DAY) == "roster.already_begun"


def test_whoever_changes_jobs_hands_over_every_post_in_one_action() -> None:
    desk = Desk(msgspec.structs.replace(CITY, holdings=(*CITY.holdings, Holding(post=SECOND, person=A))))
    move = ProposeMove(id="m1", unit="unit:gas", person=A, taker=C, since=3 * DAY)
    assert desk.say(move) == "roster.move_proposed"
    assert desk.state.moves_open[0].posts == (GAS, SECOND)
    assert desk.say(answer(A, proposal="m1")) == "roster.same_person"
    assert desk.say(answer(C, proposal="m1", id="a2")) == "roster.posts_moved"
    assert desk.on(2) == (A, B) and desk.on(5) == (B, C) and desk.on(8) == (C, B)
    city = desk.city
    assert city.holds(A, GAS, 3 * DAY - 1) and not city.holds(A, GAS, 4 * DAY + HOUR)
    assert city.holds(C, GAS, 4 * DAY) and city.holds(C, SECOND, 4 * DAY)
    assert city.holds(A, OTHER, 6 * DAY), "a post of another unit stays"


@pytest.mark.parametrize(
    ("taker", "by", "key"),
    [
        (A, A, "roster.same_person"), ("person:nobody", A, "roster.unknown_person"),
        (A, X, "roster.nothing_to_move"),
    ],
)  # fmt: skip
def test_posts_go_to_another_known_person_only(taker: str, by: str, key: str) -> None:
    assert Desk().say(ProposeMove(id="m", unit="unit:gas", person=by, taker=taker, since=DAY)) == key


def test_every_event_of_a_roster_is_reached() -> None:
    made: set[str] = set()

    class Kept(Desk):
        def say(self, message: RosterMessage, now: int = HOUR) -> str:
            policy = Policy(city=self.city, routing=None, rules={})  # never asked
            made.update(type(event).__name__ for event in decide(policy, self.state, message, now).events)
            return super().say(message, now)

    desk = Kept()
    desk.say(swap((2, A, C)))
    desk.say(answer(C))
    desk.say(swap((4, A, B), id="p2"))
    desk.say(answer(B, agree=False, proposal="p2", id="a2"))
    desk.say(ProposeMove(id="m1", unit="unit:gas", person=A, taker=C, since=3 * DAY))
    desk.say(answer(C, proposal="m1", id="a3"))
    desk.say(ring(B, RingOutcome.ANSWERED, HOUR, "r1"))
    assert made == {event.__name__ for event in get_args(RosterEvent)}


def ring(person: str, outcome: RingOutcome, at: int, id: str, channel: str = "phone") -> ReportRing:
    return ReportRing(
        id=id, unit="unit:gas", by=B, person=person, channel=channel, at=at, outcome=outcome
    )  # fmt: skip


def test_rings_in_vain_make_a_dead_contact_and_an_answer_revives_it() -> None:
    desk = Desk()
    assert desk.say(ring(A, RingOutcome.NO_ANSWER, HOUR, "r1")) == "roster.rung"
    assert desk.state.contacts[0].works, "one ring in vain"
    assert desk.say(ring(A, RingOutcome.NO_ANSWER, 2 * HOUR, "r2"), now=3 * HOUR) == "roster.rung"
    assert not desk.state.contacts[0].works
    assert desk.say(ring(A, RingOutcome.ANSWERED, HOUR + 1, "r3"), now=3 * HOUR) == "roster.rung"
    assert not desk.state.contacts[0].works, "an older ring that is told late says nothing about now"
    assert desk.say(ring(A, RingOutcome.ANSWERED, 4 * HOUR, "r4"), now=4 * HOUR) == "roster.rung"
    assert desk.state.contacts == (
        Contact(person=A, channel="phone", tested=4 * HOUR, outcome=RingOutcome.ANSWERED, answered=4 * HOUR),
    )
    desk.say(ring(A, RingOutcome.WRONG_NUMBER, 5 * HOUR, "r5"), now=5 * HOUR)
    assert not desk.state.contacts[0].works and desk.state.contacts[0].answered == 4 * HOUR


def test_a_ring_of_a_stranger_or_at_another_time_is_refused() -> None:
    assert Desk().say(ring(X, RingOutcome.ANSWERED, HOUR, "r")) == "roster.unknown_person"
    assert Desk().say(ring(A, RingOutcome.ANSWERED, DAY, "r")) == "roster.ring_time"
    assert Desk().say(ring(A, RingOutcome.ANSWERED, DAY, "r"), now=40 * DAY) == "roster.ring_time"


_person = st.sampled_from([A, B, C, X])
_ids = st.sampled_from(["1", "2", "3", "4", "5", "6"])
_messages = st.one_of(
    st.builds(
        lambda by, g, t, n, id, post: swap((n, g, t), by=by, id=id, post=post),
        _person, _person, _person, st.integers(0, 9), _ids, st.sampled_from([GAS, SECOND]),
    ),
    st.builds(lambda by, agree, p, id: answer(by, agree, p, id + "a"), _person, st.booleans(), _ids, _ids),
    st.builds(
        lambda by, to, n, id: ProposeMove(id=id, unit="unit:gas", person=by, taker=to, since=n * DAY),
        _person, _person, st.integers(0, 9), _ids,
    ),
)  # fmt: skip


@given(st.lists(_messages, max_size=14))
def test_whatever_is_said_no_duty_moves_without_two_names_and_nobody_gets_two_watches(
    messages: list[RosterMessage],
) -> None:
    desk = Desk()
    for now, message in enumerate(messages):
        before = desk.state
        desk.say(message, HOUR + now)
        assert desk.state.version - before.version in (0, 1)
    assert all(one.signed for one in desk.state.swaps)
    assert all(one.giver != one.taker for one in desk.state.moves)
    made, plain = desk.city.roster, desk.base.roster
    for post in (GAS, SECOND):
        rows, old = made.rows(post, Watch.MAIN), plain.rows(post, Watch.MAIN)
        assert [(r.start, r.end) for r in rows] == [(r.start, r.end) for r in old]
        if not desk.state.changes:
            assert rows == old
    assert made.idle == ()
