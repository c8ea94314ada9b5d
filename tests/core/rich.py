"""A mechanism that uses every kind of row that a case can meet, over the demonstration's own.

Two linked orders beside the main line (one with steps that wait for an earlier one to fail), calls that go
on until somebody answers, transfers with and without approval, reviews of every second closure.
"""

from __future__ import annotations

from typing import Any

import msgspec

from liandong.core.mechanism.policy import Policy
from liandong.core.mechanism.sampling import draw
from liandong.core.values.decision import Decision
from liandong.core.values.document import Mechanism
from liandong.core.values.lists import Action, Cause, ClockOrigin, EscalationKind
from liandong.core.values.rows import EscalationRow, StepRow, TransferRow, VerificationRow
from liandong.core.values.times import HOUR, MINUTE
from tests.core.world import CENTRE, HIGH, MEDIUM, UP_TO_PUSH, Life, folder, make_policy

A, K = Action, EscalationKind

LINES = (
    ("roads", 3, A.ACKNOWLEDGE, "unit:housing", 600.0, ""),
    ("roads", 4, A.HANDLE, "unit:housing", 3600.0, ""),
    ("roads", 5, A.FEED_BACK, "unit:housing", None, ""),
    ("pavement", 3, A.SELF_CORRECT, "lead", 900.0, ""),
    ("pavement", 4, A.PERSUADE, "unit:fire", None, A.SELF_CORRECT),
    ("pavement", 5, A.ENFORCE, "unit:housing", None, A.PERSUADE),
)
TRANSFERS = (
    (A.RETURN, "holder", dict(decides="unit:emergency", limit_s=1800.0)),
    (A.HAND_OVER, "holder", dict(at_most=3)),
    (A.EXTEND, "holder", dict(approver="unit:emergency", longest_s=7200.0, at_most=2, limit_s=3600.0)),
    (A.DEFER, "lead", dict(approver="unit:emergency", longest_s=36000.0, at_most=1)),
    (A.TAKE_OVER, "superior", {}),
    (A.CANCEL, "centre", dict(approver="unit:emergency")),
    (A.UNDO, "holder", {}),
    (A.URGE, "centre", {}),
    (A.URGE, "supervise", {}),
    (A.SUPERVISE, "superior", {}),
    (A.SUPERVISE, "unit:government", {}),
    (A.ASK_HELP, "holder", dict(limit_s=600.0)),
    (A.MERGE, "centre", {}),
    (A.SPLIT, "centre", dict(at_most=2)),
)
MOMENTS = (
    (A.ACKNOWLEDGE, K.CALL, "actor", dict(no_answer_s=120.0, repeat_s=60.0, repeats=3)),
    (A.ACKNOWLEDGE, K.NOTIFY, "leader", dict(no_answer_s=900.0)),
    (A.DECIDE_DUTY, K.CALL, "leader", dict(fraction=1.0, repeat_s=300.0, repeats=2)),
    (A.REVIEW, K.REMIND, "actor", dict(after_s=3600.0)),
    (A.REVIEW, K.CALL, "leader", dict(after_s=7200.0, repeat_s=600.0, repeats=2)),
    (A.REVIEW, K.TAKE_OVER, "unit:government", dict(after_s=36000.0)),
)


def rich_mechanism() -> Mechanism:
    demo = folder().mechanism
    return msgspec.structs.replace(
        demo,
        steps=(
            *demo.steps,
            *(
                StepRow(
                    key=f"{line}.{action}", flow="*", order=order, action=action, role=role, line=line,
                    limit_s=limit, origin=ClockOrigin.ISSUED, after_failed=after,
                )
                for line, order, action, role, limit, after in LINES
            ),
        ),
        escalations=(
            *(row for row in demo.escalations if (row.action, row.kind) not in {m[:2] for m in MOMENTS}),
            *(
                EscalationRow(
                    key=f"{action}.{kind}.rich", flow="*", action=action, kind=kind, role=role, **how
                )
                for action, kind, role, how in MOMENTS
            ),
        ),
        transfers=tuple(
            TransferRow(key=f"{action}.{role}", flow="*", action=action, role=role, **more)
            for action, role, more in TRANSFERS
        ),
        verifications=(
            VerificationRow(key="half", flow="*", rate=0.5, raised_rate=1.0),
            VerificationRow(key="false", flow="*", rate=0.5, causes=(Cause.FALSE_RULE,)),
        ),
    )  # fmt: skip


