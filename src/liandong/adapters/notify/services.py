"""Services that the library apprise knows: WeCom, DingTalk and Feishu bots, and a hundred others.

apprise makes the request and says only true or false of it, also where the service has refused with a
status of 200, as these bots do. So what goes over the wire is witnessed: the plugin's `requests` is a
stand-in that keeps the answer, and the outcome is read from that. Where nothing could be witnessed, as
with a plugin that does not use `requests`, a yes is unknown and never delivered.
"""

from __future__ import annotations

import logging
import sys
import threading
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

import msgspec

from liandong.adapters._io.wording import Wording
from liandong.adapters.notify.outcome import DELIVERED, NO_ADDRESS, Answer, of_code, of_status
from liandong.app.ports import OutboxRow
from liandong.core.values.errors import BadInput
from liandong.core.values.lists import Outcome, Repeats

#: Plugin → fields of its answer that mean success with this value, and codes that mean "later": too many
#: messages, or the service is busy (the services' own pages of error codes).
_CODES: dict[str, tuple[dict[str, str], tuple[str, ...]]] = {
    "NotifyWeComBot": ({"errcode": "0"}, ("-1", "45009", "45033")),
    "NotifyDingTalk": ({"errcode": "0"}, ("-1", "410100", "130101")),
    "NotifyFeishu": ({"code": "0", "StatusCode": "0"}, ("9499", "11232", "11233")),
    "NotifyLark": ({"code": "0", "StatusCode": "0"}, ("9499", "11232", "11233")),
}


#: What urllib3 names where no connection was made.
_UNHEARD = ("NewConnectionError", "NameResolutionError")


class AppriseService(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="apprise"
):
    """An address in apprise's form; `{address}` in it is the receiver's."""

    name: str
    url: str
    server: str = ""  #: https://host of an installation of one's own, in place of the public service
    system: str = "phone"
    timeout_s: float = 5.0


class _Witness:
    """Stands where a plugin expects `requests`, and keeps what came back, per thread."""

    def __init__(self, real: Any) -> None:
        self._real = real
        self._seen = threading.local()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def begin(self, server: str) -> list[Any]:
        """From now on keep what this thread sends; to `server`, where one is named."""
        found: list[Any] = []
        self._seen.server, self._seen.answers = server, found
        return found

    def request(self, method: str, url: str, **options: Any) -> Any:
        """As `requests.request`."""
        if server := getattr(self._seen, "server", ""):
            there, parts = urlsplit(server), urlsplit(url)
            path = there.path.rstrip("/") + parts.path
            url = urlunsplit((there.scheme, there.netloc, path, parts.query, ""))
        answers = getattr(self._seen, "answers", [])
        try:
            answer = self._real.request(method, url, **options)
        except Exception as error:  # whatever it is, the plugin has to hear of it, too
            answers.append(error)
            raise
        answers.append(answer)
        return answer

    def get(self, url: str, **options: Any) -> Any:
        """As `requests.get`."""
        return self.request("GET", url, **options)

    def post(self, url: str, **options: Any) -> Any:
        """As `requests.post`."""
        return self.request("POST", url, **options)

    def put(self, url: str, **options: Any) -> Any:
        """As `requests.put`."""
        return self.request("PUT", url, **options)


