"""The frozen shape of what the journal keeps: one JSON schema for each released version of a type.

Docstrings are left out, because a better sentence changes no stored byte; types, names, required
fields, defaults and the codes of closed lists are all of it.
"""

from __future__ import annotations

from typing import Any

import msgspec

_WORDS = ("title", "description")


def schema_of(cls: type) -> dict[str, Any]:
    """The schema of a struct as JSON holds it, with everything it refers to and without prose."""
    made: dict[str, Any] = _bare(msgspec.json.schema(cls))
    return made


def _bare(part: Any, names: bool = False) -> Any:
    """Without prose; `names` says that the keys are names of fields or types, of which one may be `title`."""
    if isinstance(part, dict):
        return {
            key: _bare(value, key in ("properties", "$defs") and not names)
            for key, value in part.items()
            if names or key not in _WORDS
        }
    if isinstance(part, (list, tuple)):
        return [_bare(value) for value in part]
    return part