def rich_policy(**more: Any) -> Policy:
    return make_policy(mechanism=rich_mechanism(), **more)


def done(decision: Decision) -> None:
    assert not decision.refused, decision.reason


def rich_life() -> Life:
    """One life in which everything that the rows allow beside the steps happens at least once."""
    life = Life(rich_policy(seed=seed_that(drawn=True)))
    life.find(MEDIUM)
    life.do(*UP_TO_PUSH)
    life.wait(3 * MINUTE)  # nobody has signed for it: rung
    lead = next(order for order in life.live() if order.role == "lead" and not order.line)
    done(life.act(A.ANSWER_CALL, as_=lead))
    life.do(A.ACKNOWLEDGE, as_=lead, order=lead.id)
    done(life.act(A.UNDO, as_=lead, reason="mistaken", order=lead.id))
    life.do(A.ACKNOWLEDGE, as_=lead, order=lead.id)
    done(life.act(A.RETURN, as_=lead, reason="not_our_duty"))
    life.wait(HOUR)  # who decides is late, and rung until nobody answers
    life.act(
        A.DECIDE_DUTY, as_=life.case.order_for(A.DECIDE_DUTY, "duty.1"), to="unit:gas", reason="own_duty"
    )
    assert life.act(A.RETURN, as_=lead, reason="not_our_duty").refused
    for word, number in ((A.REFUSE, 1), (A.APPROVE, 2)):
        done(life.act(A.EXTEND, as_=lead, reason="needs_time", until=life.now + 2 * HOUR, order=lead.id))
        asked = life.case.order_for(A.APPROVE, f"request.{number}")
        done(life.act(word, as_=asked, reason="not_justified", order=asked.id))
    done(life.act(A.ASK_HELP, as_=lead, to="unit:fire", reason="beyond_means", order=lead.id))
    asked = life.case.order_for(A.ANSWER_HELP, "help.1")
    done(life.act(A.ANSWER_HELP, as_=asked, passed=True, order=asked.id))
    done(life.act(A.ASK_HELP, as_=lead, to="unit:housing", reason="beyond_means", order=lead.id))
    asked = life.case.order_for(A.ANSWER_HELP, "help.2")
    done(life.act(A.ANSWER_HELP, as_=asked, passed=False, reason="unsafe", order=asked.id))
    done(life.act(A.URGE, as_=CENTRE, order=lead.id))
    done(life.act(A.SUPERVISE, as_="post:government.duty", reason="grave", order=lead.id))
    done(life.act(A.DEFER, as_=lead, reason="needs_material", until=life.now + 9 * HOUR))
    asked = life.case.order_for(A.APPROVE, "request.3")
    done(life.act(A.APPROVE, as_=asked, order=asked.id))
    life.wait(10 * HOUR)  # the review date comes
    done(life.act(A.SPLIT, as_=CENTRE, reason="several_matters", to="unit:fire"))
    parent, child = life.cases()[-2:]
    done(life.act(A.CANCEL, child, as_=CENTRE, reason="no_longer_needed"))
    asked = life.again(child).order_for(A.APPROVE, "request.1")
    done(life.act(A.APPROVE, child, as_=asked, order=asked.id))
    life.find(HIGH, channel=1)
    other = life.case
    done(life.act(A.MERGE, other, as_=CENTRE, to=parent.id, reason="same_event"))
    life.change(list(life.findings)[-1], "ended")  # told to the case that follows it now
    lead = next(o for o in life.live(parent) if o.role == "lead" and not o.line)
    done(life.act(A.TAKE_OVER, parent, as_="post:government.duty", reason="not_answered", order=lead.id))
    life.finish(parent)
    return life


def seed_that(drawn: bool) -> str:
    """A seed under which the closure of the first case is reviewed, or is not."""
    life = Life(rich_policy())
    life.find(MEDIUM)
    seeds = (str(number) for number in range(100))
    return next(s for s in seeds if (draw(s, life.policy.city.key, life.case.id) < 0.5) == drawn)
