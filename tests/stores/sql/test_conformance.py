"""Every store keeps every promise of the ports."""

from __future__ import annotations

import pytest

from liandong.conformance.questions import QUESTION_CHECKS, check_questions
from liandong.conformance.questions import Check as QuestionCheck
from liandong.conformance.store import STORE_CHECKS, Check, a_losing_writer_leaves_nothing, check_store
from liandong.stores._sql.store import SqlStore
from liandong.stores.memory import open_memory


@pytest.mark.parametrize("check", STORE_CHECKS, ids=lambda check: check.__name__)
def test_store(store: SqlStore, check: Check) -> None:
    check(store)


@pytest.mark.parametrize("check", QUESTION_CHECKS, ids=lambda check: check.__name__)
def test_questions(store: SqlStore, check: QuestionCheck) -> None:
    check(store, store.questions)


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
