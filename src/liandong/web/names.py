"""Keys in words: what the city calls its things, in both languages, so that no page has to ask again."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import Field

from liandong.core.mechanism.policy import Policy
from liandong.core.values.city import CityIndex
from liandong.core.values.lists import Ground, HelpGround
from liandong.texts import LANGUAGES, label, sentences
from liandong.web.views import View


class Name(View):
    """In both languages; English is the Chinese where the city has none."""

    zh: str
    en: str


class AreaName(Name):
    """An area on the way from the city down."""

    key: str


class PersonSeen(View):
    """A person by key; the name only for who may see it, and asked for it."""

    person: str
    person_name: str | None = Field(default=None, description="None unless asked for and allowed.")


def name(zh: str, en: str = "") -> Name:
    """A name; the key or the Chinese stands in for what is missing."""
    return Name(zh=zh, en=en or zh)


def listed(list_: str, code: str) -> Name:
    """A code of a closed list, or a hazard or quantity that a pack has brought."""
    return Name(**{language: label(list_, code, language) for language in LANGUAGES})


def list_of_reason(code: str) -> str:
    """The closed list in which a reason stands: grounds of an act or of refusing help, else pauses."""
    if code in list(HelpGround):
        return "help_ground"
    return "ground" if code in list(Ground) else "pause"


class Names:
    """Names of one policy's things."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._city: CityIndex = policy.city

    def of(self, key: str) -> Name:
        """The name of anything the city or the mechanism knows by key; else the key itself."""
        city = self._city
        named = city.units.get(key) or city.assets.get(key) or city.areas.get(key)
        if named is not None:
            return name(named.name_zh, named.name_en)
        if key in city.posts:
            post = city.posts[key]
            return name(post.title_zh, post.title_en)
        if key in city.channels:
            return self._channel(key)
        if key in city.quantities:
            quantity = city.quantities[key]
            return name(quantity.name_zh, quantity.name_en)
        if key in self._policy.rules:
            rule = self._policy.rules[key]
            hazard, severity = listed("hazard", rule.hazard), listed("severity", rule.severity)
            return Name(zh=f"{hazard.zh}·{severity.zh}", en=f"{hazard.en}, {severity.en}")
        body = next((b for b in city.city.bodies if b.key == key), None)
        return name(body.name_zh, body.name_en) if body else name(key)

    def all(self, keys: Iterable[str]) -> dict[str, Name]:
        """Each key once."""
        return {key: self.of(key) for key in dict.fromkeys(keys) if key}

    def areas(self, area: str) -> list[AreaName]:
        """From the city down to the area."""
        found: list[AreaName] = []
        at = self._city.areas.get(area)
        while at is not None and len(found) < 10:
            found.append(AreaName(key=at.key, zh=at.name_zh, en=at.name_en or at.name_zh))
            at = self._city.areas.get(at.parent)
        return found[::-1]

    def unit_of(self, channel: str) -> str:
        """Unit of measure of a channel's quantity."""
        row = self._city.channels.get(channel)
        return self._city.quantities[row.quantity].unit if row else ""

    def _channel(self, key: str) -> Name:
        row = self._city.channels[key]
        asset, quantity = self._city.asset_of_channel(key), self._city.quantities[row.quantity]
        at = asset.name_zh if asset else key
        en = (asset.name_en or asset.name_zh) if asset else key
        position = f"（{row.position}）" if row.position else ""
        return Name(zh=f"{at}{quantity.name_zh}{position}", en=f"{en}, {quantity.name_en}{position}")


def known(key: str) -> bool:
    """Whether there is a sentence for a key, in the first language and so in all."""
    return key in sentences(LANGUAGES[0])
