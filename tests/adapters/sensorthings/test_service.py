"""The public client frost_sta_client, unmodified, against a city that is really served."""

from __future__ import annotations

import datetime
import time
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
import requests

import liandong.adapters.sensorthings.observations as reading
import tests.web.town as town_module
from liandong.adapters.sensorthings import PREFIX, make_router
from liandong.adapters.sensorthings.catalogue import Catalogue
from liandong.adapters.sensorthings.places import Move
from liandong.core.values.access import Session
from liandong.core.values.times import MINUTE, SECOND, format_time, parse_time
from liandong.sim.standards import observation_array
from liandong.web.app import create_app
from liandong.wiring.service import Server, free_socket
from tests.small_town import demo_city
from tests.web.town import CENTRE, START, Town

fsc = pytest.importorskip("frost_sta_client", reason="the public client is not installed")
from frost_sta_client.model.ext.data_array_document import DataArrayDocument  # noqa: E402
from frost_sta_client.model.ext.data_array_value import DataArrayValue  # noqa: E402

pytestmark = pytest.mark.slow
PLACED = "asset:gas-001"
GAS_1, GAS_2 = "channel:gas-001.ch4_lel", "channel:gas-002.ch4_lel"


class Served:
    """A town, its address, and clients for its tokens."""

    def __init__(self, town: Town) -> None:
        self.town = town
        app = create_app(town.platform, standards={PREFIX: make_router(town.platform)})
        self.server = Server(app, free_socket("127.0.0.1", 0)).start()
        self.url = f"http://127.0.0.1:{self.server.port}{PREFIX}"

    def client(self, **who: str) -> Any:
        """As its documentation says: a user name and a password, which here is the token."""
        return fsc.SensorThingsService(
            self.url, auth_handler=fsc.AuthHandler("token", self.town.token(**who))
        )

    def ask(self, method: str, path: str, token: str, **more: Any) -> requests.Response:
        return requests.request(
            method, self.url + path, headers={"Authorization": f"Bearer {token}"}, timeout=30, **more
        )


def placed_city(*given: Any) -> Any:
    """The small town with coordinates for the first channel's asset."""
    made = demo_city(*given)
    assets = tuple(
        msgspec.structs.replace(a, lon=113.25, lat=23.0) if a.key == PLACED else a for a in made.city.assets
    )
    return msgspec.structs.replace(made, city=msgspec.structs.replace(made.city, assets=assets))


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(town_module, "demo_city", placed_city)
        town = Town(tmp_path_factory.mktemp("town"))
    made = Served(town)
    yield made
    made.server.stop()
    town.close()


@pytest.fixture(scope="module")
def centre(served: Served) -> Any:
    return served.client(post=CENTRE)


@pytest.fixture(scope="module")
def device(served: Served) -> Any:
    return served.client(source="source:gas")


@pytest.fixture(scope="module")
def filled(served: Served, device: Any) -> list[float]:
    """Two hundred observations of the first channel, a minute apart, in one data array."""
    values = [float(at % 10) for at in range(200)]
    array = DataArrayValue()
    array.datastream = device.datastreams().find(GAS_1)
    array.components = [array.Property.PHENOMENON_TIME, array.Property.RESULT]
    first = datetime.datetime(2026, 4, 30, tzinfo=datetime.UTC)
    for at, value in enumerate(values):
        moment = (first + datetime.timedelta(minutes=at)).isoformat()
        array.add_observation(fsc.Observation(phenomenon_time=moment, result=value))
    document = DataArrayDocument()
    document.add_data_array_value(array)
    made = device.observations().create(document)
    assert len(made) == 200 and all(one.self_link.startswith(served.url) for one in made)
    served.town.settle()
    return values


def test_the_root_says_what_is_there_and_claims_no_more(served: Served) -> None:
    root = served.ask("GET", "", served.town.token(post=CENTRE)).json()
    assert {one["name"] for one in root["value"]} >= {
        "Things",
        "Datastreams",
        "Observations",
        "FeaturesOfInterest",
    }
    claimed = root["serverSettings"]["conformance"]
    assert not any("create-update-delete" in one or "multi-datastream" in one for one in claimed)
    for one in root["value"]:
        assert served.ask("GET", one["url"].removeprefix(served.url), served.town.token(post=CENTRE)).ok


