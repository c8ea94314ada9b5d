"""Topics with named levels, by the rules of MQTT 5, 4.7."""

from __future__ import annotations

import msgspec
import pytest

from liandong.adapters.mqtt.topics import MqttTopic


def rule(topic: str, **more: str) -> MqttTopic:
    return msgspec.convert({"topic": topic, "device": "d", "item": "i", **more}, MqttTopic)


@pytest.mark.parametrize(
    ("pattern", "topic", "names"),
    [
        ("a/{device}/{item}", "a/x/y", {"device": "x", "item": "y"}),
        ("a/{device}/{item}", "a/x", None),
        ("a/{device}/{item}", "a/x/y/z", None),
        ("a/+/{item}", "a//y", {"item": "y"}),
        ("a/#", "a", {}),
        ("a/#", "a/b/c", {}),
        ("a/#", "b", None),
        ("a", "a", {}),
    ],
)
def test_named_levels_and_wildcards(pattern: str, topic: str, names: dict[str, str] | None) -> None:
    assert rule(pattern).match(topic) == names


def test_what_the_broker_is_asked_for() -> None:
    assert rule("a/{device}/+/{item}/#").filter == "a/+/+/+/#"


@pytest.mark.parametrize("topic", ["a/#/b", "a/b#", "a/x{device}", "a/+b", "", "a/{Device}"])
def test_a_pattern_that_no_broker_takes_is_refused(topic: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        rule(topic)


def test_a_name_that_no_level_has_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"topic": "a/{device}", "format": "number"}, MqttTopic)
    assert msgspec.convert({"topic": "a/{device}", "values": "."}, MqttTopic).item == "{item}"
