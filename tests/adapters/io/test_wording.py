"""Every template of a delivery in both languages: whole sentences, names instead of keys, no person in it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from liandong.adapters._io.wording import Wording
from liandong.app.deliveries import digest_of
from liandong.conformance.store import outbox_row
from liandong.core.values.lists import Mode
from liandong.texts import LANGUAGES, placeholders, sentences

TEMPLATES = sorted(key for key in sentences("zh") if key.startswith(("tell.", "notice.", "selftest.message")))
#: What a sender gives, whatever it is called; codes of closed lists where a text shows one.
GIVEN: dict[str, Any] = {
    "asset": "asset:pump", "unit": "unit:gas", "post": "post:gas.duty", "hazard": "gas_leak", "level": "II",
    "action": "arrive", "due": 1_780_000_000_000_000, "count": 3,
}  # fmt: skip
NAMES = {
    "asset:pump": {"zh": "三号泵站", "en": "pump no. 3"}, "unit:gas": {"zh": "燃气公司", "en": "gas company"},
    "post:gas.duty": {"zh": "燃气值班岗", "en": "gas duty"},
}  # fmt: skip
PERSONAL = {"name", "phone", "number", "address", "text", "person"}


def row(template: str, **fields: Any) -> Any:
    wanted = placeholders(sentences("zh")[template]) | placeholders(
        sentences("zh").get(f"title.{template}", "")
    )
    params = {name: GIVEN.get(name, 1) for name in wanted}
    made = outbox_row("out_abcdef", template=template, params=params, mode=Mode.REAL)
    return msgspec.structs.replace(made, **fields)


def wording(language: str) -> Wording:
    return Wording("zh", lambda person: language, lambda key, said: NAMES.get(key, {}).get(said, key))


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_template_is_whole_in_every_language(template: str, language: str) -> None:
    message = wording(language).of(row(template))
    assert message.language == language and message.title and message.body
    assert "⟦" not in message.whole and "\n" not in message.title and len(message.title) <= 60
    assert not any(key in message.whole for key in NAMES), "things bear their names"
    assert message.mark == "abcdef" and message.mark in message.marked
    if language == "en":
        own = message.whole
        for names in NAMES.values():
            own = own.replace(names["en"], "")
        assert not any("\u4e00" <= c <= "\u9fff" for c in own)


@pytest.mark.parametrize("template", TEMPLATES)
def test_no_template_asks_for_more_of_a_person_than_is_needed(template: str) -> None:
    asked = placeholders(sentences("zh")[template]) | placeholders(
        sentences("zh").get(f"title.{template}", "")
    )
    assert not asked & (PERSONAL - {"number"})


def test_a_title_belongs_to_a_template() -> None:
    titles = {key.removeprefix("title.") for key in sentences("zh") if key.startswith("title.")}
    assert titles <= {*TEMPLATES, "other"}


@pytest.mark.parametrize("mode", [mode for mode in Mode if mode != Mode.REAL])
def test_what_is_not_real_says_so_first(mode: Mode) -> None:
    for language, begin in (("zh", "【"), ("en", "[")):
        assert wording(language).of(row("tell.order", mode=mode)).title.startswith(begin)


def test_a_digest_lists_what_was_held_back_the_oldest_first() -> None:
    first = row("notice.inform", created=5, id="o1")
    second = row("notice.assist", created=3, id="o2")
    message = wording("zh").of(digest_of("demo", [first, second]))
    lines = message.body.splitlines()
    assert "2 条消息" in lines[0] and lines[1].startswith("1. 请配合") and lines[2].startswith("2. 知会")
    assert "三号泵站" in lines[1] and message.title == "免打扰期间的消息"


def test_without_a_choice_the_city_speaks_its_own_language() -> None:
    assert Wording("en").of(row("tell.order")).language == "en"
    assert Wording("en", lambda person: "zh").of(row("tell.order")).language == "zh"