def test_lists_are_counted_and_read_page_by_page(served: Served, centre: Any) -> None:
    page = centre.things().query().count().top(7).list()
    assert len(page.entities) == 7 and page.next_link
    every = [thing.id for thing in page]
    assert len(every) == page.count == len(set(every)) == len(served.town.folder.city.assets)
    assert len(list(centre.things().query().top(5).skip(page.count - 3).list())) == 3


def test_an_entity_is_found_and_leads_to_what_belongs_to_it(served: Served, centre: Any) -> None:
    stream = centre.datastreams().find(GAS_1)
    assert stream.unit_of_measurement.symbol == "%LEL" and "甲烷" in stream.name
    asset = served.town.platform.handler.policy.city.asset_of_channel(GAS_1)
    assert asset is not None
    thing = centre.things().find(asset.key)
    assert thing.name == asset.name_zh and thing.properties["kind"] == asset.kind
    assert GAS_1 in [one.id for one in thing.get_datastreams().query().list()]
    path = f"/Datastreams('{GAS_1}')/Thing/Datastreams('{GAS_1}')/Sensor/Datastreams"
    token = served.town.token(post=CENTRE)
    assert GAS_1 in [one["@iot.id"] for one in served.ask("GET", path, token).json()["value"]]
    assert served.ask("GET", f"/Things('{asset.key}')/name/$value", token).text == asset.name_zh
    assert served.ask("GET", f"/Things('{asset.key}')/name", token).json() == {"name": asset.name_zh}
    (place,) = thing.get_locations().query().list()
    assert place.location["coordinates"] == [113.25, 23.0] and place.encoding_type == "application/geo+json"
    assert [one.id for one in place.get_things().query().list()] == [PLACED]
    assert centre.locations().query().count().list().count == 1
    (stay,) = centre.historical_locations().query().expand("Thing,Locations").list().entities
    assert stay.thing.id == PLACED and [one.id for one in stay.locations.entities] == [PLACED]
    assert stay.id in [one.id for one in thing.get_historical_locations().query().list()]
    with pytest.raises(requests.exceptions.HTTPError, match="404"):
        centre.things().find("asset:nowhere")


