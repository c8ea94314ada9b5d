"""A case's timeline: told, answered, acts, clocks, escalations, deliveries, findings, in one order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Path, Query
from pydantic import Field

from liandong.core.values.case import VaultRef
from liandong.core.values.errors import NotFound
from liandong.core.values.journal import Entry, JournalRow, read_entry
from liandong.core.values.times import SECOND, format_time
from liandong.texts import LANGUAGES, label, text
from liandong.web.names import Name, list_of_reason
from liandong.web.page import Page
from liandong.web.signin import Asker, SignedIn
from liandong.web.threads import ask
from liandong.web.views import Moment, View, moment

router = APIRouter()

#: Type of event → kind of line. What has none is bookkeeping and no line.
_KINDS = {
    "CaseOpened": "case", "CaseJudged": "case", "CaseLevelChanged": "case", "CaseReviewed": "case",
    "StepsUndone": "case", "CaseReopened": "case", "CaseClosed": "case", "CaseArchived": "case",
    "CaseFindingChanged": "finding", "CaseFindingSettled": "finding", "CaseGathered": "finding",
    "OrderIssued": "told", "OrderStatusChanged": "act", "ParticipantJoined": "told",
    "ParticipantLeft": "told", "StepDone": "act", "CaseNoted": "act", "CallLogged": "call",
    "ReportOwed": "report", "CaseReported": "report",
    "ReportDrafted": "report", "ReportHeld": "report", "ReportOverdue": "report", "ReportReceived": "report",
    "DecisionDue": "decision", "DecisionNoted": "decision", "ClockStarted": "clock", "ClockPaused": "clock",
    "ClockResumed": "clock", "ClockOverdue": "clock", "ClockStopped": "clock", "Escalated": "escalation",
    "ActTaken": "act", "RequestMade": "act", "RequestDecided": "act", "ClockExtended": "clock",
    "CaseDeferred": "clock", "DeferralEnded": "clock", "StepWithdrawn": "act", "CaseCancelled": "case",
    "MergeAsked": "case", "CaseAbsorbed": "case", "CaseMerged": "case", "CasePartSplit": "case",
    "FindingPassedOn": "finding", "DutyAsked": "act", "DutyDecided": "act", "HelpAsked": "act",
    "HelpAnswered": "act", "CallPlaced": "call", "CallAnswered": "call", "CallUnanswered": "call",
    "SupervisionStarted": "escalation", "HolderUrged": "escalation", "ReviewDrawn": "case",
    "DeliveryRecorded": "delivery", "OrderNumbered": "bridge", "OrderHeard": "bridge",
}  # fmt: skip
#: Field of an event → the closed list of its codes.
_LISTS = {
    "action": "action", "undone": "action", "change": "change", "verdict": "verdict", "part": "participation",
    "status": "order_status", "cause": "cause", "outcome": "outcome", "passed": "passed",
    "hazard": "hazard", "answered": "answered", "start": "start", "granted": "yes_no", "given": "yes_no",
    "drawn": "yes_no", "ground": "help_ground",
}  # fmt: skip
_NAMED = (
    "unit", "post", "asset", "channel", "rule", "to", "charged_to", "signer_post", "in_name_of", "decides",
    "holder", "asker",
)  # fmt: skip


class TimelineItem(View):
    """One thing that happened. `hash` chains its entry to the one before."""

    sequence: int
    position: int
    at: Moment
    type: str = Field(
        description="case, finding, told, act, call, report, decision, clock, escalation, delivery, bridge "
        "or refused"
    )
    event: str = Field(description="Type of the event, or template of what was told; key of a refusal.")
    text: Name
    person: str
    post: str
    unit: str
    words: str | None = Field(description="What the person wrote, where anything was written.")
    erased: bool = Field(description="There were words; their key has been destroyed.")
    their_at: Moment | None = Field(
        default=None, description="By the clock of the device or system that says so, where it gave one."
    )
    hash: str


class TimelinePage(View):
    """Oldest first."""

    items: list[TimelineItem]
    next: str = Field(description="Give it as `after` for the next page; empty at the end.")


@router.get("/cases/{case}/timeline", tags=["cases"], operation_id="read_timeline")
async def read_timeline(
    asker: SignedIn,
    case: Annotated[str, Path(max_length=128, description="Id of a case.")],
    after: Annotated[int, Query(ge=0, le=2**53, description="`next` of the page before.")] = 0,
    limit: Annotated[int, Query(ge=1, le=500, description="Entries of a page; each may have lines.")] = 200,
) -> TimelinePage:
    """What happened to a case, in order, in words; for whoever may see the case."""
    return await ask(lambda: _timeline(asker, case, after, limit))


def _timeline(asker: Asker, id: str, after: int, limit: int) -> TimelinePage:
    platform = asker.platform
    platform.access.case(asker.scope, id)
    page = Page(platform, asker.scope)
    rows = platform.store.entries_of(f"case:{id}", after, limit)
    lines = _Lines(page)
    items = [item for row in rows for item in lines.of(row)]
    return TimelinePage(items=items, next=str(rows[-1].sequence) if len(rows) == limit else "")


class _Lines:
    """Puts entries into words."""

    def __init__(self, page: Page) -> None:
        self._page = page

    def of(self, row: JournalRow) -> Iterator[TimelineItem]:
        """The lines of an entry."""
        entry = read_entry(row.body)
        if entry.refused and entry.reason is not None:
            reason = entry.reason
            yield self._item(row, entry, "refused", reason.key, _said(reason.key, reason.params), {})
        for record in entry.events:
            kind = _KINDS.get(record.type)
            if kind is not None:
                data: dict[str, Any] = msgspec.json.decode(record.data)
                yield self._item(row, entry, kind, record.type, self._words(record.type, data), data)
        for effect in entry.effects:
            data = {"person": effect.recipient}
            yield self._item(row, entry, "told", effect.template, _said(effect.template, effect.params), data)

    def _item(
        self, row: JournalRow, entry: Entry, kind: str, event: str, said: Name, data: dict[str, Any]
    ) -> TimelineItem:
        words, erased = opened_words(self._page, data.get("text"))
        return TimelineItem(
            sequence=row.sequence, position=row.position, at=format_time(entry.now), type=kind, event=event,
            text=said, person=str(data.get("person") or data.get("recipient") or ""),
            post=str(data.get("post") or ""), unit=str(data.get("unit") or ""), words=words, erased=erased,
            their_at=moment(data.get("device_at")), hash=row.hash,
        )  # fmt: skip

    def _words(self, event: str, data: dict[str, Any]) -> Name:
        return Name(
            **{
                language: text(f"timeline.{event}", language, **self._params(event, data, language))
                for language in LANGUAGES
            }
        )

    def _clock(self, at: int) -> str:
        """A moment on the city's clock, to the second."""
        local = self._page.policy.city.calendar.at(at)
        hour, minute = divmod(local.minute, 60)
        return f"{local.date} {hour:02}:{minute:02}:{at // SECOND % 60:02}"

    def _params(self, event: str, data: dict[str, Any], language: str) -> dict[str, Any]:
        """The fields of an event in words."""
        given = dict(data)
        detail = data.get("detail") or {}
        given |= {name: detail.get(name, "") for name in ("channel", "rule") if name not in data}
        steps = data.get("steps")
        if steps:
            given["action"] = steps[0]["action"]
        if "action" not in given and "clock" in data:
            row = self._page.policy.routing.step(str(data["clock"]).rpartition("#")[0])
            given["action"] = row.action.value if row else str(data["clock"])
        found: dict[str, Any] = {}
        for name, value in given.items():
            codes = value if isinstance(value, list) else [value]
            if name == "kind":
                found[name] = _kind(str(value), language)
            elif event == "OrderHeard" and name in ("at", "device_at"):
                found[name] = "-" if value is None else self._clock(value)
            elif name == "reason" and value:
                found[name] = label(list_of_reason(str(value)), str(value), language)
            elif name in _LISTS and event != "OrderHeard":
                shown = [label(_LISTS[name], str(code).lower(), language) for code in codes]
                found[name] = ("、" if language == "zh" else ", ").join(shown)
            elif name in _NAMED and value:
                found[name] = getattr(self._page.names.of(str(value)), language)
            elif not isinstance(value, (dict, list)):
                found[name] = value
        return found | {name: "" for name in _NAMED if name not in found}


def _kind(code: str, language: str) -> str:
    """Of an escalation, or of a version of a report."""
    shown = label("escalation_kind", code, language)
    return shown if shown != code else label("report_version", code, language)


def _said(key: str, params: Any) -> Name:
    return Name(**{language: text(key, language, **params) for language in LANGUAGES})


def opened_words(page: Page, ref: Any) -> tuple[str | None, bool]:
    """A person's words, for whoever may see the case; (None, True) once their key is destroyed."""
    if not ref:
        return None, False
    try:
        return page.platform.personal.read_text(page.scope, VaultRef(ref["id"], ref["digest"])), False
    except NotFound:
        return None, True
