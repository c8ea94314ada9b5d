"""One form into another, told by the ending: .yaml, .xlsx, or a folder of CSV tables."""

from __future__ import annotations

import os
from datetime import UTC
from pathlib import Path

from liandong.adapters.mechanisms.reading import EXCEL, YAML, read_one
from liandong.adapters.mechanisms.signing import write_signing
from liandong.adapters.mechanisms.writing import digest, write_text
from liandong.adapters.tables.layout import MECHANISM, TABLES
from liandong.adapters.tables.sheets import write_table
from liandong.core.values.city import City
from liandong.core.values.document import Mechanism
from liandong.core.values.errors import BadInput


def convert_file(source: Path, to: Path, city: City | None = None) -> str:
    """Write what is read from one place to another; gives its digest. Raises BadInput."""
    document = read_one(source).mechanism
    write_file(to, document, city)
    return digest(document)


def write_file(to: Path, document: Mechanism, city: City | None = None) -> None:
    """Write a document in the form that a path's ending names, whole or not at all. Raises BadInput.

    `city` gives the units that sign a workbook.
    """
    suffix = to.suffix.lower()
    if suffix in EXCEL:
        write_signing(to, document, city)
    elif suffix in YAML:
        text = write_text(document)
        aside = to.with_name(f"{to.name}.new")
        aside.write_text(text, encoding="utf-8")
        os.replace(aside, to)
    elif suffix or to.is_file():
        raise BadInput("mechfile.no_form", file=to.name, allowed=", ".join((*YAML, *EXCEL)))
    else:
        write_folder(to, document)


def write_folder(folder: Path, document: Mechanism) -> None:
    """Write the tables that hold something, and those that a city needs even empty.

    Raises MechanismErrors.
    """
    write_text(document)  # says by table and column which value no form can hold
    folder.mkdir(parents=True, exist_ok=True)
    for name in MECHANISM:
        table = TABLES[name]
        things = (document,) if name == MECHANISM[0] else getattr(document, name)
        if things or not table.optional:
            cells = table.columns.values()
            rows = [[column.render(getattr(thing, column.name), UTC) for column in cells] for thing in things]
            write_table(folder, table, rows)
        else:
            (folder / table.file).unlink(missing_ok=True)
