"""Why: from a case back to the bytes of its first reading, and forward to the step that stayed silent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from liandong.app.evidence import Evidence, with_raws
from liandong.app.handle import read_message
from liandong.app.ports import Store
from liandong.core.values.case import CaseState
from liandong.core.values.errors import LiandongError, NotFound
from liandong.core.values.events import read_event
from liandong.core.values.findings import Finding
from liandong.core.values.journal import Entry, EntryKind, read_entry
from liandong.core.values.times import format_time

Say = Callable[..., str]


def explain_case(store: Store, evidence: Evidence, case: str, say: Say) -> Iterator[str]:
    """Lines from the case's newest decision back to the first reading. Raises NotFound."""
    row = store.load([f"case:{case}"]).get(f"case:{case}")
    if row is None or row.body is None:
        raise NotFound("case.unknown", case=case[:64])
    state = msgspec.json.decode(row.body, type=CaseState)
    yield say(
        "why.case", case=case, hazard=state.hazard, asset=state.asset, level=state.level,
        stage=state.stage.value,
        opened=format_time(state.opened), cause=state.cause.value if state.cause else "-",
    )  # fmt: skip
    yield say("why.decisions")
    for stored in store.entries_of(f"case:{case}"):
        yield from _decision(read_entry(stored.body), stored.sequence, say)
    for kind in ("alarm", "risk"):
        yield say(f"why.{kind}")
        for stored in store.entries_of(f"{kind}:{state.grouping}"):
            entry = read_entry(stored.body)
            if any(getattr(read_event(event), "finding", "") in state.seen for event in entry.events):
                yield from _decision(entry, stored.sequence, say)
    yield say("why.findings")
    for finding in findings_of(store, set(state.seen)):
        yield from _finding(finding, evidence, say)


def _decision(entry: Entry, sequence: int, say: Say) -> Iterator[str]:
    if entry.reason is None:
        return
    why = say(entry.reason.key, **entry.reason.params)
    refused = say("why.refused") if entry.refused else ""
    events = ", ".join(event.type for event in entry.events) or "-"
    yield f"  {format_time(entry.now)} #{sequence} [{entry.step or entry.kind}] {refused}{why}  ({events})"


def findings_of(store: Store, ids: set[str]) -> Iterator[Finding]:
    """The findings as they were admitted."""
    after = 0
    while rows := store.entries(after, 2_000, (EntryKind.ADMISSION,)):
        after = rows[-1].position
        for row in rows:
            if b'"Finding"' in row.body:
                message: Any = read_message(read_entry(row.body).message)  # type: ignore[arg-type]  # has one
                if isinstance(message, Finding) and message.id in ids:
                    yield message


def _finding(finding: Finding, evidence: Evidence, say: Say) -> Iterator[str]:
    yield "  " + say(
        "why.finding", rule=finding.rule, version=finding.rule_version, channel=finding.channel,
        onset=format_time(finding.onset), raised=format_time(finding.raised), value=finding.value,
        limit=finding.limit,
    )  # fmt: skip
    if not finding.evidence:
        return
    try:
        shown = with_raws(msgspec.json.decode(evidence.get(finding.evidence)), evidence)
    except LiandongError as error:
        yield "    " + say(error.key, **error.params)
        return
    yield "    " + say("why.evidence", digest=finding.evidence)
    for record in shown["records"]:
        segment, number = record["position"]
        yield f"    [{segment}:{number}] {record['raw'][:400]}"
        for at, value, _ in record["readings"]:
            yield f"      {format_time(at)}  {value:g}"
