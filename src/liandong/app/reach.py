"""Whether news reaches anybody: the next channel where one gave up, and the word once none is left."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from liandong.app.deliveries import must_reach, reached_nobody, same_news, successor, to_a_person
from liandong.app.logs import get_logger
from liandong.app.ports import Channel, OutboxRow, Store
from liandong.app.writer import Writer
from liandong.core.values.lists import Outcome

log = get_logger("outbox")


class Reach:
    """Looks at deliveries that have ended; `watch` hears whether somebody was reached, once that is known."""

    def __init__(
        self,
        store: Store,
        writer: Writer,
        channels: Mapping[str, Channel],
        city: str,
        watch: Callable[[bool], None],
    ) -> None:
        self._store, self._writer, self._channels, self._city = store, writer, channels, city
        self._watch = watch

    def after(self, row: OutboxRow, now: int) -> list[OutboxRow]:
        """The same news over the next channel that the policy names and nobody has tried, if there is one."""
        if not to_a_person(row):
            return []
        named = self._writer.handler.policy.channels
        told = same_news(row, self._store.deliveries(row.case))
        following = successor(self._city, row, told, [c for c in self._channels if c in named], now)
        return [following] if following else []

    def settled(self, row: OutboxRow, outcome: Outcome) -> None:
        """A delivery has ended, and that is written down."""
        if not must_reach(row):
            return
        aside = self._aside()
        try:
            if outcome == Outcome.DELIVERED:
                if row.channel not in aside:
                    self._watch(True)
            elif reached_nobody(same_news(row, self._store.deliveries(row.case)), aside):
                log.error("outbox.nobody_reached", case=row.case, order=row.order)
                self._watch(False)
        except Exception as error:  # the delivery itself is settled
            log.error("outbox.watch_failed", error)

    def _aside(self) -> set[str]:
        """Channels that are only a record, as long as the policy names one that reaches people."""
        named = set(self._writer.handler.policy.channels) & set(self._channels)
        aside = {name for name in named if getattr(self._channels[name], "aside", False)}
        return aside if named - aside else set()
