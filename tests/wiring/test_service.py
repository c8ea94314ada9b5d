"""Listening sockets, tokens, and what is refused before anything is opened."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from liandong.core.values.errors import BadInput
from liandong.wiring.accounts import make_token
from liandong.wiring.service import free_socket


def test_a_listening_socket_names_its_protocol() -> None:
    """Else the server keeps Nagle's algorithm on, and every answer waits for an acknowledgement."""
    made = free_socket("127.0.0.1", 0)
    try:
        assert made.proto == socket.IPPROTO_TCP
        client = socket.create_connection(made.getsockname())
        accepted, _ = made.accept()
        assert accepted.proto == socket.IPPROTO_TCP
        accepted.close()
        client.close()
    finally:
        made.close()


def test_a_port_that_is_taken_is_named() -> None:
    first = free_socket("127.0.0.1", 0)
    port = first.getsockname()[1]
    try:
        with pytest.raises(BadInput) as refused:
            free_socket("127.0.0.1", port)
        assert refused.value.key == "serve.port_taken" and refused.value.params["port"] == port
    finally:
        first.close()


@pytest.mark.parametrize(
    ("person", "post", "source"), [("", "", ""), ("person:a", "", ""), ("person:a", "post:b", "source:c")]
)
def test_a_token_is_for_a_person_as_a_post_or_for_a_source(
    tmp_path: Path, person: str, post: str, source: str
) -> None:
    with pytest.raises(BadInput):
        make_token(tmp_path, person, post, source, 1)


@pytest.mark.slow
def test_a_city_starts_without_what_only_some_cities_need() -> None:
    """Clients of HTTP, readers of tables, writers of reports: a fifth of a second of every start."""
    unwanted = {"httpx", "openpyxl", "docx", "typst", "apprise", "authlib", "duckdb", "alembic", "rich"}
    asked = f"import liandong.wiring.service, sys; print(*({unwanted!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
