"""评价报告: how a period went, per unit, level and clause, and per rule, each share with its interval."""

from __future__ import annotations

from liandong.adapters.documents.model import Document, Section, Table
from liandong.adapters.documents.words import Names, duration, moment, percent
from liandong.core.evaluate.period import ClauseLine, Period, RuleLine
from liandong.core.values.city import CityIndex
from liandong.texts import label, text


def period_document(period: Period, city: CityIndex, now: int, language: str) -> Document:
    """The evaluation of a period."""
    names = Names(city, language)

    def say(key: str, **params: object) -> str:
        return text(f"document.{key}", language, **params)

    def count(listed: str, counts: dict[str, int]) -> str:
        words = (f"{label(listed, code, language)} {n}" for code, n in counts.items())
        return ("，" if language == "zh" else ", ").join(words) or "–"

    facts = (
        ("period", f"{moment(period.since)} – {moment(period.until)}"),
        ("mode", label("mode", period.mode.value, language)),
        ("opened_count", str(period.opened)),
        ("closed_count", str(period.closed)),
        ("live_count", str(period.live)),
        ("by_level", count("case_level", period.by_level)),
        ("by_hazard", count("hazard", period.by_hazard)),
        ("by_cause", count("cause", period.by_cause)),
        ("escalations", str(period.escalations)),
    )
    sections = (
        Section(say("on_time"), table=_clauses(period.clauses, names, language), note=say("on_time_note")),
        Section(say("curves"), table=_curves(period.clauses, names, language), note=say("curves_note")),
        Section(say("rules"), table=_rules(period.rules, language), note=say("rules_note")),
    )
    return Document(
        language=language,
        title=say("period_title"),
        subtitle=facts[0][1],
        facts=tuple((text(f"document.fact.{name}", language), words) for name, words in facts),
        sections=sections,
        footer=say("period_footer", made=moment(now)),
    )


def _clause(line: ClauseLine, names: Names, language: str) -> tuple[str, ...]:
    return (
        names.unit(line.unit), label("case_level", line.level, language),
        label("action", line.action.value, language),
        f"{duration(line.limit_s, language)}（{label('clock_origin', line.origin.value, language)}）",
    )  # fmt: skip


def _clauses(lines: tuple[ClauseLine, ...], names: Names, language: str) -> Table:
    head = ("unit", "level", "action", "limit", "on_time", "undecided")
    rows = tuple(
        (*_clause(line, names, language), percent(line.on_time), str(line.undecided or "–")) for line in lines
    )
    return Table(tuple(text(f"document.head.{name}", language) for name in head), rows)


def _curves(lines: tuple[ClauseLine, ...], names: Names, language: str) -> Table:
    head = ("unit", "level", "action", "limit", "median", "p90", "done", "censored")

    def time(seconds: float | None) -> str:
        return "–" if seconds is None else duration(seconds, language)

    rows = tuple(
        (
            *_clause(line, names, language), time(line.curve.median), time(line.curve.p90),
            str(line.curve.events), str(line.curve.censored or "–"),
        )
        for line in lines
    )  # fmt: skip
    return Table(tuple(text(f"document.head.{name}", language) for name in head), rows)


def _rules(lines: tuple[RuleLine, ...], language: str) -> Table:
    head = ("rule", "false_share", "causes")
    rows = tuple(
        (
            line.rule, percent(line.false),
            ("，" if language == "zh" else ", ").join(
                f"{label('cause', code, language)} {n}" for code, n in line.causes.items()
            ),
        )
        for line in lines
    )  # fmt: skip
    return Table(tuple(text(f"document.head.{name}", language) for name in head), rows)
