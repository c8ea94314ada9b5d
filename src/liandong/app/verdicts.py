"""Closed cases as verdicts on what raised them, read from the journal and the states."""

from __future__ import annotations

import msgspec

from liandong.app.handle import read_message
from liandong.app.ports import Store
from liandong.core.evaluate.verdicts import Judged
from liandong.core.values.calendar import Calendar
from liandong.core.values.case import CaseState
from liandong.core.values.findings import Finding
from liandong.core.values.journal import EntryKind, read_entry
from liandong.core.values.score import ScoreState

_PAGE = 5_000
_case = msgspec.json.Decoder(CaseState)
_score = msgspec.json.Decoder(ScoreState)


def findings_of(store: Store) -> dict[str, tuple[str, str]]:
    """Finding → (rule, channel), of every one that was ever admitted."""
    found: dict[str, tuple[str, str]] = {}
    after = 0
    while rows := store.entries(after, _PAGE, (EntryKind.ADMISSION,)):
        after = rows[-1].position
        for row in rows:
            entry = read_entry(row.body)
            message = read_message(entry.message) if entry.message is not None else None
            if isinstance(message, Finding):
                found[message.id] = (message.rule, message.channel)
    return found


def judged_of(store: Store, calendar: Calendar) -> list[Judged]:
    """Every closed case, as it was closed last."""
    by_id = findings_of(store)
    cases = {row.stream.removeprefix("case:"): row for row in store.states("case") if row.body is not None}
    judged = []
    for row in store.states("score"):
        score = _score.decode(row.body or b"{}").score
        kept = cases.get(score.case) if score is not None else None
        if score is None or kept is None or kept.body is None:
            continue
        case = _case.decode(kept.body)
        judged.append(
            Judged(
                case=case.id, hazard=case.hazard, asset=case.asset, unit=score.lead,
                hour=calendar.at(score.onset).minute // 60, cause=score.cause, real=score.real,
                onset=score.onset, closed=score.closed,
                found=tuple(sorted({by_id[one] for one in case.seen if one in by_id})),
            )
        )  # fmt: skip
    return judged
