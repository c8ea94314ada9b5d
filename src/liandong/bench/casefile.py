"""A case with 10,000 findings opens: what the console asks for when somebody clicks on it.

A storm over one town makes them: five rules on each of 2,000 assets, all in one case.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import msgspec

from liandong.app.clock import perf, system_clock
from liandong.bench.served import Served
from liandong.bench.storm import CENTRE, blow, officer_of, wait_for
from liandong.bench.storm_city import STORM, storm_city
from liandong.core.values.dataset import CityFolder

_RULES = 5
#: Assets whose alarms have cases of their own, before there are enough to share one.
_BEFORE = 20


def run(findings: int = 10_000, opened: int = 20) -> dict[str, Any]:
    """Fill the case, then open it again and again; the middle one counts."""
    folder = _one_town(storm_city(system_clock().read().now, findings // _RULES + _BEFORE, 0))
    with tempfile.TemporaryDirectory() as name, Served(Path(name), folder) as served:
        wait_for(served, blow(served, 1.0))
        case, held = _largest(served)
        asks = {
            "case": f"/cases/{case}?persons=true",
            "timeline": f"/cases/{case}/timeline?limit=200",
            "members": f"/cases/{case}/members?limit=50",
        }
        headers = served.bearer(**officer_of(served, CENTRE))
        taken: dict[str, list[float]] = {name: [] for name in asks}
        with served.client() as client:
            for _ in range(opened):
                for what, path in asks.items():
                    began = perf()
                    client.get(path, headers=headers).raise_for_status()
                    taken[what].append((perf() - began) * 1000)
        each = {what: round(sorted(times)[opened // 2], 1) for what, times in taken.items()}
        whole = sorted(sum(times) for times in zip(*taken.values(), strict=True))
        return {
            "opens_ms": round(whole[opened // 2], 1),
            "opens_worst_ms": round(whole[-1], 1),
            "each_ms": each,
            "findings_of_the_case": held,
            "opened": opened,
            "includes": "over HTTP, one after the other: the case with everything on its page, the first 200 "
            "lines of its course, the first 50 of its alarms; without drawing them",
        }


def _one_town(folder: CityFolder) -> CityFolder:
    """All assets of the storm in the same town, so that they share one case."""
    town = next(asset.area for asset in folder.city.assets if asset.kind == STORM)
    assets = tuple(
        msgspec.structs.replace(asset, area=town) if asset.kind == STORM else asset
        for asset in folder.city.assets
    )
    city = msgspec.structs.replace(folder.city, assets=assets)
    return msgspec.structs.replace(folder, city=city)


def _largest(served: Served) -> tuple[str, int]:
    """The case to which most alarms of the storm speak, and how many findings these have."""
    with served.database() as db:
        risks = db.execute("select stream, body from streams where kind = 'risk' and domain = ?", (STORM,))
        count = {stream.removeprefix("risk:"): len(json.loads(body)["findings"]) for stream, body in risks}
        pairs = db.execute(
            "select c.stream, a.stream from streams a join streams c on c.kind = 'case' "
            "and c.grouping = a.grouping where a.kind = 'alarm'"
        )
        held: dict[str, int] = {}
        for case, alarm in pairs:
            held[case] = held.get(case, 0) + count.get(alarm.removeprefix("alarm:"), 0)
    case, most = max(held.items(), key=lambda pair: pair[1])
    return case.removeprefix("case:"), most
