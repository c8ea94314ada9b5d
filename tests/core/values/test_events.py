"""Events: what is recorded reads back as the same, and what cannot be read is called broken."""

from __future__ import annotations

from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liandong.core.values import events
from liandong.core.values.canonical import canonical_bytes
from liandong.core.values.errors import Broken
from liandong.core.values.events import EVENT_TYPES, VERSIONS, EventRecord, kind_of, read_event, record_event

PLAIN = {
    str: st.text(max_size=6),
    int: st.integers(-(2**62), 2**62),
    bool: st.booleans(),
    float: st.floats(allow_nan=False, allow_infinity=False),
    type(None): st.none(),
}


def anything(hint: Any) -> st.SearchStrategy[Any]:
    """Any value of a type, structs with all their fields, also those that have a default."""
    origin, inner = get_origin(hint), get_args(hint)
    if hint in PLAIN:
        return PLAIN[hint]
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return st.builds(hint, **{name: anything(kind) for name, kind in get_type_hints(hint).items()})
    if origin in (Union, UnionType):
        return st.one_of([anything(one) for one in inner])
    if origin is tuple and inner[1:] == (Ellipsis,):
        return st.lists(anything(inner[0]), max_size=2).map(tuple)
    if origin is tuple:
        return st.tuples(*[anything(one) for one in inner])
    if origin is dict:
        return st.dictionaries(anything(inner[0]), anything(inner[1]), max_size=2)
    return st.sampled_from(hint)  # a closed list


@pytest.mark.parametrize("name", EVENT_TYPES)
def test_every_type_reads_back(name):
    @settings(max_examples=15, deadline=None)
    @given(anything(EVENT_TYPES[name]))
    def holds(event: Any) -> None:
        record = record_event(event)
        assert (record.type, record.v) == (name, VERSIONS[name])
        assert read_event(record) == event
        assert record_event(read_event(record)) == record
        # As the journal keeps it: a record within an entry's bytes.
        kept = msgspec.json.decode(canonical_bytes(record), type=EventRecord)
        assert read_event(kept) == event

    holds()


@pytest.mark.parametrize("name", EVENT_TYPES)
@pytest.mark.parametrize("version", [-1, 0, 99])
def test_an_unknown_version_is_broken(name, version):
    with pytest.raises(Broken) as error:
        read_event(EventRecord(name, version, msgspec.Raw(b"{}")))
    assert error.value.key == "journal.unknown_event"


@pytest.mark.parametrize("data", [b"{}", b"[]", b"nonsense", b'{"case":1}', b""])
def test_data_that_does_not_fit_is_broken(data):
    for name in EVENT_TYPES:
        with pytest.raises(Broken):
            read_event(EventRecord(name, 1, msgspec.Raw(data)))


def test_an_unknown_type_is_broken():
    with pytest.raises(Broken):
        read_event(EventRecord("CaseForgotten", 1, msgspec.Raw(b"{}")))


def test_an_old_version_goes_through_every_upcaster(monkeypatch):
    monkeypatch.setitem(VERSIONS, "CaseArchived", 3)
    monkeypatch.setitem(events.UPCASTERS, ("CaseArchived", 1), lambda d: d | {"at": d["at"] + 1})
    monkeypatch.setitem(events.UPCASTERS, ("CaseArchived", 2), lambda d: d | {"at": d["at"] * 10})
    old = EventRecord("CaseArchived", 1, msgspec.Raw(b'{"type":"CaseArchived","case":"c","at":1}'))
    assert read_event(old).at == 20


def test_a_stream_says_what_it_is():
    assert [kind_of(s) for s in ("case:x:y", "risk:gas|a", "system")] == ["case", "risk", "system"]
    assert set(events.AGGREGATES) >= {"risk", "gather", "alarm", "case", "score"}
