"""A case's life under anything that people, devices and the clock may do to it.

Random people with right and wrong posts, stale and current versions; findings that come, change and
go; ticks that are in time, late or missing. A small model says what is allowed; the invariants hold
after every step; and from wherever a run ends, the case can still be brought to the archive.
"""

from __future__ import annotations

from collections import Counter
from functools import cache

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from liandong.core.mechanism.policy import Policy
from liandong.core.values.case import LIVE, CaseState, Order, VaultRef
from liandong.core.values.case_events import CaseReviewed, StepDone
from liandong.core.values.case_fold import CASE_EVENTS
from liandong.core.values.events import record_event
from liandong.core.values.lists import Action, CaseStage, Cause, Mode, Outcome, Verdict
from liandong.core.values.messages import DeliveryReported, TimerFired
from liandong.core.values.times import HOUR, MINUTE
from liandong.texts import sentences
from tests.core.rough import rough_mechanism
from tests.core.world import (
    CENTRE,
    GAS,
    HIGH,
    LEADER,
    MEDIUM,
    REVIEWER,
    UP_TO_REVIEW,
    Life,
    demo_policy,
    make_policy,
    persons_of,
)

WORDS = VaultRef("vlt_words", "digest")
KINDS = ("", "first", "next", "final", "correction")
STEPS = (*UP_TO_REVIEW, Action.REVIEW)
CLOSING = (Action.CLOSE, Action.ARCHIVE, Action.DISPOSAL_REPORT)
#: What may be done to a case that is over, and the stage it needs.
AFTER = {Action.ARCHIVE: CaseStage.CLOSED, Action.DISPOSAL_REPORT: CaseStage.ARCHIVED}
#: Put on record beside the steps; they have tests of their own.
RECORDS = (Action.NOTE, Action.CALL, Action.REPORT)
POSTS = (CENTRE, GAS, REVIEWER, LEADER, "post:fire.duty", "post:housing.leader", "post:operator", "")
UNITS = ("", "unit:gas", "unit:fire", "unit:emergency_east", "unit:centre", "unit:government", "unit:nobody")
FALSE = (Verdict.FALSE, Verdict.TEST)
LOWER_RULES = (MEDIUM, HIGH)


@cache
def rough_policy() -> Policy:
    return make_policy(mechanism=rough_mechanism())


def may_act_for(life: Life, order: Order, person: str, post: str) -> bool:
    """The model's word: named on the order, or at its post now."""
    known = (order.person, order.deputy, *persons_of(life.policy.city.city, order.post, life.now))
    return bool(person and post) and post == order.post and person in known


def model_allows(life: Life, case: CaseState, action: Action, person: str, post: str, fields: dict) -> bool:
    """What the rows allow, said as simply as possible."""
    if fields["version"] != case.version:
        return False
    live = [o for o in case.orders.values() if o.status in LIVE]
    mine = [o for o in live if may_act_for(life, o, person, post)]
    if action == Action.REOPEN:
        holds = person in persons_of(life.policy.city.city, post, life.now)
        return case.over and post == LEADER and holds
    if action in (Action.CALL, Action.REPORT):
        return model_records(life, case, action, person, post, fields)
    if action in STEPS + CLOSING:
        if action in AFTER and case.stage != AFTER[action]:
            return False
        if case.over and action not in AFTER:
            return False
        order = next(
            (o for o in live if any(s.action == action for s in o.steps) and action not in o.done), None
        )
        if order is None or order not in mine:
            return False
        step = next(s for s in order.steps if s.action not in order.done)
        if step.action != action or (step.evidence and not fields["evidence"]):
            return False
        if action == Action.JUDGE:
            return fields["verdict"] in list(Verdict) and fields["level"] in ("", "I", "II", "III", "IV")
        if action == Action.PUSH:
            return not fields["to"] or fields["to"] in life.policy.city.units
        if action == Action.REVIEW:
            rows = [row.action for row in life.policy.routing.steps(case.hazard, case.level)]
            ahead = set(rows[: rows.index(action)] if action in rows else [])
            if any(ahead & {s.action for s in o.steps} - set(o.done) for o in live if o.id != order.id):
                return False
            units = {unit for _, unit in case.handlers}
            above = {a for u in units for a in life.policy.city.units if life.policy.city.is_superior(a, u)}
            handled = person in {p for p, _ in case.handlers} or order.unit in units | above
            return fields["passed"] is not None and not handled
        if action == Action.CLOSE:
            if fields["cause"] not in list(Cause):
                return False
            if case.verdict in FALSE:
                return fields["cause"] != Cause.REAL
            wanted = {r.action for r in life.policy.routing.steps(case.hazard, case.level)}
            proven = {Action.HANDLE, Action.FEED_BACK} & wanted <= set(case.done)
            return proven and (Action.REVIEW not in wanted or case.reviewed is True)
        return True
    if case.over:
        return False
    clocks = [c for c in case.clocks.values() if c.stopped is None]
    if action == Action.RETURN:
        return bool(fields["reason"]) and any(o.role == "lead" for o in mine)
    if action == Action.HAND_OVER:
        holders = persons_of(life.policy.city.city, post, life.now)
        return bool(mine) and fields["to"] != mine[0].person and fields["to"] in holders
    if action == Action.PAUSE:
        open_ = [c.action for c in clocks if mine and c.order == mine[0].id and c.paused_at is None]
        return any(life.policy.routing.pause(case.hazard, fields["reason"], a) for a in open_)
    assert action == Action.RESUME
    return any(c.order == mine[0].id and c.paused_at is not None for c in clocks) if mine else False


