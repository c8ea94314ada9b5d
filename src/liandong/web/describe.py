"""How the API describes itself: FastAPI's document with our problems in place of its errors."""

from __future__ import annotations

import json
from typing import Any, Literal

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from liandong.web.accounts import SIGN_IN_BODIES
from liandong.web.alarm_bodies import ALARM_BODIES
from liandong.web.bodies import BODIES
from liandong.web.desk import DESK_BODIES
from liandong.web.mechanisms import MECHANISM_BODIES
from liandong.web.power_bodies import POWER_BODIES
from liandong.web.problems import MEDIA, Problem
from liandong.web.roster_views import ROSTER_BODIES

_REF = "#/components/schemas/{model}"
_TITLE = (
    "Writes are POSTs of named acts. Lists are read page by page: give `next` of a page as `after` of the "
    "following one. Every refusal is a problem document (RFC 9457) with a key, its parameters and what to do."
)


def describe(app: FastAPI) -> dict[str, Any]:
    """The document of an application, made once."""
    if app.openapi_schema is None:
        made = get_openapi(title=app.title, version=app.version, description=_TITLE, routes=app.routes)
        schemas = made["components"]["schemas"]
        for theirs in ("HTTPValidationError", "ValidationError"):
            schemas.pop(theirs, None)
        models: tuple[type[BaseModel], ...] = (
            *BODIES, *SIGN_IN_BODIES, *DESK_BODIES, *MECHANISM_BODIES, *POWER_BODIES, *ROSTER_BODIES,
            *ALARM_BODIES, Problem,
        )  # fmt: skip
        shapes: list[tuple[Any, Literal["validation"]]] = [(model, "validation") for model in models]
        _, ours = models_json_schema(shapes, ref_template=_REF)
        schemas |= ours["$defs"]
        for path in made["paths"].values():
            for operation in path.values():
                operation["responses"].pop("422", None)
                operation["responses"]["default"] = _REFUSED
        app.openapi_schema = json.loads(json.dumps(made, sort_keys=True))
    return app.openapi_schema


_REFUSED = {
    "description": "Refused or failed; what, where and what to do.",
    "content": {MEDIA: {"schema": {"$ref": _REF.format(model="Problem")}}},
}
