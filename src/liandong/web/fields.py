"""What a field or parameter takes, in a form that needs no translation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: Pydantic's kind of error → what it would have taken, where its context does not say.
_TYPES = {
    "int": "1, 2, 3 …",
    "string": "text",
    "bool": "true | false",
    "list": "[…]",
    "model": "{…}",
}


def accepted(error: Mapping[str, Any]) -> str:
    """What would have been taken instead, from one of Pydantic's errors."""
    context: Mapping[str, Any] = error.get("ctx") or {}
    kind = str(error["type"])
    if "expected" in context:
        return str(context["expected"]).replace("'", "").replace(" or ", ", ").replace(", ", " | ")
    for name, sign in (("ge", "≥"), ("le", "≤"), ("gt", ">"), ("lt", "<"), ("pattern", "~")):
        if name in context:
            return f"{sign} {context[name]}"
    for name, sign in (("max_length", "≤"), ("min_length", "≥")):
        if name in context:
            return f"{sign} {context[name]} characters / 字"
    return next((shown for start, shown in _TYPES.items() if kind.startswith(start)), kind)
