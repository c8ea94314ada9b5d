"""Who may see a warning, a response or a request, asked in the two places that answer it."""

from __future__ import annotations

from functools import cache

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from liandong.app.authority import MATTERS, facts_of, may_see, units_of
from liandong.app.live import may_know
from liandong.app.ports import StreamRow
from liandong.app.project import columns, project, state_bytes
from liandong.core.values.access import AccessScope, Grant
from liandong.core.values.lists import Capability, DataClass, Mode, ResourceAction, WarningAction
from tests.core.coordinate.authority import Town, contents


@cache
def rows() -> tuple[StreamRow, ...]:
    """A warning in force in the east, the question that it asks, and a request."""
    town = Town()
    town.in_force(area="east")
    town.ask(
        "centre.a", ResourceAction.REQUEST, resource="pump", quantity=1.0, hazard="gas_leak", area="town"
    )
    return tuple(
        StreamRow(
            stream=stream, kind=stream.partition(":")[0], sequence=1, hash="", version=state.version,
            body=state_bytes(state), **columns(state),
        )
        for stream, state in town.states.items()
    )  # fmt: skip


_grants = st.builds(
    Grant, capability=st.sampled_from([Capability.CASE_READ, Capability.SCORE_READ]),
    domains=st.sampled_from([("*",), ("rainstorm",), ("gas_leak",)]),
    area_path=st.sampled_from(["/", "/town/", "/town/east/", "/town/west/"]),
    modes=st.sampled_from([(Mode.REAL,), (Mode.DRILL,)]), data_class=st.just(DataClass.INTERNAL),
)  # fmt: skip
_units = st.sampled_from(["", "unit:water", "unit:emergency", "unit:centre", "unit:garrison", "unit:firm"])


@given(_grants, _units, st.integers(0, 2))
def test_the_page_and_the_live_events_agree_on_who_may_know(grant: Grant, unit: str, number: int) -> None:
    row = rows()[number]
    scope = AccessScope(person="person:x", post="post:x", unit=unit, now=5, grants=(grant,))
    state = msgspec.json.decode(row.body or b"", type=MATTERS[row.kind])
    kind, _, id = row.stream.partition(":")
    seen = may_see(scope, row, state)
    assert may_know(scope, kind, id, facts_of([row])[row.stream], 5) == seen
    if grant.capability == Capability.SCORE_READ or grant.modes == (Mode.DRILL,):
        assert seen == (unit in units_of(state))


def test_who_has_no_part_and_no_right_sees_nothing_and_a_firm_has_no_part() -> None:
    for row in rows():
        state = msgspec.json.decode(row.body or b"", type=MATTERS[row.kind])
        scope = AccessScope(person="person:x", post="post:x", unit="unit:firm", now=5, grants=())
        assert not may_see(scope, row, state) and "" not in units_of(state)


def test_moments_of_these_streams_are_rows_named_by_the_whole_stream() -> None:
    town = Town()
    town.warn("water.a", WarningAction.DRAFT, contents=contents())
    found = project("warning:wrn_1", town.warning)
    assert {row.case for row in found.timers.values()} == {"warning:wrn_1"} and len(found.timers) == 2
    assert found.columns["domain"] == "rainstorm" and found.columns["level"] == "red"
