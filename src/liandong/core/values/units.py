"""Units of measure: which spelling means which, and what one is in another.

A quantity has one unit inside (`Quantity.unit`); a channel may send another (`Channel.unit`). The
table holds facts, each with its source and how far it was checked; what it does not hold is not
converted. A ratio of gases or an explosive limit needs the gas named, because 1 %VOL is 20 %LEL of
methane and 25 %LEL of hydrogen.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from liandong.core.values.errors import BadInput
from liandong.core.values.lists import Statistic, Trust

if TYPE_CHECKING:
    from liandong.core.values.city import Channel, City, Quantity

#: Raised with every change of a number below; a city's version and the program's say which one was used.
VERSION = 1


class Conversion(NamedTuple):
    """wanted = sent · factor + offset."""

    factor: float = 1.0
    offset: float = 0.0

    def then(self, other: Conversion) -> Conversion:
        """This one, and the other on its result."""
        return Conversion(self.factor * other.factor, self.offset * other.factor + other.offset)

    def back(self) -> Conversion:
        """The other way round."""
        return Conversion(1 / self.factor, -self.offset / self.factor)


SAME = Conversion()


class UnitRow(NamedTuple):
    """One fact: `target` = `unit` · factor + offset, of one gas where `gas` is given."""

    unit: str
    target: str
    factor: float
    offset: float = 0.0
    gas: str = ""
    source: str = "SI Brochure, 9th edition; GB 3100-1993"
    trust: Trust = Trust.KNOWN


#: Other spellings of a unit; the one on the left is used below and shown to people.
SPELLINGS: dict[str, tuple[str, ...]] = {
    "%LEL": ("%lel", "LEL%", "%Lel"),
    "%VOL": ("%vol", "%Vol", "vol%", "Vol%", "VOL%", "% v/v"),
    "ppm": ("PPM", "µmol/mol", "umol/mol", "μmol/mol"),
    "mg/m3": ("mg/m³", "mg/Nm3", "mg/m^3"),
    "µg/m3": ("ug/m3", "µg/m³", "μg/m3", "μg/m³", "ug/m³"),
    "°C": ("℃", "C", "degC", "deg C"),
    "°F": ("℉", "F", "degF"),
    "µε": ("με", "ue", "um/m", "µm/m", "μm/m", "microstrain"),
    "m3/h": ("m³/h", "m^3/h"),
    "m3/s": ("m³/s", "m^3/s"),
    "L/s": ("l/s",),
    "L/min": ("l/min",),
    "mm/h": ("mm/hr",),
    "m/s2": ("m/s²", "m/s^2"),
    "mm/s2": ("mm/s²", "mm/s^2"),
    "cm/s2": ("cm/s²", "cm/s^2", "gal"),
    "mm/s": (),
    "°": ("deg", "度"),
    "%": ("％", "percent"),
    "%RH": ("%rh", "RH%"),
    "1": ("-", "none"),
}

#: R · 293.15 K / 101.325 kPa in litres a mole: what one mole of an ideal gas takes up at 20 °C.
MOLAR_VOLUME = 24.055
_GAS_SOURCE = "ideal gas at 20 °C and 101.325 kPa; molar mass from IUPAC standard atomic weights"
_MOLAR_MASS = {
    "ch4": 16.043, "co": 28.010, "co2": 44.009, "h2s": 34.081, "nh3": 17.031, "so2": 64.064,
    "no2": 46.006, "cl2": 70.906, "o3": 47.998,
}  # fmt: skip

ROWS: tuple[UnitRow, ...] = (
    UnitRow("kPa", "Pa", 1e3),
    UnitRow("MPa", "Pa", 1e6),
    UnitRow("hPa", "Pa", 1e2),
    UnitRow("bar", "Pa", 1e5),
    UnitRow("mbar", "Pa", 1e2),
    UnitRow("cm", "m", 1e-2),
    UnitRow("mm", "m", 1e-3),
    UnitRow("µm", "m", 1e-6),
    UnitRow("um", "m", 1e-6),
    UnitRow("km", "m", 1e3),
    UnitRow("K", "°C", 1.0, -273.15),
    UnitRow("°F", "°C", 5 / 9, -160 / 9),
    UnitRow("L/s", "m3/s", 1e-3),
    UnitRow("L/min", "m3/s", 1e-3 / 60),
    UnitRow("m3/h", "m3/s", 1 / 3600),
    UnitRow("m3/d", "m3/s", 1 / 86400),
    UnitRow("ms", "s", 1e-3),
    UnitRow("min", "s", 60.0),
    UnitRow("h", "s", 3600.0),
    UnitRow("d", "s", 86400.0),
    UnitRow("kN", "N", 1e3),
    UnitRow("MN", "N", 1e6),
    UnitRow("kg", "t", 1e-3),
    UnitRow("mm/s", "m/s", 1e-3),
    UnitRow("km/h", "m/s", 1 / 3.6),
    UnitRow("mm/s2", "m/s2", 1e-3),
    UnitRow("cm/s2", "m/s2", 1e-2),
    UnitRow("g0", "m/s2", 9.80665, source="standard gravity, CGPM 1901"),
    UnitRow("mA", "A", 1e-3),
    UnitRow("kA", "A", 1e3),
    UnitRow("mV", "V", 1e-3),
    UnitRow("kV", "V", 1e3),
    UnitRow("kW", "W", 1e3),
    UnitRow("MW", "W", 1e6),
    UnitRow("GJ", "J", 1e9),
    UnitRow("kWh", "J", 3.6e6),
    UnitRow("%", "1", 1e-2),
    UnitRow("µε", "m/m", 1e-6),
    UnitRow("mm/m", "m/m", 1e-3),
    UnitRow("µg/m3", "mg/m3", 1e-3),
    UnitRow("g/m3", "mg/m3", 1e3),
    UnitRow("ppb", "ppm", 1e-3),
    UnitRow("ppm", "%VOL", 1e-4),
    UnitRow(
        "%VOL", "%LEL", 20.0, gas="ch4",
        source="LEL of methane 5 %VOL: MDPI Appl. Sci. 13(10) 6295; 25 %LEL = 1.25 %VOL as GB/T 50493-2019 "
        "uses it. IEC 60079-20-1 gives 4.4 %VOL",
        trust=Trust.VERIFIED,
    ),
    UnitRow("%VOL", "%LEL", 25.0, gas="h2", source="LEL of hydrogen 4.0 %VOL, IEC 60079-20-1"),
    *(
        UnitRow("mg/m3", "ppm", MOLAR_VOLUME / mass, gas=gas, source=_GAS_SOURCE)
        for gas, mass in _MOLAR_MASS.items()
    ),
)  # fmt: skip

_SPELT = {other: unit for unit, others in SPELLINGS.items() for other in others}
_KNOWN = {name for row in ROWS for name in (row.unit, row.target)} | set(SPELLINGS)
GASES = frozenset(row.gas for row in ROWS if row.gas)


def spelt(unit: str) -> str:
    """The usual spelling of a unit; an unknown one as it is."""
    plain = unit.strip()
    return _SPELT.get(plain, plain)


def is_known(unit: str) -> bool:
    """Whether the table has the unit."""
    return spelt(unit) in _KNOWN


@lru_cache(maxsize=4096)
def conversion(sent: str, wanted: str, gas: str = "") -> Conversion:
    """What a value in `sent` is in `wanted`, of a gas (`ch4`) where that matters.

    Raises BadInput("units.unknown") for a unit the table does not have, `units.gas_unnamed` where the
    two are connected only through a gas, and `units.no_conversion` where nothing connects them.
    """
    start, goal = spelt(sent), spelt(wanted)
    if start == goal:
        return SAME
    for unit in (start, goal):
        if unit not in _KNOWN:
            raise BadInput("units.unknown", unit=unit[:40])
    found = _path(start, goal, {"", gas.lower()})
    if found is not None:
        return found
    if _path(start, goal, {"", *GASES}) is not None:
        raise BadInput("units.gas_unnamed", unit=start, target=goal, gas=gas or "-")
    raise BadInput("units.no_conversion", unit=start, target=goal)


def _path(start: str, goal: str, gases: set[str]) -> Conversion | None:
    """The shortest chain of rows of these gases, either way along each."""
    reached = {start: SAME}
    waiting = deque([start])
    while waiting:
        unit = waiting.popleft()
        for other, step in _steps(unit, gases):
            if other not in reached:
                reached[other] = reached[unit].then(step)
                waiting.append(other)
    return reached.get(goal)


def _steps(unit: str, gases: set[str]) -> Iterator[tuple[str, Conversion]]:
    for row in ROWS:
        if row.gas in gases:
            forward = Conversion(row.factor, row.offset)
            if row.unit == unit:
                yield row.target, forward
            elif row.target == unit:
                yield row.unit, forward.back()


def channel_conversion(channel: Channel, quantity: Quantity) -> Conversion:
    """From the unit in which a channel sends to that of its quantity. Raises as `conversion` does."""
    return conversion(channel.unit, quantity.unit, quantity.gas) if channel.unit else SAME


def check_units(city: City) -> list[BadInput]:
    """An error for every channel whose unit cannot be turned into its quantity's; empty is good."""
    quantities = {quantity.key: quantity for quantity in city.quantities}
    found: list[BadInput] = []
    for channel in city.channels:
        quantity = quantities.get(channel.quantity)
        if quantity is None:
            continue  # named by the check of references
        try:
            channel_conversion(channel, quantity)
        except BadInput as error:
            found.append(BadInput("units.channel", channel=channel.key, why=error.key, **error.params))
    return found


_OF_STATISTIC = {
    Statistic.ZSCORE: "σ", Statistic.ROBUST_Z: "σ", Statistic.SEASONAL: "σ", Statistic.FLAT: "s",
    Statistic.STALE: "s", Statistic.OUT_OF_RANGE: "", Statistic.SCORE: "",
}  # fmt: skip


def unit_of_statistic(statistic: Statistic, unit: str) -> str:
    """The unit of what a rule compares, where its quantity is in `unit`: a rate is per second, a z-score
    counts standard deviations, a share and a score are plain numbers."""
    if statistic is Statistic.RATE:
        return f"{unit}/s"
    return _OF_STATISTIC.get(statistic, unit)
