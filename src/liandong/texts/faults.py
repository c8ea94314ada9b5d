"""A fault of a mechanism in words: what is wrong, where exactly, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from liandong.core.mechanism.fault import Fault
from liandong.core.values.city import CityIndex
from liandong.core.values.document import Mechanism
from liandong.core.values.rows import ANY
from liandong.core.values.times import DAY
from liandong.texts import label, sentences, text
from liandong.texts.changes import name_of

#: Parameters whose codes have a list of their own.
_LISTS = {
    "action": "action", "earlier": "action", "ended_by": "action", "escalation": "escalation_kind",
    "milder": "escalation_kind", "origin": "clock_origin", "severity": "severity", "days": "day_kind",
    "capability": "capability",
}  # fmt: skip
#: Parameters that are roles or units.
_WHO = ("role", "actor", "unit", "other", "owner", "recipient")
#: Axes of a cell in the order in which a person says them, after level and flow.
_PLACES = ("kind", "stage", "tier", "territory", "place", "phase", "season", "days", "hours")


class Told(NamedTuple):
    """A fault as it is shown."""

    message: str
    remedy: str


class Teller:
    """Puts faults into one language, with the names of a mechanism's flows and a city's units and areas."""

    def __init__(self, mechanism: Mechanism, city: CityIndex | None, language: str) -> None:
        self._language, self._city = language, city
        self._flows = {row.key: row.title_zh if language == "zh" else row.title_en for row in mechanism.flows}
        self.names: dict[str, str] = {}
        for table in (city.city.units, city.city.areas, city.city.bodies, city.city.assets) if city else ():
            for row in table:
                self.names[row.key] = (row.name_en if language == "en" else "") or row.name_zh
        for post in city.city.posts if city else ():
            self.names[post.key] = (post.title_en if language == "en" else "") or post.title_zh

    def tell(self, fault: Fault) -> Told:
        """The sentence and the remedy."""
        words = self.words(fault)
        return Told(
            text(f"proof.{fault.kind}", self._language, **words),
            text(f"proof.{fault.kind}.remedy", self._language, **words),
        )

    def words(self, fault: Fault) -> dict[str, str]:
        """Every parameter of a fault's sentences."""
        said = {key: self._word(key, value, fault.witness) for key, value in fault.witness.items()}
        said["rows"] = self._join(fault.rows)
        said["cell"] = self._cell(said, fault.witness)
        said["level_words"] = self._level(str(fault.witness.get("level", ANY)))
        said["axis_words"] = self._plain(f"proof.axis.{fault.witness.get('axis', '')}")
        said["outside_words"] = self._outside(fault.witness)
        said["what_words"] = self._plain(f"proof.word.{fault.witness.get('what', '')}")
        said["code_words"] = self._code(fault.witness)
        if fault.proof == "P10" and "unit" in said:
            said |= {"role": said["unit"], "actor": said["other"]}
        return said

    def flow(self, code: str) -> str:
        """A flow or hazard by name."""
        if code == ANY:
            return self._plain("proof.word.any_flow")
        return self._flows.get(code) or label("hazard", code, self._language)

    def who(self, code: str) -> str:
        """A unit or a role by name."""
        return name_of("territorial" if code == "town" else code, self._language, self.names)

    def _word(self, key: str, value: Any, witness: Mapping[str, Any]) -> str:
        code = str(value)
        if key in _LISTS:
            return label(_LISTS[key], code, self._language)
        made: dict[str, Callable[[str], str]] = {
            "flow": self.flow, "level": self._level, "colour": self._colour, "phase": self._phase,
            "territory": self._area, "place": self._area, "asset": self._named, "post": self._named,
            "chain": self._chain,
        }  # fmt: skip
        if key in made:
            return made[key](code)
        if key in _WHO:
            return self.who(code)
        if key in ("time", "until") and isinstance(value, int):
            return self._moment(value)
        return "" if value is None else f"{value:g}" if isinstance(value, float) else code

    def _cell(self, said: Mapping[str, str], witness: Mapping[str, Any]) -> str:
        """`Ⅱ级燃气，祖庙街道，周日 03:00`."""
        flow = said.get("flow", "")
        level = said["level"] if "level" in said and witness["level"] != ANY else ""
        gap = "" if self._language == "zh" else " "
        head = f"{level}{gap if level and flow else ''}{flow}"
        tail = [said[axis] for axis in _PLACES if said.get(axis) and axis != "place"]
        return ("，" if self._language == "zh" else ", ").join([part for part in (head, *tail) if part])

    def _outside(self, witness: Mapping[str, Any]) -> str:
        axis, value = str(witness.get("axis", "")), witness.get("outside", "")
        return self._word({"territory": "place"}.get(axis, axis), value, witness)

    def _code(self, witness: Mapping[str, Any]) -> str:
        scale, code = str(witness.get("scale", "")), str(witness.get("code", ""))
        return label(scale, code, self._language) if scale else code

    def _level(self, code: str) -> str:
        if code == ANY:
            return self._plain("proof.word.any_level")
        return self._join(tuple(label("case_level", one, self._language) for one in code.split(";")))

    def _colour(self, code: str) -> str:
        if code == ANY:
            return self._plain("proof.word.any_colour")
        return self._join(tuple(label("warning_colour", one, self._language) for one in code.split(";")))

    def _phase(self, code: str) -> str:
        return self._plain(f"proof.word.{code}")

    def _area(self, code: str) -> str:
        if code in self.names:
            return self.names[code]
        return "" if code == ANY else label("area_kind", code, self._language)

    def _named(self, code: str) -> str:
        return self.names.get(code, code)

    def _chain(self, code: str) -> str:
        return " → ".join(self.who(part) for part in code.split(" → "))

    def _moment(self, us: int) -> str:
        """`2026-03-01 周日 03:00` on the city's clock."""
        if self._city is None:
            return str(us)
        at = self._city.calendar.at(us)
        days = self._plain("proof.word.weekday").split(";")
        # 1970-01-01 was a Thursday.
        number = (self._city.calendar.start_of(at.date) + DAY // 2) // DAY
        return f"{at.date} {days[(number + 3) % 7]} {at.minute // 60:02d}:{at.minute % 60:02d}"

    def _join(self, parts: tuple[str, ...]) -> str:
        return ("、" if self._language == "zh" else ", ").join(parts)

    def _plain(self, key: str) -> str:
        return sentences(self._language).get(key, key.rpartition(".")[2])
