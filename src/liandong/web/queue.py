"""Routes of the live queue, search, and what was on whose screen."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from liandong.app.ports import QueueAsked
from liandong.core.values.case import CaseState
from liandong.core.values.errors import BadInput
from liandong.core.values.lists import Capability, CaseStage, Cause, Mode, Verdict
from liandong.core.values.times import HOUR, format_time, parse_time
from liandong.web.bodies import ScreenBody, described, parse, read_body
from liandong.web.names import AreaName, Name, listed, name
from liandong.web.page import Page, late, persons_of, read_state
from liandong.web.parts import AlarmView, PrecisionView, ReportState, ValueView, WaitView
from liandong.web.signin import Asker, SignedIn
from liandong.web.threads import ask, run, settled
from liandong.web.views import ClockView, Moment, RecordView, View, moment

router = APIRouter()
Key = Annotated[str, Query(max_length=128)]
Persons = Annotated[bool, Query(description="Names of persons; needs personal.read and is journalled.")]
After = Annotated[str, Query(max_length=200, description="`next` of the page before.")]


class QueueItem(View):
    """A case as a row of the queue, whole: nothing has to be asked for again to show it."""

    id: str
    version: int
    hazard: str
    hazard_name: Name
    asset: str
    asset_name: Name
    area: str
    area_path: str
    areas: list[AreaName] = Field(description="From the city down.")
    lead: str
    lead_name: Name | None
    mode: Mode
    level: str
    stage: CaseStage
    verdict: Verdict | None
    cause: Cause | None
    live: bool
    onset: Moment
    opened: Moment
    closed: Moment | None
    alarm: AlarmView
    waits: list[WaitView]
    clock: ClockView | None = Field(description="The running limit that ends first.")
    report: ReportState | None = Field(description="An upward report that is due: to be shown first.")
    due: Moment | None = Field(description="The sooner of both; what the queue is in order of.")
    overdue: bool
    reminders: int = Field(description="Reminders and escalations sent.")
    findings: int = Field(description="Findings that ever belonged to it.")
    open_findings: int
    members: int = Field(description="Alarms that share this case in a storm; 0 else.")
    calls: int
    value: ValueView | None
    precision: list[PrecisionView]
    record: RecordView | None = Field(description="Of the finding that was raised last.")


class QueuePage(View):
    """What is due first, first."""

    items: list[QueueItem]
    next: str
    now: Moment = Field(description="The server's clock, by which limits run.")
    position: int = Field(description="Position of the journal; live events after it are news.")
    total: int = Field(description="Live cases that fit the filters.")


class HitView(View):
    """Something found."""

    kind: str = Field(description="case, area, asset, sensor, channel, unit or person")
    key: str
    name: Name
    why: str = Field(description="id, number, device, name, nickname, pinyin, initials or telephone")
    asset: str
    areas: list[AreaName]
    cases: list[str] = Field(description="Live cases there.")


class HitPage(View):
    """Best first."""

    items: list[HitView]


class ScreenKept(View):
    """It is in the journal."""

    kept: bool = Field(description="False: nothing had changed since the last one.")
    digest: str
    at: Moment


class DarkView(View):
    """A channel that was silent for longer than its source may be."""

    channel: str
    name: Name
    last: Moment | None = Field(description="Last heard; None: never.")


class ScreenView(View):
    """Exactly what was on a screen."""

    person: str
    post: str
    at: Moment
    position: int
    filters: dict[str, str]
    cases: list[str]
    dark: list[DarkView]
    digest: str = Field(description="SHA-256 of the list as it was kept.")
    hash: str = Field(description="Of the entry of the journal that names the digest.")


@router.get("/queue", tags=["cases"], operation_id="read_queue", response_model=QueuePage)
async def read_queue(
    asker: SignedIn,
    level: Annotated[str, Query(max_length=8)] = "",
    hazard: Key = "",
    area: Annotated[str, Query(max_length=128, description="Key of an area, with all inside it.")] = "",
    unit: Annotated[str, Query(max_length=128, description="Unit that leads, or is waited for.")] = "",
    overdue: bool = False,
    mine: Annotated[bool, Query(description="With a live order to me or my post.")] = False,
    closed_hours: Annotated[int, Query(ge=0, le=72, description="Also closed so recently.")] = 0,
    persons: Persons = False,
    after: After = "",
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> Response:
    """Live cases within the scope of the asker, in the order in which something is due."""
    given = dict(level=level, hazard=hazard, unit=unit, overdue=overdue, mine=mine)
    # Put into words here and not by the framework, which would look at each of many fields again.
    said = await ask(
        lambda: _queue(asker, given, area, closed_hours, persons, after, limit).model_dump_json()
    )
    return Response(said, media_type="application/json")


def _queue(
    asker: Asker, given: dict[str, Any], area: str, closed_hours: int, persons: bool, after: str, limit: int
) -> QueuePage:
    platform, city = asker.platform, asker.platform.handler.policy.city
    if area and area not in city.areas:
        raise BadInput("http.bad_parameter", name="area", accepts="area:…")
    now = platform.writer.now
    # Before the rows: what comes between is seen twice rather than never.
    position = platform.store.last_position()
    asked = QueueAsked(
        area_path=city.area_path(area) if area else "",
        closed_since=now - closed_hours * HOUR if closed_hours else 0, **given,
    )  # fmt: skip
    rows, cursor, total = platform.questions.queue(asker.scope, asked, after=after, limit=limit)
    cases = [read_state(row.body) for row in rows]
    seen = {person for case in cases for person in persons_of(case)} if persons else set()
    page = Page(platform, asker.scope, platform.personal.people(asker.scope, seen))
    return QueuePage(
        items=[queue_item(page, case) for case in cases], next=cursor, now=format_time(now),
        position=position, total=total,
    )  # fmt: skip


def queue_item(page: Page, case: CaseState) -> QueueItem:
    """One row."""
    names = page.names
    running = [c for c in case.clocks.values() if c.stopped is None and c.paused_at is None]
    first = min(running, key=lambda c: (c.due, c.key), default=None)
    newest = page.newest(case)
    reports = [report for report in page.reports(case) if report.due is not None] if not case.over else []
    moments = [r.due for r in case.reports.values() if r.due is not None] if not case.over else []
    due = min([*moments, *([first.due] if first else [])], default=None)
    return QueueItem(
        id=case.id, version=case.version, hazard=case.hazard, hazard_name=listed("hazard", case.hazard),
        asset=case.asset, asset_name=names.of(case.asset), area=case.area, area_path=case.area_path,
        areas=names.areas(case.area), lead=case.lead, lead_name=names.of(case.lead) if case.lead else None,
        mode=case.mode, level=case.level, stage=case.stage, verdict=case.verdict, cause=case.cause,
        live=not case.over, onset=format_time(case.onset), opened=format_time(case.opened),
        closed=moment(case.closed), alarm=page.alarm(case), waits=page.waits(case),
        clock=page.clock(first) if first else None, report=reports[0] if reports else None, due=moment(due),
        overdue=any(c.overdue or late(c, page.now) for c in running) or any(r.overdue for r in reports),
        reminders=case.escalations, findings=len(case.seen),
        open_findings=sum(not finding.ended for finding in case.findings.values()), members=case.members,
        calls=case.calls, value=page.value(case),
        precision=[page.precision(rule, case.asset) for rule in case.rules[:_MOST_RULES]],
        record=page.record(newest) if newest is not None else None,
    )  # fmt: skip


#: Rules whose precision stands beside a row; a storm may hold any number.
_MOST_RULES = 5


@router.get("/search", tags=["cases"], operation_id="search")
async def search(
    asker: SignedIn,
    q: Annotated[str, Query(min_length=1, max_length=100, description="Neither logged nor journalled.")],
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> HitPage:
    """By name, nickname, pinyin or its initials, device or other number, telephone number, case."""
    return await ask(lambda: _search(asker, q, limit))


def _search(asker: Asker, q: str, limit: int) -> HitPage:
    platform, scope = asker.platform, asker.scope
    page, city = Page(platform, scope), platform.handler.policy.city
    items = []
    if q.strip().startswith("case_"):
        row = platform.questions.case(scope, q.strip())
        if row is not None:
            case = read_state(row.body)
            items.append(_hit(page, "case", case.id, "id", case.asset, case.area, [case.id]))
    hits = platform.lookups.search.find(scope, q, limit)
    page.people = platform.personal.people(scope, [hit.key for hit in hits if hit.kind == "person"])
    assets = {hit.key: _asset_of(page, hit.kind, hit.key) for hit in hits}
    at = platform.questions.cases_at(scope, [asset for asset in assets.values() if asset])
    for hit in hits:
        asset = assets[hit.key]
        unit = city.units.get(hit.key)
        area = city.assets[asset].area if asset else unit.area if unit else hit.key
        items.append(_hit(page, hit.kind, hit.key, hit.why, asset, area, at.get(asset, [])))
    return HitPage(items=items[:limit])


def _asset_of(page: Page, kind: str, key: str) -> str:
    city = page.policy.city
    if kind == "sensor":
        return city.sensors[key].asset
    if kind == "channel":
        found = city.asset_of_channel(key)
        return found.key if found else ""
    return key if kind == "asset" else ""


def _hit(page: Page, kind: str, key: str, why: str, asset: str, area: str, cases: list[str]) -> HitView:
    person = page.person(key) if kind == "person" else None
    named = name(person) if person else page.names.of(asset if kind in ("case", "sensor") else key)
    return HitView(
        kind=kind, key=key, name=named, why=why, asset=asset, areas=page.names.areas(area), cases=cases
    )


@router.post("/screen", tags=["screen"], operation_id="keep_screen", openapi_extra=described(ScreenBody))
async def keep_screen(asker: SignedIn, request: Request) -> ScreenKept:
    """Keep what is on the asker's screen now, with the sensors that are dark; sent when it changes."""
    body = parse(ScreenBody, await read_body(request))
    screens = asker.platform.lookups.screens
    if not asker.scope.person:
        asker.platform.access.need(asker.scope, Capability.CASE_READ)
    digest, at, future = await run(
        lambda: screens.keep(asker.scope, body.position, dict(body.filters), tuple(body.cases))
    )
    if future is not None:
        await settled(future)
    return ScreenKept(kept=future is not None, digest=digest, at=format_time(at))


