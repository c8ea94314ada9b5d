"""Routes of upward reports 上报: the draft made of the case, and each version as it was sent."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Path, Request
from pydantic import Field

from liandong.core.values.case import CaseState
from liandong.core.values.errors import BadInput
from liandong.core.values.journal import read_entry
from liandong.core.values.lists import Action, Cause
from liandong.core.values.times import format_time
from liandong.texts import label, text
from liandong.web.bodies import ReportBody, described, parse, read_body
from liandong.web.cases import ActDone, finish_act, header, version_of
from liandong.web.names import Name
from liandong.web.page import Page, read_state
from liandong.web.parts import DutyPerson, ReportState
from liandong.web.signin import Asker, SignedIn
from liandong.web.threads import ask, run, settled
from liandong.web.timeline import opened_words
from liandong.web.views import Moment, View

router = APIRouter()
CaseId = Annotated[str, Path(max_length=128, description="Id of a case.")]
_PAGE = 500
_HEADERS: dict[str, Any] = described(ReportBody) | {
    "parameters": [
        header("Idempotency-Key", "The client's own name of it, kept when trying again.", "8c1f-0007"),
        header("If-Match", "Version of the case that the person saw.", '"12"'),
    ]
}


class DraftView(View):
    """A report in the reader's language, made of what is on record; a person reads and changes it."""

    title: str
    text: str
    what: str
    where: str
    when: str
    level: str
    known: list[str]
    unknown: list[str] = Field(description="What is not known, said so that nobody takes silence for good.")
    measures: list[str]
    contact: str


class SentView(View):
    """One version as it was sent."""

    row: str
    version: int
    kind: str
    at: Moment
    person: str
    post: str
    signer: str
    late_s: float | None = Field(description="Negative: so many seconds before it was due.")
    text: str | None
    erased: bool
    digest: str
    hash: str = Field(description="Of the entry of the journal.")


class ReportPage(View):
    """The draft, the clock, and what was sent."""

    case: str
    version: int = Field(description="For If-Match.")
    state: ReportState | None = Field(description="The report that is due first.")
    reports: list[ReportState]
    signer: DutyPerson | None = Field(description="The leader on duty who signs, by the row.")
    draft: DraftView
    sent: list[SentView]


@router.get("/cases/{case}/report", tags=["cases"], operation_id="read_report")
async def read_report(asker: SignedIn, case: CaseId) -> ReportPage:
    """A draft of the upward report, its recipient, limit, signer and clock, and every version sent."""
    return await ask(lambda: _report_page(asker, case))


@router.post(
    "/cases/{case}/report",
    tags=["cases"],
    operation_id="send_report",
    openapi_extra=_HEADERS,
    response_model=ActDone,
)
async def send_report(asker: SignedIn, request: Request, case: CaseId) -> Any:
    """Record one version as sent; its clock stops. A correction is a new version, never an edit."""
    raw = await read_body(request)
    platform, session = asker.platform, asker.session
    try:
        version = version_of(request.headers.get("if-match", ""))
        given = parse(ReportBody, raw).model_dump(mode="json", exclude_none=True)
    except BadInput as error:
        refused = error
        await run(lambda: platform.acts.refuse(session, case, refused, raw))
        raise
    names = {"row": "reason", "signer": "to"}
    body = {names.get(name, name): value for name, value in given.items()}
    key = request.headers.get("idempotency-key", "")

    async def act() -> Any:
        future = await run(
            lambda: platform.acts.do(session, case, Action.REPORT.value, body, key, version, raw)
        )
        return await settled(future)

    return await finish_act(asker, request, case, act)


def _report_page(asker: Asker, id: str) -> ReportPage:
    platform = asker.platform
    case = read_state(platform.access.case(asker.scope, id).body)
    page = Page(platform, asker.scope)
    states = page.reports(case)
    due = next((state for state in states if state.due), None)
    state = due or (states[0] if states else None)
    kind = "first" if state is None or not state.versions else "next"
    return ReportPage(
        case=id, version=case.version, state=due, reports=states, signer=_signer(page, state),
        draft=draft(page, case, kind, asker.language), sent=_sent(page, id),
    )  # fmt: skip


