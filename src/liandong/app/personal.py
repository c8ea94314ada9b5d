"""Personal data: names, numbers and words in the vault; every look is journalled, and it can be destroyed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from concurrent.futures import Future

import msgspec

from liandong.app.access import Access
from liandong.app.handle import Answer, Handler
from liandong.app.ports import Store
from liandong.app.vault import Vault
from liandong.app.writer import Admit, Writer
from liandong.core.values.access import AccessScope, Session
from liandong.core.values.case import VaultRef
from liandong.core.values.errors import BadInput, NotFound
from liandong.core.values.lists import Capability
from liandong.core.values.messages import SubjectErased


class Personal:
    """The only way from the doors to what the vault holds of people."""

    def __init__(self, store: Store, handler: Handler, writer: Writer, vault: Vault, access: Access) -> None:
        self._store, self._handler, self._writer = store, handler, writer
        self._vault, self._access = vault, access

    def person(self, scope: AccessScope, person: str) -> dict[str, str]:
        """Name and number from the vault; every look is journalled. Raises NotFound."""
        self._access.need(scope, Capability.PERSONAL_READ)
        kept = self._store.meta(f"person:{person}")
        id, _, digest = (kept or "").partition(":")
        sealed = self._store.vault_row(id) if id else None
        if sealed is None:
            self._access.note(scope, "access.person_unknown")
            raise NotFound("person.unknown", person=person[:64])
        record: dict[str, str] = msgspec.json.decode(self._vault.open(sealed, VaultRef(id, digest)))
        self._access.note(scope, "access.person", person=person)
        return record

    def people(self, scope: AccessScope, persons: Iterable[str]) -> dict[str, dict[str, str]]:
        """Names and numbers of several persons, for who may; one entry of the journal names them all.

        Without the capability nothing is given, and nothing is refused: pages show posts then.
        """
        wanted = sorted({person for person in persons if person})
        if not wanted or not scope.may(Capability.PERSONAL_READ):
            return {}
        found = {person: record for person in wanted if (record := self._record(person)) is not None}
        if found:
            self._access.note(scope, "access.persons", persons=", ".join(found))
        return found

    def telephones(self) -> Iterator[tuple[str, str]]:
        """(person, number) of everybody who has one, for an index of digests; nothing is journalled."""
        for person in self._handler.policy.city.persons:
            record = self._record(person)
            if record is not None and record.get("phone"):
                yield person, record["phone"]

    def read_text(self, scope: AccessScope, ref: VaultRef) -> str:
        """A person's words, for whoever may see the case. Raises NotFound once destroyed."""
        row = self._store.vault_row(ref.id)
        if row is None:
            raise NotFound("vault.erased")
        return self._vault.open(row, ref).decode("utf-8", "replace")

    def erase(self, session: Session, subject: str, reason: str) -> Future[Answer]:
        """Destroy a subject's key and journal that it was destroyed, by whom and why (a key, no words)."""
        scope = self._access.scope(session)
        self._access.need(scope, Capability.PERSONAL_ERASE)
        if not re.fullmatch(r"(case|person|rejected|warning|response|resource):[\w:.\-]{1,200}", subject):
            raise BadInput("erase.bad_subject", subject=subject[:64])
        message = SubjectErased(subject=subject, by=session.post, reason=reason)
        future: Future[Answer] = self._writer.submit(Admit(message, "system"))
        future.result()
        self._vault.erase(subject)
        return future

    def _record(self, person: str) -> dict[str, str] | None:
        """Name and number of a person, None where there is none or it was destroyed."""
        id, _, digest = (self._store.meta(f"person:{person}") or "").partition(":")
        sealed = self._store.vault_row(id) if id else None
        try:
            kept = self._vault.open(sealed, VaultRef(id, digest)) if sealed is not None else b"null"
        except NotFound:
            return None
        record: dict[str, str] | None = msgspec.json.decode(kept)
        return record
