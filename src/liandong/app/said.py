"""Answers and errors as bytes, for whoever asked through another process."""

from __future__ import annotations

from typing import Any

import msgspec

from liandong.app.handle import Answer
from liandong.core.values import errors
from liandong.core.values.errors import Broken, LiandongError


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a message that was handed over."""

    answer: Answer | None = None
    error: str = ""  #: class of the error
    key: str = ""
    params: dict[str, str | int | float | None] = {}


_said_decoder = msgspec.json.Decoder(Said)


def pack(result: Any) -> bytes:
    """An answer or an error as it is stored for the sender."""
    if isinstance(result, Answer):
        return msgspec.json.encode(Said(answer=result))
    if isinstance(result, LiandongError):
        said = Said(error=type(result).__name__, key=result.key, params=dict(result.params))
        return msgspec.json.encode(said)
    return msgspec.json.encode(Said(error="Broken", key="writer.dead_letter", params={"id": "?"}))


def unpack(data: bytes) -> Answer | LiandongError:
    """The answer or the error again."""
    said = _said_decoder.decode(data)
    if said.answer is not None:
        return said.answer
    kind: type[LiandongError] = getattr(errors, said.error, Broken)
    return kind(said.key, **said.params)
