"""A document with its supplements and what it includes, as they stand on one command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from liandong import mechanisms
from liandong.adapters.mechanisms.errors import MechanismErrors
from liandong.adapters.mechanisms.reading import EXCEL, YAML, Document, read_document, read_one, read_text
from liandong.core.mechanism.supplement import Overruled, include, merge
from liandong.core.values.document import KINDS, Mechanism
from liandong.core.values.errors import BadInput

#: Folder of tables that keeps a document's rows and ours apart.
_APART = ("source", "supplement")


class Together(NamedTuple):
    """What was read: the document, what fills it, and where each row stands: (table, key) → `a.yaml:12`."""

    source: Mechanism
    supplement: Mechanism | None
    places: Mapping[tuple[str, str], str]


def read_documents(paths: Sequence[Path]) -> tuple[Mechanism, Mechanism | None]:
    """The document, and the supplement with what the document includes; None where there is neither.

    A path may be a file, a folder of tables, or the key of a document that travels with the package.
    Raises BadInput, or MechanismErrors with everything that is wrong.
    """
    together = read_together(paths)
    return together.source, together.supplement


def read_together(paths: Sequence[Path]) -> Together:
    """The same, with the place of every row."""
    documents = _read_all(paths)
    main = _main(documents)
    source = main.mechanism
    others = {d.mechanism.key: d for d in documents if d is not main and not d.mechanism.supplement_to}
    found = _includes(main, others, _folder(paths, main))
    ours: list[Document] = []
    fills: dict[str, list[Document]] = {}
    for document in documents:
        to = document.mechanism.supplement_to
        if to == source.key:
            ours.append(document)
        elif to in found:
            fills.setdefault(to, []).append(document)
        elif to:
            raise BadInput(
                "mechfile.supplement_to_other", file=document.file, value=to,
                allowed=", ".join((source.key, *found)),
            )  # fmt: skip
    supplement = _joined(source.key, ours)
    defaults = [_filled(one, fills.get(key, [])) for key, one in found.items()]
    places = {place: at for d in (*found.values(), *documents[::-1]) for place, at in d.places.items()}
    if supplement is None and not defaults:
        return Together(source, None, places)
    supplement = supplement or Mechanism(key=f"{source.key}.supplement", supplement_to=source.key)
    return Together(source, include(source, supplement, defaults), places)


def _read_all(paths: Sequence[Path]) -> list[Document]:
    """Every file; all errors of all of them at once."""
    documents, errors = [], list[BadInput]()
    for path in paths:
        parts = [path / part for part in _APART if (path / part).is_dir()] or [path]
        for part in parts:
            try:
                documents.append(_read(part, apart=len(parts) > 1))
            except BadInput as error:
                errors += getattr(error, "errors", None) or [error]
    if errors:
        raise MechanismErrors(", ".join(path.name for path in paths), errors)
    return documents


def _read(path: Path, apart: bool) -> Document:
    document = read_one(path)
    if apart and path.name == _APART[1] and not document.mechanism.supplement_to:
        beside = read_document(path.parent / _APART[0]).mechanism.key
        made = msgspec.structs.replace(document.mechanism, supplement_to=beside)
        return Document(made, document.file, document.places)
    return document


def _main(documents: Sequence[Document]) -> Document:
    """The one document that is neither a supplement nor included by another."""
    included = {key for document in documents for key in document.mechanism.includes}
    mains = [d for d in documents if not d.mechanism.supplement_to and d.mechanism.key not in included]
    if len(mains) != 1:
        named = ", ".join(d.file for d in (mains or documents)) or "-"
        key = "mechfile.two_mains" if mains else "mechfile.no_main"
        raise BadInput(key, file=named)
    return mains[0]


def _folder(paths: Sequence[Path], main: Document) -> Path | None:
    """Where the document stands; None of one that travels with the package."""
    return next((path.parent for path in paths if path.exists() and path.name == main.file), None)


def _includes(main: Document, given: Mapping[str, Document], folder: Path | None) -> dict[str, Document]:
    """What a document includes, and what that includes: given, beside it, or built in."""
    found: dict[str, Document] = {}
    waiting = [(main, key) for key in main.mechanism.includes]
    while waiting:
        asking, key = waiting.pop(0)
        if key in found or key == main.mechanism.key:
            continue
        document = given.get(key) or _beside(folder, key)
        if document is None and key in mechanisms.known():
            document = read_text(mechanisms.raw(key), f"{key}.yaml")
        if document is None:
            allowed = ", ".join(name for name in mechanisms.known() if not name.endswith(".supplement"))
            raise BadInput("mechfile.include_missing", file=asking.file, value=key, allowed=allowed)
        found[key] = document
        waiting += [(document, one) for one in document.mechanism.includes]
    return found


def _beside(folder: Path | None, key: str) -> Document | None:
    """The file of a document's key in the same folder; a key is no path."""
    if folder is None or Path(key).name != key:
        return None
    paths = (folder / f"{key}{ending}" for ending in (*YAML, *EXCEL))
    return next((read_document(path) for path in paths if path.is_file()), None)


def _joined(key: str, documents: Sequence[Document]) -> Mechanism | None:
    """Several supplements as one; the same row in two of them is an error, not a choice."""
    if not documents:
        return None
    made: dict[str, Any] = {}
    errors = []
    for table in KINDS:
        rows: dict[str, tuple[Any, Document]] = {}
        for document in documents:
            for row in getattr(document.mechanism, table):
                if row.key in rows:
                    here, there = (d.places[table, row.key] for d in (document, rows[row.key][1]))
                    errors.append(BadInput("mechfile.row_in_two", file=here, value=row.key, first=there))
                else:
                    rows[row.key] = row, document
        made[table] = tuple(row for row, _ in rows.values())
    if errors:
        raise MechanismErrors(key, errors)
    centre = next((d.mechanism.centre for d in documents if d.mechanism.centre), "")
    return msgspec.structs.replace(documents[0].mechanism, centre=centre, **made)


def _filled(document: Document, supplements: Sequence[Document]) -> Mechanism:
    """An included document with the supplements that are given for it."""
    ours = _joined(document.mechanism.key, supplements)
    if ours is None:
        return document.mechanism
    merged, refused = merge(document.mechanism, ours)
    if refused:
        raise MechanismErrors(document.file, [overruled(one) for one in refused])
    return merged


def overruled(one: Overruled) -> BadInput:
    """A row of a supplement that contradicts its document, as an error."""
    return BadInput("mechanism.overruled", table=one.table, row=one.key, by=one.by)