def model_records(life: Life, case: CaseState, action: Action, person: str, post: str, fields: dict) -> bool:
    """What is put on record beside the steps: by who takes part, had an order, or may act there."""
    holds = person in persons_of(life.policy.city.city, post, life.now)
    part = holds and any(p.post == post and not p.until for p in case.participants)
    ordered = any(may_act_for(life, order, person, post) for order in case.orders.values())
    if not (part or ordered or (holds and post == CENTRE) or (holds and post == REVIEWER)):
        return False
    if action == Action.REPORT:
        known = {"", *case.reports}
        return fields["text"] is not None and fields["kind"] in KINDS and fields["reason"] in known
    city = life.policy.city
    rung = fields["to"] in city.persons or fields["to"] in city.posts or fields["to"] in city.units
    return (rung or (not fields["to"] and fields["number"] is not None)) and fields["answered"] is not None


class CaseLife(RuleBasedStateMachine):
    policy = staticmethod(demo_policy)

    @initialize(rule=st.sampled_from(LOWER_RULES))
    def first_finding(self, rule: str) -> None:
        self.life = Life(self.policy())
        self.life.find(rule)

    def pick(self, number: int) -> CaseState:
        cases = self.life.cases()
        return cases[-1 - number % min(2, len(cases))]

    # People.

    @rule(number=st.integers(0, 3), which=st.integers(0, 3), passed=st.booleans(), data=st.data())
    def the_right_person_does_the_next_step(self, number, which, passed, data) -> None:
        case = self.pick(number)
        live = self.life.live(case)
        if not live:
            return
        order = live[which % len(live)]
        step = next(s for s in order.steps if s.action not in order.done)
        fields = {
            "verdict": data.draw(st.sampled_from([*Verdict, Verdict.REAL, Verdict.REAL])),
            "level": data.draw(st.sampled_from(["", "", "IV", "III", "II", "I"])),
            "to": data.draw(st.sampled_from(UNITS)) if step.action == Action.PUSH else "",
            "passed": passed or number > 1,
            "cause": Cause.FALSE_RULE if case.verdict in FALSE else Cause.REAL,
        }
        around = [
            order.person,
            order.deputy,
            *persons_of(self.life.policy.city.city, order.post, self.life.now),
        ]
        person = around[which % len(around)]
        self.check(case, step.action, person, order.post, fields)

    @rule(
        number=st.integers(0, 3),
        action=st.sampled_from([a for a in Action if a not in RECORDS]),
        post=st.sampled_from(POSTS),
        back=st.sampled_from([0, 0, 0, 1, -1]),
        who=st.integers(0, 4),
        data=st.data(),
    )
    def somebody_does_something(self, number, action, post, back, who, data) -> None:
        case = self.pick(number)
        people = [*persons_of(self.life.policy.city.city, post, self.life.now), "", "person:p001"]
        fields = {
            "version": case.version - back,
            "verdict": data.draw(st.sampled_from(["", "maybe", *Verdict])),
            "level": data.draw(st.sampled_from(["", "II", "V"])),
            "to": data.draw(st.sampled_from([*UNITS, *people])),
            "passed": data.draw(st.sampled_from([None, True, False])),
            "cause": data.draw(st.sampled_from(["", "bad luck", *Cause])),
            "reason": data.draw(st.sampled_from(["", "road_closure", "lunch"])),
            "evidence": data.draw(st.sampled_from([(), ("sha:1",)])),
        }
        self.check(case, action, people[who % len(people)], post, fields)

    @rule(
        number=st.integers(0, 3),
        action=st.sampled_from([Action.RETURN, Action.HAND_OVER, Action.PAUSE, Action.RESUME]),
        who=st.integers(0, 3),
    )
    def the_holder_of_an_order_does_not_go_by_the_book(self, number, action, who) -> None:
        case = self.pick(number)
        live = self.life.live(case)
        if live:
            order = live[who % len(live)]
            here = persons_of(self.life.policy.city.city, order.post, self.life.now)
            fields = {"reason": "road_closure", "to": here[who % len(here)]}
            self.check(case, action, order.person or here[0], order.post, fields)

    @rule(number=st.integers(0, 3))
    def the_leader_reopens(self, number) -> None:
        case = self.pick(number)
        (person, *_) = persons_of(self.life.policy.city.city, LEADER, self.life.now)
        self.check(case, Action.REOPEN, person, LEADER, {})

    @rule(
        number=st.integers(0, 3),
        action=st.sampled_from([Action.CALL, Action.REPORT]),
        post=st.sampled_from(POSTS),
        who=st.integers(0, 3),
        data=st.data(),
    )
    def somebody_puts_something_on_record(self, number, action, post, who, data) -> None:
        """Calls and reports, also on a case that is over: nothing of its work may move by them."""
        case = self.pick(number)
        people = [*persons_of(self.life.policy.city.city, post, self.life.now), "person:p001"]
        fields = {
            "to": data.draw(st.sampled_from([*UNITS, *people])) if action == Action.CALL else "",
            "number": data.draw(st.sampled_from([None, WORDS])),
            "text": data.draw(st.sampled_from([None, WORDS])),
            "answered": data.draw(st.sampled_from([None, True, False])),
            "kind": data.draw(st.sampled_from(["", "next", "correction", "gossip"])),
            "rung_at": data.draw(st.sampled_from([None, 0, self.life.now + HOUR])),
        }
        self.check(case, action, people[who % len(people)], post, fields)
        after = self.life.again(case)
        assert (after.stage, after.orders, after.clocks, after.timers) == (
            case.stage, case.orders, case.clocks, case.timers
        )  # fmt: skip
        sent = sum(report.versions for report in after.reports.values())
        assert 0 <= after.calls - case.calls <= 1
        assert 0 <= sent - sum(report.versions for report in case.reports.values()) <= 1

    def check(self, case: CaseState, action: Action, person: str, post: str, fields: dict) -> None:
        fields = {"version": case.version, "evidence": ("sha:1",), "level": "", "verdict": "", **fields}
        fields = {"to": "", "passed": None, "cause": "", "reason": "", **fields}
        fields = {"text": None, "number": None, "answered": None, "kind": "", **fields}
        wanted = model_allows(self.life, case, action, person, post, fields)
        decision = self.life.act(action, case, person=person, as_=post, **fields)
        assert decision.refused != wanted, (action, decision.reason, fields)

    @rule(number=st.integers(0, 3), steps=st.integers(1, 10))
    def work_goes_on(self, number, steps) -> None:
        """So that runs also get to the end of a case and behind it."""
        self.life.finish(self.pick(number), steps)

    # Time.

    @rule(by=st.sampled_from([0, 1, MINUTE, 7 * MINUTE, 45 * MINUTE, 9 * HOUR]))
    def time_passes(self, by) -> None:
        self.life.wait(by)

    @rule(by=st.sampled_from([MINUTE, 20 * MINUTE, 2 * HOUR]))
    def time_passes_without_deadlines(self, by) -> None:
        """The clock is in question: `now` goes on, nothing fires until a person has looked."""
        self.life.wait(by, fire=False)

    @rule(number=st.integers(0, 3))
    def a_timer_that_is_gone_fires_again(self, number) -> None:
        case = self.pick(number)
        decision = self.life.send(TimerFired(case=case.id, timer="tmr_gone", due=0))
        assert decision.reason.key == "timer.gone" and not decision.events

    # Devices.

    @rule(rule=st.sampled_from([*LOWER_RULES, "gas_ch4_low"]))
    def a_finding_is_raised(self, rule) -> None:
        self.life.now += 1
        before = {c.id: c for c in self.life.cases()}
        self.life.find(rule)
        shadow = self.life.policy.rules[rule].shadow
        # Joined, or a new case: a finding that counts never gets lost, and one in shadow opens nothing.
        made = list(self.life.findings)[-1]
        assert shadow or any(made in c.seen for c in self.life.cases())
        assert not shadow or {c.id: c for c in self.life.cases()} == before

    @precondition(lambda self: self.life.findings)
    @rule(
        number=st.integers(0, 5),
        how=st.sampled_from(["revised", "retracted", "ended", "ended", "reopened", "settled", "dropped"]),
    )
    def a_finding_changes(self, number, how) -> None:
        known = list(self.life.findings)
        before = len(self.life.cases())
        self.life.change(known[number % len(known)], how)
        assert how == "reopened" or len(self.life.cases()) == before

    @rule(number=st.integers(0, 3), outcome=st.sampled_from(Outcome))
    def a_delivery_is_reported(self, number, outcome) -> None:
        case = self.pick(number)
        order = next(iter(case.orders))
        self.life.send(
            DeliveryReported(
                case=case.id,
                order=order,
                attempt="dlv",
                number=1,
                recipient="p",
                channel="file",
                outcome=outcome,
            )
        )
        assert self.life.again(case).version == case.version

    # What always holds.

    @invariant()
    def states_are_sound(self) -> None:
        if hasattr(self, "life"):
            for case in self.life.cases():
                self.sound(case)

    def sound(self, case: CaseState) -> None:
        live = [o for o in case.orders.values() if o.status in LIVE]
        pending = Counter(s.action for o in live for s in o.steps if s.action not in o.done)
        assert all(count == 1 for count in pending.values()), "two live orders for one step"
        running = [c for c in case.clocks.values() if c.stopped is None]
        assert all(count == 1 for count in Counter(c.clause for c in running).values()), "a clause runs twice"
        for clock in running:
            assert case.orders[clock.order].status in LIVE
            assert clock.action not in case.orders[clock.order].done
            assert clock.due == clock.started + clock.limit_us + clock.paused_us
        for timer in case.timers.values():
            clock = case.clocks[timer.clock]
            assert clock.stopped is None
            before = clock.paused_at is not None and timer.due <= clock.paused_at
            assert (timer.moment == "pause_end") == (clock.paused_at is not None) or before
        for clock in case.clocks.values():
            assert sum(clock.charges.values()) == clock.paused_us
        if not case.over:
            assert live, "nobody has anything to do"
        if case.over:
            assert all(s.action in AFTER for o in live for s in o.steps if s.action not in o.done)
            assert all(c.action in AFTER for c in running)
        if case.stage == CaseStage.ARCHIVED:
            rows = self.life.policy.routing.steps(case.hazard, case.level)
            reports = case.verdict not in FALSE and Action.DISPOSAL_REPORT in {row.action for row in rows}
            assert {*pending} == ({Action.DISPOSAL_REPORT} if reports else set())
            assert {c.action for c in running} <= {*pending}
        if case.stage == CaseStage.REPORTED:
            assert not live and not running and not case.timers
        if case.over and case.verdict not in FALSE:
            wanted = {r.action for r in self.life.policy.routing.steps(case.hazard, case.level)}
            assert {Action.HANDLE, Action.FEED_BACK} & wanted <= set(case.done)
            assert Action.REVIEW not in wanted or case.reviewed is True
            self.independent(case)
        assert set(case.findings) <= set(case.seen)

    def independent(self, case: CaseState) -> None:
        events = self.life.of(*CASE_EVENTS, case=case)
        passed = [e for e in events if isinstance(e, CaseReviewed) and e.passed]
        acts = [e for e in events if isinstance(e, StepDone)]
        handled = {
            e.person
            for e in acts
            if e.action in (Action.ARRIVE, Action.CHECK, Action.HANDLE, Action.FEED_BACK)
        }
        assert not passed or passed[-1].person not in handled

    def teardown(self) -> None:
        if not hasattr(self, "life"):
            return
        for case in self.life.cases():
            self.life.finish(case)
        self.states_are_sound()
        for made in self.life.made:
            key = made.decision.reason.key
            assert key in sentences("zh") and key in sentences("en"), f"no words for {key}"
            for effect in made.decision.effects:
                assert effect.template in sentences("zh") and effect.template in sentences("en")
            for event in made.decision.events:
                record_event(event)


class RoughLife(CaseLife):
    policy = staticmethod(rough_policy)


_settings = settings(
    max_examples=200,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)
CaseLife.TestCase.settings = _settings
RoughLife.TestCase.settings = _settings
TestCaseLife = CaseLife.TestCase
TestRoughLife = RoughLife.TestCase


@pytest.mark.parametrize("mode", [Mode.REAL, Mode.DRILL])
def test_ids_of_a_drill_and_of_the_real_thing_never_meet(mode: Mode) -> None:
    other = make_policy(mode=Mode.TEST)
    real = make_policy(mode=mode)
    lives = Life(real), Life(other)
    for life in lives:
        life.find()
        life.finish(life.case)
    assert not lives[0].orders.keys() & lives[1].orders.keys()
    assert lives[0].case.id != lives[1].case.id
