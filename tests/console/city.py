"""The example city of the documentation, with the people and rows that a console's day needs."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "city"
#: Account → person; every password is `password_of`.
PEOPLE = {
    "officer": "person:centre",
    "second": "person:centre2",
    "gas": "person:gas",
    "emergency": "person:emergency",
    "grid": "person:grid",
    "water": "person:water",
    "newcomer": "person:chief",
    "leader": "person:head",
    "housing": "person:housing",
}


def password_of(account: str) -> str:
    """Long, of three kinds, without the account's name."""
    return f"Xk7-{account[::-1]}-lamp"


def first_password(account: str) -> str:
    """What the administrator gave; it has to be changed at the first sign-in."""
    return f"Qz3-{account[::-1]}-desk"


def write_city(folder: Path, storm: bool = False) -> Path:
    """A folder of tables that `liandong serve --city` takes, valid around the present moment.

    `storm`: from two alarms in a town on, all share one case.
    """
    shutil.copytree(EXAMPLE, folder)
    now = datetime.now(UTC).replace(microsecond=0)
    begin, end = (f"{(now + timedelta(hours=h)).isoformat()}" for h in (-2, 10))
    after = f"{(now + timedelta(hours=22)).isoformat()}"
    _add(
        folder, "persons", ["person:centre2", "值班员己", "00000000102"],
        ["person:grid", "网格员庚", "00000000103"], ["person:water", "抢修员辛", "00000000104"],
        ["person:chief", "带班领导壬", "00000000105"],
    )  # fmt: skip
    _set(folder, "persons", "person:centre", phone="00000000101")
    _set(folder, "persons", "person:gas", phone="00000000106")
    _set(folder, "persons", "person:emergency", phone="00000000107")
    _add(
        folder,
        "units",
        ["unit:water", "示例自来水公司", "Water company", "firm", "", "area:example", "water"],
    )
    _add(
        folder, "posts", ["post:centre.second", "unit:centre", "副班", "Second watch", "no", "no"],
        ["post:centre.leader", "unit:centre", "带班领导", "Leader on duty", "no", "yes"],
        ["post:heping.grid", "unit:heping", "网格员", "Grid worker", "no", "no"],
        ["post:water.duty", "unit:water", "值班岗", "Duty officer", "yes", "no"],
    )  # fmt: skip
    _add(
        folder, "holdings", ["post:centre.duty", "person:centre2"], ["post:centre.second", "person:centre2"],
        ["post:centre.leader", "person:chief"], ["post:heping.grid", "person:grid"],
        ["post:water.duty", "person:water"], ["post:heping.duty", "person:grid"],
    )  # fmt: skip
    _add(
        folder, "duties", ["post:centre.duty", begin, end, "person:centre", "person:centre2"],
        ["post:centre.duty", end, after, "person:centre2", "person:centre"],
        ["post:centre.second", begin, end, "person:centre2"],
        ["post:centre.leader", begin, end, "person:chief"],
        ["post:heping.duty", begin, end, "person:grid"],
    )  # fmt: skip
    _add(folder, "permissions", ["post:centre.duty", "personal.read", "*", "", "real", "personal"])
    _add(
        folder, "assets",
        ["asset:valve-2", "和平路 2 号阀井", "Valve chamber 2", "valve_chamber", "area:heping", "unit:gas"],
        ["asset:valve-3", "和平路 3 号阀井", "Valve chamber 3", "valve_chamber", "area:heping", "unit:gas"],
    )  # fmt: skip
    _add(
        folder,
        "sensors",
        ["sensor:valve-2", "asset:valve-2", "示例"],
        ["sensor:valve-3", "asset:valve-3", "示例"],
    )
    _add(
        folder, "channels",
        ["channel:valve-2.ch4", "1", "sensor:valve-2", "ch4_lel", "", "asset:valve-2", "source:gas"],
        ["channel:valve-3.ch4", "2", "sensor:valve-3", "ch4_lel", "", "asset:valve-3", "source:gas"],
    )  # fmt: skip
    _add(folder, "relations", ["asset:valve-1", "adjacent", "asset:valve-2"])
    _add(
        folder, "units",
        ["unit:duty_room", "示例市总值班室", "General duty room", "department", "", "area:example", ""],
    )  # fmt: skip
    _add(folder, "posts", ["post:duty_room.duty", "unit:duty_room", "值班岗", "Duty officer", "yes", "no"])
    _add(folder, "persons", ["person:room", "总值班员癸", "00000000108"])
    _add(folder, "holdings", ["post:duty_room.duty", "person:room"])
    _new(
        folder, "reports", key="report.room", flow="*", level="II", kind="upward", recipient="unit:duty_room",
        signer="centre", channel="file", first_s="1800", next_s="3600", provenance="source", place="示例 4.2",
    )  # fmt: skip
    _add(
        folder, "escalations", ["wake.handle", "*", "II", "judge", "0.8", "urge", "leader", "file", "assumed"]
    )
    _joint(folder, begin, end)
    _swaps(folder, now)
    _set(
        folder, "assets", "asset:valve-1", lon="113.05", lat="22.95", facts="深度=3 m;距主管=12 m;阀门=2 号阀"
    )
    _set(folder, "sensors", "sensor:valve-1", calibrated="2026-03-01T00:00:00+08:00")
    if storm:
        _new(
            folder, "gatherings", key="gather.town", flow="*", area_kind="town", count="2", within_s="600",
            quiet_s="1800", provenance="assumed",
        )  # fmt: skip
    _set(folder, "rules", "ch4_high", clear_hold_s="1")
    return folder


