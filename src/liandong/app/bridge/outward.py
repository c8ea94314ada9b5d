"""Pushing orders: a delivery channel for each bridge. What is sent is the order as it is at that moment."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from liandong.app.bridge.documents import order_document
from liandong.app.bridge.link import Link
from liandong.app.ports import OutboxRow, Store
from liandong.core.mechanism.policy import Policy
from liandong.core.values.case import CaseState
from liandong.core.values.lists import Outcome, Repeats

_state = msgspec.json.Decoder(CaseState)


def load_case(store: Store, case: str) -> CaseState | None:
    """The stored state of a case."""
    row = store.load([f"case:{case}"]).get(f"case:{case}")
    return None if row is None or row.body is None else _state.decode(row.body)


def describe(
    store: Store, policy: Policy, case: str, order: str, change: str, link: str = ""
) -> dict[str, Any] | None:
    """The document of an order as it is now; None where there is no such order."""
    state = load_case(store, case)
    found = state.orders.get(order) if state is not None else None
    return None if state is None or found is None else order_document(policy, state, found, change, link)


class BridgeChannel:
    """A channel named by its bridge; a repeat carries the same order and version, and is dropped there."""

    repeats = Repeats.DROPS

    def __init__(self, name: str, link: Link, document: Callable[[OutboxRow], dict[str, Any] | None]) -> None:
        self.name = name
        self._link, self._document = link, document

    def send(self, row: OutboxRow, address: str) -> tuple[Outcome, bool, str]:
        """Give the order once, as it is now: a push that waited never overwrites a newer one."""
        made = self._document(row)
        return (Outcome.FAILED, False, "no such order") if made is None else self._link.push(made)
