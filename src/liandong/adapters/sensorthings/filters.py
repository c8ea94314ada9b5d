"""`$filter`: the part of OData's language that is answered here, read and worked out.

Known: eq ne gt ge lt le, and or not, parentheses; paths with `/`; text in quotes, numbers, times, true,
false, null; substringof, startswith, endswith, contains, tolower, toupper, length. A value may be one or
a whole column (NumPy), so that readings are not looked at one by one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from liandong.core.values.errors import BadInput
from liandong.core.values.times import parse_time

MOST_CHARACTERS = 4_000
MOST_DEPTH = 40
_TOKEN = re.compile(
    r"""\s*(?:
      (?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d))
    | (?P<number>[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
    | (?P<text>'(?:[^']|'')*')
    | (?P<name>@?[A-Za-z_][\w.]*(?:/@?[A-Za-z_][\w.]*)*)
    | (?P<mark>[(),])
    )""",
    re.VERBOSE,
)
_COMPARE = ("eq", "ne", "gt", "ge", "lt", "le")
_CONSTANTS: dict[str, Any] = {"true": True, "false": False, "null": None}
#: Function → number of arguments.
_FUNCTIONS = {
    "substringof": 2, "startswith": 2, "endswith": 2, "contains": 2, "tolower": 1, "toupper": 1, "length": 1
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Literal:
    """A value as it stands there; a time is np.datetime64 in microseconds UTC."""

    value: Any


@dataclass(frozen=True, slots=True)
class Path:
    """A property, or one of something that a property leads to."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """An operator or a function with its arguments."""

    name: str
    arguments: tuple[Node, ...]


Node = Literal | Path | Call
#: Names of a path → its value; a column where there are many rows.
Look = Callable[[tuple[str, ...]], Any]


class Unknown(Exception):
    """Raised by a `Look` that cannot say yet."""


def bad(problem: str) -> BadInput:
    """A query that cannot be answered."""
    return BadInput("sensorthings.bad_query", problem=problem[:160])


def parse_filter(text: str) -> Node:
    """A filter as a tree. Raises BadInput("sensorthings.bad_query")."""
    if len(text) > MOST_CHARACTERS:
        raise bad(f"$filter > {MOST_CHARACTERS}")
    parser = _Parser(text)
    found = parser.either(0)
    if parser.kind:
        raise bad(f"$filter: {parser.said!r}")
    return found


class _Parser:
    """By descent: or, and, not, comparison, value."""

    def __init__(self, text: str) -> None:
        self._text, self._at = text.rstrip(), 0
        self.kind, self.said = "", ""
        self.step()

    def step(self) -> str:
        """On to the next token; what the one before said."""
        before = self.said
        match = _TOKEN.match(self._text, self._at)
        if match is None:
            if self._at < len(self._text):
                raise bad(f"$filter: {self._text[self._at : self._at + 40]!r}")
            self.kind = self.said = ""
            return before
        self._at = match.end()
        self.kind = match.lastgroup or ""
        self.said = match[self.kind]
        return before

    def _is(self, *words: str) -> bool:
        return self.kind in ("name", "mark") and self.said in words

    def _need(self, mark: str) -> None:
        if not self._is(mark):
            raise bad(f"$filter: {mark!r} != {self.said!r}")
        self.step()

    def either(self, depth: int) -> Node:
        """One or the other."""
        if depth > MOST_DEPTH:
            raise bad(f"$filter: depth > {MOST_DEPTH}")
        return self._chain("or", self._both, depth)

    def _both(self, depth: int) -> Node:
        return self._chain("and", self._not, depth)

    def _chain(self, word: str, part: Callable[[int], Node], depth: int) -> Node:
        """Parts between the same word, side by side and not one inside the other."""
        parts = [part(depth)]
        while self._is(word):
            self.step()
            parts.append(part(depth))
        return parts[0] if len(parts) == 1 else Call(word, tuple(parts))

    def _not(self, depth: int) -> Node:
        if depth > MOST_DEPTH:
            raise bad(f"$filter: depth > {MOST_DEPTH}")
        if self._is("not"):
            self.step()
            return Call("not", (self._not(depth + 1),))
        left = self._value(depth)
        if self._is(*_COMPARE):
            return Call(self.step(), (left, self._value(depth)))
        return left

    def _value(self, depth: int) -> Node:
        kind = self.kind
        if self._is("("):
            self.step()
            found = self.either(depth + 1)
            self._need(")")
            return found
        if kind in ("", "mark"):
            raise bad(f"$filter: {self.said!r}")
        said = self.step()
        if kind == "time":
            return Literal(np.datetime64(parse_time(said), "us"))
        if kind == "number":
            return Literal(float(said))
        if kind == "text":
            return Literal(said[1:-1].replace("''", "'"))
        if self._is("("):
            return self._call(said, depth)
        return Literal(_CONSTANTS[said]) if said in _CONSTANTS else Path(tuple(said.split("/")))

    def _call(self, name: str, depth: int) -> Node:
        if name not in _FUNCTIONS:
            raise bad(f"$filter: {name}()")
        self.step()
        arguments = [self.either(depth + 1)]
        while self._is(","):
            self.step()
            arguments.append(self.either(depth + 1))
        self._need(")")
        if len(arguments) != _FUNCTIONS[name]:
            raise bad(f"$filter: {name}() × {len(arguments)}")
        return Call(name, tuple(arguments))


def holds(node: Node, look: Look) -> Any:
    """Whether a filter holds: true or false, or a column of them. BadInput for kinds that do not fit."""
    found = value_of(node, look)
    if isinstance(found, (bool, np.bool_)) or (isinstance(found, np.ndarray) and found.dtype == bool):
        return found
    if found is None:
        return False
    raise bad("$filter: true | false")


def may_hold(node: Node, look: Look) -> bool:
    """False where a filter cannot hold whatever the things are that `look` raises Unknown for."""
    return _sure(node, look) is not False


def _sure(node: Node, look: Look) -> bool | None:
    if isinstance(node, Call) and node.name in ("and", "or"):
        parts = [_sure(one, look) for one in node.arguments]
        decisive = node.name == "or"
        if decisive in parts:
            return decisive
        return None if None in parts else not decisive
    if isinstance(node, Call) and node.name == "not":
        inner = _sure(node.arguments[0], look)
        return None if inner is None else not inner
    try:
        return bool(holds(node, look))
    except Unknown:
        return None


def value_of(node: Node, look: Look) -> Any:
    """What a tree comes to."""
    if isinstance(node, Literal):
        return node.value
    if isinstance(node, Path):
        return look(node.names)
    if node.name in ("and", "or"):
        found = holds(node.arguments[0], look)
        for one in node.arguments[1:]:
            found = found & holds(one, look) if node.name == "and" else found | holds(one, look)
        return found
    if node.name == "not":
        inner = holds(node.arguments[0], look)
        return ~inner if isinstance(inner, np.ndarray) else not inner
    values = [value_of(one, look) for one in node.arguments]
    return _compare(node.name, *values) if node.name in _COMPARE else _function(node.name, values)


def _kind(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return {"M": "time", "b": "truth", "U": "text"}.get(value.dtype.kind, "number")
    if isinstance(value, np.datetime64):
        return "time"
    if isinstance(value, bool):
        return "truth"
    return "number" if isinstance(value, (int, float)) else "text" if isinstance(value, str) else "other"


def _compare(name: str, left: Any, right: Any) -> Any:
    if left is None or right is None:
        other = left if right is None else right
        if isinstance(other, np.ndarray):
            same: Any = np.isnan(other) if other.dtype.kind == "f" else np.zeros(len(other), bool)
        else:
            same = other is None
        if name in ("eq", "ne"):
            return same if name == "eq" else ~same if isinstance(same, np.ndarray) else not same
        return np.zeros(len(other), bool) if isinstance(other, np.ndarray) else False
    kinds = _kind(left), _kind(right)
    if kinds[0] != kinds[1] or kinds[0] == "other":
        raise bad(f"$filter: {kinds[0]} {name} {kinds[1]}")
    return _COMPARERS[name](left, right)


_COMPARERS: dict[str, Callable[[Any, Any], Any]] = {
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b,
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
}


def _function(name: str, values: list[Any]) -> Any:
    if any(value is None for value in values):
        return None
    if not all(isinstance(value, str) for value in values):
        raise bad(f"$filter: {name}(text)")
    first = values[0]
    if name == "tolower":
        return first.lower()
    if name == "toupper":
        return first.upper()
    if name == "length":
        return float(len(first))
    second = values[1]
    if name == "substringof":  # here the part comes first
        return first in second
    if name == "contains":
        return second in first
    return first.startswith(second) if name == "startswith" else first.endswith(second)


#: An observation's id holds its moment.
_IDS = (Path(("id",)), Path(("@iot.id",)))


def time_bounds(node: Node | None, low: int, high: int) -> tuple[int, int]:
    """[low, high) of `phenomenonTime` outside which the filter cannot hold; microseconds UTC."""
    if not isinstance(node, Call):
        return low, high
    if node.name == "and":
        for one in node.arguments:
            low, high = time_bounds(one, low, high)
        return low, high
    if node.name not in _COMPARE or node.name == "ne":
        return low, high
    left, right = node.arguments
    name = node.name
    if isinstance(left, Literal):
        left, right = right, left
        name = {"gt": "lt", "ge": "le", "lt": "gt", "le": "ge"}.get(name, name)
    if left in _IDS and name == "eq" and isinstance(right, Literal):
        moment = str(right.value).partition(".")[2]
        at = int(moment) if moment.isascii() and moment.isdigit() and len(moment) < 18 else high
        return max(low, at), min(high, at + 1)
    if left != Path(("phenomenonTime",)) or not isinstance(right, Literal):
        return low, high
    if not isinstance(right.value, np.datetime64):
        return low, high
    at = int(right.value.astype(np.int64))
    if name in ("eq", "gt", "ge"):
        low = max(low, at + (name == "gt"))
    if name in ("eq", "lt", "le"):
        high = min(high, at + (name != "lt"))
    return low, high
