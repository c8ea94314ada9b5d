"""Every error that can be planted in a city's folder is found where it is, and once."""

from __future__ import annotations

from pathlib import Path

import pytest

from liandong.adapters.tables import check_city, write_city
from tests.adapters.tables.folders import DEMO, change, found, put, row_of, table


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_city(tmp_path / "demo", DEMO)
    return tmp_path / "demo"


# Planted errors, one each

Plant = tuple[str, str | int, str, str, str]
PLANTED: list[Plant] = [
    ("units", "unit:gas", "kind", "company", "city.bad_value"),
    ("units", "unit:gas", "name_zh", "", "city.bad_value"),
    ("units", "unit:gas", "parent", "unit:nobody", "city.unknown_reference"),
    ("units", "unit:contractor", "principal", "unit:nobody", "city.unknown_reference"),
    ("units", "unit:gas", "area", "area:nowhere", "city.unknown_reference"),
    ("units", "unit:gas", "numbers", "gis", "city.bad_value"),
    ("areas", "area:yunxi-1", "path", "/demo/", "city.bad_value"),
    ("areas", "area:yunxi-1", "parent", "area:east", "city.area_order"),
    ("areas", "area:yunxi", "parent", "", "city.area_order"),
    ("bodies", 2, "chairs", "person:p999", "city.unknown_reference"),
    ("bodies", 2, "members", "unit:fire;unit:nobody", "city.unknown_reference"),
    ("posts", 3, "unit", "unit:nobody", "city.unknown_reference"),
    ("posts", 3, "duty", "perhaps", "city.bad_value"),
    ("holdings", 3, "person", "person:p999", "city.unknown_reference"),
    ("holdings", 3, "until", "1999-01-01T00:00:00Z", "city.period"),
    ("duties", 3, "deputy", "person:p999", "city.unknown_reference"),
    ("duties", 3, "start", "2026-05-01T08:00:00", "city.bad_value"),
    ("duties", 3, "end", "2026-05-01T08:00:00+08:00", "city.period"),
    ("assets", 3, "area", "area:nowhere", "city.unknown_reference"),
    ("assets", 3, "regulator", "unit:nobody", "city.unknown_reference"),
    ("relations", 3, "target", "asset:none", "city.unknown_reference"),
    ("relations", 3, "kind", "near", "city.bad_value"),
    ("sensors", 3, "asset", "asset:none", "city.unknown_reference"),
    ("channels", 3, "sensor", "sensor:none", "city.unknown_reference"),
    ("channels", 3, "quantity", "radon", "city.unknown_reference"),
    ("channels", 3, "source", "source:none", "city.unknown_reference"),
    ("channels", 3, "number", "0", "city.channel_number"),
    ("channels", 3, "number", "-1", "city.bad_value"),
    ("quantities", 2, "high", "-5", "city.bad_value"),
    ("sources", 2, "lateness_s", "-1", "city.bad_value"),
    ("sources", 2, "idle_s", "0", "city.bad_value"),
    ("sources", 2, "unit", "unit:nobody", "city.unknown_reference"),
    ("permissions", 2, "post", "post:none", "city.unknown_reference"),
    ("permissions", 2, "capability", "case.delete", "city.bad_value"),
    ("permissions", 2, "modes", "real;fun", "city.bad_value"),
    ("rules", 3, "quantity", "radon", "city.unknown_reference"),
    ("rules", 3, "severity", "III", "city.bad_value"),
    ("rules", 3, "clear_at", "99", "city.bad_value"),
    ("rules", 3, "hold_s", "-1", "city.bad_value"),
    ("mechanism", 2, "centre", "unit:nobody", "city.unknown_role"),
    ("roles", 2, "role", "province:housing", "city.unknown_role"),
    ("roles", 2, "role", "", "city.bad_value"),
    ("roles", 2, "in_name_of", "body:nobody", "city.unknown_role"),
    ("roles", 2, "tier", "nobody", "city.bad_value"),
    ("assets", 3, "stage", "sleep", "city.bad_value"),
    ("sources", 2, "protocol", "telex", "city.bad_value"),
    ("sensors", 3, "calibrated", "yesterday", "city.bad_value"),
    ("rules", 3, "channel", "channel:none", "city.unknown_reference"),
    ("grading", 2, "severity", "worst", "city.bad_value"),
    ("grading", 2, "level", "*", "city.bad_value"),
    ("roles", 2, "role", "somebody", "city.unknown_role"),
    ("roles", 2, "level", "V", "city.bad_value"),
    ("steps", 2, "action", "think", "city.bad_value"),
    ("steps", 2, "role", "actor", "city.unknown_role"),
    ("steps", 2, "limit_s", "60", "city.bad_value"),
    ("escalations", 2, "fraction", "0", "city.bad_value"),
    ("escalations", 2, "role", "somebody", "city.unknown_role"),
    ("pauses", 2, "charged_to", "somebody", "city.unknown_role"),
    ("pauses", 2, "actions", "handle;think", "city.bad_value"),
    ("city", 2, "zone", "Asia/Nowhere", "city.bad_value"),
]


