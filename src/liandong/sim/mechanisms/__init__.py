"""Foshan's mechanism for simulated cities; the documents are in `liandong.mechanisms`."""

from __future__ import annotations

from liandong.core.values.document import Mechanism
from liandong.mechanisms import builtin

VERSIONS = (1, 2)


def foshan_mechanism(version: int, supplement: bool = True) -> Mechanism:
    """Foshan's mechanism of August 2021 (1) or June 2022 (2); without the supplement, as it is published.

    Roles are functions within territories, so that it runs in any city whose units name theirs.
    """
    return builtin(f"foshan-v{version}", supplement)
