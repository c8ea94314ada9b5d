"""What is wrong with the rows of a mechanism themselves, in a city's folder or in a document alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from liandong.adapters.tables.sheets import Line, bad
from liandong.core.values.errors import BadInput
from liandong.core.values.lists import EscalationKind, Provenance
from liandong.core.values.rows import ANY, words
from liandong.core.values.scales import SCALES, Scale

Lines = dict[str, list[Line]]
#: Table → columns of numbers that only make sense above zero.
_POSITIVE = {
    "steps": ("limit_s", "needs_s"),
    "escalations": ("fraction", "after_s", "no_answer_s", "repeat_s", "repeats"),
    "pauses": ("longest_s",),
    "gatherings": ("count", "within_s", "quiet_s"),
    "transfers": ("longest_s", "at_most", "limit_s"),
    "reports": ("first_s", "next_s", "final_s"),
    "warnings": ("approve_s", "lift_s"),
    "decisions": ("limit_s",),
    "measures": ("limit_s",),
    "resources": ("approval_s",),
}
_SHARES = {"verifications": ("rate", "raised_rate")}
#: Table → scales of which its `code` may be.
_CODES = {
    "decisions": (Scale.WARNING_COLOUR, Scale.CASE_LEVEL),
    "measures": (Scale.WARNING_COLOUR, Scale.RESPONSE_LEVEL),
}
#: Moments of an escalation, of which a row has one.
_MOMENTS = ("fraction", "after_s", "no_answer_s")


def check_rows(lines: Lines, errors: list[BadInput]) -> None:
    """Add everything that is wrong with a row by itself, and flows that lie within each other."""
    for name, line, column, remedy, allowed in (
        *_numbers(lines), *_codes(lines), *_moments(lines), *_unset(lines), *_circles(lines)
    ):  # fmt: skip
        value = _shown(line.values.get(column))
        errors.append(
            bad("city.bad_value", f"{name}.csv", line.row, column, value, remedy=remedy, allowed=allowed)
        )


Problem = tuple[str, Line, str, str, str]


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return ";".join(str(part) for part in value)
    return "" if value is None else str(value)


def _numbers(lines: Lines) -> Iterator[Problem]:
    for name, columns in _POSITIVE.items():
        for column in columns:
            for line in lines[name]:
                value = line.values.get(column)
                if value is not None and value <= 0:
                    yield name, line, column, "city.remedy.positive", ""
    for name, columns in _SHARES.items():
        for column in columns:
            for line in lines[name]:
                value = line.values.get(column)
                if value is not None and not 0 <= value <= 1:
                    yield name, line, column, "city.remedy.share", ""


def _codes(lines: Lines) -> Iterator[Problem]:
    """A code names words of its row's scale, or any."""
    for name, scales in _CODES.items():
        for line in lines[name]:
            if not line.good:
                continue
            scale = line.values["scale"]
            if scale not in scales:
                yield name, line, "scale", "city.remedy.one_of", ", ".join(scales)
            elif not set(words(line.text("code"))) <= set(SCALES[scale]):
                yield name, line, "code", "city.remedy.one_of", ", ".join((*SCALES[scale], ANY))


def _moments(lines: Lines) -> Iterator[Problem]:
    """An escalation happens at one moment; `none` says that there is none."""
    for line in lines["escalations"]:
        if not line.good:
            continue
        given = [column for column in _MOMENTS if line.values.get(column) is not None]
        none = line.values["kind"] == EscalationKind.NONE
        if len(given) != (0 if none else 1):
            remedy = "city.remedy.no_moment" if none else "city.remedy.one_moment"
            yield "escalations", line, given[-1] if given else "fraction", remedy, ", ".join(_MOMENTS)


def _unset(lines: Lines) -> Iterator[Problem]:
    """What is unset has no value; what has a value is the document's or ours."""
    for line in lines["roles"]:
        if line.good and (not line.text("role")) != (line.values["provenance"] == Provenance.UNSET):
            yield "roles", line, "role", "city.remedy.unset" if line.text("role") else "city.remedy.fill", ""
    for line in lines["steps"]:
        limited = line.values.get("limit_s") is not None
        if line.good and limited and line.values["provenance"] == Provenance.UNSET:
            yield "steps", line, "limit_s", "city.remedy.unset", ""


def _circles(lines: Lines) -> Iterator[Problem]:
    """A flow may not lie within itself; each circle is said once."""
    within = {line.text("key"): line.text("within") for line in lines["flows"]}
    said: set[str] = set()
    for line in lines["flows"]:
        chain, current = [line.text("key")], line.text("within")
        while current in within and current not in chain:
            chain.append(current)
            current = within[current]
        if current == chain[0] and not said.intersection(chain):
            said.update(chain)
            yield "flows", line, "within", "city.remedy.flow_circle", " > ".join([*chain, current])
