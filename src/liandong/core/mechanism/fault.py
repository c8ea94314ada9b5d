"""What a proof finds: the rows, a concrete witness, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from liandong.core.values.decision import Param


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """One fault of a mechanism. The sentences live in `texts/`: `proof.<kind>` and `proof.<kind>.remedy`,
    both with the witness and `rows` as their parameters."""

    proof: str  #: `P1` … `P17`
    kind: str  #: what is wrong, e.g. `no_lead`
    rows: tuple[str, ...] = ()  #: keys of the rows that are at fault
    witness: Mapping[str, Param] = {}  #: e.g. flow, level, place, time, unit, minutes
