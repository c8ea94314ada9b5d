"""A supplement fills what a document leaves open, and changes nothing that it says."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liandong.core.mechanism.routing import Routing
from liandong.core.mechanism.supplement import Overruled, merge
from liandong.core.values.lists import Action, ClockOrigin, EscalationKind, Participation, Provenance
from liandong.core.values.rows import (
    ContactRow,
    EscalationRow,
    FlowRow,
    GradingRow,
    Mechanism,
    RoleRow,
    StepRow,
)

SOURCE, ASSUMED, UNSET = Provenance.SOURCE, Provenance.ASSUMED, Provenance.UNSET
LEAD, INFORM = Participation.LEAD, Participation.INFORM
replace = msgspec.structs.replace


def step(key: str, limit: float | None = None, provenance: Provenance = ASSUMED, **more: Any) -> StepRow:
    given_ = {"flow": "*", "level": "III", "order": 1, "action": Action.JUDGE, "role": "centre"} | more
    return StepRow(key=key, limit_s=limit, provenance=provenance, **given_)


def role(
    key: str, flow: str, level: str, who: str, provenance: Provenance = ASSUMED, part: Any = LEAD
) -> RoleRow:
    return RoleRow(key=key, flow=flow, level=level, part=part, role=who, provenance=provenance)


def both(source: dict[str, Any], supplement: dict[str, Any]) -> tuple[Mechanism, tuple[Overruled, ...]]:
    return merge(Mechanism(key="s", **source), Mechanism(key="x", **supplement))


def test_an_unset_limit_is_filled_and_becomes_ours():
    merged, refused = both({"steps": (step("a", None, UNSET, place="II"),)}, {"steps": (step("a", 600.0),)})
    assert not refused
    assert merged.steps == (step("a", 600.0, ASSUMED, place="II"),)


def test_an_origin_that_is_not_stated_is_filled_and_the_limit_stays_the_documents():
    said, ours = step("a", 3600.0, SOURCE), step("a", None, origin=ClockOrigin.PUSHED, evidence=True)
    merged, refused = both({"steps": (said,)}, {"steps": (ours,)})
    assert not refused
    assert merged.steps == (replace(said, origin=ClockOrigin.PUSHED, evidence=True),)
    assert merged.steps[0].provenance == SOURCE


@pytest.mark.parametrize(
    ("said", "ours"),
    [
        (step("a", 3600.0, SOURCE), step("a", 60.0)),
        (step("a", 3600.0, SOURCE), step("a", None, role="lead")),
        (step("a", 3600.0, SOURCE, origin_stated=True), step("a", None, origin=ClockOrigin.PUSHED)),
        (step("a", None, UNSET), step("a", 60.0, origin_stated=True)),
        (step("a", 3600.0, SOURCE), step("b", 60.0)),
        (step("a", 3600.0, SOURCE), step("b", 60.0, flow="gas")),
        (step("a", 3600.0, SOURCE, level="*"), step("b", 60.0)),
    ],
)
def test_what_the_document_says_of_a_step_stands(said: StepRow, ours: StepRow):
    merged, refused = both({"steps": (said,)}, {"steps": (ours,)})
    assert refused == (Overruled(table="steps", key=ours.key, by="a"),)
    assert merged.steps == (said,)


def test_a_step_may_stand_beside_where_the_documents_row_wins():
    said = step("a", 3600.0, SOURCE, flow="gas")
    for ours in (
        step("b", 60.0),
        step("b", 60.0, flow="gas", level="*"),
        step("b", 60.0, action=Action.PUSH),
    ):
        merged, refused = both({"steps": (said,)}, {"steps": (ours,)})
        assert not refused and merged.steps == (said, ours)
        assert Routing(merged).steps("gas", "III")[0] == said


@pytest.mark.parametrize(
    ("ours", "stands"),
    [
        (role("b", "*", "*", "owner"), True),
        (role("b", "drainage", "II", "owner"), False),
        (role("b", "waterlogging", "*", "owner"), False),
        (role("b", "*", "II", "owner"), False),
        (role("b", "gas", "*", "owner"), True),
        (role("b", "drainage", "*", "owner", part=INFORM), True),
    ],
)
def test_a_lead_of_ours_may_not_displace_the_documents(ours: RoleRow, stands: bool):
    flows = (FlowRow(key="drainage", hazards=("waterlogging",)),)
    said = role("a", "drainage", "*", "city:drainage", SOURCE)
    _, refused = both({"flows": flows, "roles": (said,)}, {"roles": (ours,)})
    assert (not refused) == stands


def test_hazards_of_a_flow_are_ours_and_the_flow_stays_the_documents():
    said, ours = (
        FlowRow(key="gas", title_zh="燃气", provenance=SOURCE),
        FlowRow(key="gas", hazards=("gas_leak",)),
    )
    merged, refused = both({"flows": (said,)}, {"flows": (ours,)})
    assert not refused and merged.flows == (replace(said, hazards=("gas_leak",)),)
    _, refused = both({"flows": (said,)}, {"flows": (replace(ours, title_zh="天然气"),)})
    assert refused == (Overruled(table="flows", key="gas", by="gas"),)


def test_an_unnamed_verifier_and_an_unnamed_contact_are_filled():
    verify = RoleRow(key="v", flow="*", level="*", part=Participation.VERIFY, provenance=UNSET)
    contact = ContactRow(key="c", flow="gas", role="lead", provenance=UNSET)
    merged, refused = both(
        {"roles": (verify,), "contacts": (contact,)},
        {"roles": (replace(verify, role="city:emergency"),), "contacts": (replace(contact, post="post:a"),)},
    )
    assert not refused
    assert merged.roles[0].role == "city:emergency" and merged.roles[0].provenance == ASSUMED
    assert merged.contacts[0].post == "post:a"


def test_escalations_and_grading_of_ours_stand_where_the_document_has_none():
    ladder = EscalationRow(
        key="e",
        flow="*",
        level="*",
        action=Action.JUDGE,
        fraction=1.0,
        kind=EscalationKind.URGE,
        role="leader",
    )
    grade = GradingRow(key="g", flow="*", severity="low", level="IV")
    merged, refused = both({}, {"escalations": (ladder,), "grading": (grade,)})
    assert not refused and merged.escalations == (ladder,) and merged.grading == (grade,)
    said = replace(grade, key="s", level="III", provenance=SOURCE)
    assert both({"grading": (said,)}, {"grading": (grade,)})[1] == (
        Overruled(table="grading", key="g", by="s"),
    )


LEVELS = st.sampled_from(["*", "III", "II"])
FLOWS = st.sampled_from(["*", "gas", "gas_leak", "water"])


@given(
    st.lists(st.tuples(FLOWS, LEVELS, st.booleans()), max_size=5),
    st.lists(st.tuples(FLOWS, LEVELS), max_size=5),
)
def test_with_any_supplement_the_document_answers_as_before_wherever_it_speaks(source, supplement):
    flows = (FlowRow(key="gas", hazards=("gas_leak",)),)
    said = tuple(
        role(f"s{n}", flow, level, f"unit:s{n}" if stated else "", SOURCE if stated else UNSET)
        for n, (flow, level, stated) in enumerate(source)
    )
    ours = tuple(role(f"x{n}", flow, level, f"unit:x{n}") for n, (flow, level) in enumerate(supplement))
    alone = Routing(Mechanism(key="s", flows=flows, roles=said))
    merged = Routing(both({"flows": flows, "roles": said}, {"roles": ours})[0])
    for hazard in ("gas_leak", "gas", "water", "fire"):
        for level in ("III", "II", "I"):
            before = alone.role(hazard, level, LEAD)
            assert before is None or merged.role(hazard, level, LEAD) == before
