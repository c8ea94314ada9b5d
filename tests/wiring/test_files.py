"""Import of files into a stopped city: units, names, repeats, and an end in the middle."""

from __future__ import annotations

from pathlib import Path

import pytest

from liandong.adapters.files.messages import file_messages
from liandong.adapters.tables import read_city
from liandong.app.settings import load_settings
from liandong.core.values.errors import BadInput
from liandong.wiring.city import open_city
from liandong.wiring.files import import_files

pytestmark = pytest.mark.slow
EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "city"
CHANNEL = "channel:valve-1.ch4"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    city = open_city(load_settings({"data": tmp_path / "data"}, {}), read_city(EXAMPLE))
    city.start()
    city.stop()
    return tmp_path / "data"


def table(path: Path, rows: int) -> Path:
    lines = [f"2026-05-01 {n // 3600:02}:{n // 60 % 60:02}:{n % 60:02},{n % 7}" for n in range(rows)]
    path.write_text("time,CH4 (%LEL)\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_a_file_is_taken_once(data: Path, tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", 12_000)
    shares: list[float] = []
    for accepted in (12_000, 0):
        done = import_files(
            [path], source="source:gas", names={"CH4": CHANNEL}, zone="Asia/Shanghai", data=data,
            tell=lambda message: shares.append(message.done),
        )  # fmt: skip
        assert (done.rows, done.accepted, done.repeated) == (12_000, accepted, 12_000 - accepted)
        assert done.refused == 0 and shares[-1] == 1.0


def test_an_import_that_broke_off_goes_on(data: Path, tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", 12_000)

    def stop(_: object) -> None:
        raise KeyboardInterrupt

    options = {"source": "source:gas", "names": {"CH4": CHANNEL}, "zone": "Asia/Shanghai", "data": data}
    with pytest.raises(KeyboardInterrupt):
        import_files([path], tell=stop, **options)
    done = import_files([path], **options)
    assert (done.accepted, done.repeated) == (7_000, 5_000)


def test_what_no_channel_is_called_is_refused_in_words(data: Path, tmp_path: Path) -> None:
    done = import_files(
        [table(tmp_path / "a.csv", 3)], source="source:gas", names={}, zone="Asia/Shanghai", data=data
    )
    assert done.refused == 3 and "CH4" in done.shown[0] and done.shown[0].startswith("a.csv:2+")
    with pytest.raises(BadInput):
        import_files([tmp_path / "a.csv"], source="source:gas", names={}, zone="Mars", data=data)


def test_the_same_file_makes_the_same_bytes(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", 6_000)
    first, second = ([m.raw for m in file_messages(path, zone="UTC", names={})] for _ in range(2))
    assert first == second and len(first) == 2
