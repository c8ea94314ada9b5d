"""Public warnings: two persons, eight contents, every version kept, one publication, a duty to lift."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liandong.core.values.lists import Outcome, WarningAction, WarningChange, WarningStage
from liandong.core.values.public_warning import EIGHT, ExternalWarning, WarningState, missing
from liandong.core.values.scales import WARNING_COLOURS
from liandong.core.values.times import HOUR, MINUTE
from tests.core.coordinate.authority import START, WORDS, Town, contents, mechanism, policy, warning_row

A = WarningAction
PEOPLE = tuple(
    f"{unit}.{who}"
    for unit, who in product(("water", "emergency", "centre", "government", "firm"), ("a", "b", "chief"))
)


def drafted(**changes: object) -> Town:
    town = Town()
    assert not town.warn("water.a", A.DRAFT, contents=contents(**changes)).refused
    return town


def external(
    revision: int = 1, change: WarningChange = WarningChange.ISSUE, **changes: object
) -> ExternalWarning:
    return ExternalWarning(
        source="meteorology", number="M-7", revision=revision, change=change,
        contents=contents(issuer="body:meteorology", **changes), issued=START,
    )  # fmt: skip


# Two persons, eight contents.


def test_what_is_missing_is_named_and_nothing_is_approved_before_it_is_there() -> None:
    for name in EIGHT:
        if name in ("category", "colour", "area"):
            continue  # without these no row speaks, and no draft is taken
        town = drafted(**{name: None if name != "issuer" else ""})
        decision = town.warn("emergency.chief", A.APPROVE)
        assert decision.refused and decision.reason.params == {"missing": name}
    town = drafted(starts=None, caution=None)
    assert town.warn("emergency.a", A.APPROVE).reason.params["missing"] == "starts, caution"


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"colour": "purple"}, "warning.bad_colour"),
        ({"area": "nowhere"}, "warning.bad_area"),
        ({"category": "earthquake"}, "warning.no_row"),
    ],
)
def test_a_draft_that_no_row_can_speak_for(changes: dict[str, str], key: str) -> None:
    assert Town().warn("water.a", A.DRAFT, contents=contents(**changes)).reason.key == key


def test_who_drafts_does_not_approve_even_where_one_unit_does_both() -> None:
    row = warning_row(approver="unit:water")
    town = Town(policy(mechanism(warnings=(row,))))
    town.warn("water.a", A.DRAFT, contents=contents())
    assert town.warn("water.a", A.APPROVE).reason.key == "warning.same_person"
    assert not town.warn("water.b", A.APPROVE).refused


def test_who_is_not_named_is_told_who_is_and_a_contractor_never_acts() -> None:
    town = drafted()
    decision = town.warn("water.b", A.APPROVE)
    assert decision.reason.key == "power.not_yours" and decision.reason.params["needed"] == "unit:emergency"
    row = warning_row(publisher="unit:firm")
    town = Town(policy(mechanism(warnings=(row,))))
    town.warn("water.a", A.DRAFT, contents=contents())
    town.warn("emergency.chief", A.APPROVE)
    assert town.warn("firm.a", A.PUBLISH).reason.key == "power.contractor"


def test_what_the_rows_leave_open_is_said_to_be_open() -> None:
    town = Town(policy(mechanism(warnings=(warning_row(lifter=""),))))
    town.in_force()
    assert town.warn("emergency.chief", A.LIFT).reason.key == "power.unset"


def test_an_act_on_an_older_version_is_refused() -> None:
    town = drafted()
    town.warn("water.b", A.REVISE, contents=contents(colour="orange"))
    assert town.warn("emergency.chief", A.APPROVE, version=1).reason.key == "power.stale"


# Green channel.


@pytest.mark.parametrize("colour", list(WARNING_COLOURS))
def test_the_green_channel_is_open_from_orange_up_and_its_approval_is_owed(colour: str) -> None:
    town = drafted(colour=colour)
    decision = town.warn("centre.a", A.PUBLISH)
    if colour not in ("orange", "red"):
        assert decision.reason.key == "warning.not_approved"
        return
    assert town.warning.stage == WarningStage.PUBLISHED and town.warning.approval_owed == 1
    assert town.warning.approval_due == START + 30 * MINUTE
    town.wait(31 * 60)
    late = [e for e in town.events if type(e).__name__ == "MatterEscalated" and e.about == "approve"]
    assert [e.overdue for e in late] == [False, True] and late[1].person == "person:emergency.chief"
    assert not town.warn("emergency.chief", A.APPROVE).refused
    assert town.warning.approval_owed == 0 and not [
        t for t in town.warning.timers.values() if t.clock == "approve"
    ]


def test_the_approval_of_what_is_out_is_owed_whatever_is_drafted_or_raised_meanwhile() -> None:
    town = drafted(colour="orange")
    town.warn("centre.a", A.PUBLISH)
    assert not town.warn("water.b", A.REVISE, contents=contents(colour="orange", until=START + HOUR)).refused
    assert town.warn("centre.a", A.PUBLISH).reason.key == "warning.approval_owed"
    town.warn("emergency.a", A.RAISE, contents=contents(), reason=WORDS)
    assert town.warning.approval_owed == 1 and town.warning.approval_due == START + 30 * MINUTE
    assert {t.moment for t in town.warning.timers.values() if t.clock == "approve"} == {"half", "due"}
    town.warn("emergency.chief", A.APPROVE)
    assert town.warning.versions[0].approver == "person:emergency.chief" and not town.warning.approval_owed


def test_a_revision_of_what_is_out_does_not_change_its_colour() -> None:
    town = Town()
    town.in_force()
    assert (
        town.warn("water.a", A.REVISE, contents=contents(colour="blue")).reason.key
        == "warning.not_by_revision"
    )
    assert not town.warn("water.a", A.REVISE, contents=contents(until=START + HOUR)).refused
    assert town.warning.versions[1].change == "update"


def test_without_a_green_channel_in_the_row_nothing_goes_out_unapproved() -> None:
    town = Town(policy(mechanism(warnings=(warning_row(green_channel=False),))))
    town.warn("water.a", A.DRAFT, contents=contents())
    assert town.warn("centre.a", A.PUBLISH).reason.key == "warning.not_approved"


def test_a_refusal_needs_a_reason_goes_back_and_closes_the_green_channel() -> None:
    town = drafted()
    assert town.warn("emergency.chief", A.REFUSE).reason.key == "power.no_reason"
    assert not town.warn("emergency.chief", A.REFUSE, reason=WORDS).refused
    assert town.warn("centre.a", A.PUBLISH).reason.key == "warning.not_approved"
    town.warn("water.a", A.REVISE, contents=contents(colour="orange"))
    assert not town.warn("emergency.chief", A.APPROVE).refused


# Out, once.


def test_the_onward_list_is_told_and_who_cannot_be_found_is_named() -> None:
    town = Town()
    town.in_force()
    told = {(t.recipient, t.channel) for t in town.told if t.template == "tell.warning"}
    assert told == {("public", "radio"), ("person:government.a", "file"), ("person:garrison.a", "file")}
    assert town.warning.versions[0].unresolved == ("neighbours",)
    assert any(t.template == "tell.warning_onward" for t in town.told)


def test_publishing_again_publishes_nothing_and_sending_again_keeps_every_name() -> None:
    """cap-composer #194: after a failure downstream there is no second warning."""
    town = Town()
    town.in_force()
    first = [t for t in town.told if t.template == "tell.warning"]
    assert town.warn("centre.a", A.PUBLISH).reason.key == "warning.nothing_to_publish"
    assert town.warn("centre.a", A.RESEND).reason.key == "warning.nothing_to_resend", "still on its way"
    town.deliver(Outcome.FAILED)
    town.told.clear()
    assert not town.warn("centre.a", A.RESEND).refused
    again = [t for t in town.told if t.template == "tell.warning"]
    assert {(t.order, t.channel, t.recipient) for t in again} == {
        (t.order, t.channel, t.recipient) for t in first
    }
    assert town.warn("centre.a", A.RESEND).reason.key == "warning.nothing_to_resend", "on its way again"
    town.deliver(Outcome.DELIVERED)
    assert all(s.outcome == "delivered" and s.tries == 2 for s in town.warning.sendings.values())
    assert len(town.warning.versions) == 1 and town.warning.current == 1


