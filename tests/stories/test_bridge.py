"""A gas company that never touches our console: from the alarm to the archive by its own system alone.

Its system resends, reports the later steps first, and its clock is three minutes ahead; ours is killed with
-9 in the middle. What is left must be the same as where everybody worked in the console.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from liandong.core.values.case import CaseState
from liandong.core.values.lists import BridgeKind
from liandong.core.values.times import DAY, MINUTE, SECOND, parse_time
from liandong.sim.receivers import ApiReceiver, Dispatch, FileReceiver, TableReceiver, shuffled_twice
from liandong.stores.sqlite import open_sqlite
from liandong.wiring.accounts import make_token
from liandong.wiring.inspect import rebuild_folder
from tests.app.bridge.bridged import GAS, SOURCE, VERIFIER, bridged
from tests.stories.serving import CENTRE, Served
from tests.web.town import message, reading

pytestmark = pytest.mark.slow
SKEW = 3 * MINUTE
GAS_POST = "post:gas.duty"
PHOTO = "vlt_" + "a" * 26 + ":" + "0" * 64


class Story:
    """One case over a served city."""

    def __init__(self, data: Path, kind: BridgeKind, monkeypatch: pytest.MonkeyPatch, places: str) -> None:
        self.now = time.time_ns() // 1_000
        self.folder = bridged(kind, start=self.now - self.now % DAY - DAY)
        data.mkdir()
        (data.parent / "bridges.toml").write_text(places, encoding="utf-8")
        (data.parent / "gas.secret").write_text("only the two of us know")
        monkeypatch.setenv("LIANDONG_BRIDGES_FILE", str(data.parent / "bridges.toml"))
        monkeypatch.setenv("LIANDONG_BRIDGE_POLL_S", "0.1")
        monkeypatch.setenv("LIANDONG_BRIDGE_RECONCILE_S", "1")
        monkeypatch.setenv("LIANDONG_TICK_S", "0.2")
        self.served = Served(data, self.folder)
        self.data, self.tokens = data, dict(self.served.tokens)
        self.acts = 0

    @property
    def client(self) -> httpx.Client:
        return httpx.Client(base_url=f"{self.served.url}/api/v1", trust_env=False, timeout=20)

    def token(self, post: str) -> str:
        if post not in self.tokens:
            holder = next(h.person for h in self.folder.city.holdings if h.post == post)
            self.tokens[post] = make_token(self.data, holder, post, "", 1)
        return self.tokens[post]

    def start(self) -> None:
        self.served.start()
        self.served.wait()

    def alarm(self) -> str:
        """Methane at one well until there is a case."""
        channel = next(c for c in self.folder.city.channels if c.quantity == "ch4_lel")
        rows = [reading(channel.key, self.now - (30 - n) * 20 * SECOND, 60.0) for n in range(30)]
        self.served.post("readings", message(*rows), "application/json")
        found = self.until(lambda: self.served.ask(CENTRE, "cases")["items"])
        return str(found[0]["id"])

    def act(self, case: str, action: str, post: str, **body: Any) -> None:
        """Somebody acts in the console, on the version that the page has at that moment."""
        self.acts += 1
        for again in range(10):
            version = self.served.ask(CENTRE, f"cases/{case}")["version"]
            headers = {
                "Idempotency-Key": f"k{self.acts}-{again}", "If-Match": f'"{version}"',
                "Authorization": f"Bearer {self.token(post)}",
            }  # fmt: skip
            with self.client as client:
                answer = client.post(f"/cases/{case}/acts/{action}", json=body, headers=headers)
            if answer.status_code == 200:
                return
            assert answer.json()["key"] == "act.stale", answer.text
        raise AssertionError(f"{action} stayed stale")

    def finish(self, case: str) -> None:
        self.act(case, "review", VERIFIER, passed=True)
        self.act(case, "close", CENTRE, cause="real")
        self.act(case, "archive", CENTRE)

    def until(self, what: Callable[[], Any], seconds: float = 30.0) -> Any:
        deadline = time.monotonic() + seconds
        while not (found := what()):
            assert time.monotonic() < deadline, "it did not come to that"
            time.sleep(0.1)
        return found

    def done(self, case: str) -> bool:
        """The gas company has finished its order."""
        orders = self.served.ask(CENTRE, f"cases/{case}")["orders"]
        return any(o["unit"] == GAS and o["status"] == "done" for o in orders)

    def state(self, case: str) -> CaseState:
        store = open_sqlite(self.data)
        try:
            row = store.load([f"case:{case}"])[f"case:{case}"]
            return msgspec.json.decode(row.body or b"", type=CaseState)
        finally:
            store.close()


def in_short(state: CaseState) -> dict[str, Any]:
    """What must not depend on the way: everything but moments, ids and numbers."""
    return {
        "stage": state.stage, "verdict": state.verdict, "cause": state.cause, "reviewed": state.reviewed,
        "lead": state.lead, "done": sorted(state.done),
        "orders": sorted((o.role, o.unit, o.post, o.status, o.done) for o in state.orders.values()),
        "clocks": sorted((c.clause, c.unit, c.overdue, c.void) for c in state.clocks.values()),
        "handlers": sorted({unit for _, unit in state.handlers}),
        "participants": sorted((p.part, p.unit, p.post) for p in state.participants),
    }  # fmt: skip


@pytest.fixture(scope="module")
def by_hand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """The same case where the gas company's dispatcher works in the console."""
    with pytest.MonkeyPatch.context() as patch:
        story = Story(tmp_path_factory.mktemp("hand") / "data", BridgeKind.API, patch, "")
        story.start()
        case = story.alarm()
        story.act(case, "judge", CENTRE, verdict="real")
        story.act(case, "push", CENTRE)
        for action in ("acknowledge", "arrive", "check", "handle", "feed_back"):
            story.act(case, action, GAS_POST, evidence=[PHOTO], text="办")
        story.finish(case)
        story.served.end(signal.SIGTERM)
        yield in_short(story.state(case))


