"""Bodies of what persons do about alarms and announcements."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from liandong.web.bodies import Key, Reference, _Body
from liandong.web.power_bodies import Time, Words

Places = Annotated[list[Reference], Field(max_length=200)]
Names = Annotated[list[Key], Field(max_length=50)]


class AlarmBody(_Body):
    """Why an alarm is held back, and until when."""

    until: Time | None = Field(None, description="For shelve, suppress and take_out; RFC 3339 with offset.")
    reason: Words | None = Field(None, description="For shelve, suppress, take_out and clear.")


class AnnouncementBody(_Body):
    """What an owner is going to do, where and when. It covers what the owner's unit owns or operates."""

    kind: Literal["purging", "test", "excavation", "maintenance"]
    assets: Places | None = None
    area: Reference | None = Field(None, description="Area, with everything below it.")
    sensors: Places | None = None
    hazards: Names | None = Field(None, description="Hazards concerned; without it all.")
    rules: Names | None = Field(None, description="Rules concerned; without it all.")
    since: Time = Field(description="When it begins. Earlier than now is kept and marked as late.")
    until: Time = Field(description="When it is over; at most 72 h after it began.")
    contact: Words = Field(description="Who can be reached about it on the spot. It goes into the vault.")
    reason: Words


class AnnouncementActBody(_Body):
    """Extend, withdraw or end."""

    until: Time | None = Field(None, description="For extend.")
    reason: Words | None = None


ALARM_BODIES: tuple[type[BaseModel], ...] = (AlarmBody, AnnouncementBody, AnnouncementActBody)
