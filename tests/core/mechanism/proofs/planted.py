"""Mechanisms with one planted fault each: small changes of the good one, and what has to be found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from liandong.core.values.authority_rows import ResourceRow
from liandong.core.values.document import MarkRow, OverrideRow
from liandong.core.values.lists import (
    Action,
    ClockOrigin,
    EscalationKind,
    Participation,
    RingOutcome,
)
from liandong.core.values.roster import Contact
from liandong.core.values.rows import (
    EscalationRow,
    RoleRow,
    StepRow,
)
from liandong.core.values.times import HOUR
from tests.core.mechanism.proofs.good import START, World

LEAD = Participation.LEAD
Change = Callable[[World], World]


@dataclass(frozen=True)
class Planted:
    """One fault: what was changed, which proof finds it, at which rows, with which witness."""

    name: str
    proof: str
    kind: str
    rows: tuple[str, ...]
    make: Change
    witness: dict[str, Any] = field(default_factory=dict)
    city: bool = False  #: needs the city


def change(table: str, key: str, **fields: Any) -> Change:
    """One row of the mechanism, changed."""
    return lambda world: _with(
        world, table, tuple(
            msgspec.structs.replace(row, **fields) if row.key == key else row
            for row in getattr(world.mechanism, table)
        ),
    )  # fmt: skip


def without(table: str, *keys: str) -> Change:
    """Some rows of the mechanism, gone."""
    return lambda world: _with(
        world, table, tuple(row for row in getattr(world.mechanism, table) if row.key not in keys)
    )


def plus(table: str, *rows: Any) -> Change:
    """Rows added to the mechanism."""
    return lambda world: _with(world, table, (*getattr(world.mechanism, table), *rows))


def then(*changes: Change) -> Change:
    """Several changes that make one fault."""

    def make(world: World) -> World:
        for one in changes:
            world = one(world)
        return world

    return make


def in_city(table: str, pick: Callable[[Any], bool], **fields: Any) -> Change:
    """Rows of the city, changed."""
    return lambda world: replace(
        world, city=msgspec.structs.replace(world.city, **{table: tuple(
            msgspec.structs.replace(row, **fields) if pick(row) else row for row in getattr(world.city, table)
        )}),
    )  # fmt: skip


def gone_from_city(table: str, pick: Callable[[Any], bool]) -> Change:
    """Rows of the city, gone."""
    return lambda world: replace(
        world, city=msgspec.structs.replace(
            world.city, **{table: tuple(row for row in getattr(world.city, table) if not pick(row))}
        ),
    )  # fmt: skip


def knowing(**facts: Any) -> Change:
    """Other facts."""
    return lambda world: replace(world, facts=msgspec.structs.replace(world.facts, **facts))


def _with(world: World, table: str, rows: tuple[Any, ...]) -> World:
    return replace(world, mechanism=msgspec.structs.replace(world.mechanism, **{table: rows}))


def _step(key: str, order: int, action: Action, **more: Any) -> StepRow:
    return StepRow(**{"key": key, "flow": "*", "order": order, "action": action, "role": "lead", **more})


def _escalation(key: str, action: Action, kind: EscalationKind, role: str, **more: Any) -> EscalationRow:
    fields = {"key": key, "flow": "*", "action": action, "kind": kind, "role": role, "fraction": 1.0, **more}
    return EscalationRow(**fields)


def _unit(key: str) -> Callable[[Any], bool]:
    return lambda row: row.key == key


def _post(key: str) -> Callable[[Any], bool]:
    return lambda row: row.post == key


_TOWN_LEAD = RoleRow(
    key="lead.night", flow="gas", part=LEAD, role="district:housing", hours="22:00-06:00",
    territory="area:hill",
)  # fmt: skip
_LADDER = ("remind", "urge", "supervise", "take_over")
#: Nobody holds the gas company's duty post, and one duty of it is missing.
_HALF_A_DAY = then(
    gone_from_city("holdings", _post("post:gas.duty")),
    gone_from_city("duties", lambda d: d.post == "post:gas.duty" and d.start == START + 12 * HOUR),
)
_FOREST = RoleRow(key="lead.x", flow="gas", part=LEAD, role="town", territory="area:nowhere")

DOCUMENT = (
    # P1: every cell has a lead.
    Planted("a flow without a lead", "P1", "no_lead", (), without("roles", "lead.gas"),
            {"flow": "gas_leak", "level": "IV"}),
    Planted("nobody leads at night", "P1", "no_lead", (), change("roles", "lead.gas", hours="06:00-22:00"),
            {"flow": "gas_leak", "hours": "00:00"}),
    Planted("nobody leads in one town", "P1", "no_lead", (),
            change("roles", "lead.gas", territory="area:river;area:hill;area:lake"),
            {"flow": "gas_leak", "territory": "area:mill"}, city=True),
    Planted("nobody leads at one level", "P1", "no_lead", (), change("roles", "lead.gas", level="IV;III;I"),
            {"flow": "gas_leak", "level": "II"}),
    Planted("nobody leads once a response runs", "P1", "no_lead", (),
            change("roles", "lead.gas", phase="monitor"), {"flow": "gas_leak", "phase": "respond"}),
    # P2: no cell has two.
    Planted("two leads on working days", "P2", "two_leads", ("lead.gas", "lead.gas.2"),
            then(change("roles", "lead.gas", days="workday;restday;holiday"),
                 plus("roles", RoleRow(key="lead.gas.2", flow="gas", part=LEAD, role="district:housing",
                                       days="workday"))),
            {"flow": "gas_leak", "days": "workday"}),
    Planted("two leads in one town at night", "P2", "two_leads", ("lead.hill", "lead.night"),
            plus("roles", _TOWN_LEAD, RoleRow(key="lead.hill", flow="gas", part=LEAD, role="town",
                                              territory="area:hill", level="II")),
            {"flow": "gas_leak", "territory": "area:hill", "level": "II"}),
    Planted("two verifiers", "P2", "two_verifiers", ("verify", "verify.2"),
            plus("roles", RoleRow(key="verify.2", flow="*", part=Participation.VERIFY, role="city:weather")),
            {"level": "IV"}),
    Planted("one step twice", "P2", "two_rows", ("step.arrive", "step.arrive.2"),
            plus("steps", _step("step.arrive.2", 4, Action.ARRIVE, limit_s=3600.0)), {"table": "steps"}),
    # P3: an override lies inside what it overrides.
    Planted("an override wider than its row", "P3", "override_outside", ("lead.gas", "lead.old"),
            then(plus("roles", RoleRow(key="lead.old", flow="gas", part=LEAD, role="owner", level="I")),
                 change("roles", "lead.gas", overrides="lead.old")), {"axis": "level", "outside": "IV"}),
    Planted("an override of nothing", "P3", "override_unknown", ("lead.gas",),
            change("roles", "lead.gas", overrides="lead.gone"), {"row": "lead.gone"}),
    Planted("an override of a row of another flow", "P3", "override_apart",
            ("over", "lead.gas", "lead.drainage"),
            plus("overrides", OverrideRow(key="over", row="lead.gas", over="lead.drainage"))),
    # P6: every step can be reached, every case can end.
    Planted("no closing", "P6", "no_close", (), without("steps", "step.close"),
            {"flow": "gas_leak", "level": "IV"}),
    Planted("no archiving", "P6", "no_archive", (), without("steps", "step.archive"), {"level": "IV"}),
    Planted("work after closing", "P6", "step_after_end", ("step.check", "step.close"),
            change("steps", "step.check", order=12), {"action": "check", "ended_by": "close"}),
    Planted("archived before it is closed", "P6", "step_after_end", ("step.close", "step.archive"),
            change("steps", "step.archive", order=8), {"action": "close", "ended_by": "archive"}),
    Planted("a linked order that waits for the closing that waits for it", "P6", "line_waits_for_itself",
            ("road.acknowledge", "step.close"),
            then(change("steps", "road.acknowledge", order=10), change("steps", "road.arrive", order=11)),
            {"line": "road"}),
    Planted("closing only where handling failed", "P6", "end_only_after_failure", ("step.close",),
            change("steps", "step.close", after_failed="handle"), {"earlier": "handle"}),
    Planted("closing in a linked order", "P6", "end_in_line", ("step.close",),
            change("steps", "step.close", line="road"), {"line": "road"}),
    Planted("enforcement after a step that is not there", "P6", "failure_of_nothing", ("enforce",),
            plus("steps", _step("enforce", 6, Action.ENFORCE, after_failed="persuade")),
            {"action": "enforce", "earlier": "persuade"}),
    Planted("enforcement before what it follows", "P6", "failure_comes_later", ("enforce", "persuade"),
            plus("steps", _step("enforce", 5, Action.ENFORCE, after_failed="persuade"),
                 _step("persuade", 6, Action.PERSUADE)), {"action": "enforce", "earlier": "persuade"}),
    Planted("a review that fails leads back, never on", "P6", "failure_leads_elsewhere",
            ("z.enforce", "step.review"),
            plus("steps", _step("z.enforce", 8, Action.ENFORCE, after_failed="review")),
            {"earlier": "review"}),
    Planted("a return with nobody to push it on", "P6", "return_to_sender", ("return",),
            without("steps", "step.push"), {"flow": "gas_leak"}),
    Planted("an extension without end", "P6", "endless", ("extend",),
            change("transfers", "extend", at_most=None, approver=""), {"action": "extend"}),
    Planted("a severity without a level", "P6", "severity_ungraded", (), without("grading", "grade.high"),
            {"severity": "high"}),
    Planted("a severity graded outside what is claimed", "P6", "graded_outside", ("grade.critical",),
            change("scope", "scope.gas", level="IV;III;II"), {"flow": "gas_leak", "level": "I"}),
    Planted("a review with no work to send back to", "P6", "review_of_nothing", ("step.review",),
            without("steps", "step.arrive", "step.check", "step.handle", "step.feed_back", "road.arrive"),
            {"flow": "gas_leak"}),
    # P7: limits fit.
    Planted("arrival due before judgement", "P7", "limits_collide",
            ("step.judge", "step.acknowledge", "step.arrive"),
            change("steps", "step.arrive", limit_s=3000.0),
            {"action": "arrive", "missing": 15.0, "left": -15.0}),
    Planted("ten minutes between judgement and arrival, fifteen needed", "P7", "limits_collide",
            ("step.judge", "step.acknowledge", "step.arrive"),
            change("steps", "step.arrive", limit_s=4500.0, needs_s=900.0), {"missing": 5.0, "needs": 15.0}),
    Planted("stages longer than the whole", "P7", "limits_collide", ("step.arrive", "step.handle"),
            change("steps", "step.handle", limit_s=5000.0), {"action": "handle"}),
    Planted("work that its limit does not hold", "P7", "limit_below_needs", ("road.arrive",),
            change("steps", "road.arrive", needs_s=2400.0), {"needs": 40.0, "limit": 30.0, "missing": 10.0}),
    Planted("a clock that nobody starts", "P7", "origin_never", ("step.handle",),
            then(without("steps", "step.push", "road.acknowledge"), without("transfers", "return"),
                 change("steps", "step.handle", origin=ClockOrigin.PUSHED)), {"origin": "pushed"}),
    Planted("a clock that starts when the step is done", "P7", "origin_after_step", ("step.acknowledge",),
            change("steps", "step.acknowledge", origin=ClockOrigin.ARRIVED), {"origin": "arrived"}),
    Planted("a reminder when it is too late", "P7", "protects_too_late",
            ("escalate.judge.remind", "step.judge"),
            change("escalations", "escalate.judge.remind", fraction=1.1), {"moment": 66.0, "limit": 60.0}),
    Planted("calls that go on past the limit", "P7", "protects_too_late", ("call", "step.acknowledge"),
            plus("escalations", _escalation("call", Action.ACKNOWLEDGE, EscalationKind.CALL, "actor",
                                            fraction=None, no_answer_s=60.0, repeat_s=120.0, repeats=3)),
            {"escalation": "call", "moment": 5.0}),
    Planted("taken over before it is urged", "P7", "ladder_reversed",
            ("escalate.judge.take_over", "escalate.judge.supervise"),
            change("escalations", "escalate.judge.take_over", fraction=0.9), {"escalation": "take_over"}),
    Planted("an escalation with two moments", "P7", "moment_unclear", ("escalate.judge.remind",),
            change("escalations", "escalate.judge.remind", after_s=60.0), {"count": 2}),
    Planted("half of a limit that nobody set", "P7", "fraction_of_nothing", ("idle",),
            plus("escalations", _escalation("idle", Action.CHECK, EscalationKind.REMIND, "actor")),
            {"action": "check"}),
    Planted("first report after the final one", "P7", "report_order", ("report.I",),
            change("reports", "report.I", final_s=900.0), {"first": 30.0, "final": 15.0}),
    Planted("reported when all is over", "P7", "report_after_end", ("report.I", "step.handle"),
            change("reports", "report.I", first_s=10800.0), {"first": 180.0, "left": 120.0}),
    Planted("a closing report that no step writes", "P7", "report_without_step", ("report.end",),
            without("steps", "step.disposal_report"), {"recipient": "participants"}),
    # P9: every limit has an escalation.
    Planted("a limit that nobody watches", "P9", "no_escalation", ("step.arrive",),
            without("escalations", *(f"escalate.arrive.{kind}" for kind in _LADDER)),
            {"action": "arrive", "flow": "gas_leak"}),
    Planted("none, and yet some", "P9", "none_and_some",
            ("escalate.judge.remind", "escalate.judge.urge", "escalate.judge.supervise",
             "escalate.judge.take_over", "none", "step.judge"),
            plus("escalations", _escalation("none", Action.JUDGE, EscalationKind.NONE, "", fraction=None)),
            {"action": "judge"}),
    # P10: escalation goes to greater authority.
    Planted("a peer asked to supervise a peer", "P10", "peer_commands",
            ("escalate.arrive.supervise", "step.arrive"),
            change("escalations", "escalate.arrive.supervise", role="city:housing"),
            {"actor": "city:gas", "role": "city:housing"}),
    Planted("a town asked to supervise a district", "P10", "escalates_down",
            ("escalate.arrive.supervise", "step.arrive"),
            then(change("roles", "lead.gas", role="district:housing"),
                 change("escalations", "escalate.arrive.supervise", role="town")),
            {"actor": "district:housing", "role": "town"}),
    Planted("one bureau over another, by their units", "P10", "peer_commands",
            ("escalate.arrive.take_over", "step.arrive"),
            then(change("roles", "lead.gas", role="unit:housing"),
                 change("escalations", "escalate.arrive.take_over", role="unit:water")),
            {"unit": "unit:water", "other": "unit:housing"}, city=True),
    # P11: it never returns to the actor and ends at somebody.
    Planted("supervised by oneself", "P11", "escalation_to_actor", ("escalate.judge.supervise", "step.judge"),
            change("escalations", "escalate.judge.supervise", role="centre"), {"role": "centre"}),
    Planted("an escalation to nobody", "P11", "escalation_to_nobody", ("escalate.judge.urge",),
            change("escalations", "escalate.judge.urge", role=""), {"action": "judge"}),
    Planted("a ladder that never leaves the late unit", "P11", "stays_with_actor",
            ("escalate.judge.remind", "step.judge"),
            without("escalations", *(f"escalate.judge.{kind}" for kind in _LADDER[1:])),
            {"action": "judge"}),
    Planted("nobody above", "P11", "no_superior", ("escalate.arrive.supervise", "step.arrive"),
            change("roles", "lead.gas", role="city:government"), {"unit": "unit:government"}, city=True),
    Planted("two units above one another", "P11", "escalation_circle",
            ("escalate.judge.supervise", "step.judge"),
            then(in_city("units", _unit("unit:emergency"), parent="unit:centre"),
                 change("escalations", "escalate.judge.take_over", fraction=0.9),
                 change("escalations", "escalate.judge.urge", fraction=0.7)),
            {"chain": "unit:centre → unit:emergency → unit:centre"}, city=True),
    # P12: nobody verifies or approves their own work.
    Planted("the lead verifies", "P12", "verifier_is_handler", ("step.review",),
            change("steps", "step.review", role="lead"), {"role": "lead"}),
    Planted("the verifier's role is the lead's", "P12", "verifier_is_handler", ("verify", "step.review"),
            then(change("roles", "verify", role="city:gas"), without("verifications", "verify.all")),
            {"role": "city:gas"}),
    Planted("a row that lets the handler verify", "P12", "verifier_may_be_handler", ("verify.all",),
            change("verifications", "verify.all", never=("superior",)), {"flow": "gas_leak"}),
    Planted("the verifier is the unit that leads", "P12", "verifier_same_unit", ("lead.gas", "step.review"),
            change("roles", "lead.gas", role="unit:emergency_east"),
            {"unit": "unit:emergency_east", "place": "area:river"}, city=True),
    Planted("the verifier is the lead's superior", "P12", "verifier_is_superior", ("lead.gas", "step.review"),
            in_city("units", _unit("unit:gas"), parent="unit:emergency_west"),
            {"unit": "unit:emergency_west", "other": "unit:gas"}, city=True),
    Planted("who drafts the warning approves it", "P12", "drafter_is_approver", ("warn.rain",),
            change("warnings", "warn.rain", approver="city:weather"), {"role": "city:weather"}),
    Planted("two roles, one unit: drafts and approves", "P12", "drafter_approves", ("warn.rain",),
            change("warnings", "warn.rain", approver="unit:weather"), {"unit": "unit:weather"}, city=True),
    Planted("the holder agrees to its own extension", "P12", "transfer_self_approved", ("extend",),
            change("transfers", "extend", approver="lead"), {"action": "extend"}),
    Planted("who returns decides whose duty it is", "P12", "duty_self_decided", ("return",),
            change("transfers", "return", decides="holder"), {"action": "return"}),
    Planted("a pause that its own unit approves", "P12", "pause_self_approved", ("pause.weather",),
            change("pauses", "pause.weather", approver="lead"), {"reason": "severe_weather"}),
    Planted("who asks for pumps releases them", "P12", "request_self_approved", ("pumps",),
            change("resources", "pumps", requester="city:water"), {"resource": "pump"}),
    Planted("who asks decides between two", "P12", "request_self_decided", ("pumps",),
            change("resources", "pumps", decides="lead"), {"role": "lead"}),
    Planted("a contractor publishes a warning", "P12", "contractor_decides", ("warn.rain",),
            change("warnings", "warn.rain", publisher="city:contractor"),
            {"unit": "unit:contractor", "what": "publish"}, city=True),
    Planted("a contractor requisitions", "P12", "contractor_decides", ("pumps",),
            change("resources", "pumps", requisitioner="unit:contractor"), {"what": "requisition"},
            city=True),
    Planted("a contractor decides a level", "P12", "contractor_decides", ("decide.I",),
            change("decisions", "decide.I", decider="unit:contractor"), {"what": "decide"}, city=True),
    Planted("a contractor acts in nobody's name", "P12", "contractor_without_principal", ("assist.c",),
            then(in_city("units", _unit("unit:contractor"), principal=""),
                 plus("roles", RoleRow(key="assist.c", flow="gas", part=Participation.ASSIST,
                                       role="unit:contractor"))), {"unit": "unit:contractor"}, city=True),
    # P13: no colour and no worst level passes undecided.
    Planted("a red warning that nobody has to decide on", "P13", "no_decision", (),
            without("decisions", "decide.red"), {"flow": "waterlogging", "code": "red"}),
    Planted("level I that nobody has to decide on", "P13", "no_decision", (),
            without("decisions", "decide.I"), {"flow": "gas_leak", "code": "I"}),
    Planted("a decision without a limit", "P13", "decision_unlimited", ("decide.red",),
            change("decisions", "decide.red", limit_s=None), {"code": "red"}),
    Planted("a decision by nobody", "P13", "no_decider", ("decide.orange",),
            change("decisions", "decide.orange", decider=""), {"code": "orange"}),
    Planted("nobody behind the decider", "P13", "nobody_otherwise", ("decide.red",),
            change("decisions", "decide.red", otherwise=""), {"code": "red"}),
    Planted("behind the decider the decider", "P13", "otherwise_the_same", ("decide.red",),
            change("decisions", "decide.red", otherwise="city:emergency"), {"role": "city:emergency"}),
    Planted("a warning that nobody lifts", "P13", "no_lifter", ("warn.rain",),
            change("warnings", "warn.rain", lifter=""), {"flow": "waterlogging", "colour": "blue"}),
    Planted("a warning that nobody drafts", "P13", "no_drafter", ("warn.rain",),
            change("warnings", "warn.rain", drafter=""), {"colour": "blue"}),
    Planted("a warning that nobody approves", "P13", "no_approver", ("warn.rain",),
            change("warnings", "warn.rain", approver=""), {"colour": "blue"}),
    Planted("a colour that is decided on but never issued", "P13", "colour_without_row", (),
            change("warnings", "warn.rain", colour="blue;yellow;orange"), {"colour": "red"}),
    # P14: no row is dead.
    Planted("a row that never speaks", "P14", "dead_row", ("lead.dead",),
            plus("roles", RoleRow(key="lead.dead", flow="*", part=LEAD, role="centre")), {"flow": "*"}),
    Planted("a row of a place outside the city", "P14", "unknown_word", ("lead.x",),
            plus("roles", _FOREST), {"axis": "territory", "word": "area:nowhere"}, city=True),
    # P16: the document's clauses.
    Planted("a clause that no row holds", "P16", "mark_without_row", ("mark.2",),
            plus("marks", MarkRow(key="mark.2", mark="第二条", text="值班")), {"mark": "第二条"}),
    Planted("a clause that is not in the document", "P16", "unknown_mark", ("lead.gas",),
            change("roles", "lead.gas", mark="第九条"), {"mark": "第九条"}),
    # P17: resources.
    Planted("more approvals than allowed", "P17", "too_many_approvals", ("pumps",),
            change("resources", "pumps", approvals=("city:emergency", "city:government")),
            {"count": 2, "allowed": 1, "minutes": 30.0}),
    Planted("one stock, two releasers", "P17", "two_releasers", ("pumps", "pumps.2"),
            plus("resources", ResourceRow(
                key="pumps.2", resource="pump", owner="city:water", requester="lead",
                releaser="city:housing", decides="city:government",
            )),
            {"role": "city:water", "other": "city:housing"}),
    Planted("a stock that nobody releases", "P17", "resource_no_releaser", ("pumps",),
            change("resources", "pumps", releaser=""), {"resource": "pump"}),
    Planted("a stock that nobody may ask for", "P17", "resource_no_requester", ("pumps",),
            change("resources", "pumps", requester=""), {"resource": "pump"}),
    Planted("two need it and nobody decides", "P17", "resource_no_decides", ("pumps",),
            change("resources", "pumps", decides=""), {"resource": "pump"}),
    Planted("no releaser at a level", "P17", "level_without_releaser", (),
            change("resources", "pumps", level="I;II;III"), {"level": "IV"}),
    Planted("one approves twice", "P17", "approves_twice", ("pumps",),
            change("resources", "pumps", approvals=("city:emergency", "city:emergency"), allowed=2),
            {"role": "city:emergency"}),
)  # fmt: skip

STANDING = (
    # P4: every role resolves.
    Planted("one town without its unit", "P4", "role_unfilled", ("assist.town",),
            gone_from_city("units", _unit("unit:town_mill")), {"role": "town", "place": "area:mill"}),
    Planted("a function that nobody has", "P4", "role_unfilled", ("inform.housing",),
            in_city("units", _unit("unit:housing_west"), function=""),
            {"role": "district:housing", "place": "area:west"}),
    Planted("assets whose regulator is not known", "P4", "role_unresolved", ("inform.regulator",),
            then(plus("roles", RoleRow(key="inform.regulator", flow="gas", part=Participation.INFORM,
                                       role="regulator", kind="gas_well")),
                 in_city("assets", _unit("asset:well-hill"), regulator="")),
            {"asset": "asset:well-hill", "count": 1}),
    Planted("a body without an office", "P4", "role_unresolved", ("inform.body",),
            then(plus("roles", RoleRow(key="inform.body", flow="gas", part=Participation.INFORM,
                                       role="body:safety_committee")),
                 in_city("bodies", lambda row: True, office="")), {"role": "body:safety_committee"}),
    Planted("no centre", "P4", "no_centre", (), gone_from_city("units", _unit("unit:centre")),
            {"role": "city:centre"}),
    # P5: somebody answers at every moment.
    Planted("an hour without anybody", "P5", "duty_nobody", ("lead.gas",),
            _HALF_A_DAY,
            {"unit": "unit:gas", "time": START + 12 * HOUR, "minutes": 720}),
    Planted("a unit without a post", "P5", "duty_no_post", ("lead.drainage",),
            then(gone_from_city("posts", lambda p: p.unit == "unit:drainage")), {"unit": "unit:drainage"}),
    Planted("a person whom nothing reaches", "P5", "duty_no_channel", ("lead.gas",),
            lambda world: knowing(contacts=tuple(
                Contact(person=c.person, channel="sms", outcome=RingOutcome.WRONG_NUMBER)
                if c.person.startswith("person:gas.duty") else c for c in world.facts.contacts or ()
            ))(world), {"unit": "unit:gas"}),
    Planted("no way out for any message", "P5", "no_channels", (), knowing(channels=())),
    Planted("a channel that is not set up", "P5", "channel_missing", ("escalate.judge.urge",),
            then(knowing(channels=("sms",)), change("escalations", "escalate.judge.urge", channel="voice")),
            {"channel": "voice"}),
    # P8: limits that can be kept.
    Planted("a base too far away", "P8", "limit_below_travel", ("step.arrive",),
            lambda world: knowing(bases={**world.facts.bases, "unit:gas": (113.6, 23.0)})(world),
            {"unit": "unit:gas"}),
    Planted("a limit shorter than a gap between duties", "P8", "limit_below_gap", ("step.acknowledge",),
            _HALF_A_DAY,
            {"unit": "unit:gas", "needs": 720.0}),
    # P13: deputies.
    Planted("nobody stands in for who drafts the warning", "P13", "no_deputy", ("warn.rain",),
            then(gone_from_city("holdings", _post("post:weather.duty")),
                 in_city("duties", lambda d: d.post == "post:weather.duty" and d.start > START + 20 * HOUR,
                         deputy="")),
            {"unit": "unit:weather", "what": "drafter", "time": START + 24 * HOUR, "place": "area:city"}),
    # P15: access.
    Planted("told, and not allowed to see", "P15", "cannot_see", ("report.I",),
            gone_from_city("permissions", _post("post:government.duty")), {"unit": "unit:government"}),
    Planted("may reopen what it cannot see", "P15", "actor_cannot_see", ("reopen",),
            change("transfers", "reopen", role="city:weather"), {"unit": "unit:weather"}),
    Planted("decides about level I without seeing it", "P15", "actor_cannot_see", ("decide.I",),
            change("decisions", "decide.I", decider="city:water"), {"unit": "unit:water", "level": "I"}),
    Planted("a right over another district only", "P15", "cannot_see", ("report.I",),
            in_city("permissions", _post("post:government.duty"), area="area:east"), {"place": "area:lake"}),
)  # fmt: skip

PLANTED = DOCUMENT + STANDING
