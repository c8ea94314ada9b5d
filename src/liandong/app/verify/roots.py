"""The chain of roots and their anchors: who signed what, and whether a newer copy lies outside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from liandong.app.roots import anchor_of, read_anchors
from liandong.app.signing import PublicKeys, signed_by
from liandong.app.verify.report import Remedy, Report
from liandong.core.values.journal import GENESIS, Anchor, Root, root_hash


def check_roots(report: Report, roots: Sequence[Root], keys: PublicKeys | None) -> frozenset[int]:
    """Check numbers, links, hashes and signatures; gives the numbers of the roots that may be relied upon.

    After the first fault none may: what was proven up to there is proven by the roots before it.
    """
    relied: set[int] = set()
    number, previous, position = 0, GENESIS, 0
    for root in roots:
        before = report.found.total()
        where = f"root:{root.number}"
        if root.number > number + 1:
            report.find(
                "verify.root_missing", where, Remedy.COMPARE, first=number + 1, last=root.number - 1
            )  # fmt: skip
        elif root.number <= number or root.position <= position:
            report.find("verify.root_order", where, Remedy.COMPARE, root=root.number)
        elif root.previous != previous:
            report.find("verify.root_chain", where, Remedy.COMPARE, root=root.number)
        if not is_sound(root):
            report.find("verify.root_altered", where, Remedy.COMPARE, root=root.number)
        _check_signature(report, root, where, keys)
        if report.found.total() == before and len(relied) == number:
            relied.add(root.number)
        number, previous, position = root.number, root.hash, root.position
    report.counts["roots"] = len(roots)
    return frozenset(relied)


def is_sound(root: Root) -> bool:
    """Whether a root says what was hashed."""
    return root_hash(root.number, root.at, root.position, root.previous, root.heads) == root.hash


def _check_signature(report: Report, root: Root, where: str, keys: PublicKeys | None) -> None:
    if keys is None:
        return
    key = keys.get(root.key)
    if key is None:
        report.find("verify.root_unknown_key", where, Remedy.CHECK_KEY, root=root.number, key=root.key[:64])
    elif not signed_by(key, root.hash, root.signature):
        report.find("verify.root_unsigned", where, Remedy.CHECK_KEY, root=root.number)


@dataclass(frozen=True)
class AnchorFile:
    """Anchors as they were read before anything else, so that a running writer cannot overtake them."""

    path: Path
    inside: bool  #: within the data folder, where whoever restores an older copy restores it too
    anchors: tuple[Anchor, ...]
    unreadable: int
    error: str = ""


def load_anchors(paths: Sequence[Path], inside: Path) -> list[AnchorFile]:
    """Read the files; a missing one is remembered with its error."""
    folder = inside.resolve()
    found = []
    for path in paths:
        within = path.resolve().is_relative_to(folder)
        try:
            anchors, unreadable = read_anchors(path)
            found.append(AnchorFile(path, within, tuple(anchors), unreadable))
        except OSError as error:
            found.append(AnchorFile(path, within, (), 0, type(error).__name__))
    return found


def check_anchors(
    report: Report, files: Sequence[AnchorFile], roots: Sequence[Root], keys: PublicKeys | None
) -> frozenset[int]:
    """Compare anchors with roots; gives the numbers of the roots that an anchor outside bears out."""
    known = {root.number: anchor_of(root) for root in roots}
    newest = max(known, default=0)
    borne_out: set[int] = set()
    for file in files:
        if file.error and roots:
            report.find(
                "verify.anchor_unreadable", str(file.path), Remedy.FIND_ANCHOR, path=str(file.path),
                error=file.error,
            )  # fmt: skip
        if file.unreadable:
            report.limit("verify.limit.anchor_lines", path=str(file.path), count=file.unreadable)
        ahead = 0
        for anchor in file.anchors:
            report.counts["anchors"] += 1
            if not _is_ours(report, file, anchor, keys):
                continue
            if anchor.number > newest:
                ahead = max(ahead, anchor.number)
            elif known.get(anchor.number) != anchor:
                report.find(
                    "verify.anchor_mismatch", f"root:{anchor.number}", Remedy.TRUST_ANCHOR,
                    root=anchor.number, anchor=str(file.path),
                )  # fmt: skip
            elif not file.inside:
                borne_out.add(anchor.number)
        if ahead:
            report.find(
                "verify.older_copy", str(file.path), Remedy.TRUST_ANCHOR, root=newest, newest=ahead,
                anchor=str(file.path),
            )  # fmt: skip
    return frozenset(borne_out)


def _is_ours(report: Report, file: AnchorFile, anchor: Anchor, keys: PublicKeys | None) -> bool:
    """An anchor that we did not sign bears witness to nothing, neither for nor against."""
    if keys is None:
        return True
    key = keys.get(anchor.key)
    if key is not None and signed_by(key, anchor.hash, anchor.signature):
        return True
    report.find(
        "verify.anchor_unsigned", str(file.path), Remedy.CHECK_KEY, root=anchor.number, anchor=str(file.path)
    )  # fmt: skip
    return False
