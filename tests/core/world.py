"""The demonstration city without a shell: messages go along the route, every decision is held to the rules.

`Life` does what the handler does, in memory. After each decision it asserts what must hold of any:
it is repeatable, it leaves its inputs alone, its events alone make the next state, ids are new.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import msgspec

from liandong.core.mechanism.policy import Policy
from liandong.core.mechanism.routing import Routing
from liandong.core.route import DECIDE, owner_of, stream_of
from liandong.core.values.case import LIVE, CaseState, Order
from liandong.core.values.case_events import (
    CaseFindingSettled,
    CaseGathered,
    DeliveryRecorded,
    OrderHeard,
    OrderIssued,
    OrderNumbered,
    TimerSpent,
)
from liandong.core.values.city import City, CityIndex
from liandong.core.values.decision import Decision
from liandong.core.values.document import Mechanism
from liandong.core.values.events import AGGREGATES, evolve, kind_of
from liandong.core.values.findings import (
    Finding,
    FindingEnded,
    FindingReopened,
    FindingRetracted,
    FindingRevised,
    FindingSettled,
)
from liandong.core.values.ids import finding_id
from liandong.core.values.lists import Action, CaseStage, Cause, FindingPart, Mode, Verdict
from liandong.core.values.messages import Act, TimerFired
from liandong.core.values.times import MINUTE, SECOND, parse_time
from tests.small_town import demo_city

#: Events that make no act stale.
QUIET = (CaseFindingSettled, CaseGathered, DeliveryRecorded, OrderHeard, OrderNumbered, TimerSpent)
START = parse_time("2026-05-01T09:00:00+08:00")
CENTRE, REVIEWER, LEADER = "post:centre.duty", "post:emergency_east.review", "post:emergency.leader"
GAS, HOUSING = "post:gas.duty", "post:housing.duty"
#: Rule → severity; demonstration grading: low IV, medium III, high II, critical I.
MEDIUM, HIGH, SHADOW = "gas_ch4_medium", "gas_ch4_high", "gas_ch4_low"
encode = msgspec.json.Encoder(order="sorted").encode


@cache
def folder() -> Any:
    return demo_city(3, START, 4, 36)


def make_policy(city: City | None = None, mechanism: Mechanism | None = None, **more: Any) -> Policy:
    index = CityIndex(city or folder().city)
    return Policy(
        city=index,
        routing=Routing(mechanism or folder().mechanism, index),
        rules={rule.key: rule for rule in folder().rules},
        **more,
    )


@cache
def demo_policy() -> Policy:
    return make_policy()


@cache
def channels() -> tuple[str, ...]:
    """Methane channels, each at its own asset."""
    index, found = CityIndex(folder().city), {}
    for channel in folder().city.channels:
        asset = index.asset_of_channel(channel.key)
        if channel.quantity == "ch4_lel" and asset is not None:
            found.setdefault(asset.key, channel.key)
    return tuple(found.values())


def persons_of(city: City, post: str, now: int) -> list[str]:
    """Everybody who may act as a post now, read from the rows and not through the index."""
    found = [d.person for d in city.duties if d.post == post and d.start <= now < d.end]
    found += [d.deputy for d in city.duties if d.post == post and d.start <= now < d.end]
    found += [
        h.person
        for h in city.holdings
        if h.post == post and h.since <= now and (not h.until or now < h.until)
    ]
    return [person for person in dict.fromkeys(found) if person]


@dataclass
class Made:
    """One decision and what it was made from."""

    step: Any
    stream: str
    before: Any
    message: Any
    now: int
    decision: Decision


class Life:
    """States of all streams, a clock that the test sets, and every decision ever made."""

    def __init__(self, policy: Policy | None = None, now: int = START) -> None:
        self.policy = policy or demo_policy()
        self.now = now
        self.states: dict[str, Any] = {}
        self.events: dict[str, list[Any]] = {}
        self.made: list[Made] = []
        self.orders: Counter[str] = Counter()
        self.findings: dict[str, Finding] = {}
        self.acts = 0

    # The route.

    def send(self, message: Any) -> Decision:
        """The message and what follows from it; the decision of its own step."""
        first: Decision | None = None
        waiting = deque([message])
        while waiting:
            current = waiting.popleft()
            step = owner_of(current)
            assert step is not None
            stream, empty = stream_of(self.policy, current, self.latest)
            before = self.states.get(stream, empty or AGGREGATES[kind_of(stream)][0])
            decision = self._decide(step, stream, before, current)
            first = first or decision
            waiting.extend(e for e in decision.events if owner_of(e) is not None)
        assert first is not None
        return first

    def _decide(self, step: Any, stream: str, before: Any, message: Any) -> Decision:
        kept = encode(before), encode(message)
        decision = DECIDE[step](self.policy, before, message, self.now)
        assert (encode(before), encode(message)) == kept, "decide changed its inputs"
        assert DECIDE[step](self.policy, before, message, self.now) == decision, "decide is no function"
        assert decision.reason.key and (not decision.refused or not decision.events)
        self.made.append(Made(step, stream, before, message, self.now, decision))
        state = self.states.get(stream, AGGREGATES[kind_of(stream)][0])
        for event in decision.events:
            after = evolve(stream, state, event)
            quiet = isinstance(event, QUIET)
            assert after.version == state.version + (not quiet)
            state = after
            if isinstance(event, OrderIssued):
                self.orders[event.order] += 1
                assert self.orders[event.order] == 1, "an order's id was given twice"
        if decision.events:
            assert decision.after is None or decision.after == state, "the step saw another state"
            self.states[stream] = state
            self.events.setdefault(stream, []).extend(decision.events)
        return decision

    def latest(self, grouping: str) -> CaseState | None:
        found = [s for s in self.cases() if s.grouping == grouping]
        return max(found, key=lambda s: s.ordinal, default=None)

    def cases(self) -> list[CaseState]:
        return [s for s in self.states.values() if isinstance(s, CaseState)]

    @property
    def case(self) -> CaseState:
        """The newest case of all."""
        return self.cases()[-1]

    def again(self, case: CaseState) -> CaseState:
        return self.states[f"case:{case.id}"]

    def of(self, *types: type, case: CaseState | None = None) -> list[Any]:
        """Events of a type, in order."""
        case = case or self.case
        return [e for e in self.events[f"case:{case.id}"] if isinstance(e, types)]

    # Time.

    def wait(self, by: int, fire: bool = True) -> None:
        """Time passes second by second as far as timers can tell; with `fire` False no tick comes."""
        end = self.now + by
        while fire:
            due = sorted((t.due, c.id, t.id) for c in self.cases() for t in c.timers.values() if t.due <= end)
            if not due:
                break
            at, case, timer = due[0]
            self.now = max(self.now, at)
            self.send(TimerFired(case=case, timer=timer, due=at))
        self.now = end

    # Findings.

    def find(self, rule: str = MEDIUM, channel: int = 0, value: float = 30.0) -> str:
        """A rule's condition holds at a channel; the finding's id."""
        row, name = self.policy.rules[rule], channels()[channel]
        made = finding_id(self.policy.city.key, self.policy.mode, rule, name, "g", self.now)
        message = Finding(
            id=made, rule=rule, rule_version=row.version, hazard=row.hazard, severity=row.severity,
            channel=name, group="g", onset=self.now - MINUTE, raised=self.now, value=value,
            limit=row.raise_at, position=(0, 0),
        )  # fmt: skip
        self.findings[made] = message
        self.send(message)
        return made

    def change(self, finding: str, how: str) -> Decision:
        """What detect says later of a finding."""
        f = self.findings[finding]
        same = dict(id=f.id, rule=f.rule, channel=f.channel, position=(0, 1))
        messages = {
            "revised": lambda: FindingRevised(
                **same, onset=f.onset - SECOND, raised=f.raised, value=f.value + 1
            ),
            "retracted": lambda: FindingRetracted(**same),
            "ended": lambda: FindingEnded(**same, ended=self.now, peak=f.value),
            "reopened": lambda: FindingReopened(**same),
            "settled": lambda: FindingSettled(
                **same, part=FindingPart.ONSET, onset=f.onset, raised=f.raised, value=f.value,
                ended=None, peak=None,
            ),
            "dropped": lambda: FindingSettled(
                **same, part=FindingPart.END, onset=f.onset, raised=f.raised, value=f.value, ended=self.now,
                peak=f.value,
            ),
        }  # fmt: skip
        return self.send(messages[how]())

    # People.

    def act(
        self, action: Action, case: CaseState | None = None, *, as_: Order | str | None = None, **fields: Any
    ) -> Decision:
        """An act by whoever holds the step, unless `as_`, `person`, `post` or `version` say otherwise."""
        case = self.again(case or self.case)
        if as_ is None:  # an empty post is a post that nobody has, not a wish for the right one
            as_ = case.order_for(action) or next((o for o in case.orders.values() if o.status in LIVE), "")
        self.acts += 1
        if isinstance(as_, Order):
            given = {"person": as_.person, "post": as_.post}
        else:
            given = {"post": as_, "person": (persons_of(self.policy.city.city, as_, self.now) or [""])[0]}
        given |= {"version": case.version, "evidence": ("sha:1",), **fields}
        return self.send(Act(id=f"act_{self.acts}", body_digest="", action=action, case=case.id, **given))

    def do(self, *actions: Action, case: CaseState | None = None, **fields: Any) -> Decision:
        """Steps one after the other, each by the right person; refusals fail the test."""
        for action in actions:
            given = dict(fields)
            if action == Action.JUDGE:
                given.setdefault("verdict", Verdict.REAL)
            elif action == Action.REVIEW:
                given.setdefault("passed", True)
            elif action == Action.CLOSE:
                verdict = self.again(case or self.case).verdict
                given.setdefault(
                    "cause", Cause.FALSE_RULE if verdict in (Verdict.FALSE, Verdict.TEST) else Cause.REAL
                )
            decision = self.act(action, case, **given)
            assert not decision.refused, (action, decision.reason)
        return decision

    def live(self, case: CaseState | None = None) -> list[Order]:
        return [o for o in self.again(case or self.case).orders.values() if o.status in LIVE]

    def order(self) -> Order:
        """The one live order."""
        (order,) = self.live()
        return order

    def finish(self, case: CaseState, most: int = 60) -> None:
        """Bring a case to its end: always the next step of some order, by somebody who may do it.

        With `most`, only so many steps of the way.
        """
        for _ in range(most):
            now = self.again(case)
            ended = (CaseStage.ARCHIVED, CaseStage.REPORTED, CaseStage.CANCELLED)
            if now.stage in ended and not self.live(now):
                return
            tried = [
                self._next(now, order, person)
                for order in self.live(now)
                for person in self._persons(now, order)
            ]
            wanted = next((act for act in tried if act is not None), None)
            why = [one.decision.reason for one in self.made[-6:] if one.decision.refused]
            assert wanted is not None, f"stuck at {now.stage}, {why}, level {now.level}: {self.live(now)}"
        assert most < 60, "the case goes in circles"

    def _persons(self, case: CaseState, order: Order) -> list[str]:
        handlers = {person for person, _ in case.handlers}
        around = [order.person, order.deputy, *persons_of(self.policy.city.city, order.post, self.now)]
        free = [p for p in dict.fromkeys(around) if p and p not in handlers]
        return (free or [p for p in around if p])[:2]

    def _next(self, case: CaseState, order: Order, person: str) -> Decision | None:
        """Try the next step of an order; None where it was refused or something was done before."""
        if self.again(case).version != case.version:
            return None
        step = next(s for s in order.steps if s.action not in order.done)
        false = case.verdict in (Verdict.FALSE, Verdict.TEST)
        decision = self.act(
            step.action, case, as_=order, person=person, verdict=Verdict.REAL, passed=True,
            cause=Cause.FALSE_RULE if false else Cause.REAL, order=order.id,
            **_word(case, order, step.action),
        )  # fmt: skip
        return None if decision.refused else decision


def _word(case: CaseState, order: Order, action: Action) -> dict[str, Any]:
    """What a decision about a duty has to say."""
    if action != Action.DECIDE_DUTY:
        return {}
    return {"to": case.questions[order.line].unit or case.lead, "reason": "own_duty"}


ON_SITE = (Action.ACKNOWLEDGE, Action.ARRIVE, Action.CHECK, Action.HANDLE, Action.FEED_BACK)
UP_TO_PUSH = (Action.JUDGE, Action.PUSH)
UP_TO_REVIEW = (*UP_TO_PUSH, *ON_SITE)
ALL = (*UP_TO_REVIEW, Action.REVIEW, Action.CLOSE, Action.ARCHIVE)


def opened(rule: str = MEDIUM, policy: Policy | None = None, channel: int = 0) -> Life:
    """A life with one case."""
    life = Life(policy)
    life.find(rule, channel)
    return life


def with_policy(life: Life, policy: Policy) -> Life:
    life.policy = policy
    return life


def with_mode(mode: Mode) -> Policy:
    return replace(demo_policy(), mode=mode)


def city_without(*posts: str) -> City:
    """The city, with nobody at these posts."""
    city = folder().city
    return msgspec.structs.replace(
        city,
        duties=tuple(d for d in city.duties if d.post not in posts),
        holdings=tuple(h for h in city.holdings if h.post not in posts),
    )
