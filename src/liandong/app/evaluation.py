"""What evaluation asks of the store: the cases and scores of a period, as far as the asker may see them."""

from __future__ import annotations

import msgspec

from liandong.app.ports import Store, StreamRow
from liandong.core.evaluate.period import Period, evaluate
from liandong.core.values.access import AccessScope
from liandong.core.values.case import CaseState
from liandong.core.values.errors import BadInput
from liandong.core.values.lists import Capability, Mode
from liandong.core.values.score import ScoreState
from liandong.core.values.times import format_time

_case = msgspec.json.Decoder(CaseState)
_score = msgspec.json.Decoder(ScoreState)


def evaluate_period(
    store: Store, since: int, until: int, mode: Mode, scope: AccessScope | None = None
) -> Period:
    """The evaluation of [since, until); with a scope, of the cases whose scores it may read.

    Raises BadInput for a period that ends before it begins.
    """
    if until <= since:
        raise BadInput("report.period_empty", since=format_time(since), until=format_time(until))

    def seen(row: StreamRow) -> bool:
        return row.mode == mode and (
            scope is None or scope.covers(Capability.SCORE_READ, row.domain, row.area_path, row.mode)
        )

    cases = (_case.decode(row.body) for row in store.states("case") if row.body and seen(row))
    states = (_score.decode(row.body) for row in store.states("score") if row.body and seen(row))
    return evaluate(cases, (state.score for state in states if state.score), since, until, mode)
