"""A sub-platform's alarms over HTTP: raised, raised in level, cleared; each word answered once it counts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tests.web.town as town_module
from liandong.adapters.graded import make_router
from liandong.app.rebuild import rebuild
from liandong.core.values.case import CaseState
from liandong.core.values.errors import BadInput
from liandong.core.values.times import MINUTE
from liandong.sim.standards import graded_alarm, graded_alarms
from liandong.web.app import create_app
from tests.small_town import demo_city
from tests.web.town import CENTRE, OPERATOR, Client, Town, is_problem

pytestmark = pytest.mark.slow
WEST = "post:emergency_west.duty"
ASSET = "asset:gas-005"
FREE = "阀井盖下有异味"


def city_with_rows(*given: Any) -> Any:
    """The small town and the rows by which the gas company's own platform is understood."""
    made = demo_city(*given)
    rows = {"grades": (("二级", "medium"), ("一级", "high")), "kinds": (("泄漏", "gas_leak"),)}
    sources = tuple(
        msgspec.structs.replace(s, **rows) if s.key == "source:gas" else s for s in made.city.sources
    )
    return msgspec.structs.replace(made, city=msgspec.structs.replace(made.city, sources=sources))


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(town_module, "demo_city", city_with_rows)
        made = Town(tmp_path_factory.mktemp("town"))
    made.app = create_app(made.platform, routers=[make_router(made.platform)])
    yield made
    made.close()


def alarm(town: Town, number: str, action: str = "raise", **more: Any) -> dict[str, Any]:
    said = {"hazard": "泄漏", "level": "二级", "asset": ASSET} if action != "clear" else {}
    return graded_alarm(number, action, town.now, **(said | more))


def send(town: Town, *alarms: Any, source: str = "source:gas") -> list[dict[str, Any]]:
    answer = Client(town).post("findings", town.token(source=source), content=graded_alarms(*alarms))
    assert answer.status_code == 200, answer.text
    town.settle()
    found: list[dict[str, Any]] = answer.json()["answers"]
    assert all(one["text"] and "⟦" not in one["text"] for one in found)
    return found


def outcomes(town: Town, *alarms: Any) -> list[str]:
    return [one["outcome"] for one in send(town, *alarms)]


def case_at(town: Town, asset: str = ASSET) -> CaseState | None:
    row = town.platform.store.latest("case", f"gas_leak|{asset}")
    return msgspec.json.decode(row.body, type=CaseState) if row and row.body else None


def test_raised_raised_in_level_and_cleared(town: Town) -> None:
    first = send(town, alarm(town, "A-1", value=22.5, unit="%LEL", text=FREE))[0]
    assert first["outcome"] == "raised" and first["id"] == "A-1"
    case = case_at(town)
    assert case is not None and case.level == "III" and list(case.findings) == [first["finding"]]
    assert case.alarm_active and case.rules == ("source:gas",) and case.orders
    town.pass_time()
    assert outcomes(town, alarm(town, "A-1", "update", level="一级")) == ["changed"]
    case = case_at(town)
    assert case is not None and case.level == "II" and list(case.findings) == [first["finding"]]
    town.pass_time()
    assert outcomes(town, alarm(town, "A-1", "clear")) == ["cleared"]
    case = case_at(town)
    assert case is not None and not case.alarm_active and not case.over  # closing is proven, not cleared away
    shown = Client(town).get(f"findings/{first['finding']}", town.token(post=CENTRE)).json()
    assert shown["text"] == FREE and not shown["active"] and shown["level"] == "一级"
    own = Client(town).get("findings/A-1", town.token(source="source:gas")).json()
    assert own == shown
    for stream in ("admission:source:gas", f"graded:{shown['alarm']}", f"case:{case.id}"):
        rows = town.platform.store.entries_of(stream)
        assert rows and FREE not in "".join(row.body.decode() for row in rows)


