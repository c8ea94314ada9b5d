"""Trying a mechanism before it is in force: against the stored history, and against the simulated city."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec

from liandong.app.burden import Burden, burden_of, real_events
from liandong.app.handle import Handler, read_message
from liandong.app.policies import current_policy
from liandong.app.ports import Store
from liandong.core.mechanism.policy import Policy
from liandong.core.mechanism.resolve import centre_of
from liandong.core.mechanism.routing import Routing
from liandong.core.values.case import CaseState
from liandong.core.values.city import CityIndex
from liandong.core.values.document import Mechanism
from liandong.core.values.errors import BadInput
from liandong.core.values.findings import FindingMessage
from liandong.core.values.journal import EntryKind, read_entry
from liandong.core.values.lists import Cause, Mode
from liandong.core.values.times import parse_time
from liandong.sim.device_story import Episode, Kind
from liandong.sim.officers import Officers
from liandong.sim.tabletop import Tabletop
from liandong.stores.memory import open_memory
from liandong.texts import text
from liandong.wiring.demo import START, run_demo
from liandong.wiring.mechanisms import read_merged
from liandong.wiring.stores import store_of

_PAGE = 5_000
IN_FORCE = "in-force"
_case = msgspec.json.Decoder(CaseState)
#: Messages as (moment, message, origin).
History = list[tuple[int, object, str]]


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """What one mechanism came to."""

    name: str
    burden: Burden
    refused: dict[str, int]  #: reasons for which acts of the simulated people were not allowed


def against_history(
    data: Path,
    mechanisms: dict[str, Mechanism],
    since: int,
    until: int,
    seed: int,
    store_at: str | None = None,
) -> list[Trial]:
    """Each mechanism against the findings that a city has stored, with the same simulated people.

    What comes of it is a counterfactual and says so: mode `replay`, in a store in memory; nothing is
    written back.
    """
    store = store_of(data, store_at)
    try:
        policy = current_policy(store, Mode.REAL)
        if policy is None:
            raise BadInput("backtest.no_city")
        findings = history_of(store, since, until)
        if not findings:
            raise BadInput("backtest.no_history")
        truth, real = story_of(store), real_events(store)
    finally:
        store.close()
    start, end = findings[0][0], findings[-1][0]
    real = {grouping: at for grouping, at in real.items() if start <= at <= end}
    return [_try(name, one, policy, findings, truth, real, seed) for name, one in mechanisms.items()]


def _try(
    name: str, mechanism: Mechanism, policy: Policy, findings: History, truth: tuple[Episode, ...],
    real: dict[str, int], seed: int,
) -> Trial:  # fmt: skip
    city: CityIndex = policy.city
    tried = replace(policy, routing=Routing(mechanism, city), mode=Mode.REPLAY)
    store = open_memory()
    try:
        table = Tabletop(Handler(store, tried), store, Officers(seed, truth, mechanism))
        table.play(findings)
        burden = burden_of(store, city.calendar, centre_of(tried), real, findings[0][0], findings[-1][0])
        return Trial(name=name, burden=burden, refused=dict(sorted(table.refused.items())))
    finally:
        store.close()


def history_of(store: Store, since: int = 0, until: int = 1 << 62) -> History:
    """Findings as they were admitted: what detection said, in the order in which it was heard."""
    found: History = []
    after = 0
    while rows := store.entries(after, _PAGE, (EntryKind.ADMISSION,)):
        after = rows[-1].position
        for row in rows:
            entry = read_entry(row.body)
            if entry.message is None or not since <= entry.now < until:
                continue
            message = read_message(entry.message)
            if isinstance(message, FindingMessage):
                found.append((entry.now, message, row.stream.partition(":")[2]))
    return found


def story_of(store: Store) -> tuple[Episode, ...]:
    """What people found on site, as far as cases were closed with a cause."""
    found = []
    for row in store.states("case"):
        if row.body is None or not row.cause:
            continue
        case = _case.decode(row.body)
        found.append(
            Episode(
                kind=Kind.LEAK, hazard=case.hazard, asset=case.asset, channels=(), begin=case.onset,
                end=max(case.closed, case.alarmed), peak=0.0, cause=Cause(row.cause),
            )
        )  # fmt: skip
    return tuple(found)


def trial_lines(trials: list[Trial], language: str, name_of: Callable[[str], str]) -> list[str]:
    """Trials in words, side by side where there are two."""
    lines = []
    for trial in trials:
        b = trial.burden
        lines.append(
            text(
                "backtest.summary", language, name=trial.name, days=b.days, cases=b.cases, closed=b.closed,
                overdue=sum(b.overdue.values()), without=b.without_lead, missed=len(b.missed),
                fallbacks=b.fallbacks,
            )
        )  # fmt: skip
        lines += [text("backtest.missed", language, event=event) for event in b.missed[:20]]
        lines += [
            text("backtest.overdue", language, clause=clause, count=count)
            for clause, count in list(b.overdue.items())[:10]
        ]
        lines += [
            text("backtest.refused", language, reason=text(key, language), count=count)
            for key, count in trial.refused.items()
        ]
    every = sorted({unit.unit for trial in trials for unit in trial.burden.units})
    for unit in every:
        said = []
        for trial in trials:
            one = next((u for u in trial.burden.units if u.unit == unit), None)
            said.append(
                text(
                    "backtest.unit", language, day=one.orders_by_day, night=one.orders_by_night,
                    month="-" if one.per_month is None else one.per_month, overdue=one.overdue,
                )
                if one
                else text("backtest.no_orders", language)
            )  # fmt: skip
        lines.append(f"  {name_of(unit)}: {'  →  '.join(said)}")
    return lines


def trials_on_history(
    data: Path, files: list[Path], against: list[Path], since: str, until: str, seed: int, language: str
) -> tuple[list[Trial], list[str]]:
    """What the command does: the mechanism, and those beside it, in figures and in words."""
    store = store_of(data)
    try:
        policy = current_policy(store, Mode.REAL)
    finally:
        store.close()
    if policy is None:
        raise BadInput("backtest.no_city")
    tried = {_name(files): read_merged(files)}
    if against == [Path(IN_FORCE)]:
        tried[IN_FORCE] = policy.routing.mechanism
    elif against:
        tried[_name(against)] = read_merged(against)
    span = (parse_time(since) if since else 0, parse_time(until) if until else 1 << 62)
    trials = against_history(data, tried, *span, seed)
    units = policy.city.units

    def named(unit: str) -> str:
        found = units.get(unit)
        return (found.name_zh if language == "zh" else found.name_en or found.name_zh) if found else unit

    return trials, trial_lines(trials, language, named)


def _name(paths: list[Path]) -> str:
    return paths[0].stem


def drill(
    files: list[Path], hours: float, sensors: int, seed: int, data: Path, tell: Callable[[str], None]
) -> tuple[Trial, int]:
    """A mechanism in the simulated city, everything marked as drill: real doors, devices and people of the
    demonstration in virtual time. What it came to, and how many deliveries did not say that it is a drill."""
    mechanism = read_merged(files)
    run_demo(
        data=data, once=True, seed=seed, hours=hours, sensors=sensors, speed=1.0, port=0, step_ms=0,
        tell=tell, mechanism=mechanism, mode=Mode.DRILL,
    )  # fmt: skip
    store = store_of(data)
    try:
        policy = current_policy(store, Mode.DRILL)
        assert policy is not None
        now = int(store.meta("now") or 0)
        calendar = policy.city.calendar
        burden = burden_of(store, calendar, centre_of(policy), real_events(store), START, now)
        return Trial(name=_name(files), burden=burden, refused={}), _unmarked(store)
    finally:
        store.close()


def _unmarked(store: Store) -> int:
    """Entries of the journal in another mode than drill."""
    found, after = 0, 0
    while rows := store.entries(after, _PAGE, (EntryKind.ADMISSION, EntryKind.DECISION, EntryKind.DELIVERY)):
        after = rows[-1].position
        found += sum(read_entry(row.body).mode != Mode.DRILL for row in rows)
    return found
