"""The same random life, and the same independent model, under mechanisms that use every kind of row."""

from __future__ import annotations

from functools import cache

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import rule

from liandong.core.mechanism.policy import Policy
from liandong.core.values.case import LIVE
from liandong.core.values.lists import Action, Cause
from liandong.core.values.times import HOUR
from liandong.sim.mechanisms import foshan_mechanism
from tests.core.model import FALSE
from tests.core.rich import rich_policy
from tests.core.test_case_life import CaseLife
from tests.core.world import CENTRE, HIGH, MEDIUM, folder, make_policy, persons_of


@cache
def foshan_policy() -> Policy:
    """Foshan's second version, in a town whose units name what they answer for."""
    city = folder().city
    units = tuple(
        msgspec.structs.replace(unit, function=unit.key.removeprefix("unit:").partition("_")[0])
        for unit in city.units
    )
    return make_policy(msgspec.structs.replace(city, units=units), foshan_mechanism(2))


class RichLife(CaseLife):
    """Besides: two assets at once, and acts that somebody else has to approve."""

    policy = staticmethod(cache(rich_policy))

    @rule(rule=st.sampled_from([MEDIUM, HIGH]))
    def another_asset_alarms(self, rule) -> None:
        self.life.now += 1
        self.life.find(rule, channel=1)

    @rule(
        number=st.integers(0, 1),
        action=st.sampled_from([Action.EXTEND, Action.DEFER, Action.CANCEL, Action.HAND_OVER, Action.UNDO]),
        until=st.sampled_from([HOUR, 2 * HOUR, 8 * HOUR]),
        granted=st.sampled_from([True, True, False]),
        which=st.integers(0, 3),
    )
    def somebody_asks_and_somebody_else_decides(self, number, action, until, granted, which) -> None:
        case = self.pick(number)
        orders = [order for order in self.life.live(case) if order.person and not order.line]
        if not orders or case.over:
            return
        order = orders[0]
        fields = {"reason": "needs_time", "until": self.life.now + until, "order": order.id}
        fields["to"] = ("unit:fire", order.deputy)[which % 2] if action == Action.HAND_OVER else ""
        post = CENTRE if action == Action.CANCEL else order.post
        person = persons_of(self.life.policy.city.city, post, self.life.now)[0]
        before = len(case.requests)
        self.check(case, action, person, post, fields)
        case = self.life.again(case)
        if len(case.requests) > before:
            asked = next(o for o in self.life.live(case) if o.line == f"request.{before + 1}")
            word = Action.APPROVE if granted else Action.REFUSE
            people = persons_of(self.life.policy.city.city, asked.post, self.life.now)
            self.check(case, word, people[which % len(people)], asked.post, {"reason": "not_justified"})

    @rule(number=st.integers(0, 1))
    def two_cases_are_one(self, number) -> None:
        case = self.pick(number)
        other = self.pick(number + 1)
        person = persons_of(self.life.policy.city.city, CENTRE, self.life.now)[0]
        fields = {"to": other.id, "reason": "same_event"}
        merged = not case.over and not other.over and case.id != other.id
        self.check(case, Action.MERGE, person, CENTRE, fields)
        after, into = self.life.again(case), self.life.again(other)
        if merged:
            assert after.over and after.merged_into == other.id and after.cause == Cause.DUPLICATE
            assert set(after.findings) <= set(into.findings) and set(after.seen) <= set(into.seen)
            assert not any(o.status in LIVE and o.line for o in after.orders.values())
        else:
            assert after.merged_into == case.merged_into

    @rule(number=st.integers(0, 1), which=st.integers(0, 1))
    def an_acknowledgement_is_taken_back(self, number, which) -> None:
        case = self.pick(number)
        order = next((o for o in self.life.live(case) if o.done[-1:] == (Action.ACKNOWLEDGE,)), None)
        if order is None:
            return
        clock = next(
            (c for c in case.clocks.values() if c.order == order.id and c.action == Action.ACKNOWLEDGE), None
        )
        self.check(case, Action.UNDO, order.person, order.post, {"reason": "mistaken", "order": order.id})
        after = self.life.again(case)
        assert Action.ACKNOWLEDGE not in after.orders[order.id].done + tuple(after.done_of(order.line))
        if clock is not None:
            kept = after.clocks[clock.key]
            due = clock.started + clock.limit_us + clock.paused_us + clock.extended_us
            assert (kept.stopped, kept.started, kept.due) == (None, clock.started, due)

    @rule(number=st.integers(0, 1), to=st.sampled_from(["unit:gas", "unit:fire", "unit:housing"]))
    def whose_duty_it_is_is_asked_twice(self, number, to) -> None:
        """Asked, decided, and asked again by whoever has it now: the second time in vain."""
        case = self.pick(number)
        for word in (Action.RETURN, Action.DECIDE_DUTY, Action.RETURN):
            case = self.life.again(case)
            live = [order for order in self.life.live(case) if order.person]
            if word == Action.RETURN:
                held = [order for order in live if order.role == "lead"]
            else:
                held = [order for order in live if order.steps[0].action == word]
            if not held:
                return
            order = held[0]
            fields = {"reason": "own_duty", "to": to, "order": order.id}
            self.check(case, word, order.person, order.post, fields)

    @rule(number=st.integers(0, 1), action=st.sampled_from([Action.CLOSE, Action.REVIEW]), help=st.booleans())
    def somebody_is_in_a_hurry(self, number, action, help) -> None:
        """Closing and reviewing are tried as soon as somebody holds the step, while others still work."""
        case = self.pick(number)
        for _ in range(30):
            if case.over or case.order_for(action) is not None:
                break
            self.life.finish(case, 1)
            case = self.life.again(case)
        order = case.order_for(action)
        if order is None or not order.person:
            return
        if help:
            asked = {"reason": "grave", "to": "unit:housing", "order": order.id}
            self.check(case, Action.ASK_HELP, order.person, order.post, asked)
        cause = Cause.FALSE_RULE if case.verdict in FALSE else Cause.REAL
        fields = {"passed": True, "cause": cause, "order": order.id}
        self.check(self.life.again(case), action, order.person, order.post, fields)


class FoshanLife(CaseLife):
    policy = staticmethod(foshan_policy)


_settings = settings(
    max_examples=60,
    derandomize=True,  # the same lives every time: whoever changes the rules looks for others
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)
RichLife.TestCase.settings = _settings
FoshanLife.TestCase.settings = _settings
TestRichLife = RichLife.TestCase
TestFoshanLife = FoshanLife.TestCase
