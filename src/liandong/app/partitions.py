"""分区: shares of the cases, so that several processes can divide them. A case's id is a hash already, so its
first letter is its partition, and SQL can tell it from any row that names the case."""

from __future__ import annotations

#: The letters of base32, as ids are written; one partition each.
PARTITIONS = "abcdefghijklmnopqrstuvwxyz234567"


def partition_of(case: str) -> str:
    """The partition of a case by its id; an id of another form belongs to the first."""
    letter = case[len("case_") : len("case_") + 1]
    return letter if letter and letter in PARTITIONS else PARTITIONS[0]
