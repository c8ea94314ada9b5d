"""Mechanism files on the command line and at the API: read with what fills them, and compared in words."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from liandong.core.mechanism.difference import Change, changes
from liandong.core.mechanism.supplement import merge
from liandong.core.values.city import CityIndex
from liandong.core.values.document import Mechanism
from liandong.core.values.errors import BadInput
from liandong.texts.changes import sentence


def read_merged(paths: Sequence[Path]) -> Mechanism:
    """A document with what fills it. Raises BadInput where a row of ours overrules the document."""
    # Only here: a running city starts without the readers of YAML and Excel.
    from liandong.adapters.mechanisms import read_documents

    source, supplement = read_documents(paths)
    if supplement is None:
        return source
    merged, refused = merge(source, supplement)
    if refused:
        first = refused[0]
        raise BadInput("mechanism.overruled", table=first.table, row=first.key, by=first.by)
    return merged


def read_files(files: Mapping[str, str]) -> Mechanism:
    """The same from texts by file name, as they come over the API."""
    with tempfile.TemporaryDirectory(prefix="liandong-mechanism-") as folder:
        paths = []
        for name, words in files.items():
            if Path(name).name != name or Path(name).suffix.lower() not in (".yaml", ".yml"):
                raise BadInput("mechanism.bad_file_name", file=name[:80])
            path = Path(folder) / name
            path.write_text(words, encoding="utf-8")
            paths.append(path)
        return read_merged(paths)


def diff_lines(
    before: Mechanism, after: Mechanism, city: CityIndex | None, language: str, unit: str = ""
) -> list[str]:
    """What the second version changes, unit by unit, in sentences."""
    names = {
        key: (one.name_zh if language == "zh" else one.name_en or one.name_zh)
        for key, one in (city.units.items() if city else ())
    }
    for mechanism in (before, after):
        titles = {row.key: row.title_zh if language == "zh" else row.title_en for row in mechanism.flows}
        names |= {key: title for key, title in titles.items() if title}
    found: tuple[Change, ...] = changes(before, after, city)
    mine = (change for change in found if not unit or unit in (change.who, *change.units))
    return [sentence(change, language, names) for change in mine]


def city_of(place: Path | None) -> CityIndex | None:
    """The city of a folder of tables, with what its packs bring; None where none is named."""
    if place is None:
        return None
    from liandong.wiring.packs import read_equipped

    return CityIndex(read_equipped(place).city)
