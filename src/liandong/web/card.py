"""处置卡: five lines for whoever has the telephone in hand, whom to ring, and for what to wake the leader."""

from __future__ import annotations

from liandong.core.mechanism.resolve import unit_of_role
from liandong.core.values.case import LIVE, CaseState
from liandong.core.values.city import OnDuty, Post
from liandong.core.values.lists import Action, Participation, Provenance, ReportKind, Watch
from liandong.core.values.rows import ContactRow
from liandong.texts import LANGUAGES, text
from liandong.web.names import Name, known
from liandong.web.page import Page
from liandong.web.parts import CardLine, CardView, ContactView, DutyPerson, WakeView, WatchView

#: In the order in which they are needed on the telephone.
_LINES = ("say", "ask", "do", "distance", "never")


def card(page: Page, case: CaseState) -> CardView:
    """The card of a case's flow, and the people of the units that it concerns."""
    hazard = case.hazard if known(f"card.{case.hazard}.say") else "any"
    rows = page.policy.routing.contacts(case.hazard)
    return CardView(
        hazard=case.hazard, lines=[_line(hazard, kind) for kind in _LINES], provenance=Provenance.ASSUMED,
        basis=_said(f"card.{hazard}.basis"), contacts=[_contact(page, case, row) for row in rows],
        watches=[_watch(page, case, unit) for unit in _units(page, case)],
    )  # fmt: skip


def _line(hazard: str, kind: str) -> CardLine:
    """A line that no source gives says so, and is not made up."""
    key = f"card.{hazard}.{kind}"
    unset = "card.unset_distance" if kind == "distance" else "card.unset"
    return CardLine(kind=kind, text=_said(key if known(key) else unset), set=known(key))


def _said(key: str) -> Name:
    return Name(**{language: text(key, language) for language in LANGUAGES})


def _units(page: Page, case: CaseState) -> list[str]:
    """Units with something to do, then those that lead, assist and supervise, then whom reports go to."""
    found = [order.unit for order in case.orders.values() if order.status in LIVE]
    parts = (Participation.LEAD, Participation.ASSIST, Participation.SUPERVISE)
    found += [p.unit for part in parts for p in case.participants if p.part == part and not p.until]
    found += [report.to for report in case.reports.values()]
    return [unit for unit in dict.fromkeys(found) if unit in page.policy.city.units]


def _contact(page: Page, case: CaseState, row: ContactRow) -> ContactView:
    city, unit = page.policy.city, unit_of_role(page.policy, case, row.role)
    post = city.posts.get(row.post) or (city.duty_post(unit) if unit else None)
    person = city.on_duty(post.key, page.now) if post else None
    return ContactView(
        **_answers(page, post, person.person if person else "").model_dump(), unit=unit,
        unit_name=page.names.of(unit or row.role), matter=row.matter, department=row.department,
        provenance=row.provenance, basis=row.place,
    )  # fmt: skip


def _answers(page: Page, post: Post | None, person: str) -> DutyPerson:
    key = post.key if post else ""
    return DutyPerson(
        person=person,
        person_name=page.person(person),
        post=key,
        title=page.names.of(key),
        tel=page.tel(person),
    )


def _watch(page: Page, case: CaseState, unit: str) -> WatchView:
    city = page.policy.city
    leader, main = city.leader_post(unit), city.duty_post(unit)
    on_duty = city.on_duty(main.key, page.now) if main else None
    second = next((p for p in city.posts.values() if p.unit == unit and p.duty and p is not main), None)
    woken = [city.posts[key] for key in city.wakes(main.key, case.level) if key in city.posts] if main else []
    return WatchView(
        unit=unit, unit_name=page.names.of(unit),
        leader=_on_watch(page, main, Watch.LEADER) or _at(page, leader),
        main=_answers(page, main, on_duty.person if on_duty else "") if main else None,
        second=_on_watch(page, main, Watch.SECOND) or _at(page, second) or _deputy(page, main, on_duty),
        wake_leader_for=_wake(page, case, unit), wake=[one for post in woken if (one := _at(page, post))],
    )  # fmt: skip


def _on_watch(page: Page, post: Post | None, watch: Watch) -> DutyPerson | None:
    """Who fills one watch of a post now, where the roster has such a watch."""
    duty = page.policy.city.roster.around(post.key, watch, page.now)[1] if post else None
    return _answers(page, post, duty.person) if duty else None


def _at(page: Page, post: Post | None) -> DutyPerson | None:
    if post is None:
        return None
    found = page.policy.city.on_duty(post.key, page.now)
    return _answers(page, post, found.person if found else "")


def _deputy(page: Page, post: Post | None, on_duty: OnDuty | None) -> DutyPerson | None:
    """The deputy of the roster (B角), where there is no second watch."""
    return _answers(page, post, on_duty.deputy) if post and on_duty and on_duty.deputy else None


def _wake(page: Page, case: CaseState, unit: str) -> list[WakeView]:
    """Escalations that reach the leader on duty of this unit, and reports that the leader signs."""
    routing = page.policy.routing
    mine = {s.action for o in case.orders.values() if o.unit == unit and o.status in LIVE for s in o.steps}
    found = [
        WakeView(
            row=row.key, kind=row.kind, action=row.action, fraction=row.fraction, provenance=row.provenance,
            basis=row.place,
        )
        for action in Action
        if action in mine
        for row in routing.escalations(case.hazard, case.level, action)
        if row.role == "leader"
    ]  # fmt: skip
    return found + [
        WakeView(
            row=report.key, kind=None, action=Action.REPORT, fraction=None, provenance=report.provenance,
            basis=report.place,
        )
        for report in routing.reports(case.hazard, case.level)
        if report.kind == ReportKind.UPWARD and report.signer
        if unit_of_role(page.policy, case, report.signer) == unit
    ]  # fmt: skip
