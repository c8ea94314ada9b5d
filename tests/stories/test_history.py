"""Days of readings: compacted while the city runs, answered over the gap, removed by its rows, journalled."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from liandong.app.clock import VirtualClock
from liandong.app.settings import load_settings
from liandong.core.values.access import Session
from liandong.core.values.city import Retention
from liandong.core.values.errors import NotFound
from liandong.core.values.journal import EntryKind, read_entry
from liandong.core.values.lists import DataKind
from liandong.core.values.times import DAY, HOUR, format_time
from liandong.runners.embedded import Embedded
from liandong.wiring import open_city
from liandong.wiring.inspect import why_channel
from tests.web.town import START, Town

pytestmark = pytest.mark.slow
ROWS = (
    Retention(data=DataKind.RAW, days=2, basis="test"),
    Retention(data=DataKind.READINGS, days=5, basis="test"),
)


class Keeper:
    """A town with retention rows, which lives for days."""

    def __init__(self, data: Path) -> None:
        self.data, self.now = data, START
        town = Town(data)
        self.folder, source = town.folder, town.channels()[0].source
        self.channel = town.channels()[0]
        town.close()
        city = msgspec.structs.replace(self.folder.city, retentions=ROWS)
        self.folder = msgspec.structs.replace(self.folder, city=city)
        self.source = source
        self.open()

    def open(self) -> None:
        self.clock = VirtualClock(self.now)
        self.city: Embedded = open_city(load_settings({"data": self.data}, {}), self.folder, clock=self.clock)
        self.city.start()

    def restart(self) -> None:
        self.city.stop()
        self.open()

    def hour(self, value: float) -> None:
        self.now += HOUR
        self.clock.set(self.now)
        self.city.platform.tick().result(10)
        reading = {"channel": self.channel.key, "time": format_time(self.now), "value": value}
        raw = json.dumps({"readings": [reading]}).encode()
        self.city.platform.receiving.readings(Session(source=self.source), raw)[0].result(10)
        self.city.intake.snapshot()
        while not self.city.platform.quiet():
            pass
        self.city.keep_books(self.now)

    def values(self) -> list[float]:
        found = self.city.platform.history.history([self.channel.key], START, self.now + 1, 10_000)
        return [value for _, value, _ in found[self.channel.key]]


@pytest.fixture
def keeper(tmp_path: Path):
    made = Keeper(tmp_path / "data")
    yield made
    made.city.stop()


def test_readings_stay_whole_while_they_move_from_the_log_to_parquet(keeper: Keeper):
    sent = [float(n % 5) for n in range(30)]
    for number, value in enumerate(sent):
        keeper.hour(value)
        assert keeper.values() == sent[: number + 1]
        if number == 17:
            keeper.restart()
            assert keeper.values() == sent[: number + 1]
    assert len(list((keeper.data / "history").glob("readings-*.parquet"))) >= 25


def test_each_class_goes_at_its_time_and_the_journal_says_so(keeper: Keeper):
    for number in range(24 * 7):
        keeper.hour(float(number % 5))
    names = sorted(int(p.stem) for p in (keeper.data / "readings").glob("*.log"))
    assert 24 < len(names) < 24 * 3, "raw messages go after two days"
    kept = len(keeper.values())
    assert 24 * 4 < kept <= 24 * 5 + 2, "decoded readings after five"
    entries = [read_entry(row.body) for row in keeper.city.store.entries(0, 10_000, (EntryKind.SYSTEM,))]
    gone = [e.reason.params["gone"] for e in entries if e.reason and e.reason.key == "system.retention"]
    assert any("raw" in str(g) for g in gone) and any("readings" in str(g) for g in gone)
    keeper.restart()
    assert len(keeper.values()) == kept
    keeper.city.stop()
    long_ago = format_time(START + DAY)
    with pytest.raises(NotFound) as error:
        why_channel(keeper.data, keeper.channel.key, long_ago, "zh")
    assert error.value.key == "why.no_longer"
    assert why_channel(keeper.data, keeper.channel.key, format_time(keeper.now), "zh")
    keeper.open()
