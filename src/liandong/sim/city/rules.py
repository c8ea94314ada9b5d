"""Quantities and rules of the demonstration that no domain pack brings; each number says its source."""

from __future__ import annotations

from liandong.core.values.city import Quantity
from liandong.core.values.lists import Trust
from liandong.core.values.rules import Rule

QUANTITIES = (
    Quantity(
        key="water_level",
        name_zh="积水深度",
        name_en="depth of water on the road",
        unit="m",
        low=0.0,
        high=5.0,
    ),
    Quantity(key="self_queue_age", name_zh="队列等待时间", name_en="age of the queue", unit="s", low=0.0),
    Quantity(key="self_commit_latency", name_zh="提交耗时", name_en="commit latency", unit="s", low=0.0),
    Quantity(
        key="self_outbox_age", name_zh="待发消息等待时间", name_en="age of the outbox", unit="s", low=0.0
    ),
    Quantity(
        key="self_unresolved", name_zh="未能确定的角色数", name_en="roles not resolved", unit="1", low=0.0
    ),
    Quantity(key="self_clock", name_zh="时钟偏差", name_en="error of the clock", unit="s", low=0.0),
    Quantity(
        key="self_delivery",
        name_zh="未通知到任何人的消息数",
        name_en="messages that reached nobody",
        unit="1",
        low=0.0,
    ),
    Quantity(
        key="self_audit",
        name_zh="未按机制办到的催督数",
        name_en="escalations that did not happen",
        unit="1",
        low=0.0,
    ),
    Quantity(
        key="self_standing",
        name_zh="不再成立的证明数",
        name_en="proofs that will not hold",
        unit="1",
        low=0.0,
    ),
    Quantity(key="self_sources", name_zh="中断的数据源数", name_en="silent sources", unit="1", low=0.0),
    Quantity(
        key="self_drift",
        name_zh="时钟偏差过大的数据源数",
        name_en="sources whose clocks drift",
        unit="1",
        low=0.0,
    ),
)

_OURS = "set by this project for the demonstration"


def _self_rule(slug: str, severity: str, raise_at: float, clear_at: float, hold_s: float) -> Rule:
    """The platform's own alarms go the ordinary route."""
    return Rule(
        key=f"self.{slug}",
        version=1,
        hazard="platform_fault",
        severity=severity,
        quantity=f"self_{slug}",
        raise_at=raise_at,
        clear_at=clear_at,
        hold_s=hold_s,
        clear_hold_s=60.0,
        basis=_OURS,
    )


#: A hold of 240 s asks for two readings five minutes apart, so that a single spike raises nothing.
RULES = (
    Rule(
        key="water_level_low", version=1, hazard="waterlogging", severity="low", quantity="water_level",
        raise_at=0.15, clear_at=0.1, hold_s=240.0, clear_hold_s=600.0,
        basis="GB 50014, one lane of a road, 15 cm", trust=Trust.KNOWN,
    ),
    Rule(
        key="water_level_medium", version=1, hazard="waterlogging", severity="medium", quantity="water_level",
        raise_at=0.25, clear_at=0.2, hold_s=240.0, clear_hold_s=600.0,
        basis="practice of one city (2015): the road is closed at 25 cm", trust=Trust.VERIFIED,
    ),
    Rule(
        key="water_level_high", version=1, hazard="waterlogging", severity="high", quantity="water_level",
        raise_at=0.4, clear_at=0.3, hold_s=240.0, clear_hold_s=600.0, basis=_OURS, trust=Trust.UNVERIFIED,
    ),
    _self_rule("queue_age", "medium", 30.0, 5.0, 10.0),
    _self_rule("commit_latency", "low", 5.0, 1.0, 10.0),
    _self_rule("outbox_age", "low", 300.0, 60.0, 60.0),
    _self_rule("unresolved", "medium", 1.0, 0.0, 0.0),
    # Not detected from readings: the runner compares the clocks and says it (app/selfwatch.py).
    _self_rule("clock", "medium", 60.0, 60.0, 0.0),
    # Nor is this: the outbox says it.
    _self_rule("delivery", "medium", 1.0, 1.0, 0.0),
    # Nor this: the auditor says it (app/auditor.py).
    _self_rule("audit", "medium", 1.0, 1.0, 0.0),
    # Nor this: the nightly proof of the days ahead does (app/standing.py).
    _self_rule("standing", "medium", 1.0, 1.0, 0.0),
    # Nor these: whoever watches the sources says it (app/devices.py).
    _self_rule("sources", "medium", 1.0, 1.0, 0.0),
    _self_rule("drift", "low", 1.0, 1.0, 0.0),
    Rule(
        key="gas_ch4_critical", version=1, hazard="gas_leak", severity="critical", quantity="ch4_lel",
        raise_at=80.0, clear_at=60.0, hold_s=60.0, clear_hold_s=600.0, basis=_OURS, trust=Trust.UNVERIFIED,
    ),
    Rule(
        key="bridge_displacement_shift", version=1, hazard="structure_shifted", severity="medium",
        quantity="displacement_mean", raise_at=12.0, clear_at=8.0, hold_s=1200.0, clear_hold_s=1800.0,
        basis=_OURS, trust=Trust.UNVERIFIED,
    ),
)  # fmt: skip
