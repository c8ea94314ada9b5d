"""Episodes: what was said of each slot, and what must be said when late data shows it differently.

An episode keeps the id under which it was first announced. A run of the kernel yields spans; matching
spans to episodes yields messages. In every stream of messages an id is announced, may be revised, ended
and reopened while it stands, and is ended only when open and reopened only when ended.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import numpy as np

from liandong.core.detect.kernel import ALWAYS
from liandong.core.detect.layout import Layout
from liandong.core.values.errors import Broken
from liandong.core.values.findings import (
    Finding,
    FindingEnded,
    FindingMessage,
    FindingReopened,
    FindingRetracted,
    FindingRevised,
    FindingSettled,
)
from liandong.core.values.ids import finding_id
from liandong.core.values.lists import FindingPart, Mode
from liandong.core.values.rules import ChannelRow, Rule

Position = tuple[int, int]


class Span(msgspec.Struct, array_like=True):
    """An episode as a run of the kernel saw it; `ended` and `peak` are None while it is open."""

    onset: int
    raised: int
    value: float
    ended: int | None = None
    peak: float | None = None


class Episode(msgspec.Struct, array_like=True):
    """What was last said under one id."""

    id: str
    named: int  #: the onset inside the id: that of the first announcement
    span: Span
    retracted: bool = False
    onset_settled: bool = False
    end_settled: bool = False

    @property
    def standing(self) -> bool:
        """Announced, not taken back, and not wholly settled."""
        return not self.retracted and not self.end_settled


class Book:
    """The episodes of all slots of a shard that can still change, or whose id must not be given again."""

    def __init__(self, layout: Layout, city: str, mode: Mode) -> None:
        self._layout, self._city, self._mode = layout, city, mode
        self._episodes: dict[int, list[Episode]] = {}
        #: Per slot: whether the book knows any episode of it; lets a caller select slots at once.
        self.known = np.zeros(len(layout.slot_rule), dtype=np.bool_)

    def standing(self, slot: int) -> list[Episode]:
        """The episodes of a slot that can still change, in time order."""
        return [episode for episode in self._episodes.get(slot, ()) if episode.standing]

    def awaits(self, slot: int) -> int:
        """The earliest moment whose passing would settle something of this slot; ALWAYS for none."""
        moment = ALWAYS
        for episode in self.standing(slot):
            if not episode.onset_settled:
                moment = min(moment, episode.span.raised)
            elif episode.span.ended is not None:
                moment = min(moment, episode.span.ended)
        return moment

    def begun(self, slot: int, span: Span, position: Position) -> list[FindingMessage]:
        """An in-order reading raised the slot."""
        return self._announce(slot, span, self._forgotten(slot, span.onset), position)

    def ended(self, slot: int, ended: int, peak: float, position: Position) -> list[FindingMessage]:
        """An in-order reading cleared the slot."""
        standing = self.standing(slot)
        if not standing or standing[-1].span.ended is not None:
            raise Broken("detect.end_without_episode", slot=slot)
        return self._end(slot, standing[-1], ended, peak, position)

    def reconcile(
        self, slot: int, closing: tuple[int, float] | None, spans: list[Span], position: Position
    ) -> list[FindingMessage]:
        """The window was run again: make what was said agree with `spans`, the episodes raised in it.

        `closing` is (ended, peak) where the window ends an episode that was raised before it began.
        Retractions come first; after the last message at most one finding of the slot is open.
        """
        standing = self.standing(slot)
        carried = standing.pop(0) if standing and standing[0].onset_settled else None
        if closing is not None and carried is None:
            raise Broken("detect.end_without_episode", slot=slot)
        matched = _match(standing, spans)
        kept = {id(episode) for episode in matched if episode is not None}
        messages: list[FindingMessage] = []
        for episode in standing:
            if id(episode) not in kept:
                messages += self._retract(slot, episode, position)
        if carried is not None:
            ended, peak = closing or (None, None)
            messages += self._end(slot, carried, ended, peak, position)
        for span, known in zip(spans, matched, strict=True):
            if known is None:
                messages += self._announce(slot, span, self._forgotten(slot, span.onset), position)
            else:
                messages += self._revise(slot, known, span, position)
        if slot in self._episodes:
            self._episodes[slot].sort(key=lambda episode: episode.span.onset)
        return messages

    def settle(self, slot: int, frontier: int, position: Position) -> list[FindingMessage]:
        """Everything decided strictly before `frontier` is final; what nobody can name again is dropped."""
        messages: list[FindingMessage] = []
        for episode in self.standing(slot):
            if not episode.onset_settled and episode.span.raised < frontier:
                episode.onset_settled = True
                messages.append(self._settled(slot, episode, FindingPart.ONSET, position))
            if episode.span.ended is not None and episode.span.ended < frontier:
                episode.end_settled = True
                messages.append(self._settled(slot, episode, FindingPart.END, position))
        self._put(
            slot,
            [
                episode
                for episode in self._episodes.get(slot, ())
                if episode.standing or max(episode.named, episode.span.onset) >= frontier
            ],
        )
        return messages

    def dump(self) -> list[tuple[int, list[Episode]]]:
        """All episodes by slot, ascending."""
        return sorted(self._episodes.items())

    def restore(self, rows: Iterable[tuple[int, list[Episode]]]) -> None:
        """The exact opposite of `dump`."""
        self._episodes.clear()
        self.known[:] = False
        for slot, episodes in rows:
            self._put(slot, episodes)

    def slots(self) -> list[int]:
        """The slots of which the book knows an episode, ascending."""
        return sorted(self._episodes)

    def _put(self, slot: int, episodes: list[Episode]) -> None:
        if episodes:
            self._episodes[slot] = episodes
        else:
            self._episodes.pop(slot, None)
        self.known[slot] = bool(episodes)

    def _forgotten(self, slot: int, onset: int) -> Episode | None:
        """A retracted episode that this onset brings back, rather one that was named so."""
        gone = [episode for episode in self._episodes.get(slot, ()) if episode.retracted]
        named = [episode for episode in gone if episode.named == onset]
        return next(iter(named or [episode for episode in gone if episode.span.onset == onset]), None)

    def _announce(
        self, slot: int, span: Span, again: Episode | None, position: Position
    ) -> list[FindingMessage]:
        rule, channel = self._names(slot)
        if again is None:
            again = self._new(slot, span)
            self._put(slot, [*self._episodes.get(slot, ()), again])
        else:
            again.retracted = False
            again.span = Span(span.onset, span.raised, span.value)
            self._episodes[slot].remove(again)
            self._episodes[slot].append(again)
        found = Finding(
            id=again.id,
            rule=rule.key,
            rule_version=rule.version,
            hazard=rule.hazard,
            severity=rule.severity,
            channel=channel.key,
            group=channel.group,
            onset=span.onset,
            raised=span.raised,
            value=span.value,
            limit=rule.raise_at,
            position=position,
        )
        return [found, *self._end(slot, again, span.ended, span.peak, position)]

    def _new(self, slot: int, span: Span) -> Episode:
        """A fresh id; where a settled episode was once named after this very onset, the next free moment."""
        rule, channel = self._names(slot)
        taken = {episode.named for episode in self._episodes.get(slot, ())}
        named = span.onset
        while named in taken:
            named += 1
        name = finding_id(self._city, self._mode, rule.key, channel.key, channel.group, named)
        return Episode(name, named, Span(span.onset, span.raised, span.value))

    def _retract(self, slot: int, episode: Episode, position: Position) -> list[FindingMessage]:
        rule, channel = self._names(slot)
        episode.retracted = True
        return [FindingRetracted(id=episode.id, rule=rule.key, channel=channel.key, position=position)]

    def _revise(self, slot: int, episode: Episode, span: Span, position: Position) -> list[FindingMessage]:
        rule, channel = self._names(slot)
        said, messages = episode.span, list[FindingMessage]()
        changed = (said.onset, said.raised, said.value) != (span.onset, span.raised, span.value)
        said.onset, said.raised, said.value = span.onset, span.raised, span.value
        if changed:
            messages.append(
                FindingRevised(
                    id=episode.id,
                    rule=rule.key,
                    channel=channel.key,
                    onset=span.onset,
                    raised=span.raised,
                    value=span.value,
                    position=position,
                )
            )
        return messages + self._end(slot, episode, span.ended, span.peak, position)

    def _end(
        self, slot: int, episode: Episode, ended: int | None, peak: float | None, position: Position
    ) -> list[FindingMessage]:
        """Say that an episode ended, did not end after all, or ended otherwise than said."""
        said, messages = episode.span, list[FindingMessage]()
        if (said.ended, said.peak) == (ended, peak):
            said.peak = peak
            return messages
        rule, channel = self._names(slot)
        if said.ended is not None:
            messages.append(
                FindingReopened(id=episode.id, rule=rule.key, channel=channel.key, position=position)
            )
        if ended is not None and peak is not None:
            messages.append(
                FindingEnded(
                    id=episode.id,
                    rule=rule.key,
                    channel=channel.key,
                    ended=ended,
                    peak=peak,
                    position=position,
                )
            )
        said.ended, said.peak = ended, peak
        return messages

    def _settled(self, slot: int, episode: Episode, part: FindingPart, position: Position) -> FindingSettled:
        rule, channel = self._names(slot)
        whole = part is FindingPart.END
        return FindingSettled(
            id=episode.id,
            rule=rule.key,
            channel=channel.key,
            part=part,
            onset=episode.span.onset,
            raised=episode.span.raised,
            value=episode.span.value,
            ended=episode.span.ended if whole else None,
            peak=episode.span.peak if whole else None,
            position=position,
        )

    def _names(self, slot: int) -> tuple[Rule, ChannelRow]:
        return (
            self._layout.rules[self._layout.slot_rule[slot]],
            self._layout.channels[self._layout.slot_channel[slot]],
        )


def _match(standing: list[Episode], spans: list[Span]) -> list[Episode | None]:
    """For each span the standing episode that it continues: the one named after its onset, else overlapping.

    Names go first, or a new finding could be given an id that another one bears.
    """
    by_name = {episode.named: episode for episode in standing}
    matched = [by_name.get(span.onset) for span in spans]
    taken = {id(episode) for episode in matched if episode is not None}
    for index, span in enumerate(spans):
        if matched[index] is None:
            for episode in standing:
                if id(episode) not in taken and _overlap(episode.span, span):
                    matched[index] = episode
                    taken.add(id(episode))
                    break
    return matched


def _overlap(one: Span, other: Span) -> bool:
    """Whether two spans share a moment, an open one lasting for ever."""
    one_end = ALWAYS if one.ended is None else one.ended
    other_end = ALWAYS if other.ended is None else other.ended
    return one.onset <= other_end and other.onset <= one_end
