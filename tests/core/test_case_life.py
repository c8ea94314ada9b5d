"""A case's life under anything that people, devices and the clock may do to it.

Random people with right and wrong posts, stale and current versions; findings that come, change and
go; ticks that are in time, late or missing. A small model says what is allowed; the invariants hold
after every step; and from wherever a run ends, the case can still be brought to the archive.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import cache

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from liandong.core.mechanism.policy import Policy
from liandong.core.values.case import LIVE, CaseState, Timer
from liandong.core.values.case_events import CaseReviewed, OrderStatusChanged, StepDone
from liandong.core.values.case_fold import CASE_EVENTS
from liandong.core.values.duty_events import DutyAsked, DutyDecided
from liandong.core.values.events import AGGREGATES, evolve, kind_of, read_event, record_event
from liandong.core.values.lists import Action, CaseStage, Cause, Mode, OrderStatus, Outcome, Verdict
from liandong.core.values.messages import DeliveryReported, TimerFired
from liandong.core.values.times import HOUR, MINUTE
from liandong.texts import sentences
from tests.core.model import AFTER, FALSE, WORDS, allows
from tests.core.rough import rough_mechanism
from tests.core.world import (
    CENTRE,
    GAS,
    HIGH,
    LEADER,
    MEDIUM,
    REVIEWER,
    Life,
    demo_policy,
    make_policy,
    persons_of,
)

#: Put on record beside the steps; they have tests of their own.
RECORDS = (Action.NOTE, Action.CALL, Action.REPORT)
POSTS = (CENTRE, GAS, REVIEWER, LEADER, "post:fire.duty", "post:housing.leader", "post:operator", "")
UNITS = ("", "unit:gas", "unit:fire", "unit:emergency_east", "unit:centre", "unit:government", "unit:nobody")
LOWER_RULES = (MEDIUM, HIGH)
#: Acts that only a row allows.
BY_ROW = (
    Action.EXTEND, Action.DEFER, Action.TAKE_OVER, Action.CANCEL, Action.SUPERVISE, Action.ASK_HELP,
    Action.MERGE, Action.SPLIT,
)  # fmt: skip


@cache
def rough_policy() -> Policy:
    return make_policy(mechanism=rough_mechanism())


def _of_work(timers: dict[str, Timer]) -> dict[str, Timer]:
    return {id: timer for id, timer in timers.items() if not timer.clock.startswith("report:")}


class CaseLife(RuleBasedStateMachine):
    policy = staticmethod(demo_policy)

    @initialize(rule=st.sampled_from(LOWER_RULES), seed=st.sampled_from(["", "a", "b", "c"]))
    def first_finding(self, rule: str, seed: str) -> None:
        self.life = Life(replace(self.policy(), seed=seed))
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
            "order": order.id,
        }
        if step.action == Action.DECIDE_DUTY:
            asked = case.questions[order.line].unit
            fields |= {"to": data.draw(st.sampled_from([asked, asked, *UNITS])), "reason": "own_duty"}
        elif step.action == Action.ANSWER_HELP:
            fields["reason"] = data.draw(st.sampled_from(["", "unsafe", "no_wish"]))
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
            "until": data.draw(st.sampled_from([None, 0, self.life.now + HOUR, self.life.now + 30 * HOUR])),
            "order": data.draw(st.sampled_from(["", "", "ord_nobody", *case.orders])),
            "persons": data.draw(st.sampled_from([(), (), tuple(people[:2])])),
            "findings": data.draw(st.sampled_from([(), (), tuple(case.findings), ("fnd_nobody",)])),
        }
        self.check(case, action, people[who % len(people)], post, fields)

    @rule(
        number=st.integers(0, 3),
        action=st.sampled_from(
            [Action.RETURN, Action.HAND_OVER, Action.PAUSE, Action.RESUME, Action.UNDO, Action.URGE, *BY_ROW]
        ),
        who=st.integers(0, 3),
        until=st.sampled_from([MINUTE, HOUR, 3 * HOUR, 9 * HOUR]),
    )
    def the_holder_of_an_order_does_not_go_by_the_book(self, number, action, who, until) -> None:
        case = self.pick(number)
        live = self.life.live(case)
        if live:
            order = live[who % len(live)]
            here = persons_of(self.life.policy.city.city, order.post, self.life.now)
            fields = {"reason": "road_closure", "to": here[who % len(here)], "until": self.life.now + until}
            if action == Action.ASK_HELP:
                fields["to"] = UNITS[1 + who]
            elif action == Action.SPLIT:
                fields["to"] = UNITS[who % 2]
            elif action == Action.MERGE:
                fields["to"] = self.pick(number + 1).id
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
        assert (after.stage, after.orders, after.clocks) == (case.stage, case.orders, case.clocks)
        # A report has a clock of its own, and only that one moves.
        assert _of_work(after.timers) == _of_work(case.timers)
        sent = sum(report.versions for report in after.reports.values())
        assert 0 <= after.calls - case.calls <= 1
        assert 0 <= sent - sum(report.versions for report in case.reports.values()) <= 1

    def check(self, case: CaseState, action: Action, person: str, post: str, fields: dict) -> None:
        fields = {"version": case.version, "evidence": ("sha:1",), "level": "", "verdict": "", **fields}
        fields = {"to": "", "passed": None, "cause": "", "reason": "", **fields}
        fields = {"text": None, "number": None, "answered": None, "kind": "", "order": "", **fields}
        fields = {"until": None, "persons": (), "findings": (), **fields}
        wanted = allows(self.life, case, action, person, post, fields)
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

    @rule()
    def the_process_is_killed_and_starts_again(self) -> None:
        """Nothing but the events is left: the states, with every timer, are what they were."""
        for stream, events in self.life.events.items():
            state = AGGREGATES[kind_of(stream)][0]
            for event in events:
                state = evolve(stream, state, read_event(record_event(event)))
            assert state == self.life.states[stream]
            self.life.states[stream] = state

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
        lines = {(o.line, s.action) for o in live for s in o.steps if s.action not in o.done}
        pending = Counter((o.line, s.action) for o in live for s in o.steps if s.action not in o.done)
        assert all(count == 1 for count in pending.values()), "two live orders for one step"
        running = [c for c in case.clocks.values() if c.stopped is None]
        clauses = Counter((case.orders[c.order].line, c.clause) for c in running)
        assert all(count == 1 for count in clauses.values()), "a clause runs twice"
        for clock in running:
            assert case.orders[clock.order].status in LIVE
            assert clock.action not in case.orders[clock.order].done
            assert clock.due == clock.started + clock.limit_us + clock.paused_us + clock.extended_us
        for timer in case.timers.values():
            self.timer_is_waited_for(case, timer)
        for clock in case.clocks.values():
            assert sum(clock.charges.values()) == clock.paused_us
        if not case.over:
            assert live, "nobody has anything to do"
        if case.over:
            assert all(not line and action in AFTER for line, action in lines)
            assert all(c.action in AFTER for c in running)
            assert not case.ringing and not case.deferred
        if case.stage == CaseStage.ARCHIVED:
            rows = self.life.policy.routing.steps(case.hazard, case.level)
            reports = case.verdict not in FALSE and Action.DISPOSAL_REPORT in {row.action for row in rows}
            assert {action for _, action in pending} == ({Action.DISPOSAL_REPORT} if reports else set())
            assert {c.action for c in running} <= {action for _, action in pending}
        if case.stage in (CaseStage.REPORTED, CaseStage.CANCELLED):
            assert not live and not running
            assert all(timer.clock.startswith("report:") for timer in case.timers.values())
        if case.over and case.verdict not in FALSE and not case.merged_into:
            self.proven(case)
        assert set(case.findings) <= set(case.seen)
        self.nobody_is_asked_twice(case)
        self.who_was_taken_over_from_can_do_nothing(case)

    def timer_is_waited_for(self, case: CaseState, timer: Timer) -> None:
        """No timer belongs to a clock that stands, or to an order that nobody holds."""
        if timer.clock == "case":
            assert case.deferred == timer.due
            return
        if timer.clock.startswith("report:"):
            assert timer.clock.removeprefix("report:") in case.reports
            return
        if timer.clock not in case.clocks:
            assert case.orders[timer.clock.partition("/")[0]].status in LIVE
            return
        clock = case.clocks[timer.clock]
        assert clock.stopped is None
        before = clock.paused_at is not None and timer.due <= clock.paused_at
        assert (timer.moment == "pause_end") == (clock.paused_at is not None) or before

    def proven(self, case: CaseState) -> None:
        if case.stage == CaseStage.CANCELLED:
            return
        wanted = {r.action for r in self.life.policy.routing.steps(case.hazard, case.level)}
        assert {Action.HANDLE, Action.FEED_BACK} & wanted <= set(case.done)
        assert Action.REVIEW not in wanted or case.reviewed is True or case.drawn is False
        for line, rows in self.life.policy.routing.lines(case.hazard, case.level).items():
            todo = {row.action for row in rows if not row.after_failed}
            assert todo <= set(case.line_done.get(line, {})), f"closed while {line} goes on"
        self.independent(case)

    def nobody_is_asked_twice(self, case: CaseState) -> None:
        lines: dict[str, str] = {}
        decided: set[tuple[str, str]] = set()
        freed: set[tuple[str, str]] = set()
        for event in self.life.of(DutyAsked, DutyDecided, case=case):
            if isinstance(event, DutyAsked):
                assert (event.line, event.unit) not in decided, "asked again after it was decided"
                lines[event.question] = event.line
                continue
            line = lines[event.question]
            assert (line, event.unit) not in freed - {(line, event.asked)}, "given to whose duty it is not"
            decided |= {(line, event.asked), (line, event.unit)}
            freed |= {(line, event.asked)} if event.unit != event.asked else set()
        leads = {o.unit for o in case.orders.values() if o.status in LIVE and o.role == "lead" and not o.line}
        assert not {("", unit) for unit in leads} & freed, "a unit leads whose duty it was decided not to be"

    def who_was_taken_over_from_can_do_nothing(self, case: CaseState) -> None:
        ended: set[str] = set()
        for event in self.life.of(OrderStatusChanged, StepDone, case=case):
            if isinstance(event, StepDone):
                assert event.order not in ended, "an order that had ended was acted on"
            elif event.status not in (OrderStatus.ISSUED, OrderStatus.ACTIVE):
                ended.add(event.order)

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
    max_examples=60,
    derandomize=True,  # the same lives every time: whoever changes the rules looks for others
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
