"""Walk over all entries by position: every chain is computed anew and held against the roots."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import msgspec

from liandong.app.evidence import raws_of
from liandong.app.ports import Store
from liandong.app.verify.report import Remedy, Report
from liandong.app.verify.roots import is_sound
from liandong.core.values.canonical import sha256
from liandong.core.values.errors import Broken, NotFound
from liandong.core.values.events import EventRecord, read_event
from liandong.core.values.journal import GENESIS, JournalRow, Root, chain_hash, read_entry

_PAGE = 2_000
#: Whoever has so many unreadable rows in a row has no journal any more.
_MOST_UNREADABLE = 1_000
_NOTHING = (0, GENESIS)


class Evidence(Protocol):
    """The evidence store, as far as a verification needs it."""

    def get(self, digest: str) -> bytes:
        """The bytes. Raises NotFound or Broken."""


class _Columns(msgspec.Struct, frozen=True):
    """What of a body stands in indexed columns too; every version of an entry has these."""

    kind: str
    stream: str
    now: int
    admission: int = 0


class _Detail(msgspec.Struct, frozen=True):
    evidence: str = ""


class _Carrier(msgspec.Struct, frozen=True):
    """Any message or event that may name the evidence of a finding."""

    evidence: str | list[str] = ""
    detail: _Detail | None = None


_columns = msgspec.json.Decoder(_Columns)
_carrier = msgspec.json.Decoder(_Carrier)


def rows_until(store: Store, report: Report, until: int) -> Iterator[JournalRow]:
    """Entries by position up to `until`; one that the store cannot read is named and passed over."""
    after, unreadable, one_by_one_until = 0, 0, 0
    while after < until and unreadable < _MOST_UNREADABLE:
        one_by_one = after < one_by_one_until
        try:
            page = store.entries(after, 1 if one_by_one else _PAGE)
        except Exception:  # whatever a damaged database makes its driver say
            if one_by_one:
                report.find("verify.row_unreadable", f"@{after + 1}", Remedy.COMPARE, position=after + 1)
                after, unreadable = after + 1, unreadable + 1
            else:
                one_by_one_until = after + _PAGE
            continue
        yield from (row for row in page if row.position <= until)
        if not page or page[-1].position <= after:
            return
        after = page[-1].position


class EntryWalk:
    """Takes every row once, in order of position, and then tells what stands at the end."""

    def __init__(
        self, report: Report, roots: Sequence[Root], relied: frozenset[int], evidence: Evidence | None
    ) -> None:
        self.heads: dict[str, tuple[int, str]] = {}
        #: Newest root up to which roots and entries are without fault.
        self.proven: Root | None = None
        self.position = 0
        self.after_last_root = 0
        self._report, self._roots, self._relied, self._evidence = report, roots, relied, evidence
        self._next = self._admission = 0
        self._changed: dict[str, tuple[int, str]] = {}
        self._clean = True
        self._looked_at: set[str] = set()

    def take(self, row: JournalRow) -> None:
        """Check one row against the row before, its stream, its body and the roots passed meanwhile."""
        while self._next < len(self._roots) and row.position > self._roots[self._next].position:
            self._pass_root()
        where = f"{row.stream}#{row.sequence}@{row.position}"
        self._check_position(row, where)
        self._check_chain(row, where)
        self._check_body(row, where)
        self._report.counts["entries"] += 1
        self.after_last_root += self._next == len(self._roots)

    def finish(self) -> None:
        """The rows are at an end; roots that speak of later positions show a cut tail."""
        while self._next < len(self._roots):
            root = self._roots[self._next]
            if root.position > self.position and root.number in self._relied:
                self._wrong(
                    "verify.tail_cut", f"root:{root.number}", root=root.number, position=root.position,
                    last=self.position,
                )  # fmt: skip
            self._pass_root()
        self._report.counts["streams"] = len(self.heads)

    def _wrong(self, key: str, where: str, **params: str | int) -> None:
        self._clean = False
        self._report.find(key, where, Remedy.COMPARE, **params)

    def _check_position(self, row: JournalRow, where: str) -> None:
        if row.position > self.position + 1:
            self._wrong("verify.position_gap", where, first=self.position + 1, last=row.position - 1)
        elif row.position <= self.position:
            self._wrong("verify.position_order", where, position=row.position)
        self.position = max(self.position, row.position)
        # Positions are given after hashing; the admission's ordinal is hashed, so it bears out their order.
        if 0 < row.admission < self._admission:
            self._wrong("verify.admission_order", where, position=row.position, admission=row.admission)
        self._admission = max(self._admission, row.admission)

    def _check_chain(self, row: JournalRow, where: str) -> None:
        sequence, previous = self.heads.get(row.stream, _NOTHING)
        stream = row.stream
        if row.sequence > sequence + 1:
            first, last = sequence + 1, row.sequence - 1
            self._wrong("verify.entry_missing", where, stream=stream, first=first, last=last)
        elif row.sequence <= sequence:
            self._wrong("verify.entry_order", where, stream=stream, sequence=row.sequence)
        elif row.previous != previous:
            self._wrong("verify.chain_broken", where, stream=stream, sequence=row.sequence)
        if not self._computes(row, where):
            self._wrong("verify.hash_mismatch", where, stream=stream, sequence=row.sequence)
        if row.sequence > sequence:
            self.heads[stream] = self._changed[stream] = (row.sequence, row.hash)

    def _computes(self, row: JournalRow, where: str) -> bool:
        try:
            return chain_hash(row.algorithm, row.stream, row.sequence, row.previous, row.body) == row.hash
        except (Broken, ValueError):
            self._clean = False
            self._report.find(
                "verify.unknown_algorithm", where, Remedy.UPGRADE, algorithm=row.algorithm[:32]
            )  # fmt: skip
            return True

    def _check_body(self, row: JournalRow, where: str) -> None:
        """Columns are only an index: what was hashed is the body, so the two must say the same."""
        try:
            said = _columns.decode(row.body)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            self._wrong("verify.body_unreadable", where, stream=row.stream, sequence=row.sequence)
            return
        for column in ("kind", "stream", "now", "admission"):
            if getattr(said, column) != getattr(row, column):
                self._wrong(
                    "verify.column_differs", where, stream=row.stream, sequence=row.sequence, column=column
                )  # fmt: skip
        try:
            entry = read_entry(row.body)
        except (Broken, UnicodeDecodeError):
            self._report.counts["entries_of_other_version"] += 1
            return
        for record in entry.events:
            self._report.counts["events"] += 1
            self._report.counts["events_unreadable"] += not _readable(record)
        for record in (*entry.events, *([entry.message] if entry.message else ())):
            self._check_evidence(record, where)

    def _check_evidence(self, record: EventRecord, where: str) -> None:
        waiting = list(_evidence_of(record))
        while waiting:
            digest = waiting.pop()
            if digest in self._looked_at:
                continue
            self._looked_at.add(digest)
            self._report.counts["evidence"] += 1
            if self._evidence is None:
                continue
            try:
                data = self._evidence.get(digest)
                good = sha256(data) == digest
                waiting += raws_of(data)
            except NotFound:
                self._report.find(
                    "verify.evidence_missing", where, Remedy.RESTORE_EVIDENCE, digest=digest[:64]
                )  # fmt: skip
                continue
            except (Broken, OSError):
                good = False
            if not good:
                self._report.find(
                    "verify.evidence_damaged", where, Remedy.RESTORE_EVIDENCE, digest=digest[:64]
                )  # fmt: skip

    def _pass_root(self) -> None:
        """Every entry up to the root's position has been seen: the heads must be the root's heads."""
        root = self._roots[self._next]
        after_gap = self._next > 0 and self._roots[self._next - 1].number != root.number - 1
        if is_sound(root):
            self._compare(root, after_gap or (self._next == 0 and root.number != 1))
        if self._clean and root.number in self._relied:
            self.proven = root
        self._changed = {}
        self._next += 1

    def _compare(self, root: Root, after_gap: bool) -> None:
        for head in root.heads:
            where = f"{head.stream}#{head.sequence} root:{root.number}"
            found = self._changed.pop(head.stream, None)
            if head.stream not in self.heads:
                self._wrong("verify.stream_missing", where, stream=head.stream, root=root.number)
            elif found != (head.sequence, head.hash):
                sequence = found[0] if found else self.heads[head.stream][0]
                self._wrong(
                    "verify.root_mismatch", where, root=root.number, stream=head.stream,
                    sequence=head.sequence, found=sequence,
                )  # fmt: skip
        if not after_gap:  # a root that follows a missing one does not speak of all that has changed
            for stream in self._changed:
                where = f"{stream} root:{root.number}"
                self._wrong("verify.unknown_to_root", where, root=root.number, stream=stream)


def _readable(record: EventRecord) -> bool:
    try:
        read_event(record)
    except (Broken, msgspec.MsgspecError, KeyError, TypeError, ValueError):
        return False
    return True


def _evidence_of(record: EventRecord) -> list[str]:
    """Digests by which a finding, or an event about one, names its window of raw messages."""
    try:
        carrier: Any = _carrier.decode(record.data)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return []
    named = [carrier.detail.evidence] if carrier.detail else []
    return [digest for digest in [*named, carrier.evidence] if isinstance(digest, str) and digest]
