"""Messages of a file to a running city over HTTP, patiently."""

from __future__ import annotations

import threading
from typing import Any, NamedTuple

import httpx

from liandong.core.values.errors import BadInput

#: Tries where the city is busy or away; it waits a little longer before each.
TRIES = 8


class Sent(NamedTuple):
    """What became of a message: rows taken, rows that were a repeat, and what was refused, in words."""

    accepted: int
    repeated: int
    refused: tuple[str, ...]


class HttpSender:
    """Sends to one city as one source. Close it at the end. Raises BadInput for what is no address."""

    def __init__(self, url: str, token: str, language: str = "zh") -> None:
        headers = {
            "Authorization": f"Bearer {token}", "Content-Type": "application/json",
            "Accept-Language": language,
        }  # fmt: skip
        base = url.rstrip("/").removesuffix("/api/v1")
        try:
            address = httpx.URL(base)
        except httpx.InvalidURL as error:
            raise BadInput("import.bad_url", url=url[:80]) from error
        if address.scheme not in ("http", "https") or not address.host:
            raise BadInput("import.bad_url", url=url[:80])
        self._client = httpx.Client(base_url=address, headers=headers, timeout=60.0)

    def send(self, raw: bytes, rows: int) -> Sent:
        """One message. Raises BadInput where it cannot be delivered or the whole of it is refused."""
        why = ""
        for attempt in range(TRIES):
            try:
                answer = self._client.post("/api/v1/readings", content=raw)
            except httpx.HTTPError as error:
                why = type(error).__name__
            else:
                if answer.status_code != 429 and answer.status_code < 500:
                    return _sent(answer, rows)
                why = str(answer.status_code)
            threading.Event().wait(0.1 * 2**attempt)
        raise BadInput("import.not_delivered", url=str(self._client.base_url), why=why)

    def close(self) -> None:
        """Give the connection back."""
        self._client.close()


def _sent(answer: httpx.Response, rows: int) -> Sent:
    try:
        said: dict[str, Any] = answer.json()
    except ValueError as error:
        raise BadInput("import.refused", status=answer.status_code, why="?") from error
    refused = tuple(str(row["detail"]) for row in said.get("errors") or ())
    if answer.status_code == 201:
        return Sent(int(said["accepted"]), rows if said["duplicate"] else 0, refused)
    if refused:
        return Sent(0, 0, refused)
    raise BadInput("import.refused", status=answer.status_code, why=str(said.get("detail"))[:200])
