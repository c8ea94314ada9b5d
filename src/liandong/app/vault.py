"""Personal data: sealed under its subject's key, so that destroying the key erases it everywhere.

Copies of sealed rows in backups and replicas turn to noise at once, and the journal, which holds
only a salted digest, stays valid.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from liandong.app.ports import Keyring, VaultRow
from liandong.core.values.case import VaultRef
from liandong.core.values.errors import Broken, NotFound

#: Whose data it is: everything of a case, of a person, or what was refused on a day.
SUBJECTS = (
    "case", "person", "rejected", "warning", "response", "resource", "alarm", "announcement", "graded",
)  # fmt: skip
_NONCE, _SALT, _ID = 12, 32, 16


class Vault:
    """Seals, opens and erases. `random` gives as many unpredictable bytes as it is asked for."""

    def __init__(self, keyring: Keyring, random: Callable[[int], bytes]) -> None:
        self._keyring, self._random = keyring, random

    def seal(self, subject: str, text: str | bytes) -> tuple[VaultRef, VaultRow]:
        """A row to store and the reference to journal.

        Raises Conflict("vault.subject_erased") for a subject whose key was destroyed.
        """
        kind, _, name = subject.partition(":")
        if kind not in SUBJECTS or not name:
            raise ValueError(f"{subject!r} is no subject")
        key = self._keyring.key(subject, create=True)
        if key is None:  # a keyring that keeps to its contract raises; one that does not must not lose words
            raise Broken("vault.no_key", subject=subject)
        id = f"vlt_{base64.b32encode(self._random(_ID)).decode('ascii').rstrip('=').lower()}"
        salt, nonce = self._random(_SALT), self._random(_NONCE)
        data = text.encode() if isinstance(text, str) else text
        sealed = AESGCM(key).encrypt(nonce, salt + data, _bound(id, subject))
        return VaultRef(id, _digest(salt, data)), VaultRow(id=id, subject=subject, nonce=nonce, sealed=sealed)

    def open(self, row: VaultRow, ref: VaultRef) -> bytes:
        """The words. Raises NotFound("vault.erased") once the key is gone, and Broken where the row is
        not what was sealed ("vault.altered") or not what was journalled ("vault.digest_differs")."""
        key = self._keyring.key(row.subject)
        if key is None:
            raise NotFound("vault.erased", id=row.id)
        try:
            opened = AESGCM(key).decrypt(row.nonce, row.sealed, _bound(row.id, row.subject))
        except (InvalidTag, ValueError) as error:
            raise Broken("vault.altered", id=row.id) from error
        salt, data = opened[:_SALT], opened[_SALT:]
        if row.id != ref.id or not hmac.compare_digest(_digest(salt, data).encode(), ref.digest.encode()):
            raise Broken("vault.digest_differs", id=row.id)
        return data

    def blind(self, subject: str, digest: str) -> str:
        """A digest keyed with the subject's key: comparable while the key lives, worthless after."""
        key = self._keyring.key(subject, create=True)
        if key is None:
            raise Broken("vault.no_key", subject=subject)
        return hmac.new(key, digest.encode(), hashlib.sha256).hexdigest()

    def erase(self, subject: str) -> bool:
        """Destroy the subject's key for good; False where there was none."""
        return self._keyring.destroy(subject)


def _digest(salt: bytes, data: bytes) -> str:
    """The salt lies sealed beside the words: it proves them while they can be read, and nobody can
    guess short words against the journal once they cannot."""
    return hashlib.sha256(salt + data).hexdigest()


def _bound(id: str, subject: str) -> bytes:
    """What the seal is tied to, so that rows cannot be exchanged."""
    return f"{len(id)}:{id}{len(subject)}:{subject}".encode()
