"""What a person may do to a case, said as simply as possible and without asking the code that decides.

It reads the rows of the mechanism themselves, and the state of the case; nothing here is imported from
`core.mechanism` or `core.coordinate`.
"""

from __future__ import annotations

from typing import Any

from liandong.core.values.case import LIVE, CaseState, Order, VaultRef
from liandong.core.values.lists import Action, CaseStage, Cause, HelpGround, Verdict
from liandong.core.values.rows import TransferRow
from liandong.core.values.times import SECOND
from tests.core.world import CENTRE, LEADER, REVIEWER, Life, persons_of

WORDS = VaultRef("vlt_words", "digest")
KINDS = ("", "first", "next", "final", "correction")
CLOSING = (Action.CLOSE, Action.ARCHIVE, Action.DISPOSAL_REPORT)
STEPS = (
    Action.JUDGE, Action.PUSH, Action.ACKNOWLEDGE, Action.ARRIVE, Action.CHECK, Action.HANDLE,
    Action.FEED_BACK, Action.REVIEW, Action.TRACK, Action.SUPPORT, Action.SELF_CORRECT, Action.PERSUADE,
    Action.ENFORCE, Action.DECIDE_DUTY, Action.ANSWER_HELP, Action.APPROVE,
)  # fmt: skip
#: What may be done to a case that is over, and the stage it needs.
AFTER = {Action.ARCHIVE: CaseStage.CLOSED, Action.DISPOSAL_REPORT: CaseStage.ARCHIVED}
FALSE = (Verdict.FALSE, Verdict.TEST)
#: Where no row speaks: who may all the same.
SILENT = {
    Action.RETURN: ("holder",),
    Action.HAND_OVER: ("holder",),
    Action.UNDO: ("holder",),
    Action.URGE: ("centre", "lead", "supervise"),
}
BY_ROW = (
    Action.HAND_OVER, Action.EXTEND, Action.DEFER, Action.TAKE_OVER, Action.CANCEL, Action.UNDO,
    Action.URGE, Action.SUPERVISE, Action.ASK_HELP, Action.MERGE, Action.SPLIT,
)  # fmt: skip
Fields = dict[str, Any]


def may_act_for(life: Life, order: Order, person: str, post: str) -> bool:
    """Named on the order, or at its post now."""
    now_there = persons_of(life.policy.city.city, order.post, life.now)
    known = (order.person, order.deputy, *order.others, *now_there)
    return bool(person and post) and post == order.post and person in known


def left(order: Order) -> list[Action]:
    return [step.action for step in order.steps if step.action not in order.done]


def allows(life: Life, case: CaseState, action: Action, person: str, post: str, fields: Fields) -> bool:
    """Whether the rows and the state let this person do this now."""
    if fields["version"] != case.version:
        return False
    who = _Who(life, case, person, post, fields)
    if action == Action.REOPEN:
        by_row = who.row(Action.REOPEN, None) is not None
        used_up = not by_row and who.is_row(Action.REOPEN)
        return case.over and (by_row or (post == LEADER and who.holds and not used_up))
    if action in (Action.CALL, Action.REPORT):
        return who.records(action)
    if action == Action.REFUSE:
        return who.approves(granted=False) and not case.over
    if action in STEPS + CLOSING:
        return who.steps(action)
    if case.over:
        return False
    if action == Action.ANSWER_CALL:
        return who.is_rung()
    if action == Action.RETURN:
        return who.gives_back()
    if action in (Action.PAUSE, Action.RESUME):
        return who.stops(action)
    return action in BY_ROW and who.by_row(action)


