"""A small proxy as cities have one before their servers: it passes on, or answers 502 for a while."""

from __future__ import annotations

import contextlib
import socket
import threading

_GONE = (
    b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nContent-Length: 20\r\nConnection: close\r\n\r\n"
    b"<h1>502 gateway</h1>"
)


class Proxy:
    """Listens on a port of its own; `down` cuts what is open and answers everybody with 502."""

    def __init__(self, target: int) -> None:
        self.target = target
        self._down = threading.Event()
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self.refused = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def down(self) -> None:
        """As when the server behind is being restarted, or the way to it is cut."""
        self._down.set()
        with self._lock:
            for one in list(self._open):
                _shut(one)

    def up(self) -> None:
        """Pass on again."""
        self._down.clear()

    def close(self) -> None:
        """Stop listening."""
        self.down()
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        server = None
        if not self._down.is_set():
            with contextlib.suppress(OSError):
                server = socket.create_connection(("127.0.0.1", self.target), 5)
        if server is None:
            self.refused += 1
            with contextlib.suppress(OSError):
                client.recv(65536)
                client.sendall(_GONE)
            _shut(client)
            return
        server.settimeout(None)
        with self._lock:
            self._open |= {client, server}
        back = threading.Thread(target=_pass, args=(server, client), daemon=True)
        back.start()
        _pass(client, server)
        back.join()
        with self._lock:
            self._open -= {client, server}


def _pass(source: socket.socket, to: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            to.sendall(data)
    _shut(source)
    _shut(to)


def _shut(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()
