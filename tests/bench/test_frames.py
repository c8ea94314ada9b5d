"""The bench of frames measures what it says it measures."""

from __future__ import annotations

from liandong.adapters import gb26875, hj212
from liandong.adapters._io.localtime import LocalTime
from liandong.bench import frames
from liandong.bench.run import BENCHES

ZONE = LocalTime("Asia/Shanghai")


def test_the_frames_are_whole_and_differ() -> None:
    station = [hj212.decode(frames._station(n), ZONE) for n in range(20)]
    assert all(len(f.items) == 7 and f.answer_wanted for f in station)
    panel = [gb26875.decode(frames._panel(n), ZONE) for n in range(20)]
    assert {p.type for p in panel} == {2, 3}
    vehicle = [frames._location(frames._vehicle(n)) for n in range(20)]
    assert sum(v.alarm > 0 for v in vehicle) == 2 and all(len(v.extras) == 3 for v in vehicle)
    assert len({str(f) for f in [*station, *panel, *vehicle]}) == 60


def test_it_gives_figures_and_is_known() -> None:
    figures = frames.run(frames=40, repeats=1)
    assert all(figures[f"{name}_frames_per_s"] > 0 for name in ("hj212", "gb26875", "jt808"))
    assert BENCHES["frames"] == "liandong.bench.frames"
