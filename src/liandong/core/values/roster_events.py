"""What happens to a unit's roster while it runs: swaps, posts that go over, rings of contacts.

One stream a unit. The rows themselves are the city's; this is what people agreed on since, each under two
signatures, and what the monthly rings came to. No number and no reason for being away is kept here.
"""

from __future__ import annotations

import msgspec

from liandong.core.values.lists import RingOutcome, Watch
from liandong.core.values.roster import Contact, PostsMoved, Swap
from liandong.core.values.times import DAY

#: Ids of messages that are remembered, so that a repeat is known.
_REMEMBERED = 100
#: What was agreed is dropped from the state so long after it was over; the journal keeps it.
_OVER = 400 * DAY


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """One duty that shall change hands."""

    post: str
    start: int
    giver: str
    taker: str
    watch: Watch = Watch.MAIN


class ProposeSwap(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """提出换班: one of two people names the duties that shall change hands between them."""

    id: str  #: from the client's idempotency key
    unit: str
    person: str
    items: tuple[Exchange, ...]


class ProposeMove(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """提出交接岗位: whoever changes jobs names who answers for all their posts of the unit from then on."""

    id: str
    unit: str
    person: str
    taker: str
    since: int


class AnswerProposal(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """答复: the other one agrees or declines; whoever proposed may take it back."""

    id: str
    unit: str
    person: str
    proposal: str
    agree: bool


class ReportRing(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """试呼登记: what one ring of a contact came to."""

    id: str
    unit: str
    by: str  #: person who rang; a machine's source where a machine rang
    person: str
    channel: str
    at: int
    outcome: RingOutcome


class SwapProposed(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """已提出换班."""

    proposal: str
    person: str
    at: int
    items: tuple[Exchange, ...]


class MoveProposed(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """已提出交接岗位."""

    proposal: str
    person: str
    at: int
    taker: str
    posts: tuple[str, ...]
    since: int


class ProposalDropped(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """提议已作罢: declined by the other one, or taken back."""

    proposal: str
    person: str
    at: int
    by: str  #: id of the message


class DutySwapped(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """已换班: both signed."""

    proposal: str
    at: int
    by: str
    swaps: tuple[Swap, ...]


class PostsHandedOver(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """岗位已交接: both signed."""

    proposal: str
    by: str
    moved: PostsMoved


class RingTested(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """已试呼."""

    person: str
    channel: str
    at: int
    outcome: RingOutcome
    rung_by: str
    by: str


#: All that a decision may be about, and all that may have happened.
RosterMessage = ProposeSwap | ProposeMove | AnswerProposal | ReportRing
RosterEvent = SwapProposed | MoveProposed | ProposalDropped | DutySwapped | PostsHandedOver | RingTested


class RosterState(msgspec.Struct, frozen=True, kw_only=True):
    """What was agreed and rung in one unit, on top of the city's rows."""

    version: int = 0
    swaps_open: tuple[SwapProposed, ...] = ()
    moves_open: tuple[MoveProposed, ...] = ()
    swaps: tuple[Swap, ...] = ()
    moves: tuple[PostsMoved, ...] = ()
    contacts: tuple[Contact, ...] = ()  #: one a person and channel
    taken: tuple[str, ...] = ()  #: ids of the last messages

    @property
    def changes(self) -> tuple[Swap | PostsMoved, ...]:
        """What a roster has to take into account."""
        return (*self.swaps, *self.moves)


def evolve_roster(state: RosterState, event: RosterEvent) -> RosterState:
    """Apply one event; chooses nothing."""
    change = msgspec.structs.replace
    if isinstance(event, SwapProposed):
        # Nobody can agree any more to what has begun.
        live = (one for one in state.swaps_open if all(item.start > event.at for item in one.items))
        made = change(state, swaps_open=(*live, event))
    elif isinstance(event, MoveProposed):
        made = change(state, moves_open=(*state.moves_open, event))
    elif isinstance(event, RingTested):
        made = change(state, contacts=_rung(state.contacts, event))
    else:
        made = _closed(state, event.proposal)
    if isinstance(event, DutySwapped):
        kept = (swap for swap in made.swaps if swap.start > event.at - _OVER)
        made = change(made, swaps=(*kept, *event.swaps))
    elif isinstance(event, PostsHandedOver):
        made = change(made, moves=(*made.moves, event.moved))
    by = event.proposal if isinstance(event, (SwapProposed, MoveProposed)) else event.by
    return change(made, version=state.version + 1, taken=(*state.taken, by)[-_REMEMBERED:])


def _closed(state: RosterState, proposal: str) -> RosterState:
    return msgspec.structs.replace(
        state,
        swaps_open=tuple(one for one in state.swaps_open if one.proposal != proposal),
        moves_open=tuple(one for one in state.moves_open if one.proposal != proposal),
    )


def _rung(contacts: tuple[Contact, ...], event: RingTested) -> tuple[Contact, ...]:
    """The contacts after a ring; one that was rung later already keeps what the later ring said."""
    key = (event.person, event.channel)
    before = next((one for one in contacts if (one.person, one.channel) == key), None)
    rest = tuple(one for one in contacts if one is not before)
    before = before or Contact(person=event.person, channel=event.channel)
    if event.at < before.tested:
        return (*rest, before)
    answered = event.outcome == RingOutcome.ANSWERED
    after = msgspec.structs.replace(
        before,
        tested=event.at,
        outcome=event.outcome,
        answered=event.at if answered else before.answered,
        missed=before.missed + 1 if event.outcome == RingOutcome.NO_ANSWER else 0,
    )
    return (*rest, after)
