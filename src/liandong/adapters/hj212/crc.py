"""The check sum of HJ 212 (2017, annex A): not CRC-16/MODBUS, although it uses its polynomial.

The standard's loop drops the low byte of the register before every byte, so only the high byte is
carried on. That step is linear over XOR and is the identity after eight bytes (computed; tested
against the standard's loop), so bytes whose places differ by a multiple of eight may be XORed first:
a few operations on one large number instead of a loop over every byte.
"""

from __future__ import annotations


def _rounds(register: int) -> int:
    """The eight shifts of the standard's inner loop."""
    for _ in range(8):
        register = register >> 1 ^ (0xA001 if register & 1 else 0)
    return register


#: Register after one more byte, by its high byte before ^ that byte; and the high byte of that.
_AFTER = tuple(_rounds(value) for value in range(256))
_HIGH = bytes(value >> 8 for value in _AFTER)


def _start(zeros: int) -> int:
    high = 0xFF
    for _ in range(zeros):
        high = _HIGH[high]
    return high


#: What is left of the starting value 0xFF after so many bytes, modulo eight.
_START = bytes(_start(zeros) for zeros in range(8))


def crc16(data: bytes) -> int:
    """Check sum over the data segment; written in the frame as four hexadecimal digits."""
    before = len(data) - 1
    if before < 0:
        return 0xFFFF
    folded = int.from_bytes(data[:-1], "big")
    shift = 1 << max(6, (8 * before).bit_length() - 1)
    while shift >= 64:
        folded = folded >> shift ^ folded & (1 << shift) - 1
        shift >>= 1
    high = 0
    for byte in folded.to_bytes(8, "big"):
        high = _HIGH[high ^ byte]
    return _AFTER[high ^ _START[before & 7] ^ data[-1]]
