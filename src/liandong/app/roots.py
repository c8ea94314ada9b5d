"""Roots: signed statements over what every stream's head was, and their anchors outside the house.

A root makes it impossible to change, remove or reorder what it covers without its key; an anchor
makes it impossible even with the key, because a copy lies where the operator cannot reach.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from liandong.app.ports import AnchorPlace, Changes, Store
from liandong.app.signing import Signer
from liandong.core.values.canonical import canonical_bytes
from liandong.core.values.errors import LiandongError
from liandong.core.values.journal import GENESIS, Anchor, Head, Root, root_hash

_PAGE = 5_000
#: A place that was away for a month must not hold up the others with its backlog.
_MOST_AT_ONCE = 100
_META = "anchored:"
_decoder = msgspec.json.Decoder(Anchor)


def next_root(store: Store, signer: Signer, at: int, last: Root | None = None) -> Root | None:
    """The root over everything since the one before, signed, not yet stored; None where nothing is new.

    The heads are exactly those as of its position, whoever writes meanwhile, because they are
    read from the entries and entries never change. Give `last` to spare reading all roots.
    """
    if last is None:
        last = next(reversed(store.roots()), None)
    after, number, previous = (last.position, last.number + 1, last.hash) if last else (0, 1, GENESIS)
    position = store.last_position()
    heads = _heads_between(store, after, position)
    if not heads:
        return None
    hash = root_hash(number, at, position, previous, heads)
    return Root(
        number=number, at=at, position=position, previous=previous, heads=heads, hash=hash,
        key=signer.key_id, signature=signer.sign(hash),
    )  # fmt: skip


def _heads_between(store: Store, after: int, until: int) -> tuple[Head, ...]:
    """Heads of the streams that changed in (after, until], as of `until`, by stream."""
    found: dict[str, Head] = {}
    while after < until:
        page = store.entries(after, min(_PAGE, until - after))
        for row in page:
            if row.position <= until:
                found[row.stream] = Head(row.stream, row.sequence, row.hash)
        if not page or page[-1].position <= after:
            break
        after = page[-1].position
    return tuple(found[stream] for stream in sorted(found))


def anchor_of(root: Root) -> Anchor:
    """What of a root leaves the house."""
    return Anchor(
        number=root.number, at=root.at, position=root.position, hash=root.hash, key=root.key,
        signature=root.signature,
    )  # fmt: skip


@dataclass(frozen=True)
class AnchorFailure:
    """A place that could not take a root; tried again with the next call."""

    place: str
    number: int
    error: str  #: type of the error, and its key where it has one


@dataclass(frozen=True)
class Anchored:
    """What one round of anchoring came to."""

    left: tuple[tuple[int, str], ...] = ()  #: (root number, place)
    failed: tuple[AnchorFailure, ...] = ()
    waiting: dict[str, int] = field(default_factory=dict)  #: place → roots still to be left there

    def changes(self, at: int) -> Changes:
        """What to commit, so that the next round goes on from there, also after a restart."""
        newest: dict[str, int] = {}
        for number, place in self.left:
            newest[place] = max(number, newest.get(place, 0))
        return Changes(
            anchored=[(number, place, at) for number, place in self.left],
            meta={_META + place: str(number) for place, number in newest.items()},
        )


def left_so_far(store: Store, places: Sequence[AnchorPlace]) -> dict[str, int]:
    """Place → newest root that is known to lie there."""
    return {place.name: int(store.meta(_META + place.name) or 0) for place in places}


def anchor_pending(
    roots: Sequence[Root], places: Sequence[AnchorPlace], left: Mapping[str, int], most: int = _MOST_AT_ONCE
) -> Anchored:
    """Leave every root that a place does not have yet, oldest first, up to `most` a place.

    A failing place is skipped until the next call, so that it holds up neither the others nor
    its own order. A crash before the result is committed leaves a root twice, which does no harm.
    """
    done: list[tuple[int, str]] = []
    failed: list[AnchorFailure] = []
    waiting: dict[str, int] = {}
    for place in places:
        pending = [root for root in roots if root.number > left.get(place.name, 0)]
        count, failure = _leave(place, pending[:most], done.append)
        failed += [failure] if failure else []
        if len(pending) > count:
            waiting[place.name] = len(pending) - count
    return Anchored(tuple(done), tuple(failed), waiting)


def _leave(
    place: AnchorPlace, roots: Sequence[Root], note: Callable[[tuple[int, str]], object]
) -> tuple[int, AnchorFailure | None]:
    """Leave roots in order until one fails."""
    for count, root in enumerate(roots):
        try:
            place.leave(anchor_of(root))
        except (OSError, LiandongError) as error:
            key = f" {error.key}" if isinstance(error, LiandongError) else ""
            return count, AnchorFailure(place.name, root.number, f"{type(error).__name__}{key}")
        note((root.number, place.name))
    return len(roots), None


def anchor_line(anchor: Anchor) -> bytes:
    """One line of an anchor file."""
    return canonical_bytes(anchor) + b"\n"


def read_anchors(path: Path) -> tuple[list[Anchor], int]:
    """Anchors of a file and the number of unreadable lines, e.g. torn by a power cut. Raises OSError."""
    found, unreadable = [], 0
    with path.open("rb") as file:
        for line in file:
            if line.strip():
                try:
                    found.append(_decoder.decode(line))
                except (msgspec.MsgspecError, UnicodeDecodeError):
                    unreadable += 1
    return found, unreadable
