"""A CAP document to a running city over HTTP, as a source."""

from __future__ import annotations

from typing import Any

import httpx

from liandong.core.values.errors import BadInput


def send(url: str, token: str, raw: bytes, language: str = "zh") -> list[dict[str, Any]]:
    """What it has done, warning by warning. Raises BadInput where it was refused or not delivered."""
    address = f"{url.rstrip('/').removesuffix('/api/v1')}/api/v1/cap"
    headers = {
        "Authorization": f"Bearer {token}", "Content-Type": "application/cap+xml",
        "Accept-Language": language,
    }  # fmt: skip
    try:
        answer = httpx.post(address, content=raw, headers=headers, timeout=60.0)
        said: dict[str, Any] = answer.json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise BadInput("import.not_delivered", url=url[:80], why=type(error).__name__) from error
    if answer.status_code != 200:
        raise BadInput("import.refused", status=answer.status_code, why=str(said.get("detail"))[:200])
    found: list[dict[str, Any]] = said["warnings"]
    return found
