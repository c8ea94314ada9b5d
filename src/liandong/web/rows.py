"""Rows of the other lists: orders, scores, journal, refused input."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from pydantic import Field

from liandong.app.ports import DeadLetter, OrderRow, RejectedRow, StreamRow
from liandong.core.values.case import CaseState
from liandong.core.values.journal import EntryKind, JournalRow, read_entry
from liandong.core.values.lists import Action, CaseStage, Cause, ClockOrigin, Mode, OrderStatus, Step
from liandong.core.values.score import ScoreState
from liandong.core.values.times import SECOND, format_time
from liandong.texts import placeholders, sentences, text
from liandong.web.names import AreaName, Name, listed
from liandong.web.page import Page
from liandong.web.views import Moment, Seconds, View, moment

_score = msgspec.json.Decoder(ScoreState)
NEXT = "Give it as `after` for the next page; empty at the end."


class OrderItem(View):
    """An order in a list."""

    id: str
    case: str
    unit: str
    post: str
    person: str
    deputy: str
    action: Action | None = Field(description="The next step; none where nothing is left.")
    status: OrderStatus
    round: int
    issued: Moment
    due: Moment | None
    hazard: str
    area_path: str
    mode: Mode
    hazard_name: Name
    unit_name: Name
    post_title: Name
    person_name: str | None = Field(description="Only with personal.read, and when asked for.")
    asset: str
    asset_name: Name
    areas: list[AreaName]
    level: str
    stage: CaseStage | None
    version: int = Field(description="Of the case, for If-Match.")
    overdue: bool
    origin: ClockOrigin | None = Field(description="From when the next step's limit runs.")
    origin_assumed: bool
    evidence: bool = Field(description="The next step needs evidence.")


class OrderPage(View):
    """Oldest first."""

    items: list[OrderItem]
    next: str = Field(description=NEXT)


class ClauseView(View):
    """How one limit went."""

    clause: str
    round: int
    action: Action
    unit: str
    origin: ClockOrigin
    limit_s: Seconds
    taken_s: Seconds
    paused_s: Seconds
    charged: dict[str, float]
    outcome: str = Field(description="met, late or void")


class ScoreItem(View):
    """A closed case's scores."""

    case: str
    hazard: str
    level: str
    area_path: str
    lead: str
    mode: Mode
    cause: Cause
    real: bool | None = Field(description="None: does not count for the rules' precision.")
    rules: list[str]
    opened: Moment
    closed: Moment
    escalations: int
    clauses: list[ClauseView]


class ScorePage(View):
    """Newest first."""

    items: list[ScoreItem]
    next: str = Field(description=NEXT)


class EventView(View):
    """One fact; `data` has the schema of its type and version."""

    type: str
    version: int
    data: dict[str, Any]


class EntryView(View):
    """One entry of a case's stream. `hash` chains it to the entry before."""

    sequence: int
    position: int
    at: Moment
    kind: EntryKind
    step: Step | None
    key: str
    params: dict[str, Any]
    text: str = Field(description="The reason in the reader's language.")
    refused: bool
    admission: int
    events: list[EventView]
    hash: str


class EntryPage(View):
    """Oldest first."""

    items: list[EntryView]
    next: str = Field(description=NEXT)


class RejectedItem(View):
    """Input that was refused at the door."""

    id: str
    at: Moment
    source: str
    path: str = Field(description="readings or act")
    key: str
    detail: str
    params: dict[str, Any]
    size: int
    replayed: Moment | None


class RejectedPage(View):
    """Newest first."""

    items: list[RejectedItem]
    next: str = Field(description=NEXT)


class RejectedRaw(RejectedItem):
    """With its bytes, as they came."""

    raw: str | None = Field(description="base64; at most the first 1,000,000 bytes.")
    masked: bool = Field(description="A person's words: the bytes need the capability personal.read.")


