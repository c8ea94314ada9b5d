"""One event's personal data is destroyed: nothing of it is left anywhere, and the rest stays proven."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from liandong.app.clock import VirtualClock
from liandong.app.logs import configure_logging
from liandong.app.settings import load_settings
from liandong.app.writer import Admit
from liandong.core.values.access import Session
from liandong.core.values.case import CaseState
from liandong.core.values.case_events import StepDone
from liandong.core.values.errors import BadInput, Conflict, NotFound
from liandong.core.values.events import read_event
from liandong.core.values.findings import Finding
from liandong.core.values.ids import finding_id
from liandong.core.values.journal import read_entry
from liandong.core.values.times import MINUTE
from liandong.runners.embedded import Embedded
from liandong.wiring import open_city
from liandong.wiring.demo import START
from liandong.wiring.inspect import backup_folder, rebuild_folder, verify_folder
from tests.small_town import demo_city

WORDS = "住户欧阳靖雯在场，电话 000-73519428，称闻到气味"
MARKS = ("欧阳靖雯", "73519428")
LATIN = "Ouyang-Jingwen-73519428"


def _forms(mark: str) -> list[bytes]:
    """The ways in which text usually lies in files."""
    plain = mark.encode()
    inner = base64.b64encode(b"xx" + plain)[4:-4]
    return [plain, mark.encode("utf-16-le"), json.dumps(mark)[1:-1].encode(), plain.hex().encode(), inner]


def _found(folder: Path, forms: list[bytes]) -> list[str]:
    return [
        f"{path.relative_to(folder)}: {form!r}"
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        for form in forms
        if form and form in path.read_bytes()
    ]


def _open_case(city: Embedded) -> tuple[str, CaseState]:
    policy = city.platform.handler.policy
    rule = policy.rules["gas_ch4_medium"]
    channel = next(c for c in policy.city.city.channels if c.quantity == rule.quantity)
    now = city.writer.now
    finding = Finding(
        id=finding_id(policy.city.key, policy.mode, rule.key, channel.key, channel.group, now),
        rule=rule.key,
        rule_version=1,
        hazard=rule.hazard,
        severity=rule.severity,
        channel=channel.key,
        group=channel.group,
        onset=now,
        raised=now,
        value=30.0,
        limit=25.0,
        position=(1, 0),
    )
    city.writer.submit(Admit(finding, f"source:{channel.source}")).result(30)
    stream = next(iter(city.store.states("case"))).stream
    return stream.removeprefix("case:"), city.platform.handler.head(stream).state


def test_the_words_of_one_event_are_gone_and_the_rest_is_proven(tmp_path: Path) -> None:
    data, backup = tmp_path / "data", tmp_path / "backup"
    configure_logging("debug", tmp_path / "data.log")
    clock = VirtualClock(START)
    city = open_city(load_settings({"data": data}), demo_city(1, START, days=2, sensors=40), clock=clock)
    city.start()
    try:
        case, state = _open_case(city)
        order = state.order_for(next(iter(state.orders.values())).steps[0].action)
        assert order is not None
        officer = Session(person=order.person, post=order.post)
        act = city.platform.acts.do(
            officer,
            case,
            "judge",
            {"verdict": "real", "text": WORDS + LATIN},
            "one",
            state.version,
            WORDS.encode(),
        )
        assert act.result(30).status == "done"
        with pytest.raises(BadInput):
            city.platform.acts.do(
                officer, case, "dance", {"text": WORDS + LATIN}, "two", 0, (WORDS + LATIN).encode()
            )
        stale = city.platform.acts.do(
            officer, case, "push", {"text": WORDS + LATIN}, "three", 0, WORDS.encode()
        )
        assert stale.result(30).status == "refused"
        ref = _words_of(city, case)
        scope = city.platform.access.scope(officer)
        assert city.platform.personal.read_text(scope, ref) == WORDS + LATIN
        key = city.platform.vault._keyring.key(f"case:{case}")
        assert key is not None
        backup_folder(data, backup)
        clock.set(START + MINUTE)
        city.platform.tick().result(30)
        post = "post:operator"
        operator = Session(person=_holder(city, post), post=post)
        city.platform.personal.erase(operator, f"case:{case}", "event over").result(30)
        with pytest.raises(NotFound):
            city.platform.personal.read_text(scope, ref)
        with pytest.raises(Conflict):  # no second key for a destroyed subject
            city.platform.acts.do(officer, case, "push", {"text": "x"}, "four", state.version + 1, b"")
        again = city.platform.acts.do(officer, case, "push", {}, "five", _version(city, case), b"")
        assert again.result(30).status == "done", "the case goes on without words"
    finally:
        city.stop()
    forms = [form for mark in (*MARKS, LATIN) for form in _forms(mark)] + [key, key.hex().encode()]
    assert _found(tmp_path, forms) == []
    lines, code = verify_folder(data, [], [], "en")
    assert code == 0, lines
    assert rebuild_folder(data, False, "en")[1] == 0
    assert verify_folder(backup, [], [], "en")[1] == 0


def test_the_search_would_find_what_is_there(tmp_path: Path) -> None:
    """The control: each form of the words is found in a file that holds it."""
    for number, form in enumerate(_forms(MARKS[0])):
        (tmp_path / str(number)).write_bytes(b"before" + form + b"after")
        assert any(hit.startswith(f"{number}:") for hit in _found(tmp_path, _forms(MARKS[0])))


def _words_of(city: Embedded, case: str):
    for row in city.store.entries_of(f"case:{case}"):
        for record in read_entry(row.body).events:
            event = read_event(record)
            if isinstance(event, StepDone) and event.text is not None:
                return event.text
    raise AssertionError("no words were journalled")


def _version(city: Embedded, case: str) -> int:
    return city.store.load([f"case:{case}"])[f"case:{case}"].version


def _holder(city: Embedded, post: str) -> str:
    return next(h.person for h in city.platform.handler.policy.city.city.holdings if h.post == post)