def _signer(page: Page, state: ReportState | None) -> DutyPerson | None:
    if state is None or not state.signer_post:
        return None
    found = page.policy.city.on_duty(state.signer_post, page.now)
    return DutyPerson(
        person=found.person if found else "", post=state.signer_post, title=page.names.of(state.signer_post)
    )


def draft(page: Page, case: CaseState, kind: str, language: str) -> DraftView:
    """What, where, when, level, what is known and not known, measures, contact."""

    def say(key: str, **params: Any) -> str:
        return text(key, language, **params)

    def called(key: str) -> str:
        return _in(page.names.of(key), language)

    hazard = label("hazard", case.hazard, language)
    areas = " ".join(_in(area, language) for area in page.names.areas(case.area))
    known = [
        say(
            "report.finding", channel=called(f.channel), raised=f.raised, value=f"{f.value:g}",
            unit=page.names.unit_of(f.channel),
        )
        for f in list(case.findings.values())[:20]
    ]  # fmt: skip
    known += [say("report.step", action=action.value, at=at) for action, at in case.done.items()]
    orders = [o for o in case.orders.values()]
    measures = [
        say(
            "report.order", unit=called(o.unit), post=called(o.post),
            status=label("order_status", o.status.value, language),
        )
        for o in orders
    ]  # fmt: skip
    measures += [say("report.calls", count=case.calls)] if case.calls else []
    parts = dict(
        what=say("report.what", hazard=hazard, asset=called(case.asset), verdict=case.verdict),
        where=say("report.where", areas=areas, asset=called(case.asset)),
        when=say("report.when", onset=case.onset, opened=case.opened),
        level=say("report.level", level=case.level),
        contact=_contact(page, language),
    )
    unknown = [say(key) for key in _unknown(case)]
    title = say(
        "report.title", asset=called(case.asset), hazard=hazard, kind=label("report_version", kind, language)
    )
    nothing = say("report.nothing")
    whole = [title, parts["what"], parts["where"], parts["when"], parts["level"]]
    for head, lines in (("report.known", known), ("report.unknown", unknown), ("report.measures", measures)):
        whole += [say(head), *(f"- {line}" for line in lines or [nothing])]
    return DraftView(
        title=title, text="\n".join([*whole, parts["contact"]]), known=known, unknown=unknown,
        measures=measures, **parts,
    )  # fmt: skip


def _unknown(case: CaseState) -> list[str]:
    """Keys of what nobody has on record yet; casualties are never on record, and always asked for."""
    found = [] if Action.JUDGE in case.done else ["report.not_judged"]
    found += [] if Action.ARRIVE in case.done else ["report.not_on_site"]
    found += [] if Action.CHECK in case.done else ["report.not_checked"]
    found += ["report.cause_unknown"] if case.cause in (None, Cause.NOT_REPRODUCIBLE) else []
    return [*found, "report.casualties_unknown"]


def _contact(page: Page, language: str) -> str:
    scope = page.scope
    unit, post = page.names.of(scope.unit), page.names.of(scope.post)
    return text("report.contact", language, unit=_in(unit, language), post=_in(post, language))


def _in(name: Name, language: str) -> str:
    return str(getattr(name, language))


def _sent(page: Page, case: str) -> list[SentView]:
    """Every version, oldest first, out of the journal."""
    found, after = [], 0
    while rows := page.platform.store.entries_of(f"case:{case}", after, _PAGE):
        after = rows[-1].sequence
        for row in rows:
            if b'"CaseReported"' not in row.body:
                continue
            for record in read_entry(row.body).events:
                if record.type == "CaseReported":
                    found.append(_version(page, msgspec.json.decode(record.data), row.hash))
    return found


def _version(page: Page, data: dict[str, Any], hash: str) -> SentView:
    words, erased = opened_words(page, data.get("text"))
    late = data.get("late_us")
    return SentView(
        row=data["row"], version=data["number"], kind=data["kind"], at=format_time(data["at"]),
        person=data["person"], post=data["post"], signer=data["signer"],
        late_s=None if late is None else late / 1e6, text=words, erased=erased,
        digest=(data.get("text") or {}).get("digest", ""), hash=hash,
    )  # fmt: skip
