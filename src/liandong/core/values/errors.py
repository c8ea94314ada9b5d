"""Errors carry a key and parameters; the words live in `texts/`, one per language.

Each class has one consequence, so that whoever catches it knows what to do.
"""

from __future__ import annotations


class LiandongError(Exception):
    """A refusal with a text key and its parameters (never personal data)."""

    def __init__(self, key: str, /, **params: str | int | float | None) -> None:
        self.key = key
        self.params = params
        super().__init__(key if not params else f"{key} {params}")


class BadInput(LiandongError):
    """The sender must correct it; it is counted, kept and answered (HTTP 400 or 422)."""


class NotFound(LiandongError):
    """Nothing of this name within the asker's scope (HTTP 404)."""


class Forbidden(LiandongError):
    """Inside the scope, without the capability (HTTP 403); journalled."""


class Unauthenticated(LiandongError):
    """No valid sign-in (HTTP 401)."""


class Conflict(LiandongError):
    """The world moved on: reload and decide again (HTTP 409)."""


class Busy(LiandongError):
    """A queue is full; nothing was accepted; try again later (HTTP 429 with Retry-After)."""


class Unreachable(LiandongError):
    """Somebody who has to answer does not, so nothing is known to have happened; the same again later
    does no harm (HTTP 503 with Retry-After)."""


class Broken(LiandongError):
    """Stored data does not say what it must say; an operator has to look (exit 1 or 3)."""


class Fatal(LiandongError):
    """The process must stop now, because going on would lose what was promised (exit 3)."""
