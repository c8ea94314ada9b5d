"""Routes of operators: refused input and dead letters, personal data, clock, health, figures."""

from __future__ import annotations

import base64
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from fastapi.responses import PlainTextResponse, Response
from pydantic import Field

from liandong.app.platform import Platform
from liandong.app.refusals import PERSONAL
from liandong.core.values.lists import Capability
from liandong.texts import text
from liandong.web.bodies import ConfirmBody, EraseBody, described, parse, read_body
from liandong.web.cases import After, Limit, ReasonView
from liandong.web.problems import problem, refused_act
from liandong.web.rows import DeadPage, RejectedItem, RejectedPage, RejectedRaw, dead_item, rejected_item
from liandong.web.signin import Asker, SignedIn
from liandong.web.threads import ask, run, settled
from liandong.web.views import View

router = APIRouter()
open_router = APIRouter()
Id = Annotated[str, Path(max_length=128)]


class Replayed(View):
    """What came of a message that was sent through the door again."""

    status: str = Field(description="done, or refused for the reason given")
    accepted: int = Field(description="Rows of readings taken; 0 for other messages.")
    duplicate: bool
    errors: int = Field(description="Rows that were refused again.")
    reason: ReasonView | None


class Done(View):
    """It is done and journalled."""

    status: str


class Me(View):
    """Who the token stands for."""

    person: str
    post: str
    unit: str
    source: str
    capabilities: list[Capability]


class Person(View):
    """Personal data; that it was read is journalled."""

    id: str
    name: str
    phone: str


class Health(View):
    """Figures for an operator."""

    now: str
    deadlines: bool = Field(description="Limits run out; False while the clock is in question.")
    clock_anomaly: str | None
    clock_difference: float = Field(description="Seconds by which the system clock is ahead.")
    queued: int
    equation: list[str] = Field(description="Where in = out + rejected + dead + queued does not hold.")
    counts: dict[str, int]
    position: int


class Status(View):
    """One word."""

    status: str


@router.get("/rejected", tags=["intake"], operation_id="list_rejected")
async def list_rejected(asker: SignedIn, after: After = "", limit: Limit = 50) -> RejectedPage:
    """Input that was refused at the door. Needs intake.read."""

    def question() -> Any:
        asker.platform.access.need(asker.scope, Capability.INTAKE_READ)
        return asker.platform.questions.rejected(asker.scope, after=after, limit=limit)

    rows, cursor = await ask(question)
    return RejectedPage(
        items=[RejectedItem(**rejected_item(row, asker.language)) for row in rows], next=cursor
    )


@router.get("/rejected/{id}", tags=["intake"], operation_id="read_rejected")
async def read_rejected(asker: SignedIn, id: Id) -> RejectedRaw:
    """A refused input with its bytes. Needs intake.read; an act's bytes are a person's words."""
    row, raw = await ask(lambda: asker.platform.rejected.raw(asker.scope, id))
    masked = row.path in PERSONAL and not asker.scope.may(Capability.PERSONAL_READ)
    shown = None if masked else base64.b64encode(raw).decode()
    return RejectedRaw(**rejected_item(row, asker.language), raw=shown, masked=masked)


@router.post("/rejected/{id}/replay", tags=["intake"], operation_id="replay_rejected")
async def replay_rejected(asker: SignedIn, id: Id) -> Replayed:
    """Send a refused message of readings through the door again. Needs intake.replay."""
    future, errors = await run(lambda: asker.platform.receiving.replay(asker.scope, id))
    receipt = await settled(future)
    refused = bool(errors) and not receipt.rows
    return Replayed(
        status="refused" if refused else "done", duplicate=receipt.duplicate, errors=len(errors),
        accepted=0 if receipt.duplicate else receipt.rows,
        reason=_reason(asker, errors[0].key, errors[0].params) if errors else None,
    )  # fmt: skip


@router.get("/dead-letters", tags=["intake"], operation_id="list_dead_letters")
async def list_dead_letters(asker: SignedIn, after: After = "", limit: Limit = 50) -> DeadPage:
    """Messages that could not be decided or stored. Needs intake.read."""

    def question() -> Any:
        asker.platform.access.need(asker.scope, Capability.INTAKE_READ)
        return asker.platform.questions.dead_letters(asker.scope, after=after, limit=limit)

    rows, cursor = await ask(question)
    return DeadPage(items=[dead_item(row) for row in rows], next=cursor)


