"""Commands about devices: decode their frames."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from typing import Annotated, Any

import typer

from liandong.cli.common import Language, app
from liandong.core.values.errors import BadInput

#: A line longer than any frame as hexadecimal digits is taken in pieces, each of which is refused.
_MOST_LINE = 65_536


@app.command()
def decode(
    protocol: Annotated[str, typer.Argument(help="hj212, gb26875, jt808, modbus; a wrong name lists all.")],
    zone: Annotated[str, typer.Option(help="Zone of the devices' clocks.")] = "Asia/Shanghai",
    language: Language = "zh",
) -> None:
    """Read frames from standard input, one a line, as hex or text; print each as one JSON object a line."""
    from liandong.texts import text

    read = _decoder(protocol, zone)
    good = True
    for line in _lines():
        answer: dict[str, Any]
        try:
            answer = {"ok": True, **read(line)}
        except BadInput as error:
            good = False
            message = text(error.key, language, **error.params)
            answer = {"ok": False, "error": error.key, "message": message, "params": error.params}
        sys.stdout.write(json.dumps(answer, ensure_ascii=False) + "\n")
        sys.stdout.flush()
    raise typer.Exit(0 if good else 1)


def _lines() -> Iterator[bytes]:
    """Lines without their ends, empty ones left out. Raises BadInput where nothing can be read."""
    try:
        while line := sys.stdin.buffer.readline(_MOST_LINE):
            if line.strip():
                yield line.rstrip(b"\r\n")
    except (OSError, AttributeError, ValueError) as error:
        raise BadInput("decode.unreadable", problem=type(error).__name__) from error


def _decoder(protocol: str, zone: str) -> Callable[[bytes], dict[str, Any]]:
    """Bytes of a line → fields of its frame. Raises BadInput for a name that is none."""
    from zoneinfo import ZoneInfoNotFoundError

    from liandong.adapters._io.localtime import LocalTime
    from liandong.cli.decoders import DECODERS

    if protocol not in DECODERS:
        raise BadInput("decode.unknown_protocol", name=protocol[:40], known=", ".join(DECODERS))
    try:
        clock = LocalTime(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadInput("decode.unknown_zone", zone=zone[:40]) from None
    read = DECODERS[protocol]
    return lambda line: read(line, clock)
