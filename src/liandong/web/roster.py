"""Routes of rosters: who is on, who comes, swaps under two signatures, rings of contacts."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request

from liandong.app.handle import Answer
from liandong.core.values.roster_events import Exchange
from liandong.core.values.times import parse_time
from liandong.texts import text
from liandong.web.bodies import described, parse, read_body
from liandong.web.problems import problem
from liandong.web.roster_views import (
    AnswerBody,
    MoveBody,
    RingBody,
    RosterDone,
    RosterRows,
    RosterView,
    SwapBody,
    named,
)
from liandong.web.signin import Asker, SignedIn
from liandong.web.threads import ask, run, settled

router = APIRouter()
_Proposal = Annotated[str, Path(max_length=128, description="Id of a proposal.")]


@router.get("/roster", tags=["desk"], operation_id="read_roster")
async def read_roster(
    asker: SignedIn,
    unit: Annotated[str, Query(max_length=200, description="Key of a unit below the own one.")] = "",
    days: Annotated[int, Query(ge=1, le=62, description="How many days ahead duties are shown.")] = 7,
    persons: Annotated[bool, Query(description="With names, where the asker may see them.")] = False,
) -> RosterView:
    """Who is on duty now and in the days ahead, leaders among them, and whom they wake from which level."""

    def question() -> RosterView:
        found = asker.platform.rosters.now(asker.scope, unit, days)
        names = asker.platform.personal.people(asker.scope, named(found)) if persons else {}
        return RosterRows(asker, found, {key: record.get("name", "") for key, record in names.items()}).view()

    return await ask(question)


_KEY: dict[str, Any] = {
    "parameters": [
        {
            "name": "Idempotency-Key",
            "in": "header",
            "required": True,
            "description": "The client's own name of this signature, kept when trying again.",
            "example": "9d-1",
            "schema": {"type": "string"},
        }
    ]
}


@router.post(
    "/roster/swaps",
    tags=["desk"],
    operation_id="propose_swap",
    openapi_extra=described(SwapBody) | _KEY,
    response_model=RosterDone,
)
async def propose_swap(asker: SignedIn, request: Request) -> Any:
    """Propose that duties change hands, as one of the two. They do once the other one signs."""
    body = parse(SwapBody, await read_body(request))
    items = [
        Exchange(
            post=item.post, watch=item.watch, start=parse_time(item.start), giver=item.giver, taker=item.taker
        )
        for item in body.items
    ]
    return await _write(
        asker, request, lambda key: asker.platform.rosters.propose_swap(asker.scope, items, key)
    )


@router.post(
    "/roster/moves",
    tags=["desk"],
    operation_id="propose_move",
    openapi_extra=described(MoveBody) | _KEY,
    response_model=RosterDone,
)
async def propose_move(asker: SignedIn, request: Request) -> Any:
    """Hand over, in one action, every post of the unit that the asker answers for."""
    body = parse(MoveBody, await read_body(request))
    since = parse_time(body.since)
    rosters = asker.platform.rosters
    return await _write(asker, request, lambda key: rosters.propose_move(asker.scope, body.taker, since, key))


@router.post(
    "/roster/proposals/{proposal}/agree",
    tags=["desk"],
    operation_id="agree_proposal",
    openapi_extra=described(AnswerBody) | _KEY,
    response_model=RosterDone,
)
async def agree(asker: SignedIn, request: Request, proposal: _Proposal) -> Any:
    """The second signature: the roster is looked at again, and then the change holds."""
    return await _answer(asker, request, proposal, True)


@router.post(
    "/roster/proposals/{proposal}/decline",
    tags=["desk"],
    operation_id="decline_proposal",
    openapi_extra=described(AnswerBody) | _KEY,
    response_model=RosterDone,
)
async def decline(asker: SignedIn, request: Request, proposal: _Proposal) -> Any:
    """No second signature; or the first one taken back."""
    return await _answer(asker, request, proposal, False)


async def _answer(asker: Asker, request: Request, proposal: str, agreed: bool) -> Any:
    body = parse(AnswerBody, await read_body(request))
    rosters = asker.platform.rosters
    return await _write(
        asker, request, lambda key: rosters.answer(asker.scope, proposal, agreed, key, body.unit or "")
    )


@router.post(
    "/roster/rings",
    tags=["desk"],
    operation_id="report_ring",
    openapi_extra=described(RingBody) | _KEY,
    response_model=RosterDone,
)
async def report_ring(asker: SignedIn, request: Request) -> Any:
    """Record what the monthly ring of a contact came to."""
    body = parse(RingBody, await read_body(request))
    at = parse_time(body.at) if body.at else asker.platform.writer.now
    rosters = asker.platform.rosters
    return await _write(
        asker,
        request,
        lambda key: rosters.ring(
            asker.scope, body.unit or "", body.person, body.channel, at, body.outcome, key
        ),
    )


async def _write(asker: Asker, request: Request, write: Callable[[str], Future[Answer]]) -> Any:
    """Hand a message over and answer once it is committed: 409 with the reason where it is refused."""
    key = request.headers.get("idempotency-key", "")
    answer = await settled(await run(lambda: write(key)))
    if answer.status == "refused":
        return problem(request, 409, answer.key, answer.params, version=answer.version)
    return RosterDone(
        unit=asker.scope.unit, version=answer.version, status="done", key=answer.key, params=answer.params,
        text=text(answer.key, asker.language, **answer.params),
    )  # fmt: skip
