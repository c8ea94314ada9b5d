"""处置报告: the handling report of one case, from its state and its journal.

Persons appear as their posts: who held a post when is in the journal, and names are personal data.
"""

from __future__ import annotations

from collections.abc import Sequence

from liandong.adapters.documents.model import Document, Section, Table
from liandong.adapters.documents.words import Names, duration, moment
from liandong.app.ports import StreamRow
from liandong.core.evaluate.period import timed_of
from liandong.core.mechanism.policy import Policy
from liandong.core.values.case import CaseState
from liandong.core.values.case_events import StepDone
from liandong.core.values.events import read_event
from liandong.core.values.findings import Finding
from liandong.core.values.journal import Entry, JournalRow, read_entry
from liandong.core.values.lists import Statistic
from liandong.core.values.units import unit_of_statistic
from liandong.texts import label, text


def case_document(
    policy: Policy, row: StreamRow, state: CaseState, entries: Sequence[JournalRow],
    findings: Sequence[Finding], now: int, language: str,
) -> Document:  # fmt: skip
    """The report of a case as it stands at `now`; open cases are reported as open."""
    names = Names(policy.city, language)

    def say(key: str, **params: object) -> str:
        return text(f"document.{key}", language, **params)

    decisions = [(stored, read_entry(stored.body)) for stored in entries]
    level = label("case_level", state.level, language)
    facts = [
        ("case", state.id),
        ("hazard", names.hazard(state.hazard)),
        ("level", level),
        ("asset", names.asset(state.asset)),
        ("area", names.area(state.area)),
        ("lead", names.unit(state.lead)),
        ("stage", label("case_stage", state.stage.value, language)),
        ("verdict", label("verdict", state.verdict.value, language) if state.verdict else "–"),
        ("cause", label("cause", state.cause.value, language) if state.cause else "–"),
        ("onset", moment(state.onset)),
        ("opened", moment(state.opened)),
        ("closed", moment(state.closed)),
        ("mode", label("mode", state.mode.value, language)),
    ]
    if state.members:
        facts.append(("members", str(state.members)))
    sections = (
        Section(say("findings"), table=_findings(policy, findings, names, language)),
        Section(say("steps"), table=_steps(decisions, names, language), note=say("posts_only")),
        Section(say("clocks"), table=_clocks(policy, state, names, now, language), note=say("clocks_note")),
        Section(say("timeline"), table=_timeline(decisions, language)),
        Section(say("proof"), (say("proof_chain", sequence=row.sequence, hash=row.hash), say("proof_how"))),
    )
    return Document(
        language=language,
        title=say("case_title"),
        subtitle=f"{names.hazard(state.hazard)} · {level} · {names.asset(state.asset)}",
        facts=tuple((text(f"document.fact.{name}", language), words) for name, words in facts),
        sections=sections,
        footer=say("footer", id=state.id, made=moment(now), version=policy.versions.mechanism),
    )


def _findings(policy: Policy, findings: Sequence[Finding], names: Names, language: str) -> Table:
    head = ("rule", "channel", "onset", "value", "limit", "basis")
    rows = []
    for one in findings:
        rule = policy.rules.get(one.rule)
        quantity = policy.city.quantities.get(rule.quantity) if rule else None
        measure = unit_of_statistic(rule.statistic, quantity.unit) if rule and quantity else "1"
        unit = f" {measure}" if measure != "1" else ""
        kind = rule.statistic if rule else Statistic.VALUE
        of = "" if kind is Statistic.VALUE else f"{label('statistic', kind.value, language)} "
        trust = label("trust", rule.trust.value, language) if rule else "–"
        basis = f"{rule.basis or '–'}（{trust}）" if rule else "–"
        rows.append(
            (
                one.rule, one.channel, moment(one.onset), f"{of}{one.value:g}{unit}",
                f"{one.limit:g}{unit}", basis,
            )
        )  # fmt: skip
    return Table(tuple(text(f"document.head.{name}", language) for name in head), tuple(rows))


def _steps(decisions: Sequence[tuple[JournalRow, Entry]], names: Names, language: str) -> Table:
    head = ("at", "action", "post", "in_name_of", "evidence", "row")
    rows = []
    for _, entry in decisions:
        for record in entry.events:
            if record.type != StepDone.__name__:
                continue
            done: StepDone = read_event(record)
            device = f"（{moment(done.device_at)}）" if done.device_at else ""
            rows.append(
                (
                    moment(done.at) + device, label("action", done.action.value, language),
                    names.post(done.post), names.unit(done.in_name_of), str(len(done.evidence) or "–"),
                    done.row,
                )
            )  # fmt: skip
    return Table(tuple(text(f"document.head.{name}", language) for name in head), tuple(rows))


def _clocks(policy: Policy, state: CaseState, names: Names, now: int, language: str) -> Table:
    head = ("clause", "unit", "origin", "limit", "taken", "paused", "outcome")
    rows = []
    for one in timed_of(state, now):
        row = policy.routing.step(one.clause)
        assumed = "" if row is not None and row.origin_stated else text("document.assumed", language)
        outcome = "late" if one.late else "running" if one.open else "met"
        rows.append(
            (
                label("action", one.action.value, language), names.unit(one.unit),
                label("clock_origin", one.origin.value, language) + assumed,
                duration(one.limit_s, language), duration(one.taken_s, language),
                duration(one.paused_s, language) if one.paused_s else "–",
                text(f"document.outcome.{outcome}", language),
            )
        )  # fmt: skip
    return Table(tuple(text(f"document.head.{name}", language) for name in head), tuple(rows))


def _timeline(decisions: Sequence[tuple[JournalRow, Entry]], language: str) -> Table:
    head = ("at", "number", "what")
    rows = [
        (
            moment(entry.now), str(stored.sequence),
            (text("why.refused", language) if entry.refused else "")
            + text(entry.reason.key, language, **entry.reason.params),
        )
        for stored, entry in decisions
        if entry.reason is not None
    ]  # fmt: skip
    return Table(tuple(text(f"document.head.{name}", language) for name in head), tuple(rows))
