"""Payloads as a topic's table reads them; whatever bytes come, nothing but BadInput comes out."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liandong.adapters.mqtt.payload import Said, rows_of
from liandong.adapters.mqtt.topics import MqttTopic
from liandong.core.ingest.rows import DeviceRow
from liandong.core.values.errors import BadInput
from liandong.core.values.times import parse_time

AT, NOW = "2026-05-01T09:00:00+08:00", 1_777_000_000_000_000
T = parse_time(AT)
NAMES = {"device": "d1", "item": "i1"}


def read(payload: Any, **how: str) -> list[tuple[str, str, int, float | None]]:
    rule = msgspec.convert({"topic": "{device}/{item}", **how}, MqttTopic)
    said = rows_of(rule, NAMES, payload if isinstance(payload, bytes) else json.dumps(payload).encode(), NOW)
    assert said.timed == bool(how.get("time"))
    return [(r.device, r.item, r.time, r.value) for rows in said.rows.values() for r in rows]


def test_one_number() -> None:
    assert read(b" 4.5\n", format="number") == [("d1", "i1", NOW, 4.5)]
    assert read(b"nan", format="number") == [("d1", "i1", NOW, None)]
    assert read(b"7", value="") == [("d1", "i1", NOW, 7.0)]


def test_paths_to_time_value_device_and_item() -> None:
    said = {"meta": {"t": AT, "sn": 77}, "d": [{"n": "ch4", "v": "3.5"}]}
    how = {"time": "meta.t", "value": "d.0.v", "item_at": "d.0.n", "device_at": "meta.sn"}
    assert read(said, **how) == [("77", "ch4", T, 3.5)]
    for unit, number in (("s", T // 1_000_000), ("ms", T // 1000), ("us", T), ("s", T / 1e6)):
        assert read({"t": number, "v": 1}, time="t", time_form=unit, value="v") == [("d1", "i1", T, 1.0)]


def test_members_of_an_object_and_of_a_list() -> None:
    values = {"a": 1, "b": None, "c": "x", "d": {"e": 1}, "f": True}
    assert read({"v": values}, values="v") == [
        ("d1", "a", NOW, 1.0), ("d1", "b", NOW, None), ("d1", "f", NOW, 1.0),
    ]  # fmt: skip
    rows = [{"id": "x", "t": AT, "v": 1}, {"id": "y", "t": AT, "v": 2}]
    how = {"time": "t", "value": "v", "device_at": "id"}
    assert read(rows, rows=".", **how) == [("x", "i1", T, 1.0), ("y", "i1", T, 2.0)]


@pytest.mark.parametrize(
    ("payload", "how", "path"),
    [
        ({"v": 1}, {"time": "t", "value": "v"}, "t"),
        ({"t": 5, "v": 1}, {"time": "t", "value": "v"}, "t"),
        ({"v": "x"}, {"value": "v"}, "v"),
        ({"v": []}, {"value": "v.0"}, "v.0"),
        ({"v": 1}, {"rows": "v", "value": "v"}, "v"),
        (b"{", {"value": "v"}, ""),
    ],
)
def test_what_is_missing_is_named(payload: Any, how: dict[str, str], path: str) -> None:
    with pytest.raises(BadInput) as refused:
        read(payload, **how)
    assert refused.value.key == "mqtt.bad_payload" and refused.value.params["path"] == path


numbers = st.one_of(st.integers(), st.floats(), st.text(max_size=8), st.booleans(), st.none())
trees = st.recursive(
    numbers,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("tvdi0"), inner),
    max_leaves=8,
)
forms = st.fixed_dictionaries(
    {"topic": st.just("{device}/{item}")},
    optional={
        "time": st.sampled_from(["t", "d.t"]), "time_form": st.sampled_from(["rfc3339", "s", "ms"]),
        "value": st.sampled_from(["", "v", "d.0.v"]), "values": st.sampled_from([".", "d"]),
        "rows": st.sampled_from([".", "d"]), "device_at": st.just("i"), "item_at": st.just("i"),
        "format": st.sampled_from(["json", "number"]),
    },
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(forms, st.one_of(st.binary(max_size=40), trees.map(lambda tree: json.dumps(tree).encode())))
def test_whatever_comes_is_rows_or_a_refusal(how: dict[str, str], payload: bytes) -> None:
    try:
        said = rows_of(msgspec.convert(how, MqttTopic), NAMES, payload, NOW)
    except BadInput:
        return
    assert isinstance(said, Said)
    found = [row for rows in said.rows.values() for row in rows]
    assert all(isinstance(row, DeviceRow) and isinstance(row.time, int) for row in found)
