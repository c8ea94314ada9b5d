"""What `liandong backtest` does: rules over the readings a city has stored, judged by its closed cases."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from liandong.adapters.tables.rules import read_rules
from liandong.app.policies import current_policy
from liandong.app.ports import Archive, Store
from liandong.core.detect.layout import applies
from liandong.core.evaluate.trial import Event, Found, RuleTrial, Trial, Watched, judge
from liandong.core.mechanism.policy import Policy
from liandong.core.values.case import CaseState
from liandong.core.values.city import CityIndex
from liandong.core.values.errors import BadInput
from liandong.core.values.lists import Cause, Mode
from liandong.core.values.rules import ChannelRow, Rule
from liandong.core.values.times import format_time, parse_time
from liandong.runners.history import Plan, run_history
from liandong.stores.readings import History, ReadingLog
from liandong.texts import text
from liandong.wiring.packs import scorers
from liandong.wiring.stores import store_of

IN_FORCE = "in-force"
_FOLDER = "backtest"
_case = msgspec.json.Decoder(CaseState)
Progress = Callable[[int, int], None]


def open_archive(data: Path) -> Archive:
    """The readings of a data folder, to look at only."""
    return History(ReadingLog(data / "readings", read_only=True), data / "history", dict)


def events_of(store: Store) -> list[Event]:
    """What people found: every closed case with its cause."""
    found = []
    for row in store.states("case"):
        if row.cause and row.body is not None:
            case = _case.decode(row.body)
            found.append(
                Event(
                    case=case.id, hazard=case.hazard, asset=case.asset, onset=case.onset or case.opened,
                    until=max(case.closed, case.opened), cause=Cause(row.cause),
                )
            )  # fmt: skip
    return found


def try_rules(
    data: Path,
    policy: Policy,
    events: list[Event],
    rules: tuple[Rule, ...],
    span: tuple[int, int],
    jobs: int = 1,
    work: Path | None = None,
    progress: Progress = lambda done, total: None,
) -> tuple[Trial, list[Found], int]:
    """Rules over a span of stored readings: the verdict, every finding, and how many readings were read.

    Groups that no rule looks at are not read.
    """
    city = policy.city
    groups = {row.group for row in looked_at(city, rules)}
    channels = tuple(row for row in city.channel_rows() if row.group in groups)
    plan = Plan(
        channels, rules, city.city.key, *span, Path(), partial(open_archive, data),
        partial(scorers, city.city),
    )  # fmt: skip
    plan = replace(plan, work=work or data / _FOLDER / plan.digest()[:12])
    settled, rows = run_history(plan, jobs, progress)
    by_key = {rule.key: rule for rule in rules}
    found = [
        Found(
            rule=one.rule, channel=one.channel, hazard=by_key[one.rule].hazard,
            asset=_asset(city, one.channel), onset=one.onset, raised=one.raised, value=one.value,
            ended=one.ended,
        )
        for one in settled
    ]  # fmt: skip
    return judge(found, events, watched(city, rules), *span), found, rows


def watched(city: CityIndex, rules: tuple[Rule, ...]) -> list[Watched]:
    """Each rule on each channel that it looks at."""
    return [
        Watched(rule.key, row.key, rule.hazard, _asset(city, row.key))
        for row, looking in looked_at(city, rules).items()
        for rule in looking
    ]


def looked_at(city: CityIndex, rules: tuple[Rule, ...]) -> dict[ChannelRow, list[Rule]]:
    """Channel → the rules that look at it; channels that none looks at are left out."""
    by_quantity: dict[str, list[Rule]] = {}
    for rule in rules:
        by_quantity.setdefault(rule.quantity, []).append(rule)
    found = {
        row: [rule for rule in by_quantity.get(row.quantity, ()) if applies(rule, row)]
        for row in city.channel_rows()
    }
    return {row: looking for row, looking in found.items() if looking}


def _asset(city: CityIndex, channel: str) -> str:
    asset = city.asset_of_channel(channel)
    return asset.key if asset is not None else ""


def span_of(data: Path, since: str, until: str) -> tuple[int, int]:
    """The moments asked for; where one is left open, what the history holds. Raises BadInput for none."""
    first, last = open_archive(data).extent()
    if first is None or last is None:
        raise BadInput("backtest.no_readings", data=data.name)
    start: int = parse_time(since) if since else first
    end: int = parse_time(until) if until else last + 1
    if end <= start:
        raise BadInput("backtest.empty_span", since=format_time(start), until=format_time(end))
    return start, end


def backtest_rules(
    data: Path, rules: str, since: str, until: str, jobs: int, work: Path | None, progress: Progress
) -> dict[str, Any]:
    """The command's report. Raises BadInput where there is no city, no readings or no rule."""
    store = store_of(data)
    try:
        policy = current_policy(store, Mode.REAL)
        if policy is None:
            raise BadInput("backtest.no_city")
        events = events_of(store)
    finally:
        store.close()
    mine = tuple(policy.rules.values()) if rules == IN_FORCE else read_rules(Path(rules))
    known = {row.quantity for row in policy.city.channel_rows()}
    looking = tuple(rule for rule in mine if rule.quantity in known)
    if not looking:
        raise BadInput("backtest.no_rule", quantities=", ".join(sorted(known)))
    span = span_of(data, since, until)
    trial, found, rows = try_rules(data, policy, events, looking, span, jobs, work, progress)
    return {
        "label": "counterfactual", "rules": rules, "since": format_time(span[0]),
        "until": format_time(span[1]), "readings": rows,
        "left_out": sorted(rule.key for rule in mine if rule not in looking),
        "trial": msgspec.to_builtins(trial),
        "findings": [
            {**msgspec.to_builtins(one), "onset": format_time(one.onset), "raised": format_time(one.raised),
             "ended": None if one.ended is None else format_time(one.ended)}
            for one in found
        ],
    }  # fmt: skip


def report_lines(report: dict[str, Any], language: str) -> list[str]:
    """The report in words, the baselines below it."""
    trial = msgspec.convert(report["trial"], Trial)
    lines = [
        text(
            "backtest.rules", language, at=report["since"], until=report["until"], days=trial.days,
            readings=report["readings"], channels=trial.channels, events=trial.events,
        )
    ]  # fmt: skip
    total = msgspec.structs.replace(trial.total, rule=text("backtest.all_rules", language))
    lines += [_line(one, language) for one in (*trial.rules, total, *trial.beside)]
    lines += [text("backtest.rules_missed", language, case=case) for case in trial.missed[:20]]
    return lines


def _line(one: RuleTrial, language: str) -> str:
    share = one.precision
    return "  " + text(
        "backtest.rule", language, rule=one.rule, findings=one.findings, per_day=f"{one.per_day:g}",
        hit=one.hit, missed=one.missed, real=one.real, false=one.false, unjudged=one.unjudged,
        precision="-" if share.share is None else f"{100 * share.share:.1f} %",
        delay="-" if one.delay_s is None else f"{one.delay_s:.0f} s",
    )  # fmt: skip
