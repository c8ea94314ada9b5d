"""Bodies of requests: read up to a limit, parsed strictly, refused with the field and what it takes."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, ValidationError

from liandong.core.values.errors import BadInput
from liandong.core.values.lists import Cause, Verdict
from liandong.web.fields import accepted

#: An act is words and references; pictures travel as evidence.
MOST_BODY = 64 * 1024
M = TypeVar("M", bound=BaseModel)

#: Goes into the journal as it is, so it may be a key and never a sentence.
Key = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.\-]{1,64}$")]
Reference = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:\-]{1,200}$")]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ActBody(_Body):
    """What an act needs depends on the action; the case's `next` says which one is due."""

    text: Annotated[str, Field(max_length=10_000)] | None = Field(
        None, description="Words of the person. They go into the vault; the journal holds a salted digest."
    )
    evidence: Annotated[list[Reference], Field(max_length=100)] | None = Field(
        None, description="References of photos and records."
    )
    verdict: Verdict | None = Field(None, description="For judge.")
    level: Literal["IV", "III", "II", "I"] | None = Field(None, description="For judge: another level.")
    cause: Cause | None = Field(None, description="For close.")
    passed: StrictBool | None = Field(
        None, description="For review and answer_help, and for a step that others wait for to fail."
    )
    reason: Key | None = Field(
        None, description="For acts beside the steps: a key of the lists `pause`, `ground`, `help_ground`."
    )
    to: Reference | None = Field(
        None,
        description="For push, decide_duty, ask_help and split a unit, for hand_over a person or a unit, "
        "for merge a case, for call whom, for report who signs.",
    )
    until: Annotated[str, Field(max_length=64)] | None = Field(
        None, description="For extend the new due time, for defer the review date; RFC 3339 with offset."
    )
    order: Reference | None = Field(None, description="Which order, where the person holds several.")
    persons: Annotated[list[Reference], Field(max_length=20)] | None = Field(
        None, description="For hand_over: further persons of the post."
    )
    findings: Annotated[list[Reference], Field(max_length=100)] | None = Field(
        None, description="For split: findings that go over to the new case."
    )
    number: Annotated[str, Field(max_length=40)] | None = Field(
        None, description="For call: the number that was rung. It goes into the vault."
    )
    answered: StrictBool | None = Field(None, description="For call.")
    rung_at: Annotated[str, Field(max_length=64)] | None = Field(
        None, description="For call: when it rang, if not now; RFC 3339 with offset."
    )
    kind: Literal["first", "next", "final", "correction"] | None = Field(None, description="For report.")
    device_at: Annotated[str, Field(max_length=64)] | None = Field(
        None, description="For acts made offline: when, by the device's clock; RFC 3339 with offset."
    )
    client_seq: Annotated[StrictInt, Field(ge=0, le=2**53 - 1)] | None = Field(
        None, description="The client's own count of acts."
    )


class EraseBody(_Body):
    """Why the key is destroyed."""

    reason: Key = Field(description="A key such as `request_of_person`, no words: it stays in the journal.")


class ConfirmBody(_Body):
    """Which clock is right."""

    accept_wall: StrictBool = Field(description="True: the system clock. False: the time counted so far.")
    difference_us: StrictInt | None = Field(
        None, description="The difference that was shown; a clock that has moved since is refused."
    )


class ReportBody(_Body):
    """One version of an upward report."""

    text: Annotated[str, Field(min_length=1, max_length=20_000)] = Field(
        description="What is reported. It goes into the vault; the journal holds a salted digest."
    )
    row: Key | None = Field(None, description="Row that asks for it; without it the one that is due first.")
    kind: Literal["first", "next", "final", "correction"] | None = Field(
        None, description="The first is always `first`; a correction is a new version."
    )
    signer: Reference | None = Field(None, description="Person who signs it.")


class ScreenBody(_Body):
    """What is on a screen."""

    position: Annotated[StrictInt, Field(ge=0, le=2**53 - 1)] = Field(
        description="Position of the journal that the page was at."
    )
    filters: Annotated[dict[Key, Annotated[str, Field(max_length=200)]], Field(max_length=30)] = Field(
        default_factory=dict, description="Filters in force."
    )
    cases: Annotated[list[Reference], Field(max_length=500)] = Field(description="In the order shown.")


#: Bodies that are described in the OpenAPI document under their own names.
BODIES: tuple[type[BaseModel], ...] = (ActBody, ReportBody, ScreenBody, EraseBody, ConfirmBody)


def described(model: type[BaseModel]) -> dict[str, Any]:
    """The part of a route's description that names its body."""
    schema = {"$ref": f"#/components/schemas/{model.__name__}"}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


async def read_body(request: Request, most: int = MOST_BODY) -> bytes:
    """The body, read no further than it takes to know that it is too large; `parse` refuses it then."""
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        chunks.append(chunk)
        size += len(chunk)
        if size > most:
            break
    return b"".join(chunks)


def parse(model: type[M], raw: bytes, most: int = MOST_BODY) -> M:
    """Bytes → model. Raises BadInput naming the first field that does not fit."""
    if len(raw) > most:
        raise BadInput("http.body_too_large", limit=most)
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
    if first["type"] == "json_invalid":
        raise BadInput("json.malformed", why=str((first.get("ctx") or {}).get("error", ""))[:120])
    name = ".".join(str(part) for part in first["loc"])[:80] or "body"
    if first["type"] == "extra_forbidden":
        raise BadInput("http.unknown_field", name=name, known=", ".join(model.model_fields))
    raise BadInput("http.bad_field", name=name, accepts=accepted(first))
