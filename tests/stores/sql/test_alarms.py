"""The list of alarms at the size at which another system took seconds."""

from __future__ import annotations

import msgspec
import pytest
from sqlalchemy import event

from liandong.app.alarm_load import Shift, Told, loads_of
from liandong.app.ports import AlarmsAsked, Changes
from liandong.conformance.questions import EVERYTHING, grant, scope
from liandong.conformance.store import stream_row
from liandong.core.values.alarm import AlarmState
from liandong.core.values.alarm_terms import TERMS
from liandong.core.values.times import HOUR, MINUTE
from liandong.stores._sql.questions import SqlQuestions
from liandong.stores.memory import MemoryStore, open_memory

MANY, RULES = 13_000, 100
_body = msgspec.json.Encoder().encode


def fill(store: MemoryStore, count: int) -> None:
    """Active alarms in a hundred areas, every tenth held back, every third with a judged case."""
    rows = {}
    for n in range(count):
        stage = "suppressed" if n % 10 == 0 else "unacknowledged"
        name, path = f"gas_leak|asset:{n:05}", f"/c/t{n % RULES:02}/"
        state = AlarmState(
            grouping=name, hazard="gas_leak", asset=f"asset:{n:05}", area_path=path, active=True
        )
        more = {"grouping": name, "domain": "gas_leak", "area_path": path, "level": "III"}
        rows[f"alarm:{name}"] = stream_row(f"alarm:{name}", stage=stage, updated=n, body=_body(state), **more)
        if n % 3 == 0:
            rows[f"case:{n}"] = stream_row(f"case:{n}", stage="judged", ordinal=1, opened=n, **more)
    store.commit(Changes(streams=rows))


@pytest.mark.slow
def test_a_page_of_thirteen_thousand_alarms_is_one_statement_through_indexes() -> None:
    """Failure thread 11. Statements and steps of the plan are counted, as time depends on the machine."""
    store = open_memory()
    fill(store, MANY)
    statements: list[tuple[str, object]] = []
    questions, engine = SqlQuestions(store._database), store._database.readers

    @event.listens_for(engine, "before_cursor_execute")
    def count(_connection, _cursor, statement, parameters, _context, _many):
        if statement.startswith("SELECT"):
            statements.append((statement, parameters))

    rows, cursor = questions.alarms(EVERYTHING, AlarmsAsked(), limit=50)
    assert len(rows) == 50 and cursor and rows[0][0].stream.endswith(f"{MANY - 1:05}")
    assert len(statements) == 1
    one_area = scope(grant(area_path="/c/t07/"))
    seen = questions.alarms(one_area, AlarmsAsked(stages=("acknowledged",)), limit=500)[0]
    assert {row.area_path for row, _ in seen} == {"/c/t07/"} and len(statements) == 2
    assert all(case == "judged" for _, case in seen) and 30 < len(seen) < MANY / RULES
    with store._database.reading() as connection:
        plan = connection.exec_driver_sql("EXPLAIN QUERY PLAN " + statements[0][0], statements[0][1]).all()
    steps = [row[-1] for row in plan]
    assert not [step for step in steps if step.startswith("SCAN")], steps
    assert any("streams_stage" in step for step in steps) and any("streams_grouping" in s for s in steps)
    store.close()


def test_the_load_of_a_shift_says_what_would_have_to_give() -> None:
    shift = Shift("post:a", "person:a", 0, 8 * HOUR)
    noisy = [Told(n * MINUTE, "post:a", "r", "noisy") for n in range(15)]
    calm = [Told(n * MINUTE, "post:a", "r", f"s{n}") for n in range(5)]
    later = [Told(3 * HOUR + n * MINUTE, "post:a", "q", "s") for n in range(6)]
    (load,) = loads_of([*noisy, *calm, *later], lambda told: shift, TERMS)
    assert (load.hours, load.alarms, load.worst, load.excess) == (8, 26, 20, 14.0)
    assert (load.above, load.above_most) == (1 / 8, 1 / 8)
    assert [(g.sensor, g.alarms, g.needed) for g in load.givers][:2] == [
        ("noisy", 15, True),
        ("s0", 1, False),
    ]
