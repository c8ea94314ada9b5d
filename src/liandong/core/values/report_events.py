"""What befalls an upward report besides that it is owed and sent: drafted, held back, due, received."""

from __future__ import annotations

import msgspec

from liandong.core.values.case import VaultRef


class ReportDrafted(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """报告待签发: a version waits for the signature of the leader on duty."""

    case: str
    row: str
    number: int  #: the version that it will be
    kind: str  #: first, next, final or correction
    person: str
    post: str
    signer_unit: str
    signer_post: str
    signer: str  #: the leader on duty who was asked; empty where nobody is there
    at: int
    text: VaultRef | None = None


class ReportHeld(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """报告未签发: the leader on duty did not sign; the duty to report and its clock go on."""

    case: str
    row: str
    number: int
    person: str
    post: str
    at: int
    text: VaultRef | None = None


class ReportOverdue(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """报告逾期."""

    case: str
    row: str
    due: int
    at: int


class ReportReceived(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """报告已收讫, by somebody of the unit it went to."""

    case: str
    row: str
    number: int
    unit: str
    person: str
    post: str
    at: int
