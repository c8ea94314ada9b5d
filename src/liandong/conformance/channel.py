"""What every channel of delivery must keep, as small named functions.

`check_channel(make)` runs them all, each on a new subject; a test suite runs them one by one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from liandong.app.ports import Askable, Channel, OutboxRow
from liandong.conformance.store import equal, outbox_row
from liandong.core.values.lists import Outcome, Repeats

#: Digits that no network assigns; they must not be met in what is logged or stored beside an attempt.
ADDRESS = "000-5550143"
BAD_ADDRESSES = ("", " ", "\n\r\0", "电话", "x" * 10_000, "http://", "'; --", "\ud800", ADDRESS)


@dataclass
class Subject:
    """A channel with a receiver that works, others whose receivers do not, and what arrived."""

    channel: Channel
    broken: Channel
    #: By what the receiver can tell each arrival from others, repeats included, in order.
    arrived: Callable[[], list[str]]
    close: Callable[[], Any] = lambda: None
    #: How many messages a person has before them once the receiver has dropped what it drops; needed
    #: of a channel that declares `Repeats.DROPS`.
    shown: Callable[[], int] | None = None
    #: A channel whose receiver reads a message and dies before it answers, where there is such a thing.
    dying: Channel | None = None
    address: str = ADDRESS


Check = Callable[[Subject], None]


def check_channel(make: Callable[[], Subject]) -> None:
    """Run every check. Raises AssertionError naming the promise that is broken."""
    for check in CHANNEL_CHECKS:
        subject = make()
        try:
            check(subject)
        finally:
            subject.close()


def delivery(id: str, **fields: Any) -> OutboxRow:
    """A delivery with words, numbers and nothing among its parameters."""
    row = outbox_row(
        id, order=f"ord_{id}", template="tell.level_raised", params={"level": "II", "asset": "asset:泵"}
    )
    return msgspec.structs.replace(row, **fields)


def tried(channel: Channel, row: OutboxRow, address: str = ADDRESS) -> tuple[Outcome, bool, str]:
    """Send, and see that the answer is what the port says."""
    answer: Any = channel.send(row, address)
    if not (isinstance(answer, tuple) and len(answer) == 3):
        raise AssertionError(f"{answer!r} is no (outcome, recoverable, detail)")
    for value, kind in zip(answer, (Outcome, bool, str), strict=True):
        if not isinstance(value, kind):
            raise AssertionError(f"{value!r} is no {kind.__name__}")
    return answer[0], answer[1], answer[2]


# The checks


def it_says_what_it_is(subject: Subject) -> None:
    """A name, and how it treats repeats; policy says what an unknown outcome means by that."""
    if not subject.channel.name or subject.channel.repeats not in list(Repeats):
        raise AssertionError(f"{subject.channel.name!r} {subject.channel.repeats!r}")


def it_delivers(subject: Subject) -> None:
    """Delivered, and there is nothing to try again."""
    equal(tried(subject.channel, delivery("a"), subject.address)[:2], (Outcome.DELIVERED, False))
    equal(len(subject.arrived()), 1)


def a_receiver_that_is_gone_is_no_success(subject: Subject) -> None:
    """Failed or unknown, worth another try, and said, not raised."""
    outcome, recoverable, detail = tried(subject.broken, delivery("a"), subject.address)
    if outcome == Outcome.DELIVERED or not recoverable or not detail:
        raise AssertionError(f"{outcome} {recoverable} {detail!r}")


def a_bad_address_is_no_error_of_ours(subject: Subject) -> None:
    """What is stored as somebody's address must not stop the deliveries to everybody else."""
    for number, address in enumerate(BAD_ADDRESSES):
        tried(subject.channel, delivery(f"b{number}"), address)
    equal(tried(subject.channel, delivery("good"), subject.address)[0], Outcome.DELIVERED)


def odd_parameters_are_no_error_either(subject: Subject) -> None:
    """A template that has grown a parameter, or a value of another type, is delivered as it is."""
    for number, params in enumerate(({}, {"level": None}, {"level": 0.5, "asset": "x", "more": True})):
        row = delivery(f"p{number}", params=params)
        equal(tried(subject.channel, row, subject.address)[0], Outcome.DELIVERED)
    unknown = delivery("t", template="tell.nobody_knows")
    equal(tried(subject.channel, unknown, subject.address)[0], Outcome.DELIVERED)


def the_detail_names_nobody(subject: Subject) -> None:
    """It is stored and logged: no address, no recipient."""
    row = delivery("a", recipient="person:p001")
    channels = [subject.channel, subject.broken]
    channels += [subject.dying] if subject.dying is not None else []
    for channel in channels:
        for address in (subject.address, ADDRESS, "王小明 000-5550143"):
            detail = tried(channel, row, address)[2]
            named = any(name in detail for name in (address, ADDRESS, "王小明", row.recipient))
            if named or len(detail) > 200:
                raise AssertionError(f"detail {detail!r}")


def a_repeat_can_be_told(subject: Subject) -> None:
    """The same delivery bears the same mark each time, and two deliveries never share one; by it a
    receiver drops repeats where the channel says so, and a person sees them where it does not."""
    for row in (delivery("a"), delivery("b"), delivery("a")):
        tried(subject.channel, row, subject.address)
    marks = subject.arrived()
    if subject.channel.repeats == Repeats.DROPS and "" in marks:
        raise AssertionError("it says that repeats are dropped and gives nothing to drop them by")
    equal([mark == marks[0] for mark in marks], [True, False, True])


def repeats_are_treated_as_declared(subject: Subject) -> None:
    """A channel that drops repeats shows a person no message twice; one that can be asked knows what it
    has delivered and what it never heard of."""
    for row in (delivery("a"), delivery("b"), delivery("a")):
        tried(subject.channel, row, subject.address)
    if subject.channel.repeats == Repeats.DROPS:
        if subject.shown is None:
            raise AssertionError("it says that repeats are dropped and nobody looks whether they are")
        equal(subject.shown(), 2)
    if subject.channel.repeats == Repeats.CAN_BE_ASKED:
        channel = subject.channel
        if not isinstance(channel, Askable):
            raise AssertionError("it says that it can be asked and has no `ask`")
        asked = [channel.ask(delivery(id, attempts=1)) for id in ("a", "b", "c")]
        equal(asked, [Outcome.DELIVERED, Outcome.DELIVERED, Outcome.FAILED])


def a_lost_answer_is_unknown(subject: Subject) -> None:
    """The receiver has read it and died: neither delivered nor failed."""
    if subject.dying is not None:
        equal(tried(subject.dying, delivery("a"), subject.address)[0], Outcome.UNKNOWN)


CHANNEL_CHECKS: tuple[Check, ...] = (
    it_says_what_it_is,
    it_delivers,
    a_receiver_that_is_gone_is_no_success,
    a_bad_address_is_no_error_of_ours,
    odd_parameters_are_no_error_either,
    the_detail_names_nobody,
    a_repeat_can_be_told,
    repeats_are_treated_as_declared,
    a_lost_answer_is_unknown,
)
