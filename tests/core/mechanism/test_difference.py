"""What a new version changes for whom: found where it is, absent where nothing is, said in both languages."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from liandong.core.mechanism.difference import Change, changes, who_of
from liandong.core.mechanism.proofs.ground import Facts
from liandong.core.values.city import CityIndex
from liandong.core.values.document import Mechanism
from liandong.core.values.lists import Participation
from liandong.core.values.rows import RoleRow
from liandong.core.values.times import parse_time
from liandong.texts.changes import sentence
from tests.small_town import demo_city
from tests.small_town.mechanism import demo_mechanism

MADE = demo_city(7, parse_time("2026-05-01T09:00:00+08:00"), 2, 36)
CITY = CityIndex(MADE.city)
BEFORE = demo_mechanism()
LEAD = "role.gas_leak.lead.owner"


def _with(**roles: str | None) -> Mechanism:
    """The town's mechanism with other roles in some rows; None takes the row away."""
    kept = (row for row in BEFORE.roles if roles.get(row.key.replace(".", "_"), "") is not None)
    changed = (replace(row, role=roles.get(row.key.replace(".", "_"), row.role)) for row in kept)
    return replace(BEFORE, roles=tuple(changed))


def _of(found: tuple[Change, ...], who: str, topic: str, what: str) -> Change:
    (one,) = (c for c in found if (c.who, c.topic, c.what) == (who, topic, what))
    return one


def test_nothing_differs_from_itself() -> None:
    assert changes(BEFORE, BEFORE, CITY) == ()
    assert changes(BEFORE, replace(BEFORE, title_zh="另名", number="2"), CITY) == ()


def test_another_lead_gains_the_steps_that_the_first_one_loses() -> None:
    found = changes(BEFORE, _with(role_gas_leak_lead_owner="unit:housing"), CITY)
    gained = _of(found, "unit:housing", "part", "lead")
    lost = _of(found, "owner", "part", "lead")
    assert (gained.change, lost.change) == ("gained", "lost")
    assert gained.flows == ("gas_leak",) and gained.levels == ("IV", "III", "II", "I")
    assert gained.units == ("unit:housing",) and gained.rows == (LEAD,)
    steps = [c for c in found if c.topic == "step" and c.what == "handle"]
    assert {(c.who, c.change) for c in steps} == {("unit:housing", "gained"), ("owner", "lost")}
    assert all(LEAD in c.rows for c in steps)  # a step changes hands because of the lead's row
    assert {c.who for c in found} == {"unit:housing", "owner"}  # nobody else hears of it


def test_a_limit_that_is_shorter_is_one_altered_clause() -> None:
    key = "step.gas_leak.III.arrive"
    steps = tuple(replace(s, limit_s=1_800.0) if s.key == key else s for s in BEFORE.steps)
    (one,) = changes(BEFORE, replace(BEFORE, steps=steps), CITY)
    assert (one.change, one.what, one.levels) == ("altered", "arrive", ("III",))
    assert "4200 s" in one.before and "1800 s" in one.after and key in one.rows


def test_a_row_that_never_speaks_changes_nothing() -> None:
    """Each flow has a lead of its own: the general one is asked by nobody."""
    assert changes(BEFORE, _with(role_any_lead_owner="unit:fire"), CITY) == ()
    dropped = replace(BEFORE, roles=tuple(r for r in BEFORE.roles if r.key != "role.any.lead.owner"))
    assert changes(BEFORE, dropped, CITY) == ()


def test_a_role_reaches_the_units_of_the_places_where_its_row_holds() -> None:
    row = RoleRow(
        key="role.heping", flow="gas_leak", part=Participation.ASSIST, role="town:town",
        territory="area:heping",
    )  # fmt: skip
    after = replace(BEFORE, roles=(*BEFORE.roles, row))
    one = _of(changes(BEFORE, after, CITY), "town:town", "part", "assist")
    assert one.units == ("unit:town_heping",)
    wide = replace(BEFORE, roles=(*BEFORE.roles, replace(row, territory="area:east")))
    one = _of(changes(BEFORE, wide, CITY), "town:town", "part", "assist")
    assert set(one.units) == {f"unit:town_{town}" for town in ("yunxi", "shiqiao", "heping", "qinghe")}
    assert _of(changes(BEFORE, wide), "town:town", "part", "assist").units == ()  # no city, no unit


def test_an_owner_is_concerned_by_what_can_happen_to_its_assets() -> None:
    after = _with(role_gas_leak_lead_owner="unit:housing")
    anything = _of(changes(BEFORE, after, CITY), "owner", "part", "lead")
    live = frozenset({("gas_leak", "valve_chamber", "II")})
    facts = Facts(since=0, until=0, emitted=live)
    narrowed = _of(changes(BEFORE, after, CITY, facts), "owner", "part", "lead")
    owners = {a.owner for a in MADE.city.assets if a.kind == "valve_chamber"}
    assert set(narrowed.units) == owners and owners < set(anything.units)


def test_a_role_that_always_means_one_unit_is_that_unit() -> None:
    assert who_of("body:safety", CITY) == "unit:emergency"
    assert who_of("town:town", CITY) == who_of("town:town", None) == "town:town"


def test_every_sentence_has_its_words_in_both_languages() -> None:
    found = changes(BEFORE, _with(role_gas_leak_lead_owner="unit:housing"), CITY)
    for language in ("zh", "en"):
        for change in found:
            assert "⟦" not in sentence(change, language, {"unit:housing": "Housing"})
    assert sentence(found[-1], "en", {found[-1].who: "Housing"}).startswith("Housing")


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from([row.key for row in BEFORE.roles]), max_size=4), st.booleans())
def test_taken_back_is_lost_where_given_was_gained(dropped: list[str], in_city: bool) -> None:
    after = replace(BEFORE, roles=tuple(row for row in BEFORE.roles if row.key not in dropped))
    city = CITY if in_city else None
    forth, back = changes(BEFORE, after, city), changes(after, BEFORE, city)
    other = {"gained": "lost", "lost": "gained", "altered": "altered"}
    said = {(*_about(c), c.change, c.before, c.after) for c in forth}
    assert said == {(*_about(c), other[c.change], c.after, c.before) for c in back}


def _about(change: Change) -> tuple[object, ...]:
    return change.who, change.topic, change.what, frozenset(change.flows), change.levels
