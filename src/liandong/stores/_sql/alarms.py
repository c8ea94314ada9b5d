"""The list of alarms as one statement.

An alarm that nobody has acknowledged counts as acknowledged once its case has been judged: acknowledging is
one act for a person, and the case is where people work. So the list asks for the stage of each alarm's case.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, and_, desc, func, or_, select

from liandong.app.ports import AlarmsAsked
from liandong.core.values.access import AccessScope
from liandong.core.values.lists import AlarmStage, CaseStage
from liandong.stores._sql.scope import Condition, visible_alarms
from liandong.stores._sql.tables import streams

KEY = (streams.c.updated, streams.c.stream)
_ALL = tuple(stage.value for stage in AlarmStage if stage != AlarmStage.NORMAL)


def listed(scope: AccessScope, asked: AlarmsAsked) -> Select[Any]:
    """Rows of alarms, newest first, with the stage of the newest case of each."""
    t = streams.c
    case = streams.alias("newest_case")
    stage = (
        select(case.c.stage)
        .where(case.c.kind == "case", case.c.grouping == t.grouping)
        .order_by(case.c.ordinal.desc())
        .limit(1)
        .scalar_subquery()
    )
    wanted = asked.stages or _ALL
    conditions: list[Condition] = [t.kind == "alarm", t.stage.in_(_stored(wanted)), _fits(stage, wanted)]
    if asked.level:
        conditions.append(t.level == asked.level)
    if asked.hazard:
        conditions.append(t.domain == asked.hazard)
    if asked.area_path:
        conditions.append(func.substr(t.area_path, 1, len(asked.area_path)) == asked.area_path)
    if asked.since_before:
        conditions.append(t.updated <= asked.since_before)
    query = select(streams, stage).where(*conditions, visible_alarms(scope))
    return query.order_by(*(desc(column) for column in KEY))


def _stored(wanted: tuple[str, ...]) -> list[str]:
    """Stages as they are stored that may come to one of those wanted."""
    more = (AlarmStage.UNACKNOWLEDGED.value,) if AlarmStage.ACKNOWLEDGED in wanted else ()
    return sorted({*wanted, *more})


def _fits(case: Any, wanted: tuple[str, ...]) -> Condition:
    t = streams.c
    judged = func.coalesce(case, "").not_in(["", CaseStage.OPENED.value])
    open_stages = (AlarmStage.UNACKNOWLEDGED.value, AlarmStage.RETURNED.value)
    found: list[Condition] = [t.stage.in_([one for one in wanted if one not in open_stages])]
    found += [and_(t.stage == one, ~judged) for one in open_stages if one in wanted]
    if AlarmStage.ACKNOWLEDGED in wanted:
        found.append(and_(t.stage == AlarmStage.UNACKNOWLEDGED.value, judged))
    return or_(*found)
