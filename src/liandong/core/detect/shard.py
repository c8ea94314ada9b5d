"""The shard operator: reading batches in, finding messages out, nothing else touched.

Detection is speculative. An in-order reading is evaluated at once on the provisional state. A late or
conflicting one sends its channel back to the settled checkpoint and runs the window again; because a
slot looks at one channel only, running the group's other channels again would repeat what they said.
When the frontier passes, what was decided before it is settled. Folding the same records in the same
order gives the same messages; the content of settled findings depends on the set of accepted readings
alone. Silence is judged by the same frontier: what a missing reading means is said when it has passed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from liandong.core.detect import kernel, snapshot
from liandong.core.detect.episodes import Book, Position, Span
from liandong.core.detect.frontier import Frontier
from liandong.core.detect.kernel import ALWAYS, NEVER, RAISE, Array
from liandong.core.detect.layout import Layout
from liandong.core.detect.operators import Operator
from liandong.core.detect.scorers import SCORERS, Kind, make_scorer
from liandong.core.detect.slots import Slots
from liandong.core.detect.standing import UNKNOWN, ChannelState, MemberState, RuleState
from liandong.core.detect.window import Columns, Taken, Window
from liandong.core.values.errors import NotFound
from liandong.core.values.findings import FindingMessage
from liandong.core.values.lists import Mode, OnSilence, Statistic
from liandong.core.values.readings import ReadingBatch
from liandong.core.values.rules import ChannelRow, Rule, SourceTerms


class IntakeCounts(msgspec.Struct, frozen=True, array_like=True):
    """What became of rows; each is counted once, so received = the sum of the others."""

    received: int = 0
    accepted: int = 0
    duplicate: int = 0  #: same channel, time and value: dropped
    conflict: int = 0  #: another value at a time already taken: one of the two stays
    too_late: int = 0
    unusable: int = 0  #: not a number, out of range, in the future, or of an unknown channel or source

    def __add__(self, other: IntakeCounts) -> IntakeCounts:
        pairs = zip(msgspec.structs.astuple(self), msgspec.structs.astuple(other), strict=True)
        return IntakeCounts(*(one + two for one, two in pairs))


@dataclass(frozen=True, slots=True)
class Detected:
    """Messages by (group, channel, rule, time); quality per input row, ours added to what came."""

    messages: tuple[FindingMessage, ...]
    quality: npt.NDArray[np.uint32]
    counts: IntakeCounts


class Shard:
    """Detects on some channels. Not thread-safe; the caller decides what a record is and in which order."""

    def __init__(
        self,
        channels: Iterable[ChannelRow],
        rules: Iterable[Rule],
        sources: Iterable[SourceTerms],
        city: str,
        mode: Mode,
        kinds: Mapping[str, Kind] = SCORERS,
    ) -> None:
        self._layout = Layout.of(channels, rules, sources, kinds)
        self._city, self._mode = city, mode
        self._source_at = {source.key: index for index, source in enumerate(self._layout.sources)}
        self._channel_at = {row.key: index for index, row in enumerate(self._layout.channels)}
        self._window = Window(self._layout)
        self._frontier = Frontier(self._layout)
        self._book = Book(self._layout, city, mode)
        self._settled = Slots.fresh(self._layout)
        self._provisional = Slots.fresh(self._layout)
        self._operators = [
            Operator(place, rule, make_scorer(rule, len(place.members), kinds))
            for place in self._layout.places
            for rule in (self._layout.rules[place.rule],)
        ]
        self._operators_of: dict[int, list[Operator]] = {}
        for operator in self._operators:
            group = int(self._layout.group_of[operator.place.channel])
            self._operators_of.setdefault(group, []).append(operator)
        self._timed = bool(len(self._layout.timed) or self._operators)
        self._totals: dict[str, IntakeCounts] = {
            source.key: IntakeCounts() for source in self._layout.sources
        }

    @classmethod
    def load(
        cls,
        data: bytes,
        channels: Iterable[ChannelRow],
        rules: Iterable[Rule],
        sources: Iterable[SourceTerms],
        city: str,
        mode: Mode,
        kinds: Mapping[str, Kind] = SCORERS,
    ) -> Shard:
        """A shard of these rows in the dumped state; raises Broken as `restore` does."""
        shard = cls(channels, rules, sources, city, mode, kinds)
        shard.restore(data)
        return shard

    @property
    def digest(self) -> str:
        """Hex digest of channels, rules and sources; a dump is only good for the same."""
        return self._layout.digest

    @property
    def scored(self) -> tuple[tuple[Rule, int], ...]:
        """(rule, number of members) wherever a rule looks at a group."""
        places = self._layout.places
        return tuple((self._layout.rules[place.rule], len(place.members)) for place in places)

    @property
    def totals(self) -> dict[str, IntakeCounts]:
        """Counts per source since the beginning, a copy."""
        return dict(self._totals)

    def process(self, batch: ReadingBatch, position: Position) -> Detected:
        """Take one batch, the log record at `position`. Never raises for what rows say."""
        source = self._source_at.get(batch.source)
        if source is None:
            return self._unknown(batch)
        front, terms = self._frontier, self._layout.sources[source]
        if not front.sent[source]:
            self._window.begin(source, front.reached)
        taken = self._window.take(
            batch, source, terms.lateness_us, terms.revision, front.reached, front.watermark, front.sent
        )
        self._settled.run(taken.passed)
        found = self._provisional.run(taken.fresh)
        said: dict[int, list[FindingMessage]] = {}
        self._tell_in_order(found, taken.disturbed, position, said)
        self._tell_again(taken.disturbed, position, said)
        self._keep(taken.passed)
        if len(taken.guested):
            front.join(source, taken.guested)
        touched = self._touched(taken)
        # Before time moves: a batch may bring a channel's last reading and the end of its silence at once.
        self._set_timers(touched.tolist())
        due = front.move(source, taken.watermark, taken.heard)
        self._operate(due, touched, position, said)
        self._settle(due, position, said)
        self._set_timers((*due, *touched.tolist()))
        counts = IntakeCounts(len(batch), *taken.counts)
        self._totals[batch.source] += counts
        return Detected(_in_order(said), taken.quality, counts)

    def advance(self, source: str, watermark: int, position: Position) -> Detected:
        """Move a silent source's watermark (microseconds, never back): the log record at `position`."""
        said: dict[int, list[FindingMessage]] = {}
        index = self._source_at.get(source)
        if index is not None:
            due = self._frontier.move(index, watermark, False)
            self._operate(due, (), position, said)
            self._settle(due, position, said)
            self._set_timers(due)
        return Detected(_in_order(said), np.zeros(0, dtype=np.uint32), IntakeCounts())

    def due_advances(self, now: int) -> tuple[tuple[str, int], ...]:
        """(source, watermark) for `advance` at the tick `now`, microseconds. Changes nothing.

        A silent source is moved to now − lateness − idle when that settles a finding or is what a timer
        of a silent channel waits for, or, once per idle time, when it holds back a group in which another
        source goes on.
        """
        keys = self._layout.sources
        return tuple((keys[index].key, moment) for index, moment in self._frontier.due_advances(now))

    def explain(self, channel: str) -> ChannelState:
        """How each rule stands on a channel; raises NotFound for a slug that is not of this shard."""
        index = self._channel_at.get(channel)
        if index is None:
            raise NotFound("detect.channel_unknown", channel=channel)
        head = self._window.channels[index]
        heard = head["last_time"] != NEVER
        first, last = self._layout.offsets[index], self._layout.offsets[index + 1]
        frontier = int(self._frontiers(np.array([index]))[0])
        silent = frontier - int(head["last_time"]) if heard else None
        rules = [self._rule_state(slot, silent) for slot in range(first, last)]
        rules += [
            self._group_state(operator) for operator in self._operators if operator.place.channel == index
        ]
        return ChannelState(
            channel=channel,
            group=self._layout.channels[index].group,
            last_time=int(head["last_time"]) if heard else None,
            last_value=float(head["last_value"]) if heard else None,
            frontier=_moment(frontier),
            rules=tuple(rules),
            unknown=not heard or any(self._says_unknown(rule) for rule in rules),
        )

    @property
    def channels(self) -> tuple[ChannelRow, ...]:
        """The rows in the order in which the shard keeps them."""
        return tuple(self._layout.channels)

    def heads(self) -> tuple[Array, Array]:
        """Newest accepted time (microseconds, `NEVER` before the first) and value of each of `channels`.

        Copies; any thread may look: each element is whole, though the two may be of one reading and the
        next.
        """
        heads = self._window.channels
        return heads["last_time"].copy(), heads["last_value"].copy()

    def newest(self, channel: str) -> tuple[int, float] | None:
        """Event time (microseconds) and value of a channel's newest accepted reading; any thread may ask."""
        index = self._channel_at.get(channel)
        if index is None:
            return None
        head = self._window.channels[index]
        return None if head["last_time"] == NEVER else (int(head["last_time"]), float(head["last_value"]))

    def dump(self) -> bytes:
        """The whole state, exact; equal states of equal shards give equal bytes."""
        return snapshot.pack(
            snapshot.Snapshot(
                version=snapshot.VERSION,
                digest=self.digest,
                city=self._city,
                mode=self._mode.value,
                settled=self._settled.dump(),
                provisional=self._provisional.dump(),
                window=self._window.dump(),
                watermark=self._frontier.watermark.tobytes(),
                sent=self._frontier.sent.tobytes(),
                reached=self._frontier.reached.tobytes(),
                members=self._frontier.members.tobytes(),
                operators=[operator.dump() for operator in self._operators],
                episodes=self._book.dump(),
                totals={key: msgspec.structs.astuple(counts) for key, counts in sorted(self._totals.items())},
            )
        )

    def restore(self, data: bytes) -> None:
        """Put a dumped state in place of this one; raises Broken, changing nothing, when it does not fit."""
        state = snapshot.unpack(data, self.digest, self._city, self._mode.value)
        self._window, self._frontier = Window(self._layout), Frontier(self._layout)
        self._settled.restore(state.settled)
        self._provisional.restore(state.provisional)
        self._window.restore(state.window)
        self._frontier.watermark[:] = np.frombuffer(state.watermark, dtype=np.int64)
        self._frontier.sent[:] = np.frombuffer(state.sent, dtype=np.bool_)
        self._frontier.reached[:] = np.frombuffer(state.reached, dtype=np.int64)
        self._frontier.set_members(np.frombuffer(state.members, dtype=np.int32).reshape(-1, 2).copy())
        for operator, parts in zip(self._operators, state.operators, strict=True):
            operator.restore(parts)
        self._book.restore(state.episodes)
        for slot in self._book.slots():
            self._await(slot)
        self._set_timers(range(len(self._layout.groups)))
        self._totals = {key: IntakeCounts(*counts) for key, counts in state.totals.items()}

    def _tell_in_order(
        self, found: Array, disturbed: Array, position: Position, said: dict[int, list[FindingMessage]]
    ) -> None:
        """Say what in-order readings changed; a disturbed channel is told by its second run alone."""
        if len(disturbed) and len(found):
            found = found[~np.isin(self._layout.slot_channel[found["slot"]], disturbed)]
        for slot, kind, _, onset, raised, value, ended, peak in found.tolist():
            if kind == RAISE:
                messages = self._book.begun(slot, Span(onset, raised, value), position)
            else:
                messages = self._book.ended(slot, ended, peak, position)
            said.setdefault(slot, []).extend(messages)
            self._await(slot)

    def _tell_again(
        self, disturbed: Array, position: Position, said: dict[int, list[FindingMessage]]
    ) -> None:
        """Run the windows of disturbed channels again from the checkpoint and correct what was said."""
        if not len(disturbed):
            return
        at = self._layout.offsets
        slots = np.concatenate([np.arange(at[c], at[c + 1]) for c in disturbed.tolist()])
        # What silence before the frontier has changed is settled, whether or not a timer has said so.
        self._expire(self._settled, np.intersect1d(slots, self._layout.timed))
        self._provisional.copy_from(self._settled, slots)
        found = self._provisional.run(self._window.gather(disturbed))
        runs: dict[int, list[tuple[int, ...]]] = {
            slot: [] for slot in slots[self._book.known[slots]].tolist()
        }
        for change in found.tolist():
            runs.setdefault(change[0], []).append(change)
        for slot, changes in sorted(runs.items()):
            closing, spans = _spans(changes)
            said.setdefault(slot, []).extend(self._book.reconcile(slot, closing, spans, position))
            self._await(slot)

    def _settle(self, groups: list[int], position: Position, said: dict[int, list[FindingMessage]]) -> None:
        """Settle, in groups whose frontier has moved past something awaited, all that it has passed."""
        at = self._layout.timed_at
        for group in groups:
            if at[group] < at[group + 1]:
                timed = self._layout.timed[at[group] : at[group + 1]]
                self._tell_in_order(self._expire(self._provisional, timed), timed[:0], position, said)
            slots = [slot for slot in self._frontier.waiting(group) if slot < self._layout.offsets[-1]]
            frontiers = self._frontiers(self._layout.slot_channel[slots]).tolist()
            for slot, frontier in zip(slots, frontiers, strict=True):
                said.setdefault(slot, []).extend(self._book.settle(slot, frontier, position))
                self._await(slot)

    def _expire(self, slots: Slots, timed: Array) -> Array:
        """What silence alone has changed in some timed slots before their frontier; transitions."""
        return slots.expire(timed, self._frontiers(self._layout.slot_channel[timed]))

    def _touched(self, taken: Taken) -> npt.NDArray[np.int32]:
        """Groups to which a batch brought something, where silence or several channels matter."""
        if not self._timed:
            return np.zeros(0, dtype=np.int32)
        return np.unique(self._layout.group_of[np.concatenate([taken.fresh.channel, taken.disturbed])])

    def _keep(self, passed: Columns) -> None:
        """Give readings that leave the window to the operators of their groups."""
        if not self._operators or not len(passed.channel):
            return
        groups = self._layout.group_of[passed.channel]
        order = np.argsort(groups, kind="stable")
        found, first = np.unique(groups[order], return_index=True)
        for group, rows in zip(found.tolist(), np.split(order, first[1:]), strict=True):
            for operator in self._operators_of.get(group, ()):
                operator.keep(passed.take(rows))

    def _operate(
        self,
        due: Iterable[int],
        touched: Iterable[int],
        position: Position,
        said: dict[int, list[FindingMessage]],
    ) -> None:
        """Run the rules over some groups on from their checkpoints, and settle what they have settled."""
        if not self._operators:
            return
        for group in sorted({int(group) for group in (*due, *touched)} & self._operators_of.keys()):
            for operator in self._operators_of[group]:
                slot, members = operator.place.slot, operator.members
                frontiers = self._frontiers(members)
                frontier = int(frontiers[frontiers != NEVER].min(initial=ALWAYS))
                found = operator.evaluate(
                    self._window.gather(np.sort(members)), NEVER if frontier == ALWAYS else frontier
                )
                closing, spans = _spans(found.tolist())
                messages = self._book.reconcile(slot, closing, spans, position)
                messages += self._book.settle(slot, operator.reached, position)
                if messages:
                    said.setdefault(slot, []).extend(messages)
                self._await(slot)

    def _set_timers(self, groups: Iterable[int]) -> None:
        """Say anew what silence some groups wait for."""
        if not self._timed:
            return
        wanted = sorted(set(groups))
        timers = self._frontier.timers
        self._provisional.deadlines(np.array(wanted, dtype=np.int64), timers)
        for group in wanted if self._operators else ():
            for operator in self._operators_of.get(group, ()):
                timers[group] = min(timers[group], operator.awaits)

    def _await(self, slot: int) -> None:
        group = int(self._layout.group_of[self._layout.slot_channel[slot]])
        self._frontier.wait(group, slot, self._book.awaits(slot))

    def _frontiers(self, channels: Array) -> Array:
        front = self._frontier
        return self._window.frontiers(channels, front.reached, front.watermark, front.sent)

    def _says_unknown(self, state: RuleState) -> bool:
        rule = next(rule for rule in self._layout.rules if rule.key == state.rule)
        stale = rule.statistic is Statistic.STALE and state.phase in ("raised", "clearing")
        return stale or (rule.on_silence is OnSilence.UNKNOWN and state.phase == UNKNOWN)

    def _rule_state(self, slot: int, silent: int | None) -> RuleState:
        """How a rule stands on a channel that is known to be `silent` so many microseconds, None: unheard."""
        rule = self._layout.rules[self._layout.slot_rule[slot]]
        lost = rule.on_silence is OnSilence.UNKNOWN and silent is not None and silent > rule.silence_us
        records = self._provisional.records[slot], self._settled.records[slot]
        return self._state_of(slot, *records, silent is None or lost)

    def _group_state(self, operator: Operator) -> RuleState:
        record, settled, score, members = operator.explain()
        state = self._state_of(operator.place.slot, record, settled, score is None or bool(operator.broken))
        keys = self._layout.channels
        seen = tuple(MemberState(channel=keys[c].key, time=at, value=value) for c, at, value in members)
        return msgspec.structs.replace(state, score=score, members=seen, broken=operator.broken)

    def _state_of(self, slot: int, record: Any, settled: Any, unknown: bool) -> RuleState:
        rule = self._layout.rules[self._layout.slot_rule[slot]]
        phase = kernel.phase_of(record)
        standing = self._book.standing(slot) if phase in ("raised", "clearing") else []
        return RuleState(
            rule=rule.key,
            version=rule.version,
            phase=UNKNOWN if unknown else phase,
            onset=_moment(record["onset"]),
            raised=_moment(record["raised"]),
            since=_moment(record["since"]),
            peak=None if phase == "normal" else float(record["peak"]),
            finding=standing[-1].id if standing else "",
            settled_phase=kernel.phase_of(settled),
        )

    def _unknown(self, batch: ReadingBatch) -> Detected:
        """A source outside the shard: nothing is used, everything is counted."""
        counts = IntakeCounts(received=len(batch), unusable=len(batch))
        self._totals[batch.source] = self._totals.get(batch.source, IntakeCounts()) + counts
        return Detected((), batch.quality.copy(), counts)


def _spans(changes: list[tuple[int, ...]]) -> tuple[tuple[int, float] | None, list[Span]]:
    """Transitions of one slot → how the episode before the window ended, and the episodes raised in it."""
    closing: tuple[int, float] | None = None
    spans: list[Span] = []
    for _, kind, _, onset, raised, value, ended, peak in changes:
        if kind == RAISE:
            spans.append(Span(onset, raised, value))
        elif spans:
            spans[-1].ended, spans[-1].peak = ended, peak
        else:
            closing = (ended, peak)
    return closing, spans


def _moment(at: int) -> int | None:
    return None if at == NEVER else int(at)


def _in_order(said: dict[int, list[FindingMessage]]) -> tuple[FindingMessage, ...]:
    """Slots are numbered by (group, channel, rule), and each slot was told in time order."""
    return tuple(message for _, messages in sorted(said.items()) for message in messages)
