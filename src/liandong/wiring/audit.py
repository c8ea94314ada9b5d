"""`liandong audit`: the journal of a data folder, and whether every escalation that was due did happen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import msgspec

from liandong.app.audit import AuditReport, audit_cases
from liandong.app.policies import history, policy_of
from liandong.app.ports import Store
from liandong.app.settings import load_settings
from liandong.core.mechanism.policy import Policy
from liandong.core.values.journal import Entry, Versions, read_entry
from liandong.core.values.lists import Mode
from liandong.core.values.messages import PolicyCommitted
from liandong.core.values.roster_events import RosterState
from liandong.texts import text
from liandong.wiring.stores import open_store

_roster = msgspec.json.Decoder(RosterState)


def audit_folder(data: Path, store_at: str | None = None) -> AuditReport:
    """Audit every case of a data folder up to its last tick."""
    store = open_store(load_settings({"data": data, "store": store_at}))
    try:
        return audit_store(store)
    finally:
        store.close()


def audit_store(store: Store) -> AuditReport:
    """The same of an open store."""
    commits = [message for _, message in history(store)]
    agreed = tuple(
        change
        for row in store.states("roster")
        if row.body is not None
        for change in _roster.decode(row.body).changes
    )

    @lru_cache(maxsize=64)
    def policy_at(city: int, mechanism: int, rules: int) -> Policy:
        message = _of(commits, city, mechanism, rules)
        policy = policy_of(store, message, Mode.REAL)
        # Swaps carry their own spans, so those of today say who was on duty then as well.
        return replace(policy, city=policy.city.with_changes(agreed)) if agreed else policy

    def policy_for(versions: Versions) -> Policy:
        return policy_at(versions.city, versions.mechanism, versions.rules)

    cases = ((row.stream.partition(":")[2], _entries(store, row.stream)) for row in store.states("case"))
    return audit_cases(cases, policy_for, int(store.meta("now") or 0))


def _of(commits: list[PolicyCommitted], city: int, mechanism: int, rules: int) -> PolicyCommitted:
    wanted = (city, mechanism, rules)
    return next((m for m in commits if (m.city, m.mechanism, m.rules) == wanted), commits[-1])


def _entries(store: Store, stream: str) -> Iterator[Entry]:
    for row in store.entries_of(stream):
        yield read_entry(row.body)


def report_lines(report: AuditReport, language: str) -> list[str]:
    """What an audit came to, in words."""
    lines = [
        text(
            "audit.summary", language, cases=report.cases, moments=report.moments, happened=report.happened,
            off=report.called_off, waiting=report.waiting, told=report.told,
            latest=round(report.latest_us / 1_000_000, 1),
        )
    ]  # fmt: skip
    for one in report.findings[:200]:
        lines.append(
            text(
                f"audit.{one.kind}", language, case=one.case, moment=one.moment, at=one.due,
                person=one.person or "-", reason=one.why or "-",
            )
        )  # fmt: skip
    lines.append(
        text("audit.findings" if report.findings else "audit.clean", language, count=len(report.findings))
    )
    return lines
