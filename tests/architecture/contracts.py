"""Turn the tables in ARCHITECTURE.md into import contracts, so that the map cannot go stale.

Contracts look at direct imports only: since *may import* is complete for every room, what a room can
reach through its neighbours follows from the table alone (`reach`) and is tested there.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

ROOT = "liandong"
EACH_OTHER = "each other"
LINT = "from importlinter.cli import lint_imports_command as lint; lint()"


@dataclass(frozen=True, kw_only=True)
class Room:
    #: Module path, `liandong.core.detect`.
    name: str
    #: Row ending in `.*`: the folder holds only its `__init__`, the row holds for every room below.
    corridor: bool
    #: Listed so that its place is kept; must not exist yet.
    later: bool
    what: str
    may: tuple[str, ...]
    never: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Driver:
    module: str
    only_in: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Contract:
    name: str
    #: Modules that must not import …
    sources: frozenset[str]
    #: … these modules of ours or of others.
    targets: frozenset[str]


def inside(module: str, names: Iterable[str]) -> bool:
    """Whether `module` is one of `names` or lies below one."""
    return any(module == name or module.startswith(name + ".") for name in names)


class Table:
    """The two tables of the page, with names made whole."""

    def __init__(self, page: str) -> None:
        raw = _rows(page, "room")
        names = {_cell(row[0])[0].removesuffix(".*") for row in raw}

        def whole(words: Iterable[str]) -> tuple[str, ...]:
            return tuple(f"{ROOT}.{w}" if _own(f"{ROOT}.{w}", names) else w for w in words)

        self.rooms = [
            Room(
                name=_cell(first)[0].removesuffix(".*"),
                corridor=_cell(first)[0].endswith(".*"),
                later="(later)" in first,
                what=what.strip(),
                may=whole(_cell(may)),
                never=whole(_cell(never)),
            )
            for first, what, may, never in raw
        ]
        self.drivers = [
            Driver(module=module, only_in=whole(_cell(only)))
            for modules, only in _rows(page, "module")
            for module in _cell(modules)
        ]
        self.by_name = {room.name: room for room in self.rooms}

    def room_of(self, module: str) -> Room | None:
        """The room with the longest matching name; a corridor owns nothing but itself."""
        found = [r for r in self.rooms if inside(module, [r.name])]
        best = max(found, key=lambda r: len(r.name), default=None)
        return None if best and best.corridor and module != best.name else best

    def may(self, room: Room) -> frozenset[str]:
        """What a room may import of ours: its own words and those of the corridors above it."""
        return frozenset(word for row in self._rows_over(room) for word in row.may)

    def never(self, room: Room) -> frozenset[str]:
        """What a room must never import; a ban on everybody does not mean the banned room itself."""
        words = {word for row in self._rows_over(room) for word in row.never}
        return frozenset(w for w in words if w != EACH_OTHER and not inside(room.name, [w]))

    def reach(self, room: Room) -> frozenset[str]:
        """Every room that `room` can reach through any number of allowed imports."""
        seen: set[str] = set()
        todo = [room]
        while todo:
            allowed = self.may(todo.pop())
            new = [r for r in self.rooms if inside(r.name, allowed) and r.name not in seen]
            seen.update(r.name for r in new)
            todo.extend(new)
        return frozenset(seen)

    def contracts(self, modules: Iterable[str], targets: Iterable[str] | None = None) -> list[Contract]:
        """One contract per room, per driver, and per pack, over the modules that are there."""
        everything = sorted(modules)
        ours = frozenset(targets if targets is not None else everything)
        of_room: dict[str, list[str]] = {}
        for module in everything:
            room = self.room_of(module)
            if room:
                of_room.setdefault(room.name, []).append(module)
        found = []
        for name, sources in of_room.items():
            room = self.by_name[name]
            open_to_it = {name, *self.may(room)}
            # The version is everybody's; whoever lies in a room may pass through its own doors.
            closed = {
                m for m in ours if m != ROOT and self.room_of(m) is not room and not inside(m, open_to_it)
            }
            outside = {w for w in self.never(room) if not w.startswith(ROOT + ".")}
            found.append(
                Contract(
                    name=f"{name} keeps to its row",
                    sources=frozenset(sources),
                    targets=frozenset(closed | outside),
                )
            )
        for driver in self.drivers:
            sources = [m for m in everything if not inside(m, driver.only_in)]
            found.append(
                Contract(
                    name=f"{driver.module} stays in its rooms",
                    sources=frozenset(sources),
                    targets=frozenset({driver.module}),
                )
            )
        for room in self.rooms:
            if EACH_OTHER in room.never:
                found += _siblings(room.name, everything, ours)
        return [c for c in found if c.sources and c.targets]

    def _rows_over(self, room: Room) -> list[Room]:
        return [r for r in self.rooms if r is room or (r.corridor and inside(room.name, [r.name]))]


def _siblings(parent: str, everything: list[str], ours: frozenset[str]) -> list[Contract]:
    """Folders of one shape that never meet: one contract per folder against all others."""
    depth = parent.count(".") + 2
    below = [m for m in everything if m.startswith(parent + ".")]
    folders = sorted({".".join(m.split(".")[:depth]) for m in ours if m.startswith(parent + ".")})
    return [
        Contract(
            name=f"{folder} meets no other of {parent}",
            sources=frozenset(m for m in below if inside(m, [folder])),
            targets=frozenset(m for m in ours if m.startswith(parent + ".") and not inside(m, [folder])),
        )
        for folder in folders
    ]


def _own(name: str, names: set[str]) -> bool:
    """A word is ours when the table has it, or has a room above it that is more than the root."""
    return any(inside(name, [n]) for n in names if n != ROOT)


def _rows(page: str, heading: str) -> list[list[str]]:
    """The rows of the table whose first column is called `heading`."""
    lines = iter(page.splitlines())
    for line in lines:
        if re.match(rf"\|\s*{heading}\s*\|", line):
            break
    next(lines, None)
    rows = []
    for line in lines:
        if not line.startswith("|"):
            break
        rows.append(line.strip().strip("|").split("|"))
    return rows


def _cell(cell: str) -> list[str]:
    """The words in code quotes of one cell."""
    return re.findall(r"`([^`]+)`", cell)


def modules_of(src: Path) -> list[str]:
    """Every module below `src`, as an import would name it."""
    found = []
    for path in sorted((src / ROOT).rglob("*.py")):
        parts = path.relative_to(src).with_suffix("").parts
        found.append(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    return found


@dataclass(frozen=True, kw_only=True)
class Result:
    #: Contract name → kept?
    kept: dict[str, bool]
    #: Contract name → {(importer, imported)}.
    broken_by: dict[str, set[tuple[str, str]]]
    output: str


def run_linter(src: Path, contracts: list[Contract], work: Path) -> Result:
    """Run import-linter once, in a process of its own, over the package found in `src`."""
    lines = ["[tool.importlinter]", f'root_package = "{ROOT}"', "include_external_packages = true"]
    for contract in contracts:
        lines += [
            "[[tool.importlinter.contracts]]",
            f"name = {json.dumps(contract.name)}",
            'type = "forbidden"',
            f"source_modules = {json.dumps(sorted(contract.sources))}",
            f"forbidden_modules = {json.dumps(sorted(contract.targets))}",
            "allow_indirect_imports = true",
            "as_packages = false",
        ]
    config = work / "contracts.toml"
    config.write_text("\n".join(lines) + "\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", LINT, "--config", str(config), "--no-cache"],
        cwd=work,
        env={**os.environ, "PYTHONPATH": str(src), "COLUMNS": "400", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    return _read_report(done.stdout + done.stderr, [c.name for c in contracts])


def _read_report(output: str, names: list[str]) -> Result:
    kept: dict[str, bool] = {}
    broken_by: dict[str, set[tuple[str, str]]] = {name: set() for name in names}
    section = ""
    for line in output.splitlines():
        verdict = re.match(r"(.+?) (KEPT|BROKEN)\b", line.strip())
        if verdict and verdict[1] in broken_by:
            kept[verdict[1]] = verdict[2] == "KEPT"
        elif line.strip() in broken_by:
            section = line.strip()
        elif section and (arrow := re.match(r"\s*-?\s*(\S+) -> (\S+) \(l\.", line)):
            broken_by[section].add((arrow[1], arrow[2]))
    return Result(kept=kept, broken_by=broken_by, output=output)
