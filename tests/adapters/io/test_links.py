"""How long a silent device is left alone, and what is counted of it."""

from __future__ import annotations

import asyncio

from liandong.adapters._io.links import Health, end_all, wait_s


def test_the_wait_doubles_within_its_bounds_and_differs_between_devices() -> None:
    waits = [wait_s("a", failures, 1.0, 60.0) for failures in range(1, 12)]
    for failures, wait in enumerate(waits, start=1):
        assert 0.75 <= wait / min(60.0, 2.0 ** (failures - 1)) <= 1.25
    assert waits == [wait_s("a", failures, 1.0, 60.0) for failures in range(1, 12)]
    assert len({wait_s(f"unit-{number}", 8, 1.0, 60.0) for number in range(100)}) > 90
    assert wait_s("a", 10**9, 1.0, 60.0) <= 75


def test_an_answer_ends_a_failure() -> None:
    health = Health("modbus", "line", "1")
    health.failed("modbus.no_answer")
    health.failed("modbus.no_answer")
    assert (health.in_a_row, health.error) == (2, "modbus.no_answer")
    health.answered(0)
    assert (health.in_a_row, health.failures, health.error) == (0, 2, "")
    assert health.shown()["last_answer"] == "1970-01-01T00:00:00Z"


def test_a_task_that_loses_a_cancellation_is_ended_all_the_same() -> None:
    lost = []

    async def deaf() -> None:
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                if len(lost) >= 1:
                    raise
                lost.append(1)

    async def run() -> None:
        task = asyncio.create_task(deaf())
        await asyncio.sleep(0)
        await end_all([task])
        assert task.cancelled()

    asyncio.run(run())
