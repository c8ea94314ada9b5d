"""What a change of the OpenAPI document would break for programs that were written against the old one.

Answers may gain and requests may ask less; never the other way round.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]
#: Bounds of a request that may only grow, and those that may only shrink.
_UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems")
_LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems")


def breaking_changes(old: Schema, new: Schema) -> list[str]:
    """One line for each; empty is good."""
    return list(dict.fromkeys(_Comparison(old, new).paths()))


class _Comparison:
    """Two documents, and the pairs of schemas that are being compared, because schemas may recur."""

    def __init__(self, old: Schema, new: Schema) -> None:
        self.old, self.new = old, new
        self._open: set[tuple[str, str, bool]] = set()

    def paths(self) -> Iterator[str]:
        """Every operation of the old document has to be there still."""
        for path, operations in self.old["paths"].items():
            for method, before in operations.items():
                after = self.new["paths"].get(path, {}).get(method)
                where = f"{method.upper()} {path}"
                if after is None:
                    yield f"{where} is gone"
                else:
                    yield from self._operation(where, before, after)

    def _operation(self, where: str, before: Schema, after: Schema) -> Iterator[str]:
        yield from self._parameters(where, before.get("parameters", []), after.get("parameters", []))
        yield from self._body(where, before.get("requestBody"), after.get("requestBody"))
        for status, answer in before["responses"].items():
            now = after["responses"].get(status)
            if now is None:
                yield f"{where}: answer {status} is gone"
            else:
                yield from self._contents(f"{where}: answer {status}", answer, now, request=False)
        if not _still_signs_in(before.get("security"), after.get("security")):
            yield f"{where}: another sign-in"

    def _parameters(self, where: str, before: list[Schema], after: list[Schema]) -> Iterator[str]:
        known = {(p["in"], p["name"]): p for p in before}
        now = {(p["in"], p["name"]): p for p in after}
        for place, parameter in known.items():
            if place not in now:
                yield f"{where}: parameter {place[1]} is gone"
            else:
                inside = f"{where}: parameter {place[1]}"
                if now[place].get("required") and not parameter.get("required"):
                    yield f"{inside} is now required"
                yield from self._schema(inside, parameter["schema"], now[place]["schema"], request=True)
        for place, parameter in now.items():
            if place not in known and parameter.get("required"):
                yield f"{where}: new required parameter {place[1]}"

    def _body(self, where: str, before: Schema | None, after: Schema | None) -> Iterator[str]:
        if before is None:
            if after is not None and after.get("required"):
                yield f"{where}: a body is now required"
        elif after is None:
            yield f"{where}: takes no body any more"
        else:
            yield from self._contents(f"{where}: body", before, after, request=True)

    def _contents(self, where: str, before: Schema, after: Schema, *, request: bool) -> Iterator[str]:
        for media, content in before.get("content", {}).items():
            now = after.get("content", {}).get(media)
            if now is None:
                yield f"{where}: {media} is gone"
            else:
                yield from self._schema(
                    where, content.get("schema", {}), now.get("schema", {}), request=request
                )

    def _schema(self, where: str, before: Schema, after: Schema, *, request: bool) -> Iterator[str]:
        pair = (str(before.get("$ref", before)), str(after.get("$ref", after)), request)
        if pair in self._open:
            return
        self._open.add(pair)
        try:
            yield from self._shapes(
                where, _resolved(self.old, before), _resolved(self.new, after), request=request
            )
        finally:
            self._open.discard(pair)

    def _shapes(self, where: str, before: Schema, after: Schema, *, request: bool) -> Iterator[str]:
        if "anyOf" in before or "anyOf" in after:
            yield from self._choices(where, _variants(before), _variants(after), request=request)
            return
        yield from _types(where, before, after, request=request)
        if "enum" in before or "enum" in after:
            yield from _enums(where, before, after, request=request)
        if request:
            yield from _bounds(where, before, after)
        yield from self._fields(where, before, after, request=request)
        for inner in ("items", "additionalProperties"):
            if isinstance(before.get(inner), Mapping) and isinstance(after.get(inner), Mapping):
                yield from self._schema(f"{where}[]", before[inner], after[inner], request=request)

    def _choices(
        self, where: str, before: list[Schema], after: list[Schema], *, request: bool
    ) -> Iterator[str]:
        """A request must still take each of the old variants; an answer must give none but them."""
        wanted, offered = (before, after) if request else (after, before)
        for one in wanted:
            pairs = [(one, other) if request else (other, one) for other in offered]
            results = [list(self._schema(where, a, b, request=request)) for a, b in pairs]
            if not any(not found for found in results):
                near = min(results, key=len, default=[])
                yield from near or [f"{where}: a variant is gone"]

    def _fields(self, where: str, before: Schema, after: Schema, *, request: bool) -> Iterator[str]:
        known, now = before.get("properties", {}), after.get("properties", {})
        for name, field in known.items():
            if name not in now:
                yield f"{where}: field {name} is gone"
            else:
                yield from self._schema(f"{where}.{name}", field, now[name], request=request)
        was, required = set(before.get("required", ())), set(after.get("required", ()))
        if request:
            yield from (f"{where}: field {name} is now required" for name in sorted(required - was))
        else:
            lost = (was - required) & now.keys()
            yield from (f"{where}: field {name} may now be missing" for name in sorted(lost))


def _resolved(document: Schema, schema: Schema) -> Schema:
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    return schema


def _variants(schema: Schema) -> list[Schema]:
    return list(schema.get("anyOf", [schema]))


def _kinds(schema: Schema) -> set[str]:
    kind = schema.get("type", ())
    return {kind} if isinstance(kind, str) else set(kind)


def _types(where: str, before: Schema, after: Schema, *, request: bool) -> Iterator[str]:
    was, now = _kinds(before), _kinds(after)
    fits = (not now or (bool(was) and was <= now)) if request else (not was or (bool(now) and now <= was))
    if not fits:
        yield f"{where}: type {sorted(was) or 'any'} became {sorted(now) or 'any'}"


def _enums(where: str, before: Schema, after: Schema, *, request: bool) -> Iterator[str]:
    """Values must not vanish: a client sends them, or waits for them."""
    if "enum" not in after:
        return
    if "enum" not in before:
        if request:
            yield f"{where}: only some values are taken now"
        return
    gone = [value for value in before["enum"] if value not in after["enum"]]
    if gone:
        yield f"{where}: values gone: {', '.join(map(str, gone))}"


def _bounds(where: str, before: Schema, after: Schema) -> Iterator[str]:
    for name, tighter in [(n, min) for n in _UPPER] + [(n, max) for n in _LOWER]:
        if name in after and (name not in before or tighter(before[name], after[name]) != before[name]):
            yield f"{where}: {name} is tighter"
    if after.get("pattern") not in (None, before.get("pattern")):
        yield f"{where}: another pattern"
    if after.get("additionalProperties") is False and before.get("additionalProperties") is not False:
        yield f"{where}: unknown fields are refused now"


def _still_signs_in(before: Any, after: Any) -> bool:
    """Whether each way of signing in that was enough is still enough; further ways may come."""
    if not before:
        return not after or {} in after
    return not after or all(way in after or {} in after for way in before)
