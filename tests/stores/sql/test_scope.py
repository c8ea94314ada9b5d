"""The scope as SQL says the same as the scope in plain words, for whatever rows and grants there are."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from liandong.app.ports import OrderRow, ParticipantRow, StreamRow
from liandong.conformance.questions import grant, scope
from liandong.conformance.store import changes, order_row, participant, stream_row
from liandong.core.values.access import AccessScope
from liandong.core.values.lists import Capability, Mode, Participation
from liandong.stores.memory import open_memory

# Few values, so that they meet; and those that LIKE, a case-blind compare or bytes would get wrong.
WHO = st.sampled_from(["", "a", "A", "b"])
AREAS = st.sampled_from(["/", "/x/", "/X/", "/x/y/", "/x%/", "/x_/", "/区/", "/区/𠮷/", "/区/𠮷/z/", ""])
DOMAINS = st.sampled_from(["gas", "Gas", "fire", "*", ""])
MODES = st.sampled_from([Mode.REAL, Mode.DRILL, Mode.TEST])
CASES = st.sampled_from(["c1", "c2", "c3"])
MOMENTS = st.integers(0, 6)
CAPABILITIES = st.sampled_from([Capability.CASE_READ, Capability.SCORE_READ, Capability.CASE_ACT])

placed = {"domain": DOMAINS, "area_path": AREAS, "mode": MODES}
streams = st.builds(
    lambda kind, case, **fields: stream_row(f"{kind}:{case}", **fields),
    kind=st.sampled_from(["case", "score", "risk"]), case=CASES, opened=MOMENTS, **placed,
)  # fmt: skip
orders = st.builds(
    order_row, id=st.integers(0, 30).map(str), case=CASES, person=WHO, post=WHO, issued=MOMENTS, **placed
)
participants = st.builds(
    participant, case=CASES, part=st.sampled_from([p.value for p in Participation]), unit=WHO, post=WHO,
    since=MOMENTS, until=MOMENTS,
)  # fmt: skip
grants = st.builds(
    grant,
    capability=CAPABILITIES, domains=st.lists(DOMAINS, max_size=2).map(tuple), area_path=AREAS,
    modes=st.lists(MODES, max_size=2).map(tuple),
)  # fmt: skip
scopes = st.builds(
    lambda given, **fields: scope(*given, **fields),
    st.lists(grants, max_size=3), person=WHO, post=WHO, unit=WHO, now=MOMENTS,
)  # fmt: skip


def takes_part(scope: AccessScope, case: str, people: list[ParticipantRow]) -> bool:
    return any(
        row.case == case
        and row.since <= scope.now
        and (row.until == 0 or row.until > scope.now)
        and ((scope.post != "" and row.post == scope.post) or (scope.unit != "" and row.unit == scope.unit))
        for row in people
    )


def granted(scope: AccessScope, capability: Capability, row: Any) -> bool:
    return scope.covers(capability, row.domain, row.area_path, row.mode)


def sees_case(scope: AccessScope, row: StreamRow, people: list[ParticipantRow]) -> bool:
    case = row.stream.removeprefix("case:")
    return granted(scope, Capability.CASE_READ, row) or takes_part(scope, case, people)


def sees_order(scope: AccessScope, row: OrderRow, people: list[ParticipantRow]) -> bool:
    return (
        granted(scope, Capability.CASE_READ, row)
        or takes_part(scope, row.case, people)
        or (scope.person != "" and row.person == scope.person)
        or (scope.post != "" and row.post == scope.post)
    )


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(streams, max_size=9), st.lists(orders, max_size=9), st.lists(participants, max_size=6),
    st.lists(scopes, min_size=1, max_size=4),
)  # fmt: skip
def test_sql_sees_what_the_plain_filter_sees(
    some_streams: list[StreamRow],
    some_orders: list[OrderRow],
    people: list[ParticipantRow],
    asking: list[AccessScope],
) -> None:
    written = changes(*some_streams, *some_orders, *people)
    store = open_memory()
    store.commit(written)
    questions, people = store.questions, list(written.participants.values())
    cases = [row for row in written.streams.values() if row.kind == "case"]
    scores = [row for row in written.streams.values() if row.kind == "score"]
    for one in asking:
        visible = [row for row in cases if sees_case(one, row, people)]
        assert questions.cases(one)[0] == sorted(visible, key=lambda r: (r.opened, r.stream), reverse=True)
        for row in cases:
            found = questions.case(one, row.stream.removeprefix("case:"))
            assert found == (row if row in visible else None)
        theirs = [row for row in written.orders.values() if sees_order(one, row, people)]
        assert questions.orders(one)[0] == sorted(theirs, key=lambda row: (row.issued, row.id))
        scored = [row for row in scores if granted(one, Capability.SCORE_READ, row)]
        assert questions.scores(one)[0] == sorted(
            scored, key=lambda row: (row.opened, row.stream), reverse=True
        )
    store.close()


@settings(max_examples=60, deadline=None)
@given(st.lists(streams, max_size=20), scopes, st.integers(1, 5))
def test_pages_put_together_are_the_whole(
    some_streams: list[StreamRow], scope: AccessScope, limit: int
) -> None:
    store = open_memory()
    store.commit(changes(*some_streams))
    whole, end = store.questions.cases(scope, limit=500)
    pages, cursor = store.questions.cases(scope, limit=limit)
    while cursor:
        assert len(pages) % limit == 0, "a page that is not the last is full"
        page, cursor = store.questions.cases(scope, limit=limit, after=cursor)
        assert page
        pages += page
    assert (pages, end) == (whole, "")
    store.close()


@pytest.mark.parametrize("strange", ["a'b", 'a"b', "a\\", "%", "_", "a;--", "注\n", "x" * 5_000])
def test_no_text_is_taken_for_sql(strange: str) -> None:
    store = open_memory()
    store.commit(changes(stream_row(f"case:{strange}", area_path=f"/{strange}/", domain=strange)))
    narrow = scope(grant(domains=(strange,), area_path=f"/{strange}/"))
    assert len(store.questions.cases(narrow)[0]) == 1
    assert store.questions.case(narrow, strange) is not None
    store.close()
