"""The alarms page: acknowledged with one press, held back with a reason, and what an owner announces."""

from __future__ import annotations

from typing import Any

import pytest

from tests.console.desk import AXE, PHONE, Desk
from tests.console.serve import Serve

pytestmark = pytest.mark.slow


def test_an_alarm_is_acknowledged_and_an_owner_announces(browser: Any, serve: Serve) -> None:
    serve.alarm(1)
    officer = Desk(browser, serve, size=PHONE)
    page = officer.sign_in("officer", "/alarms")
    row = page.locator("[data-alarm]").first
    row.wait_for()
    row.locator("button >> text=确认").first.click()
    row.locator("text=报警中·已确认").wait_for()
    row.locator("button >> text=暂不提示").click()
    row.locator("textarea[name=reason]").fill("探头标定")
    row.locator("form button.main").click()
    page.wait_for_selector(".refused")  # this town lets nobody shelve, and the page says so
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    if AXE.is_file():
        assert officer.axe() == []
    alarm = row.get_attribute("data-alarm") or ""
    officer.close()

    owner = Desk(browser, serve)
    page = owner.sign_in("gas", "/alarms")
    page.click("button >> text=报备")
    page.fill("input[name=places]", alarm.split("|")[1])
    page.fill("input[name=contact]", "现场负责人")
    page.fill("textarea[name=reason]", "计划放散")
    page.click("form button.main >> text=报备")
    page.wait_for_selector("[data-announcement] >> text=有效")
    assert "放散吹扫" in page.locator("[data-announcement]").first.inner_text()
    owner.picture("alarms")
    owner.close()
