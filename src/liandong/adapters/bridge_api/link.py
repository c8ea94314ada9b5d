"""Orders as signed HTTP posts to the receiver's own system.

`POST {address}/orders` takes one order, `POST {address}/answers` what became of events, `GET
{address}/orders` gives that system's open orders; 404 or 405 means that it does not offer the last two.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import httpx
import msgspec

from liandong.app.bounded import Newest
from liandong.app.bridge.documents import Answer, TheirOrder, read_orders
from liandong.app.bridge.link import Incoming
from liandong.core.values.canonical import canonical_bytes
from liandong.core.values.lists import Outcome

#: Answers after which trying again may help.
_LATER = (408, 425, 429)
_NOT_OFFERED = (404, 405, 501)
#: Orders that a receiver has fetched of which that is remembered: more than anybody has open at once.
_MOST_FETCHED = 50_000
SIGNATURE = "X-Liandong-Signature"


def sign(secret: bytes, body: bytes) -> str:
    """`sha256=` and the HMAC of the body, in hex: whoever has the secret knows that it is from us."""
    return f"sha256={hmac.new(secret, body, hashlib.sha256).hexdigest()}"


class ApiLink:
    """One receiver that speaks HTTP. Without an address it only calls us, and fetches its orders."""

    def __init__(self, address: str = "", secret: bytes = b"", timeout_s: float = 5.0) -> None:
        self._address, self._secret = address.rstrip("/"), secret
        self._client = httpx.Client(timeout=timeout_s)
        self._fetched: Newest[str, int] = Newest(_MOST_FETCHED)

    def push(self, document: dict[str, Any]) -> tuple[Outcome, bool, str]:
        """Post once. A time-out after sending is unknown: it may have arrived, and a repeat does no harm."""
        if not self._address:
            got = self._fetched.get(document["order"], 0) >= document["version"]
            return (Outcome.DELIVERED, False, "") if got else (Outcome.UNKNOWN, True, "not fetched yet")
        try:
            answer = self._post("orders", document, f"{document['order']}:{document['version']}")
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError, UnicodeError) as error:
            return Outcome.FAILED, False, type(error).__name__
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            return Outcome.FAILED, True, type(error).__name__
        except httpx.HTTPError as error:
            return Outcome.UNKNOWN, True, type(error).__name__
        if answer.is_success:
            return Outcome.DELIVERED, False, ""
        recoverable = answer.status_code >= 500 or answer.status_code in _LATER
        return Outcome.FAILED, recoverable, f"HTTP {answer.status_code}"

    def fetched(self, documents: Iterable[dict[str, Any]]) -> None:
        """The receiver has fetched these orders itself."""
        for document in documents:
            self._fetched[document["order"]] = document["version"]

    def poll(self) -> Iterator[Incoming]:
        """Nothing: that system calls us."""
        return iter(())

    def answer(self, answers: Sequence[Answer]) -> None:
        """Post what became of events; where that is not offered, they lie ready to be fetched."""
        if not self._address:
            return
        try:
            said = self._post("answers", {"answers": answers}, "")
        except httpx.HTTPError as error:
            raise OSError(type(error).__name__) from error
        if not said.is_success and said.status_code not in _NOT_OFFERED:
            raise OSError(f"HTTP {said.status_code}")

    def orders(self) -> Iterable[TheirOrder] | None:
        """Ask for its open orders."""
        if not self._address:
            return None
        headers = {SIGNATURE: sign(self._secret, b"")} if self._secret else {}
        try:
            said = self._client.get(f"{self._address}/orders", headers=headers)
        except httpx.HTTPError as error:
            raise OSError(type(error).__name__) from error
        if said.status_code in _NOT_OFFERED:
            return None
        if not said.is_success:
            raise OSError(f"HTTP {said.status_code}")
        return read_orders(said.content)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _post(self, path: str, body: Any, key: str) -> httpx.Response:
        raw = canonical_bytes(msgspec.to_builtins(body))
        headers = {"Content-Type": "application/json"}
        if key:
            headers["Idempotency-Key"] = key
        if self._secret:
            headers[SIGNATURE] = sign(self._secret, raw)
        return self._client.post(f"{self._address}/{path}", content=raw, headers=headers)
