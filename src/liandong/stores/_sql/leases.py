"""Which process works on which cases: the rows of that, and the check that every commit makes.

None of this waits for the sequencer: a process that stands still while it commits must not keep the
others from seeing that it does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, or_, select, update

from liandong.app.partitions import PARTITIONS
from liandong.app.ports import CoordinatorRow, HandedRow, LeaseRow, Stake
from liandong.core.values.errors import Conflict
from liandong.stores._sql import shapes, tables
from liandong.stores._sql.database import Database
from liandong.stores._sql.rows import Rows

_coordinator, _lease, _handover = tables.coordinator.c, tables.lease.c, tables.handover.c


def of_partitions(case: ColumnElement[str], stake: Stake | None) -> list[ColumnElement[bool]]:
    """The condition that a row's case lies in a partition of the stake; `partition_of` says the same."""
    if stake is None:
        return []
    letter = func.substr(case, len("case_") + 1, 1)
    mine = letter.in_(list(stake.owned))
    return [or_(mine, letter.not_in(list(PARTITIONS))) if PARTITIONS[0] in stake.owned else mine]


def check_stake(connection: Connection, stake: Stake, fences: dict[str, int]) -> None:
    """Raise Conflict where a process, or a partition, is not any more what the stake says. The rows stay
    as they are until the transaction has ended."""
    mine = select(_coordinator.epoch).where(_coordinator.name == stake.name).with_for_update(read=True)
    if connection.execute(mine).scalar() != stake.epoch:
        raise Conflict("lease.lost", coordinator=stake.name)
    if fences:
        query = select(_lease.partition, _lease.epoch).where(
            _lease.owner == stake.name, _lease.partition.in_(list(fences))
        )
        found = {
            partition: epoch for partition, epoch in connection.execute(query.with_for_update(read=True))
        }
        if found != fences:
            raise Conflict("lease.moved", coordinator=stake.name)


class SqlLeases:
    """See the port."""

    def __init__(self, database: Database, rows: Rows) -> None:
        self._database = database
        self._rows = rows

    def join(self, name: str, partitions: Sequence[str]) -> int:
        with self._database.aside() as connection:
            self._rows.ignore(connection, tables.coordinator, [(name, 0, 0)])
            self._rows.ignore(connection, tables.lease, [(partition, "", 0) for partition in partitions])
            again = update(tables.coordinator).where(_coordinator.name == name)
            connection.execute(
                again.values(epoch=_coordinator.epoch + 1, beat=func.abs(_coordinator.beat) + 1)
            )
            self._pass(connection, name, _lease.owner == name)
            epoch: int = connection.execute(
                select(_coordinator.epoch).where(_coordinator.name == name)
            ).scalar_one()
        return epoch

    def beat(self, name: str, epoch: int) -> bool:
        mine = (_coordinator.name == name) & (_coordinator.epoch == epoch) & (_coordinator.beat >= 0)
        with self._database.aside() as connection:
            done = connection.execute(
                update(tables.coordinator).where(mine).values(beat=_coordinator.beat + 1)
            )
        return done.rowcount == 1

    def coordinators(self) -> list[CoordinatorRow]:
        query = select(tables.coordinator).order_by(_coordinator.name)
        return [shapes.COORDINATOR.row(row) for row in self._all(query)]

    def leases(self) -> dict[str, LeaseRow]:
        rows = [shapes.LEASE.row(row) for row in self._all(select(tables.lease))]
        return {row.partition: row for row in rows}

    def bury(self, seen: CoordinatorRow) -> bool:
        still = (
            (_coordinator.name == seen.name)
            & (_coordinator.epoch == seen.epoch)
            & (_coordinator.beat == seen.beat)
        )
        gone = {"epoch": _coordinator.epoch + 1, "beat": -_coordinator.beat}
        with self._database.aside() as connection:
            if connection.execute(update(tables.coordinator).where(still).values(gone)).rowcount != 1:
                return False
            self._pass(connection, "", _lease.owner == seen.name)
        return True

    def claim(self, name: str, epoch: int, partitions: Sequence[str]) -> None:
        free = (_lease.owner == "") & _lease.partition.in_(partitions)
        with self._database.aside() as connection:
            check_stake(connection, Stake(name, epoch, {}), {})
            self._pass(connection, name, free)

    def release(self, name: str, epoch: int, partitions: Sequence[str]) -> None:
        with self._database.aside() as connection:
            check_stake(connection, Stake(name, epoch, {}), {})
            self._pass(connection, "", (_lease.owner == name) & _lease.partition.in_(partitions))

    def leave(self, name: str, epoch: int) -> None:
        row = next((row for row in self.coordinators() if row.name == name), None)
        if row is not None and row.epoch == epoch and row.beat >= 0:
            self.bury(row)

    def handed(self, partitions: Sequence[str], limit: int) -> list[HandedRow]:
        query = select(tables.handover).where(
            _handover.answer.is_(None), _handover.partition.in_(list(partitions))
        )
        query = query.order_by(_handover.number, _handover.id).limit(limit)
        return [shapes.HANDED.row(row) for row in self._all(query)]

    def answers(self, ids: Sequence[str]) -> dict[str, bytes]:
        query = select(_handover.id, _handover.answer).where(
            _handover.id.in_(list(ids)), _handover.answer.is_not(None)
        )
        return {id: bytes(answer) for id, answer in self._all(query)}

    def tidy(self, before: int) -> None:
        over = (_handover.at < before) & _handover.answer.is_not(None)
        with self._database.aside() as connection:
            connection.execute(tables.handover.delete().where(over))

    def _pass(self, connection: Connection, new: str, which: ColumnElement[bool]) -> None:
        """To another owner, at a higher epoch."""
        connection.execute(update(tables.lease).where(which).values(owner=new, epoch=_lease.epoch + 1))

    def _all(self, query: Any) -> Sequence[Any]:
        with self._database.reading() as connection:
            return connection.execute(query).all()
