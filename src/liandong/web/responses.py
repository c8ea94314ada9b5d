"""Routes of responses 应急响应: what was asked, what was decided, and what was done."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from liandong.core.values.lists import MeasureKind, ResponseAction, ResponseStage
from liandong.core.values.response import Measure, Question, ResponseState
from liandong.core.values.scales import Scale
from liandong.core.values.times import format_time
from liandong.web.names import Name, name
from liandong.web.power_bodies import ResponseBody
from liandong.web.powers import (
    After,
    Id,
    Limit,
    PowerDone,
    ReceiptView,
    SendingView,
    act,
    headers_of,
    page,
    receipt_views,
    sending_views,
)
from liandong.web.signin import Asker, SignedIn
from liandong.web.threads import ask
from liandong.web.views import Moment, View, moment

router = APIRouter()


class QuestionView(View):
    """What somebody has to decide, or has decided."""

    key: str
    source: str = Field(description="Stream that asks, e.g. `warning:…` or `case:…`.")
    scale: Scale
    code: str
    unit: str
    post: str
    person: str
    fallback: str = Field(description="Why the centre was asked instead of whom a row names.")
    level: str = Field(description="Level of response that the row puts to the decision.")
    asked: Moment
    due: Moment | None
    overdue: bool
    units: list[str] = Field(description="Whose leaders on duty may decide.")
    alarms: int = Field(description="How often the platform has called out that nobody decides.")
    start: bool | None = Field(description="None while nobody has decided.")
    by: str
    answered: Moment | None


class MeasureView(View):
    """A measure: taken, not taken with a reason, or open."""

    key: str
    kind: MeasureKind
    title: Name
    unit: str
    due: Moment | None
    taken: bool | None
    person: str
    at: Moment | None
    reason: str | None


class ResponseSummary(View):
    """The response of a hazard and an area, in a list."""

    id: str
    version: int
    hazard: str
    area: str
    stage: ResponseStage
    level: str
    since: Moment | None
    until: Moment | None = Field(description="Expected end.")
    ended: Moment | None
    open_questions: int
    due: Moment | None = Field(description="When the first open decision is due.")
    measures_open: int


class ResponseView(ResponseSummary):
    """A response with its questions, its checklist and who was told."""

    unit: str
    matter: str | None
    words: str | None = Field(description="Measures in words, besides the list.")
    questions: list[QuestionView]
    measures: list[MeasureView]
    unresolved: list[str] = Field(description="Roles that had to be told and that nobody fills.")
    sendings: list[SendingView]
    receipts: list[ReceiptView]


class ResponseList(View):
    """Newest first."""

    items: list[ResponseSummary]
    next: str


@router.get("/responses", tags=["responses"], operation_id="list_responses")
async def list_responses(
    asker: SignedIn,
    stage: Annotated[ResponseStage | None, Query()] = None,
    open_only: Annotated[
        bool, Query(alias="open", description="Only with an open decision, or running.")
    ] = False,
    after: After = "",
    limit: Limit = 50,
) -> ResponseList:
    """Responses within the scope of the asker: running, ended, and asked for."""

    def fits(state: ResponseState) -> bool:
        live = bool(state.open) or state.stage == ResponseStage.ACTIVE
        return (stage is None or state.stage == stage) and (live or not open_only)

    found = await ask(lambda: asker.platform.authority.all(asker.scope, ResponseState, fits))
    items, cursor = page(found, after, limit, lambda state: state.id)
    return ResponseList(items=[ResponseSummary(**_short(state)) for state in items], next=cursor)


@router.get("/responses/{id}", tags=["responses"], operation_id="read_response")
async def read_response(asker: SignedIn, id: Id, response: Response) -> ResponseView:
    """A response with what was asked, who decided what, and each measure."""
    found = await ask(lambda: _view(asker, asker.platform.authority.one(asker.scope, ResponseState, id)))
    response.headers["ETag"] = f'"{found.version}"'
    return found


@router.post(
    "/responses",
    tags=["responses"],
    operation_id="start_response",
    openapi_extra=headers_of(ResponseBody, version=False),
    response_model=PowerDone,
)
async def start_response(asker: SignedIn, request: Request) -> Any:
    """Start a response without having been asked, as the leader on duty of a unit that may decide."""
    power = asker.platform.authority
    return await act(
        asker, request, ResponseBody, lambda body, key, _: power.start_response(asker.scope, body, key), False
    )


@router.post(
    "/responses/{id}/acts/{action}",
    tags=["responses"],
    operation_id="act_on_response",
    openapi_extra=headers_of(ResponseBody),
    response_model=PowerDone,
)
async def act_on_response(asker: SignedIn, request: Request, id: Id, action: ResponseAction) -> Any:
    """Start or not, change the level, record a measure, confirm receipt, end."""
    power = asker.platform.authority
    return await act(
        asker, request, ResponseBody,
        lambda body, key, version: power.respond(asker.scope, id, action, body, key, version),
    )  # fmt: skip


def _short(state: ResponseState) -> dict[str, Any]:
    waiting = state.open
    return dict(
        id=state.id, version=state.version, hazard=state.hazard, area=state.area, stage=state.stage,
        level=state.level, since=moment(state.since), until=moment(state.until), ended=moment(state.ended),
        open_questions=len(waiting), due=moment(waiting[0].due) if waiting else None,
        measures_open=sum(m.taken is None for m in state.measures.values()),
    )  # fmt: skip


def _view(asker: Asker, state: ResponseState) -> ResponseView:
    now = asker.platform.writer.now
    return ResponseView(
        **_short(state), unit=state.unit, matter=asker.platform.authority.words(state.matter),
        words=asker.platform.authority.words(state.words),
        questions=[question_view(q, now) for q in state.questions.values()],
        measures=[_measure(asker, m) for m in state.measures.values()],
        unresolved=list(state.unresolved), sendings=sending_views(state.sendings.values()),
        receipts=receipt_views(state.receipts),
    )  # fmt: skip


def question_view(q: Question, now: int) -> QuestionView:
    """A question with its clock as of now."""
    return QuestionView(
        key=q.key, source=q.source, scale=q.scale, code=q.code, unit=q.unit, post=q.post, person=q.person,
        fallback=q.fallback, level=q.level, asked=format_time(q.asked), due=moment(q.due),
        overdue=q.due is not None and q.due < (q.answered or now), units=list(q.units), alarms=q.alarms,
        start=q.start, by=q.by, answered=moment(q.answered),
    )  # fmt: skip


def _measure(asker: Asker, m: Measure) -> MeasureView:
    rows = asker.platform.handler.policy.routing.mechanism.measures
    row = next((row for row in rows if row.key == m.row), None)
    title = name(row.title_zh, row.title_en) if row else name(m.row)
    return MeasureView(
        key=m.key, kind=m.kind, title=title, unit=m.unit, due=moment(m.due), taken=m.taken, person=m.person,
        at=moment(m.at), reason=asker.platform.authority.words(m.reason),
    )  # fmt: skip
