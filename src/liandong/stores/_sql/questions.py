"""Read models within a scope, page by page. A cursor is the sort key of the last row, made opaque."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Any

import msgspec
from sqlalchemy import ColumnElement, Select, func, select, tuple_

from liandong.app.ports import DeadLetter, OrderRow, RejectedRow, StreamRow
from liandong.core.values.access import AccessScope
from liandong.core.values.errors import BadInput, Forbidden
from liandong.core.values.lists import Capability
from liandong.stores._sql import shapes, tables
from liandong.stores._sql.database import Database
from liandong.stores._sql.scope import Condition, visible_cases, visible_orders, visible_scores
from liandong.stores._sql.shapes import Shape

LIMIT = 500

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

    def orders(
        self,
        scope: AccessScope,
        *,
        person: str = "",
        post: str = "",
        status: str = "",
        after: str = "",
        limit: int = 50,
    ) -> tuple[list[OrderRow], str]:
        t = tables.orders.c
        filters = [*_given(t.person, person), *_given(t.post, post), *_given(t.status, status)]
        conditions = [*filters, visible_orders(scope)]
        return self._page(shapes.ORDER, conditions, (t.issued, t.id), after, limit, newest_first=False)

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
