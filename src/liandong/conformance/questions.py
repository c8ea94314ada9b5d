"""What every read model must keep: nothing outside the scope, and pages without loss or repeat."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from liandong.app.ports import (
    AlarmsAsked,
    Changes,
    DeadLetter,
    Questions,
    QueueAsked,
    RejectedRow,
    Store,
    TimerRow,
)
from liandong.conformance.store import (
    changes,
    equal,
    order_row,
    outbox_row,
    participant,
    queue_row,
    refused,
    stream_row,
)
from liandong.core.values.access import AccessScope, Grant
from liandong.core.values.errors import BadInput, Forbidden
from liandong.core.values.lists import Capability, DataClass, Mode

Check = Callable[[Store, Questions], None]


def check_questions(make: Callable[[], tuple[Store, Questions]]) -> None:
    """Run every check, each on a new store and its read models. Raises AssertionError."""
    for check in QUESTION_CHECKS:
        store, questions = make()
        try:
            check(store, questions)
        finally:
            store.close()


def scope(*grants: Grant, **fields: Any) -> AccessScope:
    """A scope of nobody, with these grants."""
    return AccessScope(**{"person": "", "post": "", "unit": "", "now": 100, **fields}, grants=grants)


def grant(capability: Capability = Capability.CASE_READ, **fields: Any) -> Grant:
    """A grant of all real cases."""
    given = {"domains": ("*",), "area_path": "/", "modes": (Mode.REAL,), **fields}
    return Grant(capability=capability, data_class=DataClass.INTERNAL, **given)


EVERYTHING = scope(grant(), grant(Capability.SCORE_READ), grant(Capability.INTAKE_READ))


def _case(id: str, **fields: Any) -> Any:
    return stream_row(f"case:{id}", **{"domain": "gas", "area_path": "/x/y/", "opened": 5, **fields})


def _seen(questions: Questions, scope: AccessScope) -> set[str]:
    return {row.stream for row in questions.cases(scope)[0]}


def nobody_sees_nothing(store: Store, questions: Questions) -> None:
    store.commit(
        changes(_case("a"), order_row("o"), stream_row("score:a"), participant("a", unit="", post=""))
    )
    equal(questions.cases(scope()), ([], ""))
    equal([questions.orders(scope()), questions.scores(scope())], [([], "")] * 2)
    equal(questions.case(scope(), "a"), None)
    equal(_seen(questions, scope(grant(Capability.CASE_ACT))), set())


def a_grant_covers_domain_area_and_mode_together(store: Store, questions: Questions) -> None:
    rows = {
        "a": _case("a"),
        "b": _case("b", domain="fire"),
        "c": _case("c", area_path="/x/z/"),
        "d": _case("d", mode=Mode.DRILL),
        "e": _case("e", area_path="/X/Y/"),
        "f": _case("f", area_path="/x%y/"),
    }
    store.commit(changes(*rows.values()))
    narrow = scope(grant(domains=("gas", "water"), area_path="/x/y/"))
    equal(_seen(questions, narrow), {"case:a"})
    equal([questions.case(narrow, id) for id in rows], [rows["a"]] + [None] * 5)
    equal(_seen(questions, scope(grant(area_path="/x%"))), {"case:f"})
    both = scope(grant(domains=("fire",)), grant(domains=("gas",), modes=(Mode.DRILL,)))
    equal(_seen(questions, both), {"case:b", "case:d"})


def the_queue_keeps_to_its_turns_and_to_the_scope(store: Store, questions: Questions) -> None:
    turns = {"a": 30, "b": 10, "c": 20, "d": (1 << 62) - 90}
    for case, turn in turns.items():
        fields = {"area_path": "/x/z/"} if case == "c" else {}
        place = queue_row(case, turn=turn, live=int(case != "d"), **fields)
        store.commit(changes(_case(case, **fields), place))
    every = QueueAsked()
    rows, cursor, total = questions.queue(EVERYTHING, every, limit=2)
    equal(([row.stream for row in rows], total), (["case:b", "case:c"], 3))
    rows, cursor, _ = questions.queue(EVERYTHING, every, after=cursor, limit=2)
    equal(([row.stream for row in rows], cursor), (["case:a"], ""))
    narrow = scope(grant(area_path="/x/y/"))
    equal([row.stream for row in questions.queue(narrow, every)[0]], ["case:b", "case:a"])
    equal(questions.queue(scope(), every), ([], "", 0))
    closed = QueueAsked(closed_since=80)
    equal([row.stream for row in questions.queue(narrow, closed)[0]], ["case:b", "case:a", "case:d"])
    equal(questions.queue(narrow, QueueAsked(closed_since=95))[0][-1].stream, "case:a")
    equal(questions.queue(EVERYTHING, QueueAsked(unit="unit:b", level="II"))[2], 3)
    equal(questions.queue(EVERYTHING, QueueAsked(unit="unit:c"))[2], 0)
    equal(questions.cases_at(narrow, ["asset:a", "asset:b"]), {"asset:a": ["b", "a"]})


def whoever_takes_part_sees_the_case_while_it_lasts(store: Store, questions: Questions) -> None:
    store.commit(changes(_case("a"), _case("b"), order_row("o", case="a"), order_row("p", case="b")))
    store.commit(changes(participant("a", unit="unit:x", post="post:x", since=50, until=60)))
    for now, visible in ((49, False), (50, True), (59, True), (60, False)):
        for who in ({"unit": "unit:x"}, {"post": "post:x"}, {"unit": "unit:x", "post": "post:y"}):
            asking = scope(now=now, **who)
            equal(_seen(questions, asking), {"case:a"} if visible else set())
            equal(questions.case(asking, "a") is not None, visible)
            equal([row.id for row in questions.orders(asking)[0]], ["o"] if visible else [])
    store.commit(changes(participant("b", unit="unit:x", since=50, until=0)))
    equal(_seen(questions, scope(unit="unit:x", now=2**60)), {"case:b"})
    equal(_seen(questions, scope(unit="unit:y", post="post:y")), set())


def orders_are_seen_by_whom_they_are_addressed_to(store: Store, questions: Questions) -> None:
    store.commit(changes(order_row("o"), order_row("p", person="person:b", post="post:b"), _case("c1")))
    equal([row.id for row in questions.orders(scope(person="person:a"))[0]], ["o"])
    equal([row.id for row in questions.orders(scope(post="post:b"))[0]], ["p"])
    equal(questions.orders(scope(person="person:a"), person="person:b"), ([], ""))
    equal(_seen(questions, scope(person="person:a")), set())


def filters_narrow_the_scope(store: Store, questions: Questions) -> None:
    store.commit(changes(_case("a", stage="opened", unit="u"), _case("b", stage="closed", unit="v")))
    store.commit(changes(order_row("o", status="done"), order_row("p", person="person:b", post="post:b")))
    equal([row.stream for row in questions.cases(EVERYTHING, stage="opened")[0]], ["case:a"])
    equal([row.stream for row in questions.cases(EVERYTHING, unit="v")[0]], ["case:b"])
    equal([row.id for row in questions.orders(EVERYTHING, status="done")[0]], ["o"])
    equal([row.id for row in questions.orders(EVERYTHING, person="person:b", post="post:b")[0]], ["p"])


def scores_need_their_own_capability(store: Store, questions: Questions) -> None:
    row = stream_row("score:a", domain="gas", area_path="/x/", unit="u")
    store.commit(changes(row, _case("a"), participant("a", unit="u")))
    equal(questions.scores(scope(grant(), unit="u")), ([], ""))
    equal(questions.scores(scope(grant(Capability.SCORE_READ))), ([row], ""))
    equal(questions.scores(EVERYTHING, unit="v"), ([], ""))


def refused_input_needs_the_capability(store: Store, questions: Questions) -> None:
    rejected = [
        RejectedRow(id=id, at=at, source="s", path="act", key="k", params={}, vault="", size=1)
        for id, at in (("a", 1), ("b", 2))
    ]
    dead = DeadLetter(id="d", at=1, type="Act", body=b"", error="e")
    store.commit(changes(rejected=rejected, dead=[dead]))
    refused(Forbidden, questions.rejected, scope(grant()))
    refused(Forbidden, questions.dead_letters, scope(grant()))
    equal(questions.rejected(EVERYTHING), (rejected[::-1], ""))
    page, cursor = questions.rejected(EVERYTHING, limit=1)
    equal([page, questions.rejected(EVERYTHING, after=cursor)], [rejected[1:], (rejected[:1], "")])
    equal(questions.dead_letters(EVERYTHING), ([dead], ""))


def pages_are_complete_without_repeats_while_others_write(store: Store, questions: Questions) -> None:
    ids = [f"{n:02}" for n in range(23)]
    store.commit(changes(*(_case(id, opened=5 + int(id) // 5) for id in ids)))
    store.commit(changes(*(order_row(id, issued=5 + int(id) // 5) for id in ids)))
    cases, orders, cursor = [], [], ""
    for turn in range(100):
        page, cursor = questions.cases(EVERYTHING, after=cursor, limit=4)
        cases += [row.stream.removeprefix("case:") for row in page]
        if not cursor:
            break
        store.commit(changes(_case(f"new{turn}", opened=50)))
    for turn in range(100):
        found, cursor = questions.orders(EVERYTHING, after=cursor, limit=4)
        orders += [row.id for row in found]
        if not cursor:
            break
        if turn < 3:
            store.commit(changes(order_row(f"new{turn}", issued=50)))
    equal(cases, sorted(ids, reverse=True))
    equal(orders, [*ids, "new0", "new1", "new2"])


def a_page_is_between_one_and_five_hundred(store: Store, questions: Questions) -> None:
    store.commit(changes(*(_case(f"{n:03}") for n in range(501))))
    for limit in (0, -1, 501):
        refused(BadInput, questions.cases, EVERYTHING, limit=limit)
        refused(BadInput, questions.dead_letters, EVERYTHING, limit=limit)
    page, cursor = questions.cases(EVERYTHING, limit=500)
    equal([len(page), questions.cases(EVERYTHING, after=cursor, limit=500)[1]], [500, ""])
    exact, cursor = questions.cases(EVERYTHING, after=cursor, limit=1)
    equal([len(exact), cursor], [1, ""])


def a_strange_cursor_is_bad_input(store: Store, questions: Questions) -> None:
    for cursor in ("x", "!!!", "é", "W10", "WzEsMl0", "WyJhIiwiYiJd", "e30", "bnVsbA"):
        refused(BadInput, questions.cases, EVERYTHING, after=cursor)


def figures_count_what_is_there(store: Store, questions: Questions) -> None:
    rows = [_case(id, stage=stage) for id, stage in (("a", "opened"), ("b", "opened"), ("c", "closed"))]
    store.commit(changes(*rows, order_row("o"), TimerRow(id="t", case="a", due=1), outbox=[outbox_row("d")]))
    dead = DeadLetter(id="d", at=1, type="Act", body=b"", error="e")
    store.commit(Changes(dead=[dead]))
    wanted = {"cases.opened": 2, "cases.closed": 1, "orders": 1, "timers": 1, "outbox": 1, "rejected": 0}
    equal(questions.counts(), {**wanted, "dead": 1})
    store.commit(Changes(replayed=[("dead", "d", 2)]))
    equal(questions.counts(), {**wanted, "dead": 0})


def what_is_open_for_a_post_is_its_own(store: Store, questions: Questions) -> None:
    store.commit(
        changes(
            _case("a", stage="judged", opened=7), _case("b", stage="judged", opened=6),
            _case("c", stage="closed"), _case("d", stage="judged"), _case("e", stage="judged"),
            participant("a", post="post:x"), participant("c", post="post:x"),
            participant("d", post="post:x", since=1, until=50),
            order_row("o", case="b", post="post:x", status="issued"),
            order_row("p", case="e", post="post:x", status="done"),
            order_row("q", case="e", post="post:y", status="active"),
        )
    )  # fmt: skip
    rows, orders = questions.open_for_post(scope(post="post:x"))
    equal([row.stream for row in rows], ["case:b", "case:a"])
    equal([row.body for row in rows], [None, None])
    equal([row.id for row in orders], ["o"])
    equal(questions.open_for_post(scope(grant(), unit="unit:a")), ([], []))


def an_alarm_is_listed_until_it_or_its_case_was_seen(store: Store, questions: Questions) -> None:
    def alarm(id: str, **fields: Any) -> Any:
        return stream_row(f"alarm:{id}", **{"domain": "gas", "area_path": "/x/y/", "grouping": id, **fields})

    store.commit(
        changes(
            alarm("a", stage="unacknowledged", updated=4), alarm("b", stage="returned", updated=3),
            alarm("c", stage="unacknowledged", updated=2), alarm("d", stage="returned", updated=1),
            alarm("e", stage="normal", updated=5), alarm("f", stage="shelved", updated=6, area_path="/z/"),
            _case("ca", grouping="a", ordinal=1, stage="judged"),
            _case("ca2", grouping="a", ordinal=2, stage="opened"),
            _case("cc", grouping="c", ordinal=1, stage="judged"), _case("cd", grouping="d", stage="closed"),
            participant("cc", unit="unit:a"),
        )
    )  # fmt: skip

    def listed(scope: AccessScope, *stages: str) -> list[str]:
        rows = questions.alarms(scope, AlarmsAsked(stages=stages))[0]
        return [row.stream.removeprefix("alarm:") for row, _ in rows]

    with_cases = scope(grant(area_path="/x/"))
    equal(listed(with_cases), ["a", "b", "c"])
    equal(listed(EVERYTHING), ["f", "a", "b", "c"])
    equal(listed(EVERYTHING, "acknowledged"), ["c"])
    equal(listed(EVERYTHING, "unacknowledged", "returned"), ["a", "b"])
    equal(listed(scope(unit="unit:a")), ["c"])
    equal(listed(scope()), [])
    page, cursor = questions.alarms(EVERYTHING, AlarmsAsked(), limit=1)
    equal([page[0][0].stream, page[0][1]], ["alarm:f", ""])
    equal(len(questions.alarms(EVERYTHING, AlarmsAsked(), after=cursor)[0]), 3)


QUESTION_CHECKS: tuple[Check, ...] = (
    an_alarm_is_listed_until_it_or_its_case_was_seen,
    nobody_sees_nothing,
    a_grant_covers_domain_area_and_mode_together,
    the_queue_keeps_to_its_turns_and_to_the_scope,
    whoever_takes_part_sees_the_case_while_it_lasts,
    orders_are_seen_by_whom_they_are_addressed_to,
    filters_narrow_the_scope,
    scores_need_their_own_capability,
    refused_input_needs_the_capability,
    pages_are_complete_without_repeats_while_others_write,
    a_page_is_between_one_and_five_hundred,
    a_strange_cursor_is_bad_input,
    figures_count_what_is_there,
    what_is_open_for_a_post_is_its_own,
)
