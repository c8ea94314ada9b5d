"""What was written once is readable for ever: a frozen schema and a sample of every released version.

To change an event or a message on purpose: raise its version, add a pure upcaster from the version
before, and put `<Type>.v<n>.json` and `<Type>.v<n>.schema.json` beside the others (the failing test
prints the schema). What lies in `samples/` already is never changed and never removed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from liandong.app.handle import MESSAGE_TYPES, MESSAGE_VERSIONS, read_message, record_message
from liandong.core.values.errors import Broken
from liandong.core.values.events import EVENT_TYPES, VERSIONS, EventRecord, read_event, record_event
from liandong.core.values.schemas import schema_of

SAMPLES = Path(__file__).parent / "samples"
TYPES: dict[str, type] = EVENT_TYPES | MESSAGE_TYPES


def current(name: str) -> int:
    return VERSIONS.get(name) or MESSAGE_VERSIONS[name]


def schema_file(folder: Path, name: str, version: int) -> Path:
    return folder / f"{name}.v{version}.schema.json"


def sample_file(folder: Path, name: str, version: int) -> Path:
    return folder / f"{name}.v{version}.json"


def drift(types: dict[str, type], folder: Path = SAMPLES) -> Iterator[str]:
    """What differs between the types of today and what was released."""
    wanted = set()
    for name, cls in types.items():
        for version in range(1, current(name) + 1):
            for file in (schema_file(folder, name, version), sample_file(folder, name, version)):
                wanted.add(file)
                if not file.is_file():
                    yield f"{file.name} is missing: every released version keeps its schema and its sample"
        frozen = schema_file(folder, name, current(name))
        now = schema_of(cls)
        if frozen.is_file() and json.loads(frozen.read_text(encoding="utf-8")) != now:
            shown = json.dumps(now, ensure_ascii=False, indent=1, sort_keys=True)
            yield (
                f"{name} is no longer what version {current(name)} was when it was released, and stored "
                f"bytes are never rewritten. Take the change back; or, if it is meant, raise the version, "
                f"add an upcaster from version {current(name)}, and add a sample and this schema as version "
                f"{current(name) + 1}:\n{shown}"
            )
    for file in sorted(set(folder.glob("*.json")) - wanted):
        yield f"{file.name} belongs to no released version of a type"


def test_every_type_is_as_it_was_released() -> None:
    assert not list(drift(TYPES)), "\n\n".join(drift(TYPES))


def test_no_type_is_event_and_message_at_once_and_each_has_a_version() -> None:
    assert not EVENT_TYPES.keys() & MESSAGE_TYPES.keys()
    assert VERSIONS.keys() == EVENT_TYPES.keys() and len(TYPES) >= 40


@pytest.mark.parametrize(
    ("name", "version"), [(name, v) for name in sorted(TYPES) for v in range(1, current(name) + 1)]
)
def test_a_sample_is_read_today_and_gives_its_bytes_again(name: str, version: int) -> None:
    data = sample_file(SAMPLES, name, version).read_bytes().rstrip(b"\n")
    read, write = (read_event, record_event) if name in EVENT_TYPES else (read_message, record_message)
    value = read(EventRecord(name, version, msgspec.Raw(data)))
    assert type(value) is TYPES[name]
    again = write(value)
    assert (again.type, again.v) == (name, current(name))
    if version == current(name):
        assert bytes(again.data) == data
    else:  # an old one is lifted: what it says now is stable, too
        assert write(read(again)) == again


def test_a_version_from_the_future_is_refused_and_not_guessed() -> None:
    for name in TYPES:
        data = msgspec.Raw(sample_file(SAMPLES, name, current(name)).read_bytes())
        read = read_event if name in EVENT_TYPES else read_message
        with pytest.raises(Broken):
            read(EventRecord(name, current(name) + 1, data))


def test_samples_hold_no_person_but_by_key() -> None:
    for file in SAMPLES.glob("*.json"):
        if not file.name.endswith(".schema.json"):
            said = json.loads(file.read_text(encoding="utf-8"))
            assert said.get("person", "person:").startswith("person:") or not said["person"], file.name
            assert file.read_bytes().isascii(), f"{file.name}: words of people are in the vault, not here"


# The guards bite


class _Grown(msgspec.Struct, frozen=True, kw_only=True, tag="TimerSpent"):
    case: str
    timer: str
    planted: int = 0


class _Shrunk(msgspec.Struct, frozen=True, kw_only=True, tag="TimerSpent"):
    case: str


class _Retyped(msgspec.Struct, frozen=True, kw_only=True, tag="TimerSpent"):
    case: str
    timer: int


def released(names: tuple[str, ...], folder: Path) -> None:
    for name in names:
        for file in (schema_file(SAMPLES, name, 1), sample_file(SAMPLES, name, 1)):
            (folder / file.name).write_bytes(file.read_bytes())


def _as_timer_spent(cls: type) -> dict[str, Any]:
    """Like the real type in all but what was planted: the name of a type is part of its schema."""
    cls.__name__ = cls.__qualname__ = "TimerSpent"
    return {"TimerSpent": cls}


@pytest.mark.parametrize("cls", [_Grown, _Shrunk, _Retyped])
def test_a_planted_change_is_seen_and_the_message_says_what_to_do(cls: type, tmp_path: Path) -> None:
    released(("TimerSpent",), tmp_path)
    assert not list(drift({"TimerSpent": EVENT_TYPES["TimerSpent"]}, tmp_path))
    [said] = drift(_as_timer_spent(cls), tmp_path)
    assert "raise the version" in said and "upcaster" in said and "version 2" in said


def test_a_removed_sample_and_a_stray_one_are_seen(tmp_path: Path) -> None:
    released(("TimerSpent", "CaseNoted"), tmp_path)
    types = {name: TYPES[name] for name in ("TimerSpent", "CaseNoted")}
    assert not list(drift(types, tmp_path))
    sample_file(tmp_path, "CaseNoted", 1).unlink()
    assert any("CaseNoted.v1.json is missing" in said for said in drift(types, tmp_path))
    (tmp_path / "CaseForgotten.v1.json").write_text("{}")
    assert any("CaseForgotten.v1.json belongs" in said for said in drift(types, tmp_path))


def test_a_raised_version_needs_its_own_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    released(("TimerSpent",), tmp_path)
    monkeypatch.setitem(VERSIONS, "TimerSpent", 2)
    said = list(drift({"TimerSpent": EVENT_TYPES["TimerSpent"]}, tmp_path))
    assert len(said) == 2 and all(".v2." in line for line in said)


def test_a_new_docstring_is_no_new_version_and_a_field_called_title_is_kept() -> None:
    class A(msgspec.Struct):
        """One sentence."""

        title: str
        description: int = 0

    class B(msgspec.Struct):
        """A better sentence."""

        title: str
        description: int = 0

    B.__name__ = "A"
    assert schema_of(A) == schema_of(B)
    assert "title" in json.dumps(schema_of(A)) and "sentence" not in json.dumps(schema_of(A))
