"""What every store must keep, as small named functions that a new, empty store is given to.

`check_store(make)` runs them all; a test suite runs them one by one, to see which promise is broken.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from liandong.app.ports import (
    AccountRow,
    ActRow,
    AttemptRow,
    Changes,
    DeadLetter,
    GuardRow,
    HandedRow,
    Leases,
    OrderRow,
    OutboxOutcome,
    OutboxRow,
    ParticipantRow,
    QueueRow,
    RejectedRow,
    SessionRow,
    Stake,
    Store,
    StreamRow,
    TimerRow,
    VaultRow,
)
from liandong.core.values.access import Session
from liandong.core.values.errors import Conflict
from liandong.core.values.journal import EntryKind, Head, JournalRow, Root, chain_hash
from liandong.core.values.lists import Mode, Outcome

Check = Callable[[Store], None]


def check_store(make: Callable[[], Store]) -> None:
    """Run every check, each on a new store. Raises AssertionError naming the promise that is broken."""
    for check in STORE_CHECKS:
        store = make()
        try:
            check(store)
        finally:
            store.close()


def equal(found: Any, wanted: Any) -> None:
    """Assert that says what was found; a plain one is silent outside a test runner."""
    if found != wanted:
        raise AssertionError(f"found {found!r}, wanted {wanted!r}")


def refused(error: type[Exception], do: Callable[..., Any], *args: Any, **named: Any) -> Exception:
    """The error of a call that has to fail with it."""
    try:
        do(*args, **named)
    except error as caught:
        return caught
    raise AssertionError(f"{error.__name__} was not raised")


# Rows to try with


def entry(stream: str, sequence: int, **fields: Any) -> JournalRow:
    """An entry whose hash holds for its body; the store has to give back the very same bytes."""
    body = fields.pop("body", f'{{"now":{sequence},"注":"{stream}"}}'.encode())
    hash_ = chain_hash("sha256", stream, sequence, "", body)
    fields = {"kind": EntryKind.DECISION, "now": sequence, "admission": sequence, **fields}
    return JournalRow(
        stream=stream, sequence=sequence, algorithm="sha256", previous="", hash=hash_, body=body, **fields
    )


def stream_row(stream: str, sequence: int = 1, **fields: Any) -> StreamRow:
    """A stream's head; its kind is in its name."""
    fields = {"kind": stream.partition(":")[0], "hash": f"h{sequence}", "body": b'{"a":1}', **fields}
    return StreamRow(stream=stream, sequence=sequence, **fields)


def order_row(id: str, case: str = "c1", **fields: Any) -> OrderRow:
    """An order of one person."""
    row = OrderRow(
        id=id, case=case, unit="unit:a", post="post:a", person="person:a", deputy="", action="acknowledge",
        status="issued", round=1, issued=10, due=20, domain="gas", area_path="/x/", mode=Mode.REAL,
    )  # fmt: skip
    return _with(row, fields)


def participant(case: str, **fields: Any) -> ParticipantRow:
    """A unit that leads from the beginning on."""
    row = ParticipantRow(case=case, part="lead", unit="unit:a", post="post:a", since=1, until=0)
    return _with(row, fields)


def outbox_row(id: str, **fields: Any) -> OutboxRow:
    """A delivery due at 10."""
    row = OutboxRow(
        id=id, order="o1", case="c1", recipient="person:a", channel="file", template="order.issued",
        params={"level": "II", "n": 1, "half": 0.5, "none": None}, mode=Mode.DRILL, created=10, next_at=10,
    )  # fmt: skip
    return _with(row, fields)


def act_row(id: str, **fields: Any) -> ActRow:
    """The answer to an act."""
    row = ActRow(
        id=id, body_digest="d", status="done", key="act.done", params={"位": "x"}, case="c1", version=3, at=5
    )
    return _with(row, fields)


