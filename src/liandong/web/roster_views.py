"""Rosters as they are asked about: bodies of requests, rows of answers, and how a roster becomes them."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from liandong.app.rosters import PostNow, RosterNow
from liandong.core.mechanism.rosters import Hole
from liandong.core.values.lists import DayKind, HoleKind, RingOutcome, Watch
from liandong.core.values.roster import Duty
from liandong.core.values.times import format_time
from liandong.texts.rosters import hole_words
from liandong.web.bodies import Reference, _Body
from liandong.web.names import Name, Names, PersonSeen, name
from liandong.web.signin import Asker
from liandong.web.views import Moment, View, moment

_At = Annotated[str, Field(max_length=64, description="RFC 3339 with offset.")]


class ExchangeBody(_Body):
    """One duty that shall change hands."""

    post: Reference
    watch: Watch = Watch.MAIN
    start: _At
    giver: Reference
    taker: Reference


class SwapBody(_Body):
    """Duties of two people; whoever sends it signs first."""

    items: Annotated[list[ExchangeBody], Field(min_length=1, max_length=62)]


class MoveBody(_Body):
    """All that the sender answers for in the unit goes over to another."""

    taker: Reference
    since: _At


class AnswerBody(_Body):
    """The second signature, or none."""

    unit: Reference | None = Field(None, description="Unit of the proposal, where it is not the own one.")


class RingBody(_Body):
    """What a ring came to. Never the number itself."""

    person: Reference
    channel: Annotated[str, Field(pattern=r"^[a-z0-9_\-]{1,32}$")] = "phone"
    outcome: RingOutcome
    at: _At | None = None
    unit: Reference | None = None


#: Bodies that are described in the OpenAPI document under their own names.
ROSTER_BODIES = (ExchangeBody, SwapBody, MoveBody, AnswerBody, RingBody)


class DutyRow(PersonSeen):
    """A duty of the roster, as swapped."""

    deputy: str
    deputy_name: str | None
    start: Moment
    end: Moment


class WatchRow(View):
    """One watch of a post."""

    watch: Watch
    now: DutyRow | None
    ahead: list[DutyRow]


class WakeRow(View):
    """From this level of a case on, whoever is on duty wakes whoever is at the other post."""

    level: str
    post: str
    title: Name
    person: str
    person_name: str | None


class RosterPost(View):
    """A post of the unit that is on the roster or answers around the clock."""

    post: str
    title: Name
    leader: bool
    person: str = Field(description="Who answers now; empty for nobody.")
    person_name: str | None
    deputy: str
    watches: list[WatchRow]
    wakes: list[WakeRow]


class ProposalRow(View):
    """A proposal that waits for the other signature."""

    proposal: str
    kind: str = Field(description="swap or move")
    person: str
    other: str = Field(description="Whose signature is missing.")
    at: Moment
    items: list[ExchangeBody]
    posts: list[str]
    since: Moment | None
    mine: bool = Field(description="The asker is the one who has to sign.")


class HoleRow(View):
    """A time in the next 30 days at which a post is not answered as it must be."""

    post: str
    start: Moment
    end: Moment
    why: HoleKind
    person: str
    text: str
    remedy: str


class RingRow(PersonSeen):
    """A contact to be rung, or one that does not work."""

    channel: str
    at: Moment | None = Field(description="Planned; of a dead contact the last ring.")
    outcome: RingOutcome | None
    answered: Moment | None


class RosterView(View):
    """The roster of a unit: now, the days ahead, what waits for a signature, what is missing."""

    unit: str
    unit_name: Name
    version: int
    now: Moment
    day: DayKind
    holiday: str = Field(description="Which holiday, or for which one is worked; empty on ordinary days.")
    seasons: list[str]
    posts: list[RosterPost]
    proposals: list[ProposalRow]
    holes: list[HoleRow]
    rings_due: list[RingRow]
    dead: list[RingRow]


class RosterDone(View):
    """It is in the journal."""

    unit: str
    version: int
    status: str
    key: str
    params: dict[str, Any]
    text: str


def named(found: RosterNow) -> set[str]:
    """Everybody whose name the answer may say."""
    on = {post.answers.person for post in found.posts if post.answers}
    duties = [
        d for p in found.posts for w in p.watches for d in (*w.ahead, *([w.current] if w.current else []))
    ]
    woken = {
        duty.person
        for post in found.posts
        for _, whom in post.wakes
        if (duty := found.city.on_duty(whom, found.now))
    }
    rung = {ring.person for ring in found.due} | {contact.person for contact in found.dead}
    return on | woken | rung | {person for duty in duties for person in (duty.person, duty.deputy)}


class RosterRows:
    """One answer about a roster."""

    def __init__(self, asker: Asker, found: RosterNow, people: dict[str, str]) -> None:
        self._asker, self._found, self._people = asker, found, people
        self._names = Names(asker.platform.handler.policy)

    def view(self) -> RosterView:
        found, calendar = self._found, self._found.city.calendar
        local = calendar.at(found.now)
        return RosterView(
            unit=found.unit, unit_name=self._names.of(found.unit), version=found.state.version,
            now=format_time(found.now), day=local.day, holiday=calendar.name(local.date),
            seasons=list(local.seasons), posts=[self._post(post) for post in found.posts],
            proposals=[*self._swaps(), *self._moves()], holes=[self._hole(hole) for hole in found.holes],
            rings_due=[
                RingRow(
                    person=ring.person, person_name=self._person(ring.person), channel=ring.channel,
                    at=format_time(ring.at), outcome=None, answered=None,
                )
                for ring in found.due
            ],
            dead=[
                RingRow(
                    person=one.person, person_name=self._person(one.person), channel=one.channel,
                    at=moment(one.tested), outcome=one.outcome, answered=moment(one.answered),
                )
                for one in found.dead
            ],
        )  # fmt: skip

    def _person(self, key: str) -> str | None:
        return self._people.get(key)

    def _duty(self, duty: Duty | None) -> DutyRow | None:
        return None if duty is None else self._duty_row(duty)

    def _duty_row(self, duty: Duty) -> DutyRow:
        return DutyRow(
            person=duty.person, person_name=self._person(duty.person), deputy=duty.deputy,
            deputy_name=self._person(duty.deputy), start=format_time(duty.start), end=format_time(duty.end),
        )  # fmt: skip

    def _post(self, one: PostNow) -> RosterPost:
        answers, post = one.answers, one.post
        return RosterPost(
            post=post.key, title=name(post.title_zh, post.title_en), leader=post.leader,
            person=answers.person if answers else "",
            person_name=self._person(answers.person) if answers else None,
            deputy=answers.deputy if answers else "",
            watches=[
                WatchRow(
                    watch=row.watch, now=self._duty(row.current),
                    ahead=[self._duty_row(duty) for duty in row.ahead],
                )
                for row in one.watches
            ],
            wakes=[self._wake(level, whom) for level, whom in one.wakes],
        )  # fmt: skip

    def _wake(self, level: str, whom: str) -> WakeRow:
        duty = self._found.city.on_duty(whom, self._found.now)
        person = duty.person if duty else ""
        return WakeRow(
            level=level, post=whom, title=self._names.of(whom), person=person,
            person_name=self._person(person),
        )  # fmt: skip

    def _swaps(self) -> list[ProposalRow]:
        """Swaps that can still be agreed to."""
        rows = []
        for one in self._found.state.swaps_open:
            if min(item.start for item in one.items) <= self._found.now:
                continue
            first = one.items[0]
            other = first.taker if one.person == first.giver else first.giver
            items = [
                ExchangeBody(
                    post=item.post, watch=item.watch, start=format_time(item.start), giver=item.giver,
                    taker=item.taker,
                )
                for item in one.items
            ]  # fmt: skip
            rows.append(self._proposal(one.proposal, "swap", one.person, other, one.at, items=items))
        return rows

    def _moves(self) -> list[ProposalRow]:
        return [
            self._proposal(
                one.proposal, "move", one.person, one.taker, one.at, posts=list(one.posts),
                since=format_time(one.since),
            )
            for one in self._found.state.moves_open
        ]  # fmt: skip

    def _proposal(self, id: str, kind: str, person: str, other: str, at: int, **more: Any) -> ProposalRow:
        given = {"items": [], "posts": [], "since": None} | more
        mine = other == self._asker.session.person
        return ProposalRow(
            proposal=id, kind=kind, person=person, other=other, at=format_time(at), mine=mine, **given
        )

    def _hole(self, hole: Hole) -> HoleRow:
        said, remedy = hole_words(self._found.city, hole, self._asker.language)
        return HoleRow(
            post=hole.post, start=format_time(hole.start), end=format_time(hole.end), why=hole.why,
            person=hole.person, text=said, remedy=remedy,
        )  # fmt: skip
