"""Routes of alarms: the list by state, what a person does about one, and the load of each shift."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import Field

from liandong.app.alarm_load import ShiftLoad
from liandong.app.alarms import Listed
from liandong.core.values.errors import BadInput
from liandong.core.values.lists import AlarmAction, AlarmStage, Capability, Mode
from liandong.core.values.times import DAY, format_time, parse_time
from liandong.web.alarm_bodies import AlarmBody
from liandong.web.names import Name, Names, listed
from liandong.web.page import record_view
from liandong.web.powers import After, Limit, PowerDone, act, headers_of
from liandong.web.signin import Asker, SignedIn
from liandong.web.threads import ask
from liandong.web.views import Moment, RecordView, View, moment

router = APIRouter()
Grouping = Annotated[str, Path(max_length=300, description="`hazard|asset`, percent-encoded.")]


class HoldView(View):
    """Why nobody is told, by whom, until when."""

    since: Moment
    until: Moment
    announcement: str = Field(description="Empty where a person holds it back.")
    person: str
    reason: str | None


class AlarmItem(View):
    """An alarm on the list."""

    id: str = Field(description="`hazard|asset`.")
    version: int
    state: AlarmStage
    active: bool
    hazard: str
    hazard_name: Name
    asset: str
    asset_name: Name
    area_path: str
    mode: Mode
    level: str
    since: Moment | None = Field(description="Event time of the newest raise.")
    rule: str
    channel: str
    value: float | None = Field(description="Of the finding that raised or changed it, canonical unit.")
    acknowledged_by: str
    acknowledged_by_case: bool = Field(description="Acknowledged because its case was judged.")
    chattering: bool
    raises: int = Field(description="Raises of the chatter that goes on.")
    stale: bool = Field(description="Active for more than a day.")
    record: RecordView | None = Field(description="Of the rule and the channel; None without a rule.")
    explained_by: str = Field(description="Alarm that explains this one, where one does.")
    hold: HoldView | None


class AlarmList(View):
    """Newest first."""

    items: list[AlarmItem]
    next: str


class GiverView(View):
    """A rule at a sensor, among what would have to give."""

    rule: str
    sensor: str
    alarms: int = Field(description="Told in hours with more than can be managed.")
    needed: bool = Field(description="Those before it do not make up the excess.")


class ShiftLoadView(View):
    """What one duty officer was told in one shift."""

    post: str
    person: str
    start: Moment
    end: Moment
    hours: int
    alarms: int
    per_hour: float
    worst_hour: int
    above: float = Field(description="Share of hours with more than can be managed.")
    above_most: float = Field(description="Share of hours with more than the most that can be managed.")
    excess: float = Field(description="Alarms beyond what can be managed.")
    givers: list[GiverView]


class AlarmLoad(View):
    """Alarms told by shift, the heaviest first."""

    manageable: float = Field(description="Alarms an hour and person (ISA-18.2, EEMUA 191).")
    most: float
    gathered: int = Field(description="Alarms that rang nobody because a storm had gathered them.")
    shifts: list[ShiftLoadView]


@router.get("/alarms", tags=["alarms"], operation_id="list_alarms")
async def list_alarms(
    asker: SignedIn,
    state: Annotated[AlarmStage | None, Query(description="Without it every state but normal.")] = None,
    level: Annotated[Literal["", "IV", "III", "II", "I"], Query()] = "",
    hazard: Annotated[str, Query(max_length=64)] = "",
    area: Annotated[str, Query(max_length=128, description="With everything below it.")] = "",
    stale: Annotated[bool, Query(description="Only those active for more than a day.")] = False,
    after: After = "",
    limit: Limit = 50,
) -> AlarmList:
    """Alarms within the scope of the asker: what is active, and what is over and not acknowledged."""

    def found() -> AlarmList:
        items, cursor = asker.platform.alarms.all(
            asker.scope, stage=state, level=level, hazard=hazard, area=area, stale=stale, after=after,
            limit=limit,
        )  # fmt: skip
        names = _names(asker)
        return AlarmList(items=[_view(asker, names, one) for one in items], next=cursor)

    return await ask(found)


@router.get("/alarms/{alarm}", tags=["alarms"], operation_id="read_alarm")
async def read_alarm(asker: SignedIn, alarm: Grouping, response: Response) -> AlarmItem:
    """One alarm."""
    found = await ask(lambda: _view(asker, _names(asker), asker.platform.alarms.one(asker.scope, alarm)))
    response.headers["ETag"] = f'"{found.version}"'
    return found


@router.post(
    "/alarms/{alarm}/acts/{action}",
    tags=["alarms"],
    operation_id="act_on_alarm",
    openapi_extra=headers_of(AlarmBody),
    response_model=PowerDone,
)
async def act_on_alarm(asker: SignedIn, request: Request, alarm: Grouping, action: AlarmAction) -> Any:
    """Acknowledge, take that back, shelve, suppress, take out of service, clear by hand, release."""
    alarms = asker.platform.alarms
    return await act(
        asker, request, AlarmBody,
        lambda body, key, version: alarms.act(asker.scope, alarm, action, body, key, version),
    )  # fmt: skip


@router.get("/alarm-load", tags=["alarms"], operation_id="read_alarm_load")
async def read_alarm_load(
    asker: SignedIn,
    since: Annotated[str, Query(max_length=64, description="RFC 3339; a day ago without it.")] = "",
    until: Annotated[str, Query(max_length=64, description="RFC 3339; now without it.")] = "",
    post: Annotated[str, Query(max_length=128, description="One post; without it all.")] = "",
) -> AlarmLoad:
    """Alarms per hour, duty officer and shift, and what would have to give. Without the right to read the
    evaluation, only of the asker's own post."""
    if not asker.scope.may(Capability.SCORE_READ):
        if not asker.scope.post or post not in ("", asker.scope.post):
            asker.platform.access.need(asker.scope, Capability.SCORE_READ)
        post = asker.scope.post
    end = parse_time(until) if until else asker.scope.now + 1
    start = parse_time(since) if since else end - DAY
    if start >= end:
        raise BadInput("alarm.load_span", days=31)
    found = await ask(lambda: asker.platform.alarm_loads.load(start, end, post))
    terms = asker.platform.handler.policy.alarm_terms
    return AlarmLoad(
        manageable=terms.manageable, most=terms.most, gathered=found.gathered,
        shifts=[_shift(one) for one in found.shifts],
    )  # fmt: skip


