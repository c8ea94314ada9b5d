"""The verification as a whole, and the sentences about what is proven and what is not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from liandong.app.ports import Store, StreamRow
from liandong.app.signing import PublicKeys, is_private_key
from liandong.app.signing import public_keys as read_public_keys
from liandong.app.verify.entries import EntryWalk, Evidence, rows_until
from liandong.app.verify.report import Remedy, Report
from liandong.app.verify.roots import AnchorFile, check_anchors, check_roots, load_anchors
from liandong.core.values.errors import Broken
from liandong.core.values.journal import GENESIS, Root, chain_hash
from liandong.core.values.times import format_time

_PAGE = 1_000


def verify(
    store: Store,
    *,
    public_keys: list[bytes] | None,
    anchors: Sequence[Path],
    inside: Path,
    evidence: Evidence | None = None,
    signing_key: Path | None = None,
) -> Report:
    """Check all entries, roots and anchors.

    `public_keys` are PEM files; None leaves signatures unchecked, and the report says so. `inside`
    is the data folder: what lies in it can be put back together with it. `signing_key` is looked for
    there, too. The journal may be written to meanwhile: what is compared is read from the outside
    inwards (anchors, roots, entries, heads), so that a later write is never taken for a fault.
    Raises Broken("signing.unreadable_key") for a public key that is none.
    """
    report = Report()
    keys = None if public_keys is None else read_public_keys(public_keys)
    files = load_anchors(anchors, inside)
    roots = _roots(store, report)
    until = store.last_position()
    relied = check_roots(report, roots, keys)
    walk = EntryWalk(report, roots, relied, evidence)
    for row in rows_until(store, report, until):
        walk.take(row)
    walk.finish()
    heads_good = _check_heads(store, report, walk, until)
    borne_out = check_anchors(report, files, roots, keys)
    _say_proven(report, walk, roots, borne_out, keys is not None, heads_good)
    _say_evidence(report, evidence)
    _say_limits(report, walk, roots, files, borne_out)
    _say_keys(report, keys, inside, signing_key)
    return report


def _roots(store: Store, report: Report) -> list[Root]:
    try:
        return store.roots()
    except Exception:  # whatever a damaged database makes its driver say
        report.find("verify.roots_unreadable", "roots", Remedy.COMPARE)
        return []


def _check_heads(store: Store, report: Report, walk: EntryWalk, until: int) -> bool:
    """The stored state of every stream must stand at the journal's last entry of that stream."""
    before, seen = report.found.total(), 0
    try:
        for row in store.heads():
            seen += row.stream in walk.heads
            sequence, hash = walk.heads.get(row.stream, (0, GENESIS))
            same = (row.sequence, row.hash) == (sequence, hash)
            if not same and not _leads_to(store, row, sequence, hash, until):
                report.find(
                    "verify.head_differs", f"{row.stream}#{row.sequence}", Remedy.REBUILD, stream=row.stream,
                    stored=row.sequence, sequence=sequence,
                )  # fmt: skip
    except Exception:  # whatever a damaged database makes its driver say
        report.find("verify.heads_unreadable", "streams", Remedy.REBUILD)
        return False
    if seen < len(walk.heads):
        for stream in _without_row(store, walk):
            report.find("verify.head_missing", stream, Remedy.REBUILD, stream=stream)
    return report.found.total() == before


def _without_row(store: Store, walk: EntryWalk) -> Iterator[str]:
    rows = {row.stream for row in store.heads()}
    return (stream for stream in sorted(walk.heads) if stream not in rows)


