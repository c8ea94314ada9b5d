"""Equal values have equal bytes, whatever the order in which they were put together."""

from __future__ import annotations

import base64
import hashlib
import json

from hypothesis import given
from hypothesis import strategies as st

from liandong.core.values.canonical import canonical_bytes, sha256, short_hash
from liandong.core.values.decision import Reason

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


def turned(value):
    """The same value with every mapping in the opposite order."""
    if isinstance(value, dict):
        return {key: turned(value[key]) for key in reversed(value)}
    return [turned(one) for one in value] if isinstance(value, list) else value


@given(values)
def test_the_order_of_keys_does_not_matter(value):
    assert canonical_bytes(value) == canonical_bytes(turned(value))
    assert json.loads(canonical_bytes(value)) == value


@given(values, values)
def test_other_values_have_other_bytes(left, right):
    assert (canonical_bytes(left) == canonical_bytes(right)) == (
        json.dumps(turned(left), sort_keys=True) == json.dumps(right, sort_keys=True)
    )


def test_keys_are_sorted_without_spaces_in_utf8():
    assert (
        canonical_bytes({"b": 1, "a": {"d": "警", "c": [1, 2]}})
        == '{"a":{"c":[1,2],"d":"警"},"b":1}'.encode()
    )
    assert canonical_bytes(Reason("k", {"z": 1, "a": 2})) == b'{"key":"k","params":{"a":2,"z":1}}'


def test_digests_are_the_known_ones():
    assert sha256(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert len(short_hash(b"")) == 26 and short_hash(b"a") != short_hash(b"b")


@given(st.binary(max_size=40))
def test_a_short_hash_is_the_base32_of_its_digest(data):
    whole = base64.b32encode(hashlib.blake2b(data, digest_size=16).digest())
    assert short_hash(data) == whole.decode().rstrip("=").lower()
