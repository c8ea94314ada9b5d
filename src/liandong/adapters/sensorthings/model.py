"""Entity types of SensorThings 1.1 (OGC 18-088, clause 8) and how one leads to another."""

from __future__ import annotations

from typing import NamedTuple


class Relation(NamedTuple):
    """A navigation property: what it leads to, and whether to several."""

    target: str
    many: bool


#: Entity set → name of one of its entities.
SETS: dict[str, str] = {
    "Things": "Thing",
    "Locations": "Location",
    "HistoricalLocations": "HistoricalLocation",
    "Datastreams": "Datastream",
    "Sensors": "Sensor",
    "ObservedProperties": "ObservedProperty",
    "Observations": "Observation",
    "FeaturesOfInterest": "FeatureOfInterest",
}
SET_OF: dict[str, str] = {one: many for many, one in SETS.items()}

RELATIONS: dict[str, dict[str, Relation]] = {
    "Thing": {
        "Datastreams": Relation("Datastream", True),
        "Locations": Relation("Location", True),
        "HistoricalLocations": Relation("HistoricalLocation", True),
    },
    "Location": {
        "Things": Relation("Thing", True),
        "HistoricalLocations": Relation("HistoricalLocation", True),
    },
    "HistoricalLocation": {"Thing": Relation("Thing", False), "Locations": Relation("Location", True)},
    "Datastream": {
        "Thing": Relation("Thing", False),
        "Sensor": Relation("Sensor", False),
        "ObservedProperty": Relation("ObservedProperty", False),
        "Observations": Relation("Observation", True),
    },
    "Sensor": {"Datastreams": Relation("Datastream", True)},
    "ObservedProperty": {"Datastreams": Relation("Datastream", True)},
    "Observation": {
        "Datastream": Relation("Datastream", False),
        "FeatureOfInterest": Relation("FeatureOfInterest", False),
    },
    "FeatureOfInterest": {"Observations": Relation("Observation", True)},
}

_REQ = "http://www.opengis.net/spec/iot_sensing/1.1/req/"
#: Requirements that are met in full; what is met in part, such as filters without geography, is not claimed.
CONFORMANCE = tuple(
    _REQ + name
    for name in (
        "datamodel", "resource-path/resource-path-to-entities", "request-data/order", "request-data/expand",
        "request-data/select", "request-data/orderby", "request-data/top", "request-data/skip",
        "request-data/count", "request-data/pagination", "data-array/data-array",
    )
)  # fmt: skip
