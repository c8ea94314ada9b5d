"""Domain packs of a city: found, told of when broken, added to its tables, their words lent to the texts."""

from __future__ import annotations

from pathlib import Path

from liandong.app.logs import get_logger
from liandong.app.packs import load_pack, load_packs, load_scorers, pack_folders
from liandong.core.detect.scorers import SCORERS, Kind
from liandong.core.pack import Pack, equip, own_rows
from liandong.core.values.city import City
from liandong.core.values.dataset import CityFolder
from liandong.core.values.errors import LiandongError
from liandong.texts import extend

log = get_logger("packs")


def installed() -> dict[str, Pack]:
    """Every pack that can be read; a broken one is told in the log and left out."""
    return load_packs(_report)


def scorers(city: City) -> dict[str, Kind]:
    """What rules over groups may name: the platform's scorers and those of the city's packs."""
    used, found = {use.pack for use in city.packs}, dict(SCORERS)
    for name, folder in pack_folders() if used else ():
        try:
            if (folder / "scorers.py").is_file() and (pack := load_pack(folder)).id in used:
                found |= load_scorers(folder, pack.id)
        except LiandongError as error:
            _report(name, error)
    return found


def read_equipped(place: Path) -> CityFolder:
    """A city's folder with what its packs add. Raises as `read_city` and `equip` do."""
    # A city that is running already has its tables in the store, and starts without their readers.
    from liandong.adapters.tables import quantities_of, read_city

    packs = installed()
    return equipped(read_city(place, quantities_of(packs)), packs)


def equipped(folder: CityFolder, packs: dict[str, Pack] | None = None) -> CityFolder:
    """A dataset with the rows of the packs that its city uses; where its own win, the log says so."""
    if not folder.city.packs:
        return folder
    packs = installed() if packs is None else packs
    own = own_rows(folder, packs)
    if own:
        log.info("packs.own_rows", city=folder.city.key, count=len(own), rows=", ".join(own[:20]))
    return equip(folder, packs)


def lend_words(city: City) -> None:
    """Names of hazards and quantities of the city's packs, for texts in both languages."""
    packs = installed() if city.packs else {}
    for use in city.packs:
        if use.pack in packs:
            for language, words in packs[use.pack].strings.items():
                extend(language, {f"label.{key}": said for key, said in words.items()})


def _report(name: str, error: LiandongError) -> None:
    log.warning("packs.broken", pack=name, key=error.key)
