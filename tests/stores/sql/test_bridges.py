"""What other systems report is kept by (bridge, event), read by its moment, and found by their number."""

from __future__ import annotations

import msgspec

from liandong.app.ports import BridgeEventRow, Changes
from liandong.conformance.store import order_row
from liandong.core.values.lists import HeardState, OrderStatus
from liandong.stores._sql.store import SqlStore


def row(event: str, moment: int, state: HeardState = HeardState.PARKED, **more: object) -> BridgeEventRow:
    given = {"bridge": "bridge:gas", "digest": "d", "received": moment} | more
    return BridgeEventRow(event=event, moment=moment, state=state, **given)


def put(store: SqlStore, *rows: BridgeEventRow) -> None:
    store.commit(Changes(bridge_events={(one.bridge, one.event): one for one in rows}))


def test_a_report_is_kept_and_replaced_by_its_key(store: SqlStore) -> None:
    first = row("e1", 5, params={"order": "o", "n": 1, "x": None}, their_at=None, number="RQ-1", order="o")
    put(store, first, row("e1", 5, bridge="bridge:water"))
    assert store.bridge_event("bridge:gas", "e1") == first
    later = msgspec.structs.replace(first, state=HeardState.DONE, moment=9, tries=2, vault="v:d")
    put(store, later)
    assert store.bridge_event("bridge:gas", "e1") == later
    assert store.bridge_event("bridge:gas", "e2") is None


def test_reports_are_read_by_moment_and_number(store: SqlStore) -> None:
    put(store, row("b", 2), row("a", 2, HeardState.DONE), row("c", 1, HeardState.REFUSED), row("中", 2))
    put(store, row("x", 0, bridge="bridge:water"))
    found = [one.event for one in store.bridge_events("bridge:gas")]
    assert found == ["c", "a", "b", "中"]
    assert [one.event for one in store.bridge_events("bridge:gas", after=(2, "a"))] == ["b", "中"]
    assert [one.event for one in store.bridge_events("bridge:gas", ("done", "refused"))] == ["c", "a"]
    assert [one.event for one in store.bridge_events("bridge:gas", limit=1)] == ["c"]


def test_their_number_leads_to_the_order_it_was_first_named_with(store: SqlStore) -> None:
    put(store, row("e0", 1, number="RQ-1"))
    assert store.bridge_order("bridge:gas", "RQ-1") == ("", "")
    later, first = {"order": "o2", "case": "c2"}, {"order": "o1", "case": "c1"}
    put(store, row("e1", 3, number="RQ-1", **later), row("e2", 2, number="RQ-1", **first))
    assert store.bridge_order("bridge:gas", "RQ-1") == ("o1", "c1")
    assert store.bridge_order("bridge:water", "RQ-1") == ("", "")


def test_live_orders_of_posts(store: SqlStore) -> None:
    rows = {
        id: msgspec.structs.replace(order_row(id), post=post, status=status, issued=issued)
        for id, post, status, issued in (
            ("o1", "p1", OrderStatus.ACTIVE, 3), ("o2", "p1", OrderStatus.DONE, 1),
            ("o3", "p2", OrderStatus.ISSUED, 2), ("o4", "p3", OrderStatus.ISSUED, 2),
        )
    }  # fmt: skip
    store.commit(Changes(orders=rows))
    assert [one.id for one in store.live_orders(["p1", "p2"])] == ["o3", "o1"]
    assert store.order("o2") == rows["o2"] and store.order("nothing") is None
