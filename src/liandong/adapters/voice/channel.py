"""Calls as deliveries: rung, waited for, and delivered only where somebody answered."""

from __future__ import annotations

import re
import threading
from pathlib import Path

import httpx

from liandong.adapters._io.channelfile import checked, read_rows
from liandong.adapters._io.wording import Wording
from liandong.adapters.voice.gateway import CtiGateway, Exchange
from liandong.app.clock import perf
from liandong.app.ports import BY, CallState, OutboxRow, VoiceCall
from liandong.core.values.errors import BadInput
from liandong.core.values.lists import CallOutcome, Outcome, Repeats
from liandong.core.values.quiet import VOICE

Answer = tuple[Outcome, bool, str]
#: Who took a call may be stored: a key of ours or an extension, never a whole number.
_WHO = re.compile(r"(person|post):[\w.\-]{1,60}|[0-9]{1,6}")
_NUMBER = re.compile(r"\+?[0-9][0-9\- ]{1,30}")


class VoiceChannel:
    """Rings; as many calls at the same time as the exchange has lines for us.

    Nobody answering is not tried again here: how often and whom to ring, the rows of the mechanism say.
    """

    name = VOICE
    repeats = Repeats.CAN_BE_ASKED

    def __init__(
        self,
        exchange: VoiceCall,
        wording: Wording,
        *,
        lines: int = 4,
        system: str = "phone",
        patience_s: float = 60.0,
        poll_s: float = 1.0,
    ) -> None:
        self._exchange, self._wording = exchange, wording
        self.lines, self.system = lines, system
        self._patience_s, self._poll_s = patience_s, poll_s
        self._stopping = threading.Event()

    def send(self, row: OutboxRow, address: str) -> Answer:
        """Ring once and wait until it is answered, given up or lost from sight."""
        number = address.strip()
        if not _NUMBER.fullmatch(number):
            return Outcome.FAILED, False, "no address"
        message = self._wording.of(row)
        call = _call(row, row.attempts)
        try:
            state = self._exchange.ring(call, number, f"{message.title}。{message.body}", message.language)
        except BadInput:
            return Outcome.FAILED, False, "call refused"
        except ConnectionRefusedError:
            return Outcome.FAILED, True, "exchange not reached"
        except OSError as error:
            return Outcome.UNKNOWN, True, type(error).__name__
        return self._wait(call, state)

    def _wait(self, call: str, state: CallState | None) -> Answer:
        deadline = perf() + self._patience_s
        while state is None or state.outcome == CallOutcome.RINGING:
            if perf() > deadline or self._stopping.wait(self._poll_s):
                return Outcome.UNKNOWN, True, "still ringing"
            try:
                state = self._exchange.state(call)
            except (OSError, BadInput):
                continue  # the call goes on without us; what came of it is asked again
        return _answer(state)

    def ask(self, row: OutboxRow) -> Outcome:
        """What came of the newest call of a delivery."""
        try:
            state = self._exchange.state(_call(row, max(row.attempts - 1, 0)))
        except (OSError, BadInput):
            return Outcome.UNKNOWN
        if state is None:
            return Outcome.FAILED
        return Outcome.UNKNOWN if state.outcome == CallOutcome.RINGING else _answer(state)[0]

    def close(self) -> None:
        """Wait for no call any more; what is ringing goes on ringing and is asked for at the next start."""
        self._stopping.set()


def _call(row: OutboxRow, attempt: int) -> str:
    return f"{row.id}-{attempt}"


def _answer(state: CallState) -> Answer:
    if state.outcome == CallOutcome.ANSWERED:
        return Outcome.DELIVERED, False, f"{BY}{state.by}" if _WHO.fullmatch(state.by) else ""
    # A line that is busy is free again in a moment.
    return Outcome.FAILED, state.outcome == CallOutcome.BUSY, state.outcome.value


def from_file(path: Path, wording: Wording) -> list[VoiceChannel]:
    """The channel `voice` of the file of channels, if it has one. Raises BadInput where it makes no sense."""
    found = [pair for pair in enumerate(read_rows(path), start=1) if pair[1].get("name") == VOICE]
    if not found:
        return []
    number, row = found[0]
    exchange = checked(row, number, Exchange, path)
    if len(found) > 1 or exchange.lines < 1 or exchange.poll_s <= 0 or exchange.patience_s <= 0:
        raise BadInput("channels.bad_row", path=str(path), row=found[-1][0], field="lines")
    try:
        gateway = CtiGateway(exchange)
    except (ValueError, httpx.InvalidURL):  # an address or a token that none can be
        raise BadInput("channels.bad_row", path=str(path), row=number, field="?") from None
    return [
        VoiceChannel(
            gateway, wording, lines=exchange.lines, system=exchange.system,
            patience_s=exchange.patience_s, poll_s=exchange.poll_s,
        )
    ]  # fmt: skip
