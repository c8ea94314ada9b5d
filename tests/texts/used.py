"""Finds the text keys that the code uses, with the parameters it gives them, by reading the syntax.

A key is the first argument of an error class or of `Reason`, or of a function that hands its own
parameter on to one of them (`because`, `nothing`, `refuse`, …); such functions are found, not listed.
The template of what is delivered to a person is a key too, and so is what `text` is asked for, or
`say`, the name by which code that may not import the texts is lent them.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SOURCES = Path(__file__).parents[2] / "src" / "liandong"
_ERRORS = ("LiandongError", "BadInput", "NotFound", "Forbidden", "Unauthenticated", "Conflict", "Busy")
_ERRORS += ("Broken", "Fatal")
#: Values that hold a key and a table of parameters.
_VALUES = ("Reason", "Deliver", "Sentence", "Finding")
#: Functions that put a key into words; `say` is handed in, so that its definition cannot be found.
_WORDS = ("text", "say")
#: What a parameter is called that holds a key.
_NAMES = ("key", "template")
#: Two words at least: it keeps out what is no key, such as the argument of `str.find`.
_KEY = re.compile(r"[a-z_*]+(\.[a-z_*]+)+")
#: A remedy is a key that is handed on inside another text's parameters.
_REMEDY = re.compile(r"[a-z_]+\.remedy\.[a-z_]+")


@dataclass(frozen=True)
class Taker:
    """Something that takes a key: where it stands, the parameters it adds, and whether it takes more."""

    index: int
    adds: frozenset[str] | None = frozenset()
    takes_more: bool = True
    own: frozenset[str] = frozenset()  #: its named parameters, which are not the text's


Takers = dict[str, tuple[Taker, ...]]


@dataclass(frozen=True)
class Use:
    """One place in the code that names a key; `params` is None where they cannot be read from the syntax."""

    key: str
    params: frozenset[str] | None
    place: str


def used_keys(folder: Path = SOURCES) -> list[Use]:
    """Every use of a text key that the syntax shows."""
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(folder.rglob("*.py"))}
    takers: Takers = {name: (Taker(0),) for name in (*_ERRORS, *_VALUES, *_WORDS)}
    takers |= {name: (Taker(0),) for tree in trees.values() for name in _more_errors(tree)}
    functions = [function for tree in trees.values() for function in _functions(tree)]
    found = True
    while found:
        found = False
        for function in functions:
            taker = _hands_on(function, takers)
            # Two classes may have a method of one name that takes the key at different places.
            if taker is not None and all(
                taker.index != known.index for known in takers.get(function.name, ())
            ):
                takers[function.name] = (*takers.get(function.name, ()), taker)
                found = True
    return [use for path, tree in trees.items() for use in _uses(path, tree, takers)]


def _functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def _more_errors(tree: ast.AST) -> Iterator[str]:
    """Errors of a room's own that add nothing to what they are made of."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and any(_is(base, e) for base in node.bases for e in _ERRORS):
            methods = [part.name for part in node.body if isinstance(part, ast.FunctionDef)]
            if "__init__" not in methods:
                yield node.name


def _called(call: ast.Call) -> str:
    called = call.func.body if isinstance(call.func, ast.IfExp) else call.func
    if isinstance(called, ast.Name):
        return called.id
    return called.attr if isinstance(called, ast.Attribute) else ""


def _argument(call: ast.Call, index: int) -> ast.expr | None:
    if len(call.args) > index:
        return call.args[index]
    return next((word.value for word in call.keywords if word.arg in _NAMES), None)


def _hands_on(function: ast.FunctionDef | ast.AsyncFunctionDef, takers: Takers) -> Taker | None:
    """Which of its parameters a function hands on as a key, not counting `self`."""
    names = [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)]
    if names[:1] in (["self"], ["cls"]):
        names = names[1:]
    for call in ast.walk(function):
        if not isinstance(call, ast.Call):
            continue
        name = _called(call)
        for taker in takers.get(name, ()):
            given = _argument(call, taker.index)
            if isinstance(given, ast.Name) and given.id in _NAMES and given.id in names:
                place, rest = names.index(given.id), function.args.kwarg
                # A table that is handed on whole (`**params`) and is not the caller's own words hides them.
                hidden = any(w.arg is None and not (rest and _is(w.value, rest.arg)) for w in call.keywords)
                more = rest is not None and not hidden
                adds = _named(call, taker) if more and name not in _VALUES else None
                adds = frozenset() if more and name in _VALUES else adds or _params(call, name, taker)
                return Taker(place, adds, more, frozenset(argument.arg for argument in function.args.args))
    return None


def _is(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _uses(path: Path, tree: ast.AST, takers: Takers) -> Iterator[Use]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _REMEDY.fullmatch(node.value):
            yield Use(node.value, None, f"{path.name}:{node.lineno}")
        if not isinstance(node, ast.Call):
            continue
        name = _called(node)
        for taker in takers.get(name, ()):
            params = _params(node, name, taker)
            for constant in _constants(_argument(node, taker.index)):
                if _KEY.fullmatch(constant) and not _REMEDY.fullmatch(constant):
                    yield Use(constant, params, f"{path.name}:{node.lineno}")


def _constants(node: ast.expr | None) -> Iterator[str]:
    """The strings that an argument may be: itself, either branch of a choice, a value of a literal table.

    Of a key that is put together, the parts that vary become `*`.
    """
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield "".join(str(part.value) if isinstance(part, ast.Constant) else "*" for part in node.values)
    elif isinstance(node, ast.IfExp):
        yield from _constants(node.body)
        yield from _constants(node.orelse)
    elif isinstance(node, ast.Subscript) and isinstance(node.value, ast.Dict):
        for value in node.value.values:
            yield from _constants(value)


def _named(call: ast.Call, taker: Taker) -> frozenset[str]:
    """Parameters that stand in the call by name, with those that the callee adds."""
    names = {word.arg for word in call.keywords if word.arg and word.arg not in taker.own}
    return frozenset(names) | (taker.adds or frozenset())


def _params(call: ast.Call, name: str, taker: Taker) -> frozenset[str] | None:
    """All parameters that the text will be given, or None where the syntax does not show them."""
    if name in _VALUES:
        named = (word.value for word in call.keywords if word.arg == "params")
        table = call.args[1] if len(call.args) > 1 else next(named, None)
        if table is None:
            return frozenset()
        if not isinstance(table, ast.Dict):
            return None
        keys = [key.value for key in table.keys if isinstance(key, ast.Constant)]
        return frozenset(map(str, keys)) if len(keys) == len(table.keys) else None
    if not taker.takes_more:
        return taker.adds
    return None if any(word.arg is None for word in call.keywords) else _named(call, taker)
