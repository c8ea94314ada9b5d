"""Bodies of what persons do about warnings, responses and resources."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import BaseModel, Field, StrictBool, StrictInt

from liandong.core.values.scales import RESPONSE_LEVELS, WARNING_COLOURS
from liandong.web.bodies import Key, Reference, _Body

Words = Annotated[str, Field(min_length=1, max_length=10_000)]
Time = Annotated[str, Field(max_length=64)]
Amount = Annotated[float, Field(ge=0, le=1e12, allow_inf_nan=False)]
Colour = Literal["white", "blue", "yellow", "orange", "red"]
ResponseLevel = Literal["IV", "III", "II", "I"]
assert set(get_args(Colour)) == set(WARNING_COLOURS)
assert set(get_args(ResponseLevel)) == set(RESPONSE_LEVELS)


class WarningBody(_Body):
    """What a public warning says; what is left out stays as in the newest version. All eight contents are
    needed before it can be approved."""

    category: Key | None = Field(None, description="Hazard 类别; cannot change once it is drafted.")
    colour: Colour | None = Field(None, description="Level 级别.")
    starts: Time | None = Field(None, description="Start time 起始时间; RFC 3339 with offset.")
    area: Reference | None = Field(None, description="Area that may be affected 可能影响的范围.")
    caution: Words | None = Field(None, description="Matters for caution 警示事项.")
    measures: Words | None = Field(None, description="Measures to take 应当采取的措施.")
    issuer: Reference | None = Field(None, description="Issuing body 发布单位.")
    issues: Time | None = Field(None, description="Issue time 发布时间.")
    until: Time | None = Field(None, description="When it is expected to be over.")
    reason: Words | None = Field(None, description="For refuse, raise, lower, lift and withdraw.")


class ExternalWarningBody(_Body):
    """A statutory warning as its own issuer sends it."""

    source: Key = Field(description="Who sends it, e.g. `meteorology`.")
    number: Reference = Field(description="The issuer's own id of the warning.")
    revision: Annotated[StrictInt, Field(ge=1, le=2**53 - 1)] = Field(
        description="Rises with every update; the same or an older one changes nothing."
    )
    change: Literal["issue", "update", "cancel"]
    category: Key
    colour: Colour
    area: Reference
    starts: Time | None = None
    until: Time | None = None
    issues: Time = Field(description="When the issuer issued this revision.")
    issuer: Reference = Field(description="Key of the issuing body.")
    caution: Words | None = None
    measures: Words | None = None


class ResponseBody(_Body):
    """A decision about a response, or what was done under it."""

    hazard: Key | None = Field(None, description="For POST /responses.")
    area: Reference | None = Field(None, description="For POST /responses.")
    question: Annotated[str, Field(max_length=300)] | None = Field(
        None, description="Which question is answered; without it the one that is due first."
    )
    level: ResponseLevel | None = Field(None, description="For start and change_level.")
    matter: Words | None = Field(None, description="For start: 事项.")
    expected_s: Amount | None = Field(None, description="For start: expected duration 预计期限, seconds.")
    measures: Words | None = Field(
        None, description="For start: measures 处置措施 in words, besides those of the rows."
    )
    told: Annotated[list[Reference], Field(max_length=200)] | None = Field(
        None, description="For start: units or roles that are told besides those who must be."
    )
    measure: Reference | None = Field(None, description="For measure: its key.")
    taken: StrictBool | None = Field(None, description="For measure; not taken needs a reason.")
    reason: Words | None = Field(None, description="For decline, change_level, end and a measure not taken.")


class ResourceBody(_Body):
    """A request for a resource, or the next step of one."""

    resource: Key | None = Field(None, description="For a request: kind of resource as the rows name it.")
    owner: Reference | None = Field(None, description="For a request: role that owns the stock.")
    quantity: Amount | None = None
    measure: Key | None = Field(None, description="Unit of the quantity.")
    case: Reference | None = None
    hazard: Key | None = None
    level: ResponseLevel | None = Field(None, description="Level of the case.")
    area: Reference | None = Field(None, description="Where it is needed.")
    requisition: StrictBool | None = Field(None, description="Taken by power of law (征用).")
    other: Reference | None = Field(None, description="For contest: the request that needs the same.")
    amount: Amount | None = Field(None, description="For compensate, yuan.")
    reason: Words | None = None


POWER_BODIES: tuple[type[BaseModel], ...] = (WarningBody, ExternalWarningBody, ResponseBody, ResourceBody)
