"""The words that people read, by key: `zh.json` and `en.json`, shared with the console."""

from __future__ import annotations

import json
from collections import ChainMap
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from importlib.resources import files
from string import Formatter

LANGUAGES = ("zh", "en")
#: Words of the domain packs that the city in this process uses.
_lent: dict[str, dict[str, str]] = {language: {} for language in LANGUAGES}

#: Parameters whose codes have words of their own: their name → the lists to look in, in this order.
_LISTS = {
    "action": (
        "action",
        "warning_action",
        "response_action",
        "resource_action",
        "alarm_action",
        "announcement_action",
    ),
    "answered": ("answered",),
    "capability": ("capability",),
    "cause": ("cause",),
    "change": ("change",),
    "colour": ("warning_colour",),
    "drawn": ("yes_no",),
    "end": ("hold_end",),
    "field": ("field",),
    "given": ("yes_no",),
    "granted": ("yes_no",),
    "ground": ("help_ground", "ground"),
    "hazard": ("hazard",),
    "kind": (
        "report_version",
        "area_kind",
        "announcement_kind",
    ),
    "left": ("scale",),
    "missing": ("missing", "action", "power_field"),
    "quantity": ("quantity",),
    "needed": ("action", "case_stage", "capability", "participation"),
    "part": ("participation",),
    "passed": ("passed",),
    "phase": ("phase",),
    "reason": ("pause", "ground"),
    "right": ("scale",),
    "scale": ("scale",),
    "stage": ("case_stage", "warning_stage", "response_stage", "resource_stage"),
    "start": ("start",),
    "state": ("alarm_stage", "announcement_stage"),
    "taken": ("taken",),
    "trust": ("trust",),
    "verdict": ("verdict",),
    "why": ("why",),
}
#: Parameters that are moments: microseconds, or RFC 3339 in UTC as the core writes it.
_MOMENTS = frozenset({"at", "due", "onset", "opened", "raised", "time", "until"})
#: China has one zone and no summer time. It is named beside each moment, so that nobody has to guess.
_ZONE = timezone(timedelta(hours=8))
_ZONE_WORDS = {"zh": "北京时间 {}", "en": "{} UTC+8"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: Microseconds of the year 2000; a smaller number is no moment of ours.
_EARLIEST = 946_684_800_000_000


def text(key: str, language: str, /, **params: object) -> str:
    """The sentence of a key with its parameters; ⟦key⟧ where there is none, as no answer may fail on words.

    An unknown language is answered in Chinese; a parameter that is missing shows as its name; codes
    of closed lists, also several with ", " between them, the key of a remedy and moments are put into
    words.
    """
    language = language if language in LANGUAGES else LANGUAGES[0]
    sentence = _words(language).get(key)
    if sentence is None:
        said = ", ".join(f"{name}={value}" for name, value in params.items())
        return f"⟦{key}⟧ {said}".rstrip()
    return "".join(
        before + ("" if name is None else _shown(name, params, language))
        for before, name, _, _ in Formatter().parse(sentence)
    )


def label(listed: str, code: str, language: str) -> str:
    """The word for a code of a closed list (`case_stage`, `closed` → 已办结), or the code itself."""
    return _words(language).get(f"label.{listed}.{code.replace(' ', '_')}", code)


def _shown(name: str, params: Mapping[str, object], language: str) -> str:
    """A parameter as it stands in the sentence."""
    if name not in params:
        return f"⟦{name}⟧"
    value = params[name]
    if value is None or value == "":
        return "–"
    known = _words(language)
    if name == "remedy" and value in known:
        return text(str(value), language, **{key: given for key, given in params.items() if key != name})
    if name in _MOMENTS and (moment := _moment(value)) is not None:
        return _ZONE_WORDS[language].format(moment)
    if name not in _LISTS:
        return str(value)
    words = []
    for code in str(value).split(", "):
        code, opening, post = code.partition(" (")  # `handle (post:gas.duty)`: what is needed, and of whom
        found = (known.get(f"label.{listed}.{code.replace(' ', '_')}") for listed in _LISTS[name])
        words.append(next((word for word in found if word), code) + opening + post)
    return ("、" if language == "zh" else ", ").join(words)


def _moment(value: object) -> str | None:
    """Date and time on the wall's clock, to the second; None for what is no moment."""
    at: datetime | None = None
    if isinstance(value, int) and value >= _EARLIEST:
        at = _EPOCH + timedelta(microseconds=value)
    elif isinstance(value, str) and value.endswith("Z"):
        try:
            at = datetime.fromisoformat(value)
        except ValueError:
            return None
    return None if at is None else f"{at.astimezone(_ZONE):%Y-%m-%d %H:%M:%S}"


@cache
def sentences(language: str) -> dict[str, str]:
    """All sentences of one language, as they stand in its file."""
    loaded: dict[str, str] = json.loads((files(__name__) / f"{language}.json").read_text(encoding="utf-8"))
    return loaded


def extend(language: str, words: Mapping[str, str]) -> None:
    """Lend words of a domain pack to a language; a key of the file keeps its own."""
    _lent[language].update(words)


def _words(language: str) -> Mapping[str, str]:
    """The file's sentences, and behind them what packs have lent."""
    return ChainMap(sentences(language), _lent.get(language, {}))


def placeholders(sentence: str) -> frozenset[str]:
    """Names of the parameters that a sentence uses."""
    return frozenset(name for _, name, _, _ in Formatter().parse(sentence) if name is not None)
