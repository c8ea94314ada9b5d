"""What the centre asks of an HJ 212 device, and how the device says what became of it.

A request is answered by 9011 (ready or why not), then carried out, its data uploaded under the same
number, and ended by 9012; a notice (2012, 2022) is answered by 9013 alone. Codes after HJ 212-2017,
tables of request and execution results (K).
"""

from __future__ import annotations

from dataclasses import dataclass

from liandong.adapters.hj212.codec import Frame

#: Seconds until an answer is missed, how often a request is sent altogether (the standard's usual
#: settings of 1000), and how long carrying it out may take.
ANSWER_S, TRIES, EXECUTE_S = 10.0, 3, 120.0
#: Frames of one request that may wait to be looked at.
MOST_UPLOADS = 1024

SET_TIME, CALIBRATION = "1012", "1013"

#: QnRtn: what a device answers to a request.
REQUEST_RESULTS = {
    1: "ready", 2: "refused", 3: "wrong_password", 4: "wrong_device", 5: "wrong_system", 6: "wrong_flag",
    7: "wrong_number", 8: "wrong_command", 9: "wrong_check_sum", 100: "unknown",
}  # fmt: skip
#: ExeRtn: how carrying it out ended.
EXECUTION_RESULTS = {
    1: "done", 2: "failed", 3: "wrong_condition", 4: "timeout", 5: "busy", 6: "device_fault", 100: "no_data",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a request; None where the device did not say."""

    mn: str
    qn: str
    ready: int | None = None  #: of REQUEST_RESULTS
    executed: int | None = None  #: of EXECUTION_RESULTS
    uploads: tuple[Frame, ...] = ()  #: what it sent meanwhile under the same number, e.g. its parameters

    @property
    def done(self) -> bool:
        """The device said that it has carried it out."""
        return self.executed == 1


def returned(frame: Frame, name: str) -> int | None:
    """`QnRtn` or `ExeRtn` of an answer."""
    text = frame.params.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 5 else None
