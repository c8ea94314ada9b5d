"""`liandong import` into a served city: files of all kinds, broken off and repeated, and its errors."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from liandong.adapters.tables import read_city
from liandong.app.settings import load_settings
from liandong.core.values.times import SECOND, parse_time
from liandong.wiring import open_city
from tests.stories.serving import Served

pytestmark = pytest.mark.slow
EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "city"
CHANNEL = "channel:valve-1.ch4"
START = parse_time("2026-05-01T00:00:00+08:00")


def csv(path: Path, rows: int, first: int = 0) -> Path:
    """One reading a second in the zone of the city, in percent of the lower explosive limit."""
    numbers = range(first, first + rows)
    lines = [f"2026-05-01 {n // 3600:02}:{n // 60 % 60:02}:{n % 60:02},{n % 7}" for n in numbers]
    path.write_text("time,CH4 (%LEL)\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    made = Served(tmp_path / "data", read_city(EXAMPLE))
    made.start()
    try:
        made.wait()
        (tmp_path / "token").write_text(made.token + "\n", encoding="utf-8")
        yield made
    finally:
        assert made.process is not None
        made.process.kill()


def command(*words: object) -> list[str]:
    return [sys.executable, "-m", "liandong", "import", *map(str, words)]


def run(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*words), capture_output=True, text=True, timeout=120, env=dict(os.environ))


def into(served: Served, *files: Path) -> list[object]:
    token = served.data.parent / "token"
    return [*files, "--url", served.url, "--token-file", token, "--map", f"CH4={CHANNEL}"]


def kept(served: Served) -> Counter[tuple[int, float]]:
    """(moment, value) of every reading of the channel that the log holds, after a good end."""
    served.end(signal.SIGTERM)
    city = open_city(load_settings({"data": served.data}, {}), None)
    try:
        batches = [record.batch for _, record in city.intake.log.read() if record.batch is not None]
    finally:
        city.stop()
    return Counter(
        (int(at), float(value)) for b in batches for at, value in zip(b.event_time, b.value, strict=True)
    )


def wanted(rows: int) -> Counter[tuple[int, float]]:
    return Counter((START + n * SECOND, float(n % 7)) for n in range(rows))


def test_three_kinds_of_file_each_taken_once(served: Served, tmp_path: Path) -> None:
    first, second = csv(tmp_path / "a.csv", 6_000), csv(tmp_path / "inner.csv", 1_000, 6_000)
    with zipfile.ZipFile(tmp_path / "b.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(second, "inner.csv")
    moments = pa.array([START + n * SECOND for n in range(7_000, 8_000)], pa.timestamp("us", "UTC"))
    values = pa.array([float(n % 7) for n in range(7_000, 8_000)])
    pq.write_table(pa.table({"time": moments, "CH4 [%LEL]": values}), tmp_path / "c.parquet")
    files = (first, tmp_path / "b.zip", tmp_path / "c.parquet")
    for taken in (8_000, 0):
        done = run(*into(served, *files))
        assert done.returncode == 0, done.stderr
        assert f"taken: {taken} " in done.stdout and f"repeated: {8_000 - taken} " in done.stdout
    assert kept(served) == wanted(8_000)


def test_broken_off_on_either_side_and_repeated_nothing_is_twice(served: Served, tmp_path: Path) -> None:
    path = csv(tmp_path / "a.csv", 80_000)
    going = subprocess.Popen(command(*into(served, path)), stdout=subprocess.DEVNULL)
    for _ in range(600):
        if served.size() > 500_000:
            break
        time.sleep(0.05)
    going.kill()
    assert going.wait(30) == -signal.SIGKILL, "it was done before it could be killed"
    again = subprocess.Popen(command(*into(served, path)), stdout=subprocess.PIPE, text=True)
    time.sleep(1.0)
    served.end(signal.SIGKILL)  # the sender waits for the city and goes on
    served.start()
    said, _ = again.communicate(timeout=120)
    assert again.returncode == 0 and "refused: 0" in said
    assert kept(served) == wanted(80_000)


def test_what_goes_wrong_is_said_in_both_languages(served: Served, tmp_path: Path) -> None:
    path, token = csv(tmp_path / "a.csv", 3), tmp_path / "token"
    (tmp_path / "wrong").write_text("nobody", encoding="utf-8")
    (tmp_path / "empty").write_text("\n", encoding="utf-8")
    (tmp_path / "no.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    address = ("--url", served.url)
    cases = {
        (path,): ("请指定 --data", "Name either --data"),
        (path, *address): ("请指定 --data", "Name either --data"),
        (path, *address, "--token-file", tmp_path / "none"): ("令牌文件", "The token file"),
        (path, *address, "--token-file", tmp_path / "empty"): ("令牌文件", "The token file"),
        (path, *address, "--token-file", tmp_path / "wrong"): ("城市拒收了报文（401", "The city refused"),
        (path, "--url", "there", "--token-file", token): ("不是可用的地址", "is no address"),
        (path, *address, "--token-file", token, "--map", "CH4"): ("不是“列名=通道”", "not of the form"),
        (path, *address, "--token-file", token, "--zone", "Mars/X"): ("时区“Mars/X”", "no time zone"),
        (tmp_path / "gone.csv", *address, "--token-file", token): ("找不到文件", "There is no file"),
        (tmp_path / "no.csv", *address, "--token-file", token): ("没有时间列", "no column of times"),
        (path, "--data", tmp_path / "x", "--source", "source:gas"): ("", ""),
    }
    for words, (zh, en) in cases.items():
        done = run(*words)
        assert done.returncode == 2, (words, done.stdout, done.stderr)
        assert zh in done.stderr and en in done.stderr and "Traceback" not in done.stderr, done.stderr
    for language, said in (("zh", "未登记"), ("en", "not registered")):
        done = run(path, *address, "--token-file", token, "--language", language)
        assert done.returncode == 1 and said in done.stderr and "refused: 3" in done.stdout, done.stderr
