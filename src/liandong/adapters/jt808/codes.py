"""Authentication codes of terminals: derived from a secret and the number, so that none is stored.

A terminal gets its code by registering and shows it at every connection. Another secret makes all
codes void, and terminals register anew.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
from pathlib import Path

from liandong.adapters.jt808.codec import Message, encode
from liandong.core.values.errors import BadInput

_LENGTH = 24  #: characters of five bits each


def code_of(secret: bytes, device: str) -> str:
    """The code of a terminal, letters and digits."""
    digest = hmac.digest(secret, b"jt808 authentication\0" + device.encode("utf-8"), hashlib.sha256)
    return base64.b32encode(digest)[:_LENGTH].decode("ascii")


def open_secret(path: Path) -> bytes:
    """The secret of a file, made on first use, readable by its owner alone. Raises BadInput."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            made = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            pass
        else:
            with os.fdopen(made, "w", encoding="ascii") as out:
                out.write(secrets.token_hex(32) + "\n")
        text = path.read_bytes().strip()
    except OSError as error:
        raise BadInput("settings.file_unreadable", path=str(path), problem=type(error).__name__) from error
    if not text:
        raise BadInput("settings.file_unreadable", path=str(path), problem="empty")
    return text


def code_sent(message: Message) -> str:
    """The code of an authentication (0x0102), in the layout of its edition."""
    body = message.body
    if message.of_2019 and body:
        body = body[1 : 1 + body[0]]
    return body.rstrip(b"\0").decode("gb18030", "replace")


def without_code(message: Message) -> bytes:
    """An authentication as it may be kept: with stars for its body."""
    return encode(
        id=message.id, phone=message.phone, serial=message.serial, version=message.version,
        body=b"*" * len(message.body),
    )  # fmt: skip
