"""Routes of the desk: who is at a case, the shift and its hand-over, the self-test."""

from __future__ import annotations

import secrets
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from pydantic import Field

from liandong.app.desk import run_self_test
from liandong.app.handle import Answer
from liandong.app.live import Said
from liandong.app.ports import OrderRow, StreamRow
from liandong.app.selftest import Check
from liandong.app.shifts import LogLine, ShiftNow, Shifts
from liandong.core.values.city import Duty
from liandong.core.values.errors import BadInput
from liandong.core.values.lists import Action, CaseStage, Doing, OrderStatus
from liandong.core.values.shift import ShiftHandedOver
from liandong.core.values.times import format_time
from liandong.texts import text
from liandong.web.bodies import Reference, _Body, described, parse, read_body
from liandong.web.problems import problem
from liandong.web.signin import Asker, SignedIn
from liandong.web.threads import ask, run, settled
from liandong.web.views import Moment, View, moment

router = APIRouter()
_CaseId = Annotated[str, Path(max_length=128, description="Id of a case.")]
Words = Annotated[str, Field(max_length=2_000)]


class PresenceBody(_Body):
    """What the person is doing with the case."""

    doing: Doing
    whom: Reference | None = Field(None, description="Key of a unit, post or person, for calling.")


class ItemBody(_Body):
    """One open case of a hand-over."""

    case: Reference
    remark: Words | None = Field(None, description="Words for who comes. They go into the vault.")


class HandOverBody(_Body):
    """Every open case, each with words or without."""

    items: Annotated[list[ItemBody], Field(max_length=500)]
    remark: Words | None = Field(None, description="Words about the shift as a whole.")


class TakeOverBody(_Body):
    """Every case of the hand-over, as seen by who comes."""

    confirmed: Annotated[list[Reference], Field(max_length=500)]
    remark: Words | None = None


#: Bodies that are described in the OpenAPI document under their own names.
DESK_BODIES = (PresenceBody, ItemBody, HandOverBody, TakeOverBody)


# Presence


class PresentView(View):
    """Somebody at a case."""

    person: str
    post: str
    doing: Doing
    whom: str
    since: Moment
    left_s: float = Field(description="Seconds until it is forgotten unless it is said again.")
    me: bool


class PresenceList(View):
    """Everybody at a case, first come first."""

    items: list[PresentView]
    now: Moment


@router.get("/cases/{case}/presence", tags=["desk"], operation_id="read_presence")
async def read_presence(asker: SignedIn, case: _CaseId) -> PresenceList:
    """Who is at a case now."""
    await ask(lambda: asker.platform.access.case(asker.scope, case))
    return _present(asker, case)


@router.put(
    "/cases/{case}/presence",
    tags=["desk"],
    operation_id="say_presence",
    openapi_extra=described(PresenceBody),
)
async def say_presence(asker: SignedIn, request: Request, case: _CaseId) -> PresenceList:
    """Be at a case for another minute, so that nobody does the same twice. Forgotten by a restart."""
    body = parse(PresenceBody, await read_body(request))
    await ask(lambda: asker.platform.access.case(asker.scope, case))
    platform = asker.platform
    if platform.presence.put(case, asker.session, body.doing, body.whom or "", platform.clock.read().now):
        platform.live.say(Said("presence", case))
    return _present(asker, case)


@router.delete("/cases/{case}/presence", tags=["desk"], operation_id="end_presence")
async def end_presence(asker: SignedIn, case: _CaseId) -> PresenceList:
    """Be at a case no longer."""
    await ask(lambda: asker.platform.access.case(asker.scope, case))
    if asker.platform.presence.leave(case, asker.session):
        asker.platform.live.say(Said("presence", case))
    return _present(asker, case)


def _present(asker: Asker, case: str) -> PresenceList:
    me = (asker.session.person, asker.session.post)
    return PresenceList(
        items=[
            PresentView(
                person=p.person, post=p.post, doing=p.doing, whom=p.whom, since=format_time(p.since),
                left_s=round(left, 1), me=(p.person, p.post) == me,
            )
            for p, left in asker.platform.presence.of(case)
        ],
        now=format_time(asker.platform.clock.read().now),
    )  # fmt: skip


# Shift


class DutyView(View):
    """A duty of the roster."""

    person: str
    deputy: str
    start: Moment
    end: Moment


class HolderView(View):
    """Who has the shift by signature."""

    person: str
    at: Moment