class DeadItem(View):
    """A message that could not be decided or stored."""

    id: str
    at: Moment
    type: str
    error: str
    message: dict[str, Any]
    replayed: Moment | None


class DeadPage(View):
    """Newest first."""

    items: list[DeadItem]
    next: str = Field(description=NEXT)


def order_item(page: Page, row: OrderRow, case: CaseState | None) -> OrderItem:
    """A row of the list, with what its case says of it."""
    order = case.orders.get(row.id) if case else None
    step = next((s for s in order.steps if s.action == row.action), None) if order else None
    clause = page.policy.routing.step(step.clause) if step else None
    names, asset = page.names, case.asset if case else ""
    return OrderItem(
        hazard_name=listed("hazard", row.domain), unit_name=names.of(row.unit),
        post_title=names.of(row.post), person_name=page.person(row.person), asset=asset,
        asset_name=names.of(asset), areas=names.areas(case.area) if case else [],
        level=case.level if case else "", stage=case.stage if case else None,
        version=case.version if case else 0, overdue=row.due is not None and row.due < page.now,
        origin=step.origin if step else None, evidence=step.evidence if step else False,
        origin_assumed=clause is None or not clause.origin_stated,
        id=row.id, case=row.case, unit=row.unit, post=row.post, person=row.person, deputy=row.deputy,
        action=Action(row.action) if row.action else None, status=OrderStatus(row.status), round=row.round,
        issued=format_time(row.issued), due=moment(row.due), hazard=row.domain, area_path=row.area_path,
        mode=row.mode,
    )  # fmt: skip


def score_item(row: StreamRow) -> ScoreItem:
    """The newest score of a case."""
    score = _score.decode(row.body or b"{}").score
    assert score is not None
    clauses = [
        ClauseView(
            clause=c.clause, round=c.round, action=c.action, unit=c.unit, origin=c.origin,
            limit_s=c.limit_us / SECOND, taken_s=c.taken_us / SECOND, paused_s=c.paused_us / SECOND,
            charged={unit: us / SECOND for unit, us in c.charges.items()}, outcome=c.outcome,
        )
        for c in score.clauses
    ]  # fmt: skip
    return ScoreItem(
        case=score.case, hazard=score.hazard, level=score.level, area_path=score.area_path, lead=score.lead,
        mode=score.mode, cause=score.cause, real=score.real, rules=list(score.rules),
        opened=format_time(score.opened), closed=format_time(score.closed), escalations=score.escalations,
        clauses=clauses,
    )  # fmt: skip


def entry_view(row: JournalRow, language: str) -> EntryView:
    """A stored entry with its reason in words."""
    entry = read_entry(row.body)
    key = entry.reason.key if entry.reason else ""
    params = dict(entry.reason.params) if entry.reason else {}
    return EntryView(
        sequence=row.sequence, position=row.position, at=format_time(entry.now), kind=entry.kind,
        step=entry.step, key=key, params=params, text=text(key, language, **params) if key else "",
        refused=entry.refused, admission=entry.admission, hash=row.hash,
        events=[EventView(type=e.type, version=e.v, data=json.loads(bytes(e.data))) for e in entry.events],
    )  # fmt: skip


def rejected_item(row: RejectedRow, language: str) -> dict[str, Any]:
    """Fields of a refused input; what was not kept of the error shows as a dash."""
    wanted = dict.fromkeys(placeholders(sentences(language).get(row.key, "")))
    return dict(
        id=row.id, at=format_time(row.at), source=row.source, path=row.path, key=row.key,
        detail=text(row.key, language, **(wanted | row.params)), params=row.params, size=row.size,
        replayed=moment(row.replayed),
    )  # fmt: skip


def dead_item(row: DeadLetter) -> DeadItem:
    """A dead letter; its body holds references only."""
    return DeadItem(
        id=row.id, at=format_time(row.at), type=row.type, error=row.error, message=json.loads(row.body),
        replayed=moment(row.replayed),
    )  # fmt: skip
