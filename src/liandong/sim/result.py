"""What a demonstration came to: `result` is the same after any number of kills, `run` need not be."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec

from liandong.app.accounting import Accounting
from liandong.app.platform import Platform
from liandong.core.values.alarm import AlertRaised
from liandong.core.values.case import CaseState
from liandong.core.values.case_events import (
    CallLogged,
    CaseClosed,
    CaseOpened,
    CaseReported,
    ClockOverdue,
    Escalated,
    OrderIssued,
)
from liandong.core.values.journal import EntryKind, read_entry

_decoder = msgspec.json.Decoder(CaseState)
_COUNTED = {
    AlertRaised.__name__: "warnings",
    CaseOpened.__name__: "cases",
    OrderIssued.__name__: "orders",
    ClockOverdue.__name__: "overdue",
    Escalated.__name__: "escalated",
    CaseClosed.__name__: "closed",
    CallLogged.__name__: "calls",
    CaseReported.__name__: "reports_upward",
}


def result_of(platform: Platform) -> dict[str, Any]:
    """Counted from the journal, from the cases and from the detector's state."""
    found: Counter[str] = Counter(dict.fromkeys(("findings", "decision_entries", *_COUNTED.values()), 0))
    kinds: Counter[str] = Counter()
    after = 0
    while rows := platform.store.entries(after, 5_000, (EntryKind.ADMISSION, EntryKind.DECISION)):
        after = rows[-1].position
        for row in rows:
            entry = read_entry(row.body)
            if entry.message is not None and entry.message.type == "Finding":
                found["findings"] += 1
            found["decision_entries"] += entry.kind == EntryKind.DECISION
            for event in entry.events:
                if event.type in _COUNTED:
                    found[_COUNTED[event.type]] += 1
                if event.type == Escalated.__name__:
                    kinds[str(msgspec.json.decode(event.data)["kind"])] += 1
    accepted = sum(totals.accepted for totals in platform.intake.shard.totals.values())
    return {
        "readings_accepted": accepted,
        **dict(sorted(found.items())),
        "by_escalation": dict(sorted(kinds.items())),
        **_of_cases(platform),
    }


def _of_cases(platform: Platform) -> dict[str, Any]:
    """Causes, levels, and how many clauses were kept, by action."""
    causes: Counter[str] = Counter()
    levels: Counter[str] = Counter()
    hazards: Counter[str] = Counter()
    stopped: Counter[str] = Counter()
    kept: Counter[str] = Counter()
    for row in platform.store.states("case"):
        causes[row.cause or "open"] += 1
        levels[row.level] += 1
        hazards[row.domain] += 1
        if row.body is None:
            continue
        for clock in _decoder.decode(row.body).clocks.values():
            if clock.stopped is not None and not clock.void:
                stopped[clock.action] += 1
                kept[clock.action] += not clock.overdue
    return {
        "by_cause": dict(sorted(causes.items())),
        "by_hazard": dict(sorted(hazards.items())),
        "by_level": dict(sorted(levels.items())),
        "clauses": {str(a): {"stopped": stopped[a], "on_time": kept[a]} for a in sorted(stopped)},
    }


def accounts_of(accounting: Accounting) -> dict[str, Any]:
    """Where every message of this process went, by step: in = out + rejected + dead + queued."""
    steps: dict[str, Counter[str]] = {}
    for (step, _), tally in accounting.tallies().items():
        steps.setdefault(step.value, Counter()).update(
            {
                "in": tally.received, "out": tally.passed, "rejected": tally.rejected, "dead": tally.dead,
                "queued": tally.queued,
            }
        )  # fmt: skip
    return {
        "accounting": {step: dict(counts) for step, counts in steps.items()},
        "equation": accounting.check(),
    }


def share(part: int, whole: int) -> str:
    """A share as people read it."""
    return f"{100 * part / whole:.0f} %" if whole else "-"


def in_words(result: dict[str, Any]) -> list[str]:
    """A few lines for whoever has watched."""
    causes: dict[str, int] = result["by_cause"]
    closed = sum(count for cause, count in causes.items() if cause != "open")
    wrong = sum(count for cause, count in causes.items() if cause not in ("real", "open"))
    lines = [
        f"读数 readings {result['readings_accepted']:,} → 发现 findings {result['findings']:,} → "
        f"警情 cases {result['cases']}，办结 closed {closed}",
        "办结原因 by cause: " + "，".join(f"{cause} {count}" for cause, count in causes.items()),
        f"非真实警情占比 share that was not real: {share(wrong, closed)}",
        "按时率 on time: "
        + "，".join(
            f"{action} {share(row['on_time'], row['stopped'])} ({row['on_time']}/{row['stopped']})"
            for action, row in result["clauses"].items()
        ),
        "催督 escalation: " + "，".join(f"{kind} {n}" for kind, n in result["by_escalation"].items()),
    ]
    return lines