def changes(*rows: Any, **fields: Any) -> Changes:
    """One transaction of these entries, stream rows, orders, places, participants and timers."""
    made = Changes(**fields)
    for row in rows:
        match row:
            case JournalRow():
                made.entries.append(row)
            case StreamRow():
                made.streams[row.stream] = row
            case OrderRow():
                made.orders[row.id] = row
            case QueueRow():
                made.queue[row.case] = row
            case ParticipantRow():
                made.participants[row.case, row.part, row.unit, row.post, row.since] = row
            case TimerRow():
                made.timers_set[row.id] = row
    return made


def queue_row(case: str, **fields: Any) -> QueueRow:
    """A live case's place."""
    made = QueueRow(
        case=case, live=1, turn=5, unit="unit:a", waits="unit:b", asset="asset:a", domain="gas",
        area_path="/x/y/", mode=Mode.REAL, level="II",
    )  # fmt: skip
    return _with(made, fields)


def _with(row: Any, fields: dict[str, Any]) -> Any:
    return type(row)(**{name: fields.get(name, getattr(row, name)) for name in row.__struct_fields__})


# The journal


def an_empty_store_says_so(store: Store) -> None:
    equal(store.last_position(), 0)
    equal([store.entries(0, 10), store.entries_of("case:c1"), list(store.heads()), store.roots()], [[]] * 4)
    equal([store.next_timer(), store.next_outbox(), store.consumed(), store.meta("x")], [None] * 4)
    equal([store.load(["case:c1"]), store.latest("case", "g"), store.act("a")], [{}, None, None])
    equal(store.projection(), {"orders": [], "queue": [], "participants": [], "timers": []})


def positions_are_gap_free_and_in_the_order_given(store: Store) -> None:
    equal(store.commit(changes(entry("case:b", 1), entry("case:a", 1), entry("case:b", 2))), 3)
    equal(store.commit(Changes(meta={"k": "v"})), 3)
    equal(store.commit(changes(entry("case:a", 2))), 4)
    equal(store.last_position(), 4)
    found = [(row.position, row.stream, row.sequence) for row in store.entries(0, 100)]
    equal(found, [(1, "case:b", 1), (2, "case:a", 1), (3, "case:b", 2), (4, "case:a", 2)])


def entries_come_back_byte_by_byte(store: Store) -> None:
    body = bytes(range(256)) + "注".encode()
    row = entry("case:a", 1, body=body, kind=EntryKind.ACCESS, now=2**62, admission=2**61)
    store.commit(changes(row))
    equal(store.entries(0, 1), [_with(row, {"position": 1})])
    equal(type(store.entries(0, 1)[0].kind), EntryKind)


def entries_are_read_after_a_position_by_kind_and_up_to_a_limit(store: Store) -> None:
    kinds = [EntryKind.ADMISSION, EntryKind.DECISION, EntryKind.ADMISSION, EntryKind.SYSTEM]
    store.commit(changes(*(entry("s:a", n, kind=kind) for n, kind in enumerate(kinds, 1))))
    equal([row.position for row in store.entries(1, 2)], [2, 3])
    equal([row.position for row in store.entries(0, 10, [EntryKind.ADMISSION])], [1, 3])
    equal([r.position for r in store.entries(1, 1, [EntryKind.ADMISSION, EntryKind.SYSTEM])], [3])
    equal(store.entries(4, 10), [])


def entries_of_a_stream_come_by_sequence(store: Store) -> None:
    store.commit(changes(entry("s:a", 1), entry("s:b", 1), entry("s:a", 2), entry("s:ab", 1)))
    store.commit(changes(entry("s:a", 3)))
    equal([(row.sequence, row.position) for row in store.entries_of("s:a")], [(1, 1), (2, 3), (3, 5)])
    equal([row.sequence for row in store.entries_of("s:a", after=1, limit=1)], [2])