class _Who:
    """Somebody who wants to do something."""

    def __init__(self, life: Life, case: CaseState, person: str, post: str, fields: Fields) -> None:
        self.life, self.case, self.fields = life, case, fields
        self.person, self.post = person, post
        self.city = life.policy.city
        self.live = [o for o in case.orders.values() if o.status in LIVE]
        self.mine = [o for o in self.live if may_act_for(life, o, person, post)]
        self.holds = bool(person) and person in persons_of(self.city.city, post, life.now)
        self.unit = next((p.unit for p in self.city.city.posts if p.key == post), "")

    # Steps.

    def step(self, action: Action) -> Order | None:
        """The order whose next step this is, and which is this person's."""
        named = self.fields["order"]
        fitting = [o for o in self.mine if left(o)[:1] == [action] and named in ("", o.id)]
        return fitting[0] if fitting else None

    def steps(self, action: Action) -> bool:
        case, fields = self.case, self.fields
        if action in AFTER and case.stage != AFTER[action]:
            return False
        if case.over and action not in AFTER:
            return False
        order = self.step(action)
        if order is None:
            return False
        if order.steps[len(order.done)].evidence and not fields["evidence"]:
            return False
        if fields["passed"] is None and self.is_tried(order, action):
            return False
        if action == Action.DECIDE_DUTY:
            barred = {q.unit for q in case.questions.values() if q.decided and q.decided != q.unit}
            asked = case.questions[order.line].unit
            return (
                bool(fields["reason"])
                and fields["to"] in self.city.units
                and fields["to"] not in barred - {asked}
            )
        if action == Action.ANSWER_HELP:
            good = fields["passed"] or fields["reason"] in list(HelpGround)
            return fields["passed"] is not None and good
        if action == Action.APPROVE:
            return self.approves(granted=True)
        if order.line:
            return True
        if action == Action.JUDGE:
            return fields["verdict"] in list(Verdict) and fields["level"] in ("", "I", "II", "III", "IV")
        if action == Action.PUSH:
            known = fields["to"] in self.city.units and fields["to"] not in self.barred("")
            return not fields["to"] or known
        if action == Action.REVIEW:
            return self.reviews(order)
        return action != Action.CLOSE or self.closes()

    def is_tried(self, order: Order, action: Action) -> bool:
        rows = self.life.policy.routing.mechanism.steps
        return any(row.after_failed == action and row.line == order.line for row in rows)

    def reviews(self, order: Order) -> bool:
        case = self.case
        rows = [row.action for row in self.life.policy.routing.steps(case.hazard, case.level)]
        ahead = set(rows[: rows.index(Action.REVIEW)] if Action.REVIEW in rows else [])
        if any(ahead & set(left(o)) for o in self.live if o.id != order.id and not o.line):
            return False
        if any(o.line and o.role not in self.words_only(o) for o in self.live):
            return False
        units = {unit for _, unit in case.handlers}
        above = {a for u in units for a in self.city.units if self.city.is_superior(a, u)}
        handled = self.person in {p for p, _ in case.handlers} or order.unit in units | above
        return self.fields["passed"] is not None and not handled

    def words_only(self, order: Order) -> tuple[str, ...]:
        """Nothing is handled where a question waits for a word."""
        asks = {Action.DECIDE_DUTY, Action.APPROVE} & {step.action for step in order.steps}
        return (order.role,) if asks else ()

    def closes(self) -> bool:
        case, fields = self.case, self.fields
        if fields["cause"] not in list(Cause):
            return False
        if case.verdict in FALSE:
            return fields["cause"] != Cause.REAL and not (case.drawn and case.reviewed is not True)
        wanted = {r.action for r in self.life.policy.routing.steps(case.hazard, case.level)}
        proven = {Action.HANDLE, Action.FEED_BACK} & wanted <= set(case.done)
        reviewed = Action.REVIEW not in wanted or case.drawn is False or case.reviewed is True
        return proven and reviewed and not self.open_lines()

    def open_lines(self) -> bool:
        """A linked order that has not ended."""
        if any(order.line for order in self.live):
            return True
        rows = self.life.policy.routing.lines(self.case.hazard, self.case.level)
        return any(
            row.action not in self.case.line_done.get(line, {})
            and (not row.after_failed or row.after_failed in self.case.failed.get(line, ()))
            for line, steps in rows.items()
            for row in steps
        )

    # Beside the steps.

    def records(self, action: Action) -> bool:
        """By who takes part, had an order, or may act there."""
        case, fields = self.case, self.fields
        part = self.holds and any(p.post == self.post and not p.until for p in case.participants)
        ordered = any(may_act_for(self.life, o, self.person, self.post) for o in case.orders.values())
        signs = action == Action.REPORT and self.holds and self.signs()
        if not (part or ordered or signs or (self.holds and self.post in (CENTRE, REVIEWER))):
            return False
        if action == Action.REPORT:
            known = {"", *case.reports}
            return fields["text"] is not None and fields["kind"] in KINDS and fields["reason"] in known
        city = self.city
        rung = fields["to"] in city.persons or fields["to"] in city.posts or fields["to"] in city.units
        return (rung or (not fields["to"] and fields["number"] is not None)) and fields[
            "answered"
        ] is not None

    def signs(self) -> bool:
        """A leader of a unit that signs what is reported on such a case."""
        leads = any(post.key == self.post and post.leader for post in self.city.city.posts)
        rows = self.life.policy.routing.mechanism.reports
        signers = {row.signer for row in rows if row.level in ("*", self.case.level)}
        return leads and any(self.is_a(role, None) for role in signers if role)

    def approves(self, granted: bool) -> bool:
        order = self.step(Action.APPROVE)
        if order is None or self.case.requests[order.line].person == self.person:
            return False
        return granted or bool(self.fields["reason"])

    def is_rung(self) -> bool:
        named = self.fields["order"]
        return any(
            named in ("", order) and (call.person == self.person or (call.post == self.post and self.holds))
            for order, call in self.case.ringing.items()
        )

    def barred(self, line: str) -> set[str]:
        """Units of which it was decided that this line is not their duty."""
        asked = (q for q in self.case.questions.values() if q.line == line)
        return {q.unit for q in asked if q.decided and q.decided != q.unit}

    def gives_back(self) -> bool:
        named = self.fields["order"]
        lines = self.life.policy.routing.lines(self.case.hazard, self.case.level)
        held = [o for o in self.mine if named in ("", o.id)]
        ranked = sorted(held, key=lambda o: (o.role != "lead", bool(o.line)))
        if not ranked or not self.fields["reason"]:
            return False
        order = ranked[0]
        if not (order.role == "lead" if not order.line else order.line in lines):
            return False
        asked = {key for key, q in self.case.questions.items() if q.line == order.line and not q.decided}
        open_ = any(o.line in asked for o in self.live)
        settled = any(q.decided == order.unit and q.line == order.line for q in self.case.questions.values())
        return not open_ and not settled and self.row(Action.RETURN, order) is not None

    def stops(self, action: Action) -> bool:
        order = self.meant()
        if order is None or order not in self.mine:
            return False
        clocks = [c for c in self.case.clocks.values() if c.stopped is None and c.order == order.id]
        if action == Action.RESUME:
            return any(clock.paused_at is not None for clock in clocks)
        open_ = [clock.action for clock in clocks if clock.paused_at is None]
        routing, reason = self.life.policy.routing, self.fields["reason"]
        return any(routing.pause(self.case.hazard, reason, a) for a in open_)

    def meant(self, others: bool = False) -> Order | None:
        """The order an act speaks of; of `others` where nobody does it to themselves."""
        if self.fields["order"]:
            return next((o for o in self.live if o.id == self.fields["order"]), None)
        theirs = [o for o in self.live if o not in self.mine]
        ranked = sorted(
            theirs if others else self.mine or self.live, key=lambda o: (bool(o.line), o.role != "lead")
        )
        return ranked[0] if ranked else None

    def row(self, action: Action, order: Order | None) -> TransferRow | None:
        """The first row that lets this person do it, as often as it says."""
        rows = [r for r in self.life.policy.routing.mechanism.transfers if r.action == action]
        silent = [
            TransferRow(key=f"default.{action}.{role}", flow="*", action=action, role=role)
            for role in SILENT.get(action, ())
        ]
        inside = action == Action.HAND_OVER and self.fields["to"] not in self.city.units
        row = next((r for r in (silent if inside else rows or silent) if self.is_a(r.role, order)), None)
        if row is None or row.at_most is None:
            return row
        refused = sum(r.row == row.key and r.granted is False for r in self.case.requests.values())
        return row if self.case.acts.get(row.key, 0) - refused < row.at_most else None

    def is_row(self, action: Action) -> bool:
        """Whether a row is for this person, however often it was used already."""
        rows = self.life.policy.routing.mechanism.transfers
        return any(row.action == action and self.is_a(row.role, None) for row in rows)

    def is_a(self, role: str, order: Order | None) -> bool:
        if role == "holder":
            return order in self.mine
        if not self.holds or not self.unit:
            return False
        if role == "supervise":
            return any(p.part == role and p.unit == self.unit and not p.until for p in self.case.participants)
        if role == "superior":
            return order is not None and self.city.is_superior(self.unit, order.unit)
        named = {"lead": self.case.lead, "centre": "unit:centre"}
        return self.unit == named.get(role, self.in_territory(role) if role.count(":") == 1 else role)

    def in_territory(self, role: str) -> str:
        """`city:emergency`: the unit with that function whose area of that kind lies around the case."""
        kind, _, function = role.partition(":")
        city = self.city.city
        if kind == "unit":
            return role
        around = {a.key for a in city.areas if a.kind == kind and self.case.area_path.startswith(a.path)}
        found = sorted(u.key for u in city.units if u.function == function and u.area in around)
        return found[0] if found else ""

    def by_row(self, action: Action) -> bool:
        order = self.meant(action in (Action.URGE, Action.SUPERVISE, Action.TAKE_OVER))
        if self.fields["order"] and order is None:
            return False
        row = self.row(action, order)
        if row is None:
            return False
        check = getattr(self, f"may_{action.value}", None)
        if action not in (Action.HAND_OVER, Action.URGE) and not self.fields["reason"]:
            return False
        if order is None or (check is not None and not check(order, row)):
            return False
        return not row.approver or not self.waits(action, order)

    def waits(self, action: Action, order: Order) -> bool:
        """The same is waiting for approval already."""
        whole = action in (Action.CANCEL, Action.DEFER, Action.MERGE, Action.SPLIT)
        to = ";".join((self.fields["to"], *self.fields["persons"])).strip(";")
        this = (action, "" if whole else order.id, to)
        open_ = [r for r in self.case.requests.values() if r.granted is None]
        return any((r.action, r.order, r.to) == this for r in open_)

    def may_hand_over(self, order: Order, row: TransferRow) -> bool:
        to = self.fields["to"]
        if to in self.city.units:
            barred = self.barred(order.line)
            if order.role != "lead" and not order.line:
                barred = set()  # whose duty it is was asked about the lead's orders
            good = not row.key.startswith("default.") and to != order.unit and to not in barred
            return good and self.independent(order, to)
        people = [person for person in (to, *self.fields["persons"]) if person]
        holders = persons_of(self.city.city, order.post, self.life.now)
        return bool(people) and people != [order.person] and set(people) <= set(holders)

    def may_extend(self, order: Order, row: TransferRow) -> bool:
        until = self.fields["until"]
        clocks = [c for c in self.case.clocks.values() if c.stopped is None and c.order == order.id]
        moved = [c for c in clocks if until is not None and c.due < until]
        if not moved or until <= self.life.now:
            return False
        return row.longest_s is None or max(until - c.due for c in moved) <= row.longest_s * SECOND

    def may_defer(self, order: Order, row: TransferRow) -> bool:
        until = self.fields["until"]
        if until is None or until <= self.life.now or self.case.deferred:
            return False
        return row.longest_s is None or until - self.life.now <= row.longest_s * SECOND

    def may_take_over(self, order: Order, row: TransferRow) -> bool:
        if self.post == order.post or self.city.is_superior(order.unit, self.unit):
            return False
        if (order.line or order.role == "lead") and self.unit in self.barred(order.line):
            return False
        return self.independent(order, self.unit)

    def independent(self, order: Order, unit: str) -> bool:
        """Who holds a review neither handled the case nor stands over who did."""
        units = {unit for _, unit in self.case.handlers}
        dependent = unit in units or any(self.city.is_superior(unit, u) for u in units)
        return Action.REVIEW not in left(order) or not dependent

    def may_undo(self, order: Order, row: TransferRow) -> bool:
        return order.done[-1:] == (Action.ACKNOWLEDGE,)

    def may_ask_help(self, order: Order, row: TransferRow) -> bool:
        asked = {h.unit for h in self.case.helps.values() if h.given is None}
        done = Action.REVIEW in self.case.done
        orders = self.case.orders.values()
        reviewed = {o.unit for o in orders if done and Action.REVIEW in o.done and not o.line}
        return self.fields["to"] in set(self.city.units) - asked - reviewed - {order.unit}

    def may_merge(self, order: Order, row: TransferRow) -> bool:
        return bool(self.fields["to"]) and self.fields["to"] != self.case.id

    def may_split(self, order: Order, row: TransferRow) -> bool:
        asked, here = set(self.fields["findings"]), set(self.case.findings)
        good = asked <= here and asked != here if asked else True
        return bool(here) and good and (not self.fields["to"] or self.fields["to"] in self.city.units)
