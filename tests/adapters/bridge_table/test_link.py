"""Tables as a bridge: the newest order, an event once, its answer, nothing lost behind a late commit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, select, text

from liandong.adapters.bridge_table import TableLink, answers_out, orders_out
from liandong.app.bridge.documents import Answer, TheirOrder, read_event
from liandong.core.values.errors import BadInput
from liandong.core.values.lists import HeardState, Outcome
from tests.stores.postgres_server import NoServer, server


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A file, and a database of a real server."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'exchange.db'}"
        return
    try:
        running = server()
    except NoServer as why:
        pytest.skip(f"no PostgreSQL: {why}")
    name = running.new_database()
    password = running.password_file.read_text().strip()
    yield running.url(name).replace("postgresql://", "postgresql+psycopg://").replace("@", f":{password}@")
    running.drop(name)


@pytest.fixture
def link(address: str) -> Iterator[TableLink]:
    made = TableLink(address)
    yield made
    made.close()


@pytest.fixture
def theirs(link: TableLink, address: str) -> Iterator[Engine]:
    """Their side, once we have made the tables."""
    assert list(link.poll()) == []
    made = create_engine(address)
    yield made
    made.dispose()


def document(version: int, **more: Any) -> dict[str, Any]:
    step = {"action": "arrive", "done": False, "due": "2026-05-01T02:00:00Z"}
    return {
        "order": "ord_a", "version": version, "change": "issued", "status": "issued", "level": "II",
        "asset": {"name": "7号井"}, "place": ["示例市", "东区"], "steps": [step], **more,
    }  # fmt: skip


def tell(engine: Engine, statement: str, **values: Any) -> None:
    with engine.begin() as connection:
        connection.execute(text(statement), values)


def event(engine: Engine, name: str, at: str = "2026-05-01T09:00:00+08:00", status: str = "已到场") -> None:
    tell(
        engine,
        "INSERT INTO events_in (event_number, our_number, status, happened_at) VALUES (:e, 'ord_a', :s, :a)",
        e=name, s=status, a=at,
    )  # fmt: skip


def test_the_newest_version_of_an_order_stands(link: TableLink, theirs: Engine) -> None:
    for version in (2, 3, 3, 1):
        assert link.push(document(version)) == (Outcome.DELIVERED, False, "")
    with theirs.begin() as connection:
        [row] = connection.execute(select(orders_out)).all()
    assert (row.version, row.place, row.next_action) == (3, "示例市/东区", "arrive")
    assert json.loads(row.document)["asset"]["name"] == "7号井"


def test_an_event_is_new_until_it_has_an_answer(link: TableLink, theirs: Engine) -> None:
    event(theirs, "e2", at="2026-05-01T09:05:00+08:00")
    event(theirs, "e1")
    first, second = list(link.poll())
    assert [read_event(one.raw).event for one in (first, second)] == ["e1", "e2"]
    first.answered(Answer(event="e1", outcome=HeardState.PARKED, order="ord_a", at="t"))
    second.refused("bridge.bad_event", "无法读取")
    assert list(link.poll()) == []
    link.answer([Answer(event="e1", outcome=HeardState.DONE, key="act.arrive", text="到场", at="u")])
    with theirs.begin() as connection:
        rows = connection.execute(select(answers_out).order_by(answers_out.c.event_number)).all()
    assert [(row.outcome, row.reason) for row in rows] == [("done", "到场"), ("refused", "无法读取")]


def test_a_row_that_was_committed_late_is_not_left_behind(link: TableLink, theirs: Engine) -> None:
    event(theirs, "e9")
    [one] = link.poll()
    one.answered(Answer(event="e9", outcome=HeardState.DONE))
    event(theirs, "e1")  # a smaller number, an earlier moment: its transaction took longer
    assert [read_event(one.raw).event for one in link.poll()] == ["e1"]


def test_files_and_flags_come_with_their_event(link: TableLink, theirs: Engine) -> None:
    event(theirs, "e1")
    tell(theirs, "UPDATE events_in SET passed = 1, their_number = 'RQ-1', user_number = 'gh-0417'")
    for place in (1, 0):
        tell(
            theirs, "INSERT INTO files_in (event_number, place, name, data) VALUES ('e1', :p, 'a.png', :d)",
            p=place, d=b"photo %d" % place,
        )  # fmt: skip
    [one] = link.poll()
    made = read_event(one.raw)
    assert made.files() == [b"photo 0", b"photo 1"] and made.passed is True
    assert (made.number, made.user) == ("RQ-1", "gh-0417")


def test_their_list_is_read_as_it_lies_there(link: TableLink, theirs: Engine) -> None:
    assert link.orders() is None
    tell(theirs, "INSERT INTO orders_in VALUES ('ord_a', 'RQ-1', '已到场', 1)")
    tell(theirs, "INSERT INTO orders_in VALUES ('ord_b', NULL, NULL, 0)")
    assert link.orders() == [
        TheirOrder(order="ord_a", number="RQ-1", status="已到场"), TheirOrder(order="ord_b", open=False)
    ]  # fmt: skip


def test_a_database_that_is_away_is_tried_again(tmp_path: Path) -> None:
    away = TableLink(f"sqlite:///{tmp_path / 'no' / 'folder.db'}")
    assert away.push(document(1))[:2] == (Outcome.FAILED, True)
    for ask in (lambda: list(away.poll()), away.orders, lambda: away.answer([])):
        with pytest.raises(OSError):
            ask()


def test_an_address_that_is_none_is_said(tmp_path: Path) -> None:
    for address in ("nonsense", "oracle9://x", ""):
        with pytest.raises(BadInput) as error:
            TableLink(address)
        assert error.value.key == "bridge.no_database"
