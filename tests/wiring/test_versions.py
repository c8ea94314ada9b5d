"""Versions of a city: committed with author and reason, listed, compared, and in force from their moment."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from liandong.adapters.tables import write_city
from liandong.app.clock import VirtualClock
from liandong.app.policies import current_policy, history, pending
from liandong.app.rebuild import rebuild
from liandong.app.settings import load_settings
from liandong.cli import app
from liandong.core.values.dataset import CityFolder
from liandong.core.values.errors import BadInput, Conflict
from liandong.core.values.journal import EntryKind, read_entry
from liandong.core.values.lists import Mode
from liandong.core.values.times import DAY, format_time
from liandong.runners.replay import replay
from liandong.stores.memory import open_memory
from liandong.stores.readings import FolderLock
from liandong.stores.sqlite import open_sqlite
from liandong.wiring import open_city
from liandong.wiring.versions import commit_place, diff_lines, log_lines
from tests.app.machine import START
from tests.core.world import folder

replace = msgspec.structs.replace
pytestmark = pytest.mark.slow


def renamed(name: str) -> CityFolder:
    made = folder()
    return replace(
        made, city=replace(made.city, units=(replace(made.city.units[0], name_zh=name), *made.city.units[1:]))
    )


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    write_city(tmp_path / "tables", folder())
    return tmp_path / "tables"


def commit(tmp_path: Path, tables: Path, reason: str = "first", effective: str = "") -> str:
    return commit_place(load_settings({"data": tmp_path / "data"}, {}), tables, "张三", reason, effective)


def test_a_version_has_author_reason_and_moment(tmp_path: Path, tables: Path) -> None:
    commit(tmp_path, tables)
    write_city(tables, renamed("甲"))
    lines = diff_lines(tmp_path / "data", tables, "zh")
    assert len(lines) == 2 and "units" in lines[0] and "甲" in lines[1]
    assert "城市第 2 版" in commit(tmp_path, tables, "改名")
    assert diff_lines(tmp_path / "data", tables, "zh") == []
    assert "没有提交" in commit(tmp_path, tables, "again")
    first, second = log_lines(tmp_path / "data", "zh")
    assert "张三：first" in first and "mechanism 1" in first
    assert "张三：改名" in second and "city 2" in second and "mechanism" not in second
    store = open_sqlite(tmp_path / "data")
    moments = [at for at, _ in history(store)]
    assert moments == sorted(moments) and store.meta("city") == "demo"
    assert rebuild(store).differences == [] and replay(store, open_memory()).differences == []
    store.close()


def test_a_later_version_waits_and_holds_from_the_first_start_after_its_moment(
    tmp_path: Path, tables: Path
) -> None:
    settings = load_settings({"data": tmp_path / "data"}, {})
    open_city(settings, folder(), clock=VirtualClock(START)).stop()
    write_city(tables, renamed("乙"))
    later = 4_000_000_000_000_000
    commit(tmp_path, tables, "later", format_time(later))
    store = open_sqlite(tmp_path / "data")
    waiting = pending(store)
    assert waiting is not None and waiting.effective == later
    (note,) = [read_entry(row.body) for row in store.entries_of("system:policy")]
    assert note.kind == EntryKind.SYSTEM and note.reason is not None and note.reason.params["at"] == later
    store.close()
    assert "later" in log_lines(tmp_path / "data", "zh")[-1]
    for now, name in ((later - DAY, folder().city.units[0].name_zh), (later, "乙")):
        city = open_city(settings, None, clock=VirtualClock(now))
        assert city.platform.handler.policy.city.city.units[0].name_zh == name
        city.stop()
    store = open_sqlite(tmp_path / "data")
    assert pending(store) is None
    policy = current_policy(store, Mode.REAL)
    assert policy is not None and policy.versions.city == 2
    assert [(at, m.author, m.reason) for at, m in history(store)][-1] == (later, "张三", "later")
    store.close()


def test_a_commit_before_its_moment_replaces_the_one_that_waits(tmp_path: Path, tables: Path) -> None:
    commit(tmp_path, tables)
    write_city(tables, renamed("乙"))
    commit(tmp_path, tables, "later", "2090-01-01T00:00:00+08:00")
    write_city(tables, renamed("丙"))
    commit(tmp_path, tables, "now")
    store = open_sqlite(tmp_path / "data")
    assert pending(store) is None
    store.close()


def test_the_past_is_not_changed_and_a_running_city_is_not_committed_to(tmp_path: Path, tables: Path) -> None:
    with pytest.raises(BadInput) as past:
        commit(tmp_path, tables, effective="2020-01-01T00:00:00+08:00")
    assert past.value.key == "policy.effective_past"
    lock = FolderLock(tmp_path / "data")
    with pytest.raises(Conflict):
        commit(tmp_path, tables)
    lock.release()


def test_the_commands_say_in_both_languages_what_to_do_and_end_as_they_should(
    tmp_path: Path, tables: Path
) -> None:
    run = CliRunner().invoke
    good = run(app, ["city", "check", str(tables)])
    assert good.exit_code == 0 and "检查通过" in good.output and "Unset" in good.output
    book = tmp_path / "a.xlsx"
    assert run(app, ["city", "export", str(tables), "--to", str(book)]).exit_code == 0
    assert run(app, ["city", "check", str(book)]).exit_code == 0
    data = str(tmp_path / "data")
    base = ["--data", data, "--author", "a", "--reason", "b"]
    assert run(app, ["city", "commit", str(book), *base]).exit_code == 0
    assert run(app, ["city", "diff", str(tables), "--data", data]).exit_code == 0, (
        "CSV and Excel say the same"
    )
    assert "city 1" in run(app, ["city", "log", "--data", data]).output
    text = (tables / "posts.csv").read_text(encoding="utf-8-sig").replace("unit:gas,", "unit:gsa,")
    (tables / "posts.csv").write_text(text, encoding="utf-8")
    bad = run(app, ["city", "check", str(tables)])
    assert bad.exit_code == 1 and "posts.csv" in bad.output and "unit:gsa" in bad.output
    assert "⟦" not in bad.output + good.output
    assert run(app, ["city", "check", str(tmp_path / "none")]).exit_code == 2
