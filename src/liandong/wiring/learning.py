"""Learning from verdicts: what closed cases say, a change proposed with before and after, its acceptance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from liandong.adapters.tables import quantities_of, read_city, write_city
from liandong.app.clock import system_clock
from liandong.app.dispatch import held_back, released
from liandong.app.handle import Handler
from liandong.app.policies import commit_policy, current_policy, draft_commit
from liandong.app.ports import Changes, Store
from liandong.app.settings import Settings
from liandong.app.verdicts import judged_of
from liandong.core.evaluate.proposal import (
    CHOSEN_ON,
    Proposal,
    candidates,
    choose,
    has_quorum,
    numbers_of,
    with_numbers,
)
from liandong.core.evaluate.trial import Found, RuleTrial, Trial, judge
from liandong.core.evaluate.verdicts import PrecisionLine, Verdicts, verdicts
from liandong.core.mechanism.policy import Policy
from liandong.core.values.errors import BadInput, Conflict, NotFound
from liandong.core.values.lists import Mode
from liandong.core.values.rules import Rule
from liandong.stores.readings import FolderLock
from liandong.texts import text
from liandong.wiring.packs import installed
from liandong.wiring.rules_trial import Progress, events_of, looked_at, span_of, try_rules, watched
from liandong.wiring.stores import open_store, store_of

replace = msgspec.structs.replace


@contextmanager
def _looking(data: Path) -> Iterator[tuple[Store, Policy]]:
    store = store_of(data)
    try:
        policy = current_policy(store, Mode.REAL)
        if policy is None:
            raise BadInput("backtest.no_city")
        yield store, policy
    finally:
        store.close()


def verdicts_of(data: Path) -> tuple[Verdicts, dict[str, int]]:
    """What closed cases say, and the rules that their budget holds back. Raises BadInput without a city."""
    with _looking(data) as (store, policy):
        rules = tuple(policy.rules.values())
        judged = judged_of(store, policy.city.calendar)
        return verdicts(judged, watched(policy.city, rules)), held_back(store)


def propose(
    data: Path, key: str, since: str, until: str, jobs: int, work: Path | None, progress: Progress
) -> Proposal:
    """Try changes of one rule on the stored history. Raises NotFound for a rule that is not in force."""
    with _looking(data) as (store, policy):
        events = events_of(store)
    rule = policy.rules.get(key)
    if rule is None:
        raise NotFound("rules.unknown", rule=key)
    span = span_of(data, since, until)
    tried = candidates(rule, _most_members(policy, rule) if has_quorum(rule) else 0)
    _, found, _ = try_rules(data, policy, events, tuple(tried), span, jobs, work, progress)
    split = span[0] + round((span[1] - span[0]) * CHOSEN_ON)
    looking = watched(policy.city, tuple(tried))

    def figures(start: int, end: int) -> tuple[dict[str, RuleTrial], Trial]:
        mine: list[Found] = [one for one in found if start <= one.raised < end]
        trial = judge(mine, events, looking, start, end)
        return {one.rule: one for one in trial.rules}, trial

    older, _ = figures(span[0], split)
    newer, shown = figures(split, span[1])
    best = choose(rule, [(row, older[row.key]) for row in tried])
    changed = tried[best] if best else None
    return Proposal(
        rule=rule.key, version=rule.version, now=numbers_of(rule),
        proposed=numbers_of(changed) if changed else None, tried=len(tried),
        since=span[0], split=split, until=span[1],
        chosen_before=older[tried[0].key], chosen_after=older[changed.key] if changed else None,
        before=newer[tried[0].key], after=newer[changed.key] if changed else None, beside=shown.beside,
    )  # fmt: skip


def _most_members(policy: Policy, rule: Rule) -> int:
    """Channels that the rule sees in its largest group."""
    about = {row.group for row in looked_at(policy.city, (rule,))}
    names = {*(rule.members or (rule.quantity,))}
    rows = policy.city.channel_rows()
    seen = Counter(row.group for row in rows if row.group in about and {row.key, row.quantity} & names)
    return max(seen.values(), default=0)


def accept(settings: Settings, proposal: Proposal, author: str, reason: str, place: Path | None) -> str:
    """Put a proposed change into force, as a version with its author and reason.

    With `place` the city's own table says the same from then on. Raises Conflict where the rule is another
    one by now or the city runs, BadInput where nothing is proposed.
    """
    if proposal.proposed is None:
        raise BadInput("rules.nothing_proposed", rule=proposal.rule)
    numbers = proposal.proposed

    def change(rule: Rule) -> Rule:
        if rule.version != proposal.version or numbers_of(rule) != proposal.now:
            raise Conflict("rules.proposal_stale", rule=rule.key, version=rule.version)
        return replace(with_numbers(rule, numbers), version=rule.version + 1)

    return _change(settings, proposal.rule, change, author, reason, place)


def let_speak(settings: Settings, key: str, author: str, reason: str, place: Path | None) -> str:
    """A rule that was in shadow tells people again; its budget counts anew."""

    def change(rule: Rule) -> Rule:
        return replace(rule, version=rule.version + 1, shadow=False)

    return _change(settings, key, change, author, reason, place)


def _change(
    settings: Settings,
    key: str,
    change: Callable[[Rule], Rule],
    author: str,
    reason: str,
    place: Path | None,
) -> str:
    lock = FolderLock(settings.data)
    store = open_store(settings)
    try:
        before = current_policy(store, Mode.REAL)
        if before is None or key not in before.rules:
            raise NotFound("rules.unknown", rule=key)
        changed = change(before.rules[key])
        if key in held_back(store):  # other numbers are another rule: it has its voice back
            changed = replace(changed, shadow=False)
        last = int(store.meta("now") or 0)
        now = max(last, system_clock(last or None).read().now)
        rules = before.rules | {key: changed}
        drafted = draft_commit(
            before, before.city.city, before.routing.mechanism, tuple(rules.values()), before.channels,
            author, reason,
        )  # fmt: skip
        if drafted is not None:
            commit_policy(Handler(store, before), now, *drafted)
        if place is not None:
            _write_table(place, changed)  # after the commit, which may be refused
        store.commit(Changes(meta=released(store, key, now)))
        return _changed(changed, author, settings.language)
    finally:
        store.close()
        lock.release()


def _changed(rule: Rule, author: str, language: str) -> str:
    now = numbers_of(rule)
    return text(
        "rules.changed" if now.member_limit is None else "rules.changed_quorum", language, rule=rule.key,
        version=rule.version, raise_at=now.raise_at, clear_at=now.clear_at, hold=now.hold_s,
        member_limit=now.member_limit, author=author,
    )  # fmt: skip


def _write_table(place: Path, rule: Rule) -> None:
    """The rule in the city's own table, in place of its row or behind the others."""
    folder = read_city(place, quantities_of(installed()))
    rows = {row.key: row for row in folder.rules} | {rule.key: replace(rule, pack="")}
    write_city(place, replace(folder, rules=tuple(rows.values())), only=("rules",))


