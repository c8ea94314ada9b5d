"""A telephone exchange over HTTP.

`POST <url>/calls` with `{"call", "number", "words", "language"}` rings; `GET <url>/calls/<call>` says
`{"state", "by"}`, state being ringing, answered, no_answer, busy or failed. Both with a bearer token.
The exchange drops a second POST of the same call and answers with its state.
"""

from __future__ import annotations

from typing import Literal
from urllib.parse import quote

import httpx
import msgspec

from liandong.app.ports import CallState
from liandong.core.values.errors import BadInput
from liandong.core.values.lists import CallOutcome


class Exchange(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="voice"):
    """Where the exchange is, and how many calls it makes at the same time."""

    url: str
    token: str
    name: Literal["voice"] = "voice"
    system: str = "phone"
    lines: int = 4
    timeout_s: float = 5.0  #: of one request
    patience_s: float = 60.0  #: how long a call may ring before it counts as not answered
    poll_s: float = 1.0


class _Said(msgspec.Struct, frozen=True):
    state: CallOutcome
    by: str = ""


class CtiGateway:
    """The port `VoiceCall` over HTTP."""

    def __init__(self, exchange: Exchange) -> None:
        headers = {"Authorization": f"Bearer {exchange.token}"}
        self._client = httpx.Client(
            base_url=exchange.url.rstrip("/"), headers=headers, timeout=exchange.timeout_s
        )

    def ring(self, call: str, number: str, words: str, language: str) -> CallState:
        """As the port says."""
        body = {"call": call, "number": number, "words": words, "language": language}
        answer = self._ask("POST", "/calls", body)
        if answer.status_code >= 500 or answer.status_code == 429:
            raise ConnectionRefusedError(f"HTTP {answer.status_code}")
        if not answer.is_success:
            raise BadInput("channels.call_refused", status=answer.status_code)
        return _read(answer)

    def state(self, call: str) -> CallState | None:
        """As the port says."""
        answer = self._ask("GET", f"/calls/{quote(call, safe='')}", None)
        if answer.status_code == 404:
            return None
        if not answer.is_success:
            raise ConnectionError(f"HTTP {answer.status_code}")
        return _read(answer)

    def _ask(self, method: str, path: str, body: dict[str, str] | None) -> httpx.Response:
        try:
            return self._client.request(method, path, json=body)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise ConnectionRefusedError(type(error).__name__) from None
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, UnicodeError):
            raise BadInput("channels.call_refused", status=0) from None
        except httpx.HTTPError as error:
            raise ConnectionError(type(error).__name__) from None


def _read(answer: httpx.Response) -> CallState:
    try:
        said = msgspec.json.decode(answer.content, type=_Said)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise ConnectionError("no state") from None
    return CallState(outcome=said.state, by=said.by)
