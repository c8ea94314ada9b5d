"""What waits for the post of a scope to decide: responses, warnings, resources, reports to be signed.

And, at the monitoring centre, rules that their budget of false alarms has silenced.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import msgspec

from liandong.app.authority import Authority
from liandong.app.dispatch import silenced
from liandong.app.ports import Questions, Store
from liandong.core.coordinate.matters import acts_for, leads, place_of
from liandong.core.coordinate.warning_rows import row_for
from liandong.core.mechanism.policy import Policy
from liandong.core.mechanism.resolve import centre_of, unit_of_role
from liandong.core.values.access import AccessScope
from liandong.core.values.case import CaseState
from liandong.core.values.lists import ResourceStage, WarningStage
from liandong.core.values.public_warning import WarningState
from liandong.core.values.resource import ResourceState
from liandong.core.values.response import ResponseState

Kind = Literal["response", "approve", "publish", "lift", "resource", "sign", "rule"]
_case = msgspec.json.Decoder(CaseState)


@dataclass(frozen=True, slots=True)
class Waiting:
    """One decision that the asker may make now."""

    kind: Kind
    stream: str
    item: str  #: question, number of the version, row of the report, or rule
    hazard: str
    area: str
    code: str  #: colour, level, kind of resource or severity
    since: int
    due: int | None
    figures: tuple[int, int, float] | None = None  #: of a silenced rule: false, of so many; its budget


class Desk:
    """Asks for the decisions that wait for somebody."""

    def __init__(
        self, authority: Authority, store: Store, questions: Questions, policy: Callable[[], Policy]
    ) -> None:
        self._authority, self._store, self._questions = authority, store, questions
        self._policy = policy

    def waiting(self, scope: AccessScope) -> list[Waiting]:
        """Everything that waits for the asker, what is due first in front."""
        if not scope.post or not scope.person:
            return []
        found = [
            *self._responses(scope),
            *self._warnings(scope),
            *self._resources(scope),
            *self._reports(scope),
            *self._rules(scope),
        ]
        return sorted(found, key=lambda w: (w.due is None, w.due or 0, w.since, w.stream))

    def _leads(self, scope: AccessScope, *units: str) -> bool:
        named = [unit for unit in units if unit]
        return bool(leads(self._policy(), scope.person, scope.post, named, scope.now))

    def _acts(self, scope: AccessScope, unit: str) -> bool:
        return bool(unit) and bool(acts_for(self._policy(), scope.person, scope.post, (unit,), scope.now))

    def _responses(self, scope: AccessScope) -> Iterator[Waiting]:
        for state in self._authority.all(scope, ResponseState, lambda s: bool(s.open)):
            for q in state.open:
                if self._leads(scope, *q.units):
                    yield Waiting(
                        "response", f"response:{state.id}", q.key, q.hazard, state.area, q.code, q.asked,
                        q.due,
                    )  # fmt: skip

    def _warnings(self, scope: AccessScope) -> Iterator[Waiting]:
        for state in self._authority.all(scope, WarningState, lambda s: not s.source and not s.over):
            for kind, number, role, since, due in self._steps(state):
                place = place_of(self._policy(), state.hazard, state.area, state.mode)
                unit = unit_of_role(self._policy(), place, role) if role else ""
                version = state.at(number)
                mine = kind == "approve" and version is not None and version.drafter == scope.person
                if self._acts(scope, unit) and not mine:
                    yield Waiting(
                        kind, f"warning:{state.id}", str(number), state.hazard, state.area, state.colour,
                        since, due,
                    )  # fmt: skip

    def _steps(self, state: WarningState) -> Iterator[tuple[Kind, int, str, int, int | None]]:
        """What a warning waits for: kind, version, role, since when, by when."""
        for number in dict.fromkeys(n for n in (state.approval_owed, state.pending) if n):
            version = state.at(number)
            if version is None or version.refused:
                continue
            row = row_for(self._policy(), state.hazard, version.contents.colour, version.contents.area)
            if row is None:
                continue
            if not version.approved:
                yield "approve", number, row.approver, version.drafted, state.approval_due
            elif number == state.pending:
                yield "publish", number, row.publisher, version.approved, None
        current = state.at(state.current)
        if current is not None and state.danger_over and state.stage == WarningStage.PUBLISHED:
            row = row_for(self._policy(), state.hazard, current.contents.colour, current.contents.area)
            yield "lift", current.number, row.lifter if row else "", state.danger_over, state.lift_due

    def _resources(self, scope: AccessScope) -> Iterator[Waiting]:
        def asked(state: ResourceState) -> bool:
            return state.stage == ResourceStage.REQUESTED

        for state in self._authority.all(scope, ResourceState, asked):
            link = state.waits_for
            if link is not None and self._leads(scope, link.unit) and state.asked_by != scope.person:
                yield Waiting(
                    "resource", f"resource:{state.id}", str(state.chain.index(link)), state.hazard,
                    state.area, state.resource, state.opened, state.due,
                )  # fmt: skip

    def _reports(self, scope: AccessScope) -> Iterator[Waiting]:
        rows, _ = self._questions.open_for_post(scope)
        for row in self._store.load([row.stream for row in rows]).values():
            case = _case.decode(row.body) if row.body else CaseState()
            for report in case.reports.values():
                if report.draft is not None and self._leads(scope, report.draft.signer_unit):
                    yield Waiting(
                        "sign", row.stream, report.row, case.hazard, case.area, case.level, report.draft.at,
                        report.due,
                    )  # fmt: skip

    def _rules(self, scope: AccessScope) -> Iterator[Waiting]:
        policy = self._policy()
        if not self._acts(scope, centre_of(policy)):
            return
        for rule, held in silenced(self._store, policy):
            yield Waiting(
                "rule", f"rule:{rule.key}", rule.key, rule.hazard, "", rule.severity, held.at, None,
                (held.false, held.count, rule.false_budget),
            )  # fmt: skip
