"""Messages of a simulated terminal: the same bytes for the same facts, and those of a public example."""

from __future__ import annotations

import pytest

from liandong.core.values.times import parse_time
from liandong.sim.jt808 import jt808_location, jt808_message, jt808_read, jt808_time

AT = parse_time("2018-10-15T10:10:10+08:00")


def test_the_public_example_with_both_escapes() -> None:
    """github.com/SmallChi/JT808, README."""
    extras = {1: (100).to_bytes(4, "big"), 2: (125).to_bytes(2, "big")}
    body = jt808_location(
        AT, 132.444444, 12.222222, alarm=1, status=2, altitude=40, speed=6.0, extras=extras
    )  # fmt: skip
    assert jt808_message(0x0200, "123456789012", 126, body) == bytes.fromhex(
        "7E02000026123456789012007D02000000010000000200BA7F0E07E4F11C0028003C0000181015101010"
        "0104000000640202007D01137E"
    )
    assert jt808_time(AT).hex() == "181015101010"


def test_what_is_written_is_read_and_a_wrong_check_sum_is_not() -> None:
    for version in (0, 1):
        raw = jt808_message(0x8001, "139", 0x7D7E, b"\x7e\x7d\x00", version=version)
        heard = jt808_read(raw)
        assert (heard.id, heard.serial, heard.body) == (0x8001, 0x7D7E, b"\x7e\x7d\x00")
        with pytest.raises(ValueError, match="check sum"):
            jt808_read(raw[:-2] + bytes([raw[-2] ^ 1]) + b"\x7e")
