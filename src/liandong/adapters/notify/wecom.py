"""企业微信应用消息: messages of an application to its members (developer.work.weixin.qq.com, 90236).

The service drops what it has sent to somebody within four hours, if it is asked to, which is longer than
we go on trying; so a repeat is never read twice.
"""

from __future__ import annotations

import threading

import httpx
import msgspec

from liandong.adapters._io.wording import Wording
from liandong.adapters.notify.outcome import NO_ADDRESS, Answer, field_of, of_code, of_error, of_status, plain
from liandong.app.ports import OutboxRow
from liandong.core.values.lists import Outcome, Repeats

#: Token no longer good; a new one is asked for once.
_STALE = ("40014", "42001")
#: The service is busy, or too many messages were sent (page 90313).
_LATER = ("-1", "45009", "45033")
_FOUR_HOURS_S = 4 * 60 * 60


class WeComApp(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="wecom_app"):
    """An application of a corporation."""

    name: str
    corp: str
    agent: int
    secret: str
    server: str = "https://qyapi.weixin.qq.com"
    system: str = "wecom"
    timeout_s: float = 5.0


class WeComChannel:
    """One message to one member."""

    repeats = Repeats.DROPS

    def __init__(self, app: WeComApp, wording: Wording) -> None:
        self.name, self.system = app.name, app.system
        self._app, self._wording = app, wording
        self._client = httpx.Client(base_url=app.server, timeout=app.timeout_s, follow_redirects=False)
        self._token = ""
        self._lock = threading.Lock()

    def send(self, row: OutboxRow, address: str) -> Answer:
        """Send once; as the port says."""
        member = address.strip()
        # Several members are parted by `|`, and `@all` is everybody.
        if not member or "|" in member or member.startswith("@") or len(member) > 64:
            return NO_ADDRESS
        body = {
            "touser": member, "msgtype": "text", "agentid": self._app.agent,
            "text": {"content": self._wording.of(row).whole},
            "enable_duplicate_check": 1, "duplicate_check_interval": _FOUR_HOURS_S,
        }  # fmt: skip
        for fresh in (False, True):
            token = self._tokened(fresh)
            if isinstance(token, tuple):
                return token
            try:
                answer = self._client.post("/cgi-bin/message/send", params={"access_token": token}, json=body)
            except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
                return of_error(error)
            if plain(field_of(answer.content, "errcode")) not in _STALE:
                break
        return self._read(answer)

    def _read(self, answer: httpx.Response) -> Answer:
        found = of_status(answer.status_code)
        if found[0] == Outcome.DELIVERED:
            found = of_code(answer.content, {"errcode": "0"}, _LATER)
        if found[0] == Outcome.DELIVERED and field_of(answer.content, "invaliduser"):
            return Outcome.FAILED, False, "no such member"
        return found

    def _tokened(self, fresh: bool) -> str | Answer:
        """The token of this hour, or why there is none: then surely nothing was sent."""
        with self._lock:
            if self._token and not fresh:
                return self._token
            keys = {"corpid": self._app.corp, "corpsecret": self._app.secret}
            try:
                answer = self._client.get("/cgi-bin/gettoken", params=keys)
            except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
                _, again, detail = of_error(error)
                return Outcome.FAILED, again, detail
            token = plain(field_of(answer.content, "access_token"))
            if not token:
                _, again, detail = self._read(answer)
                return Outcome.FAILED, again, detail or "no token"
            self._token = token
            return token

    def close(self) -> None:
        """Nothing to end: a request has its own limit of time."""
