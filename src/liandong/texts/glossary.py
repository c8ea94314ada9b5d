"""The generated part of the glossary: every closed list as it stands in the code, with its words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from typing import get_args

from liandong.core.route import CLOSING_ACTS, OWNERS
from liandong.core.values import lists
from liandong.core.values.events import EVENT_TYPES, VERSIONS
from liandong.core.values.journal import EntryKind
from liandong.core.values.lists import Step
from liandong.core.values.messages import Act, Message
from liandong.core.values.scales import SCALES, Scale
from liandong.texts import label, sentences


def closed_lists() -> str:
    """Markdown of every closed list, scale, event type and owner of a message."""
    parts = [_list(cls) for cls in listed()]
    parts += [_scales(), _events(), _owners()]
    return "\n\n".join(parts) + "\n"


def listed() -> list[type[Enum]]:
    """The closed lists, in the order of the code."""
    found = [c for c in vars(lists).values() if isinstance(c, type) and issubclass(c, Enum)]
    return [*(c for c in found if c.__module__ == lists.__name__), EntryKind]


def _list(cls: type[Enum]) -> str:
    name = _snake(cls.__name__)
    rows = [(label(name, code, "zh"), label(name, code, "en"), f"`{code}`") for code in _listed_codes(cls)]
    return f"### {_chinese(cls.__doc__)} `{cls.__name__}`\n\n" + _table(("中文", "English", "code"), rows)


def _listed_codes(cls: type[Enum]) -> list[str]:
    """Codes in order; of a set of bits the names, also that of its zero, which iterating leaves out."""
    return [n.lower() if issubclass(cls, int) else str(m.value) for n, m in cls.__members__.items()]


def _scales() -> str:
    rows = [
        (label("scale", scale, "zh"), label("scale", scale, "en"), f"`{scale}`", _codes(scale, levels))
        for scale, levels in SCALES.items()
    ]
    return "### 等级标度，由轻到重 Scales, mildest first\n\n" + _table(
        ("中文", "English", "code", "codes"), rows
    )


def _codes(scale: Scale, levels: Mapping[str, object]) -> str:
    return "，".join(f"{label(scale, code, 'zh')} `{code}`" for code in levels)


def _events() -> str:
    rows = [(_event(name, cls), f"`{name}`", str(VERSIONS[name])) for name, cls in EVENT_TYPES.items()]
    return "### 事件 Event types\n\n" + _table(("中文", "event", "version"), rows)


def _event(name: str, cls: type) -> str:
    """A word of its own, else the one that its docstring begins with."""
    word = label("event", name, "zh")
    return _chinese(cls.__doc__) if word == name else word


def _owners() -> str:
    rows = [
        (_chinese(cls.__doc__), f"`{cls.__name__}`", f"{label('step', step, 'zh')} `{step}`")
        for cls, step in OWNERS.items()
        if cls is not Act
    ]
    closing = "、".join(f"{label('action', action, 'zh')} `{action}`" for action in CLOSING_ACTS)
    other = OWNERS[Act]
    act = _chinese(Act.__doc__)
    rows.append((act, f"`Act` {closing}", f"{label('step', Step.CLOSE, 'zh')} `{Step.CLOSE}`"))
    rows.append((act, "`Act` 其余 others", f"{label('step', other, 'zh')} `{other}`"))
    for cls in get_args(Message):
        if cls not in OWNERS:
            rows.append((_chinese(cls.__doc__), f"`{cls.__name__}`", "只留痕，不由步骤处理 journalled only"))
    return "### 消息由哪一步处理 Which step owns which message\n\n" + _table(
        ("中文", "message", "step"), rows
    )


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def _chinese(doc: str | None) -> str:
    """`立案.` or `派发: an order …` → the Chinese words; of a sentence without them, its beginning."""
    first = (doc or "").strip().splitlines()[0] if (doc or "").strip() else ""
    words = re.match(r"[\u4e00-\u9fff、，]+", first)
    return words[0] if words else first.rstrip(".")


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()


def unnamed() -> Iterator[str]:
    """Codes of closed lists that have no Chinese word."""
    known = sentences("zh")
    for cls in listed():
        name = _snake(cls.__name__)
        yield from (
            f"{name}.{c}" for c in _listed_codes(cls) if f"label.{name}.{c.replace(' ', '_')}" not in known
        )
    for scale, levels in SCALES.items():
        yield from (f"{scale}.{code}" for code in levels if f"label.{scale}.{code}" not in known)
