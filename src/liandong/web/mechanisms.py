"""Routes of mechanisms on their way into force: draft, consult, opinion, countersign, publish."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Path, Request
from pydantic import Field, StrictBool

from liandong.app.handle import Answer
from liandong.core.mechanism.difference import Change
from liandong.core.mechanism.policy import Policy
from liandong.core.values.lists import Capability, DraftAction, DraftStatus, Stand
from liandong.core.values.publication import DraftState, Opinion
from liandong.core.values.times import format_time, parse_time
from liandong.texts import text
from liandong.texts.changes import sentence
from liandong.web.bodies import Reference, _Body, described, parse, read_body
from liandong.web.desk import _HEADERS, _version
from liandong.web.names import Name, Names
from liandong.web.problems import refused_act
from liandong.web.signin import Asker, SignedIn
from liandong.web.threads import ask, run, settled
from liandong.web.views import Moment, View, moment

router = APIRouter()
_OPEN_TO_ALL = (DraftStatus.PUBLISHED, DraftStatus.IN_FORCE, DraftStatus.SUPERSEDED)
_ALL = (Capability.MECHANISM_READ, Capability.MECHANISM_DRAFT, Capability.MECHANISM_PUBLISH)
_Draft = Annotated[str, Path(max_length=128, description="Id of a draft.")]
Words = Annotated[str, Field(max_length=4_000)]


#: A plain name of a YAML file: it is written into a folder, so no path, and the document's key is beside it.
FileName = Annotated[str, Field(pattern=r"^\w[\w.\-]{0,99}\.ya?ml$")]


class DocumentBody(_Body):
    """A document and what fills it, each as the text of its YAML file."""

    files: Annotated[
        dict[FileName, Annotated[str, Field(max_length=2_000_000)]], Field(min_length=1, max_length=20)
    ] = Field(description="Name of a file → its text.")
    draft: Reference | None = Field(
        None, description="A draft to give new content to; without it, a new one."
    )
    text: Words | None = Field(None, description="Why. It goes into the vault.")


class ConsultBody(_Body):
    """Who is asked, until when."""

    units: Annotated[list[Reference], Field(max_length=500)] = Field(
        default_factory=list, description="Without any, every unit for which something would change."
    )
    until: Annotated[str, Field(max_length=64)] = Field(description="RFC 3339 with offset.")


class DraftActBody(_Body):
    """What an act needs depends on the action."""

    row: Annotated[str, Field(max_length=200)] = Field(
        "", description="For opinion and decide; empty = the whole."
    )
    stand: Stand | None = Field(None, description="For opinion.")
    unit: Reference | None = Field(None, description="For decide: whose opinion.")
    accepted: StrictBool | None = Field(None, description="For decide: followed, or not.")
    digest: Annotated[str, Field(max_length=128)] = Field("", description="For countersign: what is signed.")
    number: Annotated[str, Field(max_length=100)] = Field("", description="For publish: 文号.")
    in_force: Annotated[str, Field(max_length=64)] = Field(
        "", description="For publish: from when; RFC 3339."
    )
    text: Words | None = Field(None, description="Reason. It goes into the vault.")


#: Bodies that are described in the OpenAPI document under their own names.
MECHANISM_BODIES = (DocumentBody, ConsultBody, DraftActBody)


class OpinionView(View):
    """What a unit says of a row, and what became of it."""

    unit: str
    row: str
    stand: Stand
    person: str
    at: Moment
    late: bool
    words: str | None
    accepted: bool | None
    decision: str | None


class AskedView(View):
    """A unit that was asked; `silent` is shown as what it is."""

    unit: str
    rows: list[str]
    silent: bool
    signed: bool = Field(description="Has countersigned this very content.")


class ChangeView(View):
    """One change in words."""

    who: str = Field(description="Unit, or role where no unit can be named.")
    units: list[str] = Field(description="Units that the role can mean in this city.")
    rows: list[str]
    text: str


class MechanismDraftView(View):
    """A draft, what it changes, and who said what."""

    draft: str
    mechanism: str
    status: DraftStatus
    version: int
    digest: str
    issuer: str
    drafted_by: str
    drafted_at: Moment
    until: Moment | None
    asked: list[AskedView]
    opinions: list[OpinionView]
    changes: list[str] = Field(description="In words; for a unit that was only asked, its own.")
    changed: list[ChangeView] = Field(description="The same, each with whose it is and by which rows.")
    names: dict[str, Name] = Field(description="Units and issuer of this document, in words.")
    faults: list[str] = Field(description="Kinds of faults that stand in the way; empty after a proof.")
    remedies: list[str] = Field(description="What to do about each kind of fault, in words.")
    proven: bool
    number: str
    in_force: Moment | None


class DraftRow(View):
    """A draft in a list."""

    draft: str
    mechanism: str
    status: DraftStatus
    drafted_at: Moment
    until: Moment | None
    number: str
    waiting_for_me: bool = Field(description="My unit was asked and has not answered.")


class DraftList(View):
    """Drafts, newest first."""

    items: list[DraftRow]


class DraftAnswer(View):
    """What an act came to."""

    draft: str
    version: int
    status: str
    key: str
    text: str
    repeated: bool = Field(description="This is the answer that was given before.")


@router.get("/mechanisms", tags=["mechanisms"], operation_id="list_mechanism_drafts")
async def list_drafts(asker: SignedIn) -> DraftList:
    """Drafts and published versions that the post may see."""
    found = await ask(lambda: asker.platform.publications.all(asker.scope))
    return DraftList(
        items=[
            DraftRow(
                draft=s.id, mechanism=s.mechanism, status=s.status, drafted_at=format_time(s.drafted_at),
                until=moment(s.until), number=s.number, waiting_for_me=asker.scope.unit in s.silent,
            )
            for s in found
        ]
    )  # fmt: skip


@router.get("/mechanisms/{draft}", tags=["mechanisms"], operation_id="read_mechanism_draft")
async def read_draft(asker: SignedIn, draft: _Draft) -> MechanismDraftView:
    """One draft: what it changes in words, opinions, silence, proof."""
    publications = asker.platform.publications
    unit = "" if any(asker.scope.may(right) for right in _ALL) else asker.scope.unit

    def question() -> tuple[DraftState, tuple[Change, ...], list[OpinionView]]:
        state = publications.one(asker.scope, draft)
        # While it is consulted on, a unit is shown its own; once published, who agreed to what is public.
        alone = unit if state.status not in _OPEN_TO_ALL else ""
        state = msgspec.structs.replace(state, asked=tuple(a for a in state.asked if alone in ("", a[0])))
        opinions = [_opinion(asker, one) for one in state.opinions.values() if alone in ("", one.unit)]
        return state, publications.differences(state, unit), opinions

    state, changed, opinions = await ask(question)
    names = names_in(asker.platform.handler.policy, asker.language)
    return MechanismDraftView(
        draft=state.id, mechanism=state.mechanism, status=state.status, version=state.version,
        digest=state.digest, issuer=state.issuer, drafted_by=state.drafted_by,
        drafted_at=format_time(state.drafted_at), until=moment(state.until),
        asked=[
            AskedView(
                unit=unit, rows=list(rows), silent=unit in state.silent,
                signed=state.signatures.get(unit) == state.digest,
            )
            for unit, rows in state.asked
        ],
        opinions=opinions, changes=[sentence(one, asker.language, names) for one in changed],
        changed=[
            ChangeView(
                who=one.who, units=list(one.units), rows=list(one.rows),
                text=sentence(one, asker.language, names),
            )
            for one in changed
        ],
        names=Names(asker.platform.handler.policy).all(
            [state.issuer, asker.scope.unit, *(unit for unit, _ in state.asked)]
        ),
        faults=list(state.faults),
        remedies=[text(f"proof.{kind}.remedy", asker.language) for kind in state.faults],
        proven=bool(state.proven) and state.proven == state.digest,
        number=state.number, in_force=moment(state.in_force),
    )  # fmt: skip


def names_in(policy: Policy, language: str) -> dict[str, str]:
    """Names of units and flows, as sentences about changes need them."""
    chinese = language == "zh"
    names = {
        key: (unit.name_zh if chinese else unit.name_en) or unit.name_zh
        for key, unit in policy.city.units.items()
    }
    titles = {row.key: row.title_zh if chinese else row.title_en for row in policy.routing.mechanism.flows}
    return names | {key: title for key, title in titles.items() if title}


def _opinion(asker: Asker, one: Opinion) -> OpinionView:
    words = asker.platform.publications.words
    return OpinionView(
        unit=one.unit, row=one.row, stand=one.stand, person=one.person, at=format_time(one.at), late=one.late,
        words=words(one.text), accepted=one.accepted, decision=words(one.decision),
    )  # fmt: skip


@router.post(
    "/mechanisms", tags=["mechanisms"], operation_id="draft_mechanism",
    openapi_extra=described(DocumentBody) | _HEADERS, response_model=DraftAnswer,
)  # fmt: skip
async def draft_mechanism(asker: SignedIn, request: Request) -> Any:
    """A new draft from documents, or new content for one; it is proven at once."""
    body = parse(DocumentBody, await read_body(request, most=8 * 1024 * 1024), most=8 * 1024 * 1024)
    version, key = _version(request), request.headers.get("idempotency-key", "")
    publications = asker.platform.publications

    def write() -> Any:
        content = publications.read(body.files)
        return publications.draft(asker.scope, content, version, key, body.draft or "", body.text or "")

    return _answered(asker, request, await settled(await run(write)))


@router.post(
    "/mechanisms/{draft}/consult", tags=["mechanisms"], operation_id="consult_on_mechanism",
    openapi_extra=described(ConsultBody) | _HEADERS, response_model=DraftAnswer,
)  # fmt: skip
async def consult(asker: SignedIn, request: Request, draft: _Draft) -> Any:
    """Ask units for their opinion on what would change for them."""
    body = parse(ConsultBody, await read_body(request))
    version, key = _version(request), request.headers.get("idempotency-key", "")
    until = parse_time(body.until)
    future = await run(
        lambda: asker.platform.publications.consult(asker.scope, draft, version, key, body.units, until)
    )
    return _answered(asker, request, await settled(future))


@router.post(
    "/mechanisms/{draft}/acts/{action}", tags=["mechanisms"], operation_id="act_on_mechanism",
    openapi_extra=described(DraftActBody) | _HEADERS, response_model=DraftAnswer,
)  # fmt: skip
async def act(asker: SignedIn, request: Request, draft: _Draft, action: DraftAction) -> Any:
    """Opinion, decide, countersign, publish or withdraw."""
    body = parse(DraftActBody, await read_body(request))
    version, key = _version(request), request.headers.get("idempotency-key", "")
    fields = {name: value for name, value in body.model_dump().items() if value not in (None, "")}
    if body.in_force:
        fields["in_force"] = parse_time(body.in_force)
    future = await run(
        lambda: asker.platform.publications.act(asker.scope, draft, action, version, key, fields)
    )
    return _answered(asker, request, await settled(future))


def _answered(asker: Asker, request: Request, answer: Answer) -> Any:
    if answer.status == "refused":
        return refused_act(request, answer)
    return DraftAnswer(
        draft=answer.case, version=answer.version, status="done", key=answer.key,
        text=text(answer.key, asker.language, **answer.params), repeated=answer.repeated,
    )  # fmt: skip
