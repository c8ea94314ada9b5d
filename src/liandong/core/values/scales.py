"""Scales that never mix. A level is (scale, code, rank); higher rank is worse."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from liandong.core.values.errors import BadInput


class Scale(StrEnum):
    """等级标度."""

    SEVERITY = "severity"  #: 报警级别
    CASE_LEVEL = "case_level"  #: 警情级别
    WARNING_COLOUR = "warning_colour"  #: 预警级别
    RESPONSE_LEVEL = "response_level"  #: 响应级别
    DANGER_GRADE = "danger_grade"  #: 火险等级
    EVENT_GRADE = "event_grade"  #: 事件分级


class Level(msgspec.Struct, frozen=True):
    """A point on one scale. Comparing across scales raises BadInput: only a policy row converts."""

    scale: Scale
    code: str
    rank: int

    def worse_than(self, other: Level) -> bool:
        """True where this level is worse than the other, of the same scale."""
        if self.scale != other.scale:
            raise BadInput("scale.mixed", left=self.scale, right=other.scale)
        return self.rank > other.rank


def _scale(scale: Scale, codes: tuple[str, ...]) -> dict[str, Level]:
    """Levels from the mildest to the worst, ranked from 1."""
    return {code: Level(scale, code, rank) for rank, code in enumerate(codes, start=1)}


SEVERITIES = _scale(Scale.SEVERITY, ("low", "medium", "high", "critical"))
CASE_LEVELS = _scale(Scale.CASE_LEVEL, ("IV", "III", "II", "I"))
#: White exists for typhoons in Guangdong only; red is worst.
WARNING_COLOURS = _scale(Scale.WARNING_COLOUR, ("white", "blue", "yellow", "orange", "red"))
RESPONSE_LEVELS = _scale(Scale.RESPONSE_LEVEL, ("IV", "III", "II", "I"))
#: Five forest-fire danger grades (LY/T 1172-95): a scale of its own, not a warning colour.
DANGER_GRADES = _scale(Scale.DANGER_GRADE, ("1", "2", "3", "4", "5"))
#: 一般、较大、重大、特别重大: how grave an event turned out (State Council order 493, art. 3).
EVENT_GRADES = _scale(Scale.EVENT_GRADE, ("general", "large", "major", "extraordinary"))

SCALES: dict[Scale, dict[str, Level]] = {
    Scale.SEVERITY: SEVERITIES,
    Scale.CASE_LEVEL: CASE_LEVELS,
    Scale.WARNING_COLOUR: WARNING_COLOURS,
    Scale.RESPONSE_LEVEL: RESPONSE_LEVELS,
    Scale.DANGER_GRADE: DANGER_GRADES,
    Scale.EVENT_GRADE: EVENT_GRADES,
}


def level(scale: Scale, code: str) -> Level:
    """The level of this code on this scale. Raises BadInput naming the codes that exist."""
    try:
        return SCALES[scale][code]
    except KeyError as error:
        raise BadInput(
            "scale.unknown_code", scale=scale, code=code, known=", ".join(SCALES[scale])
        ) from error
