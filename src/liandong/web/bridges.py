"""Routes of the duty centre about bridges: how each stands, what waits or was refused, comparing now; and
the photos and records that came with a report."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Path, Query
from fastapi.responses import Response
from pydantic import Field

from liandong.app.bridge.desk import Bridges
from liandong.app.ports import BridgeEventRow
from liandong.core.values.case import VaultRef
from liandong.core.values.errors import NotFound
from liandong.core.values.journal import read_entry
from liandong.core.values.lists import BridgeKind, Capability, HeardState
from liandong.core.values.times import format_time
from liandong.texts import text
from liandong.web.signin import Asker, SignedIn
from liandong.web.threads import ask, run
from liandong.web.views import Moment, View, moment

router = APIRouter()
BridgeName = Annotated[str, Path(max_length=128, description="Key of the bridge, without `bridge:`.")]
_FILE: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}
}


class DifferenceView(View):
    """One order about which the two sides differ."""

    order: str
    kind: str = Field(description="missing_there, missing_here, open_there, closed_there or status")
    case: str
    number: str = Field(description="Their number.")
    theirs: str = Field(description="Status there.")
    ours: str = Field(description="Status that was reported last.")


class BridgeView(View):
    """How a bridge stands."""

    bridge: str
    unit: str
    system: str
    kind: BridgeKind
    linked: bool = Field(description="The settings name its other end.")
    waiting: int = Field(description="Events that wait for something.")
    error: str = Field(description="What the last round failed of, where it failed.")
    compared: Moment | None
    differences: list[DifferenceView]


class BridgeList(View):
    """Every bridge of the city."""

    items: list[BridgeView]


class BridgeEventView(View):
    """What the receiver's own system reported, and what became of it."""

    event: str
    state: HeardState
    order: str
    case: str
    number: str
    status: str = Field(description="Its word.")
    their_at: Moment | None = Field(description="By its clock.")
    received: Moment = Field(description="By ours.")
    key: str
    reason: str = Field(description="Why it waits or was refused, in words.")


class BridgeEvents(View):
    """Oldest first."""

    items: list[BridgeEventView]


class ComparedView(View):
    """What comparing found."""

    asked: bool = Field(description="False where that system can only send its list itself.")
    differences: list[DifferenceView]


@router.get("/bridges", tags=["bridge"], operation_id="list_bridges")
async def list_bridges(asker: SignedIn) -> BridgeList:
    """How every bridge stands. Needs intake.read."""

    def question() -> list[Any]:
        asker.platform.access.need(asker.scope, Capability.INTAKE_READ)
        desk = asker.platform.bridges
        return desk.status() if desk is not None else []

    found = await ask(question)
    return BridgeList(
        items=[BridgeView(**row | {"differences": _differences(row["differences"])}) for row in found]
    )


@router.get("/bridges/{bridge}/events", tags=["bridge"], operation_id="list_bridge_events")
async def list_bridge_events(
    asker: SignedIn,
    bridge: BridgeName,
    state: Annotated[HeardState, Query(description="In which state.")] = HeardState.PARKED,
) -> BridgeEvents:
    """What was reported and waits, or was refused, or was done; at most 500. Needs intake.read."""

    def question() -> list[BridgeEventRow]:
        asker.platform.access.need(asker.scope, Capability.INTAKE_READ)
        return asker.platform.store.bridge_events(_desk(asker).row(_key(bridge)).key, (state,))

    rows = await ask(question)
    return BridgeEvents(items=[_event(row, asker.language) for row in rows])


@router.post("/bridges/{bridge}/reconcile", tags=["bridge"], operation_id="reconcile_bridge")
async def reconcile_bridge(asker: SignedIn, bridge: BridgeName) -> ComparedView:
    """Compare the open orders of both sides now. Needs intake.replay."""

    def compare() -> Any:
        asker.platform.access.need(asker.scope, Capability.INTAKE_REPLAY)
        return _desk(asker).reconcile(_key(bridge))

    found = await run(compare)
    return ComparedView(asked=found is not None, differences=_differences(found or []))


@router.get(
    "/cases/{case}/files/{reference}", tags=["cases"], operation_id="read_case_file",
    response_class=Response, responses=_FILE,
)  # fmt: skip
async def read_case_file(
    asker: SignedIn,
    case: Annotated[str, Path(max_length=128, description="Id of a case.")],
    reference: Annotated[str, Path(max_length=200, description="As an act names it under `evidence`.")],
) -> Response:
    """A photo or record that came with an act, for whoever may see the case; the look is journalled."""
    data = await ask(lambda: _file(asker, case, reference))
    headers = {"Content-Disposition": "attachment", "X-Content-Type-Options": "nosniff"}
    return Response(data, media_type="application/octet-stream", headers=headers)


def _file(asker: Asker, case: str, reference: str) -> bytes:
    platform = asker.platform
    platform.access.case(asker.scope, case)
    id, _, digest = reference.partition(":")
    row = platform.store.vault_row(id) if digest else None
    # Words and names are sealed beside the photos: only what an act names as evidence is given.
    if row is None or row.subject != f"case:{case}" or reference not in _evidence(asker, case):
        raise NotFound("evidence.absent", digest=reference[:64])
    platform.access.note(asker.scope, "access.file", case=case)
    return platform.vault.open(row, VaultRef(id, digest))


def _evidence(asker: Asker, case: str) -> set[str]:
    """Every reference that an act on the case names."""
    found: set[str] = set()
    for row in asker.platform.store.entries_of(f"case:{case}"):
        for record in read_entry(row.body).events:
            if record.type in ("StepDone", "CaseNoted"):
                found.update(msgspec.json.decode(record.data).get("evidence", ()))
    return found


def _desk(asker: Asker) -> Bridges:
    if asker.platform.bridges is None:
        raise NotFound("bridge.unknown", bridge="-")
    return asker.platform.bridges


def _key(bridge: str) -> str:
    return f"bridge:{bridge.removeprefix('bridge:')}"


def _event(row: BridgeEventRow, language: str) -> BridgeEventView:
    return BridgeEventView(
        event=row.event, state=row.state, order=row.order, case=row.case, number=row.number,
        status=row.status, their_at=moment(row.their_at), received=format_time(row.received), key=row.key,
        reason=text(row.key, language, **row.params) if row.key else "",
    )  # fmt: skip


def _differences(found: Any) -> list[DifferenceView]:
    return [DifferenceView(**msgspec.to_builtins(one)) for one in found]
