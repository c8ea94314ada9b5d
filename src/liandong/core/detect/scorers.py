"""Functions that judge the channels of a group together, named by rules of statistic `score`.

A scorer sees rows of its members' values in order of event time and says one number for each row; the
rule's limits, holds and hysteresis are applied to that number. It is the extension point of detection: a
plain Python function over the group's arrays. A pack or a city adds its own as `Kind`s beside `SCORERS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from liandong.core.detect import multivariate
from liandong.core.detect.novelty import Novelty
from liandong.core.values.errors import BadInput
from liandong.core.values.rules import Rule
from liandong.core.values.times import SECOND

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Numbers = Mapping[str, tuple[float, ...]]


class Scorer(Protocol):
    """A detector over the columns of a group. No clock, no chance, nothing remembered outside its state."""

    def fresh(self) -> Floats:
        """The state before the first row: flat, of fixed length."""
        ...

    def score(self, state: Floats, time: Ints, values: Floats) -> Floats:
        """A score for each row, NaN where it says nothing.

        `time` is int64[rows] in microseconds, rising; `values` float64[rows, channels], NaN where not
        known; `state` is changed in place. Cutting the rows otherwise changes no bit of any score.
        """
        ...


@dataclass(frozen=True, slots=True)
class Kind:
    """How a scorer is made from a rule, and what it is made for."""

    make: Callable[[Numbers, int], Scorer]  #: (numbers of the rule's `params`, number of members) → scorer
    each: bool = False  #: once for every channel of the rule, which is its first column
    least: int = 2  #: fewer members and the rule does not apply
    needs: frozenset[str] = frozenset()  #: names that `params` must hold
    knows: frozenset[str] = frozenset()  #: further names that it may hold


def make_scorer(rule: Rule, members: int, kinds: Mapping[str, Kind]) -> Scorer:
    """The scorer of a rule. Raises BadInput for an unknown one and for numbers it does not understand."""
    kind = checked_kind(rule, kinds)
    try:
        return kind.make(rule.numbers(), members)
    except ValueError as error:
        raise BadInput("detect.scorer_params", rule=rule.key, scorer=rule.scorer, names=str(error)) from error


def checked_kind(rule: Rule, kinds: Mapping[str, Kind]) -> Kind:
    """The kind that a rule names, its `params` holding the right names. Raises BadInput as `make_scorer`."""
    kind, names = kind_of(rule, kinds), set(rule.numbers())
    wrong = kind.needs - names or names - kind.needs - kind.knows
    if wrong:
        said = ", ".join(sorted(wrong))
        raise BadInput("detect.scorer_params", rule=rule.key, scorer=rule.scorer, names=said)
    return kind


def kind_of(rule: Rule, kinds: Mapping[str, Kind]) -> Kind:
    """The kind that a rule names. Raises BadInput for an unknown one."""
    if rule.scorer not in kinds:
        known = ", ".join(sorted(kinds))
        raise BadInput("detect.scorer_unknown", rule=rule.key, scorer=rule.scorer, known=known)
    return kinds[rule.scorer]


class _Stateless:
    def fresh(self) -> Floats:
        return np.zeros(0)


class Quorum(_Stateless):
    """Share of the known members at or beyond `limit`; with `count`, how many of them."""

    def __init__(self, limit: float, below: bool, count: bool, least: int) -> None:
        self.limit, self.below, self.count, self.least = limit, below, count, least

    def score(self, state: Floats, time: Ints, values: Floats) -> Floats:
        known = np.isfinite(values)
        beyond = known & ((values <= self.limit) if self.below else (values >= self.limit))
        of = known.sum(axis=1)
        found = beyond.sum(axis=1) / (1.0 if self.count else np.maximum(of, 1))
        return np.where(of >= self.least, found, np.nan)


class Contradiction(_Stateless):
    """Distance of the first member from the median of the others that are known, at least `least` of them."""

    def __init__(self, least: int) -> None:
        self.least = least

    def score(self, state: Floats, time: Ints, values: Floats) -> Floats:
        others = np.sort(values[:, 1:], axis=1)  # what is not known stands last
        known = np.isfinite(others).sum(axis=1)
        rows, most = np.arange(len(values)), np.maximum(known, 1)
        middle = 0.5 * (others[rows, (most - 1) // 2] + others[rows, most // 2])
        return np.where(known >= self.least, np.abs(values[:, 0] - middle), np.nan)


class Residual(_Stateless):
    """The first member less the second, which is what a model predicts; with `absolute`, its size."""

    def __init__(self, absolute: bool) -> None:
        self.absolute = absolute

    def score(self, state: Floats, time: Ints, values: Floats) -> Floats:
        residual = values[:, 0] - values[:, 1]
        return np.abs(residual) if self.absolute else residual


class Sequence:
    """1 while the second member is beyond its limit and the first was so at most `within` before that began.

    State: when the first was last beyond its limit, whether the second is, and whether that counts.
    """

    def __init__(self, limits: tuple[float, float], below: tuple[bool, bool], within_us: float) -> None:
        self.limits, self.below, self.within_us = limits, below, within_us

    def fresh(self) -> Floats:
        return np.array([-np.inf, 0.0, 0.0])

    def score(self, state: Floats, time: Ints, values: Floats) -> Floats:
        beyond = [
            values[:, i] <= self.limits[i] if self.below[i] else values[:, i] >= self.limits[i]
            for i in range(2)
        ]
        known = np.isfinite(values[:, 1])
        out = np.full(len(time), np.nan)
        for row, at in enumerate(time.tolist()):
            if beyond[0][row]:
                state[0] = at
            if not known[row]:
                continue
            if beyond[1][row] and not state[1]:
                state[2] = at - state[0] <= self.within_us
            state[1] = beyond[1][row]
            out[row] = state[1] * state[2]
        return out


def _quorum(numbers: Numbers, members: int) -> Scorer:
    return Quorum(
        one(numbers, "limit"), bool(one(numbers, "below", 0)), bool(one(numbers, "count", 0)),
        int(one(numbers, "least", 2)),
    )  # fmt: skip


def _contradiction(numbers: Numbers, members: int) -> Scorer:
    return Contradiction(int(one(numbers, "least", 2)))


def _residual(numbers: Numbers, members: int) -> Scorer:
    if members != 2:
        raise ValueError(f"{members - 1} predictions")
    return Residual(bool(one(numbers, "absolute", 0)))


def _sequence(numbers: Numbers, members: int) -> Scorer:
    if members != 2:
        raise ValueError(f"{members} members")
    return Sequence(
        (one(numbers, "first"), one(numbers, "second")),
        (bool(one(numbers, "first_below", 0)), bool(one(numbers, "second_below", 0))),
        one(numbers, "within_s") * SECOND,
    )


def _plant(kind: multivariate.Kind) -> Callable[[Numbers, int], Scorer]:
    def make(numbers: Numbers, members: int) -> Scorer:
        variances, loadings = numbers["variances"], numbers["loadings"]
        wide = len(variances)
        model = multivariate.Model(
            mean=numbers["mean"],
            scale=numbers["scale"],
            loadings=tuple(loadings[i * wide : (i + 1) * wide] for i in range(members)),
            variances=variances,
            t2_limit=one(numbers, "t2_limit", 1.0),
            q_limit=one(numbers, "q_limit", 1.0),
        )
        if not len(model.mean) == len(model.scale) == len(loadings) / wide == members:
            raise ValueError(f"{len(model.mean)} columns, {members} members")
        return multivariate.Scorer(model, kind)

    return make


def one(numbers: Numbers, name: str, default: float | None = None) -> float:
    """A single number of the params. Raises ValueError where it is several, or missing without a default."""
    values = numbers.get(name, () if default is None else (default,))
    if len(values) != 1:
        raise ValueError(name)
    return values[0]


_MODEL = frozenset({"mean", "scale", "loadings", "variances"})
_LIMITS = frozenset({"t2_limit", "q_limit"})

#: The scorers that come with the platform, by the name that a rule gives.
SCORERS: dict[str, Kind] = {
    "quorum": Kind(_quorum, needs=frozenset({"limit"}), knows=frozenset({"below", "count", "least"})),
    "contradiction": Kind(_contradiction, each=True, knows=frozenset({"least"})),
    "residual": Kind(_residual, each=True, knows=frozenset({"absolute"})),
    "sequence": Kind(
        _sequence,
        needs=frozenset({"first", "second", "within_s"}),
        knows=frozenset({"first_below", "second_below"}),
    ),
    "novelty": Kind(lambda numbers, members: Novelty(), each=True, least=1),
    "t2": Kind(_plant("t2"), needs=_MODEL, knows=_LIMITS),
    "q": Kind(_plant("q"), needs=_MODEL, knows=_LIMITS),
    "worse": Kind(_plant("worse"), needs=_MODEL | _LIMITS),
}
