"""Input that was refused: counted, kept as it came, shown to an operator, and sent again."""

from __future__ import annotations

import secrets
from concurrent.futures import Future
from typing import Any

import msgspec

from liandong.app.access import Access
from liandong.app.accounting import Accounting
from liandong.app.clock import TimeSource
from liandong.app.handle import MESSAGE_TYPES, Answer, Handler
from liandong.app.ports import Changes, RejectedRow, Store
from liandong.app.refusals import PERSONAL
from liandong.app.vault import Vault
from liandong.app.writer import Admit, Books, Writer
from liandong.core.values.access import AccessScope
from liandong.core.values.case import VaultRef
from liandong.core.values.errors import BadInput, LiandongError, NotFound
from liandong.core.values.ids import make_id
from liandong.core.values.lists import Capability, Step
from liandong.core.values.times import format_time

#: Of a larger message only the beginning is kept.
_MOST_BYTES = 1_000_000


class Rejected:
    """What the doors refused and what the writer could not write."""

    def __init__(
        self,
        store: Store,
        handler: Handler,
        writer: Writer,
        vault: Vault,
        accounting: Accounting,
        clock: TimeSource,
        access: Access,
    ) -> None:
        self._store, self._handler, self._writer = store, handler, writer
        self._vault, self._accounting, self._clock, self._access = vault, accounting, clock, access

    def refuse(self, source: str, path: str, error: BadInput, raw: bytes, subject: str = "") -> None:
        """Count an input that was refused as a whole, and keep it for an operator."""
        self._accounting.enter(Step.INGEST, source)
        self._accounting.reject(Step.INGEST, source, error.key)
        self._keep(source, path, error, raw, subject)

    def refuse_rows(self, source: str, door: str, errors: tuple[BadInput, ...], kept: bytes) -> None:
        """Count every refused row, and keep the message once, under its first error, where there is one."""
        self._accounting.enter(Step.INGEST, source, len(errors))
        for bad in errors:
            self._accounting.reject(Step.INGEST, source, bad.key)
        if kept:
            self._keep(source, door, errors[0], kept)

    def _keep(self, source: str, path: str, error: LiandongError, raw: bytes, subject: str = "") -> None:
        at = self._clock.read().now
        day = format_time(at)[:10]
        ref, row = self._vault.seal(subject or f"rejected:{source}:{day}", raw[:_MOST_BYTES])
        policy = self._handler.policy
        # By chance, because the same may be refused twice within a microsecond.
        made = make_id("rej", policy.city.key, policy.mode, source, at, secrets.token_hex(8))
        rejected = RejectedRow(
            id=made, at=at, source=source, path=path, key=error.key, params=_kept_params(path, error),
            vault=f"{ref.id}:{ref.digest}",
            size=len(raw),
        )  # fmt: skip

        def keep(changes: Changes) -> None:
            changes.vault.append(row)
            changes.rejected.append(rejected)

        self._writer.submit(Books(keep))

    def raw(self, scope: AccessScope, id: str) -> tuple[RejectedRow, bytes]:
        """A refused input with its bytes. Raises NotFound where it is unknown or destroyed."""
        self._access.need(scope, Capability.INTAKE_READ)
        row = self._store.rejected(id)
        if row is None:
            raise NotFound("rejected.unknown", id=id[:64])
        key, _, digest = row.vault.partition(":")
        sealed = self._store.vault_row(key)
        if sealed is None:
            raise NotFound("vault.erased")
        self._access.note(scope, "access.rejected", rejected=row.id)
        return row, self._vault.open(sealed, VaultRef(key, digest))

    def replay_dead(self, scope: AccessScope, id: str) -> Future[Answer]:
        """Admit a dead letter again."""
        self._access.need(scope, Capability.INTAKE_REPLAY)
        row = self._store.dead_letter(id)
        if row is None:
            raise NotFound("dead.unknown", id=id[:64])
        message: Any = msgspec.json.decode(row.body, type=MESSAGE_TYPES[row.type])
        future: Future[Answer] = self._writer.submit(Admit(message, "replay"))

        def mark(done: Future[Answer]) -> None:
            # Only once it went through: a letter that dies again has to stay open.
            if not done.cancelled() and done.exception() is None:
                self.mark_replayed("dead", id)

        future.add_done_callback(mark)
        return future

    def mark_replayed(self, what: str, id: str) -> None:
        """Keep that a refused input ("rejected") or a dead letter ("dead") went through the door again."""
        now = self._writer.now

        def keep(changes: Changes) -> None:
            changes.replayed.append((what, id, now))

        self._writer.submit(Books(keep))


def _kept_params(path: str, error: LiandongError) -> dict[str, Any]:
    """What of an error may lie open: a device's words, of a person's only numbers."""
    return {k: v for k, v in error.params.items() if path not in PERSONAL or isinstance(v, (int, float))}
