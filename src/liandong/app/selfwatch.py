"""What the platform notices about itself becomes a finding and goes the ordinary route."""

from __future__ import annotations

import msgspec

from liandong.app.clock import Anomaly, Reading
from liandong.app.ports import Store
from liandong.core.assess import grouping_of
from liandong.core.mechanism.policy import Policy
from liandong.core.values.city import Channel
from liandong.core.values.findings import Finding, FindingEnded, FindingMessage, FindingSettled
from liandong.core.values.ids import finding_id
from liandong.core.values.lists import FindingPart
from liandong.core.values.risk import OpenFinding, RiskState
from liandong.core.values.rules import Rule
from liandong.core.values.times import SECOND

SOURCE = "source:self"
CLOCK_RULE = "self.clock"
#: No record of the readings log shows it: the platform says so itself.
_NOWHERE = (0, 0)


def clock_messages(policy: Policy, store: Store, reading: Reading) -> list[FindingMessage]:
    """What to admit so that the duty centre has an open finding exactly while the clock is wrong.

    The open finding is looked up, not remembered, so a restart neither doubles nor forgets it. A city
    without a channel for the rule is told nothing.
    """
    rule = policy.rules.get(CLOCK_RULE)
    channel = next((c for c in policy.city.city.channels if rule and c.quantity == rule.quantity), None)
    if rule is None or channel is None:
        return []
    begun = _finding(policy, rule, channel, reading)
    known = _open(store, grouping_of(policy, begun), rule.key)
    if reading.anomaly in (Anomaly.AHEAD, Anomaly.BEHIND):
        return [] if known else [begun]
    return [message for finding in known for message in _end(finding, reading.now)]


def _finding(policy: Policy, rule: Rule, channel: Channel, reading: Reading) -> Finding:
    made = finding_id(policy.city.key, policy.mode, rule.key, channel.key, channel.group, reading.now)
    return Finding(
        id=made, rule=rule.key, rule_version=rule.version, hazard=rule.hazard, severity=rule.severity,
        channel=channel.key, group=channel.group, onset=reading.now, raised=reading.now,
        value=abs(reading.difference) / SECOND, limit=rule.raise_at, position=_NOWHERE,
    )  # fmt: skip


def _open(store: Store, grouping: str, rule: str) -> list[OpenFinding]:
    row = store.load([f"risk:{grouping}"]).get(f"risk:{grouping}")
    if row is None or row.body is None:
        return []
    state = msgspec.json.decode(row.body, type=RiskState)
    return [f for f in state.findings.values() if f.rule == rule and not f.ended]


def _end(finding: OpenFinding, now: int) -> tuple[FindingEnded, FindingSettled]:
    """Over, and for good: no late reading can say otherwise."""
    ended = FindingEnded(
        id=finding.id,
        rule=finding.rule,
        channel=finding.channel,
        ended=now,
        peak=finding.value,
        position=_NOWHERE,
    )
    settled = FindingSettled(
        id=finding.id, rule=finding.rule, channel=finding.channel, part=FindingPart.END, onset=finding.onset,
        raised=finding.raised, value=finding.value, ended=now, peak=finding.value, position=_NOWHERE,
    )  # fmt: skip
    return ended, settled
