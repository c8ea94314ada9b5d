"""A document before it has a form: title, facts, and sections of sentences and tables."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Table:
    """Rows of cells under a head; every row is as long as the head."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.head):
                raise ValueError(f"a row of {len(row)} cells under a head of {len(self.head)}")


@dataclass(frozen=True)
class Section:
    """A heading with what stands below it."""

    title: str
    lines: tuple[str, ...] = ()
    table: Table | None = None
    note: str = ""  #: in small print, e.g. what a figure leaves out


@dataclass(frozen=True)
class Document:
    """What both forms are made from."""

    language: str
    title: str
    subtitle: str
    facts: tuple[tuple[str, str], ...]  #: (name, words) at its head
    sections: tuple[Section, ...] = field(default_factory=tuple)
    footer: str = ""  #: on every page
