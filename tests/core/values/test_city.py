"""The index of a city: who is on duty at which moment, who stands over whom."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liandong.core.values.city import Area, City, CityIndex, Duty, Holding, OnDuty, Post, Unit
from liandong.core.values.lists import AreaKind, UnitKind
from tests.core.world import START, folder, persons_of


def unit(key: str, parent: str = "") -> Unit:
    return Unit(key=key, name_zh=key, kind=UnitKind.DEPARTMENT, parent=parent)


def post(key: str, unit: str = "u", **more) -> Post:
    return Post(key=key, unit=unit, title_zh=key, **more)


ROSTER = CityIndex(
    City(
        key="c",
        units=(unit("u"),),
        posts=(post("p", duty=True), post("q")),
        holdings=(
            Holding(post="p", person="holder", since=0, until=1000),
            Holding(post="q", person="late", since=50, until=60),
        ),
        duties=(
            Duty(post="p", start=100, end=200, person="a", deputy="b"),
            Duty(post="p", start=200, end=300, person="b", deputy="c"),
            Duty(post="p", start=400, end=500, person="a"),
        ),
    )
)


@pytest.mark.parametrize(
    ("now", "person", "deputy"),
    [
        (99, "holder", ""),
        (100, "a", "b"),
        (199, "a", "b"),
        (200, "b", "c"),
        (299, "b", "c"),
        (300, "holder", ""),
        (400, "a", ""),
        (500, "holder", ""),
    ],
)
def test_a_duty_begins_at_its_start_and_is_over_at_its_end(now, person, deputy):
    assert ROSTER.on_duty("p", now) == OnDuty("p", person, deputy)


@pytest.mark.parametrize(("now", "there"), [(49, False), (50, True), (59, True), (60, False)])
def test_an_appointment_is_over_at_its_end(now, there):
    assert (ROSTER.on_duty("q", now) is not None) == there == ROSTER.holds("late", "q", now)


def test_nobody_is_nobody():
    """A duty without a deputy does not make the empty name its deputy."""
    assert ROSTER.on_duty("p", 1000) is None and ROSTER.on_duty("no such", 0) is None
    assert not ROSTER.holds("", "p", 450) and not ROSTER.holds("", "p", 2000)


@given(st.integers(0, 4 * 86_400), st.sampled_from(folder().city.posts))
def test_who_holds_a_post_is_what_the_rows_say(second, at):
    now = START + second * 1_000_000
    index = CityIndex(folder().city)
    known = persons_of(folder().city, at.key, now)
    duty = index.on_duty(at.key, now)
    assert all(index.holds(person, at.key, now) for person in known)
    assert (duty.person in known) if duty else not known
    assert not index.holds("person:nobody", at.key, now)


def test_a_circle_of_parents_ends():
    city = CityIndex(
        City(key="c", units=(unit("a", "b"), unit("b", "c"), unit("c", "a"), unit("self", "self")))
    )
    assert city.is_superior("b", "a") and city.is_superior("a", "a")
    assert not city.is_superior("x", "a") and not city.is_superior("x", "self")
    assert city.superior("unknown") == "" and not city.is_superior("a", "unknown")


@given(st.dictionaries(st.integers(0, 6), st.integers(0, 6)))
def test_superiors_are_the_chain_of_parents(parents):
    city = CityIndex(City(key="c", units=tuple(unit(str(k), str(v)) for k, v in parents.items())))
    for below in parents:
        chain, at = set(), parents.get(below)
        while at is not None and at not in chain:
            chain.add(at)
            at = parents.get(at)
        assert {above for above in range(7) if city.is_superior(str(above), str(below))} == chain


def test_the_duty_post_is_the_one_around_the_clock_else_the_first():
    city = CityIndex(
        City(key="c", posts=(post("x"), post("y", duty=True), post("z", "v"), post("l", leader=True)))
    )
    assert city.duty_post("u").key == "y" and city.duty_post("v").key == "z" and city.duty_post("w") is None
    assert city.leader_post("u").key == "l" and city.leader_post("v") is None


def test_an_unknown_area_is_the_top():
    city = CityIndex(City(key="c", areas=(Area(key="a", name_zh="a", kind=AreaKind.CITY, path="/a/"),)))
    assert city.area_path("a") == "/a/" and city.area_path("b") == "/"
