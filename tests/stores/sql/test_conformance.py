"""Every store keeps every promise of the ports."""

from __future__ import annotations

import pytest

from liandong.app.ports import Changes
from liandong.conformance.questions import QUESTION_CHECKS, check_questions
from liandong.conformance.questions import Check as QuestionCheck
from liandong.conformance.store import (
    STORE_CHECKS,
    Check,
    a_losing_writer_leaves_nothing,
    act_row,
    check_store,
)
from liandong.stores._sql.store import MANY, SqlStore
from liandong.stores.memory import open_memory


@pytest.mark.parametrize("check", STORE_CHECKS, ids=lambda check: check.__name__)
def test_store(store: SqlStore, check: Check) -> None:
    check(store)


@pytest.mark.parametrize("check", QUESTION_CHECKS, ids=lambda check: check.__name__)
def test_questions(store: SqlStore, check: QuestionCheck) -> None:
    check(store, store.questions)


@pytest.mark.parametrize("count", [MANY - 1, MANY, 400])
def test_acts_are_found_one_by_one_or_in_one_question(store: SqlStore, count: int) -> None:
    rows = {id: act_row(id) for id in (f"a{n}" for n in range(0, count, 2))}
    store.commit(Changes(acts=list(rows.values())))
    found = store.acts([f"a{n}" for n in range(count)])
    assert len(found) == len(rows) and {row.id: row for row in found} == rows


def test_the_whole_suite_runs_in_one_call() -> None:
    check_store(open_memory)

    def both() -> tuple:
        store = open_memory()
        return store, store.questions

    check_questions(both)


def test_the_suite_notices_a_store_that_keeps_half_of_a_transaction() -> None:
    store = open_memory()
    whole = store.commit

    def halves(changes):
        entries, changes.entries = changes.entries, []
        whole(changes)
        changes = type(changes)(entries=entries)
        return whole(changes)

    store.commit = halves
    with pytest.raises(AssertionError):
        a_losing_writer_leaves_nothing(store)
