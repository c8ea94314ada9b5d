"""P17: a resource is released by one hand, with no more approvals than its level allows."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from liandong.core.mechanism.fault import Fault
from liandong.core.mechanism.proofs.ground import Ground, once
from liandong.core.values.authority_rows import ResourceRow
from liandong.core.values.rows import ANY, says
from liandong.core.values.scales import CASE_LEVELS


def prove(ground: Ground) -> Iterator[Fault]:
    """P17 over every kind of resource and every level that is claimed."""
    for row in ground.mechanism.resources:
        yield from _row(row)
    yield from once(_levels(ground))


def _row(row: ResourceRow) -> Iterator[Fault]:
    said = {"resource": row.resource, "level": row.level, "owner": row.owner}
    chain = " → ".join((row.requester or "?", *row.approvals, row.releaser or "?"))
    longest = None if row.approval_s is None else round(len(row.approvals) * row.approval_s / 60, 2)
    if row.allowed is not None and len(row.approvals) > row.allowed:
        yield Fault(
            proof="P17", kind="too_many_approvals", rows=(row.key,),
            witness={**said, "count": len(row.approvals), "allowed": row.allowed, "chain": chain,
                     "minutes": longest},
        )  # fmt: skip
    for role in sorted({r for r in row.approvals if row.approvals.count(r) > 1}):
        witness = {**said, "role": role, "chain": chain}
        yield Fault(proof="P17", kind="approves_twice", rows=(row.key,), witness=witness)
    for what in ("requester", "releaser", "decides"):
        if not getattr(row, what):
            yield Fault(proof="P17", kind=f"resource_no_{what}", rows=(row.key,), witness=said)


def _levels(ground: Ground) -> Iterator[Fault]:
    levels = [level for level in CASE_LEVELS if any(level == claimed for _, claimed in ground.cells)]
    for resource in dict.fromkeys(row.resource for row in ground.mechanism.resources):
        rows = [row for row in ground.mechanism.resources if row.resource == resource]
        for level in levels:
            yield from _level(resource, level, [row for row in rows if says(row.level, level)])


def _level(resource: str, level: str, rows: list[ResourceRow]) -> Iterator[Fault]:
    """One stock, one releaser: a row that names the level speaks instead of one for all."""
    if not rows:
        yield Fault(
            proof="P17", kind="level_without_releaser", witness={"resource": resource, "level": level}
        )
    for one, two in combinations(rows, 2):
        same = one.owner == two.owner or not one.owner or not two.owner
        ruled = (one.level == ANY) != (two.level == ANY)
        if same and not ruled and one.releaser != two.releaser:
            yield Fault(
                proof="P17", kind="two_releasers", rows=(one.key, two.key),
                witness={"resource": resource, "level": level, "owner": one.owner or two.owner,
                         "role": one.releaser, "other": two.releaser},
            )  # fmt: skip
