"""Code tables of GB/T 26875.3-2011, chapter 8, as facts; trust V, read in a public transcription
(github.com/ActorLancer/GB-T-26875.3.2011-rs, GB26875文档.md) and not in the printed standard.
"""

from __future__ import annotations

from typing import NamedTuple

CONTROL, SEND, CONFIRM, REQUEST, REPLY, DENY = 1, 2, 3, 4, 5, 6
COMMANDS = {1: "control", 2: "send", 3: "confirm", 4: "request", 5: "reply", 6: "deny"}

#: Bits of the state word of a system (8.2.1.1), lowest first. Bit 0 is 1 in normal operation, 0 in test.
SYSTEM_BITS = (
    "normal", "fire", "fault", "shield", "supervise", "start", "feedback", "delay",
    "main_power", "backup_power", "bus", "manual", "config", "reset",
)  # fmt: skip
#: Bits of the state word of a component (8.2.1.2).
COMPONENT_BITS = (
    "normal", "fire", "fault", "shield", "supervise", "start", "feedback", "delay", "power",
)  # fmt: skip
#: Bits of the state byte of the transmission unit (8.2.1.8).
UNIT_BITS = ("normal", "fire", "fault", "main_power", "backup_power", "channel", "line")
#: Bits of an operation at the fire system (8.2.1.4) and at the transmission unit (8.2.1.9).
OPERATION_BITS = (
    "reset", "silence", "manual_alarm", "alarm_cleared", "self_check", "confirm", "test",
)  # fmt: skip
UNIT_OPERATION_BITS = (
    "reset", "silence", "manual_alarm", "alarm_cleared", "self_check", "duty_reply", "test",
)  # fmt: skip


class Analogue(NamedTuple):
    """A kind of measured value: name, unit, and how many of it one count of the frame is."""

    name: str
    unit: str
    scale: float


#: 8.2.1.3. The transcription gives type 5 (kPa) a step of 0.1 MPa, surely a slip; 0.1 kPa is used (U).
ANALOGUES = {
    1: Analogue("events", "", 1.0),
    2: Analogue("height", "m", 0.01),
    3: Analogue("temperature", "°C", 0.1),
    4: Analogue("pressure", "MPa", 0.1),
    5: Analogue("pressure", "kPa", 0.1),
    6: Analogue("gas", "%LEL", 0.1),
    7: Analogue("time", "s", 1.0),
    8: Analogue("voltage", "V", 0.1),
    9: Analogue("current", "A", 0.1),
    10: Analogue("flow", "L/s", 0.1),
    11: Analogue("air_flow", "m3/min", 0.1),
    12: Analogue("air_speed", "m/s", 1.0),
}


class Unit(NamedTuple):
    """One type of application data unit: its name, and how many objects one frame may carry."""

    name: str
    most: int


#: 8.1 and 8.3. Types 9 to 20, 22, 23, 27, 29 to 60 and 92 to 127 are reserved, 128 to 254 the user's own.
TYPES = {
    1: Unit("system_state", 102), 2: Unit("component_state", 22), 3: Unit("component_analogue", 63),
    4: Unit("system_operation", 102), 5: Unit("system_version", 1), 6: Unit("system_configuration", 3),
    7: Unit("component_configuration", 26), 8: Unit("system_time", 1),
    21: Unit("unit_state", 1), 24: Unit("unit_operation", 127), 25: Unit("unit_version", 1),
    26: Unit("unit_configuration", 1), 28: Unit("unit_time", 1),
    61: Unit("read_system_state", 102), 62: Unit("read_component_state", 22),
    63: Unit("read_component_analogue", 63), 64: Unit("read_system_operation", 1),
    65: Unit("read_system_version", 1), 66: Unit("read_system_configuration", 3),
    67: Unit("read_component_configuration", 26), 68: Unit("read_system_time", 1),
    81: Unit("read_unit_state", 1), 84: Unit("read_unit_operation", 1), 85: Unit("read_unit_version", 1),
    86: Unit("read_unit_configuration", 1), 88: Unit("read_unit_time", 1),
    89: Unit("initialise_unit", 1), 90: Unit("synchronise_time", 1), 91: Unit("duty_check", 1),
}  # fmt: skip

#: Question of the centre → the data unit that answers it (8.1: the number less sixty).
ANSWERS = {type_: type_ - 60 for type_ in (61, 62, 63, 64, 65, 66, 67, 68, 81, 84, 85, 86, 88)}

#: Seconds within which an answer has to come, and how often a frame is sent altogether (6.5).
ANSWER_S, TRIES = 10.0, 3
#: Minutes for which a duty check (查岗) stands before it counts as unanswered (GB/T 26875.1, 查岗功能).
DUTY_CHECK_MIN = 10


def names(word: int, bits: tuple[str, ...]) -> list[str]:
    """Names of the bits that are set; `bit14` for one that the standard reserves."""
    found = [name for at, name in enumerate(bits) if word >> at & 1]
    return found + [f"bit{at}" for at in range(len(bits), 16) if word >> at & 1]
