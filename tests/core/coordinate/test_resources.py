"""Resources: a chain of approvals by other people, one release, a receipt, and something given back."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from liandong.core.values.lists import ResourceAction, ResourceStage
from liandong.core.values.matter import MatterEscalated
from tests.core.coordinate.authority import START, WORDS, Town, mechanism, policy
from tests.core.coordinate.authority import mechanism as _mechanism

A = ResourceAction
ASK = {"resource": "pump", "quantity": 3.0, "measure": "piece", "hazard": "rainstorm", "area": "town"}


def asked(town: Town | None = None, **more: object) -> Town:
    town = town or Town()
    decision = town.ask("centre.a", A.REQUEST, **(ASK | more))
    assert not decision.refused, decision.reason
    return town


def approved(**more: object) -> Town:
    town = asked(**more)
    for who in ("emergency.chief", "government.chief"):
        assert not town.ask(who, A.APPROVE).refused
    return town


def test_the_chain_is_walked_in_order_by_leaders_and_never_by_who_asked() -> None:
    town = asked()
    assert town.ask("government.chief", A.APPROVE).reason.params["needed"] == "unit:emergency"
    assert town.ask("emergency.a", A.APPROVE).reason.key == "power.not_yours", "the leader on duty decides"
    assert town.ask("water.a", A.RELEASE, quantity=1.0).reason.key == "resource.not_allowed"
    assert not town.ask("emergency.chief", A.APPROVE).refused
    assert not town.ask("government.chief", A.APPROVE).refused
    assert town.request.stage == ResourceStage.APPROVED and all(link.at for link in town.request.chain)


def test_more_than_was_asked_for_is_not_released_and_what_is_lost_stays_in_sight() -> None:
    town = approved()
    assert town.ask("water.a", A.RELEASE, quantity=4.0).reason.key == "resource.bad_quantity"
    assert town.ask("emergency.a", A.RELEASE, quantity=2.0).reason.key == "power.not_yours"
    for who, action, quantity in (
        ("water.a", A.RELEASE, 2.0),
        ("centre.b", A.RECEIVE, 2.0),
        ("water.b", A.RETURN, 1.0),
    ):
        assert not town.ask(who, action, quantity=quantity).refused
    assert (town.request.given, town.request.got, town.request.back) == (2.0, 2.0, 1.0)
    assert town.request.stage == ResourceStage.RETURNED


def test_a_requisition_has_its_own_power_and_ends_with_compensation() -> None:
    town = approved(requisition=True)
    assert town.ask("water.a", A.RELEASE, quantity=1.0).reason.key == "resource.not_allowed"
    assert not town.ask("government.a", A.REQUISITION, quantity=3.0).refused
    town.ask("centre.a", A.RECEIVE, quantity=3.0)
    assert town.ask("government.a", A.COMPENSATE, amount=5.0).reason.key == "resource.not_allowed", (
        "not back yet"
    )
    town.ask("water.a", A.RETURN, quantity=0.0)
    assert not town.ask("government.a", A.COMPENSATE, amount=12_000.0).refused
    assert (town.request.stage, town.request.amount) == (ResourceStage.COMPENSATED, 12_000.0)


def test_of_two_who_need_it_somebody_named_decides_with_a_reason() -> None:
    town = approved()
    assert town.ask("water.a", A.CONTEST).reason.params == {"missing": "other"}
    assert not town.ask("water.a", A.CONTEST, other="rsq_2").refused
    assert town.ask("water.a", A.RELEASE, quantity=1.0).reason.key == "resource.not_allowed"
    assert town.ask("emergency.chief", A.AWARD, reason=WORDS).reason.key == "power.not_yours"
    assert town.ask("government.chief", A.AWARD).reason.key == "power.no_reason"
    assert not town.ask("government.chief", A.AWARD, reason=WORDS).refused
    assert not town.ask("water.a", A.RELEASE, quantity=1.0).refused
    other = approved()
    other.ask("water.a", A.CONTEST, other="rsq_2")
    assert not other.ask("government.chief", A.REFUSE, reason=WORDS).refused
    assert other.request.stage == ResourceStage.REFUSED


def test_an_approval_that_does_not_come_reminds_goes_up_and_is_called_out() -> None:
    town = asked()
    assert town.request.due == START + 600_000_000
    town.wait(3 * 600)
    kinds = [(e.kind, e.alarm) for e in town.events if isinstance(e, MatterEscalated)]
    assert kinds == [("remind", False), ("supervise", False), ("notify", True)]


def test_what_no_row_speaks_for_is_refused_with_what_is_missing() -> None:
    assert (
        Town().ask("centre.a", A.REQUEST, **(ASK | {"resource": "helicopter"})).reason.key
        == "resource.no_row"
    )
    assert Town().ask("water.a", A.REQUEST, **ASK).reason.key == "power.not_yours"
    assert Town().ask("centre.a", A.REQUEST, **(ASK | {"quantity": 0.0})).reason.params == {
        "missing": "quantity"
    }
    row = _mechanism().resources[0]
    gone = policy(
        mechanism(
            resources=(type(row)(key="r", resource="pump", requester="unit:centre", approvals=("nobody",)),)
        )
    )
    assert Town(gone).ask("centre.a", A.REQUEST, **ASK).reason.key == "resource.no_approver"


_steps = st.lists(
    st.tuples(
        st.sampled_from(
            ["centre.a", "emergency.chief", "government.chief", "government.a", "water.a", "firm.a"]
        ),
        st.sampled_from(list(A)), st.floats(0, 5), st.booleans(),
    ),
    max_size=30,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(_steps, st.booleans())
def test_whatever_is_tried_nothing_moves_without_its_approvals(steps: list, requisition: bool) -> None:
    town = asked(requisition=requisition)
    for who, action, quantity, reason in steps:
        town.ask(
            who, action, quantity=quantity, amount=quantity, other="rsq_2", reason=WORDS if reason else None
        )
        state = town.request
        if state.given is not None:
            assert all(link.at and link.person != "person:centre.a" for link in state.chain)
            assert 0 < state.given <= state.quantity
            actions = [m.action for m in state.moves]
            assert (A.REQUISITION in actions) == requisition and actions.count(A.RELEASE) <= 1
        assert not any(m.person == "person:firm.a" for m in state.moves)


def test_a_leader_who_asked_does_not_approve_it() -> None:
    row = _mechanism().resources[0]
    mine = type(row)(key="r", resource="pump", requester="unit:emergency", approvals=("unit:emergency",))
    town = Town(policy(mechanism(resources=(mine,))))
    assert not town.ask("emergency.chief", A.REQUEST, **ASK).refused
    assert town.ask("emergency.chief", A.APPROVE).reason.key == "resource.same_person"
