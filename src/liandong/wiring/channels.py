"""Ways to tell people: which there are by the settings, and in what words they speak."""

from __future__ import annotations

from collections.abc import Callable

from liandong.adapters._io.wording import Wording
from liandong.adapters.file import FileChannel
from liandong.app.clock import perf
from liandong.app.handle import Handler
from liandong.app.ports import Channel, Store
from liandong.app.settings import Settings

#: Seconds for which a person's choice of language is remembered.
_KEPT_S = 60.0


def delivery_channels(settings: Settings, wording: Wording | None = None) -> list[Channel]:
    """Those of the file of channels in its order, a webhook where one is set, and the file always.

    Raises BadInput for a file of channels that cannot be read.
    """
    found: list[Channel] = []
    words = wording or Wording(settings.language)
    if settings.channels_file:
        from liandong.adapters.notify import open_channels
        from liandong.adapters.voice import from_file

        found += open_channels(settings.channels_file, words)
        found += from_file(settings.channels_file, words)
    if settings.webhook_url and "webhook" not in {channel.name for channel in found}:
        from liandong.adapters.webhook import WebhookChannel

        found.append(WebhookChannel(str(settings.webhook_url), words))
    return [*found, FileChannel(settings.outbox_file, words)]


def wording_of(settings: Settings, store: Store, handler: Handler) -> Wording:
    """Words in the language that a person has chosen, with the names that things have in the city."""

    def name_of(key: str, language: str) -> str:
        city = handler.policy.city
        thing = city.assets.get(key) or city.units.get(key)
        if thing is not None:
            return (thing.name_en if language == "en" else "") or thing.name_zh or key
        post = city.posts.get(key)
        return key if post is None else (post.title_en if language == "en" else "") or post.title_zh

    return Wording(settings.language, _languages(store), name_of)


def _languages(store: Store) -> Callable[[str], str]:
    chosen: dict[str, str] = {}
    until = 0.0

    def language_of(person: str) -> str:
        nonlocal chosen, until
        if perf() >= until:
            chosen = {account.person: account.language for account in store.accounts()}
            until = perf() + _KEPT_S
        return chosen.get(person, "")

    return language_of
