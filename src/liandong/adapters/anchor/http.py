"""Anchors posted to somebody's HTTP address: a supervisor, a notary, another city."""

from __future__ import annotations

from urllib.parse import urlsplit

import httpx

from liandong.core.values.canonical import canonical_bytes
from liandong.core.values.errors import BadInput, Busy
from liandong.core.values.journal import Anchor


class HttpAnchors:
    """POSTs one JSON document per root. The receiver keeps it before it answers with 2xx.

    The hash is sent as `Idempotency-Key`, so a receiver can drop what it already has.
    """

    def __init__(
        self, url: str, timeout_s: float = 10.0, transport: httpx.BaseTransport | None = None
    ) -> None:
        self.name = f"http:{_address(url)}"
        self._url = url
        self._client = httpx.Client(timeout=timeout_s, transport=transport, follow_redirects=False)

    def leave(self, anchor: Anchor) -> None:
        """Post one anchor. Raises OSError where nobody answers in time, Busy("anchor.refused") where trying
        again may help, and BadInput("anchor.refused") where the receiver does not want it."""
        headers = {"Content-Type": "application/json", "Idempotency-Key": anchor.hash}
        try:
            answer = self._client.post(self._url, content=canonical_bytes(anchor), headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ConnectionError(type(error).__name__) from error
        if answer.is_success:
            return
        again = answer.status_code in (408, 425, 429) or answer.is_server_error
        raise (Busy if again else BadInput)("anchor.refused", status=answer.status_code)

    def close(self) -> None:
        """Release the connections."""
        self._client.close()


def _address(url: str) -> str:
    """Host and path without query, which may hold a token."""
    parts = urlsplit(url)
    return f"{parts.hostname}{':' + str(parts.port) if parts.port else ''}{parts.path}"
