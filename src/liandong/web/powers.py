"""What the routes of warnings, responses and resources share: headers, answers, sendings, decisions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import Annotated, Any, TypeVar

from fastapi import Path, Query, Request, Response
from pydantic import BaseModel, Field

from liandong.app.handle import Answer
from liandong.core.values.matter import Receipt, Sending
from liandong.core.values.times import format_time
from liandong.texts import text
from liandong.web.bodies import described, parse, read_body
from liandong.web.cases import ReasonView, header, version_of
from liandong.web.problems import refused_act
from liandong.web.signin import Asker
from liandong.web.threads import run, settled
from liandong.web.views import Moment, View

Id = Annotated[str, Path(max_length=128)]
Limit = Annotated[int, Query(ge=1, le=500, description="Rows of a page.")]
After = Annotated[str, Query(max_length=200, description="`next` of the page before.")]
M = TypeVar("M", bound=BaseModel)
S = TypeVar("S")


class PowerDone(View):
    """The answer to an act; a repeat with the same Idempotency-Key gets the same one."""

    id: str
    version: int = Field(description="Version after the act; also the ETag.")
    status: str = Field(description="Always `done`; a refused act is a problem.")
    reason: ReasonView
    repeated: bool


class SendingView(View):
    """To whom it was sent over which channel, and what came of it."""

    order: str
    recipient: str = Field(description="Person, or `public`.")
    unit: str
    channel: str
    number: int = Field(description="Version that was sent.")
    tries: int
    outcome: str = Field(description="delivered, failed, unknown; empty while on its way.")


class ReceiptView(View):
    """Who confirmed for a unit that it has a version."""

    unit: str
    number: int
    person: str
    at: Moment


def sending_views(sendings: Iterable[Sending]) -> list[SendingView]:
    """In the order in which they were sent."""
    return [
        SendingView(
            order=one.order, recipient=one.recipient, unit=one.unit, channel=one.channel, number=one.number,
            tries=one.tries, outcome=one.outcome,
        )
        for one in sendings
    ]  # fmt: skip


def receipt_views(receipts: Iterable[Receipt]) -> list[ReceiptView]:
    """In the order in which they came."""
    return [
        ReceiptView(unit=r.unit, number=r.number, person=r.person, at=format_time(r.at)) for r in receipts
    ]


def headers_of(body: type[BaseModel], version: bool = True) -> dict[str, Any]:
    """How a route describes its body and headers."""
    found = [header("Idempotency-Key", "The client's own name of this act, kept when trying again.", "7d-1")]
    if version:
        found.append(header("If-Match", "Version that the person saw.", '"3"'))
    return described(body) | {"parameters": found}


async def act(
    asker: Asker, request: Request, body: type[M], do: Callable[[dict[str, Any], str, int], Future[Answer]],
    versioned: bool = True,
) -> Response:  # fmt: skip
    """Read the body and headers, hand the act over, and say what came of it."""
    raw = await read_body(request)
    version = version_of(request.headers.get("if-match", "")) if versioned else 0
    fields = parse(body, raw or b"{}").model_dump(mode="json", exclude_none=True)
    key = request.headers.get("idempotency-key", "")
    answer = await settled(await run(lambda: do(fields, key, version)))
    if answer.status == "refused":
        return refused_act(request, answer)
    reason = ReasonView(
        key=answer.key, params=answer.params, text=text(answer.key, asker.language, **answer.params)
    )
    done = PowerDone(
        id=answer.case, version=answer.version, status="done", reason=reason, repeated=answer.repeated
    )
    return Response(
        done.model_dump_json(), headers={"ETag": f'"{answer.version}"'}, media_type="application/json"
    )


def page(items: list[S], after: str, limit: int, id_of: Callable[[S], str]) -> tuple[list[S], str]:
    """The items after the one with this id, and the cursor of the next page."""
    start = next((at + 1 for at, one in enumerate(items) if id_of(one) == after), 0) if after else 0
    found = items[start : start + limit]
    return found, id_of(found[-1]) if start + limit < len(items) else ""
