"""The options of a query: $filter, $orderby, $top, $skip, $count, $select, and $expand with its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from liandong.adapters.sensorthings.filters import Node, bad, parse_filter
from liandong.adapters.sensorthings.model import RELATIONS

#: Entities of a page where nothing else is asked for, and the most that are given.
USUAL, MOST = 100, 1_000
MOST_SKIPPED = 1_000_000
MOST_LEVELS = 5


@dataclass(frozen=True, slots=True)
class Options:
    """What is asked of a set or of an entity."""

    filter: Node | None = None
    orderby: tuple[tuple[tuple[str, ...], bool], ...] = ()  #: (path, descending)
    top: int = USUAL
    skip: int = 0
    count: bool = False
    select: tuple[str, ...] = ()
    expand: dict[str, Options] = field(default_factory=dict)
    after: tuple[int, int] | None = None  #: of observations: (time, channel number) of the last one given
    said: dict[str, str] = field(default_factory=dict)  #: as it was written, for the link to the next page


def parse_options(kind: str, pairs: Iterable[tuple[str, str]], level: int = 0) -> Options:
    """Options of a query for entities of a kind. Raises BadInput("sensorthings.bad_query")."""
    said: dict[str, str] = {}
    for name, value in pairs:
        if name not in _KNOWN or name in said:
            raise bad(f"{name}={value}")
        said[name] = value
    expand: dict[str, Options] = {}
    if "$expand" in said:
        for one in split(said["$expand"], ","):
            _add(expand, kind, one, level)
    return Options(
        filter=parse_filter(said["$filter"]) if "$filter" in said else None,
        orderby=tuple(_order(one) for one in split(said.get("$orderby", ""), ",")),
        top=min(_number("$top", said, USUAL), MOST), skip=_number("$skip", said, 0),
        count=_truth("$count", said), after=_after(said.get("$skiptoken", "")),
        select=tuple(one.strip() for one in said.get("$select", "").split(",") if one.strip()),
        expand=expand, said=said,
    )  # fmt: skip


_KNOWN = ("$filter", "$orderby", "$top", "$skip", "$count", "$select", "$expand", "$skiptoken")


def split(text: str, mark: str) -> Iterator[str]:
    """The parts between marks that stand neither in quotes nor in parentheses."""
    depth, quoted, start = 0, False, 0
    for at, letter in enumerate(text):
        if letter == "'":
            quoted = not quoted
        elif not quoted:
            depth += (letter == "(") - (letter == ")")
            if letter == mark and not depth:
                yield text[start:at].strip()
                start = at + 1
    if depth or quoted:
        raise bad(text)
    if text[start:].strip():
        yield text[start:].strip()


def _add(expand: dict[str, Options], kind: str, text: str, level: int) -> None:
    """`Datastreams/Observations($top=1;…)` as options of what is expanded, merged with what is there."""
    if level >= MOST_LEVELS:
        raise bad(f"$expand: depth > {MOST_LEVELS}")
    path, bracket, inner = text.partition("(")
    name, slash, rest = path.strip().partition("/")
    relation = RELATIONS[kind].get(name)
    if relation is None or (bracket and not inner.endswith(")")):
        raise bad(f"$expand={text}")
    if slash:
        before = expand.get(name) or Options()
        deeper = dict(before.expand)
        _add(deeper, relation.target, rest + bracket + inner, level + 1)
        expand[name] = _with_expand(before, deeper)
        return
    pairs = []
    for one in split(inner[:-1], ";"):
        option, equals, value = one.partition("=")
        if not equals:
            raise bad(f"$expand={text}")
        pairs.append((option.strip(), value.strip()))
    made = parse_options(relation.target, pairs, level + 1)
    known = expand.get(name)
    expand[name] = _with_expand(made, known.expand | made.expand) if known else made


def _with_expand(options: Options, expand: dict[str, Options]) -> Options:
    return Options(
        options.filter, options.orderby, options.top, options.skip, options.count, options.select, expand,
        options.after, options.said,
    )  # fmt: skip


def _order(text: str) -> tuple[tuple[str, ...], bool]:
    path, _, direction = text.partition(" ")
    way = direction.strip().lower() or "asc"
    if way not in ("asc", "desc") or not path:
        raise bad(f"$orderby={text}")
    return tuple(path.split("/")), way == "desc"


def _number(name: str, said: dict[str, str], usual: int) -> int:
    text = said.get(name)
    if text is None:
        return usual
    if not (text.isascii() and text.isdigit() and len(text) < 10) or int(text) > MOST_SKIPPED:
        raise bad(f"{name}={text}")
    return int(text)


def _truth(name: str, said: dict[str, str]) -> bool:
    text = said.get(name, "false").lower()
    if text not in ("true", "false"):
        raise bad(f"{name}={text}")
    return text == "true"


def _after(text: str) -> tuple[int, int] | None:
    if not text:
        return None
    moment, _, number = text.partition("_")
    if not (moment.isascii() and moment.isdigit() and number.isascii() and number.isdigit()):
        raise bad(f"$skiptoken={text}")
    if len(moment) > 18 or len(number) > 10:
        raise bad(f"$skiptoken={text}")
    return int(moment), int(number)