def a_losing_writer_leaves_nothing(store: Store) -> None:
    store.commit(changes(entry("case:a", 1), stream_row("case:a", 1), entry("case:b", 1)))
    before = (list(store.heads()), store.projection(), store.last_position())
    lost = changes(
        entry("case:n", 1), entry("case:a", 1), stream_row("case:n"), stream_row("case:a", 9), order_row("o"),
        participant("a"), TimerRow(id="t", case="a", due=1), acts=[act_row("x")], outbox=[outbox_row("d")],
        consumed=(None, (0, 5)), meta={"k": "v"}, datasets={"d": ("city", b"x")},
        vault=[VaultRow(id="v", subject="p", nonce=b"n", sealed=b"s")],
    )  # fmt: skip
    error = refused(Conflict, store.commit, lost)
    equal((getattr(error, "key", ""), getattr(error, "params", {})), ("journal.raced", {"stream": "case:a"}))
    equal((list(store.heads()), store.projection(), store.last_position()), before)
    equal([store.act("x"), store.next_outbox(), store.consumed(), store.meta("k")], [None] * 4)
    equal([store.dataset("d"), store.vault_row("v"), store.entries_of("case:n")], [None, None, []])
    equal(store.commit(changes(entry("case:a", 2))), 3)


# States


def streams_are_replaced_as_a_whole(store: Store) -> None:
    store.commit(changes(stream_row("case:a", 1, grouping="g", stage="opened", opened=5), stream_row("r:x")))
    newer = stream_row(
        "case:a", 2, version=7, body=None, grouping="h", ordinal=2, domain="gas", area_path="/x/", unit="u",
        mode=Mode.TEST, stage="closed", level="I", opened=6, updated=9, cause="real",
    )  # fmt: skip
    store.commit(changes(newer, stream_row("r:x", 2)))
    equal(store.load(["case:a", "case:none"]), {"case:a": newer})
    equal(store.load(["r:x", "case:a"]), {"case:a": newer, "r:x": stream_row("r:x", 2)})
    equal(store.latest("case", "g"), None)


def latest_is_the_highest_ordinal_of_kind_and_grouping(store: Store) -> None:
    rows = [stream_row(f"case:{n}", grouping="g", ordinal=n) for n in (2, 10, 9)]
    other = [stream_row("case:o", grouping="h", ordinal=11), stream_row("risk:g", grouping="g", ordinal=12)]
    store.commit(changes(*rows, *other))
    equal(store.latest("case", "g"), rows[1])
    equal(store.latest("case", "none"), None)


def heads_and_states_come_by_key_and_whole(store: Store) -> None:
    keys = [f"case:{n:04}" for n in range(2_345)]
    store.commit(
        changes(*(stream_row(key) for key in reversed(keys)), stream_row("risk:é"), stream_row("Z:z"))
    )
    equal([row.stream for row in store.heads()], ["Z:z", *keys, "risk:é"])
    equal(list(store.states("risk")), [stream_row("risk:é")])
    equal([row.stream for row in store.states("case")], keys)


def acts_are_answered_once(store: Store) -> None:
    store.commit(changes(acts=[act_row("x"), act_row("y", status="refused", params={"n": 1.5})]))
    error = refused(Conflict, store.commit, changes(entry("case:a", 1), acts=[act_row("x", version=4)]))
    equal(getattr(error, "key", ""), "journal.raced")
    equal([store.act("x"), store.last_position()], [act_row("x"), 0])
    second = act_row("y", status="refused", params={"n": 1.5})
    equal(store.act("y"), second)
    found = store.acts(["y", "none", "x"])
    equal([sorted(found, key=lambda row: row.id), store.acts([])], [[act_row("x"), second], []])


def consumed_is_compared_before_it_is_swapped(store: Store) -> None:
    refused(Conflict, store.commit, changes(entry("s:a", 1), consumed=((0, 1), (0, 2))))
    store.commit(changes(consumed=(None, (0, 7))))
    refused(Conflict, store.commit, changes(entry("s:a", 1), consumed=(None, (0, 8))))
    refused(Conflict, store.commit, changes(entry("s:a", 1), consumed=((0, 6), (0, 8))))
    equal([store.consumed(), store.last_position()], [(0, 7), 0])
    store.commit(changes(entry("s:a", 1), consumed=((0, 7), (3, 0))))
    equal([store.consumed(), store.last_position()], [(3, 0), 1])


