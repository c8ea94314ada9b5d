"""What goes over a bridge: an order outward; an event, an answer and a list of orders inward.

All of it is JSON with the same names in a request, a column of a table or a line of a file.
"""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Any

import msgspec

from liandong.core.mechanism.policy import Policy
from liandong.core.values.case import CaseState, Order
from liandong.core.values.errors import BadInput
from liandong.core.values.lists import HeardState
from liandong.core.values.times import SECOND, format_time, parse_time

Short = Annotated[str, msgspec.Meta(max_length=200)]
#: Goes into ids and journal, so it may be a key and never a sentence.
Key = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_.:/#\-]{1,128}\Z")]
Word = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_.\-]{0,64}\Z")]
#: What a system calls an order: no blanks, so that it is a number and not somebody's words.
Number = Annotated[str, msgspec.Meta(pattern=r"^\S{0,64}\Z")]
MOST_EVENTS = 500
MOST_BYTES = 8 * 1024 * 1024


class FileIn(msgspec.Struct, frozen=True, kw_only=True):
    """One photo or record, in base64."""

    name: Short = ""
    media: Short = ""
    data: str


class EventIn(msgspec.Struct, frozen=True, kw_only=True):
    """对方事件: what the receiver's own system says has happened to one order."""

    event: Key  #: its own id of this event; the same id twice is one event
    order: Number = ""  #: our number, or
    number: Number = ""  #: its own, once both were named together
    status: Annotated[str, msgspec.Meta(max_length=64)] = ""  #: its word, as the bridge's row has it
    at: Annotated[str, msgspec.Meta(max_length=64)] = ""  #: by its clock, RFC 3339 with offset
    user: Short = ""  #: who did it there
    words: Annotated[str, msgspec.Meta(max_length=20_000)] = ""
    reason: Word = ""  #: key of a reason, for return and pause
    cause: Word = ""
    verdict: Word = ""
    passed: bool | None = None
    evidence: Annotated[tuple[FileIn, ...], msgspec.Meta(max_length=20)] = ()

    @property
    def moment(self) -> int | None:
        """When it happened, by that system's clock. Raises BadInput."""
        return parse_time(self.at) if self.at else None

    def files(self) -> list[bytes]:
        """The bytes of its evidence. Raises BadInput("bridge.bad_event")."""
        try:
            return [base64.b64decode(file.data, validate=True) for file in self.evidence]
        except (binascii.Error, ValueError) as error:
            raise BadInput("bridge.bad_event", problem="evidence: base64") from error


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an event. `parked` waits for something; another answer follows."""

    event: str
    outcome: HeardState
    order: str = ""
    number: str = ""
    key: str = ""
    params: dict[str, str | int | float | None] = {}
    text: str = ""
    at: str = ""


class TheirOrder(msgspec.Struct, frozen=True, kw_only=True):
    """One order as the receiver's own system has it, for comparing."""

    order: Number  #: our number
    number: Number = ""
    status: Annotated[str, msgspec.Meta(max_length=64)] = ""
    open: bool = True


_event = msgspec.json.Decoder(EventIn)
_orders = msgspec.json.Decoder(tuple[TheirOrder, ...])


def read_event(raw: bytes) -> EventIn:
    """JSON → an event that can be worked with. Raises BadInput for anything else."""
    if len(raw) > MOST_BYTES:
        raise BadInput("bridge.bad_event", problem=f"> {MOST_BYTES} bytes")
    try:
        made = _event.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadInput("bridge.bad_event", problem=_problem(error)) from error
    made.files()
    _ = made.moment
    return made


def read_orders(raw: bytes) -> tuple[TheirOrder, ...]:
    """JSON list → their orders. Raises BadInput."""
    try:
        return _orders.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadInput("bridge.bad_event", problem=_problem(error)) from error


def _problem(error: Exception) -> str:
    """Where and of what kind, without repeating what was sent: it may be somebody's words."""
    return str(error)[:160] if isinstance(error, msgspec.ValidationError) else "JSON"


def order_document(policy: Policy, case: CaseState, order: Order, change: str, link: str) -> dict[str, Any]:
    """One order in full, so that the newest version alone is enough. Holds no person's name or number."""
    asset = policy.city.assets.get(case.asset)
    clocks = [c for c in case.clocks.values() if c.order == order.id and c.stopped is None]
    found = max(case.findings.values(), key=lambda f: (f.raised, f.id), default=None)
    return {
        "order": order.id, "version": case.version, "change": change, "case": case.id, "mode": case.mode,
        "status": order.status, "round": order.round, "unit": order.unit, "post": order.post,
        "hazard": case.hazard, "level": case.level, "issued": format_time(order.issued),
        "opened": format_time(case.opened), "onset": format_time(case.onset),
        "numbers": [{"system": system, "number": number} for system, number in order.numbers],
        "asset": {
            "key": case.asset, "name": asset.name_zh if asset else "", "lon": asset.lon if asset else None,
            "lat": asset.lat if asset else None,
            "facts": [{"name": name, "words": words} for name, words in (asset.facts if asset else ())],
        },
        "place": [area.name_zh for area in _areas(policy, case.area)],
        "steps": [
            {
                "action": step.action, "done": step.action in order.done, "evidence": step.evidence,
                "limit_s": None if step.limit_us is None else step.limit_us / SECOND, "origin": step.origin,
                "due": next((format_time(c.due) for c in clocks if c.action == step.action), None),
                "paused": any(c.action == step.action and c.paused_at is not None for c in clocks),
            }
            for step in order.steps
        ],
        "known": None if found is None else {
            "channel": found.channel, "value": found.value, "raised": format_time(found.raised),
            "active": case.alarm_active,
        },
        "outcome": None if not case.over else {
            "stage": case.stage, "cause": case.cause, "verdict": case.verdict,
            "closed": format_time(case.closed) if case.closed else None,
        },
        "link": f"{link}/cases/{case.id}" if link else "",
    }  # fmt: skip


def _areas(policy: Policy, area: str) -> list[Any]:
    """From the city down to the area itself."""
    found: list[Any] = []
    while area and len(found) < 10 and (row := policy.city.areas.get(area)) is not None:
        found.insert(0, row)
        area = row.parent
    return found
