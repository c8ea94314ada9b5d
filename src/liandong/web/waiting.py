"""The desk: which decisions wait for the asker, each with its clock; and, at the centre, silenced rules."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import Field

from liandong.app.waiting import Kind, Waiting
from liandong.core.values.times import SECOND, format_time
from liandong.texts import LANGUAGES, text
from liandong.web.names import Name, Names, listed
from liandong.web.signin import SignedIn
from liandong.web.threads import ask
from liandong.web.views import Moment, View, moment

router = APIRouter()


class WaitingView(View):
    """One decision that the asker may make now; or a rule (`rule`) that its budget has silenced."""

    kind: Kind
    label: Name
    stream: str = Field(description="`response:…`, `warning:…`, `resource:…`, `case:…` or `rule:…`.")
    item: str = Field(description="Question, number of the version, link of the chain, row of the report.")
    hazard: str
    hazard_name: Name
    area: str
    area_name: Name
    code: str = Field(description="Colour, level, kind of resource, or severity of a rule.")
    since: Moment
    due: Moment | None
    left_s: float | None = Field(description="Seconds until it is due; negative when it is overdue.")
    text: Name | None = Field(default=None, description="Of a silenced rule: what happened, with figures.")
    remedy: Name | None = Field(default=None, description="And what to do about it.")


class DeskView(View):
    """Decisions that wait for the asker, what is due first in front."""

    items: list[WaitingView]
    now: Moment


@router.get("/desk", tags=["desk"], operation_id="read_desk")
async def read_desk(asker: SignedIn) -> DeskView:
    """What waits for the post of the token: to decide, approve, publish, lift or sign; and, for the duty
    centre, rules that their budget of false alarms has silenced."""
    found = await ask(lambda: asker.platform.desk.waiting(asker.scope))
    names, now = Names(asker.platform.handler.policy), asker.platform.writer.now
    return DeskView(items=[_view(names, one, now) for one in found], now=format_time(now))


def _view(names: Names, one: Waiting, now: int) -> WaitingView:
    return WaitingView(
        kind=one.kind, label=listed("waiting", one.kind), stream=one.stream, item=one.item,
        hazard=one.hazard, hazard_name=listed("hazard", one.hazard), area=one.area,
        area_name=names.of(one.area), code=one.code, since=format_time(one.since), due=moment(one.due),
        left_s=None if one.due is None else round((one.due - now) / SECOND, 1),
        text=_silenced(one), remedy=_remedy(one),
    )  # fmt: skip


def _silenced(one: Waiting) -> Name | None:
    if one.figures is None:
        return None
    false, count, budget = one.figures
    said = {
        language: text(
            "desk.rule_silenced", language, rule=one.item, false=false, count=count,
            budget=f"{100 * budget:g}",
        )
        for language in LANGUAGES
    }  # fmt: skip
    return Name(**said)


def _remedy(one: Waiting) -> Name | None:
    if one.figures is None:
        return None
    return Name(**{language: text("desk.rule_remedy", language, rule=one.item) for language in LANGUAGES})
