"""值班表: when a swap is one, when posts go over, and what a ring of a contact is worth."""

from __future__ import annotations

from liandong.core.mechanism.policy import Policy
from liandong.core.values.city import CityIndex
from liandong.core.values.decision import Decision, because, nothing, refuse
from liandong.core.values.roster import Duty, PostsMoved, Swap
from liandong.core.values.roster_events import (
    AnswerProposal,
    DutySwapped,
    Exchange,
    MoveProposed,
    PostsHandedOver,
    ProposalDropped,
    ProposeMove,
    ProposeSwap,
    ReportRing,
    RingTested,
    RosterMessage,
    RosterState,
    SwapProposed,
)
from liandong.core.values.times import DAY, MINUTE, format_time

#: A ring that is reported later than that says nothing about today.
_OLDEST = 31 * DAY


def decide(policy: Policy, state: RosterState, message: RosterMessage, now: int) -> Decision:
    """One word of one person about a unit's roster. A repeat changes nothing."""
    if message.id in state.taken:
        return nothing("roster.repeated")
    if isinstance(message, ProposeSwap):
        return _propose_swap(policy.city, message, now)
    if isinstance(message, ProposeMove):
        return _propose_move(policy.city, message, now)
    if isinstance(message, ReportRing):
        return _ring(policy.city, message, now)
    return _answer(policy.city, state, message, now)


def people_of(city: CityIndex, unit: str) -> frozenset[str]:
    """Everybody who holds a post of a unit at any time, or is on one of its rosters."""
    posts = [post.key for post in city.posts.values() if post.unit == unit]
    held = {holding.person for post in posts for holding in city.roster.holdings(post)}
    on = {
        person
        for post in posts
        for watch in city.roster.watches_of(post)
        for duty in city.roster.rows(post, watch)
        for person in (duty.person, duty.deputy)
    }
    return frozenset((held | on) - {""})


# Swaps.


def _propose_swap(city: CityIndex, message: ProposeSwap, now: int) -> Decision:
    pair = {person for item in message.items for person in (item.giver, item.taker)}
    if len(pair) != 2 or any(item.giver == item.taker for item in message.items):
        return refuse("roster.two_people")
    if message.person not in pair:
        return refuse("roster.not_yours")
    refusal = _unfit(city, message.unit, message.items, now)
    if refusal is not None:
        return refusal
    event = SwapProposed(proposal=message.id, person=message.person, at=now, items=message.items)
    return Decision((event,), (), because("roster.swap_proposed", count=len(message.items)))


def _unfit(city: CityIndex, unit: str, items: tuple[Exchange, ...], now: int) -> Decision | None:
    """Why these duties cannot change hands, None where they can."""
    people = people_of(city, unit)
    duties: list[tuple[Exchange, Duty]] = []
    for item in items:
        post = city.posts.get(item.post)
        if post is None or post.unit != unit or item.taker not in people:
            return refuse("roster.not_of_unit", post=item.post, person=item.taker)
        if item.start <= now:
            return refuse("roster.already_begun", start=format_time(item.start))
        rows = city.roster.rows(item.post, item.watch)
        duty = next((row for row in rows if (row.start, row.person) == (item.start, item.giver)), None)
        if duty is None:
            return refuse("roster.no_such_duty", person=item.giver, start=format_time(item.start))
        duties.append((item, duty))
    after = city.with_changes([_signed(item, item.giver, item.taker, now) for item in items])
    for item, duty in duties:
        if any(row.start < duty.end and duty.start < row.end for row in city.roster.leaves(item.taker)):
            return refuse("roster.taker_away", person=item.taker, start=format_time(duty.start))
        others = after.roster.duties_of(item.taker, duty.start, duty.end)
        other = next(
            (o for o in others if (o.post, o.watch, o.start) != (duty.post, duty.watch, duty.start)), None
        )
        if other is not None:
            start = format_time(other.start)
            return refuse("roster.two_watches", person=item.taker, post=other.post, start=start)
    return None


def _signed(item: Exchange, proposed_by: str, agreed_by: str, at: int) -> Swap:
    return Swap(
        post=item.post, start=item.start, giver=item.giver, taker=item.taker, watch=item.watch,
        proposed_by=proposed_by, agreed_by=agreed_by, at=at,
    )  # fmt: skip


