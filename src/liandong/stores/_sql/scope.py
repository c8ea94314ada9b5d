"""AccessScope → the SQL condition that every question about listable rows carries.

The rule in words: a row is visible under a standing grant that covers its domain, area and mode, or
to whoever takes part in its case at the scope's moment, or, for an order, to whom it is addressed.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, FromClause, and_, exists, false, func, literal, or_, true

from liandong.core.values.access import AccessScope, Grant
from liandong.core.values.lists import Capability
from liandong.stores._sql.tables import orders, participants, queue, streams

Condition = ColumnElement[bool]


def visible_cases(scope: AccessScope) -> Condition:
    """Streams of kind case within the scope."""
    case = func.substr(streams.c.stream, len("case:") + 1)
    return or_(granted(scope, Capability.CASE_READ, streams), takes_part(scope, case))


def visible_alarms(scope: AccessScope) -> Condition:
    """Streams of kind alarm within the scope, or whose case the post or unit takes part in."""
    case = streams.alias("its_case")
    mine = takes_part(scope, func.substr(case.c.stream, len("case:") + 1))
    taken = exists().where(case.c.kind == "case", case.c.grouping == streams.c.grouping, mine)
    return or_(granted(scope, Capability.CASE_READ, streams), taken)


def visible_queue(scope: AccessScope) -> Condition:
    """Rows of the queue whose case is within the scope."""
    return or_(granted(scope, Capability.CASE_READ, queue), takes_part(scope, queue.c.case))


def visible_scores(scope: AccessScope) -> Condition:
    """Streams of kind score within the scope. Taking part in a case is no right to its evaluation."""
    return granted(scope, Capability.SCORE_READ, streams)


def visible_orders(scope: AccessScope) -> Condition:
    """Orders of visible cases, and those addressed to the person or the post."""
    return or_(
        granted(scope, Capability.CASE_READ, orders),
        takes_part(scope, orders.c.case),
        _is(orders.c.person, scope.person),
        _is(orders.c.post, scope.post),
    )


def granted(scope: AccessScope, capability: Capability, table: FromClause) -> Condition:
    """Rows whose domain, area and mode one standing grant of the capability covers."""
    grants = [grant for grant in scope.grants if grant.capability == capability]
    return or_(false(), *(_covers(grant, table) for grant in grants))


def takes_part(scope: AccessScope, case: ColumnElement[Any]) -> Condition:
    """Cases in which the scope's post or unit takes part now."""
    p = participants.c
    return exists().where(
        p.case == case,
        p.since <= scope.now,
        or_(p.until == 0, p.until > scope.now),
        or_(_is(p.post, scope.post), _is(p.unit, scope.unit)),
    )


def _covers(grant: Grant, table: FromClause) -> Condition:
    # substr and not LIKE: LIKE takes % and _ for patterns and, on SQLite, a for A.
    prefix = func.substr(table.c.area_path, 1, len(grant.area_path)) == grant.area_path
    domain = true() if "*" in grant.domains else table.c.domain.in_(grant.domains)
    return and_(table.c.mode.in_([mode.value for mode in grant.modes]), domain, prefix)


def _is(column: ColumnElement[str], value: str) -> Condition:
    """Equal, and never because both are empty: nobody is not somebody."""
    return column == literal(value) if value else false()
