"""POST /findings: a sub-platform's alarms in; each is answered once it is committed.

Whoever mounts the router signs the caller in first, with the token of the sub-platform's source.
"""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, Field

from liandong.app.graded import DOOR, MOST_ALARMS, MOST_BYTES, OUTCOMES, Word
from liandong.app.platform import Platform
from liandong.core.values.errors import BadInput, LiandongError
from liandong.core.values.graded import GradedState
from liandong.core.values.lists import GradedAction
from liandong.core.values.times import format_time
from liandong.texts import text

_ALARM = {
    "type": "object",
    "required": ["id", "time"],
    "properties": {
        "id": {"type": "string", "description": "Your own id of the alarm; all words about it bear it."},
        "action": {"type": "string", "enum": [one.value for one in GradedAction], "default": "raise"},
        "time": {"type": "string", "format": "date-time", "description": "When you say it; with offset."},
        "version": {
            "type": "integer",
            "description": "Rises with every word about this alarm; without it the time counts.",
        },
        "hazard": {"type": "string", "description": "Ours, or your word where the source's row converts it."},
        "level": {"type": "string", "description": "By your scale; the source's row converts it."},
        "asset": {"type": "string", "description": "Where: an asset, or a sensor or channel at one, …"},
        "sensor": {"type": "string"},
        "channel": {"type": "string"},
        "area": {"type": "string", "description": "… or an area."},
        "onset": {"type": "string", "format": "date-time", "description": "Since when; else the time."},
        "value": {"type": ["number", "null"]},
        "unit": {"type": "string"},
        "text": {"type": "string", "description": "In words; sealed, never in the journal."},
    },
}
_MANY = {
    "type": "object",
    "required": ["alarms"],
    "properties": {"alarms": {"type": "array", "maxItems": MOST_ALARMS, "items": _ALARM}},
}
_BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"oneOf": [_ALARM, _MANY]}}},
    }
}


class AlarmAnswer(BaseModel):
    """What became of one word. Sent again it changes nothing and is `known`."""

    id: str = Field(description="Your id of the alarm.")
    outcome: str = Field(description="raised, changed, cleared, known, unknown or refused.")
    finding: str = Field(default="", description="Our id, under which the case shows it.")
    key: str = ""
    params: dict[str, Any] = {}
    text: str = ""


class AlarmAnswers(BaseModel):
    """In the order of the alarms."""

    answers: list[AlarmAnswer]


class GradedView(BaseModel):
    """A sub-platform's alarm as it is now."""

    id: str = Field(description="The sub-platform's own id.")
    alarm: str
    finding: str
    source: str
    active: bool
    version: int = Field(description="Of the newest word.")
    hazard: str
    severity: str
    level: str = Field(description="As the sub-platform said it.")
    asset: str
    area: str
    channel: str
    onset: str | None
    value: float | None
    unit: str
    text: str | None = Field(description="None where there are no words, or where they were erased.")


def make_router(platform: Platform | None) -> APIRouter:
    """The routes of sub-platforms. Without a platform only their description is of use."""
    router = APIRouter(tags=["findings"])
    if platform is not None:
        platform.receiving.doors[DOOR] = platform.graded.again

    @router.post("/findings", operation_id="send_findings", openapi_extra=_BODY)
    async def send_findings(request: Request) -> AlarmAnswers:
        """Raise, update or clear alarms that your platform has graded: one, or up to 500.

        They become findings as those of our own rules do, and cases by the mechanism's rows. Of one id the
        newest version counts, and each counts once, so a message may be sent again.
        """
        assert platform is not None
        raw, session = await _read(request), request.state.session
        words = await to_thread.run_sync(platform.graded.take, session, raw)
        return AlarmAnswers(answers=[await _answer(word, request.state.language) for word in words])

    @router.get("/findings/{id}", operation_id="read_finding")
    async def read_finding(
        request: Request,
        id: Annotated[
            str, Path(max_length=128, description="Your own id; or ours, for whoever sees the case.")
        ],
    ) -> GradedView:
        """What has become of a sub-platform's alarm, with its words."""
        assert platform is not None
        session = request.state.session

        def find() -> GradedView:
            state, words = platform.graded.find(session, platform.access.scope(session), id)
            return _view(state, words)

        return await to_thread.run_sync(find)

    return router


async def _answer(word: Word, language: str) -> AlarmAnswer:
    if word.answer is None:
        assert word.error is not None
        return _refused(word.number, word.error, language)
    try:
        # Shielded: who leaves takes nothing back.
        answer = await asyncio.shield(asyncio.wrap_future(word.answer))
    except LiandongError as error:
        return _refused(word.number, error, language)
    outcome = "refused" if answer.status == "refused" else OUTCOMES.get(answer.key, "known")
    return AlarmAnswer(
        id=word.number, outcome=outcome, finding=str(answer.params.get("finding", "")), key=answer.key,
        params=answer.params, text=text(answer.key, language, **answer.params),
    )  # fmt: skip


def _refused(number: str, error: LiandongError, language: str) -> AlarmAnswer:
    return AlarmAnswer(
        id=number, outcome="refused", key=error.key, params=error.params,
        text=text(error.key, language, **error.params),
    )  # fmt: skip


def _view(state: GradedState, words: str | None) -> GradedView:
    said = state.report
    return GradedView(
        id=state.number, alarm=state.id, finding=state.finding, source=state.source, active=state.active,
        version=state.newest, hazard=said.hazard if said else "", severity=said.severity if said else "",
        level=said.level if said else "", asset=said.asset if said else "", area=said.area if said else "",
        channel=said.channel if said else "", onset=format_time(said.onset) if said else None,
        value=said.value if said else None, unit=said.unit if said else "", text=words,
    )  # fmt: skip


async def _read(request: Request) -> bytes:
    """The body, read no further than it takes to know that it is too large."""
    chunks, size = [], 0
    async for chunk in request.stream():
        chunks.append(chunk)
        size += len(chunk)
        if size > MOST_BYTES:
            raise BadInput("batch.too_large", limit=MOST_BYTES, size=size)
    return b"".join(chunks)
