"""The table of rooms in ARCHITECTURE.md is true, holds every import, and its guards bite."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from pathlib import Path

import pytest

from tests.architecture.clocks import clock_readings, sql_readings
from tests.architecture.contracts import ROOT, Contract, Room, Table, inside, modules_of, run_linter

REPO = Path(__file__).parents[2]
SRC = REPO / "src"
TABLE = Table((REPO / "ARCHITECTURE.md").read_text(encoding="utf-8"))
MODULES = modules_of(SRC)
CLOCK_READERS = (f"{ROOT}.app.clock", f"{ROOT}.bench")


def exists(room: Room) -> bool:
    return room.name in MODULES


def source_of(module: str) -> str:
    path = SRC.joinpath(*module.split("."))
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return file.read_text(encoding="utf-8")


# The table itself


def test_every_room_of_the_table_exists_unless_it_is_marked_later() -> None:
    missing = [r.name for r in TABLE.rooms if not r.later and not exists(r)]
    assert not missing, "in ARCHITECTURE.md and not in src, and not marked (later)"


def test_a_room_that_exists_is_no_longer_marked_later() -> None:
    assert not [r.name for r in TABLE.rooms if r.later and exists(r)]


def test_every_python_file_lies_in_a_room() -> None:
    homeless = [m for m in MODULES if TABLE.room_of(m) is None]
    assert not homeless, "give it a row in ARCHITECTURE.md, or put it into a room"


def test_every_folder_of_modules_has_an_init_else_the_linter_does_not_see_it() -> None:
    folders = {p.parent for p in (SRC / ROOT).rglob("*.py")}
    assert not [str(f.relative_to(SRC)) for f in folders if not (f / "__init__.py").exists()]


def test_every_room_says_what_it_is_in_one_sentence() -> None:
    assert not [r.name for r in TABLE.rooms if not r.what.endswith(".")]
    assert len(TABLE.by_name) == len(TABLE.rooms), "two rows of one name"


def test_every_foreign_name_in_the_table_is_a_real_module() -> None:
    words = {w for r in TABLE.rooms for w in TABLE.never(r)} | {d.module for d in TABLE.drivers}
    foreign = {w for w in words if not inside(w, [ROOT])}
    unknown = [w for w in foreign if w not in sys.stdlib_module_names and not importlib.util.find_spec(w)]
    assert not unknown, "a room that the table does not have, or a misspelt module"
    allowed = {w for r in TABLE.rooms for w in r.may} | {w for d in TABLE.drivers for w in d.only_in}
    assert not [w for w in allowed if not inside(w, [ROOT])], "no room of ours"


def test_no_room_reaches_through_its_neighbours_what_it_must_never_import() -> None:
    leaks = [
        f"{room.name} reaches {far}"
        for room in TABLE.rooms
        for far in sorted(TABLE.reach(room))
        if inside(far, TABLE.never(room))
    ]
    assert not leaks


def test_the_table_is_a_tower_without_circles() -> None:
    assert not [r.name for r in TABLE.rooms if r.name in TABLE.reach(r)]


# The imports


@pytest.mark.slow
def test_every_import_keeps_to_the_table(tmp_path: Path) -> None:
    contracts = TABLE.contracts(MODULES)
    result = run_linter(SRC, contracts, tmp_path)
    assert set(result.kept) == {c.name for c in contracts}, result.output
    assert all(result.kept.values()), "\n".join(
        f"{name}: {importer} -> {imported}"
        for name, pairs in sorted(result.broken_by.items())
        for importer, imported in sorted(pairs)
    )


@pytest.mark.slow
def test_every_contract_is_broken_by_a_planted_violation(tmp_path: Path) -> None:
    src = tmp_path / "src"
    shutil.copytree(SRC / ROOT, src / ROOT, ignore=shutil.ignore_patterns("__pycache__"))
    packs = SRC.joinpath(ROOT, "packs")
    if packs.is_dir():
        for name in ("planted_a", "planted_b"):  # two packs at least, so that they can meet
            folder = src / ROOT / "packs" / name
            folder.mkdir()
            (folder / "__init__.py").touch()
    before = modules_of(src)
    planned = TABLE.contracts(before)
    planted = plant(src, planned)
    contracts = TABLE.contracts(modules_of(src), targets=before)
    result = run_linter(src, contracts, tmp_path)

    assert {c.name for c in contracts} == {c.name for c in planned}
    silent = {
        f"{c.name}: {importer} -> {target}"
        for c in planned
        for importer in planters(c, planted)
        for target in c.targets
        if (importer, target) not in result.broken_by[c.name]
    }
    assert not [c.name for c in planned if result.kept.get(c.name) is not False], result.output[-3000:]
    assert not [c.name for c in planned if not planters(c, planted)], "nothing was planted for it"
    assert not silent, "imports that no contract saw"


def plant(src: Path, contracts: list[Contract]) -> dict[str, str]:
    """For every contract, in every room it binds, plant a module that imports all that is forbidden there.

    A room that is a single file gets the imports at its end. Gives planted module → module it stands for.
    """
    planted = {}
    for number, module in enumerate(sorted({m for c in contracts for m in first_of_each_room(c)})):
        targets = sorted({t for c in contracts if module in c.sources for t in c.targets})
        room = TABLE.room_of(module)
        path = src.joinpath(*module.split("."))
        if path.is_dir() and room is not None and not room.corridor:
            name = f"{module}._planted_{number}"
            file = path / f"_planted_{number}.py"
        else:
            name = module
            file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        with file.open("a", encoding="utf-8") as out:
            out.write("\n" + "".join(f"import {target}\n" for target in targets))
        planted[name] = module
    return planted


def first_of_each_room(contract: Contract) -> set[str]:
    rooms: dict[Room | None, str] = {}
    for module in sorted(contract.sources):
        rooms.setdefault(TABLE.room_of(module), module)
    return set(rooms.values())


def planters(contract: Contract, planted: dict[str, str]) -> list[str]:
    return [name for name, module in planted.items() if module in contract.sources]


# The clock


@pytest.mark.parametrize("room", ["core", "packs"])
def test_core_and_packs_never_ask_for_the_present(room: str) -> None:
    found = [
        f"{m}:{hit}"
        for m in MODULES
        if inside(m, [f"{ROOT}.{room}"])
        for hit in clock_readings(source_of(m), calls=True)
    ]
    assert not found


def test_outside_the_clock_nobody_asks_for_the_present() -> None:
    found = [
        f"{m}:{hit}"
        for m in MODULES
        if not inside(m, CLOCK_READERS)
        for hit in clock_readings(source_of(m), calls=False)
    ]
    assert not found


def test_no_sql_lets_the_database_read_its_clock() -> None:
    stores = [m for m in MODULES if inside(m, [f"{ROOT}.stores"])]
    assert not [f"{m}:{hit}" for m in stores for hit in sql_readings(source_of(m))]


@pytest.mark.parametrize(
    "planted",
    [
        "import time",
        "import time as t",
        "from time import monotonic",
        "from datetime import datetime\nx = datetime.now()",
        "import datetime\nx = datetime.datetime.utcnow()",
        "import datetime\nx = datetime.date.today()",
        "from datetime import datetime\nfield(default_factory=datetime.now)",
        "from datetime import datetime as when\nx = when.now()",
        "import numpy as np\nx = np.datetime64('now')",
    ],
)
def test_the_guard_of_the_clock_bites(planted: str) -> None:
    assert clock_readings(planted, calls=True)


@pytest.mark.parametrize("harmless", ["x = message.now", "def f(now): return now", "'''time.time()'''"])
def test_the_guard_of_the_clock_lets_a_given_moment_pass(harmless: str) -> None:
    assert not clock_readings(harmless, calls=True)


@pytest.mark.parametrize(
    "planted",
    [
        "q = text('select now()')",
        "q = 'x TEXT DEFAULT CURRENT_TIMESTAMP'",
        "q = f'update t set a = {b}, c = NOW ( )'",
        "q = \"select strftime('%s', 'now')\"",
        "Column('at', server_default=func.now())",
        "func.current_timestamp()",
    ],
)
def test_the_guard_of_the_sql_clock_bites(planted: str) -> None:
    assert sql_readings(planted)


def test_the_guard_of_the_sql_clock_lets_prose_pass() -> None:
    assert not sql_readings('"""Never now() in here."""\nq = "select at from entries"')