# Timers and deliveries


def timers_come_due_in_order(store: Store) -> None:
    rows = [TimerRow(id=id, case="c", due=due) for id, due in (("b", 5), ("a", 5), ("c", 4), ("d", 9))]
    store.commit(changes(*rows))
    equal([row.id for row in store.due_timers(5, 10)], ["c", "a", "b"])
    equal([row.id for row in store.due_timers(5, 2)], ["c", "a"])
    equal([store.due_timers(3, 10), store.next_timer()], [[], 4])
    store.commit(changes(timers_gone={"c", "never there"}))
    equal(store.next_timer(), 5)


def a_timer_both_gone_and_set_is_set(store: Store) -> None:
    store.commit(changes(TimerRow(id="t", case="c", due=5)))
    store.commit(changes(TimerRow(id="t", case="c", due=8), timers_gone={"t"}))
    equal(store.due_timers(99, 9), [TimerRow(id="t", case="c", due=8)])


def a_delivery_lives_from_due_to_done(store: Store) -> None:
    store.commit(changes(outbox=[outbox_row("d")]))
    equal([store.outbox_due(9, 9), store.outbox_due(10, 9)], [[], [outbox_row("d")]])
    first = AttemptRow(id="a1", outbox="d", number=1, started=11)
    store.commit(changes(attempts=[first]))
    equal([store.outbox_due(99, 9), store.next_outbox()], [[], None])
    equal(store.open_attempts(), [(first, outbox_row("d", attempts=1, next_at=0))])
    again = OutboxOutcome(outbox="d", attempt="a1", outcome=Outcome.FAILED, at=12, next_at=40, detail="x")
    store.commit(changes(outcomes=[again]))
    equal([store.open_attempts(), store.next_outbox(), store.outbox_due(39, 9)], [[], 40, []])
    equal(store.outbox_due(40, 9), [outbox_row("d", attempts=1, next_at=40)])
    done = OutboxOutcome(outbox="d", attempt="a2", outcome=Outcome.DELIVERED, at=42, next_at=None)
    store.commit(changes(attempts=[AttemptRow(id="a2", outbox="d", number=2, started=41)], outcomes=[done]))
    equal([store.open_attempts(), store.outbox_due(99, 9), store.next_outbox()], [[], [], None])


def deliveries_come_by_moment_then_age_then_id(store: Store) -> None:
    rows = [
        outbox_row(id, next_at=at, created=made)
        for id, at, made in (("c", 5, 1), ("b", 5, 2), ("a", 5, 2), ("z", 4, 9), ("y", 6, 0))
    ]
    store.commit(changes(outbox=rows))
    equal([row.id for row in store.outbox_due(5, 9)], ["z", "c", "a", "b"])
    equal([row.id for row in store.outbox_due(99, 2)], ["z", "c"])


# What is kept


def projection_is_sorted_and_whole(store: Store) -> None:
    orders = [order_row(id, due=None) for id in ("b", "a")]
    people = [participant("b"), participant("a", since=2), participant("a", unit="unit:0")]
    timers = [TimerRow(id=id, case="c", due=1) for id in ("t2", "t1")]
    places = [queue_row("b"), queue_row("a", turn=7)]
    store.commit(changes(*orders, *places, *people, *timers))
    wanted: dict[str, list[Any]] = {
        "orders": orders,
        "queue": places,
        "participants": people,
        "timers": timers,
    }
    equal(store.projection(), {name: rows[::-1] for name, rows in wanted.items()})
    moved = order_row("a", status="done", person="person:b", issued=11)
    store.commit(changes(moved, participant("b", until=9), timers_gone={"t1"}))
    found = store.projection()
    equal([found["orders"][0], found["participants"][2].until], [moved, 9])
    equal([len(rows) for rows in found.values()], [2, 2, 3, 1])