@pytest.mark.parametrize(("name", "at", "column", "value", "key"), PLANTED)
def test_a_planted_error_is_found_where_it_is(
    folder: Path, name: str, at: str | int, column: str, value: str, key: str
) -> None:
    row = row_of(folder, name, at) if isinstance(at, str) else at
    change(folder, name, row, column, value)
    errors = [
        e for e in check_city(folder) if (e.params["row"], e.params.get("file")) == (row, f"{name}.csv")
    ]
    assert [(e.key, e.params["column"]) for e in errors] == [(key, column)]


def test_a_key_used_twice_names_the_first_row(folder: Path) -> None:
    rows = table(folder, "assets")
    put(folder, "assets", [*rows, rows[4]])
    assert found(folder) == [("city.duplicate_key", "assets.csv", len(rows) + 1, "key", rows[4][0])]
    assert check_city(folder)[0].params["first"] == 5


def test_a_key_without_its_prefix_is_refused(folder: Path) -> None:
    change(folder, "pauses", 2, "key", "a b")
    change(folder, "sources", 6, "key", "self")
    keys = {(e.params["file"], e.params["column"]) for e in check_city(folder) if e.key == "city.bad_value"}
    assert {("pauses.csv", "key"), ("sources.csv", "key")} <= keys


@pytest.mark.parametrize(
    ("name", "one", "other"), [("areas", "area:east", "area:yunxi"), ("units", "unit:government", "unit:gas")]
)
def test_a_circle_of_parents_is_said_once(folder: Path, name: str, one: str, other: str) -> None:
    change(folder, name, row_of(folder, name, one), "parent", other)
    circles = [e for e in check_city(folder) if e.key == "city.tree_circle"]
    assert len(circles) == 1
    assert circles[0].params["row"] == row_of(folder, name, one)
    assert one in str(circles[0].params["circle"]) and other in str(circles[0].params["circle"])


def test_overlapping_duties_of_a_post_are_found_also_behind_a_long_one(folder: Path) -> None:
    duties = table(folder, "duties")
    assert duties[1][0] == duties[3][0], "one post"
    change(folder, "duties", 2, "end", duties[3][2])
    overlaps = [
        (e.params["row"], e.params["other"]) for e in check_city(folder) if e.key == "city.duties_overlap"
    ]
    assert overlaps == [(3, 2), (4, 2)]


def test_the_same_hours_at_another_post_are_no_overlap(folder: Path) -> None:
    assert "city.duties_overlap" not in [e.key for e in check_city(folder)]


def test_a_group_of_4096_channels_is_the_largest(folder: Path) -> None:
    rows = table(folder, "channels")
    row = dict(zip(rows[0], rows[1], strict=True))
    more = [
        [
            row[c]
            if c not in ("key", "number", "position")
            else {"key": f"channel:x{n}", "number": "", "position": str(n)}[c]
            for c in rows[0]
        ]
        for n in range(4095)
    ]
    put(folder, "channels", [*rows, *more])
    assert found(folder) == []
    more.append(
        [
            cell.replace("x1", "y") if cell == "channel:x1" else "last" if cell == "1" else cell
            for cell in more[1]
        ]
    )
    put(folder, "channels", [*rows, *more])
    error = check_city(folder)[0]
    assert (error.key, error.params["row"], error.params["count"]) == (
        "city.group_too_large",
        len(rows) + 4096,
        4097,
    )


def test_one_sensor_quantity_and_position_is_one_channel(folder: Path) -> None:
    rows = table(folder, "channels")
    twin = ["channel:twin", "", *rows[1][2:]]
    put(folder, "channels", [*rows, twin])
    assert [e[0] for e in found(folder)] == ["city.duplicate_channel"]


@pytest.mark.parametrize("part", ["lead", "verify"])
def test_a_step_for_a_role_that_no_row_names_is_found(folder: Path, part: str) -> None:
    rows = table(folder, "roles")
    put(folder, "roles", [rows[0], *[row for row in rows[1:] if row[rows[0].index("part")] != part]])
    keys = {e.key for e in check_city(folder)}
    assert keys == {"city.role_unresolved"}


def test_a_source_may_send_and_nothing_else(folder: Path) -> None:
    rows = table(folder, "permissions")
    at = next(i for i, row in enumerate(rows) if row[0] == "source:gas")
    change(folder, "permissions", at + 1, "capability", "case.read")
    assert [e[:4] for e in found(folder)] == [("city.bad_value", "permissions.csv", at + 1, "capability")]
