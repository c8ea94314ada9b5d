"""How documents put moments, durations and shares."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from liandong.core.evaluate.shares import Share
from liandong.core.values.city import CityIndex
from liandong.texts import label, text

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ZONE = timezone(timedelta(hours=8))


def moment(at: int | None) -> str:
    """On the wall's clock, to the second; a dash for none."""
    if not at:
        return "–"
    return f"{(_EPOCH + timedelta(microseconds=at)).astimezone(_ZONE):%Y-%m-%d %H:%M:%S}"


def duration(seconds: float, language: str) -> str:
    """Hours, minutes, seconds, without leading noughts."""
    whole = round(abs(seconds))
    parts = [(whole // 3600, "h"), (whole % 3600 // 60, "min"), (whole % 60, "s")]
    shown = [f"{n}{text(f'document.unit.{unit}', language)}" for n, unit in parts if n] or [
        f"0{text('document.unit.s', language)}"
    ]
    return ("−" if seconds < 0 else "") + ("" if language == "zh" else " ").join(shown)


def percent(found: Share) -> str:
    """Share, count and interval: `91.7 % (11/12, 64.6–98.5)`."""
    if found.share is None or found.low is None or found.high is None:
        return "–"
    interval = f"{100 * found.low:.1f}–{100 * found.high:.1f}"
    return f"{100 * found.share:.1f} % ({found.hits}/{found.count}, {interval})"


class Names:
    """What keys are called in one language; a key that the city does not know stands for itself."""

    def __init__(self, city: CityIndex, language: str) -> None:
        self.city, self.language = city, language

    def unit(self, key: str) -> str:
        """Name of a unit."""
        return self._of(self.city.units.get(key), key)

    def asset(self, key: str) -> str:
        """Name of an asset."""
        return self._of(self.city.assets.get(key), key)

    def area(self, key: str) -> str:
        """Name of an area with those above it."""
        found, names = self.city.areas.get(key), []
        while found is not None:
            names.append(self._of(found, found.key))
            found = self.city.areas.get(found.parent)
        return (" · ".join(reversed(names))) or key or "–"

    def post(self, key: str) -> str:
        """Unit and title of a post."""
        found = self.city.posts.get(key)
        if found is None:
            return key or "–"
        title = found.title_zh if self.language == "zh" or not found.title_en else found.title_en
        return f"{self.unit(found.unit)} {title}"

    def hazard(self, code: str) -> str:
        """Word for a hazard."""
        return label("hazard", code, self.language)

    def _of(self, noun: object, key: str) -> str:
        zh, en = getattr(noun, "name_zh", ""), getattr(noun, "name_en", "")
        return (zh if self.language == "zh" or not en else en) or key or "–"
