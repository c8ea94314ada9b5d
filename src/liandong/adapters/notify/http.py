"""Anybody's gateway over HTTP, described by a row: an SMS gateway, a city's message bus, a webhook."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Literal
from urllib.parse import quote

import httpx
import msgspec

from liandong.adapters._io.wording import Wording
from liandong.adapters.notify.outcome import (
    DELIVERED,
    NO_ADDRESS,
    Answer,
    field_of,
    of_code,
    of_error,
    of_status,
    plain,
)
from liandong.app.ports import OutboxRow
from liandong.core.values.lists import Outcome, Repeats


class Success(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the answer says whether it was taken: a field of JSON and the value that means yes."""

    field: str
    equals: str = "0"
    later: tuple[str, ...] = ()  #: values after which trying again may help


class Ask(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How to ask what has become of a message, by its id."""

    url: str
    field: str
    delivered: tuple[str, ...]
    unheard: tuple[str, ...]  #: values that say that no such message was ever taken
    method: Literal["GET", "POST"] = "GET"


class HttpGateway(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="http"):
    """`{address}` `{title}` `{body}` `{text}` `{id}` `{mark}` `{language}` stand for what is sent."""

    name: str
    url: str
    body: dict[str, Any] = {}
    encoding: Literal["json", "form"] = "json"
    method: Literal["POST", "PUT", "GET"] = "POST"
    headers: dict[str, str] = {}
    system: str = "phone"
    success: Success | None = None
    ask: Ask | None = None
    drops_repeats: bool = False  #: the gateway drops a second message with the same `{id}`
    timeout_s: float = 5.0


class HttpChannel:
    """One message a request. How it treats repeats is what its row says of the gateway."""

    def __init__(self, gateway: HttpGateway, wording: Wording) -> None:
        self.name, self.system = gateway.name, gateway.system
        self._gateway, self._wording = gateway, wording
        self._client = httpx.Client(timeout=gateway.timeout_s, follow_redirects=False)
        self.repeats = Repeats.DROPS if gateway.drops_repeats else Repeats.NEITHER

    def send(self, row: OutboxRow, address: str) -> Answer:
        """Send once; as the port says."""
        gateway = self._gateway
        if not address.strip() and "{address}" in _templates(gateway):
            return NO_ADDRESS
        message = self._wording.of(row)
        words = {
            "address": address, "title": message.title, "body": message.body, "text": message.whole,
            "id": row.id, "mark": message.mark, "language": message.language,
        }  # fmt: skip
        content = filled(gateway.body, words)
        shape: dict[str, Any] = {"json" if gateway.encoding == "json" else "data": content} if content else {}
        answer = self._ask(gateway.method, gateway.url, words, **shape)
        if not isinstance(answer, httpx.Response):
            return answer
        found = of_status(answer.status_code)
        success = gateway.success
        if found[0] != Outcome.DELIVERED or success is None:
            return found
        return of_code(answer.content, {success.field: success.equals}, success.later)

    def _ask(self, method: str, url: str, words: Mapping[str, str], **shape: Any) -> httpx.Response | Answer:
        headers = {name: _filled(value, words) for name, value in self._gateway.headers.items()}
        try:
            target = _filled(url, {name: quote(word, safe="") for name, word in words.items()})
            return self._client.request(method, target, headers=headers, **shape)
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
            return of_error(error)

    def close(self) -> None:
        """Nothing to end: a request has its own limit of time."""


class AskableHttpChannel(HttpChannel):
    """A gateway that says what has become of a message."""

    def __init__(self, gateway: HttpGateway, wording: Wording) -> None:
        super().__init__(gateway, wording)
        self.repeats = Repeats.DROPS if gateway.drops_repeats else Repeats.CAN_BE_ASKED

    def ask(self, row: OutboxRow) -> Outcome:
        """What the gateway says of the message with this delivery's id."""
        ask = self._gateway.ask
        assert ask is not None
        answer = self._ask(ask.method, ask.url, {"id": row.id})
        if not isinstance(answer, httpx.Response) or not answer.is_success:
            return Outcome.UNKNOWN
        said = plain(field_of(answer.content, ask.field))
        if said in ask.delivered:
            return DELIVERED[0]
        return Outcome.FAILED if said in ask.unheard else Outcome.UNKNOWN


def filled(template: Any, words: Mapping[str, str]) -> Any:
    """A JSON template with every `{name}` in its texts replaced; what is replaced is not looked at again."""
    if isinstance(template, str):
        return _filled(template, words)
    if isinstance(template, dict):
        return {key: filled(value, words) for key, value in template.items()}
    if isinstance(template, list):
        return [filled(value, words) for value in template]
    return template


def _filled(template: str, words: Mapping[str, str]) -> str:
    pieces = template.split("{")
    done = [pieces[0]]
    for piece in pieces[1:]:
        name, closed, rest = piece.partition("}")
        done.append(words[name] + rest if closed and name in words else "{" + piece)
    return "".join(done)


def _templates(gateway: HttpGateway) -> str:
    return gateway.url + json.dumps(gateway.body) + json.dumps(gateway.headers)


Make = Callable[[HttpGateway, Wording], HttpChannel]


def http_channel(gateway: HttpGateway, wording: Wording) -> HttpChannel:
    """The channel of a row."""
    make: Make = AskableHttpChannel if gateway.ask is not None else HttpChannel
    return make(gateway, wording)
