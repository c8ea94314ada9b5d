"""Read models within a scope, page by page. A cursor is the sort key of the last row, made opaque."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from sqlalchemy import ColumnElement, Select, and_, exists, false, func, null, or_, select, tuple_

from liandong.app.ports import AlarmsAsked, DeadLetter, OrderRow, QueueAsked, RejectedRow, StreamRow
from liandong.app.project import latest_turn
from liandong.core.values.access import AccessScope
from liandong.core.values.case import LIVE
from liandong.core.values.errors import BadInput, Forbidden
from liandong.core.values.lists import Capability, CaseStage
from liandong.stores._sql import alarms, shapes, tables
from liandong.stores._sql.database import Database
from liandong.stores._sql.scope import Condition, visible_cases, visible_orders, visible_queue, visible_scores
from liandong.stores._sql.shapes import Shape

LIMIT = 500
_OVER = (CaseStage.CLOSED, CaseStage.ARCHIVED, CaseStage.CANCELLED)

_Key = tuple[Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)], str]


def write_cursor(moment: int, id: str) -> str:
    """The sort key (moment, id) of the last row of a page."""
    return base64.urlsafe_b64encode(msgspec.json.encode((moment, id))).decode().rstrip("=")


def read_cursor(cursor: str) -> _Key:
    """The sort key again. Raises BadInput for anything that `write_cursor` did not write."""
    try:
        data = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        return msgspec.json.decode(data, type=_Key)
    except (binascii.Error, ValueError, msgspec.MsgspecError) as error:
        raise BadInput("page.bad_cursor") from error


class SqlQuestions:
    """Questions over the tables of a store. Nothing here can be asked without a scope but figures."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def cases(
        self, scope: AccessScope, *, stage: str = "", unit: str = "", after: str = "", limit: int = 50
    ) -> tuple[list[StreamRow], str]:
        t = tables.streams.c
        conditions = [t.kind == "case", *_given(t.stage, stage), *_given(t.unit, unit), visible_cases(scope)]
        return self._page(shapes.STREAM, conditions, (t.opened, t.stream), after, limit, newest_first=True)

    def case(self, scope: AccessScope, id: str) -> StreamRow | None:
        query = select(tables.streams).where(tables.streams.c.stream == f"case:{id}", visible_cases(scope))
        with self._database.reading() as connection:
            row = connection.execute(query).first()
        return shapes.STREAM.row(row) if row else None

    def gathered(
        self, scope: AccessScope, case: str, *, after: str = "", limit: int = 50
    ) -> tuple[list[StreamRow], str]:
        row = self.case(scope, case)
        if row is None:
            return [], ""
        t = tables.streams.c
        conditions = [t.kind == "alarm", t.grouping == row.grouping]
        return self._page(shapes.STREAM, conditions, (t.ordinal, t.stream), after, limit, newest_first=False)

    def alarms(
        self, scope: AccessScope, asked: AlarmsAsked, *, after: str = "", limit: int = 50
    ) -> tuple[list[tuple[StreamRow, str]], str]:
        if not 1 <= limit <= LIMIT:
            raise BadInput("page.bad_limit", limit=limit, most=LIMIT)
        query = alarms.listed(scope, asked).limit(limit + 1)
        if after:
            query = query.where(tuple_(*alarms.KEY) < tuple_(*read_cursor(after)))
        with self._database.reading() as connection:
            found = connection.execute(query).all()
        rows = [(shapes.STREAM.row(row[:-1]), row[-1] or "") for row in found[:limit]]
        cursor = write_cursor(rows[-1][0].updated, rows[-1][0].stream) if len(found) > limit else ""
        return rows, cursor

    def orders(
        self,
        scope: AccessScope,
        *,
        person: str = "",
        post: str = "",
        unit: str = "",
        status: str = "",
        after: str = "",
        limit: int = 50,
    ) -> tuple[list[OrderRow], str]:
        t = tables.orders.c
        filters = [*_given(t.person, person), *_given(t.post, post), *_given(t.unit, unit)]
        filters += _given(t.status, status)
        conditions = [*filters, visible_orders(scope)]
        return self._page(shapes.ORDER, conditions, (t.issued, t.id), after, limit, newest_first=False)

    def queue(
        self, scope: AccessScope, asked: QueueAsked, *, after: str = "", limit: int = 50
    ) -> tuple[list[StreamRow], str, int]:
        t, streams = tables.queue.c, tables.streams
        conditions = [visible_queue(scope), *_asked(scope, asked)]
        rows, cursor = self._page(
            shapes.QUEUE, [*conditions, t.turn <= latest_turn(asked.closed_since)], (t.turn, t.case), after,
            limit, newest_first=False,
        )  # fmt: skip
        named = select(streams).where(streams.c.stream.in_([f"case:{row.case}" for row in rows]))
        count = select(func.count()).select_from(tables.queue).where(*conditions, t.live == 1)
        with self._database.reading() as connection:
            found = {row.stream: shapes.STREAM.row(row) for row in connection.execute(named)}
            total = connection.execute(count).scalar_one()
        wanted = [f"case:{row.case}" for row in rows]
        return [found[stream] for stream in wanted if stream in found], cursor, total

    def cases_at(self, scope: AccessScope, assets: Sequence[str]) -> dict[str, list[str]]:
        t = tables.queue.c
        query = select(t.asset, t.case).where(t.asset.in_(assets), t.live == 1, visible_queue(scope))
        found: dict[str, list[str]] = {}
        with self._database.reading() as connection:
            for asset, case in connection.execute(query.order_by(t.turn, t.case)):
                found.setdefault(asset, []).append(case)
        return found

    def open_for_post(self, scope: AccessScope) -> tuple[list[StreamRow], list[OrderRow]]:
        if not scope.post:
            return [], []
        o, p, s = tables.orders, tables.participants.c, tables.streams.c
        mine = and_(o.c.post == scope.post, o.c.status.in_(LIVE))
        case = func.substr(s.stream, len("case:") + 1)
        takes_part = exists().where(p.case == case, p.post == scope.post, p.until == 0)
        has_order = exists().where(o.c.case == case, mine)
        cases = select(*(null() if c.name == "body" else c for c in tables.streams.columns)).where(
            s.kind == "case", s.stage.not_in(_OVER), or_(takes_part, has_order)
        )
        with self._database.reading() as connection:
            rows = connection.execute(cases.order_by(s.opened, s.stream).limit(LIMIT)).all()
            found = connection.execute(select(o).where(mine).order_by(o.c.issued, o.c.id).limit(LIMIT)).all()
        return [shapes.STREAM.row(row) for row in rows], [shapes.ORDER.row(row) for row in found]

    def scores(
        self, scope: AccessScope, *, unit: str = "", after: str = "", limit: int = 50
    ) -> tuple[list[StreamRow], str]:
        t = tables.streams.c
        conditions = [t.kind == "score", *_given(t.unit, unit), visible_scores(scope)]
        return self._page(shapes.STREAM, conditions, (t.opened, t.stream), after, limit, newest_first=True)

    def rejected(
        self, scope: AccessScope, *, after: str = "", limit: int = 50
    ) -> tuple[list[RejectedRow], str]:
        _needs(scope, Capability.INTAKE_READ)
        t = tables.rejected.c
        return self._page(shapes.REJECTED, [], (t.at, t.id), after, limit, newest_first=True)

    def dead_letters(
        self, scope: AccessScope, *, after: str = "", limit: int = 50
    ) -> tuple[list[DeadLetter], str]:
        _needs(scope, Capability.INTAKE_READ)
        t = tables.dead_letter.c
        return self._page(shapes.DEAD, [], (t.at, t.id), after, limit, newest_first=True)

    def counts(self) -> dict[str, int]:
        """`cases.<stage>`, `orders`, `timers`; `outbox` still to be delivered; `rejected` and `dead`
        that nobody has replayed yet."""
        t = tables.streams.c
        stages = select(t.stage, func.count()).where(t.kind == "case").group_by(t.stage).order_by(t.stage)
        with self._database.reading() as connection:
            found = {f"cases.{stage}": number for stage, number in connection.execute(stages)}
            for name, query in _FIGURES.items():
                found[name] = connection.execute(query).scalar_one()
        return found

    def _page(
        self,
        shape: Shape[Any],
        conditions: list[Condition],
        key: tuple[ColumnElement[int], ColumnElement[str]],
        after: str,
        limit: int,
        *,
        newest_first: bool,
    ) -> tuple[list[Any], str]:
        """One page in the order of `key`; one row more than asked for tells whether another follows."""
        if not 1 <= limit <= LIMIT:
            raise BadInput("page.bad_limit", limit=limit, most=LIMIT)
        query = select(shape.table).where(*conditions).limit(limit + 1)
        if after:
            here = tuple_(*read_cursor(after))
            query = query.where(tuple_(*key) < here if newest_first else tuple_(*key) > here)
        query = query.order_by(*(column.desc() if newest_first else column.asc() for column in key))
        with self._database.reading() as connection:
            found = connection.execute(query).all()
        page = found[:limit]
        moment, id = (shape.names.index(column.key or "") for column in key)
        cursor = write_cursor(page[-1][moment], page[-1][id]) if len(found) > limit else ""
        return [shape.row(row) for row in page], cursor


