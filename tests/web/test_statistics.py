"""What a rule compares has its own name and unit: in the queue, the case, its evidence and its report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from liandong.core.values.access import Session
from liandong.core.values.lists import Statistic
from liandong.core.values.times import MINUTE
from tests.app.machine import folder
from tests.web.town import CENTRE, Client, Town, message, reading

UNITS = {Statistic.RATE: "%LEL/s", Statistic.OFFSET: "%LEL", Statistic.ZSCORE: "σ"}
NAMES = {Statistic.RATE: "变化率", Statistic.OFFSET: "偏离基准", Statistic.ZSCORE: "偏离度"}


@pytest.mark.parametrize("statistic", [Statistic.RATE, Statistic.OFFSET, Statistic.ZSCORE])
def test_units_and_names(tmp_path: Path, statistic: Statistic) -> None:
    plain = next(rule for rule in folder().rules if rule.key == "gas_ch4_medium")
    rule = msgspec.structs.replace(
        plain, statistic=statistic, raise_at=0.05, clear_at=0.01, hold_s=0.0, clear_hold_s=0.0,
        window_s=600.0 if statistic is Statistic.ZSCORE else 60.0, baseline=0.0, floor=1.0,
    )  # fmt: skip
    town = Town(tmp_path, rules=(rule,))
    try:
        channel, client = town.channels()[0], Client(town)
        values = [0.0] * 22 + [30.0]
        for value in values:
            body = message(reading(channel.key, town.now, value))
            town.platform.receiving.readings(Session(source=channel.source), body)[0].result(10)
            town.settle()
            if value:
                break
            town.pass_time(MINUTE)
        town.pass_time(1)
        token = town.token(post=CENTRE)
        (item,) = client.get("queue", token).json()["items"]
        value = item["value"]
        assert (value["unit"], value["statistic"], value["live"]) == (
            UNITS[statistic],
            statistic.value,
            False,
        )
        assert value["quantity_name"]["zh"].endswith(NAMES[statistic]) and value["vol"] is None
        case: dict[str, Any] = client.get(f"cases/{item['id']}", token).json()
        (finding,) = case["findings"]
        assert (finding["unit"], finding["statistic"]) == (UNITS[statistic], statistic.value)
        assert finding["value"] == value["value"] and finding["limit"] == 0.05
        shown = client.get(f"cases/{item['id']}/findings/{finding['id']}/evidence", token).json()
        assert shown["finding"]["unit"] == UNITS[statistic] and shown["series"][0]["unit"] == "%LEL"
        # A reading that came since is a reading.
        town.pass_time(MINUTE)
        body = message(reading(channel.key, town.now, 31.0))
        town.platform.receiving.readings(Session(source=channel.source), body)[0].result(10)
        town.settle()
        (item,) = client.get("queue", token).json()["items"]
        value = item["value"]
        assert (value["value"], value["unit"], value["statistic"], value["live"]) == (
            31.0,
            "%LEL",
            "value",
            True,
        )
        assert value["vol"] is not None
    finally:
        town.close()
