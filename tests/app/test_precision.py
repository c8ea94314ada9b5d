"""How often a rule and a sensor were right is counted from closed cases, at the start and as they close."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest

from liandong.app.ports import Changes, StreamRow
from liandong.app.precision import Precision, Tally
from liandong.core.values.case import CaseState
from liandong.core.values.lists import Cause, Mode
from liandong.core.values.score import CaseScored, ScoreState
from liandong.stores.memory import open_memory


def closed(name: str, rule: str, asset: str, channel: str, real: bool | None) -> Changes:
    """A commit that closes a case; None is a test, which says nothing."""
    cause = {True: Cause.REAL, False: Cause.FALSE_RULE, None: Cause.TEST}[real]
    score = CaseScored(
        case=name, hazard="gas_leak", level="IV", area_path="/", lead="unit:gas", mode=Mode.REAL, cause=cause,
        real=real, rules=(rule,), onset=0, opened=0, closed=1, escalations=0, clauses=(),
    )  # fmt: skip
    bodies = {
        "case": msgspec.json.encode(CaseState(id=name, channels=(channel,))),
        "score": msgspec.json.encode(ScoreState(score=score, version=1)),
    }
    return Changes(
        streams={
            f"{kind}:{name}": StreamRow(
                stream=f"{kind}:{name}", kind=kind, sequence=1, hash="h", body=body,
                grouping=f"gas_leak|{asset}" if kind == "case" else "",
            )
            for kind, body in bodies.items()
        }
    )  # fmt: skip


def test_a_rule_is_counted_anywhere_and_a_sensor_under_any_rule() -> None:
    store = open_memory()
    store.commit(closed("one", "high", "asset:a", "channel:a", False))
    store.commit(closed("two", "high", "asset:b", "channel:b", True))
    store.commit(closed("three", "rise", "asset:a", "channel:a", False))
    store.commit(closed("four", "rise", "asset:a", "channel:a", None))
    precision = Precision(store)
    assert precision.of("high", "asset:a") == (Tally(0, 1), Tally(1, 2))
    assert precision.sensor("channel:a") == Tally(0, 2)
    assert precision.sensor("channel:b") == Tally(1, 1) and precision.sensor("channel:c") == Tally()


def test_what_closes_later_counts_and_a_case_that_closes_again_counts_once() -> None:
    store = open_memory()
    precision = Precision(store)
    assert precision.sensor("channel:a") == Tally()
    for real in (False, True):
        changes = closed("one", "high", "asset:a", "channel:a", real)
        store.commit(changes)
        precision.committed(changes)
    assert precision.sensor("channel:a") == Tally(1, 1)
    assert precision.of("high", "asset:a") == (Tally(1, 1), Tally(1, 1))

    changes = closed("two", "high", "asset:a", "channel:a", False)
    store.commit(changes)
    del changes.streams["case:two"]  # its state lay in an earlier commit
    precision.committed(changes)
    assert precision.sensor("channel:a") == Tally(1, 2)
    assert Precision(store).sensor("channel:a") == Tally(1, 2), "a restart counts the same"


def test_what_closes_while_the_stored_ones_are_counted_is_counted_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = open_memory()
    store.commit(closed("one", "high", "asset:a", "channel:a", False))
    precision = Precision(store)
    states = store.states

    def slowly(kind: str, stage: str = "") -> Iterator[StreamRow]:
        yield from states(kind, stage)
        if kind == "score":  # and before the cases are read
            changes = closed("two", "high", "asset:a", "channel:a", True)
            store.commit(changes)
            precision.committed(changes)

    monkeypatch.setattr(store, "states", slowly)
    assert precision.sensor("channel:a") == Tally(1, 2)