@router.get("/screen", tags=["screen"], operation_id="read_screen")
async def read_screen(
    asker: SignedIn,
    at: Annotated[str, Query(max_length=64, description="A moment, RFC 3339; now, if empty.")] = "",
    person: Annotated[str, Query(max_length=128, description="Another's screen needs journal.read.")] = "",
) -> ScreenView:
    """Exactly what was on a person's screen at a moment, and which sensors were dark."""
    return await ask(lambda: _screen(asker, at, person))


def _screen(asker: Asker, at: str, person: str) -> ScreenView:
    platform, whose = asker.platform, person or asker.scope.person
    if whose != asker.scope.person or not whose:
        platform.access.need(asker.scope, Capability.JOURNAL_READ)
        platform.access.note(
            asker.scope, "access.screen_read", person=whose if whose in _known(platform) else "?"
        )
    shown = platform.lookups.screens.at(whose, parse_time(at) if at else platform.writer.now)
    page, kept = Page(platform, asker.scope), shown.screen
    keys = {channel.number: channel.key for channel in platform.handler.policy.city.city.channels}
    dark = [(keys.get(number, f"#{number}"), last) for number, last in kept.dark]
    return ScreenView(
        person=whose, post=kept.post, at=format_time(shown.at), position=kept.position, filters=kept.filters,
        cases=list(kept.cases), digest=shown.digest, hash=shown.hash,
        dark=[DarkView(channel=key, name=page.names.of(key), last=moment(last)) for key, last in dark],
    )  # fmt: skip


def _known(platform: Any) -> frozenset[str]:
    return frozenset(platform.handler.policy.city.persons)
