"""Texts: both languages say the same, and every key that the code uses has words that fit it."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from liandong.core.values.errors import BadInput
from liandong.texts import LANGUAGES, label, placeholders, sentences, text
from tests.texts.used import SOURCES, used_keys

_USES = used_keys()
_KEYS = sorted(set(sentences("zh")) | set(sentences("en")))


def test_both_languages_have_the_same_keys_in_order() -> None:
    zh, en = list(sentences("zh")), list(sentences("en"))
    assert zh == en == sorted(zh)


@pytest.mark.parametrize("key", _KEYS)
def test_both_languages_use_the_same_placeholders(key: str) -> None:
    zh, en = (sentences(language)[key] for language in LANGUAGES)
    assert placeholders(zh) == placeholders(en)
    assert all(re.fullmatch(r"[a-z_]+", name) for name in placeholders(zh))
    assert re.search(r"[\u4e00-\u9fff]", zh) and not re.search(r"[\u4e00-\u9fff]", en)


def _sentences_of(key: str, language: str) -> list[str]:
    """All sentences of a key; of one that is put together in the code, those that fit its pattern."""
    return [sentence for known, sentence in sentences(language).items() if fnmatchcase(known, key)]


def test_every_key_in_the_code_has_words() -> None:
    missing = sorted(
        f"{use.key} ({use.place}) {sorted(use.params or ())}"
        for use in _USES
        if not all(_sentences_of(use.key, language) for language in LANGUAGES)
    )
    assert not missing, "write these in src/liandong/texts/zh.json and en.json:\n" + "\n".join(missing)


def test_words_ask_only_for_what_the_code_gives() -> None:
    """Of a key that is put together, at least one sentence has to be content with what it gets."""
    wrong = [
        f"{use.key} ({use.place}) gives {sorted(use.params)}, its text asks for {asked}"
        for use in _USES
        if use.params is not None and (found := _sentences_of(use.key, "zh"))
        if not any(placeholders(sentence) <= use.params for sentence in found)
        if (asked := sorted(placeholders(found[0])))
    ]
    assert not wrong, "\n".join(wrong)


def test_closed_lists_have_the_words_that_stand_beside_them_in_the_code() -> None:
    """One place: the comment in lists.py and scales.py; the file repeats it for console and answers."""
    found = 0
    for name in ("lists", "scales"):
        listed = ""
        for line in (SOURCES / "core" / "values" / f"{name}.py").read_text(encoding="utf-8").splitlines():
            if line.startswith("class "):
                head = re.match(r"class (\w+)\(StrEnum\)", line)
                listed = re.sub(r"(?<!^)([A-Z])", r"_\1", head[1]).lower() if head else ""
            member = re.match(r'    [A-Z_0-9]+ = "([^"]+)"  #: (.+)', line)
            if listed and member:
                assert sentences("zh").get(f"label.{listed}.{member[1]}") == member[2], (listed, member[1])
                found += 1
    assert found > 100


def test_codes_are_put_into_words() -> None:
    params = {"action": "handle", "stage": "opened", "needed": "judge, push"}
    assert text("act.not_allowed", "zh", **params) == (
        "警情处于“已立案”状态，不能执行“处置”；目前需要：研判、推送。"
    )
    assert "judge, push" in text("act.not_allowed", "en", **params)
    missing = text("act.missing_field", "zh", action="handle", field="evidence")
    assert missing == "动作“处置”缺少必填项“现场证据”。请填写后再提交。"
    assert label("case_stage", "closed", "zh") == "已办结"
    assert label("case_stage", "no_such", "zh") == "no_such"


def test_a_moment_is_shown_on_the_clock_of_the_wall_with_its_zone() -> None:
    order = {"asset": "asset:a", "action": "arrive", "unit": "unit:gas"}
    said = text("tell.urge", "zh", due=1_780_000_000_000_000, **order)
    assert said.startswith("催办：asset:a 的“到场”尚未完成（北京时间 2026-05-29 04:26:40 到期），")
    assert "due at 2026-05-29 04:26:40 UTC+8" in text("tell.urge", "en", due=1_780_000_000_000_000, **order)
    assert "asset:a 的“到场”时限临近（3 到期）" in text("tell.remind", "zh", due=3, **order), "no moment"
    assert "北京时间 2026-05-29 04:26:40 起" in text(
        "why.finding",
        "zh",
        rule="r",
        version=1,
        channel="c",
        onset="2026-05-28T20:26:40Z",
        raised="x",
        value=1,
        limit=1,
    )


def test_a_hazard_is_named_where_its_name_is_known() -> None:
    assert "燃气泄漏" in text("notice.assist", "zh", asset="asset:a", hazard="gas_leak", level="II")
    assert "of_another_pack" in text(
        "notice.assist", "zh", asset="asset:a", hazard="of_another_pack", level="II"
    )


def test_every_template_of_a_delivery_can_be_filled_by_its_sender() -> None:
    joins = {"asset", "hazard", "level"}
    late = {"asset", "action", "clause", "due", "unit"}
    for kind in ("assist", "inform", "supervise"):
        assert placeholders(sentences("zh")[f"notice.{kind}"]) <= joins
    for kind in ("remind", "urge", "supervise", "take_over"):
        assert placeholders(sentences("zh")[f"tell.{kind}"]) <= late


def test_the_words_say_what_and_where() -> None:
    assert text("reading.missing_field", "zh", row=7, field="value") == (
        "第 7 行缺少字段“value”。请补齐后重新报送该行。"
    )
    assert "Row 7 lacks the field “value”" in text("reading.missing_field", "en", row=7, field="value")


def test_a_remedy_is_a_sentence_within_a_sentence() -> None:
    cell = {"file": "rules.csv", "row": 3, "column": "above", "value": "x"}
    said = text("city.bad_value", "zh", **cell, remedy="city.remedy.one_of", allowed="a, b")
    assert said == "rules.csv 第 3 行“above”的值“x”不可用。请从下列值中选择：a, b。"


def test_missing_words_show_the_key_and_never_fail() -> None:
    assert text("no.such", "zh") == "⟦no.such⟧"
    assert text("no.such", "en", row=7) == "⟦no.such⟧ row=7"
    assert "⟦row⟧" in text("reading.missing_field", "zh", field="value")
    assert text("case.unknown", "fr") == text("case.unknown", "zh")


def test_a_parameter_is_never_read_as_a_template() -> None:
    """What a device sent stands in the sentence as it came."""
    assert "{row.__class__}" in text("time.unreadable", "en", value="{row.__class__}")
    assert text("json.not_an_object", "en", row=1).count("{") == 1
    assert "–" in text("settings.file_unreadable", "en", path="x", problem=None)


def test_an_error_carries_what_its_words_need() -> None:
    error = BadInput("reading.unknown_channel", channel="channel:x", row=3)
    assert "⟦" not in text(error.key, "zh", **error.params)


def test_the_scan_finds_keys_however_they_are_given(tmp_path: Path) -> None:
    """Otherwise a green test would prove nothing."""
    (tmp_path / "a.py").write_text(
        "def because(key, **params): return Reason(key, params)\n"
        "def twice(key, **params): return because(key, **params)\n"
        "def on_failure(key, path): raise Fatal(key, path=str(path), errno=3)\n"
        "class A:\n"
        "    def stop(self, where, key): raise errors.Broken(key, where=where)\n"
        "def f(x):\n"
        "    raise BadInput('a.plain', row=1)\n"
        "    raise values.Conflict('a.left' if x else 'a.right')\n"
        "    raise NotFound({1: 'a.one', 2: 'a.two'}[x], **more)\n"
        "    twice('a.handed', p=1)\n"
        "    on_failure('a.wrapped', x)\n"
        "    A().stop(x, 'a.method')\n"
        "    Reason(key='a.named', params={'q': 1})\n"
        "    Reason('a.table', {'q': 1})\n"
        "    Deliver(order='o', template='a.sent', params={'q': 1})\n"
        "    raise BadInput(f'a.{x}_twice', value=x)\n"
        "    text('a.said', language, n=1)\n"
        "    yield say('a.lent', n=1)\n"
        "    B().note(x, 'a.second_place')\n"
        "class A2:\n"
        "    def note(self, where, key): raise BadInput(key, where=where)\n"
        "class B:\n"
        "    def note(self, one, two, key, **params): return Reason(key, params)\n"
        "def problem(request, key, params, **headers): return text(key, 'zh', **params)\n"
        "def g(): problem(r, 'a.hidden', {})\n"
        "class Stuck(LiandongError): pass\n"
        "def h(x):\n"
        "    raise Stuck('a.own_error')\n"
        "    raise (Busy if x else BadInput)('a.either', status=x)\n",
        encoding="utf-8",
    )
    found = {use.key: use.params for use in used_keys(tmp_path)}
    assert found == {
        "a.plain": {"row"},
        "a.left": set(),
        "a.right": set(),
        "a.one": None,
        "a.two": None,
        "a.handed": {"p"},
        "a.wrapped": {"path", "errno"},
        "a.method": {"where"},
        "a.named": {"q"},
        "a.table": {"q"},
        "a.sent": {"q"},
        "a.*_twice": {"value"},
        "a.said": {"n"},
        "a.lent": {"n"},
        "a.second_place": {"where"},
        "a.hidden": None,
        "a.own_error": set(),
        "a.either": {"status"},
    }
