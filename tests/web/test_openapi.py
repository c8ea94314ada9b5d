"""The committed description is the code's, and no change of it may break who relies on it."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from liandong.web.compat import breaking_changes
from liandong.web.schema import openapi_document, render
from liandong.wiring.service import adapter_routers

_ROOT = Path(__file__).parents[2]
COMMITTED = _ROOT / "docs" / "reference" / "openapi.json"
#: Frozen with a release; changed only together with a record in docs/decisions.
RELEASED = Path(__file__).parent / "released" / "openapi_v1.json"
_DOCUMENT = openapi_document(adapter_routers(None))


def _read(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document


def test_the_committed_document_is_the_code_s() -> None:
    assert COMMITTED.read_text(encoding="utf-8") == render(_DOCUMENT), (
        "run `make openapi` and look at the change"
    )


def test_the_document_is_the_same_every_time() -> None:
    assert render(openapi_document(adapter_routers(None))) == render(_DOCUMENT)


@pytest.mark.parametrize("path", [COMMITTED, RELEASED], ids=lambda path: path.name)
def test_nothing_breaks(path: Path) -> None:
    assert not breaking_changes(_read(path), _DOCUMENT)


def test_every_operation_has_a_name_words_and_problems() -> None:
    names = []
    for path, operations in _DOCUMENT["paths"].items():
        for method, operation in operations.items():
            names.append(operation["operationId"])
            assert operation["description"], (method, path)
            refused = operation["responses"]["default"]["content"]
            assert list(refused) == ["application/problem+json"]
    assert len(names) == len(set(names))


def _field(schema: str, name: str) -> Callable[[dict[str, Any]], Any]:
    return lambda d: d["components"]["schemas"][schema]["properties"].pop(name)


def _schema(name: str, **change: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda d: d["components"]["schemas"][name].update(change)


def _operation(path: str, method: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda d: d["paths"][f"/api/v1/{path}"][method]


def _limit(document: dict[str, Any]) -> dict[str, Any]:
    parameters = _operation("cases", "get")(document)["parameters"]
    found: dict[str, Any] = next(p for p in parameters if p["name"] == "limit")
    return found


_CLOSED = {"enum": ["open"], "type": "string"}
#: A planted change → a word of the complaint.
PLANTED: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "path": (lambda d: d["paths"].pop("/api/v1/me"), "GET /api/v1/me is gone"),
    "method": (lambda d: d["paths"]["/api/v1/readings"].pop("post"), "POST /api/v1/readings is gone"),
    "answer": (lambda d: _operation("readings", "post")(d)["responses"].pop("201"), "answer 201 is gone"),
    "problem": (lambda d: _operation("me", "get")(d)["responses"].pop("default"), "answer default is gone"),
    "field of an answer": (_field("CaseView", "stage"), "field stage is gone"),
    "field of an inner answer": (_field("NextView", "due"), "next[]: field due is gone"),
    "field of a request": (_field("ActBody", "verdict"), "body: field verdict is gone"),
    "new required field": (_schema("ActBody", required=["text"]), "field text is now required"),
    "field may be missing": (_schema("ActDone", required=["case"]), "field version may now be missing"),
    "narrowed list": (_schema("Verdict", enum=["real", "false", "test"]), "values gone: look"),
    "narrowed list of an answer": (_schema("CaseStage", enum=["opened"]), "values gone: judged"),
    "new list": (
        lambda d: d["components"]["schemas"]["EraseBody"]["properties"].update(reason=_CLOSED),
        "only some",
    ),
    "another type": (
        lambda d: d["components"]["schemas"]["ActDone"]["properties"].update(version={"type": "string"}),
        "['integer'] became ['string']",
    ),
    "an answer may be null": (
        lambda d: d["components"]["schemas"]["ActDone"]["properties"].update(
            version={"anyOf": [{"type": "integer"}, {"type": "null"}]}
        ),
        "['integer'] became ['null']",
    ),
    "parameter gone": (
        lambda d: _operation("cases", "get")(d)["parameters"].remove(_limit(d)),
        "parameter limit is gone",
    ),
    "parameter required": (lambda d: _limit(d).update(required=True), "limit is now required"),
    "tighter bound": (lambda d: _limit(d)["schema"].update(maximum=100), "maximum is tighter"),
    "new required parameter": (
        lambda d: _operation("me", "get")(d).update(
            parameters=[{"in": "query", "name": "city", "required": True, "schema": {"type": "string"}}]
        ),
        "new required parameter city",
    ),
    "media type": (
        lambda d: _operation("readings", "post")(d)["requestBody"]["content"].clear(),
        "application/json is gone",
    ),
    "a way to sign in": (lambda d: _operation("me", "get")(d)["security"].pop(0), "sign-in"),
    "sign-in": (lambda d: _operation("health/live", "get")(d).update(security=[{"token": []}]), "sign-in"),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_breaking_change_is_found(name: str) -> None:
    change, complaint = PLANTED[name]
    changed = copy.deepcopy(_DOCUMENT)
    change(changed)
    assert any(complaint in line for line in breaking_changes(_DOCUMENT, changed)), name


#: What may be done at any time.
HARMLESS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "another way to sign in": lambda d: _operation("me", "get")(d)["security"].append({"card": []}),
    "new path": lambda d: d["paths"].update({"/api/v1/new": copy.deepcopy(d["paths"]["/api/v1/me"])}),
    "new answer field": lambda d: d["components"]["schemas"]["Me"]["properties"].update(
        since={"type": "string"}
    ),
    "new optional request field": lambda d: d["components"]["schemas"]["ActBody"]["properties"].update(
        mood={"type": "string"}
    ),
    "wider list": lambda d: d["components"]["schemas"]["Verdict"]["enum"].append("unsure"),
    "wider bound": lambda d: _limit(d)["schema"].update(maximum=1000),
    "optional parameter": lambda d: _operation("me", "get")(d).update(
        parameters=[{"in": "query", "name": "city", "schema": {"type": "string"}}]
    ),
    "other words": lambda d: _operation("me", "get")(d).update(description="New words."),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_a_harmless_change_passes(name: str) -> None:
    changed = copy.deepcopy(_DOCUMENT)
    HARMLESS[name](changed)
    assert not breaking_changes(_DOCUMENT, changed)
