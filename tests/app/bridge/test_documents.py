"""Every byte string is an event or a clear refusal; an order's document names nobody."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liandong.app.bridge.documents import EventIn, read_event, read_orders
from liandong.core.values.errors import BadInput
from tests.app.bridge.bridged import BRIDGE, BridgedTown

_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
_fields = st.sampled_from([*EventIn.__struct_fields__, "more"])


@given(st.binary(max_size=200) | _json.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_an_event_or_refused(raw: bytes) -> None:
    for read in (read_event, read_orders):
        try:
            read(raw)
        except BadInput as error:
            assert error.key


@given(st.dictionaries(_fields, _json, max_size=8))
def test_any_fields_are_an_event_or_refused(fields: dict[str, Any]) -> None:
    try:
        made = read_event(json.dumps({"event": "e1"} | fields).encode())
    except BadInput as error:
        assert error.key
    else:
        assert made.event and isinstance(made.files(), list)


def test_what_is_refused_does_not_repeat_what_was_said() -> None:
    with pytest.raises(BadInput) as error:
        read_event(json.dumps({"event": "e1", "words": {"住户": "李华 000-5550199"}}).encode())
    assert "李华" not in str(error.value.params)


def test_a_file_comes_through_whole() -> None:
    data = bytes(range(256))
    made = read_event(
        json.dumps({"event": "e1", "evidence": [{"data": base64.b64encode(data).decode()}]}).encode()
    )
    assert made.files() == [data]


def test_an_order_names_places_steps_and_limits_and_no_person(tmp_path: Path) -> None:
    town = BridgedTown(tmp_path)
    try:
        case = town.sent_out()
        order = town.order(case)
        shown = town.bridges.document(BRIDGE, order.id)
    finally:
        town.close()
    assert shown["order"] == order.id and shown["status"] == "issued" and shown["mode"] == "real"
    assert [step["action"] for step in shown["steps"]] == [step.action.value for step in order.steps]
    assert shown["asset"]["name"] and shown["place"] and shown["known"]["value"] == 60.0
    assert shown["outcome"] is None and json.loads(json.dumps(shown)) == shown
    text = json.dumps(shown, ensure_ascii=False)
    assert "person:" not in text
    assert not any(p.name in text or p.phone in text for p in town.folder.persons)
