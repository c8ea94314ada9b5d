"""What the journal of a run with kills has to say: told from the entries alone, not from what was seen.

An escalation is due when its timer is. Each timer that was set must have been spent exactly once by the
end, unless something that was admitted before its moment, or another timer, took it away.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from liandong.app.handle import read_message
from liandong.app.ports import Store
from liandong.app.rebuild import rebuild
from liandong.app.verify import verify
from liandong.core.values.case import CaseState, Timer
from liandong.core.values.case_events import Escalated, TimerSpent
from liandong.core.values.events import evolve, read_event
from liandong.core.values.journal import Entry, EntryKind, JournalRow, read_entry
from liandong.core.values.messages import Act

_PAGE = 5_000
_SHOWN = 20


@dataclass
class Proof:
    """Counts, and what is wrong; nothing wrong is what is to be shown."""

    entries: int = 0
    cases: int = 0
    timers_set: int = 0
    timers_spent: int = 0
    taken_away_before_due: int = 0
    taken_away_by_a_timer: int = 0
    still_to_come: int = 0
    escalations: int = 0
    acts_acknowledged: int = 0
    acts_admitted: int = 0
    wrong: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)

    def blame(self, what: str, where: str) -> None:
        """Something that must not be."""
        self.wrong[what] += 1
        if len(self.examples) < _SHOWN:
            self.examples.append(f"{what}: {where}")


def prove(store: Store, acknowledged: Mapping[str, str], end: int) -> dict[str, Any]:
    """The report over a store that nobody writes any more; `acknowledged` are ids of acts that were
    answered, `end` is the last moment that was admitted."""
    proof = Proof(acts_acknowledged=len(acknowledged))
    states: dict[str, CaseState] = {}
    causes: dict[int, str] = {}
    acts: Counter[str] = Counter()
    escalated: Counter[tuple[str, str, str]] = Counter()
    for row in _rows(store):
        proof.entries += 1
        entry = read_entry(row.body)
        if entry.kind == EntryKind.ADMISSION and entry.message is not None:
            causes[entry.admission] = entry.message.type
            if entry.message.type == "Act":
                message = read_message(entry.message)
                assert isinstance(message, Act)
                acts[message.id] += 1
        elif row.stream.startswith("case:") and entry.events:
            _follow(proof, states, escalated, row.stream, entry, causes.get(entry.admission, ""))
    for case in states.values():
        for timer in case.timers.values():
            if timer.due <= end:
                proof.blame("a timer was due and never fired", f"{case.id} {timer.clock} {timer.moment}")
            else:
                proof.still_to_come += 1
    proof.escalations = sum(escalated.values())
    for key, count in escalated.items():
        if count != 1:
            proof.blame("an escalation happened more than once", " ".join(key))
    for id in acknowledged:
        if acts[id] != 1:
            proof.blame("an acknowledged act is not in the journal exactly once", f"{id} {acts[id]}")
    for id, count in acts.items():
        if count > 1:
            proof.blame("an act was admitted twice", f"{id} {count}")
    proof.cases, proof.acts_admitted = len(states), len(acts)
    return _report(store, proof)


def _follow(
    proof: Proof,
    states: dict[str, CaseState],
    escalated: Counter[tuple[str, str, str]],
    stream: str,
    entry: Entry,
    cause: str,
) -> None:
    """Fold one entry of a case, and look at what became of its timers."""
    before = states.get(stream, CaseState())
    after, spent, known = before, set(), dict(before.timers)
    for record in entry.events:
        event = read_event(record)
        after = evolve(stream, after, event)
        known |= after.timers
        if isinstance(event, TimerSpent):
            if event.timer in spent or event.timer not in known:
                proof.blame("a timer was spent twice", f"{stream} {event.timer}")
            spent.add(event.timer)
        elif isinstance(event, Escalated):
            escalated[event.case, event.clock or event.order, event.row] += 1
    states[stream] = after
    proof.timers_set += len(after.timers.keys() - before.timers.keys())
    proof.timers_spent += len(spent)
    for id in before.timers.keys() - after.timers.keys() - spent:
        _taken_away(proof, stream, before.timers[id], entry, cause)


def _taken_away(proof: Proof, stream: str, timer: Timer, entry: Entry, cause: str) -> None:
    if timer.due > entry.now:
        proof.taken_away_before_due += 1
    elif cause == "TimerFired":
        proof.taken_away_by_a_timer += 1
    else:
        proof.blame("what was due was overtaken", f"{stream} {timer.moment} by {cause}")


def _report(store: Store, proof: Proof) -> dict[str, Any]:
    checked = verify(store, public_keys=None, anchors=[], inside=Path("."))
    folded = rebuild(store)
    dead = store.questions.counts()["dead"] if hasattr(store, "questions") else 0
    counts = {
        name: getattr(proof, name)
        for name in (
            "entries", "cases", "timers_set", "timers_spent", "taken_away_before_due",
            "taken_away_by_a_timer", "still_to_come", "escalations", "acts_acknowledged", "acts_admitted",
        )
    }  # fmt: skip
    return {
        **counts,
        "verify_findings": checked.found.total(),
        "rebuild_differences": len(folded.differences),
        "dead_letters": dead,
        "wrong": dict(proof.wrong),
        "examples": proof.examples,
        "proven": not proof.wrong and not checked.found.total() and not folded.differences and not dead,
    }


def _rows(store: Store) -> Iterator[JournalRow]:
    after = 0
    while rows := store.entries(after, _PAGE):
        after = rows[-1].position
        yield from rows
