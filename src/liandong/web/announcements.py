"""Routes of announcements 报备: owners say beforehand what they do; everybody concerned sees what it did."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from liandong.core.values.announcement import AnnouncementState
from liandong.core.values.lists import AnnouncementAction, AnnouncementKind, AnnouncementStage, Mode
from liandong.core.values.times import format_time
from liandong.web.alarm_bodies import AnnouncementActBody, AnnouncementBody
from liandong.web.names import Name, Names
from liandong.web.powers import After, Id, Limit, PowerDone, act, headers_of, page
from liandong.web.signin import Asker, SignedIn
from liandong.web.threads import ask
from liandong.web.views import Moment, View, moment

router = APIRouter()


class SuppressedView(View):
    """What an announcement did to one alarm."""

    alarm: str
    first: Moment
    times: int
    held: bool
    told: int = Field(description="How often it was told after all.")
    real: bool = Field(description="Its case, opened within a day, was found to be real.")


class AnnouncementSummary(View):
    """An announcement in a list, with what it did."""

    id: str
    version: int
    stage: AnnouncementStage
    kind: AnnouncementKind
    unit: str
    unit_name: Name
    places: list[Name] = Field(description="What was announced, by name: assets, sensors, area.")
    mode: Mode
    assets: list[str]
    area_path: str = Field(description="Area announced; empty where only assets and sensors are.")
    sensors: list[str]
    hazards: list[str]
    rules: list[str]
    since: Moment
    until: Moment
    made: Moment
    late: bool = Field(description="It began before it was announced.")
    extensions: int
    ended: Moment | None
    suppressed: int = Field(description="Alarms that were held back because of it.")
    times: int = Field(description="How often, over all of them.")
    told: int = Field(description="Alarms among them that were told after all.")
    real: int = Field(description="Alarms among them whose case was real.")


class AnnouncementView(AnnouncementSummary):
    """An announcement with its words and every alarm it held back."""

    person: str
    contact: str | None
    reason: str | None
    ended_by: str
    end_reason: str | None
    alarms: list[SuppressedView]


class AnnouncementList(View):
    """Newest first."""

    items: list[AnnouncementSummary]
    next: str


@router.get("/announcements", tags=["alarms"], operation_id="list_announcements")
async def list_announcements(
    asker: SignedIn,
    stage: Annotated[AnnouncementStage | None, Query()] = None,
    after: After = "",
    limit: Limit = 50,
) -> AnnouncementList:
    """Announcements within the scope of the asker, and those of the asker's own unit."""

    def found() -> AnnouncementList:
        rows = asker.platform.announcements.all(asker.scope, stage)
        items, cursor = page(rows, after, limit, lambda state: state.id)
        return AnnouncementList(items=[AnnouncementSummary(**_short(asker, s)) for s in items], next=cursor)

    return await ask(found)


@router.get("/announcements/{id}", tags=["alarms"], operation_id="read_announcement")
async def read_announcement(asker: SignedIn, id: Id, response: Response) -> AnnouncementView:
    """An announcement and what it did to each alarm."""
    found = await ask(lambda: _view(asker, asker.platform.announcements.one(asker.scope, id)))
    response.headers["ETag"] = f'"{found.version}"'
    return found


@router.post(
    "/announcements",
    tags=["alarms"],
    operation_id="announce",
    openapi_extra=headers_of(AnnouncementBody, version=False),
    response_model=PowerDone,
)
async def announce(asker: SignedIn, request: Request) -> Any:
    """Announce purging, a test, excavation or maintenance for the unit of one's post."""
    desk = asker.platform.announcements
    return await act(
        asker, request, AnnouncementBody, lambda body, key, _: desk.announce(asker.scope, body, key), False
    )


@router.post(
    "/announcements/{id}/acts/{action}",
    tags=["alarms"],
    operation_id="act_on_announcement",
    openapi_extra=headers_of(AnnouncementActBody),
    response_model=PowerDone,
)
async def act_on_announcement(asker: SignedIn, request: Request, id: Id, action: AnnouncementAction) -> Any:
    """Extend or withdraw one's own; the monitoring centre may end any."""
    desk = asker.platform.announcements
    return await act(
        asker, request, AnnouncementActBody,
        lambda body, key, version: desk.act(asker.scope, id, action, body, key, version),
    )  # fmt: skip


def _short(asker: Asker, state: AnnouncementState) -> dict[str, Any]:
    what, effect = state.what, asker.platform.announcements.effect(state)
    assert what is not None
    names = Names(asker.platform.handler.policy)
    areas = asker.platform.handler.policy.city.areas
    area = next((a.key for a in areas.values() if what.area_path and a.path == what.area_path), "")
    keys = [*what.assets, *what.sensors, *([area] if area else [])]
    return dict(
        id=state.id, version=state.version, stage=state.stage, kind=what.kind, unit=what.unit,
        unit_name=names.of(what.unit), places=[names.of(key) for key in keys],
        mode=state.mode, assets=list(what.assets), area_path=what.area_path, sensors=list(what.sensors),
        hazards=list(what.hazards), rules=list(what.rules), since=format_time(state.declared_since),
        until=format_time(what.until), made=format_time(state.made), late=state.late,
        extensions=state.extensions, ended=moment(state.ended), suppressed=effect.suppressed,
        times=effect.times, told=effect.told, real=len(effect.real),
    )  # fmt: skip


def _view(asker: Asker, state: AnnouncementState) -> AnnouncementView:
    words = asker.platform.alarms.words
    real = asker.platform.announcements.effect(state).real
    return AnnouncementView(
        **_short(asker, state), person=state.person, contact=words(state.contact),
        reason=words(state.reason), ended_by=state.ended_by, end_reason=words(state.end_reason),
        alarms=[
            SuppressedView(
                alarm=grouping, first=format_time(one.first), times=one.count, held=one.held, told=one.told,
                real=grouping in real,
            )
            for grouping, one in state.alarms.items()
        ],
    )  # fmt: skip
