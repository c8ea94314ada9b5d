"""What differs between two mechanisms, in sentences for the units that it concerns."""

from __future__ import annotations

from collections.abc import Mapping

from liandong.core.mechanism.difference import Change
from liandong.texts import sentences, text

#: Topic → lists in which its codes have words, the first that knows one.
_LISTS = {
    "part": ("participation",),
    "escalation": ("escalation_kind", "action"),
    "report": ("report_kind",),
    "measure": ("warning_colour", "measure_kind"),
}
_OTHERS = ("action", "clock_origin", "warning_colour", "case_level")


def name_of(who: str, language: str, names: Mapping[str, str]) -> str:
    """A unit's name, or a role in words; what has no words stays as it is."""
    if who in names:
        return names[who]
    kind, _, function = who.partition(":")
    known = sentences(language)
    if function and f"role.{kind}" in known:
        return text(f"role.{kind}", language, function=known.get(f"function.{function}", function))
    return known.get(f"role.{who}", who)


def sentence(change: Change, language: str, names: Mapping[str, str]) -> str:
    """One change in words: whose, what, from what to what, where, by which rows."""
    return text(
        f"diff.{change.change}", language,
        who=name_of(change.who, language, names),
        topic=text(f"diff.topic.{change.topic}", language),
        what=_words(change.what, change.topic, language),
        before=_words(change.before, change.topic, language) or "-",
        after=_words(change.after, change.topic, language) or "-",
        flows=_flows(change, language, names), levels="/".join(change.levels), rows=", ".join(change.rows),
    )  # fmt: skip


def _flows(change: Change, language: str, names: Mapping[str, str]) -> str:
    known = sentences(language)
    joint = "、" if language == "zh" else ", "
    return joint.join(names.get(flow, known.get(f"label.hazard.{flow}", flow)) for flow in change.flows)


def _words(value: str, topic: str, language: str) -> str:
    """Codes of closed lists in words; everything else as it is."""
    return " ".join(_word(word, topic, sentences(language)) for word in value.split(" "))


def _word(word: str, topic: str, known: Mapping[str, str]) -> str:
    bare = word.rstrip(",:")
    keys = [f"label.{one}.{bare}" for one in (*_LISTS.get(topic, ()), *_OTHERS)]
    said = next((known[key] for key in (*keys, f"diff.word.{bare}") if key in known), bare)
    return said + word[len(bare) :]
