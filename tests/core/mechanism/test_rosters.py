"""Holes in rosters: each kind planted, and the exact spans against a look at every single moment."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from liandong.core.mechanism.rosters import Hole, acting_units, holes
from liandong.core.values.city import City, CityIndex, Post, Unit
from liandong.core.values.lists import HoleKind, RingOutcome, UnitKind, Watch
from liandong.core.values.roster import Contact, Duty, Holding, Leave, PostsMoved, Swap
from liandong.core.values.times import DAY, HOUR

K = HoleKind
GAS, HEAD, SECOND = "post:gas.duty", "post:gas.leader", "post:gas.second"
END = 30 * DAY


def whole_days(post: str, crew: str, deputies: str = "", watch: Watch = Watch.MAIN) -> list[Duty]:
    """Thirty watches of a day; people take turns."""
    return [
        Duty(
            post=post,
            start=day * DAY,
            end=(day + 1) * DAY,
            person=f"person:{crew[day % len(crew)]}",
            deputy=f"person:{deputies[day % len(deputies)]}" if deputies else "",
            watch=watch,
        )
        for day in range(30)
    ]


CITY = City(
    key="town",
    units=(
        Unit(key="unit:gas", name_zh="燃气公司", kind=UnitKind.FIRM),
        Unit(key="unit:water", name_zh="水务局", kind=UnitKind.DEPARTMENT),
    ),
    posts=(
        Post(key=GAS, unit="unit:gas", title_zh="值班岗", duty=True),
        Post(key=HEAD, unit="unit:gas", title_zh="带班领导", leader=True),
    ),
    duties=(*whole_days(GAS, "ab", "ba"), *whole_days(HEAD, "xy", "yx", Watch.LEADER)),
)


def found(city: City, *units: str, contacts: list[Contact] | None = None) -> list[Hole]:
    return holes(CityIndex(city), units or ("unit:gas",), 0, END, contacts)


def with_duties(change: dict[int, Duty | None], city: City = CITY) -> City:
    rows = [change.get(place, duty) for place, duty in enumerate(city.duties)]
    return msgspec.structs.replace(city, duties=tuple(row for row in rows if row is not None))


def test_a_whole_roster_has_no_hole() -> None:
    assert acting_units(CityIndex(CITY)) == ("unit:gas",)
    assert found(CITY) == []


def test_a_second_without_anybody_is_found() -> None:
    duty = CITY.duties[7]
    late = msgspec.structs.replace(duty, start=duty.start + 1_000_000)
    [hole] = found(with_duties({7: late}))
    assert (hole.unit, hole.post, hole.why) == ("unit:gas", GAS, K.NOBODY)
    assert (hole.start, hole.end) == (duty.start, duty.start + 1_000_000)


def test_a_roster_that_ends_is_seen_weeks_ahead_and_a_holder_does_not_hide_it() -> None:
    city = with_duties({place: None for place in range(20, 30)})
    city = msgspec.structs.replace(city, holdings=(Holding(post=GAS, person="person:a"),))
    nobody = [hole for hole in found(city) if hole.why == K.NOBODY]
    assert [(hole.start, hole.end) for hole in nobody] == [(20 * DAY, END)]


def test_no_post_no_deputy_two_watches_a_leave_and_one_who_left() -> None:
    [hole] = found(CITY, "unit:water")
    assert (hole.why, hole.post, hole.start, hole.end) == (K.NO_POST, "", 0, END)

    alone = with_duties({3: msgspec.structs.replace(CITY.duties[3], deputy="")})
    [hole] = found(alone)
    assert (hole.why, hole.person, hole.start) == (K.NO_DEPUTY, "person:b", 3 * DAY)

    twice = with_duties({33: msgspec.structs.replace(CITY.duties[33], person="person:b", deputy="person:y")})
    assert {(h.why, h.post, h.other, h.person, h.start) for h in found(twice)} == {
        (K.DOUBLE, GAS, HEAD, "person:b", 3 * DAY), (K.DOUBLE, HEAD, GAS, "person:b", 3 * DAY)
    }  # fmt: skip

    leave = Leave(person="person:a", start=4 * DAY + HOUR, end=4 * DAY + 2 * HOUR)
    away = found(msgspec.structs.replace(CITY, leaves=(leave,)))
    assert [(h.why, h.person, h.start, h.end) for h in away] == [
        (K.LEAVE, "person:a", leave.start, leave.end)
    ], "and the deputy b has it alone meanwhile, which is what the leave says"
    deputy = msgspec.structs.replace(leave, start=5 * DAY, end=5 * DAY + HOUR)
    [hole] = found(msgspec.structs.replace(CITY, leaves=(deputy,)))
    assert (hole.why, hole.person, hole.end - hole.start) == (K.NO_DEPUTY, "person:b", HOUR)

    gone = Holding(post=GAS, person="person:a", until=28 * DAY + HOUR)
    left = found(msgspec.structs.replace(CITY, holdings=(gone,)))
    assert (K.GONE, "person:a", 28 * DAY + HOUR, 29 * DAY) in {
        (h.why, h.person, h.start, h.end) for h in left
    }


def test_a_second_watch_of_the_same_post_stands_in_and_keeps_the_post_answered() -> None:
    lone = with_duties({place: msgspec.structs.replace(CITY.duties[place], deputy="") for place in range(30)})
    both = msgspec.structs.replace(
        lone, duties=(*lone.duties, *whole_days(GAS, "c", watch=Watch.SECOND))
    )  # fmt: skip
    assert {h.why for h in found(lone)} == {K.NO_DEPUTY} and found(both) == []
    gap = with_duties({2: None}, both)
    assert [(h.why, h.person) for h in found(gap)] == [(K.NO_DEPUTY, "person:c")]


def test_a_channel_that_does_not_ring_is_a_hole_and_one_missed_ring_is_not() -> None:
    def ring(person: str, outcome: RingOutcome | None, missed: int = 0) -> Contact:
        return Contact(person=f"person:{person}", channel="phone", outcome=outcome, missed=missed)

    good = [
        ring("a", RingOutcome.ANSWERED),
        ring("b", None),
        ring("x", RingOutcome.NO_ANSWER, 1),
        ring("y", None),
    ]
    assert found(CITY, contacts=good) == []
    assert {h.person for h in found(CITY, contacts=good[1:])} == {"person:a"}, "no channel at all"
    dead = [*good[:3], ring("y", RingOutcome.NO_ANSWER, 2)]
    assert {(h.why, h.person) for h in found(CITY, contacts=dead)} == {(K.NO_CHANNEL, "person:y")}
    two = [*dead, Contact(person="person:y", channel="radio")]
    assert found(CITY, contacts=two) == [], "another channel of the same person works"


def test_a_post_without_a_roster_is_answered_by_two_who_hold_it() -> None:
    city = City(
        key="town", units=CITY.units, posts=CITY.posts[:1],
        holdings=(
            Holding(post=GAS, person="person:a", until=20 * DAY),
            Holding(post=GAS, person="person:b", since=HOUR),
        ),
    )  # fmt: skip
    assert [(h.why, h.person, h.start, h.end) for h in found(city)] == [
        (K.NO_DEPUTY, "person:a", 0, HOUR), (K.NO_DEPUTY, "person:b", 20 * DAY, END)
    ]  # fmt: skip
    assert [h.why for h in found(msgspec.structs.replace(city, holdings=()))] == [K.NOBODY]


def test_a_swap_and_posts_that_went_over_are_looked_at_as_agreed() -> None:
    swap = Swap(
        post=GAS, start=3 * DAY, giver="person:b", taker="person:a", proposed_by="person:b",
        agreed_by="person:a", at=1,
    )  # fmt: skip
    city = CityIndex(CITY).with_changes([swap])
    assert [(h.why, h.person) for h in holes(city, ("unit:gas",), 0, END)] == [(K.NO_DEPUTY, "person:a")]
    change = PostsMoved(giver="person:a", taker="person:c", posts=(GAS,), since=10 * DAY, at=2)
    later = CityIndex(CITY).with_changes([change])
    assert holes(later, ("unit:gas",), 0, END) == []
    assert later.on_duty(GAS, 10 * DAY) is not None and later.on_duty(GAS, 10 * DAY).person == "person:c"


# Against every moment.

_people = st.sampled_from(["person:a", "person:b", "person:c"])
_spans = st.tuples(st.integers(-3, 15), st.integers(1, 8)).map(lambda s: (s[0], s[0] + s[1]))
_posts = st.sampled_from([GAS, SECOND])


@st.composite
def rosters(draw: st.DrawFn) -> City:
    duties: list[Duty] = []
    for _ in range(draw(st.integers(0, 7))):
        (start, end), watch, post = draw(_spans), draw(st.sampled_from(list(Watch))), draw(_posts)
        clash = any((d.post, d.watch) == (post, watch) and d.start < end and start < d.end for d in duties)
        if not clash:
            deputy = draw(st.one_of(st.just(""), _people))
            duties.append(
                Duty(post=post, start=start, end=end, person=draw(_people), deputy=deputy, watch=watch)
            )
    holdings = draw(
        st.lists(
            st.builds(
                lambda post, person, span: Holding(
                    post=post, person=person, since=max(span[0], 0), until=max(span[1], 0)
                ),
                _posts, _people, _spans,
            ),
            max_size=3,
        )
    )  # fmt: skip
    leaves = draw(
        st.lists(
            st.builds(lambda person, span: Leave(person=person, start=span[0], end=span[1]), _people, _spans),
            max_size=2,
        )
    )
    return City(
        key="town",
        posts=(
            Post(key=GAS, unit="unit:gas", title_zh="值班岗", duty=True),
            Post(key=SECOND, unit="unit:gas", title_zh="副班", duty=True),
        ),
        duties=tuple(duties), holdings=tuple(holdings), leaves=tuple(leaves),
    )  # fmt: skip


def looked_at(city: City, now: int) -> set[tuple[str, HoleKind, str, str]]:
    """What is wrong at one moment, by looking at every row."""
    said: set[tuple[str, HoleKind, str, str]] = set()
    on = [d for d in city.duties if d.start <= now < d.end]
    away = {leave.person for leave in city.leaves if leave.start <= now < leave.end}
    appointed = {h.person for h in city.holdings}
    employed = {h.person for h in city.holdings if h.since <= now and (not h.until or now < h.until)}
    gone = appointed - employed
    for post in (p.key for p in city.posts):
        here = [d for d in on if d.post == post]
        if any(d.post == post for d in city.duties):
            if not here:
                said.add((post, K.NOBODY, "", ""))
            for duty in here:
                if duty.person in away:
                    said.add((post, K.LEAVE, duty.person, ""))
                if duty.person in gone:
                    said.add((post, K.GONE, duty.person, ""))
                stand = {duty.deputy} - {"", duty.person} - away - gone
                stand |= {d.person for d in here if d.watch != duty.watch} - {duty.person} - away
                if not stand and duty.person not in away:
                    said.add((post, K.NO_DEPUTY, duty.person, ""))
                for other in on:
                    if other is not duty and other.person == duty.person:
                        said.add((post, K.DOUBLE, duty.person, other.post))
        else:
            held = {
                h.person for h in city.holdings
                if h.post == post and h.since <= now and (not h.until or now < h.until)
            } - away  # fmt: skip
            if not held:
                said.add((post, K.NOBODY, "", ""))
            if len(held) == 1:
                said.add((post, K.NO_DEPUTY, next(iter(held)), ""))
    return said


@given(rosters())
def test_the_spans_say_at_every_moment_what_a_look_at_every_row_says(city: City) -> None:
    made = holes(CityIndex(city), ("unit:gas",), 0, 12)
    assert all(0 <= hole.start < hole.end <= 12 for hole in made)
    for now in range(12):
        spoken = {(h.post, h.why, h.person, h.other) for h in made if h.start <= now < h.end}
        assert spoken == looked_at(city, now), now
