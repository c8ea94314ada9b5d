"""What stands beside a case's main line: rounds of calls, duty questions, requests, help, supervision."""

from __future__ import annotations

from pydantic import Field

from liandong.core.values.case import CaseState
from liandong.core.values.lists import Action
from liandong.web.names import Name, PersonSeen, list_of_reason, listed, name
from liandong.web.page import Page
from liandong.web.views import Moment, View, moment


class RingingView(PersonSeen):
    """A call 叫应 that goes on until somebody answers."""

    order: str
    turn: int = Field(description="How often it has rung by now.")
    post: str
    post_title: Name


class DutyQuestionView(View):
    """Whose duty it is 职责争议; the order of this line decides."""

    line: str
    order: str = Field(description="The order that was given back.")
    unit: str
    unit_name: Name
    ground: Name | None
    decided: str = Field(description="Unit whose duty it is; empty while it is open.")
    decided_name: Name | None


class AskedActView(PersonSeen):
    """An act that happens only once somebody approves it; the order of this line decides."""

    line: str
    action: Action
    order: str
    unit: str
    unit_name: Name
    post_title: Name
    to: list[Name]
    until: Moment | None
    reason: Name | None
    findings: list[str]
    granted: bool | None = Field(description="None: not decided yet.")


class HelpAskedView(View):
    """What another unit was asked for; the order of this line answers."""

    line: str
    asker: str
    asker_name: Name
    unit: str
    unit_name: Name
    given: bool | None = Field(description="None: not answered yet.")
    ground: Name | None = Field(description="Of a refusal.")


class SupervisorView(PersonSeen):
    """Who supervises 督办 and is told of every step."""

    unit: str
    unit_name: Name
    post_title: Name


class Asides(View):
    """Everything beside the main line of one case."""

    ringing: list[RingingView]
    questions: list[DutyQuestionView]
    requests: list[AskedActView]
    helps: list[HelpAskedView]
    supervisors: list[SupervisorView]
    merged_into: str = Field(description="Case that has taken this one in; empty else.")
    children: list[str] = Field(description="Cases that were split off.")
    deferred: Moment | None = Field(description="Shelved 挂账; looked at again then.")


def asides(page: Page, case: CaseState) -> Asides:
    """What is open and what was decided, in the order in which it came up."""
    return Asides(
        ringing=_ringing(page, case), questions=_questions(page, case), requests=_requests(page, case),
        helps=[
            HelpAskedView(
                line=line, asker=one.asker, asker_name=page.names.of(one.asker), unit=one.unit,
                unit_name=page.names.of(one.unit), given=one.given, ground=_reason(one.ground),
            )
            for line, one in case.helps.items()
        ],
        supervisors=[
            SupervisorView(
                unit=one.unit, unit_name=page.names.of(one.unit), post_title=page.names.of(one.post),
                person=one.person, person_name=page.person(one.person),
            )
            for one in case.supervisors
        ],
        merged_into=case.merged_into, children=list(case.children), deferred=moment(case.deferred),
    )  # fmt: skip


def persons_beside(case: CaseState) -> set[str]:
    """Everybody whom the asides name."""
    named = {one.person for one in case.ringing.values()} | {one.person for one in case.supervisors}
    named |= {one.person for one in case.requests.values()}
    return named | {key for one in case.requests.values() for key in one.to.split(";") if key}


def _ringing(page: Page, case: CaseState) -> list[RingingView]:
    return [
        RingingView(
            order=order, turn=one.turn, post=one.post, post_title=page.names.of(one.post), person=one.person,
            person_name=page.person(one.person),
        )
        for order, one in case.ringing.items()
    ]  # fmt: skip


def _questions(page: Page, case: CaseState) -> list[DutyQuestionView]:
    return [
        DutyQuestionView(
            line=line, order=one.order, unit=one.unit, unit_name=page.names.of(one.unit),
            ground=_reason(one.ground), decided=one.decided,
            decided_name=page.names.of(one.decided) if one.decided else None,
        )
        for line, one in case.questions.items()
    ]  # fmt: skip


def _requests(page: Page, case: CaseState) -> list[AskedActView]:
    return [
        AskedActView(
            line=line, action=one.action, order=one.order, unit=one.unit, unit_name=page.names.of(one.unit),
            post_title=page.names.of(one.post), person=one.person, person_name=page.person(one.person),
            to=[_whom(page, key) for key in one.to.split(";") if key], until=moment(one.until),
            reason=_reason(one.reason), findings=list(one.findings), granted=one.granted,
        )
        for line, one in case.requests.items()
    ]  # fmt: skip


def _whom(page: Page, key: str) -> Name:
    found = page.person(key)
    return name(found) if found else page.names.of(key)


def _reason(code: str) -> Name | None:
    return listed(list_of_reason(code), code) if code else None
