"""A joint case in the browser: linked orders, a call that is answered, an approval, a duty question."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.console.desk import PHONE, Desk, until_said
from tests.console.serve import Serve, wait_for

pytestmark = pytest.mark.slow
DUTY = "post:centre.duty"
WALL = timedelta(hours=8)


@pytest.fixture(scope="module")
def case(serve: Serve) -> str:
    """A case of the highest level, pushed to the gas company and, beside it, to the emergency bureau."""
    found = serve.alarm(1)
    officer = serve.person("officer")
    officer.act(found, "judge", verdict="real", level="I")
    officer.act(found, "push")
    return found


def arrival(serve: Serve, case: str) -> str:
    """When the gas company has to be there."""
    clocks = serve.person("gas").get(f"cases/{case}")["clocks"]
    return next(str(clock["due"]) for clock in clocks if clock["action"] == "arrive")


@pytest.fixture(scope="module")
def gas(browser: Any, serve: Serve) -> Iterator[Desk]:
    made = Desk(browser, serve)
    made.sign_in("gas")
    yield made
    made.close()


def test_linked_orders_stand_line_by_line_with_their_own_clocks(
    browser: Any, serve: Serve, case: str
) -> None:
    desk = Desk(browser, serve)
    page = desk.sign_in("officer", f"/case/{case}")
    line = page.locator('.orders[data-line="fire"] li').first
    line.wait_for()
    words = line.inner_text()
    assert "示例市应急管理局" in words and "技术支撑" in words
    assert re.search(r"剩 \d+:\d\d", words), "the line has a clock of its own"
    assert "示例燃气公司" in page.locator('.orders[data-line=""]').inner_text()
    desk.close()


def test_a_call_goes_on_until_the_person_answers_it_on_the_page(
    browser: Any, serve: Serve, case: str
) -> None:
    desk = Desk(browser, serve)
    page = desk.sign_in("emergency", f"/case/{case}")
    page.wait_for_selector(".ringing-now >> text=第 1 次")
    page.click(".ringing-now button.main")
    page.wait_for_selector(".ringing-now", state="detached")
    assert serve.person("officer").get(f"cases/{case}")["beside"]["ringing"] == []
    page.wait_for_selector('.orders[data-line="fire"] >> text=叫应已应答')
    desk.close()


def test_an_extension_waits_for_its_approval_and_holds_once_it_is_given(
    browser: Any, serve: Serve, gas: Desk, case: str
) -> None:
    serve.person("gas").act(case, "acknowledge")
    gas.open(f"/case/{case}")
    page = gas.page
    page.click(".next .aside button >> text=延期")
    due = arrival(serve, case)
    until = datetime.fromisoformat(due).astimezone(UTC) + timedelta(hours=6)
    page.fill(".next input[type=datetime-local]", (until + WALL).strftime("%Y-%m-%dT%H:%M"))
    page.click(".next .choice >> text=等待材料或设备")
    page.click(".next .act-form button.main")
    until_said(page)
    waiting = page.locator('.matter.open[data-line="request.1"]')
    waiting.wait_for()
    words = waiting.inner_text()
    for part in ("示例燃气公司", "延期", "等待材料或设备", "由 示例市城市安全运行监测中心", "剩 "):
        assert part in words, (part, words)
    assert waiting.locator("button").count() == 0, "whoever asks does not approve"

    officer = Desk(browser, serve)
    there = officer.sign_in()
    there.wait_for_selector(".waiting li >> text=批准")
    officer.picture("waiting")
    there.click(".waiting li a:has-text('批准')")
    matter = there.locator('.matter.open[data-line="request.1"]')
    matter.locator("button", has_text="不批准").wait_for()
    officer.picture("joint-case")
    matter.locator("button.main:not(.off)").click()
    matter.locator(".act-form button.main").click()
    there.wait_for_selector('.matter.granted[data-line="request.1"] >> text=已批准')
    officer.close()

    wait_for(lambda: arrival(serve, case) != due, 10, "the clock has not moved")


def test_a_returned_order_is_a_duty_question_that_is_decided_on_the_page(
    browser: Any, serve: Serve, gas: Desk, case: str
) -> None:
    gas.open(f"/case/{case}")
    page = gas.page
    page.click(".next .aside button >> text=退回")
    page.click(".next .choice >> text=不属本单位职责")
    page.click(".next .act-form button.main")
    # Where life is at stake the centre acts meanwhile, so that the company no longer takes part.
    officer = serve.person("officer")
    wait_for(lambda: officer.get(f"cases/{case}")["beside"]["questions"], 10, "nothing was asked")

    other = Desk(browser, serve, size=PHONE, theme="light", language="en")
    there = other.sign_in("emergency")
    there.click(".waiting li a")
    matter = there.locator('.matter.open[data-line="duty.1"]')
    assert "says that it is not its duty" in matter.inner_text()
    matter.locator("button.main").click()
    select = matter.locator("label:has-text('Whose duty it is') select")
    select.select_option("unit:gas")
    matter.locator("text=It is its duty").or_(matter.locator(".choice").first).first.click()
    assert there.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    other.picture("duty-question-phone-en")
    matter.locator(".act-form button.main").click()
    there.wait_for_selector('.matter.granted[data-line="duty.1"]')
    other.close()


def test_a_leader_decides_at_the_top_of_the_queue_whether_a_response_is_started(
    browser: Any, serve: Serve, case: str
) -> None:
    desk = Desk(browser, serve)
    page = desk.sign_in("leader")
    page.click(".waiting li a:has-text('决定是否启动响应')")
    page.wait_for_selector("#decide-title")
    assert "剩" in page.inner_text("#decide, dialog.modal"), "its clock is with it"
    page.locator("dialog label:has-text('理由') textarea").fill("影响范围限于一口阀井，现有力量足够")
    desk.picture("decision")
    page.click("dialog button >> text=不启动")
    page.wait_for_selector(".waiting", state="detached")
    assert page.is_visible("dialog .said"), "the answer stays although nothing waits any more"
    page.keyboard.press("Escape")
    [state] = serve.person("leader").get("responses")["items"]
    assert state["open_questions"] == 0
    desk.close()