# Posts that go over.


def _propose_move(city: CityIndex, message: ProposeMove, now: int) -> Decision:
    if message.taker == message.person:
        return refuse("roster.same_person")
    if message.taker not in city.persons and not any(
        message.taker in people_of(city, unit) for unit in city.units
    ):
        return refuse("roster.unknown_person", person=message.taker)
    since = max(message.since, now)
    posts = _answered_by(city, message.unit, message.person, since)
    if not posts:
        return refuse("roster.nothing_to_move", person=message.person)
    event = MoveProposed(
        proposal=message.id, person=message.person, at=now, taker=message.taker, posts=posts, since=since
    )
    return Decision((event,), (), because("roster.move_proposed", count=len(posts)))


def _answered_by(city: CityIndex, unit: str, person: str, since: int) -> tuple[str, ...]:
    """Posts of a unit that a person holds at or after a moment, by appointment or by the roster."""
    found = []
    for post in sorted(post.key for post in city.posts.values() if post.unit == unit):
        held = any(h.person == person and not 0 < h.until <= since for h in city.roster.holdings(post))
        rostered = any(
            person in (duty.person, duty.deputy) and duty.start >= since
            for watch in city.roster.watches_of(post)
            for duty in city.roster.rows(post, watch)
        )
        if held or rostered:
            found.append(post)
    return tuple(found)


# Answers.


def _answer(city: CityIndex, state: RosterState, message: AnswerProposal, now: int) -> Decision:
    swap = next((one for one in state.swaps_open if one.proposal == message.proposal), None)
    move = next((one for one in state.moves_open if one.proposal == message.proposal), None)
    if swap is not None:
        pair = {person for item in swap.items for person in (item.giver, item.taker)}
    elif move is not None:
        pair = {move.person, move.taker}
    else:
        return refuse("roster.no_proposal")
    proposer = swap.person if swap is not None else move.person if move is not None else ""
    if message.person not in pair:
        return refuse("roster.not_yours")
    if not message.agree:
        event = ProposalDropped(proposal=message.proposal, person=message.person, at=now, by=message.id)
        return Decision((event,), (), because("roster.dropped"))
    if message.person == proposer:
        return refuse("roster.same_person")
    if swap is not None:
        return _agree_swap(city, swap, message, now)
    assert move is not None
    return _agree_move(city, move, message, now)


def _agree_swap(city: CityIndex, swap: SwapProposed, message: AnswerProposal, now: int) -> Decision:
    """The second signature. The roster may have changed since the first, so all is looked at again."""
    refusal = _unfit(city, message.unit, swap.items, now)
    if refusal is not None:
        return refusal
    swaps = tuple(_signed(item, swap.person, message.person, now) for item in swap.items)
    event = DutySwapped(proposal=swap.proposal, at=now, by=message.id, swaps=swaps)
    return Decision((event,), (), because("roster.swapped", count=len(swaps)))


def _agree_move(city: CityIndex, move: MoveProposed, message: AnswerProposal, now: int) -> Decision:
    since = max(move.since, now)
    posts = _answered_by(city, message.unit, move.person, since)
    if not posts:
        return refuse("roster.nothing_to_move", person=move.person)
    moved = PostsMoved(giver=move.person, taker=move.taker, posts=posts, since=since, at=now)
    event = PostsHandedOver(proposal=move.proposal, by=message.id, moved=moved)
    return Decision((event,), (), because("roster.posts_moved", count=len(posts)))


# Rings.


def _ring(city: CityIndex, message: ReportRing, now: int) -> Decision:
    if message.person not in people_of(city, message.unit):
        return refuse("roster.unknown_person", person=message.person)
    if not now - _OLDEST <= message.at <= now + MINUTE:
        return refuse("roster.ring_time", at=format_time(message.at))
    event = RingTested(
        person=message.person, channel=message.channel, at=message.at, outcome=message.outcome,
        rung_by=message.by, by=message.id,
    )  # fmt: skip
    return Decision((event,), (), because("roster.rung", outcome=message.outcome))