class OpenOrder(View):
    """A live order of the post."""

    id: str
    action: Action | None = Field(description="What is next to do.")
    status: OrderStatus
    due: Moment | None
    person: str


class OpenCase(View):
    """A case that is open for the post, with the post's orders."""

    case: str
    hazard: str
    level: str
    stage: CaseStage
    area_path: str
    opened: Moment
    orders: list[OpenOrder]


class HandedView(View):
    """A case as it was handed over."""

    case: str
    remark: str | None


class PendingView(View):
    """A hand-over that nobody has taken yet."""

    by: str
    at: Moment
    items: list[HandedView]
    remark: str | None


class LogItem(View):
    """One thing that happened, from the journal."""

    position: int
    at: Moment
    kind: str = Field(description="case or shift")
    id: str
    key: str
    params: dict[str, Any]
    text: str


class LogPage(View):
    """Newest first."""

    items: list[LogItem]
    next: str = Field(description="Give it as `before` for the next page; empty at the end.")


class ShiftView(View):
    """The shift of the asker's post."""

    post: str
    version: int = Field(description="For If-Match of a signature.")
    now: Moment
    start: Moment
    end: Moment | None
    on_duty: DutyView | None
    before: DutyView | None
    after: DutyView | None
    holder: HolderView | None
    items: list[OpenCase]
    pending: PendingView | None
    new_since: list[str] = Field(description="Cases opened since the pending hand-over.")
    log: list[LogItem]
    log_next: str


class Signed(View):
    """A signature is in the journal."""

    post: str
    version: int
    status: str
    key: str
    params: dict[str, Any]
    text: str


@router.get("/shift", tags=["desk"], operation_id="read_shift")
async def read_shift(asker: SignedIn) -> ShiftView:
    """The shift of the post: who, since when, what is open, what happened."""
    shifts = asker.platform.shifts

    def question() -> tuple[ShiftNow, list[LogLine], int, PendingView | None]:
        now = shifts.now(asker.scope)
        lines, following = shifts.log(asker.scope, now.start)
        return now, lines, following, _pending(shifts, now.state.pending)

    now, lines, following, pending = await ask(question)
    state = now.state
    handed = pending is not None and state.pending is not None
    return ShiftView(
        post=now.post, version=state.version, now=format_time(now.now), start=format_time(now.start),
        end=moment(now.end), on_duty=_duty(now.current), before=_duty(now.before), after=_duty(now.after),
        holder=HolderView(person=state.holder, at=format_time(state.since)) if state.holder else None,
        items=[_open(row, now.orders) for row in now.cases], pending=pending,
        new_since=[
            row.stream.removeprefix("case:")
            for row in now.cases
            if handed and state.pending is not None and row.opened > state.pending.at
        ],
        log=[_log_item(line, asker.language) for line in lines], log_next=str(following or ""),
    )  # fmt: skip


@router.get("/shift/log", tags=["desk"], operation_id="read_shift_log")
async def read_shift_log(
    asker: SignedIn,
    before: Annotated[int, Query(ge=0, le=2**53, description="`next` of the page before.")] = 0,
    limit: Annotated[int, Query(ge=1, le=200, description="Rows of a page.")] = 50,
) -> LogPage:
    """The log of the shift, which writes itself from the journal."""
    shifts = asker.platform.shifts
    lines, following = await ask(
        lambda: shifts.log(asker.scope, shifts.now(asker.scope).start, before, limit)
    )
    return LogPage(items=[_log_item(line, asker.language) for line in lines], next=str(following or ""))


_HEADERS: dict[str, Any] = {
    "parameters": [
        {
            "name": name, "in": "header", "required": True, "description": words, "example": example,
            "schema": {"type": "string"},
        }
        for name, words, example in (
            ("Idempotency-Key", "The client's own name of this signature, kept when trying again.", "9d-1"),
            ("If-Match", "Version of the shift that the person saw.", '"3"'),
        )
    ]
}  # fmt: skip


@router.post(
    "/shift/hand-over",
    tags=["desk"],
    operation_id="hand_over_shift",
    openapi_extra=described(HandOverBody) | _HEADERS,
    response_model=Signed,
)
async def hand_over_shift(asker: SignedIn, request: Request) -> Any:
    """Sign as the one who goes, naming every open case."""
    body = parse(HandOverBody, await read_body(request))
    version, key = _version(request), request.headers.get("idempotency-key", "")
    items = [(item.case, item.remark or "") for item in body.items]
    shifts = asker.platform.shifts
    future = await run(lambda: shifts.hand_over(asker.scope, version, items, body.remark or "", key))
    return _signed(asker, request, await settled(future))


