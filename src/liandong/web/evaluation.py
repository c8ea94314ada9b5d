"""The evaluation of a period: what was in time, how long it took, which rules cried wolf."""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Query
from pydantic import Field

from liandong.app.evaluation import evaluate_period
from liandong.core.evaluate.period import Period
from liandong.core.values.lists import Action, Capability, ClockOrigin, Mode
from liandong.core.values.times import format_time, parse_time
from liandong.web.signin import SignedIn
from liandong.web.threads import ask
from liandong.web.views import Moment, View

router = APIRouter()


class ShareView(View):
    """A share with its Wilson interval (95 %); null where there is nothing to share."""

    hits: int
    count: int
    share: float | None
    low: float | None
    high: float | None


class CurveView(View):
    """Share done by each moment (Kaplan-Meier), open orders censored; columns of equal length."""

    seconds: list[float]
    done: list[float]
    low: list[float]
    high: list[float]
    events: int
    censored: int
    median: float | None
    p90: float | None


class ClauseLineView(View):
    """How a unit kept one clause at one level."""

    unit: str
    level: str
    clause: str
    action: Action
    origin: ClockOrigin
    limit_s: float
    on_time: ShareView
    undecided: int = Field(description="Open and not yet late.")
    curve: CurveView


class RuleLineView(View):
    """How often a rule cried wolf; tests, drills, duplicates and maintenance are left out."""

    rule: str
    false: ShareView
    causes: dict[str, int]


class PeriodView(View):
    """Cases opened in the period as they stand at its end, and what was closed in it."""

    since: Moment
    until: Moment
    mode: Mode
    opened: int
    closed: int
    live: int
    by_level: dict[str, int]
    by_hazard: dict[str, int]
    by_cause: dict[str, int]
    escalations: int
    clauses: list[ClauseLineView]
    rules: list[RuleLineView]


@router.get("/evaluation", tags=["scores"], operation_id="read_evaluation")
async def read_evaluation(
    asker: SignedIn,
    since: Annotated[str, Query(max_length=40, description="Beginning, RFC 3339.")],
    until: Annotated[str, Query(max_length=40, description="End; the city's now without one.")] = "",
    mode: Annotated[Mode, Query()] = Mode.REAL,
) -> PeriodView:
    """The evaluation of a period over the cases whose scores the asker may read. Needs score.read."""

    def question() -> Period:
        platform = asker.platform
        platform.access.need(asker.scope, Capability.SCORE_READ)
        end = parse_time(until) if until else platform.writer.now
        return evaluate_period(platform.store, parse_time(since), end, mode, asker.scope)

    found = msgspec.to_builtins(await ask(question))
    return PeriodView.model_validate(
        found | {"since": format_time(found["since"]), "until": format_time(found["until"])}
    )
