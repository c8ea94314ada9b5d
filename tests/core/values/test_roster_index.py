"""Who is on duty, against a look at every row; what is agreed leaves the roster before it as it was."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from liandong.core.values.lists import Watch
from liandong.core.values.roster import Duty, Holding, Leave, OnDuty, PostsMoved, Swap
from liandong.core.values.roster_index import RosterIndex

POSTS = ("post:one", "post:two")
_people = st.sampled_from(["person:a", "person:b", "person:c"])
_moments = st.integers(-2, 22)


@st.composite
def duties(draw: st.DrawFn) -> list[Duty]:
    made: list[Duty] = []
    for _ in range(draw(st.integers(0, 8))):
        start = draw(st.integers(0, 18))
        duty = Duty(
            post=draw(st.sampled_from(POSTS)), start=start, end=start + draw(st.integers(1, 6)),
            person=draw(_people), deputy=draw(st.one_of(st.just(""), _people)),
            watch=draw(st.sampled_from(list(Watch))),
        )  # fmt: skip
        same = [d for d in made if (d.post, d.watch) == (duty.post, duty.watch)]
        if not any(d.start < duty.end and duty.start < d.end for d in same):
            made.append(duty)
    return made


_holdings = st.lists(
    st.builds(
        Holding, post=st.sampled_from(POSTS), person=_people, since=st.integers(0, 9),
        until=st.integers(0, 20),
    ),
    max_size=3,
)  # fmt: skip
_leaves = st.lists(
    st.tuples(_people, st.integers(0, 15), st.integers(1, 6)).map(
        lambda row: Leave(person=row[0], start=row[1], end=row[1] + row[2])
    ),
    max_size=3,
)


@given(duties(), _holdings, _leaves, _moments)
def test_who_is_on_duty_is_what_the_rows_say(
    rows: list[Duty], holdings: list[Holding], leaves: list[Leave], now: int
) -> None:
    index = RosterIndex(holdings, rows, (), leaves)
    away = {leave.person for leave in leaves if leave.start <= now < leave.end}
    for post in POSTS:
        on = [d for w in Watch for d in rows if (d.post, d.watch) == (post, w) and d.start <= now < d.end]
        held = [
            h.person for h in holdings
            if h.post == post and h.since <= now and (not h.until or now < h.until)
        ]  # fmt: skip
        candidates = [
            OnDuty(post, d.person, d.deputy) if d.person not in away else OnDuty(post, d.deputy)
            for d in on
            if d.person not in away or (d.deputy and d.deputy not in away)
        ]
        candidates += [OnDuty(post, person) for person in held if person not in away]
        candidates += [OnDuty(post, d.person, d.deputy) for d in on]
        candidates += [OnDuty(post, person) for person in held]
        assert index.on_duty(post, now) == (candidates[0] if candidates else None)
        for person in ("person:a", "person:b", "person:c", ""):
            rostered = any(person in (d.person, d.deputy) for d in on)
            assert index.holds(person, post, now) == (person != "" and (rostered or person in held))


@given(duties(), _holdings, st.data())
def test_changes_are_laid_over_and_the_roster_below_stays(
    rows: list[Duty], holdings: list[Holding], data: st.DataObject
) -> None:
    index = RosterIndex(holdings, rows)
    before = {(p, w): list(index.rows(p, w)) for p in POSTS for w in Watch}
    changes: list[Swap | PostsMoved] = []
    for at in range(data.draw(st.integers(0, 4))):
        giver, taker = data.draw(_people), data.draw(_people)
        if rows and data.draw(st.booleans()):
            duty = data.draw(st.sampled_from(rows))
            changes.append(
                Swap(
                    post=duty.post, start=duty.start, giver=giver, taker=taker, watch=duty.watch,
                    proposed_by=giver, agreed_by=taker, at=at,
                )
            )  # fmt: skip
        else:
            since = data.draw(st.integers(0, 20))
            changes.append(PostsMoved(giver=giver, taker=taker, posts=POSTS[:1], since=since, at=at))
    made = index.changed(changes)
    assert {(p, w): list(index.rows(p, w)) for p in POSTS for w in Watch} == before
    for post in POSTS:
        for watch in Watch:
            old, new = before[post, watch], made.rows(post, watch)
            assert [(d.start, d.end) for d in new] == [(d.start, d.end) for d in old], "nobody's hours change"
    one_by_one = index
    for change in changes:
        one_by_one = one_by_one.changed([change])
    assert {(p, w): list(one_by_one.rows(p, w)) for p in POSTS for w in Watch} == {
        (p, w): list(made.rows(p, w)) for p in POSTS for w in Watch
    }
    assert one_by_one.idle == made.idle
    if not changes:
        assert made.idle == ()


def test_a_swap_without_two_signatures_is_idle() -> None:
    duty = Duty(post="post:one", start=0, end=5, person="person:a")
    swap = Swap(
        post="post:one", start=0, giver="person:a", taker="person:b", proposed_by="person:a",
        agreed_by="person:a", at=0,
    )  # fmt: skip
    index = RosterIndex(duties=[duty], swaps=[swap])
    assert index.idle == (swap,) and index.on_duty("post:one", 1) == OnDuty("post:one", "person:a")
