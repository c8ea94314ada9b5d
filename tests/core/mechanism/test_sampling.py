"""复核抽查: drawn, recorded, and the same whoever draws again."""

from __future__ import annotations

import msgspec
import pytest

from liandong.core.mechanism.sampling import draw
from liandong.core.values.lists import Action as A
from liandong.core.values.lists import Cause, Verdict
from liandong.core.values.rows import VerificationRow
from liandong.core.values.urging_events import ReviewDrawn
from tests.core.rich import seed_that
from tests.core.world import MEDIUM, UP_TO_PUSH, UP_TO_REVIEW, Life, folder, make_policy, opened


def life_with(*rows: VerificationRow, **policy) -> Life:
    mechanism = msgspec.structs.replace(folder().mechanism, verifications=rows)
    return opened(MEDIUM, make_policy(mechanism=mechanism, **policy))


HALF = VerificationRow(key="half", flow="*", rate=0.5, raised_rate=1.0)


def test_a_draw_is_a_share_and_nothing_but_seed_city_and_case() -> None:
    draws = [draw("seed", "city", f"case_{n}") for n in range(4000)]
    assert all(0 <= one < 1 for one in draws)
    assert 0.27 < sum(one < 0.3 for one in draws) / 4000 < 0.33
    assert draw("seed", "city", "case_1") == draws[1] != draw("other", "city", "case_1")


@pytest.mark.parametrize("drawn", [True, False])
def test_what_is_not_drawn_is_closed_without_a_review(drawn: bool) -> None:
    life = life_with(HALF, seed=seed_that(drawn))
    life.do(*UP_TO_REVIEW)
    (event,) = life.of(ReviewDrawn)
    assert (event.unit, event.rate, event.drawn, event.row) == ("unit:gas", 0.5, drawn, "half")
    assert event.draw == draw(life.policy.seed, life.policy.city.key, life.case.id)
    assert (life.case.order_for(A.REVIEW) is not None) == drawn
    assert life.act(A.CLOSE, cause="real").refused == drawn
    life.finish(life.case)


def test_a_unit_whose_closures_were_hollow_is_drawn_at_the_raised_rate() -> None:
    life = life_with(HALF, seed=seed_that(False), hollow=frozenset({"unit:gas"}))
    life.do(*UP_TO_REVIEW)
    (event,) = life.of(ReviewDrawn)
    assert event.raised and event.rate == 1.0 and event.drawn


def test_what_failed_its_review_is_reviewed_again_whatever_is_drawn() -> None:
    life = life_with(HALF, seed=seed_that(True))
    life.do(*UP_TO_REVIEW)
    life.do(A.REVIEW, passed=False)
    life.do(A.HANDLE, A.FEED_BACK)
    assert len(life.of(ReviewDrawn)) == 1 and life.case.order_for(A.REVIEW) is not None
    life.finish(life.case)


@pytest.mark.parametrize("drawn", [True, False])
def test_a_row_for_a_cause_draws_when_the_cause_is_named(drawn: bool) -> None:
    row = VerificationRow(key="false", flow="*", rate=0.5, causes=(Cause.FALSE_RULE,))
    life = life_with(row, seed=seed_that(drawn))
    life.do(A.JUDGE, verdict=Verdict.FALSE)
    found = life.act(A.CLOSE, cause=Cause.FALSE_RULE)
    assert found.reason.key == ("close.review_drawn" if drawn else "close.closed")
    assert (life.case.order_for(A.REVIEW) is not None) == drawn
    if drawn:
        assert life.act(A.CLOSE, cause=Cause.FALSE_RULE).reason.key == "close.missing"
    life.finish(life.case)


def test_who_can_never_verify_and_who_does() -> None:
    row = VerificationRow(key="by", flow="*", role="unit:housing", never=("handler", "superior", "unit:fire"))
    life = life_with(row)
    life.do(*UP_TO_REVIEW)
    review = life.case.order_for(A.REVIEW)
    # Housing stands over the gas company, which has handled it: somebody else has to.
    assert review is not None and review.unit not in ("unit:housing", "unit:gas", "unit:fire")
    other = life_with(VerificationRow(key="by", flow="*", role="unit:fire"))
    other.do(*UP_TO_REVIEW)
    order = other.case.order_for(A.REVIEW)
    assert order is not None and order.unit == "unit:fire"


def test_without_a_row_every_closure_is_reviewed() -> None:
    life = life_with()
    life.do(*UP_TO_PUSH)
    life.finish(life.case)
    assert not life.of(ReviewDrawn) and life.case.reviewed is True