def _shift(load: ShiftLoad) -> ShiftLoadView:
    return ShiftLoadView(
        post=load.shift.post, person=load.shift.person, start=format_time(load.shift.start),
        end=format_time(load.shift.end), hours=load.hours, alarms=load.alarms,
        per_hour=round(load.alarms / load.hours, 2), worst_hour=load.worst, above=round(load.above, 4),
        above_most=round(load.above_most, 4), excess=round(load.excess, 2),
        givers=[
            GiverView(rule=g.rule, sensor=g.sensor, alarms=g.alarms, needed=g.needed) for g in load.givers
        ],
    )  # fmt: skip


def _names(asker: Asker) -> Names:
    return Names(asker.platform.handler.policy)


def _view(asker: Asker, names: Names, one: Listed) -> AlarmItem:
    s, hold = one.state, one.state.hold
    detail = s.risk.detail if s.risk is not None and s.risk.detail is not None else s.detail
    return AlarmItem(
        id=s.grouping, version=s.version, state=one.stage, active=s.active, hazard=s.hazard,
        hazard_name=listed("hazard", s.hazard), asset=s.asset, asset_name=names.of(s.asset),
        area_path=s.area_path, mode=s.mode,
        level=s.level or (s.risk.level if s.risk else ""), since=moment(s.since),
        rule=detail.rule if detail else "", channel=detail.channel if detail else "",
        value=detail.value if detail else None, acknowledged_by=s.acknowledged_by,
        acknowledged_by_case=one.by_case, chattering=one.chattering, raises=s.chatter, stale=one.stale,
        record=record_view(asker.platform, detail.rule, detail.channel) if detail else None,
        explained_by=s.inhibited_by,
        hold=None if hold is None else HoldView(
            since=format_time(hold.since), until=format_time(hold.until), announcement=hold.by,
            person=hold.person, reason=asker.platform.alarms.words(hold.reason),
        ),
    )  # fmt: skip
