"""Holes of rosters in words: who, when, what is missing, what to do."""

from __future__ import annotations

from liandong.core.mechanism.rosters import Hole
from liandong.core.values.city import CityIndex
from liandong.core.values.lists import HoleKind
from liandong.texts import text


def hole_words(city: CityIndex, hole: Hole, language: str) -> tuple[str, str]:
    """What is missing, and the remedy. Persons stay keys: a name is personal data."""
    params = {
        "unit": _unit(city, hole.unit, language),
        "post": _post(city, hole.post, language),
        "other": _post(city, hole.other, language),
        "person": hole.person,
        "start": city.calendar.shown(hole.start),
        "end": city.calendar.shown(hole.end),
    }
    said = text(_SAID[hole.why], language, **params)
    return said, text(_REMEDY[hole.why], language, **params)


_SAID = {
    HoleKind.NO_POST: "roster.hole.no_post",
    HoleKind.NOBODY: "roster.hole.nobody",
    HoleKind.NO_DEPUTY: "roster.hole.no_deputy",
    HoleKind.DOUBLE: "roster.hole.double",
    HoleKind.LEAVE: "roster.hole.leave",
    HoleKind.GONE: "roster.hole.gone",
    HoleKind.NO_CHANNEL: "roster.hole.no_channel",
}
_REMEDY = {
    HoleKind.NO_POST: "roster.remedy.no_post",
    HoleKind.NOBODY: "roster.remedy.nobody",
    HoleKind.NO_DEPUTY: "roster.remedy.no_deputy",
    HoleKind.DOUBLE: "roster.remedy.double",
    HoleKind.LEAVE: "roster.remedy.leave",
    HoleKind.GONE: "roster.remedy.gone",
    HoleKind.NO_CHANNEL: "roster.remedy.no_channel",
}


def _unit(city: CityIndex, key: str, language: str) -> str:
    unit = city.units.get(key)
    if unit is None:
        return key
    return unit.name_zh if language == "zh" else unit.name_en or unit.name_zh


def _post(city: CityIndex, key: str, language: str) -> str:
    post = city.posts.get(key)
    if post is None:
        return key
    return post.title_zh if language == "zh" else post.title_en or post.title_zh
