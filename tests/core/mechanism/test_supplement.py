"""A supplement fills what a document leaves open, and changes nothing that it says."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liandong.core.mechanism.routing import Routing, Situation
from liandong.core.mechanism.supplement import Overruled, include, merge
from liandong.core.values.authority_rows import WarningRow
from liandong.core.values.document import Mechanism, OverrideRow, PrecedenceRow, ScopeRow
from liandong.core.values.lists import Action, ClockOrigin, EscalationKind, Participation, Provenance
from liandong.core.values.rows import ContactRow, EscalationRow, FlowRow, GradingRow, RoleRow, StepRow

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
    sentence = PrecedenceRow(key="p", axes=("level",))
    for ours in (
        step("b", 60.0),
        step("b", 60.0, flow="gas", level="*"),
        step("b", 60.0, action=Action.PUSH),
    ):
        merged, refused = both({"steps": (said,)}, {"steps": (ours,), "precedence": (sentence,)})
        assert not refused and merged.steps == (said, ours)
        assert Routing(merged).steps("gas", "III")[0] == said


@pytest.mark.parametrize(
    ("ours", "stands"),
    [
        (role("b", "*", "*", "owner"), True),
        (role("b", "drainage", "II", "owner"), False),
        (role("b", "waterlogging", "*", "owner"), False),
        (role("b", "*", "II", "owner"), True),
        (role("b", "gas", "*", "owner"), True),
        (role("b", "drainage", "*", "owner", part=INFORM), True),
    ],
)
def test_a_lead_of_ours_may_not_displace_the_documents(ours: RoleRow, stands: bool):
    flows = (FlowRow(key="drainage", hazards=("waterlogging",)),)
    said = role("a", "drainage", "*", "city:drainage", SOURCE)
    _, refused = both({"flows": flows, "roles": (said,)}, {"roles": (ours,)})
    assert (not refused) == stands


def test_without_a_sentence_nobody_can_say_which_of_two_rows_of_a_flow_speaks():
    said, ours = step("a", 3600.0, SOURCE, flow="gas"), step("b", 60.0, flow="gas", level="*")
    assert both({"steps": (said,)}, {"steps": (ours,)})[1] == (Overruled(table="steps", key="b", by="a"),)
    apart = replace(ours, level="II;I")
    assert not both({"steps": (said,)}, {"steps": (apart,)})[1]


def test_a_row_of_ours_may_not_override_the_documents_by_name():
    said, ours = step("a", 3600.0, SOURCE), step("b", 60.0, level="*")
    sentence = PrecedenceRow(key="p", axes=("level",))
    over = OverrideRow(key="o", row="b", over="a")
    for table, supplement in (
        ("steps", {"steps": (replace(ours, overrides="a"),)}),
        ("overrides", {"steps": (ours,), "overrides": (over,)}),
    ):
        _, refused = both({"steps": (said,)}, {**supplement, "precedence": (sentence,)})
        assert refused == (Overruled(table=table, key=refused[0].key, by="a"),)
    free = replace(over, row="a", over="b")
    assert not both({"steps": (said,)}, {"steps": (ours,), "precedence": (sentence,), "overrides": (free,)})[
        1
    ]


@pytest.mark.parametrize(
    ("field", "value", "stands"),
    [("approver", "city:government", True), ("drafter", "city:fire", False), ("colour", "red", False)],
)
def test_of_a_warning_row_only_what_is_empty_is_filled(field: str, value: str, stands: bool):
    said = WarningRow(key="w", flow="flood", drafter="city:water", provenance=SOURCE)
    merged, refused = both({"warnings": (said,)}, {"warnings": (replace(said, **{field: value}),)})
    assert (not refused) == stands
    assert getattr(merged.warnings[0], field) == (value if stands else getattr(said, field))


def test_a_hazard_of_a_documents_flow_may_not_be_led_elsewhere():
    said = FlowRow(key="gas", hazards=("gas_leak",), provenance=SOURCE)
    ours = FlowRow(key="leak", hazards=("gas_leak",))
    assert both({"flows": (said,)}, {"flows": (ours,)})[1] == (
        Overruled(table="flows", key="leak", by="gas"),
    )


def test_an_included_default_holds_only_where_document_and_supplement_are_silent():
    sentence = PrecedenceRow(key="p", axes=("level",))
    source = Mechanism(key="s", steps=(step("a", 3600.0, SOURCE),))
    supplement = Mechanism(key="x", steps=(step("b", 60.0, level="II"),), precedence=(sentence,))
    default = Mechanism(
        key="law",
        steps=(
            step("l.III", 1.0, SOURCE),
            step("l.II", 2.0, SOURCE, level="II"),
            step("l.I", 3.0, level="I"),
        ),
        precedence=(PrecedenceRow(key="q", axes=("kind",)),),
        scope=(ScopeRow(key="all", flow="*"),),
    )
    filled = include(source, supplement, (default,))
    assert [row.key for row in filled.steps] == ["b", "l.I"]
    assert filled.precedence == (sentence,) and not filled.scope
    merged, refused = merge(source, filled)
    assert not refused and [row.key for row in merged.steps] == ["a", "b", "l.I"]
    assert include(source, filled, (default,)) == filled, "asked twice, the same"


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


BOXES = st.fixed_dictionaries(
    {
        "flow": FLOWS,
        "level": st.sampled_from(["*", "III", "II", "III;II"]),
        "kind": st.sampled_from(["*", "*", "pipe", "well"]),
        "phase": st.sampled_from(["*", "*", "respond"]),
        "hours": st.sampled_from(["*", "*", "22:00-06:00", "00:00-12:00"]),
        "overrides": st.sampled_from(["", "s0", "s1", "x0"]),
    }
)
SENTENCES = st.one_of(
    st.just(()),
    st.permutations(["phase", "calendar", "level", "kind"]).map(
        lambda axes: (PrecedenceRow(key="p", axes=tuple(axes)),)
    ),
)


def spoken(mechanism: Mechanism) -> dict[Any, tuple[str, ...]]:
    """Who leads in every cell, by the form that is proven and runs."""
    routing = Routing(mechanism)
    found = {}
    for hazard in ("gas_leak", "gas", "water", "fire"):
        group = routing.compiled.roles(hazard, LEAD)
        for level in ("III", "II", "I"):
            for kind in ("pipe", "well", ""):
                for phase in ("monitor", "respond"):
                    for minute in (60, 600, 900, 1380):
                        where = Situation(kind=kind, phase=phase, minute=minute)
                        rows = group.speaking(routing.cell(level, where))
                        found[hazard, level, kind, phase, minute] = tuple(row.key for row in rows)
    return found


def _named(document: Mechanism) -> bool:
    return any(row.overrides for row in document.roles)


@given(st.lists(BOXES, max_size=4), st.lists(BOXES, max_size=4), SENTENCES, SENTENCES)
@settings(max_examples=150, deadline=None)
def test_whatever_a_supplement_narrows_or_overrides_the_document_speaks_as_before(
    source, supplement, own, ours
):
    flows = (FlowRow(key="gas", hazards=("gas_leak",), provenance=SOURCE),)
    made = {
        whose: tuple(
            RoleRow(key=f"{whose}{n}", part=LEAD, role=f"unit:{whose}{n}", provenance=provenance, **box)
            for n, box in enumerate(boxes)
        )
        for whose, provenance, boxes in (("s", SOURCE, source), ("x", ASSUMED, supplement))
    }
    own = tuple(replace(row, provenance=SOURCE) for row in own)
    document = Mechanism(key="d", flows=flows, roles=made["s"], precedence=own)
    merged, _ = merge(document, Mechanism(key="x", roles=made["x"], precedence=ours))
    before, after = spoken(document), spoken(merged)
    for cell, rows in before.items():
        # Overrides by name and a sentence of ours may close a circle, in which nobody speaks: P2 refuses it.
        if len(rows) == 1 and (after[cell] or not _named(document)):
            assert after[cell] == rows, cell
