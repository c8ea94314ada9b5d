"""From a path to streams of text or table: what is zipped is opened, whatever its members are called."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from liandong.core.values.errors import BadInput, NotFound

#: Bytes of one member once unpacked; more is a bomb, or a case for another tool.
MOST_UNPACKED = 8 << 30
#: Bytes of a zip within a zip, which has to be held in memory.
MOST_NESTED = 256 << 20
MOST_MEMBERS = 1_000
MOST_DEPTH = 3
#: So much of the beginning is looked at to tell the encoding.
SAMPLE = 1 << 20
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, OSError, ValueError)


@dataclass
class Member:
    """One table of a file: its name as an error shows it, its bytes, and how many of them were read."""

    name: str
    stream: IO[bytes]
    size: int


class _Counted(io.RawIOBase):
    """Reads on, and refuses what unpacks to more than is sensible."""

    def __init__(self, inner: IO[bytes], name: str) -> None:
        self._inner, self._name, self.count = inner, name, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # typeshed wants more
        try:
            data = self._inner.read(len(buffer))
        except _BROKEN as error:
            raise BadInput("file.broken_zip", file=self._name, why=str(error)[:120]) from error
        self.count += len(data)
        if self.count > MOST_UNPACKED:
            raise BadInput("file.too_large", file=self._name, limit=MOST_UNPACKED)
        buffer[: len(data)] = data
        return len(data)


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """The file's bytes. Raises NotFound or BadInput in words."""
    try:
        stream = open(path, "rb")  # noqa: SIM115  # closed below; its errors are told apart here
    except FileNotFoundError as error:
        raise NotFound("file.absent", file=str(path)) from error
    except OSError as error:
        raise BadInput("file.unreadable", file=str(path), why=error.strerror or "") from error
    with stream:
        yield stream


def members(stream: IO[bytes], name: str, depth: int = 0) -> Iterator[Member]:
    """The tables within: the file itself, or what its archive holds, in order of names."""
    if beginning(stream, 4) != b"PK\x03\x04":
        stream.seek(0, io.SEEK_END)
        size = stream.tell()
        stream.seek(0)
        yield Member(name, stream, size)
        return
    if depth >= MOST_DEPTH:
        raise BadInput("file.nested_too_deep", file=name, limit=MOST_DEPTH)
    try:
        archive = zipfile.ZipFile(stream)
        infos = sorted((i for i in archive.infolist() if not i.is_dir()), key=lambda i: i.filename)
    except _BROKEN as error:
        raise BadInput("file.broken_zip", file=name, why=str(error)[:120]) from error
    if len(infos) > MOST_MEMBERS:
        raise BadInput("file.too_many_members", file=name, limit=MOST_MEMBERS)
    with archive:
        for info in infos:
            yield from _member(archive, info, f"{name}!{info.filename}", depth)


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str, depth: int) -> Iterator[Member]:
    try:
        packed = archive.open(info)
    except _BROKEN as error:
        raise BadInput("file.broken_zip", file=name, why=str(error)[:120]) from error
    with packed:
        stream = io.BufferedReader(_Counted(packed, name), 1 << 18)
        head = beginning(stream, 4)
        if head in (b"PK\x03\x04", b"PAR1"):  # both are read from their end
            data = stream.read(MOST_NESTED + 1)
            if len(data) > MOST_NESTED:
                raise BadInput("file.too_large", file=name, limit=MOST_NESTED)
            yield from members(io.BytesIO(data), name, depth + 1)
        else:
            yield Member(name, stream, info.file_size)


def encoding_of(sample: bytes) -> str:
    """UTF-8 where it is that; else Latin-1 where foreign bytes stand alone, as ° and µ do; else GB18030."""
    if sample.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    try:
        sample.decode("utf-8")
        return "utf-8-sig"
    except UnicodeDecodeError as error:
        if error.start >= len(sample) - 4 and error.end >= len(sample) - 1:
            return "utf-8-sig"  # cut within a character
    alone = pairs = 0
    run = 0
    for byte in sample + b"\0":
        if byte >= 0x80:
            run += 1
            continue
        alone, pairs = alone + (run == 1), pairs + (run > 1)
        run = 0
    return "latin-1" if alone and not pairs else "gb18030"


def beginning(stream: IO[bytes], length: int) -> bytes:
    """The first bytes, left where they are."""
    if stream.seekable():
        start = stream.read(length)
        stream.seek(0)
        return start
    assert isinstance(stream, io.BufferedReader)
    return stream.peek(length)[:length]


def text_of(member: Member) -> tuple[io.TextIOWrapper, str]:
    """The member as text, and its encoding. What cannot be decoded is told by whoever reads it."""
    encoding = encoding_of(beginning(member.stream, SAMPLE))
    return io.TextIOWrapper(member.stream, encoding=encoding, newline=""), encoding
