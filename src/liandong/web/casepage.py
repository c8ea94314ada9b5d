"""A case in full: its state, names, provenance, who was told, what the asker may do now, the card."""

from __future__ import annotations

from pydantic import Field

from liandong.app.offers import Offer, OfferedField, offers
from liandong.app.ports import AttemptRow, OutboxRow
from liandong.core.values.case import CaseState
from liandong.core.values.lists import Action, Outcome
from liandong.core.values.times import format_time
from liandong.texts import text
from liandong.web.asides import Asides, asides, persons_beside
from liandong.web.card import card
from liandong.web.names import AreaName, Name, list_of_reason, listed, name
from liandong.web.page import Page, persons_of, read_state
from liandong.web.parts import (
    AlarmView,
    AttemptView,
    CardView,
    FieldView,
    OfferView,
    OptionView,
    PrecisionView,
    ReportState,
    ToldView,
    ValueView,
    WaitView,
)
from liandong.web.signin import Asker
from liandong.web.views import CaseCore, OrderView, ParticipantView, StepView, case_view, moment

#: A page shows so many deliveries, the newest; the timeline has all.
_MOST_TOLD = 200
_MOST_RULES = 20


class CaseView(CaseCore):
    """A case as its page shows it, without a second request."""

    names: dict[str, Name] = Field(description="Every key in this document, in words.")
    hazard_name: Name
    areas: list[AreaName]
    live: bool
    members: int = Field(description="Alarms that share this case in a storm; 0 else.")
    calls: int
    alarm: AlarmView
    waits: list[WaitView]
    report: ReportState | None = Field(description="The upward report that is due first.")
    reports: list[ReportState]
    value: ValueView | None
    precision: list[PrecisionView]
    told: list[ToldView]
    offers: list[OfferView] = Field(description="What would be done if the asker did it now.")
    card: CardView
    beside: Asides
    persons: dict[str, str] = Field(description="Person → name, where they were asked for and may be given.")


def case_full(asker: Asker, id: str, persons: bool) -> CaseView:
    """The page of a case within the scope. Raises NotFound outside it."""
    platform = asker.platform
    row = platform.access.case(asker.scope, id)
    case = read_state(row.body)
    page = Page(platform, asker.scope)
    deliveries = platform.store.deliveries(id)[-_MOST_TOLD:]
    shown = card(page, case)
    offered = offers(page.policy, case, asker.session, page.now)
    if persons:
        seen = persons_of(case) | {delivery.recipient for delivery, _ in deliveries} | _on_card(shown)
        seen |= persons_beside(case) | _offered(page, offered)
        page.people = platform.personal.people(asker.scope, seen)
        shown = card(page, case)
    base = case_view(row)
    reports = page.reports(case)
    told = [_told(page, case, delivery, attempts, asker.language) for delivery, attempts in deliveries]
    found = dict(base) | dict(
        clocks=[page.clock(clock) for clock in case.clocks.values()],
        orders=[_order(page, case, order) for order in base.orders],
        findings=[page.finding(finding) for finding in case.findings.values()],
        participants=[_participant(page, case, one) for one in base.participants],
    )
    return CaseView(
        **found, hazard_name=listed("hazard", case.hazard), areas=page.names.areas(case.area),
        live=not case.over, members=case.members, calls=case.calls, alarm=page.alarm(case),
        waits=page.waits(case), report=next((r for r in reports if r.due), None), reports=reports,
        value=page.value(case),
        precision=[page.precision(rule, case.asset) for rule in case.rules[:_MOST_RULES]], told=told,
        offers=_offers(page, case, offered), card=shown, beside=asides(page, case),
        names=page.names.all(_keys(case, shown)),
        persons={key: record.get("name", "") for key, record in page.people.items()},
    )  # fmt: skip


def _offered(page: Page, found: list[Offer]) -> set[str]:
    """Persons among the choices of the acts on offer."""
    fields = (field for offer in found for field in offer.fields if field.name == "to")
    return {value for field in fields for value in field.options if value not in page.policy.city.units}


def _on_card(shown: CardView) -> set[str]:
    watched = [one for w in shown.watches for one in (w.leader, w.main, w.second, *w.wake) if one]
    return {one.person for one in (*watched, *shown.contacts) if one.person}


