"""Rosters on the command line: holes of the weeks ahead; month sheets taken in and given out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from liandong.adapters.mechanisms import read_documents
from liandong.adapters.tables import quantities_of, read_city, write_city, write_workbook
from liandong.adapters.tables.roster_export import export_rosters
from liandong.adapters.tables.roster_sheets import import_rosters, merged
from liandong.app.clock import system_clock
from liandong.core.mechanism.proofs.duty import acting_units as named_by
from liandong.core.mechanism.proofs.ground import Ground
from liandong.core.mechanism.proofs.units import Roles
from liandong.core.mechanism.rosters import Hole, acting_units, holes
from liandong.core.mechanism.supplement import merge
from liandong.core.values.city import CityIndex
from liandong.core.values.dataset import CityFolder
from liandong.core.values.errors import BadInput
from liandong.core.values.roster import Contact
from liandong.core.values.roster_events import RosterState
from liandong.core.values.times import DAY, parse_time
from liandong.texts import text
from liandong.wiring.packs import installed
from liandong.wiring.stores import store_of

_state = msgspec.json.Decoder(RosterState)
#: The only channel that a table of persons knows.
PHONE = "phone"


@dataclass(frozen=True)
class Checked:
    """The holes of a city's rosters between two moments."""

    city: CityIndex
    units: tuple[str, ...]
    start: int
    end: int
    holes: tuple[Hole, ...]

    @property
    def unknown_years(self) -> tuple[str, ...]:
        """Years of the period of which the city's calendar knows no holiday."""
        calendar = self.city.calendar
        dates = dict.fromkeys(calendar.at(at).date for at in range(self.start, self.end, DAY))
        return tuple(dict.fromkeys(date[:4] for date in dates if not calendar.covers(date)))


def check_rosters(
    place: Path,
    since: str = "",
    days: float = 30,
    data: Path | None = None,
    named: bool = False,
    mechanism: Sequence[Path] = (),
) -> Checked:
    """Look at the rosters of tables; with a data folder, as people swapped and rang since.

    `since` is RFC 3339 or a date on the city's clock, now where it is empty. Every unit with a post around
    the clock is looked at; with `mechanism`, a document with its supplements, or `named`, the city's own,
    only those that must act by it. Raises CityErrors where the tables have faults.
    """
    if days <= 0:
        raise BadInput("roster.bad_days", days=days)
    folder = read_city(place, quantities_of(installed()))
    city = CityIndex(folder.city)
    states = _states(data) if data is not None else []
    changes = [change for state in states for change in state.changes]
    city = city.with_changes(changes) if changes else city
    start = _moment(city, since)
    end = start + int(days * DAY)
    units = _acting(folder, city, mechanism) if named or mechanism else acting_units(city)
    contacts = _contacts(folder, [contact for state in states for contact in state.contacts])
    return Checked(city, units, start, end, tuple(holes(city, units, start, end, contacts)))


def _acting(folder: CityFolder, city: CityIndex, paths: Sequence[Path]) -> tuple[str, ...]:
    """Units that lead, take a step or are called by an escalation somewhere in the city."""
    mechanism = folder.mechanism
    if paths:
        source, supplement = read_documents(paths)
        mechanism = merge(source, supplement)[0] if supplement is not None else source
    ground = Ground(mechanism, city)
    return tuple(sorted(named_by(ground, Roles(ground, city))))


def _moment(city: CityIndex, since: str) -> int:
    if not since:
        return system_clock().read().now
    try:
        return city.calendar.start_of(since) if len(since) == len("2026-12-01") else parse_time(since)
    except ValueError as error:
        raise BadInput("time.unreadable", value=since[:64]) from error


def _states(data: Path) -> list[RosterState]:
    """What was agreed and rung in every unit of a city's data."""
    store = store_of(data)
    try:
        return [_state.decode(row.body) for row in store.states("roster") if row.body is not None]
    finally:
        store.close()


def _contacts(folder: CityFolder, rung: Iterable[Contact]) -> list[Contact]:
    """The telephones of the table of persons, each with the last ring that is known of it, and what else
    was rung."""
    known = {(one.person, one.channel): one for one in rung}
    for record in folder.persons:
        if record.phone:
            known.setdefault((record.key, PHONE), Contact(person=record.key, channel=PHONE))
    return list(known.values())


def take_in(file: Path, place: Path, language: str) -> str:
    """Replace the days of the roster that a workbook speaks of; the sentence that says what was done.

    Raises RosterErrors, and changes nothing, where any cell cannot be read.
    """
    folder = read_city(place, quantities_of(installed()))
    if place.is_dir() and not (place / "duties.csv").is_file():
        raise BadInput("roster.duties_elsewhere", place=str(place))
    made = import_rosters(file, folder)
    duties = merged(folder.city, made)
    after = msgspec.structs.replace(folder, city=msgspec.structs.replace(folder.city, duties=duties))
    if place.is_dir():
        write_city(place, after, only=("duties",))
    else:
        write_workbook(place, after)
    return text("roster.imported", language, file=file.name, count=len(made.duties), total=len(duties))


def give_out(place: Path, to: Path, units: Iterable[str], language: str) -> str:
    """Write the rosters of these units, or of all, as month sheets."""
    if to.suffix.lower() != ".xlsx":
        raise BadInput("city.not_a_workbook", file=to.name)
    count = export_rosters(to, read_city(place, quantities_of(installed())), units)
    return text("roster.exported", language, count=count, file=str(to))
