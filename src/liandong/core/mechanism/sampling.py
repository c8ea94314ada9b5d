"""复核抽查: which closures are reviewed: drawn from (seed, case), so that anybody can draw again."""

from __future__ import annotations

from liandong.core.mechanism.draft import Draft
from liandong.core.values.canonical import canonical_bytes, sha256
from liandong.core.values.lists import Cause
from liandong.core.values.rows import VerificationRow
from liandong.core.values.urging_events import ReviewDrawn

_DIGITS = 13


def draw(seed: str, city: str, case: str) -> float:
    """A number from 0 up to but not including 1, the same whenever it is drawn."""
    return int(sha256(canonical_bytes(["review", seed, city, case]))[:_DIGITS], 16) / 16.0**_DIGITS


def draw_review(draft: Draft, row: VerificationRow, cause: Cause | None = None) -> bool:
    """Draw for this closure and record the draw; a unit whose closures were hollow has the raised rate."""
    policy, case = draft.policy, draft.case
    raised = row.raised_rate is not None and case.lead in policy.hollow
    rate = row.raised_rate if raised and row.raised_rate is not None else row.rate
    drawn = draw(policy.seed, policy.city.key, case.id)
    draft.add(
        ReviewDrawn(
            case=case.id, unit=case.lead, rate=rate, draw=drawn, drawn=drawn < rate, row=row.key,
            raised=raised, cause=cause, at=draft.now,
        )
    )  # fmt: skip
    return drawn < rate