@pytest.mark.parametrize("kind", list(BridgeKind))
def test_a_case_without_the_console(
    kind: BridgeKind, by_hand: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dispatch = Dispatch(SKEW)
    story: Story
    receiver: Any
    if kind == BridgeKind.API:
        receiver = ApiReceiver(dispatch, lambda: story.served.url, lambda: story.tokens["source"])
        places = f'[gas]\naddress = "{receiver.address}"\nsecret_file = "gas.secret"\n'
    elif kind == BridgeKind.DATABASE:
        address = f"sqlite:///{tmp_path / 'exchange.db'}"
        (tmp_path / "gas.database").write_text(address)
        receiver = TableReceiver(dispatch, address)
        places = '[gas]\ndatabase_file = "gas.database"\n'
    else:
        receiver = FileReceiver(dispatch, tmp_path / "exchange")
        places = f'[gas]\nfolder = "{tmp_path / "exchange"}"\n'
    story = Story(tmp_path / "data", kind, monkeypatch, places)
    story.tokens["source"] = make_token(story.data, "", "", SOURCE, 1)
    try:
        case = _play(story, receiver, dispatch)
    finally:
        receiver.close()
    state = story.state(case)
    assert in_short(state) == by_hand
    assert rebuild_folder(story.data, False, "zh")[1] == 0, "the journal folds to the stored state"
    order = next(o for o in state.orders.values() if o.unit == GAS)
    theirs = dispatch.orders[order.id]
    assert order.numbers == (("燃气调度系统", theirs.number),)
    assert theirs.document["outcome"]["cause"] == "real", "they were told what became of it"
    if kind == BridgeKind.API:
        assert all(said.startswith("sha256=") for said in receiver.signatures)


def _play(story: Story, receiver: Any, dispatch: Dispatch) -> str:
    """Everything but the gas company's part is done by people in the console."""
    story.start()
    case = story.alarm()
    story.act(case, "judge", CENTRE, verdict="real")
    story.act(case, "push", CENTRE)

    def has_order() -> bool:
        receiver.fetch()
        return bool(dispatch.orders)

    story.until(has_order)
    events = dispatch.work(time.time_ns() // 1_000)
    assert len(events) == 5
    # Two later steps first; then the process dies, and again while all of them are on their way.
    receiver.send(shuffled_twice(events[1:3]))
    story.served.end(signal.SIGKILL)
    story.start()
    sending = threading.Thread(target=_send_what_can_be, args=(receiver, shuffled_twice(events)))
    sending.start()
    time.sleep(0.15)
    story.served.end(signal.SIGKILL)
    sending.join()
    story.start()
    receiver.send(shuffled_twice(events))  # whatever was not answered is sent again
    story.until(lambda: story.done(case))
    _look(story, case, dispatch)
    story.finish(case)

    def told() -> bool:
        receiver.fetch()
        return all(one.document["outcome"] is not None for one in dispatch.orders.values())

    story.until(told)
    story.served.end(signal.SIGTERM)
    return case


def _send_what_can_be(receiver: Any, events: list[dict[str, Any]]) -> None:
    with suppress(httpx.HTTPError):
        receiver.send(events)


def _look(story: Story, case: str, dispatch: Dispatch) -> None:
    """The page and the timeline show their number and both clocks; every step was done once."""
    page = story.served.ask(CENTRE, f"cases/{case}")
    order = next(o for o in page["orders"] if o["unit"] == GAS)
    theirs = dispatch.orders[order["id"]]
    assert order["numbers"] == [{"system": "燃气调度系统", "number": theirs.number}]
    ahead = parse_time(order["their_at"]) - parse_time(order["heard_at"])
    assert 0 < ahead <= SKEW + MINUTE, "their clock is ahead of ours, and shown as it is"
    lines = story.served.ask(CENTRE, f"cases/{case}/timeline?limit=500")["items"]
    heard = [line for line in lines if line["event"] == "OrderHeard"]
    assert len(heard) == 5 and all(line["their_at"] for line in heard)
    steps = [line for line in lines if line["event"] == "StepDone" and line["post"] == GAS_POST]
    assert len(steps) == 5
    assert all(line["words"] for line in steps)
