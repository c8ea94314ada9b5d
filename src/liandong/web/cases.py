"""Routes of human work: cases, acts, orders, the journal of a case, scores."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import Field

from liandong.app.handle import Answer
from liandong.core.values.errors import BadInput, Conflict
from liandong.core.values.lists import Action, Capability, CaseStage, OrderStatus
from liandong.texts import text
from liandong.web.bodies import ActBody, described, parse, read_body
from liandong.web.casepage import CaseView, case_full
from liandong.web.page import Page, read_state
from liandong.web.problems import refused_act
from liandong.web.rows import EntryPage, OrderPage, ScorePage, entry_view, order_item, score_item
from liandong.web.signin import Asker, SignedIn
from liandong.web.threads import ask, run, settled
from liandong.web.views import CasePage, View, summary

router = APIRouter()
After = Annotated[str, Query(max_length=200, description="`next` of the page before.")]
Limit = Annotated[int, Query(ge=1, le=500, description="Rows of a page.")]
CaseId = Annotated[str, Path(max_length=128, description="Id of a case.")]
_ACTIONS: dict[str, Any] = {"enum": [action.value for action in Action]}


class ReasonView(View):
    """Why it was decided so."""

    key: str
    params: dict[str, Any]
    text: str


class ActDone(View):
    """The answer to an act; a repeat with the same Idempotency-Key gets the same one."""

    case: str
    version: int = Field(description="Version of the case after the act; also the ETag.")
    status: str = Field(description="Always `done`; a refused act is a problem.")
    reason: ReasonView
    repeated: bool


def header(name: str, meaning: str, example: str, required: bool = True) -> dict[str, Any]:
    """A header that a handler reads itself, because what is refused has to be counted and kept."""
    return {
        "name": name, "in": "header", "required": required, "description": meaning, "example": example,
        "schema": {"type": "string"},
    }  # fmt: skip


_ACT: dict[str, Any] = described(ActBody) | {
    "parameters": [
        header("Idempotency-Key", "The client's own name of this act, kept when trying again.", "8c1f-0001"),
        header("If-Match", "Version of the case that the person saw.", '"12"'),
    ]
}


@router.get("/cases", tags=["cases"], operation_id="list_cases")
async def list_cases(
    asker: SignedIn,
    stage: Annotated[CaseStage | None, Query()] = None,
    unit: Annotated[str, Query(max_length=128, description="Unit that leads.")] = "",
    after: After = "",
    limit: Limit = 50,
) -> CasePage:
    """Cases within the scope of the asker, newest first."""
    questions = asker.platform.questions
    rows, cursor = await ask(
        lambda: questions.cases(
            asker.scope, stage=stage.value if stage else "", unit=unit, after=after, limit=limit
        )
    )
    return CasePage(items=[summary(row) for row in rows], next=cursor)


@router.get("/cases/{case}", tags=["cases"], operation_id="read_case")
async def read_case(
    asker: SignedIn,
    case: CaseId,
    response: Response,
    persons: Annotated[
        bool, Query(description="Names and numbers; needs personal.read, journalled.")
    ] = False,
) -> CaseView:
    """A case with its orders, clocks and what is due next; who was told, what the asker may do, the card."""
    found = await ask(lambda: case_full(asker, case, persons))
    response.headers["ETag"] = f'"{found.version}"'
    return found


@router.get("/cases/{case}/journal", tags=["cases"], operation_id="read_case_journal")
async def read_case_journal(
    asker: SignedIn,
    case: CaseId,
    after: Annotated[int, Query(ge=0, le=2**53, description="`next` of the page before.")] = 0,
    limit: Limit = 50,
) -> EntryPage:
    """Every decision about a case with its reason, for who takes part in it or may read the journal."""
    rows = await ask(lambda: asker.platform.access.journal(asker.scope, case, after, limit))
    following = str(rows[-1].sequence) if len(rows) == limit else ""
    return EntryPage(items=[entry_view(row, asker.language) for row in rows], next=following)


@router.post(
    "/cases/{case}/acts/{action}",
    tags=["cases"],
    operation_id="act_on_case",
    openapi_extra=_ACT,
    response_model=ActDone,
)
async def act_on_case(
    asker: SignedIn, request: Request, case: CaseId, action: Annotated[str, Path(json_schema_extra=_ACTIONS)]
) -> Any:
    """Do something to a case as the post of the token. Refused acts say what would be needed."""
    raw = await read_body(request)
    return await finish_act(asker, request, case, lambda: _act(asker, request, case, action, raw))


async def finish_act(
    asker: Asker, request: Request, case: str, act: Callable[[], Awaitable[Answer]]
) -> Response:
    """Wait for an act and say what came of it, as a problem where it was refused."""
    try:
        answer = await act()
    except Conflict as error:
        # The asker has to decide again, and for that has to know what the case is now.
        row = await ask(lambda: asker.platform.access.case(asker.scope, case))
        raise Conflict(error.key, **error.params, current=row.version) from error
    if answer.status == "refused":
        return refused_act(request, answer)
    reason = ReasonView(
        key=answer.key, params=answer.params, text=text(answer.key, asker.language, **answer.params)
    )
    done = ActDone(
        case=answer.case, version=answer.version, status="done", reason=reason, repeated=answer.repeated
    )
    return Response(
        done.model_dump_json(), headers={"ETag": f'"{answer.version}"'}, media_type="application/json"
    )


async def _act(asker: Asker, request: Request, case: str, action: str, raw: bytes) -> Answer:
    platform, session = asker.platform, asker.session
    try:
        version = version_of(request.headers.get("if-match", ""))
        body = parse(ActBody, raw).model_dump(mode="json", exclude_none=True)
    except BadInput as error:
        refused = error
        await run(lambda: platform.acts.refuse(session, case, refused, raw))
        raise
    key = request.headers.get("idempotency-key", "")
    return await settled(await run(lambda: platform.acts.do(session, case, action, body, key, version, raw)))


def version_of(text: str) -> int:
    """`"12"`, `W/"12"` or `12` → 12."""
    digits = text.strip().removeprefix("W/").strip('"')
    if not digits.isascii() or not digits.isdigit() or len(digits) > 15:
        raise BadInput("act.no_version")
    return int(digits)


@router.get("/orders", tags=["orders"], operation_id="list_orders")
async def list_orders(
    asker: SignedIn,
    person: Annotated[str, Query(max_length=128, description="A person's id, `me`, or `any`.")] = "me",
    post: Annotated[str, Query(max_length=128)] = "",
    status: Annotated[OrderStatus | None, Query()] = None,
    unit: Annotated[str, Query(max_length=128, description="Its unit; `mine` for my own.")] = "",
    persons: Annotated[bool, Query(description="Names of persons; needs personal.read, journalled.")] = False,
    after: After = "",
    limit: Limit = 50,
) -> OrderPage:
    """Orders within the scope of the asker, oldest first; without more, those addressed to the asker."""
    whose = {"me": asker.scope.person, "any": ""}.get(person, person)
    of_unit = asker.scope.unit if unit == "mine" else unit
    if (person == "me" and not whose) or (unit == "mine" and not of_unit):
        return OrderPage(items=[], next="")

    def question() -> OrderPage:
        platform = asker.platform
        rows, cursor = platform.questions.orders(
            asker.scope, person=whose, post=post, unit=of_unit, status=status.value if status else "",
            after=after, limit=limit,
        )  # fmt: skip
        cases = platform.store.load(list({f"case:{row.case}" for row in rows}))
        states = {row.stream: read_state(row.body) for row in cases.values()}
        people = platform.personal.people(asker.scope, [row.person for row in rows]) if persons else {}
        page = Page(platform, asker.scope, people)
        items = [order_item(page, row, states.get(f"case:{row.case}")) for row in rows]
        return OrderPage(items=items, next=cursor)

    return await ask(question)


@router.get("/scores", tags=["scores"], operation_id="list_scores")
async def list_scores(
    asker: SignedIn,
    unit: Annotated[str, Query(max_length=128, description="Unit that led.")] = "",
    after: After = "",
    limit: Limit = 50,
) -> ScorePage:
    """Scores of closed cases. Needs score.read."""

    def question() -> Any:
        asker.platform.access.need(asker.scope, Capability.SCORE_READ)
        return asker.platform.questions.scores(asker.scope, unit=unit, after=after, limit=limit)

    rows, cursor = await ask(question)
    return ScorePage(items=[score_item(row) for row in rows], next=cursor)
