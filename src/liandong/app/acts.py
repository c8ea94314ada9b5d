"""What people do to a case. Their words go into the vault; the message holds references."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any

from liandong.app.access import Access
from liandong.app.handle import Answer, Handler
from liandong.app.ports import Changes
from liandong.app.rejected import Rejected
from liandong.app.vault import Vault
from liandong.app.writer import Admit, Writer
from liandong.core.values.access import Session
from liandong.core.values.canonical import canonical_bytes, sha256
from liandong.core.values.case import VaultRef
from liandong.core.values.errors import BadInput
from liandong.core.values.ids import act_id
from liandong.core.values.lists import Action
from liandong.core.values.messages import Act
from liandong.core.values.times import parse_time


class Acts:
    """The door of people."""

    def __init__(
        self, handler: Handler, writer: Writer, vault: Vault, access: Access, rejected: Rejected
    ) -> None:
        self._handler, self._writer, self._vault = handler, writer, vault
        self._access, self._rejected = access, rejected

    def do(
        self,
        session: Session,
        case: str,
        action: str,
        body: dict[str, Any],
        key: str,
        version: int,
        raw: bytes,
    ) -> Future[Answer]:
        """A person's act. Words go into the vault; the message holds a reference.

        Raises NotFound outside the scope, BadInput for a body that says too little.
        """
        scope = self._access.scope(session)
        self._access.case(scope, case)
        if action == Action.MERGE and body.get("to"):
            # Only into a case that the person may see as well: what a client names is never taken on trust.
            self._access.case(scope, body["to"])
        try:
            message, rows = self._message(session, case, action, body, key, version)
        except BadInput as error:
            self._rejected.refuse(session.post, "act", error, raw, subject=f"case:{case}")
            raise

        def keep(changes: Changes) -> None:
            changes.vault += rows

        return self._writer.submit(Admit(message, session.person, extra=keep))

    def refuse(self, session: Session, case: str, error: BadInput, raw: bytes) -> None:
        """Count and keep an act that a door could not even read. Raises NotFound outside the scope."""
        self._access.case(self._access.scope(session), case)
        self._rejected.refuse(session.post, "act", error, raw, subject=f"case:{case}")

    def _message(
        self, session: Session, case: str, action: str, body: dict[str, Any], key: str, version: int
    ) -> tuple[Act, list[Any]]:
        if action not in list(Action):
            raise BadInput("act.unknown", action=action[:40], known=", ".join(a.value for a in Action))
        if not key or len(key) > 200:
            raise BadInput("act.no_key")
        policy = self._handler.policy
        id = act_id(policy.city.key, policy.mode, session.person, case, key)
        device_at, rung_at, until = body.get("device_at"), body.get("rung_at"), body.get("until")
        words, number = body.get("text") or "", body.get("number") or ""
        ref: VaultRef | None = None
        rows: list[Any] = []
        if words:
            ref, row = self._vault.seal(f"case:{case}", words)
            rows.append(row)
        rung: VaultRef | None = None
        if number:
            rung, row = self._vault.seal(f"case:{case}", number)
            rows.append(row)
        digest = sha256(canonical_bytes([id, action, session.post, version, body]))
        if words or number:
            # Keyed with the case's secret, so that words cannot be guessed from it once that is destroyed.
            digest = self._vault.blind(f"case:{case}", digest)
        return (
            Act(
                id=id, body_digest=digest, action=Action(action), case=case, person=session.person,
                post=session.post, version=version, device_at=parse_time(device_at) if device_at else None,
                client_seq=body.get("client_seq"), text=ref, evidence=tuple(body.get("evidence") or ()),
                verdict=body.get("verdict") or "", level=body.get("level") or "",
                cause=body.get("cause") or "",
                passed=body.get("passed"), reason=body.get("reason") or "", to=body.get("to") or "",
                kind=body.get("kind") or "", number=rung, answered=body.get("answered"),
                rung_at=parse_time(rung_at) if rung_at else None,
                order=body.get("order") or "", until=parse_time(until) if until else None,
                persons=tuple(body.get("persons") or ()), findings=tuple(body.get("findings") or ()),
            ),
            rows,
        )  # fmt: skip