def roots_come_by_number_and_are_anchored_once(store: Store) -> None:
    heads = (Head("case:a", 1, "h"), Head("case:b", 2, "i"))
    roots = [
        Root(number=n, at=n, position=n, previous="", heads=heads, hash="x", key="k", signature="s")
        for n in (1, 2, 3)
    ]
    store.commit(changes(roots=[roots[1], roots[0]]))
    store.commit(changes(roots=[roots[2]], anchored=[(1, "file", 5), (1, "file", 6), (1, "mail", 7)]))
    store.commit(changes(anchored=[(1, "file", 8)]))
    equal(store.roots(), roots)


def what_is_kept_comes_back(store: Store) -> None:
    vault = VaultRow(id="v", subject="person:a", nonce=b"\x00n", sealed=b"\xffs")
    guest = Session(person="person:a", post="post:a")
    store.commit(changes(datasets={"d": ("city", b"\x00x")}, vault=[vault], meta={"k": "1", "l": ""}))
    store.commit(changes(datasets={"d": ("city", b"\x00x")}, meta={"k": "2"}, credentials=[("t", guest, 5)]))
    equal(
        [store.dataset("d"), store.dataset("e"), store.meta("k"), store.meta("l")], [b"\x00x", None, "2", ""]
    )
    equal([store.vault_row("v"), store.vault_row("w")], [vault, None])
    equal([store.credential("t"), store.credential("u")], [(guest, 5), None])
    store.commit(changes(credentials=[("t", Session(source="source:a"), 9)]))
    equal(store.credential("t"), (Session(source="source:a"), 9))


def what_was_refused_is_kept_and_marked_when_replayed(store: Store) -> None:
    rejected = RejectedRow(
        id="r", at=1, source="source:a", path="readings", key="bad", params={"n": 1}, vault="v", size=9
    )
    dead = DeadLetter(id="r", at=2, type="Act", body=b"{}", error="KeyError")
    store.commit(changes(rejected=[rejected], dead=[dead]))
    equal([store.rejected("r"), store.dead_letter("r"), store.dead_letter("x")], [rejected, dead, None])
    store.commit(changes(replayed=[("rejected", "r", 7)]))
    equal([store.rejected("r"), store.dead_letter("r")], [_with(rejected, {"replayed": 7}), dead])
    store.commit(changes(replayed=[("dead", "r", 8)], dead=[_with(dead, {"at": 8})]))
    equal(store.dead_letter("r"), _with(dead, {"at": 8}))


# Accounts, sessions, marks


def account_row(name: str, **fields: Any) -> AccountRow:
    """An account that may sign in."""
    row = AccountRow(
        name=name, person="person:a", hash="h", must_change=0, disabled=0, created=1, changed=1, ended=0
    )
    return _with(row, fields)


def session_row(digest: str, **fields: Any) -> SessionRow:
    """A session of the account `a`."""
    row = SessionRow(
        digest=digest, account="a", person="person:a", post="post:a", created=2, seen=2, expires=30, ends=90
    )
    return _with(row, fields)


def accounts_are_put_and_removed_by_name(store: Store) -> None:
    store.commit(Changes(accounts=[account_row("b"), account_row("a", language="en")]))
    equal([row.name for row in store.accounts()], ["a", "b"])
    equal(store.account("a"), account_row("a", language="en"))
    store.commit(Changes(accounts=[account_row("a", disabled=1)], accounts_gone=["b"]))
    equal(store.accounts(), [account_row("a", disabled=1)])
    equal([store.account("b"), store.account("A")], [None, None])


def failures_lie_apart_from_the_account(store: Store) -> None:
    guard = GuardRow(name="a", failures=2, locks=1, locked_until=9, at=5)
    store.commit(Changes(accounts=[account_row("a")], guards=[guard]))
    equal([store.guard("a"), store.guard("b")], [guard, None])
    store.commit(Changes(accounts=[account_row("a", changed=7)]))
    equal(store.guard("a"), guard)
    store.commit(Changes(guards_gone=["a"]))
    equal(store.guard("a"), None)


