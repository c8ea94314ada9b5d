"""Passwords: what one has to be like, and how it is kept (argon2id, RFC 9106) and compared."""

from __future__ import annotations

import threading

from liandong.core.values.errors import BadInput

MOST = 1024  # characters: hashing more would let anybody keep the machine busy
_KINDS, _LONG = 3, 20
#: Each takes 64 MB and a few hundredths of a second of every core it may use.
_AT_ONCE = threading.BoundedSemaphore(2)


def check_password(password: str, name: str, least: int) -> None:
    """Raise BadInput for a password that is too short, too simple or made of the account's name."""
    if len(password) < least:
        raise BadInput("password.too_short", least=least)
    if len(password) > MOST:
        raise BadInput("password.too_long", most=MOST)
    kinds = {_kind(letter) for letter in password}
    if len(set(password)) < least // 2 or (len(kinds) < _KINDS and len(password) < _LONG):
        raise BadInput("password.too_simple", kinds=_KINDS, long=_LONG)
    if len(name) > 2 and name in password.casefold():
        raise BadInput("password.contains_name")


def _kind(letter: str) -> str:
    if letter.isdecimal():
        return "digit"
    return "upper" if letter.isupper() else "lower" if letter.islower() else "other"


class Hasher:
    """Hashes and compares; a comparison with nothing takes as long as one with something."""

    def __init__(self) -> None:
        self._nobody = ""

    def hash(self, password: str) -> str:
        """The text that is stored: argon2id with its parameters and a salt of its own."""
        from argon2 import PasswordHasher

        with _AT_ONCE:
            return PasswordHasher().hash(password)

    def matches(self, kept: str, password: str) -> bool:
        """True where `kept` was made from this password; never for an empty `kept`."""
        from argon2 import PasswordHasher
        from argon2.exceptions import InvalidHashError, VerificationError

        if not self._nobody:
            self._nobody = self.hash("nobody has this one")
        with _AT_ONCE:
            try:
                PasswordHasher().verify(kept or self._nobody, password[: MOST + 1])
            except (VerificationError, InvalidHashError):
                return False
        return bool(kept) and len(password) <= MOST
