"""A folder as a bridge: whole files, repeats without harm, broken ones put aside with the reason."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from liandong.adapters.bridge_file import FileLink
from liandong.adapters.bridge_file.rows import events_of, orders_of
from liandong.app.bridge.documents import Answer, TheirOrder, read_event
from liandong.core.values.errors import BadInput
from liandong.core.values.lists import HeardState, Outcome
from liandong.texts import text


def say(key: str, /, **params: Any) -> str:
    return text(key, "zh", **params)


def link(tmp_path: Path) -> FileLink:
    made = FileLink(tmp_path / "gas", say)
    made._make()
    return made


def document(version: int, order: str = "ord_a") -> dict[str, Any]:
    return {"order": order, "version": version}


def test_only_the_newest_version_of_an_order_lies_there(tmp_path: Path) -> None:
    made = link(tmp_path)
    for version in (2, 3, 3, 1):
        assert made.push(document(version)) == (Outcome.DELIVERED, False, "")
    [path] = (tmp_path / "gas" / "out").iterdir()
    assert path.name == "order-ord_a.json" and json.loads(path.read_bytes())["version"] == 3


def test_a_folder_that_cannot_be_written_is_tried_again(tmp_path: Path) -> None:
    (tmp_path / "gas").write_text("a file where the folder should be")
    outcome, again, _ = FileLink(tmp_path / "gas", say).push(document(1))
    assert (outcome, again) == (Outcome.FAILED, True)


def test_a_file_is_moved_only_when_every_event_has_its_answer(tmp_path: Path) -> None:
    made = link(tmp_path)
    waiting = tmp_path / "gas" / "in" / "a.jsonl"
    waiting.write_text('{"event":"e1"}\n\n{"event":"e2"}\n')
    (tmp_path / "gas" / "in" / ".b.jsonl.part").write_text('{"event":"half')
    first, second = list(made.poll())
    first.answered(Answer(event="e1", outcome=HeardState.DONE, at="2026-05-01T01:00:00Z"))
    assert waiting.exists()
    assert [one.raw for one in made.poll()] == [first.raw, second.raw], "a crash in between repeats the file"
    second.answered(Answer(event="e2", outcome=HeardState.PARKED, at="2026-05-01T01:00:00Z"))
    assert not waiting.exists() and (tmp_path / "gas" / "done" / "a.jsonl").exists()
    [answers] = (tmp_path / "gas" / "out").iterdir()
    said = [json.loads(line) for line in answers.read_bytes().splitlines()]
    assert [(one["event"], one["outcome"]) for one in said] == [("e1", "done"), ("e2", "parked")]


def test_the_same_name_twice_keeps_both(tmp_path: Path) -> None:
    made = link(tmp_path)
    for number in range(2):
        (tmp_path / "gas" / "in" / "a.jsonl").write_text(f'{{"event":"e{number}"}}\n')
        [one] = made.poll()
        at = f"2026-05-0{number + 1}T01:00:00Z"
        one.answered(Answer(event=f"e{number}", outcome=HeardState.DONE, at=at))
    assert len(list((tmp_path / "gas" / "done").iterdir())) == 2


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "事件号,心情\ne1,好\n".encode()),
        ("a.csv", b"event,event\ne1,e2\n"),
        ("a.csv", b'event\n"e1\n'),
        ("a.csv", b"\xff\xfe\x00\x00"),
        ("a.xlsx", b"no workbook"),
        ("a.csv", "事件号,附件\ne1,../../secret\n".encode()),
        ("a.csv", "事件号,附件\ne1,absent.jpg\n".encode()),
        ("a.csv", "事件号,通过\ne1,也许\n".encode()),
    ],
)
def test_a_broken_file_is_put_aside_with_the_reason_beside_it(
    tmp_path: Path, name: str, content: bytes
) -> None:
    made = link(tmp_path)
    (tmp_path / "gas" / "in" / name).write_bytes(content)
    assert list(made.poll()) == []
    aside = tmp_path / "gas" / "refused" / name
    assert aside.read_bytes() == content
    reason = aside.with_name(f"{name}.reason.txt").read_text(encoding="utf-8")
    assert name in reason and "⟦" not in reason
    assert not list((tmp_path / "gas" / "in").glob(f"{name}*"))


def test_an_event_that_cannot_be_read_puts_its_file_aside_and_its_neighbours_are_done(tmp_path: Path) -> None:
    made = link(tmp_path)
    (tmp_path / "gas" / "in" / "a.jsonl").write_text('{"event":"e1"}\nnonsense\n')
    good, bad = list(made.poll())
    good.answered(Answer(event="e1", outcome=HeardState.DONE, at="2026-05-01T01:00:00Z"))
    bad.refused("bridge.bad_event", "无法读取")
    reason = tmp_path / "gas" / "refused" / "a.jsonl.reason.txt"
    assert reason.read_text(encoding="utf-8") == "2: 无法读取\n"
    assert list((tmp_path / "gas" / "out").glob("answers-*")), "the good one is answered"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_csv_with_chinese_headers(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "a.png").write_bytes(b"photo")
    path = tmp_path / "a.csv"
    path.write_bytes(
        "事件号,工单号,对方工单号,状态,时间,用户,说明,附件,通过\n"
        "7,ord_a,RQ-1,已到场,2026-05-01T09:00:00+08:00,gh-0417,“到了”,a.png;a.png,是\n,,,,,,,,\n".encode(
            encoding
        )
    )
    [raw] = events_of(path, tmp_path)
    event = read_event(raw)
    assert (event.event, event.order, event.number, event.status) == ("7", "ord_a", "RQ-1", "已到场")
    assert event.files() == [b"photo", b"photo"] and event.passed is True and event.words == "“到了”"


def test_excel_rows_are_read_as_text(tmp_path: Path) -> None:
    book = Workbook()
    book.active.append(["事件号", "工单号", "状态"])
    book.active.append([7, "ord_a", "已到场"])
    book.active.append([None, None, None])
    book.save(tmp_path / "a.xlsx")
    [raw] = events_of(tmp_path / "a.xlsx", tmp_path)
    assert read_event(raw).event == "7"


def test_the_list_of_open_orders(tmp_path: Path) -> None:
    made = link(tmp_path)
    assert made.orders() is None
    path = tmp_path / "gas" / "in" / "orders.csv"
    rows = ("工单号,对方工单号,状态,未结", "ord_a,RQ-1,已到场,是", "ord_b,RQ-2,已反馈,否")
    path.write_text("\n".join(rows), encoding="utf-8")
    assert made.orders() == (
        TheirOrder(order="ord_a", number="RQ-1", status="已到场"),
        TheirOrder(order="ord_b", number="RQ-2", status="已反馈", open=False),
    )
    assert list(made.poll()) == [], "it is no file of events"
    path.write_text("工单号,未结\nord_a,也许\n", encoding="utf-8")
    assert made.orders() is None and (tmp_path / "gas" / "refused" / "orders.csv").exists()


def test_answers_written_before_a_crash_are_not_written_twice(tmp_path: Path) -> None:
    made = link(tmp_path)
    said = [Answer(event="e1", outcome=HeardState.DONE, at="2026-05-01T01:00:00Z")]
    made.answer(said)
    made.answer(said)
    made.answer([Answer(event="e2", outcome=HeardState.DONE, at="2026-05-01T01:00:00Z")])
    assert len(list((tmp_path / "gas" / "out").iterdir())) == 2


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300), st.sampled_from([".csv", ".xlsx", ".jsonl"]))
def test_any_file_is_rows_or_a_clear_refusal(tmp_path: Path, raw: bytes, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(raw)
    for read in (lambda: events_of(path, tmp_path), lambda: orders_of(path)):
        try:
            read()
        except BadInput as error:
            assert error.key.startswith("bridge.")