def a_session_comes_with_its_account_until_it_is_over(store: Store) -> None:
    store.commit(Changes(accounts=[account_row("a")], sessions=[session_row("x"), session_row("y")]))
    equal(store.session("x"), (session_row("x"), account_row("a")))
    equal(store.session("z"), None)
    store.commit(Changes(sessions=[session_row("x", post="post:b", expires=40)], sessions_gone=["y"]))
    equal(store.session("x"), (session_row("x", post="post:b", expires=40), account_row("a")))
    equal(store.session("y"), None)
    late = [session_row("late", expires=100, ends=100), session_row("ends", expires=100, ends=40)]
    store.commit(Changes(sessions=late, accounts_gone=["a"], sessions_expired=40))
    equal([store.session(d) is None for d in ("x", "ends", "late")], [True, False, False])
    store.commit(Changes(sessions_expired=40))
    equal(store.session("ends"), None)
    equal(store.session("late"), (late[0], None))


def marks_are_entries_without_bodies(store: Store) -> None:
    streams = ["case:c1", "risk:g", "case:c2", "score:c1", "cases:x", "case:c1"]
    counts: dict[str, int] = {}
    for stream in streams:
        counts[stream] = counts.get(stream, 0) + 1
        store.commit(changes(entry(stream, counts[stream])))
    found = store.marks(0, 10)
    equal([(mark.position, mark.stream) for mark in found], list(enumerate(streams, start=1)))
    equal([mark.now for mark in found], [1, 1, 1, 1, 1, 2])
    equal([mark.position for mark in store.marks(1, 2, ("case", "score"))], [3, 4])
    equal([mark.position for mark in store.marks(0, 3, ("case",), before=6)], [3, 1])
    equal(store.marks(6, 10), [])


def facts_tell_who_may_see_a_case(store: Store) -> None:
    row = stream_row("case:c1", domain="gas", area_path="/x/", mode=Mode.DRILL)
    people = [participant("c1"), participant("c1", unit="unit:b", until=9), participant("c2")]
    store.commit(changes(row, *people))
    found = store.case_facts(["c1", "c2", "c3"])
    equal(set(found), {"c1"})
    equal((found["c1"].domain, found["c1"].area_path, found["c1"].mode), ("gas", "/x/", Mode.DRILL))
    equal(sorted(p.unit for p in found["c1"].participants), ["unit:a", "unit:b"])
    equal(store.case_facts([]), {})


def facts_tell_who_may_see_an_alarm(store: Store) -> None:
    alarm = stream_row("alarm:gas|a", grouping="town", domain="gas", area_path="/x/", mode=Mode.DRILL)
    alone = stream_row("alarm:gas|b", grouping="gas|b")
    cases = [stream_row(f"case:c{n}", grouping="town", ordinal=n) for n in (1, 2)]
    people = [participant("c1"), participant("c2", unit="unit:b"), participant("c3", unit="unit:c")]
    store.commit(changes(alarm, alone, *cases, *people))
    found = store.alarm_facts(["gas|a", "gas|b", "gas|c"])
    equal(set(found), {"gas|a", "gas|b"})
    one = found["gas|a"]
    equal((one.domain, one.area_path, one.mode), ("gas", "/x/", Mode.DRILL))
    equal(sorted((p.case, p.unit) for p in one.participants), [("c1", "unit:a"), ("c2", "unit:b")])
    equal(found["gas|b"].participants, ())
    equal(store.alarm_facts([]), {})


# Several processes over one store


def leases_of(store: Store) -> Leases:
    """The rows by which processes share this store."""
    return store.leases  # type: ignore[attr-defined, no-any-return]  # every store on SQL has them


def handed_row(id: str, partition: str = "b") -> HandedRow:
    """A message that waits for the owner of its partition."""
    return HandedRow(
        id=id, partition=partition, number=0, origin="person:a", sender="one", message=b"{}", at=5
    )


