"""What the platform notices about itself becomes a finding and goes the ordinary route."""

from __future__ import annotations

import threading
from contextlib import suppress

import msgspec

from liandong.app.clock import Anomaly, Reading
from liandong.app.handle import Handler
from liandong.app.ports import Store
from liandong.app.writer import Admit, Writer
from liandong.core.assess import grouping_of
from liandong.core.mechanism.policy import Policy
from liandong.core.values.errors import Busy
from liandong.core.values.findings import Finding, FindingEnded, FindingMessage, FindingSettled
from liandong.core.values.ids import finding_id
from liandong.core.values.lists import FindingPart
from liandong.core.values.risk import OpenFinding, RiskState
from liandong.core.values.times import SECOND

SOURCE = "source:self"
CLOCK_RULE = "self.clock"
DELIVERY_RULE = "self.delivery"
#: No record of the readings log shows it: the platform says so itself.
_NOWHERE = (0, 0)


def clock_messages(policy: Policy, store: Store, reading: Reading) -> list[FindingMessage]:
    """What to admit so that the duty centre has an open finding exactly while the clock is wrong."""
    wrong = reading.anomaly in (Anomaly.AHEAD, Anomaly.BEHIND)
    return messages(policy, store, CLOCK_RULE, wrong, abs(reading.difference) / SECOND, reading.now)


def messages(
    policy: Policy, store: Store, rule_key: str, wrong: bool, value: float, now: int
) -> list[FindingMessage]:
    """What to admit so that a rule about the platform has an open finding exactly while `wrong`.

    The open finding is looked up, not remembered, so a restart neither doubles nor forgets it. A city
    without a channel for the rule is told nothing.
    """
    rule = policy.rules.get(rule_key)
    channel = next((c for c in policy.city.city.channels if rule and c.quantity == rule.quantity), None)
    if rule is None or channel is None:
        return []
    made = finding_id(policy.city.key, policy.mode, rule.key, channel.key, channel.group, now)
    begun = Finding(
        id=made, rule=rule.key, rule_version=rule.version, hazard=rule.hazard, severity=rule.severity,
        channel=channel.key, group=channel.group, onset=now, raised=now,
        value=value, limit=rule.raise_at, position=_NOWHERE,
    )  # fmt: skip
    known = _open(store, grouping_of(policy, begun), rule.key)
    if wrong:
        return [] if known else [begun]
    return [message for finding in known for message in _end(finding, now)]


class DeliveryWatch:
    """The duty centre has an open finding while orders or escalations reach nobody over any channel.

    It is over with the first that arrives again. Called from the threads of the channels.
    """

    def __init__(self, store: Store, handler: Handler, writer: Writer) -> None:
        self._store, self._handler, self._writer = store, handler, writer
        self._lock = threading.Lock()
        self._reached: bool | None = None  # not looked at yet: a restart may find an alarm to end
        self._missed = 0

    def __call__(self, reached: bool) -> None:
        """A delivery has arrived, or has ended on every channel without arriving."""
        with self._lock:
            if reached and self._reached:
                return
            self._missed = 0 if reached else self._missed + 1
            now = self._writer.now
            found = messages(
                self._handler.policy, self._store, DELIVERY_RULE, not reached, float(self._missed), now
            )
            with suppress(Busy):  # then the next one says it
                for message in found:
                    self._writer.submit(Admit(message, SOURCE)).result()
                self._reached = reached


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
