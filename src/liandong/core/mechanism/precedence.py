"""优先次序: how two rows that hold in one place stand to each other.

Three things decide, and nothing else does (MECHANISM 2.13): a row overrides another by name; a flow takes
over rows of the wider flow only where it has none of its own; the flow's precedence sentence, which looks
at the highest axis that either row narrows. What none of them decides is a fault.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from liandong.core.mechanism.space import AXES, SENTENCE, Space
from liandong.core.values.document import Mechanism, PrecedenceRow
from liandong.core.values.errors import BadInput
from liandong.core.values.rows import ANY, Row, Ruling

Box = tuple[int, ...]
#: How near a row's flow is to the hazard, and the place of the highest axis it narrows: smaller wins.
Layer = tuple[int, int]


class Region(tuple[str, Box | None]):
    """Where an override by name holds: a flow, and a box, None = wherever both rows hold."""

    __slots__ = ()


class Named:
    """Overrides by name: (winner, loser) → the regions in which each holds."""

    def __init__(self, mechanism: Mechanism, space: Space, rows: Iterable[Row]) -> None:
        self.pairs: dict[tuple[str, str], list[Region]] = {}
        for row in rows:
            for over in split(row.overrides) if isinstance(row, Ruling) else ():
                self.pairs.setdefault((row.key, over), []).append(Region((ANY, None)))
        for override in mechanism.overrides:
            stated = any(getattr(override, axis) != ANY for axis in AXES)
            region = Region((override.flow, space.box(override) if stated else None))
            self.pairs.setdefault((override.row, override.over), []).append(region)


def split(text: str) -> list[str]:
    """Keys of rows that are joined by `;`."""
    return [part.strip() for part in text.split(";") if part.strip()]


def sentence_of(mechanism: Mechanism, flows: Sequence[str]) -> PrecedenceRow | None:
    """The sentence of the nearest of these flows that has one; `*` comes last."""
    for flow in (*flows, ANY):
        for row in mechanism.precedence:
            if row.flow == flow:
                return row
    return None


def axes_of(sentence: PrecedenceRow | None) -> list[tuple[str, ...]]:
    """The axes of a sentence, highest first. Raises BadInput for a word that is no axis."""
    found = []
    for word in sentence.axes if sentence else ():
        if word not in SENTENCE:
            raise BadInput("mechanism.bad_axis", axis=word, known=", ".join(SENTENCE))
        found.append(SENTENCE[word])
    return found


def height(row: Row, axes: list[tuple[str, ...]]) -> int:
    """The place of the highest axis of a sentence that a row narrows; past the end where it narrows none."""
    for place, names in enumerate(axes):
        if any(getattr(row, name, ANY) != ANY for name in names):
            return place
    return len(axes)