def partitions_have_one_owner_at_a_rising_epoch(store: Store) -> None:
    leases = leases_of(store)
    first = leases.join("one", ["a", "b"])
    leases.join("two", ["a", "b"])
    leases.claim("one", first, ["a", "b"])
    leases.claim("two", 1, ["b"])
    found = leases.leases()
    equal([(row.owner, row.epoch) for row in (found["a"], found["b"])], [("one", 1), ("one", 1)])
    leases.release("one", first, ["b"])
    leases.claim("two", 1, ["b"])
    equal((leases.leases()["b"].owner, leases.leases()["b"].epoch), ("two", 3))
    again = leases.join("one", ["a", "b"])
    equal((again > first, leases.leases()["a"].epoch), (True, 2))
    equal([leases.beat("one", first), leases.beat("one", again)], [False, True])


def who_is_buried_owns_nothing_and_writes_nothing(store: Store) -> None:
    leases = leases_of(store)
    epoch = leases.join("one", ["a"])
    leases.claim("one", epoch, ["a"])
    store.stake = Stake("one", epoch, {"a": 1})
    store.commit(changes(entry("case:a", 1), fences={"a": 1}))
    seen = next(row for row in leases.coordinators() if row.name == "one")
    leases.beat("one", epoch)
    equal(leases.bury(seen), False)
    seen = next(row for row in leases.coordinators() if row.name == "one")
    equal(leases.bury(seen), True)
    error = refused(Conflict, store.commit, changes(entry("case:a", 2)))
    equal(getattr(error, "key", ""), "lease.lost")
    equal([leases.leases()["a"].owner, leases.beat("one", epoch), store.last_position()], ["", False, 1])
    store.stake = Stake("one", leases.join("one", ["a"]), {})
    store.commit(changes(entry("case:a", 2)))
    store.stake = None


def a_partition_that_has_moved_is_not_written(store: Store) -> None:
    leases = leases_of(store)
    epoch = leases.join("one", ["a", "b"])
    leases.claim("one", epoch, ["a", "b"])
    store.stake = Stake("one", epoch, {"a": 1, "b": 1})
    leases.release("one", epoch, ["a"])
    leases.claim("one", epoch, ["a"])
    lost = changes(entry("case:a", 1), TimerRow(id="t", case="a", due=1), fences={"a": 1, "b": 1})
    error = refused(Conflict, store.commit, lost)
    equal((getattr(error, "key", ""), store.last_position()), ("lease.moved", 0))
    store.commit(changes(entry("case:a", 1), fences={"a": 3, "b": 1}))
    store.stake = None
    equal(store.next_timer(), None)


def only_what_lies_in_ones_own_partitions_is_found(store: Store) -> None:
    cases = ["case_b1", "case_c1", "case_b2", "short"]
    store.commit(
        changes(
            *(TimerRow(id=f"t{n}", case=case, due=n) for n, case in enumerate(cases)),
            outbox=[_with(outbox_row(f"d{n}"), {"case": case}) for n, case in enumerate(cases)],
        )
    )
    attempts = [AttemptRow(id="x1", outbox="d1", number=1, started=1)]
    store.commit(changes(attempts=[*attempts, AttemptRow(id="x2", outbox="d2", number=1, started=1)]))
    leases = leases_of(store)
    epoch = leases.join("one", ["a", "b", "c"])
    wanted = {"a": ["t3"], "b": ["t0", "t2"], "c": ["t1"], "": []}
    for letter, timers in wanted.items():
        store.stake = Stake("one", epoch, {letter: 1} if letter else {})
        equal([row.id for row in store.due_timers(9, 9)], timers)
        equal(store.next_timer(), int(timers[0][1]) if timers else None)
    store.stake = Stake("one", epoch, {"b": 1})
    equal([row.id for row in store.outbox_due(99, 9)], ["d0"])
    equal([attempt.id for attempt, _ in store.open_attempts()], ["x2"])
    store.stake = None
    equal([len(store.due_timers(9, 9)), len(store.open_attempts())], [4, 2])