class AppriseChannel:
    """One service. A bot neither drops repeats nor can be asked."""

    repeats = Repeats.NEITHER

    def __init__(self, service: AppriseService, wording: Wording) -> None:
        """Raises BadInput where apprise is not installed or does not know the address."""
        self.name, self.system = service.name, service.system
        self._service, self._wording = service, wording
        self._apprise = _load()
        if "{address}" not in service.url:
            self._plugin = self._made(service.url)
        else:
            self._plugin = None
            self._made(_with(service.url, "13800000000"))

    def send(self, row: OutboxRow, address: str) -> Answer:
        """Send once; as the port says."""
        plugin = self._plugin
        if plugin is None:
            try:
                plugin = self._made(_with(self._service.url, address.strip())) if address.strip() else None
            except (BadInput, UnicodeError):
                plugin = None
            if plugin is None:
                return NO_ADDRESS
        message = self._wording.of(row)
        kind = type(plugin).__name__
        witness = _witness(plugin)
        seen = witness.begin(self._service.server) if witness is not None else []
        try:
            said = bool(plugin.notify(body=message.marked, title=message.title))
        except Exception:  # some plugins let through what they did not foresee; the witness has seen it
            said = False
        return _outcome(kind, said, seen, witness)

    def _made(self, url: str) -> Any:
        options = {"asset": self._apprise.AppriseAsset(app_id="liandong", secure_logging=True)}
        plugin = self._apprise.Apprise.instantiate(url, **options)
        if plugin is None:
            raise BadInput("channels.bad_address", channel=self.name)
        plugin.request_rate_per_sec = 0  # an alarm does not wait; a service that wants it slower says so
        plugin.redirects = False  # whoever redirects would get the key as well
        plugin.socket_connect_timeout = plugin.socket_read_timeout = self._service.timeout_s
        return plugin


def _with(url: str, address: str) -> str:
    return url.replace("{address}", quote(address, safe=""))


def _outcome(kind: str, said: bool, seen: list[Any], witness: _Witness | None) -> Answer:
    """From what was witnessed; of several requests the worst."""
    if witness is None or (said and not seen):
        return Outcome.UNKNOWN, True, "not witnessed"
    if not seen:
        return Outcome.FAILED, False, "nothing sent"
    answers = [_answered(kind, one, witness) for one in seen]
    worst = min(answers, key=lambda answer: (answer[0] == Outcome.DELIVERED, answer[0] == Outcome.UNKNOWN))
    if worst == DELIVERED and not said:
        return Outcome.FAILED, False, "refused"
    # A part of a long message has arrived and another has not: nobody knows what the receiver has read.
    return (Outcome.UNKNOWN, True, worst[2]) if worst != DELIVERED and DELIVERED in answers else worst


def _answered(kind: str, seen: Any, witness: _Witness) -> Answer:
    if isinstance(seen, Exception):
        kinds, name = witness.exceptions, type(seen).__name__
        never = (kinds.InvalidURL, kinds.MissingSchema, kinds.InvalidSchema, kinds.InvalidHeader)
        if isinstance(seen, (*never, UnicodeError)):
            return Outcome.FAILED, False, name
        # The library has one class for "nobody listens" and "hung up after reading"; the cause tells them.
        unheard = isinstance(seen, (kinds.ConnectTimeout, kinds.SSLError))
        unheard = unheard or any(cause in repr(seen) for cause in _UNHEARD)
        return (Outcome.FAILED if unheard else Outcome.UNKNOWN), True, name
    found = of_status(seen.status_code)
    if found != DELIVERED or kind not in _CODES:
        return found
    return of_code(seen.content, *_CODES[kind])


def _witness(plugin: Any) -> _Witness | None:
    """The stand-in of a plugin's module, made when it is first asked for."""
    module = sys.modules[type(plugin).__module__]
    real = getattr(module, "requests", None)
    if real is None:
        return None
    with _installing:
        if not isinstance(module.requests, _Witness):  # type: ignore[attr-defined]  # what the library imported
            module.requests = _Witness(real)  # type: ignore[attr-defined]  # what the library imported
        found: _Witness = module.requests  # type: ignore[attr-defined]  # what the library imported
    return found


_installing = threading.Lock()


def _load() -> Any:
    """The library, imported only where a channel wants it. Raises BadInput where it is not installed."""
    try:
        import apprise
    except ImportError as error:
        raise BadInput("channels.no_apprise") from error
    # It writes addresses and texts into its log.
    logging.getLogger("apprise").disabled = True
    return apprise