def _leads_to(store: Store, row: StreamRow, sequence: int, previous: str, until: int) -> bool:
    """Whether entries written since the walk lead from its head to the stored one."""
    while sequence < row.sequence:
        page = store.entries_of(row.stream, sequence, min(_PAGE, row.sequence - sequence))
        for entry in page:
            hash = chain_hash(entry.algorithm, row.stream, sequence + 1, previous, entry.body)
            follows = (entry.sequence, entry.previous, entry.hash) == (sequence + 1, previous, hash)
            if not follows or entry.position <= until:
                return False
            sequence, previous = entry.sequence, entry.hash
        if not page:
            return False
    return (sequence, previous) == (row.sequence, row.hash)


def _say_proven(
    report: Report,
    walk: EntryWalk,
    roots: Sequence[Root],
    borne_out: frozenset[int],
    signed: bool,
    heads_good: bool,
) -> None:
    proven = walk.proven
    sure = [r for r in roots if proven and r.number <= proven.number and r.number in borne_out]
    anchored = sure[-1] if sure else None
    if anchored:
        report.prove(
            "verify.proven.anchored", root=anchored.number, position=anchored.position,
            at=format_time(anchored.at),
        )  # fmt: skip
    if proven and (anchored is None or proven.number > anchored.number):
        report.prove(
            "verify.proven.signed" if signed else "verify.proven.rooted", root=proven.number,
            position=proven.position, at=format_time(proven.at), key=proven.key,
        )  # fmt: skip
    if not report.found:
        entries, streams = report.counts["entries"], report.counts["streams"]
        report.prove("verify.proven.chained", entries=entries, streams=streams, position=walk.position)
    if heads_good:
        report.prove("verify.proven.heads", streams=report.counts["streams"])


def _say_evidence(report: Report, evidence: Evidence | None) -> None:
    count = report.counts["evidence"]
    bad = report.found["verify.evidence_missing"] + report.found["verify.evidence_damaged"]
    if count and evidence is None:
        report.limit("verify.limit.evidence_not_checked", count=count)
    elif count > bad:
        report.prove("verify.proven.evidence", count=count - bad)
    for counter in ("events_unreadable", "entries_of_other_version"):
        if report.counts[counter]:
            report.limit(f"verify.limit.{counter}", count=report.counts[counter])


def _say_limits(
    report: Report,
    walk: EntryWalk,
    roots: Sequence[Root],
    files: Sequence[AnchorFile],
    borne_out: frozenset[int],
) -> None:
    """What the rules of the chain cannot show, whether or not anything is wrong."""
    if roots:
        number, position = roots[-1].number, roots[-1].position
        report.limit("verify.limit.tail", count=walk.after_last_root, root=number, position=position)
    else:
        report.limit("verify.limit.no_root", count=report.counts["entries"])
    report.limit("verify.limit.order_between_streams")
    if not files:
        report.limit("verify.limit.no_anchor")
    for file in files:
        if file.inside:
            report.limit("verify.limit.anchor_inside", path=str(file.path))
    anchored, last = max(borne_out, default=0), roots[-1].number if roots else 0
    if anchored < last and any(not file.inside for file in files):
        report.limit("verify.limit.not_anchored", first=anchored + 1, last=last)


def _say_keys(report: Report, keys: PublicKeys | None, inside: Path, signing_key: Path | None) -> None:
    if keys is None:
        report.limit("verify.limit.no_public_key")
    # Two levels deep: below lie readings and evidence by the million.
    found = {path for pattern in ("*", "*/*") for path in inside.glob(pattern) if path.is_file()}
    if signing_key is not None and signing_key.resolve().is_relative_to(inside.resolve()):
        found.add(signing_key)
    for path in sorted(found):
        if is_private_key(path):
            report.limit("verify.limit.key_inside", path=str(path))
        for key in sorted(_keys_in(path) & set(keys or ())):
            report.limit("verify.limit.public_key_inside", path=str(path), key=key)


def _keys_in(path: Path) -> set[str]:
    """Ids of the public keys in a file; whoever can write there can put another beside other roots."""
    try:
        return set(read_public_keys([path.read_bytes()])) if path.suffix == ".pub" else set()
    except (Broken, OSError):
        return set()
