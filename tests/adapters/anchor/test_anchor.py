"""Anchors arrive whole, in order and durably; what cannot be left is told, without its address."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import ClassVar

import httpx
import pytest

from liandong.adapters.anchor.file import FileAnchors
from liandong.adapters.anchor.http import HttpAnchors
from liandong.app.ports import AnchorPlace
from liandong.app.roots import read_anchors
from liandong.core.values.errors import BadInput, Busy
from liandong.core.values.journal import Anchor


def anchor(number: int = 1) -> Anchor:
    return Anchor(number=number, at=5, position=number * 10, hash="ab" * 32, key="key_x", signature="cd" * 64)


def test_lines_are_appended_and_read_back(tmp_path: Path) -> None:
    path = tmp_path / "anchors.jsonl"
    place: AnchorPlace = FileAnchors(path)
    place.leave(anchor(1))
    FileAnchors(path).leave(anchor(2))
    assert read_anchors(path) == ([anchor(1), anchor(2)], 0)
    assert path.read_bytes().count(b"\n") == 2 and place.name == f"file:{path}"


def test_after_a_torn_line_the_next_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "anchors.jsonl"
    FileAnchors(path).leave(anchor(1))
    whole = path.read_bytes()
    for cut in range(1, len(whole)):
        path.write_bytes(whole[:cut])
        FileAnchors(path).leave(anchor(2))
        found, unreadable = read_anchors(path)
        # Only the line's end was missing: then the anchor itself is whole.
        assert (found, unreadable) == (
            ([anchor(1), anchor(2)], 0) if cut == len(whole) - 1 else ([anchor(2)], 1)
        )


def test_a_place_that_is_not_there_is_an_error_and_not_created(tmp_path: Path) -> None:
    with pytest.raises(OSError):
        FileAnchors(tmp_path / "usb" / "anchors.jsonl").leave(anchor())
    assert not (tmp_path / "usb").exists()


def test_the_file_is_synced_after_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    write, fsync = os.write, os.fsync
    monkeypatch.setattr(os, "write", lambda handle, data: (calls.append("write"), write(handle, data[:7]))[1])
    monkeypatch.setattr(os, "fsync", lambda handle: (calls.append("sync"), fsync(handle))[1])
    FileAnchors(tmp_path / "anchors.jsonl").leave(anchor())
    assert calls[-2:] == ["sync", "sync"] and set(calls[:-2]) == {"write"}  # the file, then its new name
    assert read_anchors(tmp_path / "anchors.jsonl") == (
        [anchor()],
        0,
    )  # also where the system writes in parts


class Receiver(BaseHTTPRequestHandler):
    status = 201
    got: ClassVar[list[tuple[str | None, str | None, bytes]]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.got.append((self.headers["Content-Type"], self.headers["Idempotency-Key"], body))
        self.send_response(self.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def address() -> Iterator[str]:
    Receiver.got, Receiver.status = [], 201
    server = HTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/roots?token=secret"
    server.shutdown()
    thread.join()
    server.server_close()


def test_an_anchor_is_posted_as_json(address: str) -> None:
    place: AnchorPlace = HttpAnchors(address)
    place.leave(anchor(3))
    [(kind, key, body)] = Receiver.got
    assert kind == "application/json" and key == anchor().hash
    assert json.loads(body)["number"] == 3 and json.loads(body)["signature"] == "cd" * 64
    assert "secret" not in place.name and place.name.endswith("/roots")


@pytest.mark.parametrize(
    ("status", "error"),
    [(503, Busy), (429, Busy), (408, Busy), (400, BadInput), (404, BadInput), (302, BadInput)],
)
def test_a_refusal_says_whether_trying_again_may_help(address: str, status: int, error: type) -> None:
    Receiver.status = status
    with pytest.raises(error, match=r"anchor\.refused") as caught:
        HttpAnchors(address).leave(anchor())
    assert "secret" not in str(caught.value)


def test_nobody_there_or_nobody_answering_is_an_oserror() -> None:
    def silent(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("no answer", request=request)

    for place in (
        HttpAnchors("http://127.0.0.1:1/"),
        HttpAnchors("http://x/", transport=httpx.MockTransport(silent)),
    ):
        with pytest.raises(OSError):
            place.leave(anchor())
