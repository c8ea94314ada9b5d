"""Roots cover exactly what changed up to their position, and reach every place in order in the end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from liandong.app.roots import anchor_line, anchor_of, anchor_pending, left_so_far, next_root, read_anchors
from liandong.app.signing import verify_signature
from liandong.core.values.errors import Busy
from liandong.core.values.journal import GENESIS, Anchor, Head, root_hash
from tests.app.journals import SIGNER, Lists, journals, replace


@settings(max_examples=200, deadline=None)
@given(journals(least=0))
def test_every_root_covers_the_heads_that_changed_since_the_one_before(lists: Lists) -> None:
    lists.root()
    before, previous = 0, GENESIS
    for number, root in enumerate(lists.roots(), 1):
        changed: dict[str, Head] = {}
        for row in lists.rows[before : root.position]:
            changed[row.stream] = Head(row.stream, row.sequence, row.hash)
        assert root.number == number and root.previous == previous
        assert root.heads == tuple(changed[name] for name in sorted(changed))
        assert root.hash == root_hash(number, root.at, root.position, previous, root.heads)
        assert root.key == SIGNER.key_id and verify_signature(SIGNER.public_pem, root.hash, root.signature)
        before, previous = root.position, root.hash
    assert before == lists.last_position() and lists.root() is None


class Growing(Lists):
    """Somebody appends whenever somebody reads."""

    def entries(self, after: int, limit: int, kinds: Any = ()) -> Any:
        found = super().entries(after, limit)
        self.rows.append(lists_row(self))
        return found


def lists_row(lists: Lists) -> Any:
    plain = Lists(list(lists.rows))
    return plain.add("case:a")


def test_the_cut_is_consistent_while_others_write() -> None:
    lists = Growing()
    Lists.add(lists, "case:a")
    Lists.add(lists, "case:b")
    first = next_root(lists, SIGNER, 1)
    assert first is not None and first.position == 2
    assert [(head.stream, head.sequence) for head in first.heads] == [("case:a", 1), ("case:b", 1)]
    second = next_root(lists, SIGNER, 2, first)
    assert second is not None and second.previous == first.hash and second.number == 2
    assert [(head.stream, head.sequence) for head in second.heads] == [("case:a", second.position - 1)]


def test_the_cut_holds_even_where_positions_have_a_gap() -> None:
    lists = Growing()
    Lists.add(lists, "case:b")
    lists.rows[0] = replace(lists.rows[0], position=4)
    lists.entries(0, 1)  # somebody has appended at 5 …
    lists.last_position = lambda: 4  # … after the position was read
    root = next_root(lists, SIGNER, 1)
    assert root is not None and [head.stream for head in root.heads] == ["case:b"]


class Place:
    """A place that fails when it is told to."""

    def __init__(self, name: str, *failing: int) -> None:
        self.name, self.failing, self.got = name, set(failing), list[Anchor]()

    def leave(self, anchor: Anchor) -> None:
        if anchor.number in self.failing:
            raise Busy("anchor.refused", status=503) if anchor.number % 2 else OSError("gone")
        self.got.append(anchor)


def some_roots(count: int) -> Lists:
    lists = Lists()
    for _ in range(count):
        lists.add("case:a")
        lists.root()
    return lists


def test_a_failing_place_holds_up_nobody_else_and_is_named() -> None:
    roots = some_roots(4).roots()
    good, bad, worse = Place("good"), Place("bad", 3), Place("worse", 2)
    done = anchor_pending(roots, [good, bad, worse], {})
    assert [(f.place, f.number, f.error) for f in done.failed] == [
        ("bad", 3, "Busy anchor.refused"),
        ("worse", 2, "OSError"),
    ]
    assert done.waiting == {"bad": 2, "worse": 3}
    assert [a.number for a in good.got] == [1, 2, 3, 4] and [a.number for a in bad.got] == [1, 2]
    assert good.got == [anchor_of(root) for root in roots]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sets(st.integers(1, 6)), max_size=6), st.integers(1, 4))
def test_every_root_arrives_once_and_in_order_however_often_it_fails(
    rounds: list[set[int]], most: int
) -> None:
    lists = some_roots(6)
    place = Place("place")
    for failing in [*rounds, *[set[int]()] * 6]:
        place.failing = failing
        done = anchor_pending(lists.roots(), [place], left_so_far(lists, [place]), most)
        assert len(done.left) <= most
        changes = done.changes(at=5)
        assert changes.anchored == [(number, "place", 5) for number, _ in done.left]
        lists.metas |= changes.meta  # what the store keeps: also after a restart
    assert [a.number for a in place.got] == [1, 2, 3, 4, 5, 6]
    assert not anchor_pending(lists.roots(), [place], left_so_far(lists, [place])).changes(5)


@given(st.binary(max_size=200))
def test_a_file_of_anchors_with_anything_in_it_is_read_as_far_as_it_goes(junk: bytes) -> None:
    import tempfile

    anchor = anchor_of(some_roots(1).kept_roots[0])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "anchors.jsonl"
        path.write_bytes(anchor_line(anchor) + junk + b"\n" + anchor_line(anchor))
        found, unreadable = read_anchors(path)
    lines = [line for line in junk.split(b"\n") if line.strip()]
    assert found == [anchor, anchor] and unreadable == len(lines)