def verdict_lines(said: Verdicts, held: dict[str, int], language: str) -> list[str]:
    """Precision in words, the worst first, a table each."""
    lines = [text("verdicts.cases", language, count=said.cases)]
    for name in ("rules", "sensors", "units", "hours"):
        rows: tuple[PrecisionLine, ...] = getattr(said, name)
        if rows:
            lines.append(text(f"verdicts.{name}", language))
        lines += ["  " + _precision(one, held, language) for one in rows[:30]]
    lines += [
        text(
            "verdicts.missed", language, rule=one.rule, missed=one.missed.hits, count=one.missed.count,
            cases=", ".join(one.cases[:5]),
        )
        for one in said.missed
        if one.missed.hits
    ]  # fmt: skip
    return lines


def _precision(one: PrecisionLine, held: dict[str, int], language: str) -> str:
    low, high = one.real.low or 0.0, one.real.high or 0.0
    line = text(
        "verdicts.line", language, key=one.key, real=one.real.hits, count=one.real.count,
        low=f"{100 * low:.0f}", high=f"{100 * high:.0f}",
        causes=", ".join(f"{cause} {count}" for cause, count in one.causes.items()),
    )  # fmt: skip
    return line + (text("verdicts.held", language) if one.key in held else "")


def proposal_lines(one: Proposal, language: str) -> list[str]:
    """A proposal in words: what changes, and before, after and the baselines on what was not used."""
    if one.proposed is None or one.after is None:
        return [
            text(
                "rules.no_better", language, rule=one.rule, tried=one.tried, judged=_judged(one.chosen_before)
            )
        ]
    now, then = one.now, one.proposed
    given = dict(
        rule=one.rule, tried=one.tried, raise_before=f"{now.raise_at:g}", raise_after=f"{then.raise_at:g}",
        hold_before=f"{now.hold_s:g}", hold_after=f"{then.hold_s:g}",
    )  # fmt: skip
    if now.member_limit is None or then.member_limit is None:
        lines = [text("rules.proposed", language, **given)]
    else:
        limits = dict(limit_before=f"{now.member_limit:g}", limit_after=f"{then.member_limit:g}")
        lines = [text("rules.proposed_quorum", language, **given, **limits)]
    for name, trial in (("before", one.before), ("after", one.after)):
        lines.append("  " + _figures(text(f"rules.{name}", language), trial, language))
    lines += ["  " + _figures(trial.rule, trial, language) for trial in one.beside]
    if one.after.false >= one.before.false or one.after.hit < one.before.hit:
        lines.append(text("rules.unconfirmed", language))
    return lines


def _judged(trial: RuleTrial) -> int:
    return trial.real + trial.false


def _figures(name: str, trial: RuleTrial, language: str) -> str:
    return text(
        "rules.figures", language, name=name, findings=trial.findings, hit=trial.hit, missed=trial.missed,
        false=trial.false, delay="-" if trial.delay_s is None else f"{trial.delay_s:.0f} s",
    )  # fmt: skip
