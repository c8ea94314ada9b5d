"""Reports over HTTP, as a router that wiring mounts behind the sign-in."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Any

import msgspec
from anyio import to_thread
from fastapi import APIRouter, Path, Query, Request, Response

from liandong.adapters.documents.case import case_document
from liandong.adapters.documents.model import Document
from liandong.adapters.documents.period import period_document
from liandong.adapters.documents.write import document_bytes
from liandong.app.evaluation import evaluate_period
from liandong.app.platform import Platform
from liandong.app.why import findings_of
from liandong.core.values.case import CaseState
from liandong.core.values.errors import NotFound
from liandong.core.values.lists import Capability, Mode
from liandong.core.values.times import parse_time


class Form(StrEnum):
    """Form of a document."""

    PDF = "pdf"
    DOCX = "docx"


_MEDIA = {
    Form.PDF: "application/pdf",
    Form.DOCX: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
}
_FILE: dict[int | str, dict[str, Any]] = {
    200: {"content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in _MEDIA.values()}}
}
FormOption = Annotated[Form, Query(description="Form of the document.")]
CaseId = Annotated[str, Path(max_length=128, description="Id of a case.")]


def make_router(platform: Platform | None) -> APIRouter:
    """The routes of documents. Without a platform only their description is of use."""
    router = APIRouter(tags=["documents"])

    @router.get(
        "/cases/{case}/document", operation_id="write_case_document", response_class=Response, responses=_FILE
    )
    async def case(request: Request, case: CaseId, form: FormOption = Form.PDF) -> Response:
        """The handling report of a case as a document, for whoever may see the case."""
        assert platform is not None
        return await _answer(lambda: _case(platform, request, case), form, case)

    @router.get(
        "/evaluation/document", operation_id="write_period_document", response_class=Response, responses=_FILE
    )
    async def period(
        request: Request,
        since: Annotated[str, Query(max_length=40, description="Beginning, RFC 3339.")],
        until: Annotated[str, Query(max_length=40, description="End; the city's now without one.")] = "",
        mode: Annotated[Mode, Query()] = Mode.REAL,
        form: FormOption = Form.PDF,
    ) -> Response:
        """The evaluation of a period as a document. Needs score.read; holds what the asker may see."""
        assert platform is not None
        return await _answer(lambda: _period(platform, request, since, until, mode), form, "evaluation")

    return router


async def _answer(make: Callable[[], Document], form: Form, name: str) -> Response:
    data = await to_thread.run_sync(lambda: document_bytes(make(), form.value))
    disposition = f'attachment; filename="{name}.{form.value}"'
    return Response(data, media_type=_MEDIA[form], headers={"Content-Disposition": disposition})


def _case(platform: Platform, request: Request, id: str) -> Document:
    scope = platform.access.scope(request.state.session)
    row = platform.access.case(scope, id)
    if row.body is None:
        raise NotFound("case.unknown", case=id[:64])
    state = msgspec.json.decode(row.body, type=CaseState)
    platform.access.note(scope, "access.document", case=state.id)
    store = platform.store
    return case_document(
        platform.handler.policy, row, state, store.entries_of(row.stream),
        list(findings_of(store, set(state.seen))), platform.writer.now, request.state.language,
    )  # fmt: skip


def _period(platform: Platform, request: Request, since: str, until: str, mode: Mode) -> Document:
    scope = platform.access.scope(request.state.session)
    platform.access.need(scope, Capability.SCORE_READ)
    now = platform.writer.now
    period = evaluate_period(
        platform.store, parse_time(since), parse_time(until) if until else now, mode, scope
    )
    return period_document(period, platform.handler.policy.city, now, request.state.language)
