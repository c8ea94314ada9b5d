"""A period: what is late counts as late whether done or not, and what is undecided is said so."""

from __future__ import annotations

from liandong.core.evaluate.period import clause_lines, evaluate, rule_lines, timed_of
from liandong.core.values.lists import Action, Cause, Mode
from liandong.core.values.score import CaseScored, ScoreState
from liandong.core.values.times import HOUR, MINUTE
from tests.core.world import ALL, START, UP_TO_PUSH, Life, opened

FAR = START + 1000 * HOUR


def scores(life: Life) -> list[CaseScored]:
    return [s.score for s in life.states.values() if isinstance(s, ScoreState) and s.score is not None]


def of(life: Life, since: int = 0, until: int = FAR, mode: Mode = Mode.REAL):
    return evaluate(life.cases(), scores(life), since, until, mode)


def line(period, action: Action):
    (found,) = [one for one in period.clauses if one.action == action]
    return found


def test_a_case_in_time_is_one_of_one_and_the_interval_says_how_little_that_is():
    life = opened()
    life.do(*ALL)
    judged = line(of(life), Action.JUDGE)
    assert (judged.on_time.hits, judged.on_time.count, judged.undecided) == (1, 1, 0)
    assert judged.on_time.low is not None and judged.on_time.low < 0.25
    assert (judged.curve.events, judged.curve.censored) == (1, 0)


def test_an_open_order_is_undecided_until_it_is_late():
    life = opened()
    life.do(*UP_TO_PUSH)
    early = line(of(life, until=life.now + 10 * MINUTE), Action.ARRIVE)
    assert (early.on_time.count, early.undecided, early.curve.censored) == (0, 1, 1)
    late = line(of(life, until=life.now + 3 * HOUR), Action.ARRIVE)
    assert (late.on_time.hits, late.on_time.count, late.undecided) == (0, 1, 0)
    assert late.curve.median is None


def test_what_was_done_after_the_period_was_open_in_it():
    life = opened()
    life.do(*UP_TO_PUSH)
    end = life.now + 30 * MINUTE
    life.wait(HOUR)
    life.do(Action.ACKNOWLEDGE, Action.ARRIVE)
    then = line(of(life, until=end), Action.ARRIVE)
    assert (then.undecided, then.curve.events, then.curve.censored) == (1, 0, 1)
    assert line(of(life), Action.ARRIVE).curve.events == 1


def test_a_void_clock_says_nothing_about_anybody():
    life = opened()
    life.do(*UP_TO_PUSH)
    life.do(Action.ACKNOWLEDGE)
    before = {t.clause for t in timed_of(life.case, life.now)}
    life.act(Action.RETURN, reason="not_our_duty")
    asked = next(order for order in life.live() if order.line)
    life.act(Action.DECIDE_DUTY, as_=asked, to="unit:fire", reason="own_duty")
    void = {c.clause for c in life.case.clocks.values() if c.void}
    assert void and void <= before
    running = {c.clause for c in life.case.clocks.values() if not c.void}
    assert {t.clause for t in timed_of(life.case, life.now)} == running


def test_modes_and_periods_do_not_mix():
    life = opened()
    life.do(*ALL)
    assert of(life).opened == of(life).closed == 1
    assert of(life, mode=Mode.DRILL).opened == 0
    assert of(life, since=START + HOUR).opened == 0
    assert of(life, until=START).clauses == ()


def test_the_false_share_leaves_out_what_says_nothing():
    life = opened()
    life.do(*ALL)
    (one,) = scores(life)

    def with_cause(cause: Cause, real: bool | None) -> CaseScored:
        return CaseScored(
            **{f: getattr(one, f) for f in one.__struct_fields__ if f not in ("cause", "real")},
            cause=cause, real=real,
        )  # fmt: skip

    found = rule_lines(
        [
            one,
            with_cause(Cause.FALSE_BIOGAS, False),
            with_cause(Cause.FALSE_RULE, False),
            with_cause(Cause.DEVICE_FAULT, False),
            with_cause(Cause.TEST, None),
            with_cause(Cause.MAINTENANCE, None),
        ]
    )
    (rule,) = found
    # A device fault is not real, and not the rule's false alarm either.
    assert (rule.false.hits, rule.false.count) == (2, 4)
    assert sum(rule.causes.values()) == 6


def test_nothing_gives_nothing():
    period = evaluate([], [], 0, FAR, Mode.REAL)
    assert period.clauses == () and period.rules == () and period.opened == 0
    assert clause_lines([]) == ()
