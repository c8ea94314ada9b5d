"""Reports of a data folder as documents, while the city runs or not."""

from __future__ import annotations

from pathlib import Path

import msgspec

from liandong.adapters.documents import case_document, period_document, write_document
from liandong.app.evaluation import evaluate_period
from liandong.app.policies import current_policy
from liandong.app.why import findings_of
from liandong.core.values.case import CaseState
from liandong.core.values.errors import NotFound
from liandong.core.values.lists import Mode
from liandong.core.values.times import parse_time
from liandong.texts import text
from liandong.wiring.packs import lend_words
from liandong.wiring.stores import store_of


def report_case(data: Path, case: str, to: Path, language: str) -> str:
    """The handling report of one case. Raises NotFound."""
    store = store_of(data)
    try:
        row = store.load([f"case:{case}"]).get(f"case:{case}")
        policy = current_policy(store, Mode.REAL)
        if row is None or row.body is None or policy is None:
            raise NotFound("case.unknown", case=case[:64])
        lend_words(policy.city.city)
        state = msgspec.json.decode(row.body, type=CaseState)
        now = int(store.meta("now") or 0)
        document = case_document(
            policy, row, state, store.entries_of(row.stream), list(findings_of(store, set(state.seen))), now,
            language,
        )  # fmt: skip
        write_document(document, to)
        return text("report.written", language, path=str(to))
    finally:
        store.close()


def report_period(data: Path, since: str, until: str, mode: str, to: Path, language: str) -> str:
    """The evaluation of a period; an open end is the city's newest moment. Raises BadInput."""
    store = store_of(data)
    try:
        policy = current_policy(store, Mode.REAL)
        if policy is None:
            raise NotFound("data.not_found", path=str(data))
        now = int(store.meta("now") or 0)
        start, end = parse_time(since), parse_time(until) if until else now
        lend_words(policy.city.city)
        period = evaluate_period(store, start, end, Mode(mode))
        write_document(period_document(period, policy.city, now, language), to)
        return text("report.written", language, path=str(to))
    finally:
        store.close()
