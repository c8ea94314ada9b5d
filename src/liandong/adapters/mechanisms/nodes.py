"""YAML as text with places: every scalar stays the words that were written, and says where it stands.

Nothing is guessed: `no`, `12:30` and `2022-06` are words until the column they fill reads them.
Anchors, aliases and tags are refused, because nobody who reads a mechanism should have to expand them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import yaml

from liandong.core.values.errors import BadInput

#: A mechanism of 20,000 rows fits.
LARGEST = 4 * 1024 * 1024
#: Head, table, group, row, list.
_DEEPEST = 8
_LOADER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


class At(NamedTuple):
    """Line and column, from 1."""

    line: int
    column: int


@dataclass
class Scalar:
    """A word, a number, a sentence: as it was written."""

    text: str
    at: At


@dataclass
class Items:
    """A list."""

    at: At
    items: list[Node] = field(default_factory=list)


@dataclass
class Pairs:
    """A mapping, in the order of the file, with what stands in it twice."""

    at: At
    pairs: list[tuple[Scalar, Node]] = field(default_factory=list)
    key: Scalar | None = None  #: read, and waiting for its value


Node = Scalar | Items | Pairs


def read_yaml(raw: bytes, file: str) -> Node | None:
    """The one document of a file; None of an empty one. Raises BadInput with its line."""
    if len(raw) > LARGEST:
        raise BadInput("mechfile.file_too_large", file=file, most=LARGEST // 2**20)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise BadInput("mechfile.not_utf8", file=file, line=line) from error
    try:
        return _built(text, file)
    except yaml.YAMLError as error:
        line, column, problem = _where(error, text)
        raise BadInput("mechfile.bad_yaml", file=file, line=line, column=column, problem=problem) from error


def _where(error: yaml.YAMLError, text: str) -> tuple[int, int, str]:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = str(getattr(error, "problem", None) or getattr(error, "reason", "") or "unreadable")
    if mark is not None:
        return mark.line + 1, mark.column + 1, problem
    position = getattr(error, "position", 0)
    before = text[: position if isinstance(position, int) else 0]
    return before.count("\n") + 1, len(before) - before.rfind("\n"), problem


def _built(text: str, file: str) -> Node | None:
    """Nodes from events, without recursion and without what only programs write."""
    whole: Node | None = None
    documents, open_ = 0, list[Items | Pairs]()
    for event in yaml.parse(text, Loader=_LOADER):
        at = At(event.start_mark.line + 1, event.start_mark.column + 1)
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                raise BadInput("mechfile.two_documents", file=file, line=at.line)
        elif isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise BadInput("mechfile.anchor", file=file, line=at.line, column=at.column)
        elif getattr(event, "tag", None):
            raise BadInput("mechfile.tag", file=file, line=at.line, column=at.column)
        elif isinstance(event, (yaml.SequenceEndEvent, yaml.MappingEndEvent)):
            open_.pop()
        elif isinstance(event, (yaml.ScalarEvent, yaml.SequenceStartEvent, yaml.MappingStartEvent)):
            node = _node(event, at)
            if open_:
                _add(open_[-1], node, file)
            else:
                whole = node
            if not isinstance(node, Scalar):
                open_.append(node)
            if len(open_) > _DEEPEST:
                raise BadInput("mechfile.too_deep", file=file, line=at.line)
    return whole


def _node(event: Any, at: At) -> Node:
    if isinstance(event, yaml.ScalarEvent):
        return Scalar(event.value, at)
    return Items(at) if isinstance(event, yaml.SequenceStartEvent) else Pairs(at)


def _add(to: Items | Pairs, node: Node, file: str) -> None:
    if isinstance(to, Items):
        to.items.append(node)
    elif to.key is not None:
        to.pairs.append((to.key, node))
        to.key = None
    elif isinstance(node, Scalar):
        to.key = node
    else:
        raise BadInput("mechfile.key_is_no_word", file=file, line=node.at.line, column=node.at.column)
