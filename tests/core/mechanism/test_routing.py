"""Which row speaks: level before flow, and never the order in which rows stand."""

from __future__ import annotations

from itertools import pairwise, permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liandong.core.mechanism.routing import Routing
from liandong.core.values.lists import Action, EscalationKind, Participation
from liandong.core.values.rows import EscalationRow, GradingRow, Mechanism, PauseRow, RoleRow, StepRow
from tests.core.world import folder


def step(
    flow: str, level: str, action: Action = Action.JUDGE, order: int = 1, role: str = "centre"
) -> StepRow:
    return StepRow(
        key=f"{flow}.{level}.{action}", flow=flow, level=level, order=order, action=action, role=role
    )


FOUR = (step("*", "*"), step("gas", "*"), step("*", "II"), step("gas", "II"))


@pytest.mark.parametrize("rows", list(permutations(FOUR)))
def test_the_most_specific_step_wins_whatever_the_order(rows):
    routing = Routing(Mechanism(key="m", steps=rows))
    wanted = {("gas", "II"): "gas.II", ("fire", "II"): "*.II", ("gas", "I"): "gas.*", ("fire", "I"): "*.*"}
    for (flow, level), key in wanted.items():
        (row,) = routing.steps(flow, level)
        assert row.key == f"{key}.judge"
    # Level before flow: without the exact row, the level's row beats the flow's.
    (row,) = Routing(Mechanism(key="m", steps=tuple(r for r in rows if r != FOUR[3]))).steps("gas", "II")
    assert row.key == "*.II.judge"


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["*", "gas"]),
            st.sampled_from(["*", "I", "II"]),
            st.sampled_from(list(Action)[:4]),
            st.integers(1, 4),
            st.sampled_from("abc"),
        ),
        max_size=12,
    )
)
def test_steps_equal_a_slow_reading_of_the_rows(made):
    rows = {(f, lv, a): step(f, lv, a, order, role) for f, lv, a, order, role in made}
    routing = Routing(Mechanism(key="m", steps=tuple(rows.values())))
    for level in ("I", "II"):
        wanted = []
        for action in Action:
            order = [("gas", level), ("*", level), ("gas", "*"), ("*", "*")]
            found = [rows[f, lv, action] for f, lv in order if (f, lv, action) in rows]
            wanted += found[:1]
        wanted.sort(key=lambda row: (row.order, row.key))
        assert list(routing.steps("gas", level)) == wanted
        # Assignments are the same steps, cut where the role changes.
        parts = routing.assignments("gas", level)
        assert [row for _, some in parts for row in some] == wanted
        assert all(row.role == role for role, some in parts for row in some)
        assert all(left[0] != right[0] for left, right in pairwise(parts))


def test_a_role_that_acts_twice_gets_two_orders():
    rows = [
        (Action.JUDGE, "centre"),
        (Action.PUSH, "centre"),
        (Action.HANDLE, "lead"),
        (Action.CLOSE, "centre"),
    ]
    routing = Routing(
        Mechanism(key="m", steps=tuple(step("*", "*", a, n, r) for n, (a, r) in enumerate(rows)))
    )
    assert [(role, len(some)) for role, some in routing.assignments("x", "I")] == [
        ("centre", 2),
        ("lead", 1),
        ("centre", 1),
    ]


def test_roles_grades_pauses_and_escalations():
    lead = [
        RoleRow(key=f"{f}.{lv}", flow=f, level=lv, part=Participation.LEAD, role="r")
        for f in ("*", "gas")
        for lv in ("*", "I")
    ]
    grade = [GradingRow(key=f, flow=f, severity="high", level="I") for f in ("*", "gas")]
    pause = [
        PauseRow(key=f, flow=f, reason="rain", actions=(Action.HANDLE,), charged_to="c", longest_s=1)
        for f in ("gas", "*")
    ]
    urge = [
        EscalationRow(
            key=f"{f}.{k}", flow=f, level="*", action=Action.HANDLE, fraction=x, kind=k, role="actor"
        )
        for f in ("*", "gas")
        for k, x in ((EscalationKind.URGE, 0.8), (EscalationKind.REMIND, 0.5))
    ]
    routing = Routing(
        Mechanism(
            key="m", roles=tuple(lead), grading=tuple(grade), pauses=tuple(pause), escalations=tuple(urge)
        )
    )
    assert routing.role("gas", "I", Participation.LEAD).key == "gas.I"
    assert routing.role("gas", "II", Participation.LEAD).key == "gas.*"
    assert routing.role("fire", "I", Participation.LEAD).key == "*.I"
    assert routing.role("gas", "I", Participation.VERIFY) is None
    assert len(routing.parts("gas", "I", Participation.LEAD)) == 4
    assert [routing.grade(f, "high").key for f in ("gas", "fire")] == ["gas", "*"]
    assert routing.grade("gas", "low") is None
    assert [routing.pause(f, "rain", Action.HANDLE).key for f in ("gas", "fire")] == ["gas", "*"]
    assert routing.pause("gas", "rain", Action.ARRIVE) is None is routing.pause("gas", "sun", Action.HANDLE)
    assert [r.key for r in routing.escalations("gas", "I", Action.HANDLE)] == ["gas.remind", "gas.urge"]
    assert not routing.escalations("gas", "I", Action.JUDGE)
    assert routing.step("no") is None is routing.escalation("no")


def test_every_cell_of_the_demonstration_has_a_lead_and_an_end():
    routing = Routing(folder().mechanism)
    for hazard in {rule.hazard for rule in folder().rules}:
        for level in ("IV", "III", "II", "I"):
            assert routing.role(hazard, level, Participation.LEAD)
            assert [row.action for row in routing.steps(hazard, level)][-2:] == [Action.CLOSE, Action.ARCHIVE]