def _asked(scope: AccessScope, asked: QueueAsked) -> list[Condition]:
    """The filters of the queue."""
    t, o = tables.queue.c, tables.orders.c
    found = [*_given(t.level, asked.level), *_given(t.domain, asked.hazard)]
    if asked.area_path:
        found.append(func.substr(t.area_path, 1, len(asked.area_path)) == asked.area_path)
    if asked.unit:
        found.append(or_(t.unit == asked.unit, t.waits == asked.unit))
    if asked.overdue:
        found.append(t.turn <= scope.now)
    if asked.mine:
        me = [column == value for column, value in ((o.person, scope.person), (o.post, scope.post)) if value]
        live = o.status.in_([status.value for status in LIVE])
        found.append(t.case.in_(select(o.case).where(live, or_(false(), *me))))
    return found


def _given(column: ColumnElement[str], value: str) -> list[Condition]:
    return [column == value] if value else []


def _needs(scope: AccessScope, capability: Capability) -> None:
    if not scope.may(capability):
        raise Forbidden("access.missing_capability", capability=capability.value)


#: A delivery that is over has neither a next moment nor an attempt in the air.
_FIGURES: dict[str, Select[Any]] = {
    "orders": select(func.count()).select_from(tables.orders),
    "timers": select(func.count()).select_from(tables.timers),
    "outbox": select(
        select(func.count()).where(tables.outbox.c.next_at.is_not(None)).scalar_subquery()
        + select(func.count()).where(tables.attempts.c.finished.is_(None)).scalar_subquery()
    ),
    "rejected": select(func.count()).where(tables.rejected.c.replayed.is_(None)),
    "dead": select(func.count()).where(tables.dead_letter.c.replayed.is_(None)),
}
