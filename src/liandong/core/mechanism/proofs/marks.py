"""P16: no clause of the document's words is without a row, and no row cites a clause that is not there."""

from __future__ import annotations

from collections.abc import Iterator

from liandong.core.mechanism.fault import Fault
from liandong.core.mechanism.proofs.ground import Ground
from liandong.core.values.document import KINDS
from liandong.core.values.rows import words


def prove(ground: Ground) -> Iterator[Fault]:
    """P16, where the document is given with marks."""
    marks = ground.mechanism.marks
    if not marks:
        return
    known = {row.mark or row.key for row in marks}
    cited: dict[str, list[str]] = {}
    for table in KINDS:
        for row in getattr(ground.mechanism, table) if table != "marks" else ():
            for mark in words(row.mark):
                cited.setdefault(mark, []).append(row.key)
    for row in marks:
        mark = row.mark or row.key
        if mark not in cited:
            yield Fault(
                proof="P16", kind="mark_without_row", rows=(row.key,),
                witness={"mark": mark, "text": row.text},
            )  # fmt: skip
    for mark, rows in cited.items():
        if mark not in known:
            yield Fault(proof="P16", kind="unknown_mark", rows=tuple(rows), witness={"mark": mark})
