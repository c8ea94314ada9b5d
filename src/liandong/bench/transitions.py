"""Case transitions: journal + state + outbox + read models, durable, in groups, through the writer."""

from __future__ import annotations

import gc
import tempfile
from pathlib import Path
from typing import Any

from liandong.app.accounting import Accounting
from liandong.app.clock import perf
from liandong.app.handle import Handler
from liandong.app.policies import draft_commit, empty_policy, policy_of
from liandong.app.ports import Store
from liandong.app.writer import Admit, Writer
from liandong.core.mechanism.policy import Policy
from liandong.core.values.case import CaseState
from liandong.core.values.city import City
from liandong.core.values.dataset import CityFolder
from liandong.core.values.findings import Finding
from liandong.core.values.ids import act_id, finding_id
from liandong.core.values.lists import Action, Mode
from liandong.core.values.messages import Act
from liandong.core.values.times import parse_time

START = parse_time("2026-06-01T00:00:00+08:00")
#: Acts of a case's life, with what each must carry.
_LIFE: tuple[tuple[Action, dict[str, Any]], ...] = (
    (Action.JUDGE, {"verdict": "real"}),
    (Action.PUSH, {}),
    (Action.ACKNOWLEDGE, {}),
    (Action.ARRIVE, {}),
    (Action.CHECK, {"evidence": ("photo:1",)}),
    (Action.HANDLE, {"evidence": ("photo:2",)}),
    (Action.FEED_BACK, {}),
)


def committed(store: Store, folder: CityFolder) -> Handler:
    """A handler over a store that has just taken in a city."""
    handler = Handler(store, empty_policy(folder.city.key, Mode.REAL))
    drafted = draft_commit(None, folder.city, folder.mechanism, folder.rules, ("file",), "bench", "bench")
    assert drafted is not None
    message, datasets = drafted
    handler.begin()
    handler.admit(message, "policy", START)
    changes = handler.take()
    changes.datasets |= datasets.datasets
    store.commit(changes)
    handler.policy = policy_of(store, message, Mode.REAL)
    return handler


def findings(policy: Policy, rule: str, count: int) -> list[Finding]:
    """One finding each at so many assets of the rule's quantity."""
    row = policy.rules[rule]
    found: list[Finding] = []
    seen: set[str] = set()
    for channel in policy.city.city.channels:
        asset = policy.city.asset_of_channel(channel.key)
        if (
            channel.quantity == row.quantity
            and asset is not None
            and asset.key not in seen
            and len(found) < count
        ):
            seen.add(asset.key)
            made = finding_id(policy.city.key, policy.mode, rule, channel.key, channel.group, START)
            found.append(
                Finding(
                    id=made,
                    rule=rule,
                    rule_version=row.version,
                    hazard=row.hazard,
                    severity=row.severity,
                    channel=channel.key,
                    group=channel.group,
                    onset=START,
                    raised=START,
                    value=row.raise_at,
                    limit=row.raise_at,
                    position=(1, len(found)),
                )
            )
    return found


def run(cases: int = 2_000, times: int = 3, store: str = "sqlite") -> dict[str, Any]:
    """Open so many cases and take each through seven acts; every act is one durable transition.

    `store` is sqlite, or postgres for a server of our own. The figures are the run with the median rate;
    all rates stand beside.
    """
    once = {"sqlite": _on_sqlite, "postgres": _on_postgres}[store]
    done = sorted((once(cases) for _ in range(times)), key=lambda figures: figures["transitions_per_s"])
    rates = [figures["transitions_per_s"] for figures in done]
    return {**done[len(done) // 2], "transitions_per_s_all": rates}


def _on_sqlite(cases: int) -> dict[str, Any]:
    from liandong.stores.sqlite import open_sqlite

    with tempfile.TemporaryDirectory() as folder:
        figures = _measure_and_close(open_sqlite(Path(folder)), cases)
    return figures | {"store": "SQLite, WAL, synchronous FULL"}


def _on_postgres(cases: int) -> dict[str, Any]:
    from liandong.bench.postgres import start_server
    from liandong.stores.postgres import open_postgres

    server = start_server()
    try:
        store = open_postgres(server.url(server.new_database()), server.password_file)
        figures = _measure_and_close(store, cases)
        version = server.run("SHOW server_version")[0][0]
    finally:
        server.stop()
    return figures | {"store": f"PostgreSQL {version} on this machine, over TCP, synchronous_commit on"}


def _measure_and_close(store: Any, cases: int) -> dict[str, Any]:
    from liandong.sim.city import demo_city
    from liandong.wiring.packs import equipped

    try:
        return _measure(store, equipped(demo_city(1, START, days=1, sensors=cases * 3)), cases)
    finally:
        store.close()


def _measure(store: Any, folder: CityFolder, cases: int) -> dict[str, Any]:
    handler = committed(store, folder)
    accounting = Accounting()
    writer = Writer(store, handler, accounting, limit=100_000, perf=perf)
    writer.now = START
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)  # as an embedded city does at its start
    writer.start()
    began = perf()
    found = findings(handler.policy, "gas_ch4_medium", cases)
    opened = [writer.submit(Admit(f, "source:bench")) for f in found]
    for future in opened:
        future.result()
    opening = perf() - began
    streams = [row.stream for row in store.states("case")]
    groups = writer.groups
    seconds = 0.0
    done = 0
    for action, body in _LIFE:
        acts = [act_of(handler.policy, handler.head(stream).state, action, body) for stream in streams]
        began = perf()
        futures = [writer.submit(Admit(act, act.person)) for act in acts]
        for future in futures:
            answer = future.result()
            if answer.status != "done":
                raise RuntimeError(f"{action}: {answer.key} {answer.params}")
            done += 1
        seconds += perf() - began
    writer.stop()
    return {
        "transitions_per_s": round(done / seconds),
        "transitions": done,
        "cases": len(streams),
        "messages_per_transaction": round(done / max(1, writer.groups - groups), 1),
        "case_openings_per_s": round(len(found) / opening),
        "city": _size(folder.city),
        "includes": "decide, two journal entries with hash chain, state, read models, outbox, idempotency "
        "row, a durable commit per transaction; one thread queues acts at once",
    }


def act_of(policy: Policy, case: CaseState, action: Action, body: dict[str, Any]) -> Act:
    """The act by whoever holds the order that asks for it. Raises LookupError where none does."""
    order = case.order_for(action)
    if order is None:
        raise LookupError(action)
    made = act_id(policy.city.key, policy.mode, order.person, case.id, f"{action}:{case.version}")
    return Act(
        id=made,
        body_digest=made,
        action=action,
        case=case.id,
        person=order.person,
        post=order.post,
        version=case.version,
        **body,
    )


def _size(city: City) -> str:
    return f"{len(city.channels)} channels, {len(city.assets)} assets"
