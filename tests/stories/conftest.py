"""One demonstration, played once, for every story that only looks at what is left of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from liandong.wiring.demo import run_demo


@pytest.fixture(scope="session")
def day(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """Twelve hours of a small demonstration city, over real HTTP and real TCP: its data and its report."""
    data = tmp_path_factory.mktemp("day")
    said: list[str] = []
    report = run_demo(
        data=data, once=True, seed=1, hours=12, sensors=60, speed=1, port=0, step_ms=0, tell=said.append
    )
    return data, {**report, "said": said}
