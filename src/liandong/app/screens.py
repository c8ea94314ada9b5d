"""屏幕留痕: what was on whose screen, and which sensors were dark then, kept in the person's access stream.

The list itself is content-addressed beside the journal; the entry holds its digest, so that what is
given back later is exactly what was shown.
"""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import Future
from typing import Any

import msgspec
import numpy as np

from liandong.app.bounded import Newest
from liandong.app.curves import Hazards, sees_asset
from liandong.app.ports import Changes, Store
from liandong.app.writer import Books, Writer
from liandong.core.detect.shard import Shard
from liandong.core.detect.statistics import NEVER
from liandong.core.mechanism.policy import Policy
from liandong.core.values.access import AccessScope, Grant
from liandong.core.values.canonical import canonical_bytes, sha256
from liandong.core.values.errors import Busy, NotFound
from liandong.core.values.journal import EntryKind, read_entry
from liandong.core.values.times import MINUTE

#: Changes of a screen that are kept of one person in a minute; more is no reading but a loop.
MOST_A_MINUTE = 60
_KEY = "access.screen"
_PAGE = 100
#: Scopes of which is remembered what they cover, a byte for each channel.
_MOST_MASKS = 1_000


class Screen(msgspec.Struct, frozen=True, kw_only=True):
    """What was shown."""

    post: str
    position: int  #: journal position that the page was at
    filters: dict[str, str]
    cases: tuple[str, ...]  #: in the order shown
    dark: tuple[tuple[int, int | None], ...]  #: channel number, and when it was last heard


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A kept screen, with what proves it."""

    at: int
    screen: Screen
    digest: str
    hash: str  #: of the journal's entry
    sequence: int


class Screens:
    """Keeps and gives back."""

    def __init__(self, store: Store, writer: Writer, shard: Shard, policy: Policy) -> None:
        self._store, self._writer, self._shard, self._policy = store, writer, shard, policy
        self._hazards = Hazards(policy)
        rows = shard.channels
        self._numbers = np.array([row.number for row in rows], dtype=np.int64)
        idle = {source.key: source.idle_us for source in policy.city.source_terms()}
        self._timeout = np.array([idle.get(row.source, 0) for row in rows], dtype=np.int64)
        self._keys = [row.key for row in rows]
        self._masks: Newest[tuple[tuple[Grant, ...], str], Any] = Newest(_MOST_MASKS)
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[str, int]] = {}
        self._recent: dict[str, deque[int]] = {}

    def dark(self, scope: AccessScope, now: int) -> list[tuple[int, int | None]]:
        """Channels within the scope that have been silent for longer than their source's timeout."""
        times, _ = self._shard.heads()
        never = times <= NEVER
        silent = never | (times + self._timeout < now)
        places = np.flatnonzero(silent & self._mask(scope))
        return [(int(self._numbers[at]), None if never[at] else int(times[at])) for at in places]

    def _mask(self, scope: AccessScope) -> Any:
        """Which channels the scope covers."""
        key = (scope.grants, scope.unit)
        found = self._masks.get(key)
        if found is None:
            found = self._masks[key] = np.array(
                [self._covers(scope, name) for name in self._keys], dtype=bool
            )
        return found

    def _covers(self, scope: AccessScope, channel: str) -> bool:
        asset = self._policy.city.asset_of_channel(channel)
        return asset is not None and sees_asset(self._policy, scope, asset, self._hazards.of(channel))

    def keep(
        self, scope: AccessScope, position: int, filters: dict[str, str], cases: tuple[str, ...]
    ) -> tuple[str, int, Future[Any] | None]:
        """Digest, moment, and what to wait for; None where nothing has changed since the last.

        Raises Busy("screen.too_often") where somebody's screen changes faster than anybody reads.
        """
        now = self._writer.now
        screen = Screen(
            post=scope.post, position=position, filters=filters, cases=cases,
            dark=tuple(self.dark(scope, now)),
        )  # fmt: skip
        body = canonical_bytes(screen)
        digest = sha256(body)
        same = sha256(canonical_bytes(msgspec.structs.replace(screen, position=0)))
        with self._lock:
            before = self._kept.get(scope.person)
            if before is not None and before[0] == same:
                return digest, before[1], None
            recent = self._recent.setdefault(scope.person, deque(maxlen=MOST_A_MINUTE))
            if len(recent) == MOST_A_MINUTE and now - recent[0] < MINUTE:
                raise Busy("screen.too_often", retry_after=1)
            recent.append(now)
            self._kept[scope.person] = (same, now)
        return digest, now, self._writer.submit(Books(self._job(scope, digest, body, screen, now)))

    def _job(self, scope: AccessScope, digest: str, body: bytes, screen: Screen, now: int) -> Any:
        def keep(changes: Changes) -> None:
            changes.datasets[digest] = ("screen", body)
            self._writer.handler.note(
                EntryKind.ACCESS, f"access:{scope.person or 'unknown'}", now, _KEY, post=scope.post,
                digest=digest, cases=len(screen.cases), dark=len(screen.dark), position=screen.position,
            )  # fmt: skip

        return keep

    def at(self, person: str, at: int) -> Shown:
        """What was on a person's screen at a moment. Raises NotFound where nothing is kept that early."""
        below = 1 << 62
        while rows := self._store.entries_before(f"access:{person}", at, below, _PAGE):
            for row in rows:
                entry = read_entry(row.body)
                if entry.reason is not None and entry.reason.key == _KEY:
                    return self._shown(entry.now, str(entry.reason.params["digest"]), row.hash, row.sequence)
            below = rows[-1].sequence
        raise NotFound("screen.none", person=person[:64])

    def _shown(self, at: int, digest: str, hash: str, sequence: int) -> Shown:
        body = self._store.dataset(digest)
        if body is None or sha256(body) != digest:
            raise NotFound("evidence.absent", digest=digest)
        screen = msgspec.json.decode(body, type=Screen)
        return Shown(at=at, screen=screen, digest=digest, hash=hash, sequence=sequence)