def test_each_word_is_answered_and_a_repeat_changes_nothing(town: Town) -> None:
    one = alarm(town, "C-1", asset="asset:gas-014")
    wrong = [
        alarm(town, "C-1", level="零级"), {"id": "C-3"}, alarm(town, "C-4", hazard="天气"),
        alarm(town, "C-5", asset="asset:none"), alarm(town, "C-6", asset="", area="area:nowhere"),
        alarm(town, "C-7", time="yesterday"),
    ]  # fmt: skip
    said = [one, one, alarm(town, "C-2", "clear"), *wrong]
    answers = send(town, *said)
    assert [a["outcome"] for a in answers] == ["raised", "known", "unknown", *["refused"] * 6]
    keys = [
        "graded.unknown_level",
        "graded.bad_report",
        "graded.unknown_hazard",
        *["graded.unknown_place"] * 2,
    ]
    assert [a["key"] for a in answers[3:8]] == keys and answers[8]["params"]["row"] == 9
    before = town.platform.store.last_position()
    assert outcomes(town, one) == ["known"]
    assert town.platform.store.last_position() - before == 2  # the admission and why nothing follows


def test_cleared_and_raised_again_is_another_episode_and_a_move_takes_it_along(town: Town) -> None:
    first = send(town, alarm(town, "D-1", asset="asset:gas-015", version=1))[0]["finding"]
    send(town, alarm(town, "D-1", "clear", version=2))
    second = send(town, alarm(town, "D-1", asset="asset:gas-015", version=3))[0]["finding"]
    assert first != second
    moved = send(town, alarm(town, "D-1", "update", asset="asset:gas-016", version=4))[0]
    assert moved["finding"] not in (first, second)
    left, at = case_at(town, "asset:gas-015"), case_at(town, "asset:gas-016")
    assert left is not None and not left.alarm_active
    assert at is not None and at.alarm_active and list(at.findings) == [moved["finding"]]


def test_an_alarm_may_be_about_an_area_or_a_sensor(town: Town) -> None:
    sensor = next(s for s in town.folder.city.sensors if s.asset == "asset:gas-017")
    area = next(a.key for a in town.folder.city.areas if a.kind == "town")
    answers = send(
        town, alarm(town, "E-1", asset="", sensor=sensor.key), alarm(town, "E-2", asset="", area=area)
    )
    assert [a["outcome"] for a in answers] == ["raised", "raised"]
    assert case_at(town, "asset:gas-017") is not None
    case = case_at(town, area)
    assert case is not None and case.area == area and case.orders


def test_nobody_else_may_speak_for_it_or_learn_of_it(town: Town) -> None:
    client = Client(town)
    send(town, alarm(town, "F-1", asset="asset:gas-005"))
    for token in (town.token(post=CENTRE), town.token(source="source:water")):
        assert client.post("findings", token, json=alarm(town, "F-1")).status_code == 403
    is_problem(client.get("findings/F-1", town.token(source="source:water")), 404, "graded.unknown")
    is_problem(client.get("findings/F-1", town.token(post=CENTRE)), 404, "graded.unknown")
    assert client.post("findings", json={}).status_code == 401
    finding = client.get("findings/F-1", town.token(source="source:gas")).json()["finding"]
    outside = client.get(f"findings/{finding}", town.token(post=WEST))
    is_problem(outside, 404, "graded.unknown")


def test_what_was_refused_is_kept_and_refused_again_while_its_row_is_missing(town: Town) -> None:
    send(town, alarm(town, "G-1", level="三级"))
    access = town.platform.access
    scope = access.scope(access.session(town.token(post=OPERATOR)))
    rows, _ = town.platform.questions.rejected(scope, limit=50)
    kept = next(row for row in rows if row.path == "graded" and row.key == "graded.unknown_level")
    assert kept.source == "source:gas"
    with pytest.raises(BadInput, match="unknown_level"):
        town.platform.receiving.replay(scope, kept.id)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "time", "action", "level", "alarms", "asset", "version"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=6,
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=60) | JSON.map(lambda one: json.dumps(one).encode()))
def test_rubbish_is_refused_and_nothing_falls_over(town: Town, raw: bytes) -> None:
    answer = Client(town).post("findings", town.token(source="source:gas"), content=raw)
    assert answer.status_code in (200, 400, 413, 422), answer.text
    if answer.status_code == 200:
        assert all(one["outcome"] == "refused" for one in answer.json()["answers"])


def test_everything_can_be_folded_again(town: Town) -> None:
    town.pass_time(10 * MINUTE)
    found = rebuild(town.platform.store)
    assert found.events > 10 and not found.differences
