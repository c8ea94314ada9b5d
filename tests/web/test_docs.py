"""The page of the API says what the code does."""

from __future__ import annotations

import json
import re

from liandong.core.values.lists import Action
from liandong.texts import sentences
from liandong.web.bodies import ActBody
from tests.web.errors import PAGE, renewed, statuses
from tests.web.town import CENTRE, Client, Town

_PAGE = PAGE.read_text(encoding="utf-8")


def test_the_table_of_errors_is_today_s() -> None:
    assert renewed(_PAGE) == _PAGE, "run `python -m tests.web.errors`"


def test_the_scan_finds_errors() -> None:
    found = statuses()
    assert found["act.stale"] == 409 and found["act.not_yours"] == 403 and found["json.malformed"] == 400
    assert found["batch.too_large"] == 413 and found["queue.full"] == 429 and found["case.unknown"] == 404
    assert found.keys() <= sentences("zh").keys()
    assert len(found) > 50


def test_every_act_and_field_is_on_the_page() -> None:
    assert all(f"`{action.value}`" in _PAGE for action in Action)
    assert all(f"`{name}`" in _PAGE for name in ActBody.model_fields)


def _bodies() -> list[str]:
    return [found.replace("…", "") for found in re.findall(r"-d '\s*(\{.*?\})'", _PAGE, re.DOTALL)]


def test_the_examples_work(town: Town, client: Client, case: str) -> None:
    """What the page sends is taken as the page says, and answered with the fields that it shows."""
    readings, judge, sign_in = _bodies()
    source = town.channels()[0].source
    answer = client.post("readings", town.token(source=source), content=readings.encode())
    shown = [json.loads(found) for found in re.findall(r"```json\n(.*?)```", _PAGE, re.DOTALL)]
    assert answer.status_code == 201 and answer.json().keys() == shown[0].keys()
    assert answer.json()["errors"][0]["params"] == shown[0]["errors"][0]["params"]
    headers = {"Idempotency-Key": "8c1f-0001", "If-Match": f'"{town.version(case)}"'}
    done = client.post(
        f"cases/{case}/acts/judge", town.token(post=CENTRE), headers=headers, content=judge.encode()
    )
    assert done.status_code == 200 and done.json().keys() == shown[1].keys()
    assert done.json()["reason"]["text"] == shown[1]["reason"]["text"]
    stale = client.act(case, "push", town.token(post=CENTRE), key="x", version=1)
    assert stale.status_code == 409 and stale.json().keys() == shown[2].keys()
    assert "第 1 版" in stale.json()["detail"]
    refused = client.post("session", headers={"X-Liandong": "1"}, content=sign_in.encode())
    assert refused.status_code == 401 and refused.json()["key"] == "auth.sign_in_failed"
