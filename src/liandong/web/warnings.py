"""Routes of public warnings 预警: drafted, approved, published, adjusted and lifted; and those of others."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from liandong.app.authority import Authority
from liandong.core.values.lists import WarningAction, WarningChange, WarningStage
from liandong.core.values.matter import DecisionNoted
from liandong.core.values.public_warning import WarningState, WarningVersion, missing
from liandong.core.values.times import format_time
from liandong.web.power_bodies import ExternalWarningBody, WarningBody
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


class WarningContents(View):
    """What a version says; words are None where their key was destroyed."""

    category: str
    colour: str
    starts: Moment | None
    area: str
    caution: str | None
    measures: str | None
    issuer: str
    issues: Moment | None
    until: Moment | None
    missing: list[str] = Field(description="Which of the eight contents of art. 64 are not there.")


class WarningVersionView(View):
    """One version, never changed once it is there."""

    number: int
    change: WarningChange
    contents: WarningContents
    reason: str | None
    drafted_by: str
    drafted: Moment | None
    approved_by: str
    approved: Moment | None
    refused_by: str
    refused: Moment | None
    published_by: str
    published: Moment | None
    green: bool = Field(description="Published by the green channel, before its approval.")
    unresolved: list[str] = Field(description="Roles of the onward list that nobody fills.")


class DecisionView(View):
    """What was decided on it."""

    question: str
    response: str
    start: bool
    level: str
    person: str
    unit: str
    asked: Moment
    at: Moment
    due: Moment | None


class WarningSummary(View):
    """A warning in a list."""

    id: str
    version: int
    stage: WarningStage
    category: str
    colour: str
    area: str
    external: bool = Field(description="Issued by somebody else and only shown.")
    issued: Moment | None
    lifted: Moment | None
    undecided: int = Field(description="Decisions that it asks for and nobody has made.")
    over: bool


class WarningView(WarningSummary):
    """A warning with every version."""

    source: str
    source_number: str
    current: int = Field(description="Number of the version in force; 0 = none.")
    pending: int = Field(description="Number of a version that waits; 0 = none.")
    approval_due: Moment | None
    approval_owed: bool = Field(description="It is out, and its approval is missing.")
    danger_over: Moment | None
    lift_due: Moment | None
    versions: list[WarningVersionView]
    sendings: list[SendingView]
    receipts: list[ReceiptView]
    open_questions: list[str]
    decisions: list[DecisionView]


class WarningList(View):
    """Newest first."""

    items: list[WarningSummary]
    next: str


@router.get("/warnings", tags=["warnings"], operation_id="list_warnings")
async def list_warnings(
    asker: SignedIn,
    stage: Annotated[WarningStage | None, Query()] = None,
    open_only: Annotated[bool, Query(alias="open", description="Only those that are not over.")] = False,
    after: After = "",
    limit: Limit = 50,
) -> WarningList:
    """Public warnings within the scope of the asker, our own and those of other issuers."""

    def fits(state: WarningState) -> bool:
        return (stage is None or state.stage == stage) and not (open_only and state.over)

    found = await ask(lambda: asker.platform.authority.all(asker.scope, WarningState, fits))
    items, cursor = page(found, after, limit, lambda state: state.id)
    return WarningList(items=[_summary(state) for state in items], next=cursor)


@router.get("/warnings/{id}", tags=["warnings"], operation_id="read_warning")
async def read_warning(asker: SignedIn, id: Id, response: Response) -> WarningView:
    """A warning with every version, to whom it went, and what was decided on it."""
    found = await ask(lambda: _view(asker, asker.platform.authority.one(asker.scope, WarningState, id)))
    response.headers["ETag"] = f'"{found.version}"'
    return found


@router.post(
    "/warnings",
    tags=["warnings"],
    operation_id="draft_warning",
    openapi_extra=headers_of(WarningBody, version=False),
    response_model=PowerDone,
)
async def draft_warning(asker: SignedIn, request: Request) -> Any:
    """Draft a public warning as the post of the token. Its contents may be completed until it is approved."""
    power = asker.platform.authority
    return await act(
        asker, request, WarningBody, lambda body, key, _: power.draft_warning(asker.scope, body, key), False
    )


@router.post(
    "/warnings/external",
    tags=["warnings"],
    operation_id="take_external_warning",
    openapi_extra=headers_of(ExternalWarningBody, version=False),
    response_model=PowerDone,
)
async def take_external_warning(asker: SignedIn, request: Request) -> Any:
    """A statutory warning as its issuer sends it; of one number each revision counts once."""
    power: Authority = asker.platform.authority
    return await act(
        asker, request, ExternalWarningBody,
        lambda body, _, __: power.external(
            asker.session, body["source"], body["number"], body["revision"],
            WarningChange(body["change"]), body,
        ),
        False,
    )  # fmt: skip


@router.post(
    "/warnings/{id}/acts/{action}",
    tags=["warnings"],
    operation_id="act_on_warning",
    openapi_extra=headers_of(WarningBody),
    response_model=PowerDone,
)
async def act_on_warning(asker: SignedIn, request: Request, id: Id, action: WarningAction) -> Any:
    """Approve, publish, raise, lower, lift …; whoever the rows do not name is told who would have to."""
    power = asker.platform.authority
    return await act(
        asker, request, WarningBody,
        lambda body, key, version: power.warn(asker.scope, id, action, body, key, version),
    )  # fmt: skip


def _summary(state: WarningState) -> WarningSummary:
    return WarningSummary(**_short(state))


def _short(state: WarningState) -> dict[str, Any]:
    published = [v.published for v in state.versions if v.published]
    return dict(
        id=state.id, version=state.version, stage=state.stage, category=state.hazard, colour=state.colour,
        area=state.area, external=bool(state.source), issued=moment(published[0] if published else 0),
        lifted=moment(state.lifted), undecided=len(state.undecided), over=state.over,
    )  # fmt: skip


def _view(asker: Asker, state: WarningState) -> WarningView:
    return WarningView(
        **_short(state), source=state.source, source_number=state.source_number, current=state.current,
        pending=state.pending, approval_due=moment(state.approval_due),
        approval_owed=bool(state.approval_owed), danger_over=moment(state.danger_over),
        lift_due=moment(state.lift_due), versions=[_version(asker, v) for v in state.versions],
        sendings=sending_views(state.sendings.values()), receipts=receipt_views(state.receipts),
        open_questions=list(state.undecided), decisions=[_decision(d) for d in state.decisions],
    )  # fmt: skip


def _version(asker: Asker, v: WarningVersion) -> WarningVersionView:
    words, c = asker.platform.authority.words, v.contents
    contents = WarningContents(
        category=c.category, colour=c.colour, starts=moment(c.starts), area=c.area, caution=words(c.caution),
        measures=words(c.measures), issuer=c.issuer, issues=moment(c.issues), until=moment(c.until),
        missing=list(missing(c)),
    )  # fmt: skip
    return WarningVersionView(
        number=v.number, change=v.change, contents=contents, reason=words(v.reason), drafted_by=v.drafter,
        drafted=moment(v.drafted), approved_by=v.approver, approved=moment(v.approved),
        refused_by=v.refuser, refused=moment(v.refused), published_by=v.publisher,
        published=moment(v.published), green=v.green, unresolved=list(v.unresolved),
    )  # fmt: skip


def _decision(d: DecisionNoted) -> DecisionView:
    return DecisionView(
        question=d.question, response=d.response, start=d.start, level=d.level, person=d.person, unit=d.unit,
        asked=format_time(d.asked), at=format_time(d.at), due=moment(d.due),
    )  # fmt: skip
