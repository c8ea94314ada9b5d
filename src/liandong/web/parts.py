"""Parts of the two pages: alarm, report, told, offers, card. What they hold is said in their fields."""

from __future__ import annotations

from pydantic import Field

from liandong.core.values.lists import Action, EscalationKind, Outcome, Provenance, Statistic
from liandong.web.names import Name, PersonSeen
from liandong.web.views import Moment, Seconds, TallyView, View


class AlarmView(View):
    """The alarm's two axes: is it still there, and has whoever must act signed for it."""

    active: bool
    acknowledged: bool
    acknowledged_at: Moment | None
    state: str = Field(description="active_unack, active_ack, cleared_unack or cleared_ack")


class ReportState(View):
    """An upward report that a row asks for, and how its clock stands."""

    row: str
    recipient: str
    recipient_name: Name
    started: Moment
    limit_s: Seconds | None = Field(description="None: 未规定.")
    due: Moment | None = Field(description="When the next version is due.")
    overdue: bool
    sent: Moment | None
    versions: int
    signer_post: str
    signer_title: Name | None
    provenance: Provenance
    basis: str = Field(description="Where in the document the row stands.")
    waits_for_signature: bool = Field(default=False, description="A version is drafted and not signed.")
    blocked: str = Field(
        default="", description="held, unsigned, nobody or undelivered: why it has not arrived; else empty."
    )
    received: int = Field(default=0, description="Newest version that the receiver has confirmed.")
    received_at: Moment | None = None


class AttemptView(View):
    """One attempt to deliver."""

    number: int
    started: Moment
    finished: Moment | None
    outcome: Outcome | None


class ToldView(PersonSeen):
    """Who was told what over which channel, whether it arrived, and whether it was answered."""

    order: str
    recipient: str
    channel: str
    template: str
    text: str
    at: Moment
    attempts: list[AttemptView]
    delivered: Moment | None
    answered: Moment | None = Field(description="When the order's first step was done.")


class OptionView(View):
    """A value that would be accepted."""

    value: str
    label: Name


class FieldView(View):
    """A field of an act."""

    name: str
    required: bool
    kind: str = Field(description="choice, flag, moment, text or refs")
    options: list[OptionView]


class OfferView(View):
    """An act that would be done if the asker did it now."""

    action: Action
    label: Name
    order: str
    fields: list[FieldView]


class CardLine(View):
    """One line of the action card 处置卡."""

    kind: str = Field(description="say, ask, do, distance or never")
    text: Name
    set: bool = Field(description="False: no source gives one (未规定).")


class DutyPerson(PersonSeen):
    """Who answers at a post now."""

    post: str
    title: Name
    tel: str | None = Field(default=None, description="`tel:` number, if asked for and allowed.")


class ContactView(DutyPerson):
    """A contact from the rows."""

    unit: str
    unit_name: Name
    matter: str
    department: str
    provenance: Provenance
    basis: str


class WakeView(View):
    """For what the rows say that somebody must be woken."""

    row: str
    kind: EscalationKind | None = Field(description="None: to sign an upward report.")
    action: Action
    fraction: float | None = Field(description="Of the limit at which it happens.")
    provenance: Provenance
    basis: str


class WatchView(View):
    """Leader on duty 带班领导, main 主班 and second watch 副班 of a unit."""

    unit: str
    unit_name: Name
    leader: DutyPerson | None
    main: DutyPerson | None
    second: DutyPerson | None
    wake_leader_for: list[WakeView]
    wake: list[DutyPerson] = Field(
        default=[], description="Who has to be woken for a case of this level, by the city's rows."
    )


class CardView(View):
    """What to say, to ask, to do, how far to stay, what never to do; and whom to ring."""

    hazard: str
    lines: list[CardLine]
    provenance: Provenance
    basis: Name
    contacts: list[ContactView]
    watches: list[WatchView]


class PrecisionView(View):
    """“3 of 41 real”: a rule at this asset and anywhere, by closed cases."""

    rule: str
    here: TallyView
    all: TallyView


class ValueView(View):
    """The newest value of the channel that raised it."""

    channel: str
    quantity: str
    quantity_name: Name = Field(description="With the statistic, where it is one.")
    unit: str = Field(description="1/s of a rate, σ of a z-score.")
    statistic: Statistic = Field(default=Statistic.VALUE, description="What the value is of.")
    value: float
    at: Moment
    vol: float | None = Field(description="Methane in %VOL, where the unit is %LEL.")
    live: bool = Field(description="Newer than the finding.")


class WaitView(PersonSeen):
    """A next step, and whom it waits for."""

    order: str
    action: Action
    unit: str
    unit_name: Name
    post: str
    post_title: Name
    deputy: str
    due: Moment | None
    evidence: bool
