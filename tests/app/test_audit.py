"""The auditor: a life by the book is clean; each thing that may go wrong is found, and by its name."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import pytest

from liandong.app.audit import DELIVERY_GRACE, GRACE, AuditReport, audit_cases
from liandong.core.values.case_events import DeliveryRecorded, Escalated, TimerSpent
from liandong.core.values.events import record_event
from liandong.core.values.journal import Entry, EntryKind, Versions
from liandong.core.values.lists import Mode, Outcome
from liandong.core.values.times import HOUR, MINUTE
from tests.core.world import HIGH, Life, make_policy

replace = msgspec.structs.replace


@dataclass
class Record:
    """Entries of one case, as its journal would hold them."""

    entries: list[Entry]
    now: int

    def audit(self) -> AuditReport:
        policy = make_policy()
        return audit_cases([("c", iter(self.entries))], lambda versions: policy, self.now)

    def kinds(self) -> set[str]:
        return {finding.kind for finding in self.audit().findings}


def told(entry: Entry) -> Entry:
    """The same with every effect delivered at once."""
    done = [
        record_event(
            DeliveryRecorded(
                case=e.case, order=e.order, attempt="a", number=1, recipient=e.recipient, channel=e.channel,
                outcome=Outcome.DELIVERED, at=entry.now,
            )
        )
        for e in entry.effects
    ]  # fmt: skip
    return replace(entry, events=(*entry.events, *done))


def life(hours: float = 6, delivered: bool = True) -> Record:
    """A case that nobody works on: every escalation comes, one after the other."""
    made = Life()
    made.find(HIGH)
    for _ in range(int(hours * 60)):
        made.wait(MINUTE)
    entries = [
        Entry(
            kind=EntryKind.DECISION, stream=one.stream, now=one.now, mode=Mode.REAL, versions=Versions(),
            reason=one.decision.reason, events=tuple(record_event(e) for e in one.decision.events),
            effects=one.decision.effects,
        )
        for one in made.made
        if one.stream.startswith("case:")
    ]  # fmt: skip
    return Record([told(entry) for entry in entries] if delivered else entries, made.now)


def types(entry: Entry) -> set[str]:
    return {record.type for record in entry.events}


def test_a_life_by_the_book_is_clean_and_everything_is_counted():
    report = life().audit()
    assert report.findings == ()
    assert report.happened == report.moments > 3 and report.told > 2
    assert report.latest_us <= MINUTE


def test_a_moment_that_nobody_met_is_missed():
    record = life()
    spent = [n for n, entry in enumerate(record.entries) if "TimerSpent" in types(entry)]
    del record.entries[spent[0]]
    assert "missed" in record.kinds()


def test_one_that_came_too_late_or_too_early_is_found():
    for by, kind in ((GRACE + MINUTE, "missed"), (-5 * MINUTE, "early")):
        record = life()
        for n, entry in enumerate(record.entries):
            if "TimerSpent" in types(entry):
                record.entries[n] = replace(entry, now=entry.now + by)
                break
        assert kind in record.kinds()


def test_a_timer_that_told_nobody_is_silent():
    record = life()
    for n, entry in enumerate(record.entries):
        if "Escalated" in types(entry):
            kept = tuple(e for e in entry.events if e.type in (TimerSpent.__name__,))
            record.entries[n] = replace(entry, events=kept, effects=())
            break
    assert record.kinds() == {"silent"}
    record = life()
    for n, entry in enumerate(record.entries):
        if "Escalated" in types(entry):
            record.entries[n] = replace(entry, effects=(), events=tuple(
                e for e in entry.events if e.type != DeliveryRecorded.__name__))  # fmt: skip
            break
    assert record.kinds() == {"silent"}


@pytest.mark.parametrize("field", ["person", "post", "unit"])
def test_whoever_is_not_the_one_that_the_row_names_is_found(field):
    record = life()
    for n, entry in enumerate(record.entries):
        events = list(entry.events)
        for place, one in enumerate(events):
            if one.type != Escalated.__name__:
                continue
            data = msgspec.json.decode(one.data)
            data[field] = {"person": "person:nobody", "post": "post:fire.duty", "unit": "unit:fire"}[field]
            event = msgspec.convert(data, Escalated)
            events[place] = record_event(event)
            effects = tuple(msgspec.structs.replace(e, recipient=event.person) for e in entry.effects)
            record.entries[n] = replace(entry, events=tuple(events), effects=effects)
    assert "wrong_person" in record.kinds()


def test_news_that_no_channel_delivered_are_found_once_the_grace_is_over():
    record = life(delivered=False)
    assert "untold" in record.kinds()
    (late, *_) = [f for f in record.audit().findings if f.kind == "untold"]
    assert record.now - late.due > DELIVERY_GRACE
    early = Record([e for e in record.entries if e.now <= late.due], late.due + DELIVERY_GRACE // 2)
    assert "untold" not in early.kinds()


def test_what_was_done_in_time_calls_its_reminders_off():
    made = Life()
    made.find(HIGH)
    made.finish(made.case)
    entries = [
        told(
            Entry(
                kind=EntryKind.DECISION, stream=one.stream, now=one.now, mode=Mode.REAL, versions=Versions(),
                reason=one.decision.reason, events=tuple(record_event(e) for e in one.decision.events),
                effects=one.decision.effects,
            )
        )
        for one in made.made
        if one.stream.startswith("case:")
    ]  # fmt: skip
    report = Record(entries, made.now + 48 * HOUR).audit()
    assert report.findings == () and report.called_off > 3 and report.waiting == 0