def test_a_datastream_says_from_when_to_when_and_where(
    served: Served, centre: Any, filled: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = centre.datastreams().find(GAS_1)
    first, last = (parse_time(moment) for moment in stream.phenomenon_time.split("/"))
    assert (first, last) == (parse_time("2026-04-30T00:00:00Z"), first + 199 * MINUTE)
    assert stream.result_time is None and stream.observed_area["coordinates"] == [113.25, 23.0]
    asked: list[int] = []
    ask = served.town.platform.archive.first
    monkeypatch.setattr(served.town.platform.archive, "first", lambda n: asked.append(len(n)) or ask(n))
    served.town.pass_time(6 * MINUTE)
    listed = centre.datastreams().query().top(1000).list()
    assert {one.id for one in listed if one.phenomenon_time} >= {GAS_1}
    unheard = [one for one in listed if served.town.platform.lookups.newest(one.id) is None]
    assert unheard and all(one.phenomenon_time is None for one in unheard)
    assert len(asked) == 1, "one question for a whole page"
    assert centre.datastreams().query().select("name").top(5).list().entities[0].phenomenon_time is None


def test_an_asset_that_was_moved_lay_elsewhere_before(served: Served) -> None:
    platform, now = served.town.platform, served.town.now
    policy, scope = platform.handler.policy, platform.access.scope(Session(source="source:gas"))
    stays = {
        PLACED: [Move(1, 113.0, 22.0), Move(2, 113.25, 23.0), Move(3, 113.0, 22.0), Move(now, 113.25, 23.0)]
    }
    made = Catalogue(policy, scope, "source:gas", stays)
    assert made.ids("Location") == (PLACED, f"{PLACED}.1")
    assert made.properties("Location", f"{PLACED}.1")["location"]["coordinates"] == [113.0, 22.0]
    assert made.related("Thing", PLACED, "Locations") == (PLACED,)
    assert made.related("Location", f"{PLACED}.1", "Things") == ()
    assert made.related("Location", f"{PLACED}.1", "HistoricalLocations") == [f"{PLACED}.1", f"{PLACED}.3"]
    assert made.related("Location", PLACED, "HistoricalLocations") == [f"{PLACED}.2", f"{PLACED}.{now}"]
    assert made.related("HistoricalLocation", f"{PLACED}.3", "Locations") == (f"{PLACED}.1",)
    assert made.related("HistoricalLocation", f"{PLACED}.3", "Thing") == (PLACED,)
    assert made.properties("HistoricalLocation", f"{PLACED}.{now}") == {"time": format_time(now)}


def test_filters_orders_selections_and_expansions(centre: Any, filled: list[float]) -> None:
    query = (
        centre.datastreams().query().filter("ObservedProperty/id eq 'ch4_lel' and substringof('001',name)")
    )
    found = query.expand(
        "Thing,Sensor,ObservedProperty,Observations($top=2;$orderby=phenomenonTime asc)"
    ).list()
    (stream,) = found.entities
    assert (
        stream.id == GAS_1
        and stream.thing.name
        and stream.sensor.id
        and stream.observed_property.id == "ch4_lel"
    )
    assert [one.result for one in stream.observations.entities] == [0.0, 1.0]
    names = [
        one.name for one in centre.things().query().select("name").orderby("name", "desc").top(1000).list()
    ]
    assert names == sorted(names, reverse=True)
    reached = centre.things().query().expand("Datastreams/Observations($top=1)").filter("Datastreams/x eq 1")
    with pytest.raises(requests.exceptions.HTTPError, match="422"):
        reached.list()


def test_observations_are_counted_filtered_and_paged(centre: Any, filled: list[float]) -> None:
    stream = centre.datastreams().find(GAS_1)
    newest = stream.get_observations().query().count().top(90).list()
    results = [one.result for one in newest]
    assert newest.count == 200 and results == filled[::-1]
    oldest = stream.get_observations().query().orderby("phenomenonTime", "asc").top(90).list()
    assert [one.result for one in oldest] == filled
    some = "phenomenonTime ge 2026-04-30T00:10:00Z and phenomenonTime lt 2026-04-30T01:00:00Z and result gt 7"
    found = centre.observations().query().filter(f"{some} and Datastream/id eq '{GAS_1}'").count().list()
    assert found.count == 10 == len(list(found)) and {one.result for one in found.entities} == {8.0, 9.0}
    worst = centre.observations().query().orderby("result", "desc").top(3).list()
    assert [one.result for one in worst.entities] == [9.0] * 3
    one = centre.observations().find(found.entities[0].id)
    assert one.result == found.entities[0].result and one.result_quality == ["good"]
    same = centre.observations().query().filter(f"id eq '{one.id}' and result ge 0").list()
    assert [each.id for each in same] == [one.id]
    expanded = centre.observations().query().expand("Datastream,FeatureOfInterest").top(1).list().entities[0]
    assert expanded.datastream.id == GAS_1 and expanded.feature_of_interest.id.startswith("asset:")


def test_an_observation_is_created_once_it_is_durable(served: Served, device: Any) -> None:
    stream = device.datastreams().find(GAS_2)
    made = fsc.Observation(phenomenon_time=format_time(START), result=4.25, datastream=stream)
    device.create(made)
    held = [
        r for _, r in served.town.platform.intake.log.read() if r.batch is not None and 4.25 in r.batch.value
    ]
    assert len(held) == 1 and made.id == f"1.{START}"
    again = fsc.Observation(phenomenon_time=format_time(START), result=4.25, datastream=stream)
    device.create(again)
    served.town.settle()
    back = device.observations().find(made.id)
    assert again.id == made.id and back.result == 4.25 and parse_time(back.phenomenon_time) == START
    token = served.town.token(source="source:gas")
    path = f"/Datastreams('{GAS_2}')/Observations"
    answer = served.ask(
        "POST", path, token, json={"phenomenonTime": "2026-05-01T08:59:00+08:00", "result": None}
    )
    assert answer.status_code == 201
    found = served.ask("GET", answer.headers["Location"].removeprefix(served.url), token).json()
    assert found["result"] is None and found["resultQuality"] == ["nan"]
    now = served.ask("POST", path, token, json={"result": 5})  # the moment is then ours
    assert now.status_code == 201 and now.headers["Location"].endswith(f"('1.{served.town.now}')")


def test_bad_rows_of_a_data_array_are_named_and_the_others_are_taken(served: Served) -> None:
    rows = [["2026-04-29T00:00:00Z", 1], ["yesterday", 2], ["2026-04-29T00:01:00Z", "wet"],
            ["2026-04-29T00:02:00Z", 1e9], ["2026-04-29T00:03:00Z", 4]]  # fmt: skip
    body = [{"Datastream": {"@iot.id": GAS_2}, "components": ["phenomenonTime", "result"], "dataArray": rows}]
    token = served.town.token(source="source:gas")
    links = served.ask("POST", "/CreateObservations", token, json=body).json()
    assert [one == "error" for one in links] == [False, True, True, True, False]
    for wrong in (
        "nothing",
        {"x": 1},
        [{"Datastream": {"@iot.id": GAS_2}, "components": ["result"], "dataArray": [[1, 2]]}],
    ):
        assert served.ask("POST", "/CreateObservations", token, json=wrong).status_code in (400, 422)


def test_what_lies_outside_the_scope_is_not_there(served: Served, device: Any) -> None:
    own = {c.key for c in served.town.folder.city.channels if c.source == "source:gas"}
    assert {one.id for one in device.datastreams().query().top(1000).list()} == own
    other = next(c.key for c in served.town.folder.city.channels if c.source != "source:gas")
    token = served.town.token(source="source:gas")
    for path in (f"/Datastreams('{other}')", f"/Datastreams('{other}')/Observations"):
        assert served.ask("GET", path, token).status_code == 404
    body = {"result": 1, "Datastream": {"@iot.id": other}}
    assert served.ask("POST", "/Observations", token, json=body).status_code == 404
    assert "access.outside_scope" in served.town.notes("source:gas")
    assert served.ask("GET", "/Things", "").status_code == 401
    assert requests.get(f"{served.url}/Things", auth=("token", "wrong"), timeout=9).status_code == 401


def test_the_city_is_not_changed_here(served: Served, device: Any, centre: Any) -> None:
    for act in (
        lambda: device.create(fsc.Thing(name="x", description="y")),
        lambda: device.delete(device.datastreams().find(GAS_1)),
        lambda: device.update(device.datastreams().find(GAS_1)),
    ):
        with pytest.raises(requests.exceptions.HTTPError, match="403") as refused:
            act()
        problem = refused.value.response.json()
        assert problem["key"] == "sensorthings.city_is_elsewhere" and "⟦" not in problem["detail"]
    with pytest.raises(requests.exceptions.HTTPError, match="403"):
        centre.create(fsc.Observation(result=1, datastream=centre.datastreams().find(GAS_1)))


def test_a_quarter_of_a_million_late_observations_in_one_data_array(served: Served, device: Any) -> None:
    """FROST #1576: such an upload took more than an hour there."""
    march = parse_time("2026-03-01T00:00:00Z")
    body = observation_array(GAS_2, [(march + at * SECOND, at % 7) for at in range(250_000)])
    started = time.perf_counter()
    answer = served.ask("POST", "/CreateObservations", served.town.token(source="source:gas"), data=body)
    assert answer.status_code == 201 and len(answer.json()) == 250_000 and "error" not in answer.json()
    assert time.perf_counter() - started < 60
    served.town.settle()
    month = "phenomenonTime ge 2026-03-01T00:00:00Z and phenomenonTime lt 2026-04-01T00:00:00Z"
    found = device.datastreams().find(GAS_2).get_observations().query().filter(month).count().top(1).list()
    assert found.count == 250_000


def test_a_question_that_would_read_everything_is_refused(
    served: Served, centre: Any, filled: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MOST_ROWS", 100)
    with pytest.raises(requests.exceptions.HTTPError, match="422") as refused:
        centre.observations().query().count().list()
    assert refused.value.response.json()["key"] == "sensorthings.too_much"
