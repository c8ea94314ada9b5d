"""Domain packs from disk: found by entry point, read row by row, a broken one told and skipped."""

from __future__ import annotations

import csv
import importlib.util
import io
import json
import tomllib
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar, get_origin

import msgspec

from liandong.core.pack import (
    Baseline,
    Condensed,
    Expected,
    Hazard,
    Learned,
    Model,
    ModelSample,
    Pack,
    Playbook,
    Sample,
    Standard,
)
from liandong.core.values.cascade import Cascade
from liandong.core.values.city import Quantity
from liandong.core.values.errors import BadInput, LiandongError, NotFound
from liandong.core.values.rows import EscalationRow, GradingRow, PauseRow, RoleRow, StepRow
from liandong.core.values.rules import Rule

if TYPE_CHECKING:
    from liandong.core.detect.scorers import Kind

GROUP = "liandong.packs"
MANIFEST = "pack.toml"
KINDS = ("positive", "negative", "dirty")
LANGUAGES = ("zh", "en")
Row = TypeVar("Row", bound=msgspec.Struct)
Report = Callable[[str, LiandongError], None]


def load_packs(report: Report | None = None) -> dict[str, Pack]:
    """Every pack that is installed, by id. What cannot be read is told to `report` and left out."""
    found: dict[str, Pack] = {}
    for name, folder in pack_folders(report):
        try:
            pack = load_pack(folder)
            if pack.id in found:
                raise BadInput("pack.twice", pack=pack.id)
            found[pack.id] = pack
        except LiandongError as error:
            if report is not None:
                report(name, error)
    return found


def pack_folders(report: Report | None = None) -> Iterator[tuple[str, Path]]:
    """(name, folder) of every installed pack: one entry point per package, with one pack or several."""
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        home = _home(entry)
        if home is None:
            if report is not None:
                report(entry.name, NotFound("pack.no_folder", pack=entry.name))
        elif (home / MANIFEST).is_file():
            yield entry.name, home
        else:
            yield from sorted((path.parent.name, path.parent) for path in home.glob(f"*/{MANIFEST}"))


def find_pack(name: str) -> Path:
    """The folder of a pack given by path or by the name of an installed one. Raises NotFound."""
    if (Path(name) / MANIFEST).is_file():
        return Path(name)
    known = dict(pack_folders())
    if name not in known:
        raise NotFound("pack.unknown", pack=name, known=", ".join(sorted(known)) or "-")
    return known[name]


def load_pack(folder: Path) -> Pack:
    """The pack in a folder. Raises BadInput("pack.…") with file, row and what is wrong there."""
    try:
        manifest = tomllib.loads(_text(folder, MANIFEST))
    except tomllib.TOMLDecodeError as error:
        raise BadInput("pack.bad_file", pack=folder.name, file=MANIFEST, why=str(error)) from error
    strings = {language: _strings(folder, language) for language in LANGUAGES}
    values = {
        **manifest,
        "quantities": tuple(_quantities(folder, strings)),
        "rules": _rows(folder, "detectors.csv", Rule),
        "hazards": _rows(folder, "hazards.csv", Hazard),
        "cascades": _rows(folder, "cascades.csv", Cascade),
        "condensed": _rows(folder, "condensed.csv", Condensed),
        "learned": _rows(folder, "learned.csv", Learned),
        "baselines": _rows(folder, "baselines.csv", Baseline),
        "playbook": Playbook(
            grading=_rows(folder, "playbook/grading.csv", GradingRow),
            roles=_rows(folder, "playbook/roles.csv", RoleRow),
            steps=_rows(folder, "playbook/steps.csv", StepRow),
            escalations=_rows(folder, "playbook/escalations.csv", EscalationRow),
            pauses=_rows(folder, "playbook/pauses.csv", PauseRow),
        ),
        "samples": tuple(_samples(folder)),
        "model_samples": _model_samples(folder),
        "strings": strings,
    }
    values["standards"] = tuple(
        _convert(folder, MANIFEST, 0, row, Standard) for row in manifest.get("standards", ())
    )
    return _convert(folder, MANIFEST, 0, values, Pack)


def load_models(folder: Path) -> dict[str, Model]:
    """The functions in a pack's `hazards.py` by name, none where it has no such file."""
    return dict(getattr(_module(folder, "hazards.py"), "MODELS", {}))


def load_scorers(folder: Path, pack: str) -> dict[str, Kind]:
    """The classes in a pack's `scorers.py` as kinds, by `<pack>.<name>`; none where it has no such file.

    A class is made from (numbers of `params`, number of members), and may say `each`, `least`, `needs`
    and `knows` as `Kind` does.
    """
    # Only here: it brings the compiler of the detector with it.
    from liandong.core.detect.scorers import Kind

    made = dict(getattr(_module(folder, "scorers.py"), "SCORERS", {}))
    return {
        f"{pack}.{name}": Kind(
            make=kind,
            each=bool(getattr(kind, "each", False)),
            least=int(getattr(kind, "least", 2)),
            needs=frozenset(getattr(kind, "needs", ())),
            knows=frozenset(getattr(kind, "knows", ())),
        )
        for name, kind in sorted(made.items())
    }


