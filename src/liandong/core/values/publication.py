"""从起草到施行: how a mechanism comes into force, as a stream of its own (MECHANISM 3a).

draft → consultation (征求意见) → countersigned (会签) → proven → published → in force → superseded.
"""

from __future__ import annotations

import msgspec

from liandong.core.values.case import VaultRef
from liandong.core.values.lists import DraftAction, DraftStatus, Stand

replace = msgspec.structs.replace


class MechanismAct(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """起草、征求意见、会签、发布: what a person does about a draft. Words are in the vault."""

    id: str  #: from the client's idempotency key
    body_digest: str = ""  #: keyed digest of what was asked: the same key with another body is refused
    draft: str
    action: DraftAction
    person: str
    post: str
    version: int  #: of the draft that the person saw; 0 for a new one
    mechanism: str = ""  #: key of the document; for drafting
    digest: str = ""  #: of the compiled form: drafted, or proven
    base: str = ""  #: digest of what is in force, which it would replace
    issuer: str = ""  #: body or unit that issues it
    units: tuple[str, ...] = ()  #: asked for their opinion, or whose signature is needed
    rows: tuple[tuple[str, tuple[str, ...]], ...] = ()  #: unit → rows that would change for it
    until: int = 0  #: opinions are awaited until then
    unit: str = ""  #: whose objection is decided
    row: str = ""  #: row that an opinion is about; empty = the whole
    stand: Stand | None = None
    accepted: bool | None = None  #: an objection: the issuing body follows it, or not
    text: VaultRef | None = None
    faults: tuple[str, ...] = ()  #: of a proof: kinds of faults found; empty = proven
    number: str = ""  #: 文号
    in_force: int = 0
    supersedes: str = ""


class MechanismDrafted(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """已起草; a redraft replaces the content and drops its proof, while opinions stay."""

    draft: str
    mechanism: str
    digest: str
    base: str
    issuer: str
    person: str
    post: str
    unit: str
    at: int
    text: VaultRef | None = None


class ConsultationOpened(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """征求意见: each unit is asked about the rows that change for it."""

    draft: str
    units: tuple[tuple[str, tuple[str, ...]], ...]
    until: int
    person: str
    at: int


class OpinionGiven(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """意见: accept, propose or object, per row or for the whole."""

    draft: str
    unit: str
    row: str
    stand: Stand
    person: str
    post: str
    at: int
    late: bool = False  #: after the limit: kept and shown, but nothing waits for it
    text: VaultRef | None = None


class ObjectionDecided(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """意见采纳情况: the issuing body decides an open objection or proposal, with a reason."""

    draft: str
    unit: str
    row: str
    accepted: bool
    person: str
    post: str
    at: int
    text: VaultRef | None = None


class MechanismCountersigned(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """会签."""

    draft: str
    unit: str
    person: str
    post: str
    digest: str  #: what was signed
    at: int


class MechanismProven(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """已证明, or what stands in the way: kinds of faults."""

    draft: str
    digest: str
    faults: tuple[str, ...]
    at: int


class MechanismPublished(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """已发布, under a number, in force from a moment."""

    draft: str
    mechanism: str
    digest: str
    issuer: str
    number: str
    in_force: int
    person: str
    post: str
    at: int
    agreed: tuple[str, ...] = ()  #: units that accepted
    silent: tuple[str, ...] = ()  #: units that did not answer
    overruled: tuple[str, ...] = ()  #: units whose objection was not followed


class MechanismInForce(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """已施行."""

    draft: str
    at: int


class MechanismEnded(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """已撤回, or 已废止 by a later one."""

    draft: str
    status: DraftStatus
    by: str
    at: int
    text: VaultRef | None = None


class Opinion(msgspec.Struct, frozen=True, kw_only=True):
    """The newest opinion of a unit about a row."""

    unit: str
    row: str
    stand: Stand
    person: str
    at: int
    late: bool = False
    text: VaultRef | None = None
    accepted: bool | None = None  #: what the issuing body decided; None = open
    decided_by: str = ""
    decision: VaultRef | None = None


class DraftState(msgspec.Struct, frozen=True, kw_only=True):
    """Where a draft stands."""

    version: int = 0
    id: str = ""  #: of the draft
    mechanism: str = ""
    status: DraftStatus = DraftStatus.DRAFT
    digest: str = ""
    base: str = ""
    issuer: str = ""
    drafter: str = ""  #: person
    drafted_by: str = ""  #: unit
    drafted_at: int = 0
    asked: tuple[tuple[str, tuple[str, ...]], ...] = ()  #: unit → rows
    until: int = 0
    opinions: dict[str, Opinion] = {}  #: `unit|row`
    signatures: dict[str, str] = {}  #: unit → digest it signed
    proven: str = ""  #: digest that was proven
    faults: tuple[str, ...] = ()
    number: str = ""
    in_force: int = 0
    publisher: str = ""
    published_at: int = 0

    @property
    def open_objections(self) -> tuple[Opinion, ...]:
        """Objections and proposals in time that nobody has decided."""
        return tuple(
            o for o in self.opinions.values()
            if o.stand != Stand.ACCEPT and o.accepted is None and not o.late
        )  # fmt: skip

    @property
    def silent(self) -> tuple[str, ...]:
        """Units that were asked and have said nothing."""
        spoken = {o.unit for o in self.opinions.values()}
        return tuple(unit for unit, _ in self.asked if unit not in spoken)


Event = (
    MechanismDrafted
    | ConsultationOpened
    | OpinionGiven
    | ObjectionDecided
    | MechanismCountersigned
    | MechanismProven
    | MechanismPublished
    | MechanismInForce
    | MechanismEnded
)


def evolve_draft(state: DraftState, event: Event) -> DraftState:
    """Apply one event; chooses nothing."""
    s = replace(state, version=state.version + 1)
    if isinstance(event, MechanismDrafted):
        return replace(
            s, id=event.draft, mechanism=event.mechanism, digest=event.digest, base=event.base,
            issuer=event.issuer, drafter=event.person, drafted_by=event.unit, drafted_at=event.at,
            status=DraftStatus.CONSULTING if s.asked else DraftStatus.DRAFT, proven="", faults=(),
        )  # fmt: skip
    if isinstance(event, ConsultationOpened):
        return replace(s, status=DraftStatus.CONSULTING, asked=event.units, until=event.until)
    if isinstance(event, OpinionGiven):
        made = Opinion(
            unit=event.unit, row=event.row, stand=event.stand, person=event.person, at=event.at,
            late=event.late, text=event.text,
        )  # fmt: skip
        return replace(s, opinions=s.opinions | {f"{event.unit}|{event.row}": made})
    if isinstance(event, ObjectionDecided):
        key = f"{event.unit}|{event.row}"
        decided = replace(
            s.opinions[key], accepted=event.accepted, decided_by=event.person, decision=event.text
        )
        return replace(s, opinions=s.opinions | {key: decided})
    if isinstance(event, MechanismCountersigned):
        return replace(
            s, status=DraftStatus.COUNTERSIGNED, signatures=s.signatures | {event.unit: event.digest}
        )
    if isinstance(event, MechanismProven):
        good = not event.faults
        status = DraftStatus.PROVEN if good else s.status
        return replace(s, status=status, proven=event.digest if good else "", faults=event.faults)
    if isinstance(event, MechanismPublished):
        return replace(
            s, status=DraftStatus.PUBLISHED, number=event.number, in_force=event.in_force,
            publisher=event.person, published_at=event.at,
        )  # fmt: skip
    if isinstance(event, MechanismInForce):
        return replace(s, status=DraftStatus.IN_FORCE)
    return replace(s, status=event.status)
