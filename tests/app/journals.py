"""A journal in lists, which a test may falsify as somebody with the database in hand could."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import strategies as st

from liandong.app.ports import StreamRow
from liandong.app.roots import anchor_line, anchor_of, next_root
from liandong.app.signing import Signer
from liandong.core.values.events import kind_of, record_event
from liandong.core.values.journal import (
    GENESIS,
    Entry,
    EntryKind,
    JournalRow,
    Root,
    Versions,
    chain,
    chain_hash,
)
from liandong.core.values.lists import Mode
from liandong.core.values.risk import OpenFinding, RiskAssessed

replace = msgspec.structs.replace

SIGNER = Signer(Ed25519PrivateKey.from_private_bytes(bytes(32)))
THIEF = Signer(Ed25519PrivateKey.from_private_bytes(bytes([7]) * 32))
STREAMS = ("admission:gas", "risk:leak|pit", "case:a", "access:p", "system")
START = 1_700_000_000_000_000


@dataclass
class Lists:
    """The part of Store that verification, roots and rebuild read."""

    rows: list[JournalRow] = field(default_factory=list)
    kept_roots: list[Root] = field(default_factory=list)
    streams: dict[str, StreamRow] = field(default_factory=dict)
    metas: dict[str, str] = field(default_factory=dict)

    def copy(self) -> Lists:
        return copy.deepcopy(self)

    def last_position(self) -> int:
        return max((row.position for row in self.rows), default=0)

    def entries(self, after: int, limit: int, kinds: Sequence[EntryKind] = ()) -> list[JournalRow]:
        return sorted((r for r in self.rows if r.position > after), key=lambda r: r.position)[:limit]

    def entries_of(self, stream: str, after: int = 0, limit: int = 100_000) -> list[JournalRow]:
        found = [r for r in self.rows if r.stream == stream and r.sequence > after]
        return sorted(found, key=lambda r: r.sequence)[:limit]

    def heads(self) -> Iterator[StreamRow]:
        yield from (self.streams[name] for name in sorted(self.streams))

    def roots(self) -> list[Root]:
        return sorted(self.kept_roots, key=lambda r: r.number)

    def meta(self, key: str) -> str | None:
        return self.metas.get(key)

    # Writing, as the shell does.

    def add(self, stream: str, admission: int = 0, **fields: Any) -> JournalRow:
        """Append an entry and move the stream's head."""
        before = self.entries_of(stream)
        entry = Entry(
            kind=fields.pop("kind", EntryKind.DECISION),
            stream=stream,
            now=START + len(self.rows),
            mode=Mode.REAL,
            versions=Versions(),
            admission=admission,
            **fields,
        )
        row = chain(entry, len(before) + 1, before[-1].hash if before else GENESIS)
        self.rows.append(replace(row, position=self.last_position() + 1))
        self.heads_follow()
        return self.rows[-1]

    def root(self, signer: Signer = SIGNER) -> Root | None:
        """Sign what is new."""
        made = next_root(self, signer, START + 1_000_000 * (len(self.kept_roots) + 1))
        self.kept_roots += [made] if made else []
        return made

    # Falsifying thoroughly, as somebody who knows the rules does.

    def renumber(self) -> None:
        """Gap-free positions in the present order of `rows`."""
        self.rows = [replace(row, position=n) for n, row in enumerate(self.rows, 1)]

    def heads_follow(self) -> None:
        """Stream rows that say what the entries say."""
        self.streams = {}
        for row in sorted(self.rows, key=lambda r: r.sequence):
            self.streams[row.stream] = StreamRow(
                stream=row.stream, kind=kind_of(row.stream), sequence=row.sequence, hash=row.hash
            )

    def rechain(self, stream: str) -> None:
        """Sequence, links and hashes of a stream computed anew from its bodies."""
        sequence, previous = 0, GENESIS
        for place, row in enumerate(self.rows):
            if row.stream == stream:
                sequence += 1
                hash = chain_hash(row.algorithm, stream, sequence, previous, row.body)
                self.rows[place] = replace(row, sequence=sequence, previous=previous, hash=hash)
                previous = hash

    def leave_anchors(self, path: Path) -> Path:
        """Every root so far, in a file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"".join(anchor_line(anchor_of(root)) for root in self.roots()))
        return path


def risk_event(evidence: str = "") -> Any:
    """An event that names a finding's evidence."""
    detail = OpenFinding(
        id="fnd_1",
        rule="r",
        severity="high",
        level="III",
        channel="channel:c",
        onset=1,
        raised=2,
        value=1.5,
        evidence=evidence,
    )
    return record_event(
        RiskAssessed(
            grouping="leak|pit",
            hazard="leak",
            asset="asset:pit",
            area="area:a",
            area_path="/a/",
            change="opened",
            finding="fnd_1",
            detail=detail,
            level_before="",
            level="III",
            basis="g1",
            mode=Mode.REAL,
        )
    )


@st.composite
def journals(draw: st.DrawFn, least: int = 1, roots: bool = True) -> Lists:
    """A valid journal: some streams, some roots, also none, also entries after the last root."""
    lists = Lists()
    admission = 0
    steps = st.tuples(st.sampled_from(STREAMS), st.sampled_from(["same", "new", "none"]))
    for place in range(draw(st.integers(least, 14))):
        stream, how = draw(steps)
        admission += how == "new"
        events = (risk_event(),) if stream.startswith("risk") else ()
        lists.add(stream, admission=0 if how == "none" else admission, events=events)
        if roots and draw(st.integers(0, 3)) == 0:
            lists.root()
        del place
    return lists
