"""Routes of resources 资源: requests with their chain of approvals, release, receipt and return."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from liandong.core.values.lists import ResourceAction, ResourceStage
from liandong.core.values.resource import ResourceState
from liandong.core.values.times import format_time
from liandong.web.power_bodies import ResourceBody
from liandong.web.powers import After, Id, Limit, PowerDone, act, headers_of, page
from liandong.web.signin import Asker, SignedIn
from liandong.web.threads import ask
from liandong.web.views import Moment, View, moment

router = APIRouter()


class ApprovalView(View):
    """One link of the chain."""

    role: str
    unit: str
    person: str
    at: Moment | None


class MoveView(View):
    """One step of a request after its approvals."""

    action: ResourceAction
    stage: ResourceStage
    person: str
    unit: str
    at: Moment
    quantity: float | None
    amount: float | None
    other: str
    reason: str | None


class ResourceSummary(View):
    """A request in a list."""

    id: str
    version: int
    stage: ResourceStage
    resource: str
    quantity: float
    measure: str
    unit: str = Field(description="Who asks.")
    owner: str
    area: str
    case: str
    requisition: bool
    opened: Moment
    due: Moment | None = Field(description="When the next approval is due.")
    waits_for: str = Field(description="Unit whose approval is next; empty where none is.")


class ResourceView(ResourceSummary):
    """A request with its chain and its steps."""

    row: str
    chain: list[ApprovalView]
    moves: list[MoveView]
    contested_with: str


class ResourceList(View):
    """Newest first."""

    items: list[ResourceSummary]
    next: str


@router.get("/resources", tags=["resources"], operation_id="list_resources")
async def list_resources(
    asker: SignedIn,
    stage: Annotated[ResourceStage | None, Query()] = None,
    after: After = "",
    limit: Limit = 50,
) -> ResourceList:
    """Requests within the scope of the asker."""

    def fits(state: ResourceState) -> bool:
        return stage is None or state.stage == stage

    found = await ask(lambda: asker.platform.authority.all(asker.scope, ResourceState, fits))
    items, cursor = page(found, after, limit, lambda state: state.id)
    return ResourceList(items=[ResourceSummary(**_short(state)) for state in items], next=cursor)


@router.get("/resources/{id}", tags=["resources"], operation_id="read_resource")
async def read_resource(asker: SignedIn, id: Id, response: Response) -> ResourceView:
    """A request with its chain of approvals and every step."""
    found = await ask(lambda: _view(asker, asker.platform.authority.one(asker.scope, ResourceState, id)))
    response.headers["ETag"] = f'"{found.version}"'
    return found


@router.post(
    "/resources",
    tags=["resources"],
    operation_id="request_resource",
    openapi_extra=headers_of(ResourceBody, version=False),
    response_model=PowerDone,
)
async def request_resource(asker: SignedIn, request: Request) -> Any:
    """Ask for a resource; the row says who approves, releases and pays."""
    power = asker.platform.authority
    return await act(
        asker, request, ResourceBody, lambda body, key, _: power.request(asker.scope, body, key), False
    )


@router.post(
    "/resources/{id}/acts/{action}",
    tags=["resources"],
    operation_id="act_on_resource",
    openapi_extra=headers_of(ResourceBody),
    response_model=PowerDone,
)
async def act_on_resource(asker: SignedIn, request: Request, id: Id, action: ResourceAction) -> Any:
    """Approve, refuse, release, requisition, confirm receipt or return, compensate, cancel."""
    power = asker.platform.authority
    return await act(
        asker, request, ResourceBody,
        lambda body, key, version: power.resource(asker.scope, id, action, body, key, version),
    )  # fmt: skip


def _short(state: ResourceState) -> dict[str, Any]:
    link = state.waits_for if state.stage == ResourceStage.REQUESTED else None
    return dict(
        id=state.id, version=state.version, stage=state.stage, resource=state.resource,
        quantity=state.quantity, measure=state.measure, unit=state.unit, owner=state.owner, area=state.area,
        case=state.case, requisition=state.requisition, opened=format_time(state.opened),
        due=moment(state.due), waits_for=link.unit if link else "",
    )  # fmt: skip


def _view(asker: Asker, state: ResourceState) -> ResourceView:
    words = asker.platform.authority.words
    return ResourceView(
        **_short(state), row=state.row, contested_with=state.contested_with,
        chain=[ApprovalView(role=a.role, unit=a.unit, person=a.person, at=moment(a.at)) for a in state.chain],
        moves=[
            MoveView(
                action=m.action, stage=m.stage, person=m.person, unit=m.unit, at=format_time(m.at),
                quantity=m.quantity, amount=m.amount, other=m.other, reason=words(m.reason),
            )
            for m in state.moves
        ],
    )  # fmt: skip