def test_receipt_is_confirmed_by_who_was_told_once() -> None:
    town = Town()
    town.in_force()
    assert town.warn("water.a", A.RECEIVE).reason.key == "power.not_told"
    assert not town.warn("garrison.b", A.RECEIVE).refused
    assert town.warn("garrison.a", A.RECEIVE).reason.key == "power.received_before"
    assert [r.unit for r in town.warning.receipts] == ["unit:garrison"]


# Adjusting.


def test_raising_by_its_own_power_is_at_once_and_lowering_without_one_is_proposed() -> None:
    town = Town()
    town.in_force(colour="orange")
    raised = contents(colour="red")
    assert town.warn("emergency.a", A.RAISE, contents=raised).reason.key == "power.no_reason"
    assert town.warn("water.a", A.RAISE, contents=raised, reason=WORDS).reason.key == "power.not_yours"
    assert not town.warn("emergency.a", A.RAISE, contents=raised, reason=WORDS).refused
    assert (town.warning.colour, town.warning.current) == ("red", 2)
    lower = contents(colour="yellow")
    assert town.warn("emergency.a", A.RAISE, contents=lower, reason=WORDS).reason.key == "warning.wrong_way"
    assert not town.warn("water.a", A.LOWER, contents=lower, reason=WORDS).refused
    assert (town.warning.colour, town.warning.pending) == ("red", 3), "red until it is approved and published"
    town.warn("emergency.chief", A.APPROVE)
    town.warn("centre.a", A.PUBLISH)
    assert town.warning.colour == "yellow"
    changes = [(v.number, v.change, v.contents.colour) for v in town.warning.versions]
    assert changes == [(1, "issue", "orange"), (2, "raise", "red"), (3, "lower", "yellow")]


