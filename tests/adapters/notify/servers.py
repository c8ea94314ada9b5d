"""Real servers on the loopback that keep what came: a mail server, and an HTTP server for all services."""

from __future__ import annotations

import json
import socket
import socketserver
import threading
from collections.abc import Callable
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit


class Serving:
    """A server in a thread of its own."""

    def __init__(self, server: socketserver.BaseServer) -> None:
        self._server = server
        self.port = cast(tuple[str, int], server.server_address)[1]
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class MailServer(Serving):
    """SMTP (RFC 5321), as much as a sender needs. `refuse`: command → code; `dies` hangs up after data."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.receivers: list[str] = []
        self.refuse: dict[str, int] = {}
        self.dies = False
        made = _Tcp(("127.0.0.1", 0), _Smtp)
        made.mail = self
        super().__init__(made)

    def marks(self) -> list[str]:
        return [str(mail["Message-ID"]) for mail in self.mails]


class _Tcp(socketserver.ThreadingTCPServer):
    daemon_threads = True
    mail: MailServer


class _Smtp(socketserver.StreamRequestHandler):
    server: _Tcp

    def handle(self) -> None:
        mail, receiver = self.server.mail, ""
        self._say("220 here")
        while line := self.rfile.readline():
            verb = line[:4].decode("ascii", "replace").upper().strip()
            if verb in mail.refuse:
                self._say(f"{mail.refuse[verb]} no")
            elif verb == "RCPT":
                receiver = line.decode("ascii", "replace").split(":", 1)[1].strip().strip("<>")
                self._say("250 ok")
            elif verb == "DATA":
                self._say("354 go on")
                if not self._take(receiver):
                    return
            elif verb == "QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 ok")

    def _take(self, receiver: str) -> bool:
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line[1:] if line.startswith(b".") else line)
        mail = self.server.mail
        if mail.dies:
            return False
        if "END" in mail.refuse:
            self._say(f"{mail.refuse['END']} no")
            return True
        made = message_from_bytes(b"".join(lines), policy=policy.default)
        mail.mails.append(cast(EmailMessage, made))
        mail.receivers.append(receiver)
        self._say("250 taken")
        return True

    def _say(self, words: str) -> None:
        self.wfile.write(words.encode() + b"\r\n")


class Request:
    """What came over HTTP."""

    def __init__(self, method: str, target: str, headers: dict[str, str], raw: bytes) -> None:
        self.method, self.headers, self.raw = method, headers, raw
        parts = urlsplit(target)
        self.path, self.query = parts.path, {k: v[0] for k, v in parse_qs(parts.query).items()}

    @property
    def json(self) -> Any:
        return json.loads(self.raw)

    @property
    def form(self) -> dict[str, str]:
        return {k: v[0] for k, v in parse_qs(self.raw.decode()).items()}


#: Status and body; None = hang up without a word.
Reply = tuple[int, bytes] | None


class HttpServer(Serving):
    """Answers as `reply` says, after having kept the request."""

    def __init__(self, reply: Callable[[Request], Reply] = lambda request: (200, b"{}")) -> None:
        self.got: list[Request] = []
        self.reply = reply
        made = _Http(("127.0.0.1", 0), _Handler)
        made.keeper = self
        super().__init__(made)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    keeper: HttpServer


class _Handler(BaseHTTPRequestHandler):
    server: _Http

    def _any(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        request = Request(self.command, self.path, dict(self.headers.items()), raw)
        self.server.keeper.got.append(request)
        reply = self.server.keeper.reply(request)
        if reply is None:
            self.close_connection = True
            return
        self.send_response(reply[0])
        self.send_header("Content-Length", str(len(reply[1])))
        self.end_headers()
        self.wfile.write(reply[1])

    do_POST = do_GET = do_PUT = _any

    def log_message(self, *args: Any) -> None:
        """Silence."""


def answer(**fields: Any) -> Reply:
    return 200, json.dumps(fields).encode()


def closed_port() -> int:
    """A port at which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
