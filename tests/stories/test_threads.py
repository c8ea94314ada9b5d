"""Failures that users of other systems met, each as a test of its own; which is which is in
docs/reference/failure-threads.md. What is proven elsewhere is named there and not proven again."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from liandong.adapters.mechanisms import read_document, write_file
from liandong.app.clock import VirtualClock
from liandong.app.rebuild import rebuild
from liandong.app.settings import load_settings
from liandong.core.mechanism.routing import Routing
from liandong.core.mechanism.supplement import merge
from liandong.core.values.case_events import Escalated
from liandong.core.values.document import Mechanism
from liandong.core.values.events import read_event
from liandong.core.values.journal import read_entry
from liandong.core.values.lists import EscalationKind
from liandong.core.values.scales import CASE_LEVELS
from liandong.core.values.times import HOUR
from liandong.stores.sqlite import open_sqlite
from liandong.wiring import open_city
from tests.web.town import CENTRE, Client, Town, is_problem

pytestmark = pytest.mark.slow
REPO = Path(__file__).parents[2]
EXAMPLE = REPO / "docs" / "examples" / "city"


def _python(code: str, *args: str, **more: Any) -> subprocess.CompletedProcess[str]:
    """A process of its own that sees the tests."""
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *args], cwd=REPO, capture_output=True, text=True,
        timeout=300, check=False, **more,
    )  # fmt: skip


def _escalated(data: Path, case: str) -> list[Escalated]:
    store = open_sqlite(data)
    try:
        events = (
            read_event(record)
            for row in store.entries_of(f"case:{case}")
            for record in read_entry(row.body).events
        )
        return [event for event in events if isinstance(event, Escalated)]
    finally:
        store.close()


def test_an_escalation_that_waits_when_the_process_is_killed_happens_all_the_same(tmp_path: Path) -> None:
    """1: a chain paused by its window never went on after a restart (OnCall #1206)."""
    killed = _python(
        """
        import os, sys
        from pathlib import Path
        from tests.web.town import Town
        town = Town(Path(sys.argv[1]))
        print(town.open_case(), town.now, flush=True)
        os.kill(os.getpid(), 9)
        """,
        str(tmp_path),
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    case, now = killed.stdout.split()
    assert [e for e in _escalated(tmp_path, case) if e.kind == EscalationKind.TAKE_OVER] == []
    clock = VirtualClock(int(now) + HOUR)
    city = open_city(load_settings({"data": tmp_path}, {}), clock=clock)
    city.start()
    try:
        city.platform.tick().result(10)
        deadline = time.monotonic() + 20
        while not city.platform.quiet() and time.monotonic() < deadline:
            time.sleep(0.02)
    finally:
        city.stop()
    found = _escalated(tmp_path, case)
    kinds = [e.kind for e in found]
    assert kinds.count(EscalationKind.TAKE_OVER) == kinds.count(EscalationKind.REMIND) == 1, kinds


def test_a_quarter_of_a_million_late_readings_in_one_upload_take_minutes_at_most(tmp_path: Path) -> None:
    """13: an upload of 250,000 rows took over an hour (FROST #1576)."""
    data = tmp_path / "data"
    liandong = [sys.executable, "-m", "liandong"]
    begun = datetime(2026, 11, 20, tzinfo=UTC)

    def run(*words: str) -> str:
        done = subprocess.run(
            [*liandong, *words], cwd=tmp_path, capture_output=True, text=True, timeout=280, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def file(name: str, first: datetime, rows: int, every: timedelta) -> None:
        with (tmp_path / name).open("w", encoding="utf-8") as out:
            out.write("channel,time,value\n")
            for number in range(rows):
                moment = (first + number * every).isoformat()
                out.write(f"channel:valve-1.ch4,{moment},{20 + number % 7}\n")

    run("city", "commit", str(EXAMPLE), "--data", "data", "--author", "person:centre", "--reason", "test")
    file("now.csv", begun + timedelta(days=1), 10, timedelta(seconds=1))
    file("late.csv", begun, 250_000, timedelta(milliseconds=300))
    run("import", "now.csv", "--data", "data", "--source", "source:gas")
    started = time.monotonic()
    said = run("import", "late.csv", "--data", "data", "--source", "source:gas")
    seconds = time.monotonic() - started
    assert "taken: 250000 " in said and "refused: 0" in said, said
    assert seconds < 120, seconds
    # The same upload again adds nothing.
    again = run("import", "late.csv", "--data", "data", "--source", "source:gas")
    assert "taken: 0 " in again, again
    store = open_sqlite(data)
    try:
        assert rebuild(store).differences == []
    finally:
        store.close()


def test_an_order_of_another_unit_or_case_that_a_client_names_is_refused(tmp_path: Path) -> None:
    """19: ids of children that a client supplies were trusted (a comment in Resgrid's RunCardsService)."""
    town = Town(tmp_path)
    try:
        client, centre = Client(town), town.token(post=CENTRE)
        mine, other = town.open_case(0), town.open_case(1)
        foreign = next(iter(_orders(client, other, centre)))
        for case in (mine, other):
            answer = client.act(case, "judge", centre, key="j", verdict="real")
            assert answer.status_code == 200, answer.text
            assert client.act(case, "push", centre, key="p").status_code == 200
        lead = next(o for o in _orders(client, mine, centre).values() if o["unit"] != "unit:centre")
        post = lead["post"]
        town.settle()
        before = town.version(mine)
        refused = [
            client.act(mine, "acknowledge", town.token(post=post), key="1", order=foreign),
            client.act(mine, "acknowledge", centre, key="2", order=lead["id"]),
            client.act(mine, "return", town.token(post=post), key="3", order=foreign, reason="own_duty"),
            client.act(mine, "acknowledge", town.token(post=post), key="5", order="ord_nosuch"),
        ]
        keys = [(answer.status_code, answer.json()["key"]) for answer in refused]
        stranger = (409, "act.not_allowed")
        assert keys == [stranger, (403, "act.not_yours"), (403, "act.not_yours"), stranger]
        assert town.version(mine) == before
        # The very same act on its own order is done: it was the id that was refused.
        assert client.act(mine, "acknowledge", town.token(post=post), key="6", order=lead["id"]).is_success
        outsider = client.get(f"cases/{mine}", town.token(post="post:firm-1.duty"))
        is_problem(outsider, 404, "case.unknown")
    finally:
        town.close()


def _orders(client: Client, case: str, token: str) -> dict[str, dict[str, Any]]:
    return {order["id"]: order for order in client.get(f"cases/{case}", token).json()["orders"]}


Limits = dict[tuple[str, str, str, str], tuple[float | None, str]]


def _limits(mechanism: Mechanism) -> Limits:
    """Hazard, level, line, action → limit in seconds and origin, as the compiled form answers."""
    routing = Routing(mechanism)
    found: Limits = {}
    for hazard in routing.compiled.hazards():
        for level in CASE_LEVELS:
            for step in (*routing.steps(hazard, level), *sum(routing.lines(hazard, level).values(), ())):
                found[hazard, level, step.line, step.action] = (step.limit_s, step.origin)
    return found


@pytest.mark.parametrize("form", ["yaml", "xlsx"])
def test_the_limits_in_the_document_are_those_that_the_system_runs(tmp_path: Path, form: str) -> None:
    """20: "the SLAs in Maximo and in our documentation are incorrect" (cityofaustin/atd-data-tech #14005)."""
    town = Town(tmp_path / "town")
    try:
        mechanism = town.platform.handler.policy.routing.mechanism
        write_file(tmp_path / f"out.{form}", mechanism)
        running = _limits(mechanism)
        case = town.open_case()
        orders = _orders(Client(town), case, town.token(post=CENTRE)).values()
        planned = {
            step["action"]: (step["limit_s"], step["origin"]) for order in orders for step in order["steps"]
        }
    finally:
        town.close()
    printed = _limits(read_document(tmp_path / f"out.{form}").mechanism)
    assert printed == running and sum(limit is not None for limit, _ in running.values()) > 10
    assert (
        planned and {action: printed["gas_leak", "II", "", action] for action in planned} == planned
    )  # and so do the orders of a case


@pytest.mark.parametrize("key", ["foshan-v1", "foshan-v2", "lift-rescue"])
def test_the_limits_of_a_built_in_document_survive_its_forms(tmp_path: Path, key: str) -> None:
    """20, for documents as they travel: each with what fills it."""
    from liandong.adapters.mechanisms import read_documents

    source, supplement = read_documents([Path(key), Path(f"{key}.supplement")])
    assert supplement is not None
    merged, refused = merge(source, supplement)
    assert refused == ()
    running = _limits(merged)
    assert any(limit for limit, _ in running.values())
    for form in ("yaml", "xlsx"):
        write_file(tmp_path / f"{key}.{form}", merged)
        assert _limits(read_document(tmp_path / f"{key}.{form}").mechanism) == running


def test_without_any_optional_library_a_reading_still_becomes_a_case(tmp_path: Path) -> None:
    """23: the core broke where a plugin was absent (Dispatch #793)."""
    done = _python(
        """
        import sys
        from pathlib import Path
        for name in ("apprise", "psycopg", "psycopg_pool"):
            sys.modules[name] = None
        from tests.web.town import Town
        town = Town(Path(sys.argv[1]))
        try:
            print(town.open_case())
        finally:
            town.close()
        """,
        str(tmp_path),
    )
    assert done.returncode == 0 and done.stdout.startswith("case_"), done.stdout + done.stderr