@router.post("/dead-letters/{id}/replay", tags=["intake"], operation_id="replay_dead_letter")
async def replay_dead_letter(asker: SignedIn, id: Id) -> Replayed:
    """Admit a dead letter again. Needs intake.replay."""
    answer = await settled(await run(lambda: asker.platform.rejected.replay_dead(asker.scope, id)))
    reason = _reason(asker, answer.key, answer.params) if answer.key else None
    return Replayed(status=answer.status, accepted=0, duplicate=answer.repeated, errors=0, reason=reason)


def _reason(asker: Asker, key: str, params: dict[str, Any]) -> ReasonView:
    return ReasonView(key=key, params=params, text=text(key, asker.language, **params))


@router.get("/persons/{id}", tags=["persons"], operation_id="read_person")
async def read_person(asker: SignedIn, id: Id) -> Person:
    """Name and number behind a person's id. Needs personal.read; every look is journalled."""
    record = await ask(lambda: asker.platform.personal.person(asker.scope, id))
    return Person(id=id, name=record.get("name", ""), phone=record.get("phone", ""))


@router.post(
    "/subjects/{subject}/erase",
    tags=["persons"],
    operation_id="erase_subject",
    openapi_extra=described(EraseBody),
)
async def erase_subject(
    asker: SignedIn,
    request: Request,
    subject: Annotated[str, Path(max_length=220, examples=["person:person:p001", "case:case_…"])],
) -> Done:
    """Destroy the key of a subject for good: its data turns to noise. Needs personal.erase."""
    body = parse(EraseBody, await read_body(request))
    await settled(await run(lambda: asker.platform.personal.erase(asker.session, subject, body.reason)))
    return Done(status="erased")


@router.post(
    "/clock/confirm", tags=["platform"], operation_id="confirm_clock", openapi_extra=described(ConfirmBody)
)
async def confirm_clock(asker: SignedIn, request: Request) -> Any:
    """Say which clock is right after a jump, so that limits run again. Needs clock.confirm."""
    body = parse(ConfirmBody, await read_body(request))
    answer = await settled(
        await run(lambda: asker.platform.confirm_clock(asker.session, body.accept_wall, body.difference_us))
    )
    return refused_act(request, answer) if answer.status == "refused" else Done(status="confirmed")


@router.get("/me", tags=["persons"], operation_id="read_me")
async def read_me(asker: SignedIn) -> Me:
    """Who the token stands for, and what the post may do."""
    scope, held = asker.scope, {grant.capability for grant in asker.scope.grants}
    return Me(
        person=scope.person, post=scope.post, unit=scope.unit, source=asker.session.source,
        capabilities=[capability for capability in Capability if capability in held],
    )  # fmt: skip


@router.get("/health", tags=["platform"], operation_id="read_health")
async def read_health(asker: SignedIn) -> Health:
    """Figures for an operator. Needs intake.read."""

    def question() -> dict[str, Any]:
        asker.platform.access.need(asker.scope, Capability.INTAKE_READ)
        return asker.platform.health()

    return Health(**await ask(question))


@router.get("/metrics", tags=["platform"], operation_id="read_metrics", response_class=PlainTextResponse)
async def read_metrics(asker: SignedIn) -> Response:
    """Counters for Prometheus. Needs intake.read."""

    def question() -> str:
        asker.platform.access.need(asker.scope, Capability.INTAKE_READ)
        return asker.platform.accounting.export()

    return PlainTextResponse(await ask(question), media_type="text/plain; version=0.0.4; charset=utf-8")


@open_router.get("/health/live", tags=["platform"], operation_id="read_live")
async def read_live() -> Status:
    """The process answers. Needs no token."""
    return Status(status="live")


@open_router.get("/health/ready", tags=["platform"], operation_id="read_ready", response_model=Status)
async def read_ready(request: Request) -> Any:
    """It can take readings and acts. Needs no token."""
    platform: Platform = request.app.state.platform
    missing = await ask(platform.not_ready)
    if missing:
        return problem(request, 503, "health.not_ready", {"parts": ", ".join(missing)})
    return Status(status="ready")
