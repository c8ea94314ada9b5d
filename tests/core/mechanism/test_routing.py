"""Which row speaks: the nearest flow, then the sentence, and never the order in which rows stand."""

from __future__ import annotations

from itertools import pairwise, permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liandong.core.mechanism.routing import NOWHERE, Routing
from liandong.core.values.document import Mechanism, PrecedenceRow
from liandong.core.values.lists import Action, EscalationKind, Participation
from liandong.core.values.rows import EscalationRow, GradingRow, PauseRow, RoleRow, StepRow
from tests.core.mechanism import slow
from tests.core.world import folder


def step(
    flow: str, level: str, action: Action = Action.JUDGE, order: int = 1, role: str = "centre"
) -> StepRow:
    return StepRow(
        key=f"{flow}.{level}.{action}", flow=flow, level=level, order=order, action=action, role=role
    )


LEVEL = (PrecedenceRow(key="sentence", axes=("level",)),)
FOUR = (step("*", "*"), step("gas", "*"), step("*", "II"), step("gas", "II"))


@pytest.mark.parametrize("rows", list(permutations(FOUR)))
def test_the_nearest_flow_speaks_whatever_the_order(rows):
    routing = Routing(Mechanism(key="m", steps=rows, precedence=LEVEL))
    wanted = {("gas", "II"): "gas.II", ("fire", "II"): "*.II", ("gas", "I"): "gas.*", ("fire", "I"): "*.*"}
    for (flow, level), key in wanted.items():
        (row,) = routing.steps(flow, level)
        assert row.key == f"{key}.judge"
    # Flow before level: a flow with rows of its own does not take over the wider flow's.
    rest = tuple(row for row in rows if row != FOUR[3])
    (row,) = Routing(Mechanism(key="m", steps=rest, precedence=LEVEL)).steps("gas", "II")
    assert row.key == "gas.*.judge"


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
    mechanism = Mechanism(key="m", steps=tuple(rows.values()), precedence=LEVEL)
    routing = Routing(mechanism)
    for level in ("I", "II"):
        wanted = []
        for action in Action:
            order = [("gas", level), ("gas", "*"), ("*", level), ("*", "*")]
            found = [rows[f, lv, action] for f, lv in order if (f, lv, action) in rows]
            wanted += found[:1]
            same = [row for row in mechanism.steps if row.action == action]
            assert slow.speaking(mechanism, None, same, "gas", level, NOWHERE) == {
                row.key for row in found[:1]
            }
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
            key="m",
            roles=tuple(lead),
            grading=tuple(grade),
            pauses=tuple(pause),
            escalations=tuple(urge),
            precedence=LEVEL,
        )
    )
    assert routing.role("gas", "I", Participation.LEAD).key == "gas.I"
    assert routing.role("gas", "II", Participation.LEAD).key == "gas.*"
    assert routing.role("fire", "I", Participation.LEAD).key == "*.I"
    assert routing.role("gas", "I", Participation.VERIFY) is None
    assert [row.key for row in routing.parts("gas", "I", Participation.LEAD)] == ["gas.I"]
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
