"""The chain: nothing in an entry, nor its place, can change without its hash changing."""

from __future__ import annotations

import hashlib

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liandong.core.values.canonical import canonical_bytes
from liandong.core.values.decision import Deliver, because
from liandong.core.values.errors import Broken
from liandong.core.values.events import EventRecord
from liandong.core.values.journal import (
    GENESIS,
    Entry,
    EntryKind,
    Head,
    Versions,
    chain,
    chain_hash,
    digest,
    read_entry,
    root_hash,
)
from liandong.core.values.lists import Mode, Step

record = EventRecord("CaseNoted", 1, msgspec.Raw(b'{"case":"c"}'))
entries = st.builds(
    Entry,
    kind=st.sampled_from(EntryKind),
    stream=st.sampled_from(["case:a", "case:b", "access:p"]),
    now=st.integers(0, 2**53),
    mode=st.sampled_from(Mode),
    versions=st.builds(Versions, code=st.text(max_size=3), rules=st.integers(0, 3)),
    admission=st.integers(0, 3),
    step=st.none() | st.sampled_from(Step),
    message=st.none() | st.just(record),
    reason=st.none() | st.just(because("k", a=1)),
    refused=st.booleans(),
    events=st.lists(st.just(record), max_size=2).map(tuple),
    effects=st.lists(
        st.builds(
            Deliver, order=st.text(max_size=2), case=st.just("c"), recipient=st.just("p"),
            channel=st.just("f"), template=st.just("t"),
        ),
        max_size=2,
    ).map(tuple),
)  # fmt: skip


@given(entries, entries, st.integers(1, 9), st.integers(1, 9), st.text(max_size=4), st.text(max_size=4))
def test_any_change_of_anything_changes_the_hash(entry, other, sequence, place, previous, before):
    first, second = chain(entry, sequence, previous), chain(other, place, before)
    same = entry == other and sequence == place and previous == before
    assert (first.hash == second.hash) == same


@settings(max_examples=12, deadline=None)
@given(entries, st.data())
def test_every_single_field_counts(entry, data):
    row = chain(entry, 3, "p")
    for field in entry.__struct_fields__:
        value = data.draw(entries.map(lambda e, f=field: getattr(e, f)))
        changed = chain(msgspec.structs.replace(entry, **{field: value}), 3, "p")
        assert (changed.hash == row.hash) == (value == getattr(entry, field)), field


@given(entries)
def test_what_is_stored_is_what_was_hashed_and_reads_back(entry):
    row = chain(entry, 1, GENESIS)
    assert read_entry(row.body) == entry and canonical_bytes(read_entry(row.body)) == row.body
    assert row.hash == chain_hash("sha256", row.stream, row.sequence, row.previous, row.body)
    flipped = bytes([row.body[0] ^ 1]) + row.body[1:]
    assert chain_hash("sha256", row.stream, row.sequence, row.previous, flipped) != row.hash


def test_parts_are_length_prefixed():
    """Moving a character from one part to the next is seen."""
    assert chain_hash("sha256", "ab", 1, "c", b"") != chain_hash("sha256", "a", 1, "bc", b"")
    assert chain_hash("sha256", "a1", 1, "", b"") != chain_hash("sha256", "a", 11, "", b"")
    joined = "6:sha2566:case:a1:10:64:" + hashlib.sha256(b"x").hexdigest()
    assert chain_hash("sha256", "case:a", 1, "", b"x") == hashlib.sha256(joined.encode()).hexdigest()
    wide = "6:sha2568:case:警2:122:é64:" + hashlib.sha256(b"").hexdigest()
    assert chain_hash("sha256", "case:警", 12, "é", b"") == hashlib.sha256(wide.encode()).hexdigest()


def test_an_algorithm_is_chosen_from_the_list():
    with pytest.raises(Broken) as error:
        digest("md5", b"")
    assert error.value.key == "journal.unknown_algorithm"
    if "sm3" in hashlib.algorithms_available:
        assert digest("sm3", b"abc") == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"\xff", b'{"kind":"decision"}'])
def test_a_body_that_is_no_entry_is_broken(body):
    with pytest.raises(Broken):
        read_entry(body)


def test_a_root_covers_all_that_it_says():
    heads = (Head("a", 1, "x"), Head("b", 2, "y"))
    said = [
        root_hash(1, 2, 3, "p", heads), root_hash(2, 2, 3, "p", heads), root_hash(1, 3, 3, "p", heads),
        root_hash(1, 2, 4, "p", heads), root_hash(1, 2, 3, "q", heads), root_hash(1, 2, 3, "p", heads[:1]),
        root_hash(1, 2, 3, "p", heads[::-1]), root_hash(1, 2, 3, "p", (Head("a", 2, "x"), heads[1])),
    ]  # fmt: skip
    assert len(set(said)) == len(said)