def what_is_handed_over_waits_in_order_until_it_is_answered(store: Store) -> None:
    leases = leases_of(store)
    store.commit(changes(handed=[handed_row("z"), handed_row("y", "c")]))
    store.commit(changes(handed=[handed_row("a"), handed_row("z")]))
    equal([(row.id, row.number) for row in leases.handed(["b"], 9)], [("z", 1), ("a", 3)])
    equal([row.id for row in leases.handed(["b", "c"], 2)], ["z", "y"])
    store.commit(changes(answered={"z": b"said", "never": b"x"}))
    equal([row.id for row in leases.handed(["b"], 9)], ["a"])
    equal(leases.answers(["z", "a", "never"]), {"z": b"said"})
    leases.tidy(5)
    equal(leases.answers(["z"]), {"z": b"said"})
    leases.tidy(6)
    equal([leases.answers(["z"]), [row.id for row in leases.handed(["b"], 9)]], [{}, ["a"]])


def admissions_have_one_order_and_time_does_not_go_back(store: Store) -> None:
    store.commit(changes(entry("s:a", 1, admission=1), meta={"admission": "1", "now": "50"}))
    late = changes(entry("s:b", 1, admission=1), meta={"admission": "1", "now": "60"})
    error = refused(Conflict, store.commit, late)
    equal(getattr(error, "params", {}), {"stream": "admission"})
    store.commit(changes(entry("s:b", 1, admission=2), meta={"admission": "2", "now": "40"}))
    equal([store.meta("admission"), store.meta("now"), store.last_position()], ["2", "50", 2])


def in_ones_turn_everything_goes_as_always(store: Store) -> None:
    with store.turn():
        equal(store.last_position(), 0)
        store.commit(changes(entry("s:a", 1)))
    with store.turn():
        pass
    error: Exception | None = None
    with store.turn():
        error = refused(Conflict, store.commit, changes(entry("s:a", 1)))
    equal(getattr(error, "key", ""), "journal.raced")
    store.stage(changes(entry("s:a", 2)))()
    equal(store.last_position(), 2)


STORE_CHECKS: tuple[Check, ...] = (
    an_empty_store_says_so,
    positions_are_gap_free_and_in_the_order_given,
    entries_come_back_byte_by_byte,
    entries_are_read_after_a_position_by_kind_and_up_to_a_limit,
    entries_of_a_stream_come_by_sequence,
    a_losing_writer_leaves_nothing,
    streams_are_replaced_as_a_whole,
    latest_is_the_highest_ordinal_of_kind_and_grouping,
    heads_and_states_come_by_key_and_whole,
    acts_are_answered_once,
    consumed_is_compared_before_it_is_swapped,
    timers_come_due_in_order,
    a_timer_both_gone_and_set_is_set,
    a_delivery_lives_from_due_to_done,
    deliveries_come_by_moment_then_age_then_id,
    projection_is_sorted_and_whole,
    roots_come_by_number_and_are_anchored_once,
    what_is_kept_comes_back,
    what_was_refused_is_kept_and_marked_when_replayed,
    accounts_are_put_and_removed_by_name,
    failures_lie_apart_from_the_account,
    a_session_comes_with_its_account_until_it_is_over,
    marks_are_entries_without_bodies,
    facts_tell_who_may_see_a_case,
    facts_tell_who_may_see_an_alarm,
    partitions_have_one_owner_at_a_rising_epoch,
    who_is_buried_owns_nothing_and_writes_nothing,
    a_partition_that_has_moved_is_not_written,
    only_what_lies_in_ones_own_partitions_is_found,
    what_is_handed_over_waits_in_order_until_it_is_answered,
    admissions_have_one_order_and_time_does_not_go_back,
    in_ones_turn_everything_goes_as_always,
)
