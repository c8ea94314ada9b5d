"""The storm: 100,000 findings in 60 s on 20,000 assets over HTTP, while people go on acknowledging.

One reading at each asset raises five rules. Cases of another flow wait for the gas company's
signature from before; they are signed for one by one while the storm blows.
"""

from __future__ import annotations

import json
import tempfile
import threading
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from liandong.app.clock import perf, system_clock
from liandong.bench.served import Served
from liandong.bench.storm_city import QUIET, SOURCE, STORM, storm_city
from liandong.core.values.times import format_time

Place = tuple[int, int]
CENTRE = "post:centre.duty"


def run(assets: int = 20_000, seconds: float = 60.0, waiting: int = 120) -> dict[str, Any]:
    """Blow the storm once."""
    folder = storm_city(system_clock().read().now, assets, waiting)
    with tempfile.TemporaryDirectory() as name, Served(Path(name), folder) as served:
        cases = _open_waiting(served)
        officers = _Officers(served, cases, seconds)
        began = perf()
        officers.start()
        last = blow(served, seconds)
        sent = perf() - began
        wait_for(served, last)
        absorbed = perf() - began
        officers.join()
        findings, reached = _findings(served)
        return {
            "findings": findings,
            "of_them_reached_from_a_case": reached,
            "assets": assets,
            "sent_in_s": round(sent, 1),
            "absorbed_in_s": round(absorbed, 1),
            "cases": served.count("case") - len(cases),
            "acknowledgements": len(officers.seconds),
            "acknowledgement_p50_ms": _quantile(officers.seconds, 0.5),
            "acknowledgement_p95_ms": _quantile(officers.seconds, 0.95),
            "acknowledgement_worst_ms": _quantile(officers.seconds, 1.0),
            "server_cpu_s": round(served.cpu_seconds(), 1),
            "includes": "JSON messages of 100 readings, log and sync, five rules on each, every step's "
            "journalled decision on every finding, cases and orders; absorbed = all of it committed, from "
            "the first message on; acknowledgements over HTTP; the client runs on the same cores",
        }


class _Officers(threading.Thread):
    """Signs for one waiting case after the other, evenly over the time."""

    def __init__(self, served: Served, cases: list[str], span: float) -> None:
        super().__init__(name="officers", daemon=True)
        self._served, self._cases, self._span = served, cases, span
        self.seconds: list[float] = []

    def run(self) -> None:
        nap = threading.Event()
        began = perf()
        with self._served.client() as client:
            for number, case in enumerate(self._cases):
                nap.wait(max(0.0, began + self._span * number / len(self._cases) - perf()))
                headers, version = _holder(self._served, client, case)
                start = perf()
                _act(client, headers, case, version, "acknowledge", {})
                self.seconds.append(perf() - start)


def _holder(served: Served, client: httpx.Client, case: str) -> tuple[dict[str, str], int]:
    """Who holds the case's next step, as headers of a sign-in, and the version they see."""
    view = client.get(f"/cases/{case}", headers=served.bearer(**officer_of(served, CENTRE))).json()
    step = view["next"][0]
    return served.bearer(person=step["person"], post=step["post"]), view["version"]


def officer_of(served: Served, post: str) -> dict[str, str]:
    now = system_clock().read().now
    duties = served.folder.city.duties
    person = next(d.person for d in duties if d.post == post and d.start <= now < d.end)
    return {"person": person, "post": post}


def _act(
    client: httpx.Client, headers: dict[str, str], case: str, version: int, action: str, body: dict[str, Any]
) -> None:
    response = client.post(
        f"/cases/{case}/acts/{action}",
        json=body,
        headers={**headers, "Idempotency-Key": f"{action}-{case}", "If-Match": f'"{version}"'},
    )
    response.raise_for_status()


def _open_waiting(served: Served) -> list[str]:
    """Cases judged and pushed, so that a signature is what they wait for."""
    names = [c.key for c in served.folder.city.channels if c.quantity == QUIET]
    with served.client() as client:
        wait_for(served, _send(served, client, names, 20.0))
        with served.database() as db:
            rows = db.execute("select stream from streams where kind = 'case' and domain = ?", (QUIET,))
            cases = [stream.removeprefix("case:") for (stream,) in rows]
        for case in cases:
            for action, body in (("judge", {"verdict": "real"}), ("push", {})):
                headers, version = _holder(served, client, case)
                _act(client, headers, case, version, action, body)
    return cases


def _send(served: Served, client: httpx.Client, names: list[str], value: float) -> Place:
    """One message of one reading each; its position in the log."""
    at = format_time(system_clock().read().now)
    rows = [{"channel": name, "time": at, "value": value} for name in names]
    headers = served.bearer(source=SOURCE) | {"Content-Type": "application/json"}
    response = client.post("/readings", content=json.dumps({"readings": rows}), headers=headers)
    response.raise_for_status()
    segment, _, row = response.json()["position"].partition(":")
    return int(segment), int(row)


def blow(served: Served, span: float, size: int = 100) -> Place:
    """All readings, evenly over the time; where the last of them lies."""
    names = [c.key for c in served.folder.city.channels if c.quantity == STORM]
    starts = range(0, len(names), size)
    last = (0, 0)
    nap = threading.Event()
    began = perf()
    with served.client() as client:
        for number, start in enumerate(starts):
            nap.wait(max(0.0, began + span * number / len(starts) - perf()))
            last = _send(served, client, names[start : start + size], 60.0)
    return last


def wait_for(served: Served, place: Place, most: float = 900.0) -> None:
    """Until everything found up to this position is committed."""
    nap = threading.Event()
    began = perf()
    while perf() - began < most:
        with served.database() as db:
            found = db.execute("select value from meta where key = '@consumed'").fetchone()
        if found and tuple(int(n) for n in found[0].strip("[]()").replace(":", ",").split(",")) >= place:
            return
        nap.wait(0.1)
    raise TimeoutError("not absorbed")


def _findings(served: Served) -> tuple[int, int]:
    """Findings of the storm that assess holds, and those of alarms that speak to a case that exists."""
    with served.database() as db:
        risks = db.execute("select stream, body from streams where kind = 'risk' and domain = ?", (STORM,))
        count = {stream.removeprefix("risk:"): len(json.loads(body)["findings"]) for stream, body in risks}
        alarms = db.execute(
            "select a.stream from streams a where a.kind = 'alarm' and exists "
            "(select 1 from streams c where c.kind = 'case' and c.grouping = a.grouping)"
        )
        reached = sum(count.get(stream.removeprefix("alarm:"), 0) for (stream,) in alarms)
    return sum(count.values()), reached


def _quantile(seconds: list[float], q: float) -> float:
    return round(float(np.quantile(seconds, q)) * 1000, 1) if seconds else float("nan")
