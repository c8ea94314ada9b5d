"""The key that signs the journal's roots: a file that stays here, and a public one to give away.

The public file may hold several keys, one after the other: when the signing key is replaced, the
roots signed by the old one must still be verifiable.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from liandong.core.values.canonical import short_hash
from liandong.core.values.errors import Broken

#: What `public_keys` gives, by key id.
PublicKeys = dict[str, Ed25519PublicKey]
PUBLIC_NAME = "root.pub"
_BLOCK = re.compile(rb"-----BEGIN PUBLIC KEY-----.*?-----END PUBLIC KEY-----\n?", re.DOTALL)


class Signer:
    """Signs hashes with Ed25519."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public_pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        self.key_id = _id_of(key.public_key())

    def sign(self, hash: str) -> str:
        """Hex signature over the hash as it is written (its hex digits in ASCII)."""
        return self._key.sign(hash.encode("ascii")).hex()


def open_signer(path: Path) -> Signer:
    """The signer of a key file; made on first use, its public key written beside it as `root.pub`.

    Raises Broken("signing.unreadable_key") or Broken("signing.key_open_to_others").
    """
    if not path.exists():
        _create(path)
    if path.stat().st_mode & 0o077:
        raise Broken("signing.key_open_to_others", path=str(path))
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except (ValueError, TypeError) as error:
        raise Broken("signing.unreadable_key", path=str(path)) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise Broken("signing.unreadable_key", path=str(path))
    signer = Signer(key)
    _publish(signer, path.with_name(PUBLIC_NAME))
    return signer


def public_keys(pems: Iterable[bytes]) -> PublicKeys:
    """Key id → public key, of every block in the PEM files. Raises Broken("signing.unreadable_key")."""
    found: PublicKeys = {}
    for pem in pems:
        blocks = _BLOCK.findall(pem)
        if not blocks:
            raise Broken("signing.unreadable_key", path=PUBLIC_NAME)
        for block in blocks:
            key = _public(block)
            found[_id_of(key)] = key
    return found


def verify_signature(public_pem: bytes, hash: str, signature: str) -> bool:
    """Whether any key in the PEM made this signature over the hash."""
    return any(signed_by(key, hash, signature) for key in public_keys([public_pem]).values())


def signed_by(key: Ed25519PublicKey, hash: str, signature: str) -> bool:
    """Whether this key made the signature; anything unreadable is no signature."""
    try:
        raw = bytes.fromhex(signature)
        key.verify(raw, hash.encode("ascii"))
    except (InvalidSignature, ValueError):
        return False
    return raw.hex() == signature  # one way to write it, so that a changed one is seen


def is_private_key(path: Path) -> bool:
    """Whether a file holds a private key, by its first line."""
    try:
        with path.open("rb") as file:
            return b"PRIVATE KEY-----" in file.readline(80)
    except OSError:
        return False


def _public(block: bytes) -> Ed25519PublicKey:
    try:
        key = load_pem_public_key(block)
    except ValueError as error:
        raise Broken("signing.unreadable_key", path=PUBLIC_NAME) from error
    if not isinstance(key, Ed25519PublicKey):
        raise Broken("signing.unreadable_key", path=PUBLIC_NAME)
    return key


def _id_of(key: Ed25519PublicKey) -> str:
    return f"key_{short_hash(key.public_bytes(Encoding.Raw, PublicFormat.Raw))}"


def _create(path: Path) -> None:
    """Write a new key aside and link it, so that two processes that start at once share one key."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    aside = path.with_name(f"{path.name}.{os.getpid()}.aside")
    aside.unlink(missing_ok=True)
    _write(aside, pem, os.O_EXCL, 0o600)
    try:
        os.link(aside, path)
    except FileExistsError:
        pass  # the other one was first; its key is used
    finally:
        aside.unlink()
    _sync_folder(path.parent)


def _publish(signer: Signer, path: Path) -> None:
    """Append the public key unless the file has it."""
    known = path.read_bytes() if path.exists() else b""
    if signer.public_pem not in known:
        _write(path, signer.public_pem, os.O_APPEND, 0o644)
        _sync_folder(path.parent)


def _write(path: Path, data: bytes, flags: int, mode: int) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | flags, mode)
    try:
        os.write(handle, data)
        os.fsync(handle)
    finally:
        os.close(handle)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