def _joint(folder: Path, begin: str, end: str) -> None:
    """What only a case of level I has: a linked order, a call, an approval, a duty question."""
    _add(folder, "persons", ["person:head", "局长丑", "00000000109"])
    _add(folder, "posts", ["post:emergency.leader", "unit:emergency", "局领导", "Bureau chief", "no", "yes"])
    _add(folder, "holdings", ["post:emergency.leader", "person:head"])
    _add(folder, "duties", ["post:emergency.leader", begin, end, "person:head"])
    _put(
        folder, "steps", key="line.support", flow="*", level="I", order="3", action="support",
        role="unit:emergency", line="fire", limit_s="3600", origin="issued", provenance="assumed",
    )  # fmt: skip
    _put(
        folder, "escalations", key="call.support", flow="*", level="I", action="support", line="fire",
        after_s="1", kind="call", role="actor", channel="file", repeat_s="600", repeats="3",
        provenance="assumed",
    )  # fmt: skip
    _put(
        folder, "transfers", key="transfer.extend", flow="*", level="I", action="extend", role="holder",
        approver="centre", longest_s="86400", limit_s="1800", provenance="assumed",
    )  # fmt: skip
    _put(
        folder, "decisions", key="decide.I", flow="*", scale="case_level", code="I", decider="unit:emergency",
        limit_s="1800", otherwise="centre", provenance="assumed",
    )  # fmt: skip
    _put(
        folder, "transfers", key="transfer.return", flow="*", level="I", action="return", role="holder",
        decides="unit:emergency", limit_s="1800", provenance="assumed",
    )  # fmt: skip


def _swaps(folder: Path, now: datetime) -> None:
    """Duties of the days ahead that two people can swap, and the rights of whoever drafts a mechanism."""
    for day, person in ((3, "person:centre"), (5, "person:centre2")):
        begin, end = ((now + timedelta(days=day, hours=h)).isoformat() for h in (0, 8))
        _add(folder, "duties", ["post:centre.duty", begin, end, person])
    for right in ("mechanism.draft", "mechanism.publish"):
        _add(folder, "permissions", ["post:emergency.duty", right, "*", "", "real", "internal"])


def _read(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


def _write(path: Path, rows: Iterable[list[str]]) -> None:
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows(rows)


def _add(folder: Path, table: str, *rows: list[str]) -> None:
    path = folder / f"{table}.csv"
    old = _read(path)
    _write(path, [*old, *(row + [""] * (len(old[0]) - len(row)) for row in rows)])


def _set(folder: Path, table: str, key: str, **values: str) -> None:
    path = folder / f"{table}.csv"
    head, *rows = _read(path)
    for name in values:
        if name not in head:
            head.append(name)
    rows = [row + [""] * (len(head) - len(row)) for row in rows]
    for row in rows:
        if row[0] == key:
            for name, value in values.items():
                row[head.index(name)] = value
    _write(path, [head, *rows])


def add_rule(folder: Path, like: str, key: str, **values: str) -> None:
    """One more rule, like another but for its key and some values."""
    path = folder / "rules.csv"
    head, *rows = _read(path)
    row = next(row for row in rows if row[0] == like)
    _write(path, [head, *rows, [key, *row[1:]]])
    _set(folder, "rules", key, **values)


def _put(folder: Path, table: str, **values: str) -> None:
    """One more row, with the columns and the table that it needs."""
    path = folder / f"{table}.csv"
    if not path.is_file():
        _write(path, [list(values)])
    head, *rows = _read(path)
    head += [name for name in values if name not in head]
    rows = [row + [""] * (len(head) - len(row)) for row in rows]
    _write(path, [head, *rows, [values.get(name, "") for name in head]])


def _new(folder: Path, table: str, **values: str) -> None:
    _write(folder / f"{table}.csv", [list(values), list(values.values())])
