"""What a demonstration came to: `result` is the same after any number of kills, `run` need not be."""

from __future__ import annotations

from collections import Counter
from typing import Any

from liandong.app.platform import Platform
from liandong.core.values.alarm import AlertRaised
from liandong.core.values.case_events import CaseClosed, CaseOpened, ClockOverdue, Escalated, OrderIssued
from liandong.core.values.journal import EntryKind, read_entry

_COUNTED = {
    AlertRaised.__name__: "warnings",
    CaseOpened.__name__: "cases",
    OrderIssued.__name__: "orders",
    ClockOverdue.__name__: "overdue",
    Escalated.__name__: "escalated",
    CaseClosed.__name__: "closed",
}


def result_of(platform: Platform) -> dict[str, Any]:
    """Counted from the journal and from the detector's state."""
    found: Counter[str] = Counter(dict.fromkeys(("findings", "decision_entries", *_COUNTED.values()), 0))
    causes: Counter[str] = Counter()
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
    for state in platform.store.states("case"):
        causes[state.cause or "open"] += 1
    accepted = sum(totals.accepted for totals in platform.intake.shard.totals.values())
    return {
        "readings_accepted": accepted,
        **dict(sorted(found.items())),
        "by_cause": dict(sorted(causes.items())),
    }
