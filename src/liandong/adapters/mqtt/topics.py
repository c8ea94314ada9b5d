"""What is listened to on a broker: topics with named levels, and how their payloads are read."""

from __future__ import annotations

import re
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

#: Level of a topic that has a name; the broker sees `+`.
_NAMED = re.compile(r"^\{([a-z_]{1,32})\}$")
_USED = re.compile(r"\{([^}]*)\}")


class MqttTopic(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one family of topics is read; a table `[[mqtt.topic]]`.

    A level of `topic` may be a name in braces, `+`, or in the end `#`. `device` and `item` are made of
    these names. Paths into JSON are keys and places joined by dots; an empty one is the whole.
    """

    topic: Annotated[str, Meta(min_length=1, max_length=1024)]
    format: Literal["number", "json", "readings"] = "json"
    device: str = "{device}"
    item: str = "{item}"
    rows: str = ""  #: path of a list, each member of which is read as a message of its own
    time: str = ""  #: path of the time; without one the moment of arrival counts
    time_form: Literal["rfc3339", "s", "ms", "us"] = "rfc3339"  #: text with its offset, or since 1970 UTC
    value: str = ""  #: path of the value
    values: str = ""  #: path of an object instead, whose members are items with their values
    device_at: str = ""  #: path of the device's name, instead of `device`
    item_at: str = ""  #: path of the item's name, instead of `item`
    source: str = ""  #: of format `readings`: the city's source that sends here

    def __post_init__(self) -> None:
        names = set()
        levels = self.topic.split("/")
        for place, level in enumerate(levels):
            named = _NAMED.match(level)
            if named:
                names.add(named[1])
            elif level == "#" and place == len(levels) - 1:
                continue
            elif level != "+" and _wild(level):
                raise ValueError("field.topic")
        if self.format == "readings":
            if not self.source:
                raise ValueError("field.source")
            return
        unnamed = not self.values and not self.item_at and not set(_USED.findall(self.item)) <= names
        if unnamed or (not self.device_at and not set(_USED.findall(self.device)) <= names):
            raise ValueError("field.topic")

    @property
    def filter(self) -> str:
        """What is subscribed to."""
        return "/".join("+" if _NAMED.match(level) else level for level in self.topic.split("/"))

    def match(self, topic: str) -> dict[str, str] | None:
        """The named levels of a topic, or None where it is not of this family."""
        wanted, found = self.topic.split("/"), topic.split("/")
        names: dict[str, str] = {}
        for place, level in enumerate(wanted):
            if level == "#":
                return names
            if place >= len(found):
                return None
            named = _NAMED.match(level)
            if named:
                names[named[1]] = found[place]
            elif level not in ("+", found[place]):
                return None
        return names if len(wanted) == len(found) else None


class MqttBroker(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One broker; a table `[[mqtt]]` of the file of links. Paths are relative to that file."""

    name: Annotated[str, Meta(pattern=r"^[\w.\-]{1,64}$")]
    host: Annotated[str, Meta(min_length=1)]
    client_id: Annotated[str, Meta(pattern=r"^[\w.\-]{1,64}$")]  #: names the session that the broker keeps
    topic: tuple[MqttTopic, ...]
    port: Annotated[int, Meta(ge=1, le=65_535)] = 1883
    version: Literal["3.1.1", "5"] = "5"
    tls: bool = False
    ca_file: str = ""  #: who vouches for the broker; without one the certificates of this machine
    certificate_file: str = ""
    key_file: str = ""
    user: str = ""
    password_file: str = ""
    keepalive_s: Annotated[int, Meta(ge=1, le=3600)] = 30
    session_s: Annotated[int, Meta(ge=0, le=4_294_967_295)] = 604_800  #: how long it is kept (MQTT 5)
    most_waiting: Annotated[int, Meta(ge=1, le=65_535)] = 200  #: messages taken and not yet acknowledged
    most_wait_s: Annotated[int, Meta(ge=1, le=3600)] = 60

    def __post_init__(self) -> None:
        if not self.topic or (self.password_file and not self.user):
            raise ValueError("field.topic" if not self.topic else "field.user")
        if (self.ca_file or self.certificate_file or self.key_file) and not self.tls:
            raise ValueError("field.tls")


def _wild(level: str) -> bool:
    return any(char in level for char in "+#{}\0")