def _module(folder: Path, name: str) -> ModuleType | None:
    """A Python file of a pack, run; None where it has none. Raises BadInput for whatever it raises."""
    path = folder / name
    if not path.is_file():
        return None
    spec = importlib.util.spec_from_file_location(f"liandong_pack_{folder.name}_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise BadInput("pack.bad_file", pack=folder.name, file=path.name, why="no loader")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # a third party's code may raise anything
        raise BadInput("pack.bad_file", pack=folder.name, file=path.name, why=repr(error)) from error
    return module


def _home(entry: EntryPoint) -> Path | None:
    try:
        spec = importlib.util.find_spec(entry.module)
    except (ImportError, ValueError):
        return None
    places = list(spec.submodule_search_locations or ()) if spec else []
    return Path(places[0]) if places else None


def _text(folder: Path, name: str) -> str:
    try:
        return (folder / name).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = type(error).__name__
        raise BadInput("pack.bad_file", pack=folder.name, file=name, why=why) from error


def _strings(folder: Path, language: str) -> dict[str, str]:
    name = f"strings/{language}.json"
    try:
        return msgspec.convert(json.loads(_text(folder, name)), dict[str, str])
    except (json.JSONDecodeError, msgspec.ValidationError, RecursionError) as error:
        raise BadInput("pack.bad_file", pack=folder.name, file=name, why=str(error)) from error


def _table(folder: Path, name: str) -> Iterator[tuple[int, dict[str, str]]]:
    """(row number, cells that are filled) of a table; nothing where the pack has no such file."""
    if not (folder / name).is_file():
        return
    lines = csv.DictReader(io.StringIO(_text(folder, name), newline=""), strict=True)
    try:
        for line in lines:
            if None in line or any(cell is None for cell in line.values()):
                raise BadInput(
                    "pack.bad_row", pack=folder.name, file=name, row=lines.line_num, why="number of cells"
                )
            yield lines.line_num, {key.strip(): cell.strip() for key, cell in line.items() if cell.strip()}
    except csv.Error as error:
        raise BadInput(
            "pack.bad_row", pack=folder.name, file=name, row=lines.line_num, why=str(error)
        ) from error


def _rows(folder: Path, name: str, kind: type[Row]) -> tuple[Row, ...]:
    lists = {field.name for field in msgspec.structs.fields(kind) if get_origin(field.type) is tuple}
    known = {field.name for field in msgspec.structs.fields(kind)}
    found = []
    for number, cells in _table(folder, name):
        strange = sorted(set(cells) - known)
        if strange:
            why = ", ".join(strange)
            raise BadInput("pack.unknown_column", pack=folder.name, file=name, row=number, why=why)
        values = {key: cell.split(";") if key in lists else cell for key, cell in cells.items()}
        found.append(_convert(folder, name, number, values, kind))
    return tuple(found)


def _convert(folder: Path, name: str, row: int, values: Mapping[str, Any], kind: type[Row]) -> Row:
    try:
        return msgspec.convert(values, kind, strict=False)
    except (msgspec.ValidationError, ValueError) as error:
        raise BadInput("pack.bad_row", pack=folder.name, file=name, row=row, why=str(error)) from error


def _quantities(folder: Path, strings: Mapping[str, Mapping[str, str]]) -> Iterator[Quantity]:
    """Quantities; their names stand in the strings, `quantity.<key>`, and codes as `0=正常|normal;…`."""
    for number, cells in _table(folder, "quantities.csv"):
        values: dict[str, Any] = {"unit": ""} | cells
        values["codes"] = [_code(folder, number, part) for part in cells.get("codes", "").split(";") if part]
        for language in LANGUAGES:
            values[f"name_{language}"] = strings[language].get(f"quantity.{cells.get('key', '')}", "")
        yield _convert(folder, "quantities.csv", number, values, Quantity)


def _code(folder: Path, row: int, text: str) -> tuple[int, str, str]:
    code, sign, words = text.partition("=")
    zh, _, en = words.partition("|")
    if not (sign and code.strip().isdecimal() and zh and en):
        raise BadInput("pack.bad_row", pack=folder.name, file="quantities.csv", row=row, why=f"codes: {text}")
    return int(code), zh, en


def _samples(folder: Path) -> Iterator[Sample]:
    """`samples/<kind>_<name>.csv` and what it must give beside it, `samples/<kind>_<name>.expected.csv`."""
    for path in sorted((folder / "samples").glob("*.csv")):
        kind = path.stem.partition("_")[0]
        if path.name.endswith(".expected.csv") or kind not in KINDS:
            continue
        name = f"samples/{path.name}"
        readings = []
        for number, cells in _table(folder, name):
            if not {"time", "channel", "quantity"} <= set(cells):
                why = "time, channel, quantity"
                raise BadInput("pack.bad_row", pack=folder.name, file=name, row=number, why=why)
            asset = cells.get("asset_kind", "")
            readings.append(
                (cells["time"], cells["channel"], cells["quantity"], cells.get("value", ""), asset)
            )
        expected = _rows(folder, f"samples/{path.stem}.expected.csv", Expected)
        yield Sample(name=path.stem, kind=kind, readings=tuple(readings), expected=expected)


def _model_samples(folder: Path) -> tuple[ModelSample, ...]:
    """`samples/models.csv`: hazard, facts as `name=number;…`, expected, tolerance, source."""
    found = []
    for number, cells in _table(folder, "samples/models.csv"):
        facts = [part.split("=", 1) for part in cells.pop("facts", "").split(";") if part]
        found.append(_convert(folder, "samples/models.csv", number, {**cells, "facts": facts}, ModelSample))
    return tuple(found)
