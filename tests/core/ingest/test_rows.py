"""Columns, device rows and units: judged as JSON would be."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liandong.core.ingest import (
    MOST_AHEAD,
    ChannelTable,
    Columns,
    DeviceRow,
    Devices,
    decode_columns,
    decode_json,
    decode_rows,
)
from liandong.core.ingest.rows import check_devices
from liandong.core.values.city import Channel, City, Quantity, Source
from liandong.core.values.errors import BadInput
from liandong.core.values.readings import COLUMNS
from liandong.core.values.rules import ChannelRow
from liandong.core.values.times import EARLIEST, LATEST, format_time, parse_time
from liandong.core.values.units import ROWS, SPELLINGS, check_units, conversion

NOW = parse_time("2026-05-01T09:00:00+08:00")
CHANNELS = ChannelTable(
    [
        ChannelRow(number=7, key="channel:a", group="g", source="s", quantity="q", low=0.0, high=100.0),
        ChannelRow(number=8, key="channel:b", group="g", source="s", quantity="q", factor=2.0, offset=-1.0),
        ChannelRow(number=2, key="channel:c", group="g", source="other", quantity="q"),
    ]
)
NAMES = ["channel:a", "channel:b", "channel:c", "channel:z"]


rows = st.lists(
    st.tuples(
        st.sampled_from(NAMES),
        st.integers(NOW - 10**9, NOW) | st.sampled_from([int(EARLIEST) - 1, NOW + MOST_AHEAD + 1, NOW]),
        st.none() | st.floats(-50, 150, width=32),
    ),
    max_size=8,
)


@settings(max_examples=200, deadline=None)
@given(rows, st.booleans())
def test_columns_are_judged_as_json_is(found, numbered):
    raw = json.dumps(
        {"id": "k", "readings": [{"channel": c, "time": format_time(t), "value": v} for c, t, v in found]}
    ).encode()
    by_json = decode_json(raw, "s", CHANNELS, NOW + 5, NOW)
    numbers = [CHANNELS[c].number if c in CHANNELS else 99 for c, _, _ in found]
    columns = Columns(
        channel=np.array(numbers if numbered else [NAMES.index(c) for c, _, _ in found], dtype=np.int64),
        names=None if numbered else NAMES,
        time=np.array([t for _, t, _ in found], dtype=np.int64),
        value=np.array([math.nan if v is None else v for _, _, v in found], dtype=np.float64),
    )
    got = decode_columns(columns, "k", "s", CHANNELS, NOW + 5, NOW)
    assert got.key == by_json.key
    for name in COLUMNS:
        assert getattr(got.batch, name).tobytes() == getattr(by_json.batch, name).tobytes(), name
    assert [(e.key, e.params["row"]) for e in got.errors] == [
        (e.key, e.params["row"]) for e in by_json.errors
    ]


def test_what_columns_can_say_and_json_cannot():
    columns = Columns(
        channel=np.array([0, -1, 0, 0, 0]),
        names=NAMES,
        time=np.full(5, NOW),
        value=np.array([1, 1, np.inf, 1, np.nan]),
        no_time=np.array([False, False, False, True, False]),
    )
    got = decode_columns(columns, "k", "s", CHANNELS, NOW, NOW)
    assert [(e.key, e.params["row"]) for e in got.errors] == [
        ("reading.unknown_channel", 2),
        ("reading.not_a_number", 3),
        ("reading.bad_time", 4),
    ]
    assert got.batch.quality.tolist() == [0, 1] and got.batch.value.tolist() == [1.0, 0.0]


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=4))
def test_any_number_is_a_channel_or_unknown(numbers):
    columns = Columns(
        channel=np.array(numbers, dtype=np.int64),
        names=None,
        time=np.array(numbers, dtype=np.int64),
        value=np.zeros(len(numbers)),
    )
    got = decode_columns(columns, "k", "s", CHANNELS, NOW, NOW)
    assert len(got.batch) + len(got.errors) == len(numbers)


# Devices


def channel(key, number, source, device="", item="", unit="", reducer="", quantity="p"):
    return Channel(
        key=key,
        number=number,
        sensor="sensor:x",
        quantity=quantity,
        group="g",
        source=source,
        device=device,
        item=item,
        unit=unit,
        reducer=reducer,
    )


def city(*channels):
    return City(
        key="t",
        quantities=(
            Quantity(key="p", name_zh="压力", name_en="pressure", unit="kPa", low=0.0, high=1000.0),
            Quantity(
                key="ch4", name_zh="甲烷", name_en="methane", unit="%LEL", low=0.0, high=100.0, gas="ch4"
            ),
            Quantity(key="gas", name_zh="气体", name_en="some gas", unit="%LEL"),
        ),
        channels=channels,
        sources=(Source(key="s", protocol="hj212"), Source(key="o", protocol="hj212"), Source(key="h")),
    )


def table(made):
    from liandong.core.values.city import CityIndex

    return Devices(made, CityIndex(made).channel_rows())


def test_a_device_names_its_items_and_its_units():
    made = city(
        channel("channel:p", 1, "s", "MN1", "p1", "MPa"),
        channel("channel:g", 2, "s", "MN1", "g1", "%VOL", "", "ch4"),
    )
    known = table(made).find("hj212", "MN1")
    rows = [
        DeviceRow("MN1", "p1", NOW, 0.5),
        DeviceRow("MN1", "p1", NOW, 500.0, "kPa"),
        DeviceRow("MN1", "g1", NOW, 1.25),
        DeviceRow("MN1", "x9", NOW, 1.0),
        DeviceRow("MN2", "p1", NOW, 1.0),
        DeviceRow("MN1", "p1", NOW, 1.0, "m"),
        DeviceRow("MN1", "g1", NOW, None),
        DeviceRow("MN1", "p1", NOW, 2.0),
        DeviceRow("MN1", "p1", LATEST + 1, 0.5),
        DeviceRow("MN1", "p1", NOW, math.inf),
    ]
    got = decode_rows(rows, "k", known, NOW, NOW)
    assert got.batch.source == "s" and got.batch.channel.tolist() == [1, 1, 2, 2]
    assert got.batch.value.tolist() == [pytest.approx(500.0), 500.0, pytest.approx(25.0), 0.0]
    assert [(e.key, e.params["row"]) for e in got.errors] == [
        ("device.unknown_item", 4),
        ("device.unknown_item", 5),
        ("reading.unknown_unit", 6),
        ("reading.absurd_value", 8),
        ("reading.absurd_time", 9),
        ("reading.not_a_number", 10),
    ]
    for protocol, device in (("hj212", "MN9"), ("http", "MN1"), ("", "")):
        with pytest.raises(BadInput, match=r"device\.unknown"):
            table(made).find(protocol, device)


def test_devices_of_two_sources_and_items_twice_are_named():
    made = city(
        channel("channel:a", 1, "s", "MN1", "i"),
        channel("channel:b", 2, "s", "MN1", "i"),
        channel("channel:c", 3, "o", "MN1", "j"),
    )
    assert [e.key for e in check_devices(made)] == ["device.item_twice", "device.two_sources"]
    statistic = city(
        channel("channel:a", 1, "s", "MN1", "i"), channel("channel:b", 2, "s", "MN1", "i", "", "rms@60")
    )
    assert check_devices(statistic) == []
    assert table(statistic).find("hj212", "MN1").items["i"].key == "channel:a"


# Units


@pytest.mark.parametrize(
    ("sent", "wanted", "gas", "value", "is_"),
    [
        ("%VOL", "%LEL", "ch4", 1.25, 25.0),
        ("%LEL", "%VOL", "ch4", 50.0, 2.5),
        ("ppm", "%LEL", "ch4", 10_000, 20.0),
        ("%VOL", "%LEL", "h2", 1.0, 25.0),
        ("kPa", "MPa", "", 400.0, 0.4),
        ("bar", "kPa", "", 1.0, 100.0),
        ("mm", "m", "", 250.0, 0.25),
        ("K", "°C", "", 273.15, 0.0),
        ("°F", "℃", "", 212.0, 100.0),
        ("m3/h", "L/s", "", 3.6, 1.0),
        ("mg/m3", "ppm", "h2s", 10.0, 7.058),
        ("ppm", "mg/m3", "co", 1.0, 1.1644),
        ("um/m", "µε", "", -145.4, -145.4),
        ("kN", "N", "", 2.0, 2000.0),
        ("km/h", "m/s", "", 36.0, 10.0),
        ("%Vol", "%VOL", "", 5.22, 5.22),
        ("anything", "anything", "", 3.0, 3.0),
    ],
)
def test_known_conversions(sent, wanted, gas, value, is_):
    factor, offset = conversion(sent, wanted, gas)
    assert value * factor + offset == pytest.approx(is_, rel=1e-4, abs=1e-9)


@pytest.mark.parametrize(
    ("sent", "wanted", "gas", "key"),
    [
        ("%VOL", "%LEL", "", "units.gas_unnamed"),
        ("mg/m3", "ppm", "xe", "units.gas_unnamed"),
        ("kPa", "m", "", "units.no_conversion"),
        ("furlong", "m", "", "units.unknown"),
    ],
)
def test_other_conversions_are_refused(sent, wanted, gas, key):
    with pytest.raises(BadInput) as error:
        conversion(sent, wanted, gas)
    assert error.value.key == key


def test_every_fact_has_a_source_and_goes_both_ways():
    for row in ROWS:
        assert row.source and row.factor > 0
        there, back = conversion(row.unit, row.target, row.gas), conversion(row.target, row.unit, row.gas)
        assert (3.0 * there.factor + there.offset) * back.factor + back.offset == pytest.approx(3.0)
    others = [name for names in SPELLINGS.values() for name in names]
    assert len(others) == len(set(others)) and not set(others) & set(SPELLINGS)


def test_a_city_with_an_impossible_unit_is_named_when_it_is_loaded():
    good, bad, open_ = (
        channel("channel:a", 1, "s", unit="MPa"),
        channel("channel:b", 2, "s", unit="°C"),
        channel("channel:c", 3, "s", unit="%VOL", quantity="gas"),
    )
    errors = check_units(city(good, bad, open_))
    assert [(e.key, e.params["channel"], e.params["why"]) for e in errors] == [
        ("units.channel", "channel:b", "units.no_conversion"),
        ("units.channel", "channel:c", "units.gas_unnamed"),
    ]
