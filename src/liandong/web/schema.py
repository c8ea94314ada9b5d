"""The OpenAPI document without a running city, as it is committed in docs/reference/openapi.json."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter

from liandong.web.app import create_app


def openapi_document(routers: Sequence[APIRouter] = ()) -> dict[str, Any]:
    """The description of the API with the doors of devices that wiring would mount."""
    return create_app(None, routers=routers).openapi()


def render(document: dict[str, Any]) -> str:
    """The document as it is committed: the same bytes for the same code."""
    return json.dumps(document, ensure_ascii=False, sort_keys=True, indent=2) + "\n"
