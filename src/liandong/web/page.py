"""What the queue and the case page say of a case beyond its state: names, rows behind limits, who waits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from liandong.app.curves import vol_per_unit
from liandong.app.platform import Platform
from liandong.core.coordinate.reporting import blocked
from liandong.core.mechanism.policy import Policy
from liandong.core.mechanism.resolve import unit_of_role
from liandong.core.values.access import AccessScope
from liandong.core.values.case import LIVE, CaseState, Clock, Order, Report
from liandong.core.values.city import Post
from liandong.core.values.lists import Action, Provenance, Statistic
from liandong.core.values.risk import OpenFinding
from liandong.core.values.rows import ReportRow
from liandong.core.values.times import SECOND, format_time
from liandong.core.values.units import unit_of_statistic
from liandong.web.names import Names, listed, name
from liandong.web.parts import AlarmView, PrecisionView, ReportState, ValueView, WaitView
from liandong.web.views import (
    ClockView,
    FindingView,
    RecordView,
    TallyView,
    clock_view,
    finding_view,
    moment,
)

_state = msgspec.json.Decoder(CaseState)


def read_state(body: bytes | None) -> CaseState:
    """The stored state of a case."""
    return _state.decode(body or b"{}")


@dataclass
class Page:
    """One answer about one or many cases: the policy, the moment, and the people it may name."""

    platform: Platform
    scope: AccessScope
    people: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.policy: Policy = self.platform.handler.policy
        self.names = Names(self.policy)
        self.now = self.platform.writer.now

    def person(self, key: str) -> str | None:
        """The name of a person, where this answer may give it."""
        return self.people.get(key, {}).get("name")

    def tel(self, key: str) -> str | None:
        """The number of a person as a link, where this answer may give it."""
        number = self.people.get(key, {}).get("phone", "")
        digits = "".join(c for c in number if c.isdigit() or c in "+-")
        return f"tel:{digits}" if digits else None

    def alarm(self, case: CaseState) -> AlarmView:
        """Both axes."""
        at = case.done.get(Action.ACKNOWLEDGE)
        state = f"{'active' if case.alarm_active else 'cleared'}_{'unack' if at is None else 'ack'}"
        return AlarmView(
            active=case.alarm_active, acknowledged=at is not None, acknowledged_at=moment(at), state=state
        )

    def clock(self, clock: Clock) -> ClockView:
        """A clock with the row that set it."""
        row = self.policy.routing.step(clock.clause)
        return clock_view(clock).model_copy(
            update=dict(
                origin_assumed=row is None or not row.origin_stated,
                provenance=row.provenance if row else Provenance.ASSUMED,
                basis=row.place if row else "",
                overdue=clock.overdue or late(clock, self.now),
            )
        )

    def waits(self, case: CaseState) -> list[WaitView]:
        """The first step that is left of every live order, the soonest due first."""
        found = []
        for order in case.orders.values():
            step = next((s for s in order.steps if s.action not in order.done), None)
            if order.status in LIVE and step is not None:
                due = _due_of(case, order, step.action)
                wait = self._wait(order, step.action, due, step.evidence)
                found.append((due is None, due or order.issued, wait))
        return [wait for _, _, wait in sorted(found, key=lambda row: row[:2])]

    def _wait(self, order: Order, action: Action, due: int | None, evidence: bool) -> WaitView:
        names = self.names
        return WaitView(
            order=order.id, action=action, unit=order.unit, unit_name=names.of(order.unit), post=order.post,
            post_title=names.of(order.post), person=order.person, person_name=self.person(order.person),
            deputy=order.deputy, due=moment(due), evidence=evidence,
        )  # fmt: skip

    # Reports

    def reports(self, case: CaseState) -> list[ReportState]:
        """Every upward report that is owed or was sent, the next due first."""
        rows = {row.key: row for row in self.policy.routing.mechanism.reports}
        owed = sorted(case.reports.values(), key=lambda r: (r.due is None, r.due or 0, r.row))
        return [self._report(case, report, rows.get(report.row)) for report in owed]

    def _report(self, case: CaseState, report: Report, row: ReportRow | None) -> ReportState:
        signer = self.signer_post(case, row) if row is not None else None
        return ReportState(
            row=report.row, recipient=report.to, recipient_name=self.names.of(report.to),
            started=format_time(report.started),
            limit_s=None if report.limit_us is None else report.limit_us / SECOND, due=moment(report.due),
            overdue=report.due is not None and report.due < self.now, sent=moment(report.sent),
            versions=report.versions, signer_post=signer.key if signer else "",
            signer_title=self.names.of(signer.key) if signer else None,
            provenance=row.provenance if row else Provenance.ASSUMED, basis=row.place if row else "",
            waits_for_signature=report.draft is not None, blocked=blocked(case, report),
            received=report.received, received_at=moment(report.received_at),
        )  # fmt: skip

    def signer_post(self, case: CaseState, row: ReportRow) -> Post | None:
        """The post of the leader on duty who signs."""
        unit = unit_of_role(self.policy, case, row.signer) if row.signer else ""
        return self.policy.city.leader_post(unit) if unit else None

    # Values and precision

    def finding(self, finding: OpenFinding) -> FindingView:
        """A finding with its unit and the limit in force."""
        rule, channel = self.policy.rules.get(finding.rule), self.policy.city.channels.get(finding.channel)
        quantity = self.policy.city.quantities.get(channel.quantity) if channel else None
        statistic = rule.statistic if rule else Statistic.VALUE
        return finding_view(finding).model_copy(
            update=dict(
                rule_version=rule.version if rule else None, limit=rule.raise_at if rule else None,
                quantity=quantity.key if quantity else "",
                unit=unit_of_statistic(statistic, quantity.unit) if quantity else "", statistic=statistic,
                record=self.record(finding),
            )
        )  # fmt: skip

    def record(self, finding: OpenFinding) -> RecordView:
        """How often the rule and the sensor of a finding were right so far."""
        return record_view(self.platform, finding.rule, finding.channel)

    def newest(self, case: CaseState) -> OpenFinding | None:
        """The finding that was raised last."""
        return max(case.findings.values(), key=lambda f: (f.raised, f.id), default=None)

    def precision(self, rule: str, asset: str) -> PrecisionView:
        """How often the rule was right, here and anywhere."""
        here, everywhere = self.platform.precision.of(rule, asset)
        return PrecisionView(
            rule=rule, here=TallyView(real=here.real, counted=here.counted),
            all=TallyView(real=everywhere.real, counted=everywhere.counted),
        )  # fmt: skip

    def value(self, case: CaseState) -> ValueView | None:
        """The newest value of the finding that was raised last; the reading itself where one came since."""
        finding = self.newest(case)
        row = self.policy.city.channels.get(finding.channel) if finding else None
        if finding is None or row is None:
            return None
        quantity = self.policy.city.quantities[row.quantity]
        rule = self.policy.rules.get(finding.rule)
        statistic = rule.statistic if rule else Statistic.VALUE
        at, value, live = finding.raised, finding.value, False
        newest = self.platform.lookups.newest(finding.channel)
        if newest is not None and newest[0] > at:  # a reading, whatever the rule has made of it
            at, value, live, statistic = newest[0], newest[1], True, Statistic.VALUE
        plain = statistic is Statistic.VALUE
        factor = vol_per_unit(quantity.key, quantity.unit) if plain else None
        names = self.names.of(quantity.key)
        kind = listed("statistic", statistic.value)
        return ValueView(
            channel=finding.channel, quantity=quantity.key, statistic=statistic,
            quantity_name=names if plain else name(f"{names.zh}{kind.zh}", f"{names.en}, {kind.en}"),
            unit=unit_of_statistic(statistic, quantity.unit), value=value, at=format_time(at), live=live,
            vol=None if factor is None else value * factor,
        )  # fmt: skip


def record_view(platform: Platform, rule: str, channel: str) -> RecordView:
    """How often a rule anywhere, and a sensor under any rule, were right so far."""
    (_, of_rule), of_sensor = platform.precision.of(rule, ""), platform.precision.sensor(channel)
    return RecordView(
        rule=rule, channel=channel, of_rule=TallyView(real=of_rule.real, counted=of_rule.counted),
        of_sensor=TallyView(real=of_sensor.real, counted=of_sensor.counted),
    )  # fmt: skip


def late(clock: Clock, now: int) -> bool:
    """A running clock past its moment, also before the tick that says so."""
    return clock.stopped is None and clock.paused_at is None and clock.due < now


def _due_of(case: CaseState, order: Order, action: Action) -> int | None:
    clocks = (c for c in case.clocks.values() if c.order == order.id and c.stopped is None)
    return next((c.due for c in clocks if c.action == action), None)


def persons_of(case: CaseState) -> set[str]:
    """Everybody named on the case's orders."""
    orders = case.orders.values()
    return {person for order in orders for person in (order.person, order.deputy) if person}
