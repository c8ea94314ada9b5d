"""A delivery in words: title and body in the receiver's language, with a mark by which repeats are told.

It says what is to be done about which thing and by when. Names and numbers of people are not in it:
whoever may see them finds them on the case's page.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from liandong.app.ports import Digest, OutboxRow
from liandong.core.values.lists import Mode
from liandong.texts import LANGUAGES, label, sentences, text

#: Parameters that hold the key of a thing that has a name of its own.
_NAMED = ("asset", "unit", "post", "area")
#: Characters of a delivery's id that a person can compare.
_MARK = 6


@dataclass(frozen=True, slots=True)
class Message:
    """What a person reads."""

    language: str
    title: str
    body: str
    mark: str

    @property
    def whole(self) -> str:
        """Title, body and mark in one, for a channel that has no titles."""
        return f"{self.title}\n{self.marked}"

    @property
    def marked(self) -> str:
        """The body with the mark under it."""
        return f"{self.body}\n{text('message.mark', self.language, mark=self.mark)}"


def _title(template: str) -> str:
    """The key of a template's title; of those that have none of their own the common one."""
    key = f"title.{template}"
    return key if key in sentences(LANGUAGES[0]) else "title.other"


class Wording:
    """Puts deliveries into words; `language_of` a person may be empty, `name_of` a key may be the key."""

    def __init__(
        self,
        language: str = "zh",
        language_of: Callable[[str], str] = lambda person: "",
        name_of: Callable[[str, str], str] = lambda key, language: key,
    ) -> None:
        self._language, self._language_of, self._name_of = language, language_of, name_of

    def of(self, row: OutboxRow) -> Message:
        """The message of a delivery; one that gathers several lists them, the oldest first."""
        language = self._language_of(row.recipient) or self._language
        title = self._sentence(_title(row.template), row, language)
        if row.mode != Mode.REAL:
            mode = label("mode", row.mode, language)
            title = text("message.not_real", language, mode=mode, title=title)
        body = self._sentence(row.template, row, language)
        if isinstance(row, Digest):
            members = sorted(row.members, key=lambda member: (member.created, member.id))
            lines = [self._sentence(member.template, member, language) for member in members]
            body = "\n".join([body, *(f"{number}. {line}" for number, line in enumerate(lines, 1))])
        return Message(language, title, body, row.id[-_MARK:])

    def _sentence(self, key: str, row: OutboxRow, language: str) -> str:
        named = {
            name: self._name_of(value, language) if name in _NAMED and isinstance(value, str) else value
            for name, value in row.params.items()
        }
        return text(key, language, **named)