def _keys(case: CaseState, shown: CardView) -> list[str]:
    """Whatever a page may have to put into words."""
    found = [case.asset, case.area, case.lead, *case.rules]
    for order in case.orders.values():
        found += [order.unit, order.post]
    for participant in case.participants:
        found += [participant.unit, participant.post]
    found += [
        unit for clock in case.clocks.values() for unit in (clock.unit, clock.charged_to, *clock.charges)
    ]
    found += [finding.channel for finding in case.findings.values()]
    return [*found, *(watch.unit for watch in shown.watches)]


def _order(page: Page, case: CaseState, order: OrderView) -> OrderView:
    kept = case.orders[order.id]
    signed = case.done.get(Action.ACKNOWLEDGE) if Action.ACKNOWLEDGE in kept.done else None
    steps = [_step(page, step) for step in order.steps]
    return order.model_copy(update=dict(steps=steps, acknowledged=moment(signed)))


def _step(page: Page, step: StepView) -> StepView:
    row = page.policy.routing.step(step.clause)
    if row is None:
        return step
    return step.model_copy(
        update=dict(origin_assumed=not row.origin_stated, provenance=row.provenance, basis=row.place)
    )


def _participant(page: Page, case: CaseState, one: ParticipantView) -> ParticipantView:
    rows = [r.key for r in page.policy.routing.parts(case.hazard, case.level, one.part)]
    return one.model_copy(update=dict(rows=rows))


def _told(page: Page, case: CaseState, row: OutboxRow, attempts: list[AttemptRow], language: str) -> ToldView:
    order = case.orders.get(row.order)
    first = order.done[0] if order is not None and order.done else None
    arrived = next((a.finished for a in attempts if a.outcome == Outcome.DELIVERED), None)
    return ToldView(
        person=row.recipient, person_name=page.person(row.recipient), order=row.order,
        recipient=row.recipient, channel=row.channel, template=row.template,
        text=text(row.template, language, **row.params), at=format_time(row.created),
        attempts=[_attempt(attempt) for attempt in attempts],
        delivered=moment(arrived), answered=moment(case.done.get(first) if first else None),
    )  # fmt: skip


def _attempt(row: AttemptRow) -> AttemptView:
    return AttemptView(
        number=row.number, started=format_time(row.started), finished=moment(row.finished),
        outcome=row.outcome,
    )  # fmt: skip


def _offers(page: Page, case: CaseState, found: list[Offer]) -> list[OfferView]:
    return [
        OfferView(
            action=offer.action, label=listed("action", offer.action.value), order=offer.order,
            fields=[_listed(page, case, offer, field) for field in offer.fields],
        )
        for offer in found
    ]  # fmt: skip


def _listed(page: Page, case: CaseState, offer: Offer, field: OfferedField) -> FieldView:
    """The field; of several findings or persons, with those that there are to choose from."""
    shown = _field(page, field)
    if field.name == "findings":
        options = [
            OptionView(value=one.id, label=page.names.of(one.channel)) for one in case.findings.values()
        ]
    elif field.name == "persons":
        persons = sorted(_offered(page, [offer]))
        options = [OptionView(value=person, label=_option(page, "persons", person)) for person in persons]
    else:
        return shown
    return shown.model_copy(update=dict(options=options))


_KINDS = {
    "passed": "flag", "answered": "flag", "evidence": "refs", "text": "text", "number": "text",
    "rung_at": "text", "until": "moment", "persons": "refs", "findings": "refs",
}  # fmt: skip
_LISTS = {
    "verdict": "verdict",
    "level": "case_level",
    "cause": "cause",
    "passed": "passed",
}


def _field(page: Page, field: OfferedField) -> FieldView:
    options = [OptionView(value=value, label=_option(page, field.name, value)) for value in field.options]
    kind = _KINDS.get(field.name, "choice" if options else "text")
    return FieldView(name=field.name, required=field.required, kind=kind, options=options)


def _option(page: Page, field: str, value: str) -> Name:
    if field == "reason":
        return listed(list_of_reason(value), value)
    if field in _LISTS:
        return listed(_LISTS[field], value)
    found = page.person(value)
    return name(found) if found else page.names.of(value)
