"""From draft to force: who may do what, what is missing, and that silence is shown as silence."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liandong.core.coordinate import publication
from liandong.core.mechanism.policy import Policy
from liandong.core.mechanism.routing import Routing
from liandong.core.values.case import VaultRef
from liandong.core.values.city import Body, City, CityIndex, Holding, Permission, Post, Unit
from liandong.core.values.document import Mechanism
from liandong.core.values.lists import Capability, DraftAction, DraftStatus, Stand, UnitKind
from liandong.core.values.publication import DraftState, MechanismAct, evolve_draft

HOUR = 3_600_000_000
WORDS = VaultRef("v", "d")
DRAFTER, SECOND, OFFICE, WATER, GAS, VENDOR = (
    f"post:{name}" for name in ("drafter", "second", "office", "water", "gas", "vendor")
)
RIGHTS = [
    (DRAFTER, Capability.MECHANISM_DRAFT),
    (DRAFTER, Capability.MECHANISM_PUBLISH),
    (SECOND, Capability.MECHANISM_PUBLISH),
    (SECOND, Capability.MECHANISM_DRAFT),
    (VENDOR, Capability.MECHANISM_DRAFT),
    (VENDOR, Capability.MECHANISM_PUBLISH),
]
CITY = City(
    key="c",
    units=tuple(
        Unit(
            key=f"unit:{name}", name_zh=name,
            kind=UnitKind.CONTRACTOR if name == "vendor" else UnitKind.DEPARTMENT,
        )
        for name in ("office", "water", "gas", "vendor", "fire")
    ),
    bodies=(Body(key="body:committee", name_zh="安委会", office="unit:office"),),
    posts=(
        Post(key=DRAFTER, unit="unit:office", title_zh="起草"),
        Post(key=SECOND, unit="unit:office", title_zh="发布"),
        Post(key=WATER, unit="unit:water", title_zh="水务"),
        Post(key=GAS, unit="unit:gas", title_zh="燃气"),
        Post(key=VENDOR, unit="unit:vendor", title_zh="外包"),
    ),
    holdings=tuple(
        Holding(post=post, person=f"person:{post[5:]}") for post in (DRAFTER, SECOND, WATER, GAS, VENDOR)
    ),
    permissions=tuple(Permission(post=post, capability=right) for post, right in RIGHTS),
)  # fmt: skip
POLICY = Policy(city=CityIndex(CITY), routing=Routing(Mechanism(key="m")), rules={})
A = DraftAction


class Draft:
    """A draft and what befalls it; every decision is folded."""

    def __init__(self) -> None:
        self.state = DraftState()
        self.now = HOUR

    def act(self, action: DraftAction, post: str = DRAFTER, **fields) -> str:
        """Reason key of the decision; the version is the newest unless another is given."""
        message = MechanismAct(
            id="i", draft="d", action=action, person=fields.pop("person", f"person:{post[5:]}"), post=post,
            version=fields.pop("version", self.state.version), **fields,
        )  # fmt: skip
        decision = publication.decide(POLICY, self.state, message, self.now)
        assert not (decision.refused and decision.events)
        for event in decision.events:
            self.state = evolve_draft(self.state, event)
        return decision.reason.key

    def begun(self) -> Draft:
        assert self.act(A.DRAFT, mechanism="m", digest="one", issuer="body:committee") == "mechanism.drafted"
        rows = (("unit:water", ("r1",)), ("unit:gas", ("r2",)))
        assert self.act(A.CONSULT, rows=rows, until=10 * HOUR) == "mechanism.consulting"
        return self

    def proven(self) -> Draft:
        assert self.act(A.PROVE, digest=self.state.digest) == "mechanism.draft_proven"
        return self


def test_the_whole_way_with_agreement_silence_and_an_objection_that_is_decided():
    draft = Draft().begun()
    assert draft.state.silent == ("unit:water", "unit:gas")
    assert draft.act(A.OPINION, WATER, row="r1", stand=Stand.OBJECT) == "act.missing_field"
    assert draft.act(A.OPINION, WATER, row="r1", stand=Stand.OBJECT, text=WORDS) == "mechanism.opinion"
    assert draft.act(A.COUNTERSIGN, WATER, digest="one") == "mechanism.objects_itself"
    draft.proven()
    assert draft.act(A.PUBLISH, SECOND, number="1号", in_force=20 * HOUR) == "mechanism.open_objections"
    asked = {"unit": "unit:water", "row": "r1", "accepted": False}
    assert draft.act(A.DECIDE, GAS, **asked, text=WORDS) == "mechanism.not_issuing"
    assert draft.act(A.DECIDE, **asked) == "act.missing_field"
    assert draft.act(A.DECIDE, **asked, text=WORDS) == "mechanism.objection_decided"
    assert draft.act(A.PUBLISH, SECOND, number="1号", in_force=20 * HOUR) == "mechanism.still_waiting"
    draft.now = 11 * HOUR
    assert draft.act(A.OPINION, GAS, row="r2", stand=Stand.ACCEPT) == "mechanism.opinion"
    assert draft.state.opinions["unit:gas|r2"].late
    assert draft.act(A.COUNTERSIGN, GAS, digest="one") == "mechanism.countersigned"
    draft.proven()
    assert draft.act(A.PUBLISH, number="1号", in_force=20 * HOUR) == "mechanism.same_person"
    assert draft.act(A.PUBLISH, SECOND, in_force=20 * HOUR) == "act.missing_field"
    assert draft.act(A.PUBLISH, SECOND, number="1号", in_force=HOUR) == "mechanism.in_force_past"
    assert draft.act(A.PUBLISH, SECOND, number="1号", in_force=20 * HOUR) == "mechanism.published_now"
    assert draft.act(A.ENTER_FORCE) == "mechanism.not_yet"
    draft.now = 20 * HOUR
    assert draft.act(A.ENTER_FORCE) == "mechanism.in_force"
    assert draft.state.status == DraftStatus.IN_FORCE
    assert draft.act(A.WITHDRAW, text=WORDS) == "mechanism.published"
    assert draft.act(A.SUPERSEDE, supersedes="2号") == "mechanism.superseded"
    assert draft.act(A.DRAFT, mechanism="m", digest="two") == "mechanism.ended"


def test_a_change_of_content_drops_the_proof_and_asks_for_new_signatures():
    draft = Draft().begun()
    for post, row in ((WATER, "r1"), (GAS, "r2")):
        draft.act(A.OPINION, post, row=row, stand=Stand.ACCEPT)
    draft.act(A.COUNTERSIGN, WATER, digest="one")
    draft.proven()
    assert draft.act(A.DRAFT, mechanism="m", digest="one") == "mechanism.unchanged"
    assert draft.act(A.DRAFT, mechanism="m", digest="two", issuer="body:committee") == "mechanism.drafted"
    assert draft.act(A.PROVE, digest="one") == "mechanism.other_content"
    assert draft.act(A.PUBLISH, SECOND, number="n", in_force=20 * HOUR) == "mechanism.signed_otherwise"
    assert draft.act(A.COUNTERSIGN, WATER, digest="one") == "mechanism.other_content"
    assert draft.act(A.COUNTERSIGN, WATER, digest="two") == "mechanism.countersigned"
    assert draft.act(A.PUBLISH, SECOND, number="n", in_force=20 * HOUR) == "mechanism.not_proven"
    assert draft.act(A.PROVE, digest="two", faults=("no_lead",)) == "mechanism.draft_refused"
    assert draft.act(A.PUBLISH, SECOND, number="n", in_force=20 * HOUR) == "mechanism.not_proven"


@pytest.mark.parametrize(
    ("post", "action", "fields", "key"),
    [
        (WATER, A.DRAFT, {"mechanism": "m", "digest": "x"}, "mechanism.no_right"),
        (VENDOR, A.DRAFT, {"mechanism": "m", "digest": "x"}, "mechanism.contractor"),
        (VENDOR, A.PUBLISH, {"number": "1"}, "mechanism.contractor"),
        (DRAFTER, A.DRAFT, {"mechanism": "m"}, "act.missing_field"),
        (DRAFTER, A.CONSULT, {"rows": (("unit:gas", ()),), "until": 9 * HOUR}, "mechanism.nothing_to_ask"),
        (WATER, A.OPINION, {"stand": Stand.ACCEPT}, "mechanism.not_asked"),
        (SECOND, A.PUBLISH, {"number": "1"}, "mechanism.nobody_asked"),
        (DRAFTER, A.WITHDRAW, {"text": WORDS}, "mechanism.published"),
    ],
)  # fmt: skip
def test_what_is_not_allowed_is_refused_with_what_is_needed(post, action, fields, key):
    assert Draft().act(action, post, **fields) == key


def test_another_person_or_an_old_screen_is_refused():
    draft = Draft().begun()
    assert draft.act(A.OPINION, WATER, stand=Stand.ACCEPT, person="person:gas") == "mechanism.not_yours"
    assert draft.act(A.OPINION, WATER, stand=Stand.ACCEPT, version=0) == "act.stale"
    assert draft.act(A.CONSULT, rows=(("unit:gas", ()),), until=0) == "mechanism.until_past"
    assert draft.act(A.CONSULT, rows=(("unit:moon", ()),), until=9 * HOUR) == "mechanism.unknown_units"


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(DraftAction),
            st.sampled_from([DRAFTER, SECOND, WATER, GAS, VENDOR]),
            st.sampled_from(["one", "two"]),
            st.sampled_from(Stand),
            st.booleans(),
            st.integers(0, 15),
        ),
        max_size=25,
    )
)
def test_nothing_is_published_unproven_undecided_or_by_its_drafter(made):
    draft = Draft()
    for action, post, digest, stand, yes, hours in made:
        draft.now += hours * HOUR
        before = draft.state
        draft.act(
            action, post, mechanism="m", digest=digest, issuer="body:committee", stand=stand, accepted=yes,
            rows=(("unit:water", ("r",)), ("unit:gas", ())), until=draft.now + 5 * HOUR, text=WORDS,
            unit="unit:water", row="r" if yes else "", number="1", in_force=draft.now + HOUR,
        )  # fmt: skip
        after = draft.state
        if after.status == DraftStatus.PUBLISHED != before.status:
            assert after.proven == after.digest and not before.open_objections and before.asked
            assert after.publisher != after.drafter and post != VENDOR
            assert not before.silent or draft.now > before.until
            assert all(signed == after.digest for signed in after.signatures.values())
        if before.status in (DraftStatus.PUBLISHED, DraftStatus.IN_FORCE):
            assert after.digest == before.digest
    assert msgspec.json.decode(msgspec.json.encode(draft.state), type=DraftState) == draft.state