def test_before_it_is_out_a_warning_is_withdrawn_afterwards_lifted() -> None:
    town = drafted()
    assert town.warn("water.a", A.WITHDRAW).reason.key == "power.no_reason"
    assert not town.warn("water.b", A.WITHDRAW, reason=WORDS).refused
    assert town.warning.stage == WarningStage.WITHDRAWN and not town.warning.timers
    assert town.warn("water.a", A.REVISE, contents=contents()).reason.key == "warning.not_allowed"
    town = Town()
    town.in_force()
    assert town.warn("water.a", A.WITHDRAW, reason=WORDS).reason.key == "warning.not_allowed"


# Lifting.


def test_the_duty_to_lift_runs_from_the_end_of_the_danger_and_nobody_is_left_in_peace() -> None:
    town = Town()
    town.in_force()
    town.warn("water.a", A.DANGER_OVER)
    assert town.warning.lift_due == START + HOUR
    assert town.warn("water.b", A.DANGER_OVER).reason.key == "warning.over_before"
    town.wait(3 * 3600)
    late = [e for e in town.events if type(e).__name__ == "MatterEscalated" and e.about == "lift"]
    assert [e.alarm for e in late][:3] == [False, False, True] and len(late) >= 5, (
        "it does not stop by itself"
    )
    assert not town.warn("emergency.b", A.LIFT, reason=WORDS).refused
    lifted = town.events[-1]
    assert lifted.late_us == 2 * HOUR
    assert not [t for t in town.warning.timers.values() if t.clock == "lift"]
    told = [t.recipient for t in town.told if t.template == "tell.warning_lifted"]
    assert "public" in told and "person:garrison.a" in told, "whoever was warned is told that it is over"


def test_the_expected_end_starts_the_duty_to_lift() -> None:
    town = Town()
    town.in_force(until=START + 2 * HOUR)
    town.wait(2 * 3600 + 1)
    assert town.warning.danger_over == START + 2 * HOUR and town.warning.lift_due == START + 3 * HOUR


# Of other issuers.


def test_each_revision_of_another_issuer_counts_once_and_cannot_be_changed_here() -> None:
    town = Town()
    assert not town.send(external()).refused
    key = next(stream for stream in town.states if stream.startswith("warning:"))
    assert town.send(external()).reason.key == "warning.known_revision"
    town.send(external(2, WarningChange.UPDATE, colour="orange"))
    assert town.send(external(1)).reason.key == "warning.known_revision", "an older one comes late"
    state = town.states[key]
    assert isinstance(state, WarningState) and state.colour == "orange" and len(state.versions) == 2
    town.states["warning:wrn_1"] = state
    assert town.warn("emergency.chief", A.LIFT).reason.key == "warning.external"
    town.send(external(3, WarningChange.CANCEL, colour="orange"))
    assert town.states[key].stage == WarningStage.LIFTED
    assert town.send(external(4, colour="white")).refused is False, "issued anew under the same number"


# Whatever people do.

_steps = st.lists(
    st.tuples(
        st.sampled_from(PEOPLE), st.sampled_from(list(A)), st.sampled_from(["blue", "orange", "red"]),
        st.sampled_from(["full", "full", "gap"]), st.booleans(), st.integers(0, 40),
    ),
    max_size=25,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(_steps)
def test_whatever_is_tried_what_is_out_is_whole_approved_by_another_and_kept(steps: list) -> None:
    town = Town()
    for who, action, colour, whole, reason, minutes in steps:
        before = town.warning
        made = contents(colour=colour) if whole == "full" else contents(colour=colour, caution=None)
        decision = town.warn(who, action, contents=made, reason=WORDS if reason else None)
        after = town.warning
        assert after.version - before.version == (len(decision.events) if not decision.refused else 0)
        assert [v.contents for v in after.versions[: len(before.versions)]] == [
            v.contents for v in before.versions
        ]
        for version in after.versions:
            if version.published:
                assert not missing(version.contents)
                own_power = version.change in ("raise", "lower") and not version.approved
                assert version.approved or version.green or own_power
                assert not version.green or version.contents.colour in ("orange", "red")
            assert not version.approver or version.approver != version.drafter
            assert not {"person:firm.a", "person:firm.b"} & {version.approver, version.publisher}
        town.wait(minutes * 60)
