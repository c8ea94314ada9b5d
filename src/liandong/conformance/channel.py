"""What every channel of delivery must keep, as small named functions.

`check_channel(make)` runs them all, each on a new subject; a test suite runs them one by one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from liandong.app.ports import Channel, OutboxRow
from liandong.conformance.store import equal, outbox_row
from liandong.core.values.lists import Outcome, Repeats

#: Digits that no network assigns; they must not be met in what is logged or stored beside an attempt.
ADDRESS = "000-5550143"
BAD_ADDRESSES = ("", " ", "\n\r\0", "电话", "x" * 10_000, "http://", "'; --", "\ud800", ADDRESS)


@dataclass
class Subject:
    """A channel with a receiver that works, another whose receiver does not, and what arrived."""

    channel: Channel
    broken: Channel
    #: By what the receiver can tell each arrival from others, repeats included, in order.
    arrived: Callable[[], list[str]]
    close: Callable[[], Any] = lambda: None


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
    equal(tried(subject.channel, delivery("a"))[:2], (Outcome.DELIVERED, False))
    equal(len(subject.arrived()), 1)


def a_receiver_that_is_gone_is_no_success(subject: Subject) -> None:
    """Failed or unknown, worth another try, and said, not raised."""
    outcome, recoverable, detail = tried(subject.broken, delivery("a"))
    if outcome == Outcome.DELIVERED or not recoverable or not detail:
        raise AssertionError(f"{outcome} {recoverable} {detail!r}")


def a_bad_address_is_no_error_of_ours(subject: Subject) -> None:
    """What is stored as somebody's address must not stop the deliveries to everybody else."""
    for number, address in enumerate(BAD_ADDRESSES):
        tried(subject.channel, delivery(f"b{number}"), address)
    equal(tried(subject.channel, delivery("good"))[0], Outcome.DELIVERED)


def odd_parameters_are_no_error_either(subject: Subject) -> None:
    """A template that has grown a parameter, or a value of another type, is delivered as it is."""
    for number, params in enumerate(({}, {"level": None}, {"level": 0.5, "asset": "x", "more": True})):
        equal(tried(subject.channel, delivery(f"p{number}", params=params))[0], Outcome.DELIVERED)
    equal(tried(subject.channel, delivery("t", template="tell.nobody_knows"))[0], Outcome.DELIVERED)


def the_detail_names_nobody(subject: Subject) -> None:
    """It is stored and logged: no address, no recipient."""
    row = delivery("a", recipient="person:p001")
    for channel in (subject.channel, subject.broken):
        for detail in (tried(channel, row)[2], tried(channel, row, "王小明 000-5550143")[2]):
            if ADDRESS in detail or "王小明" in detail or row.recipient in detail or len(detail) > 200:
                raise AssertionError(f"detail {detail!r}")


def a_repeat_can_be_told(subject: Subject) -> None:
    """The same delivery bears the same mark each time, and two deliveries never share one; by it a
    receiver drops repeats where the channel says so, and a person sees them where it does not."""
    for row in (delivery("a"), delivery("b"), delivery("a")):
        tried(subject.channel, row)
    marks = subject.arrived()
    if subject.channel.repeats == Repeats.DROPS and "" in marks:
        raise AssertionError("it says that repeats are dropped and gives nothing to drop them by")
    equal([mark == marks[0] for mark in marks], [True, False, True])


CHANNEL_CHECKS: tuple[Check, ...] = (
    it_says_what_it_is,
    it_delivers,
    a_receiver_that_is_gone_is_no_success,
    a_bad_address_is_no_error_of_ours,
    odd_parameters_are_no_error_either,
    the_detail_names_nobody,
    a_repeat_can_be_told,
)