@router.post(
    "/shift/take-over",
    tags=["desk"],
    operation_id="take_over_shift",
    openapi_extra=described(TakeOverBody) | _HEADERS,
    response_model=Signed,
)
async def take_over_shift(asker: SignedIn, request: Request) -> Any:
    """Sign as the one who comes, having seen every case of the hand-over."""
    body = parse(TakeOverBody, await read_body(request))
    version, key = _version(request), request.headers.get("idempotency-key", "")
    shifts = asker.platform.shifts
    future = await run(lambda: shifts.take_over(asker.scope, version, body.confirmed, body.remark or "", key))
    return _signed(asker, request, await settled(future))


def _signed(asker: Asker, request: Request, answer: Answer) -> Any:
    if answer.status == "refused":
        return problem(request, 409, answer.key, answer.params, version=answer.version)
    return Signed(
        post=asker.scope.post, version=answer.version, status="done", key=answer.key, params=answer.params,
        text=text(answer.key, asker.language, **answer.params),
    )  # fmt: skip


def _version(request: Request) -> int:
    """`"3"`, `W/"3"` or `3` → 3."""
    digits = request.headers.get("if-match", "").strip().removeprefix("W/").strip('"')
    if not digits.isascii() or not digits.isdigit() or len(digits) > 15:
        raise BadInput("act.no_version")
    return int(digits)


def _duty(duty: Duty | None) -> DutyView | None:
    if duty is None:
        return None
    return DutyView(
        person=duty.person, deputy=duty.deputy, start=format_time(duty.start), end=format_time(duty.end)
    )


def _open(row: StreamRow, orders: Any) -> OpenCase:
    case = row.stream.removeprefix("case:")
    return OpenCase(
        case=case, hazard=row.domain, level=row.level, stage=CaseStage(row.stage), area_path=row.area_path,
        opened=format_time(row.opened), orders=[_order(order) for order in orders if order.case == case],
    )  # fmt: skip


def _order(order: OrderRow) -> OpenOrder:
    return OpenOrder(
        id=order.id, action=Action(order.action) if order.action else None,
        status=OrderStatus(order.status), due=moment(order.due), person=order.person,
    )  # fmt: skip


def _pending(shifts: Shifts, pending: ShiftHandedOver | None) -> PendingView | None:
    if pending is None:
        return None
    return PendingView(
        by=pending.person, at=format_time(pending.at), remark=shifts.words(pending.remark),
        items=[HandedView(case=item.case, remark=shifts.words(item.remark)) for item in pending.items],
    )  # fmt: skip


def _log_item(line: LogLine, language: str) -> LogItem:
    kind, _, id = line.stream.partition(":")
    reason = line.entry.reason
    assert reason is not None
    return LogItem(
        position=line.position, at=format_time(line.entry.now), kind=kind, id=id, key=reason.key,
        params=dict(reason.params), text=text(reason.key, language, **reason.params),
    )  # fmt: skip


# Self-test


class CheckView(View):
    """What one part came to."""

    name: str = Field(description="store, clock, sources, channel:…, alarm")
    ok: bool
    key: str
    params: dict[str, Any]
    text: str
    ms: float


class SelfTest(View):
    """The self-test of a shift. The event `self_test` of the same run follows on the asker's stream."""

    run: str
    now: Moment
    ok: bool
    checks: list[CheckView]


@router.post("/self-test", tags=["desk"], operation_id="self_test")
async def self_test(asker: SignedIn) -> SelfTest:
    """Try every part that a shift relies on; a test alarm appears on the asker's screen, and nowhere else."""
    name = f"run_{secrets.token_hex(8)}"
    checks = await run(lambda: run_self_test(asker.platform, asker.session, asker.scope, asker.key, name))
    return SelfTest(
        run=name, now=format_time(asker.platform.clock.read().now), ok=all(check.ok for check in checks),
        checks=[_check(check, asker.language) for check in checks],
    )  # fmt: skip


def _check(check: Check, language: str) -> CheckView:
    reason = check.reason
    return CheckView(
        name=check.name, ok=check.ok, key=reason.key, params=dict(reason.params),
        text=text(reason.key, language, **reason.params), ms=check.ms,
    )  # fmt: skip
