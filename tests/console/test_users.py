"""What the people of the duty room would miss, be annoyed by, refuse or delight in: a test for each point."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from liandong.app.ports import Changes
from liandong.stores.sqlite import open_sqlite
from tests.console.city import add_rule
from tests.console.desk import PHONE, Desk
from tests.console.serve import Serve, wait_for

pytestmark = pytest.mark.slow
DUTY = "post:centre.duty"


@pytest.fixture(scope="module")
def desk(browser: Any, serve: Serve) -> Iterator[Desk]:
    made = Desk(browser, serve)
    made.sign_in()
    yield made
    made.close()


@pytest.fixture(scope="module")
def case(serve: Serve) -> str:
    """One that is open for the whole module."""
    return serve.alarm(1)


def test_duty_officer_report_is_drafted_and_its_clock_is_first_on_screen(
    serve: Serve, desk: Desk, case: str
) -> None:
    page = desk.page
    desk.open(f"/case/{case}")
    page.wait_for_selector(".report textarea")
    draft = page.input_value(".report textarea")
    for words in ("和平路 1 号阀井", "61.5", "东区", "尚未研判"):
        assert words in draft, f"{words} is not in the draft that is there before anybody has rung"
    serve.person("officer").act(case, "judge", verdict="real")
    page.wait_for_selector(".case-head .report-clock")
    assert re.search(r"剩 (29|30):\d\d", page.inner_text(".case-head .report-clock"))
    assert "示例 4.2" in page.inner_text(".report"), "the document that asks for it is named"

    desk.open("/")
    page.wait_for_selector(".reports li")
    assert page.evaluate("document.querySelector('main > section').className") == "reports"
    row = page.locator(f'.row:has(a[data-case="{case}"])')
    assert "报示例市总值班室" in row.locator(".clocks p").first.inner_text()

    page.click(".reports a")
    page.wait_for_selector(".report textarea")
    page.fill(".report textarea", draft + "\n补充：已通知燃气公司。")
    page.click(".report button.main")
    page.wait_for_selector(".report .said")
    # The row names who signs: it goes out with that signature, and the page says that it waits.
    page.wait_for_selector(".report >> text=等待签发")
    [owed] = serve.person("officer").get(f"cases/{case}/report")["reports"]
    assert owed["waits_for_signature"] and owed["sent"] is None


def test_duty_officer_roster_with_leader_watches_and_who_must_be_woken(desk: Desk, case: str) -> None:
    page = desk.page
    desk.open(f"/case/{case}")
    page.wait_for_selector(".duty .call")
    words = page.inner_text(".duty")
    for part in ("带班领导", "主班", "副班", "必须叫醒"):
        assert part in words, part
    leader = page.locator(".duty .people .people li", has_text="带班领导壬").locator("a.call")
    assert leader.get_attribute("href") == "tel:00000000105", "one press rings"


def test_duty_officer_action_card_of_five_lines(desk: Desk, case: str) -> None:
    page = desk.page
    desk.open(f"/case/{case}")
    page.wait_for_selector(".card li")
    assert page.locator(".card li").count() == 5
    words = page.inner_text(".card")
    assert "电话用语" in words and "安全距离" in words and "严禁" in words
    assert re.search(r"\d+ m|未规定", page.inner_text(".card li.distance")), "or that none is laid down"
    assert "暂定" in words or "文件原文" in words, "where it comes from is said"


def test_duty_officer_call_log_by_two_taps(serve: Serve, desk: Desk, case: str) -> None:
    page = desk.page
    desk.open(f"/case/{case}")
    button = page.locator(".duty .people .people li", has_text="值班员己").locator("a.call")
    button.evaluate("a => a.addEventListener('click', e => e.preventDefault())")
    button.click()
    page.click(".ringing button.main >> nth=0")
    page.wait_for_selector(".duty .said")
    button.click()
    page.fill(".ringing textarea", "约定 10 分钟后回电")
    page.click(".ringing button.main.off")
    page.wait_for_selector(".ringing", state="detached")
    page.wait_for_selector(".timeline li.call >> nth=1")
    items = serve.person("officer").get(f"cases/{case}/timeline?limit=200")["items"]
    calls = [item for item in items if item["type"] == "call"]
    assert len(calls) == 2 and calls[1]["words"] == "约定 10 分钟后回电"
    words = page.inner_text(".timeline")
    assert "值班员己" in words and "未接听" in words, words


def test_duty_officer_presence_so_that_nobody_rings_twice(
    browser: Any, serve: Serve, desk: Desk, case: str
) -> None:
    colleague = Desk(browser, serve)
    colleague.sign_in("second")
    colleague.page.select_option("header.bar select", DUTY)
    desk.open("/")
    desk.page.wait_for_selector(f'a[data-case="{case}"]')
    colleague.page.click(f'a[data-case="{case}"]')
    row = desk.page.locator(f'.row:has(a[data-case="{case}"])')
    row.locator(".presence >> text=正在查看").wait_for()
    button = colleague.page.locator(".duty a.call").first
    button.evaluate("a => a.addEventListener('click', e => e.preventDefault())")
    button.click()
    row.locator(".presence >> text=正在呼叫").wait_for()
    assert "示例市城市安全运行监测中心" in row.locator(".presence").first.inner_text()
    colleague.page.click(".ringing button.quiet")
    colleague.page.click("a.back")
    row.locator(".presence").wait_for(state="detached")
    colleague.close()


@pytest.mark.parametrize(
    ("words", "kind", "shown"),
    [("heping", "area", "和平镇"), ("hpl", "asset", "阀井"), ("阀井", "asset", "和平路 1 号阀井"),
     ("sensor:valve-1", "sensor", "和平路 1 号阀井"), ("00000000105", "person", "带班领导壬")],
)  # fmt: skip
def test_duty_officer_search_by_name_pinyin_device_and_telephone(
    desk: Desk, case: str, words: str, kind: str, shown: str
) -> None:
    page = desk.page
    desk.open("/")
    page.wait_for_selector(".queue .row")
    page.keyboard.press("/")
    page.fill("input[type=search]", words)
    page.wait_for_selector(f".found li >> text={shown}")
    page.keyboard.press("Escape")


def test_duty_officer_handover_signed_by_both_item_by_item(
    browser: Any, serve: Serve, desk: Desk, case: str
) -> None:
    page = desk.page
    desk.open("/shift")
    page.wait_for_selector(".shift-items li")
    count = page.locator(".shift-items li").count()
    page.locator(".shift-items input").first.fill("燃气公司已在路上")
    page.click("text=签字交班")
    page.wait_for_selector(".said")
    page.wait_for_selector("text=等待接班人签字")

    other = Desk(browser, serve)
    theirs = other.sign_in("second", "/shift")
    theirs.select_option("header.bar select", DUTY)
    theirs.wait_for_selector("text=燃气公司已在路上")
    take = theirs.locator("button", has_text="签字接班")
    assert take.is_disabled(), "not before each item was checked"
    for number in range(count):
        theirs.locator(".shift-items input[type=checkbox]").nth(number).check()
    other.picture("shift")
    take.click()
    theirs.wait_for_selector(".said")
    now = serve.person("officer").get("shift")
    assert now["holder"]["person"] == "person:centre2" and now["pending"] is None
    page.wait_for_selector("text=接班记录")
    log = theirs.inner_text(".timeline")
    assert len(log.splitlines()) > 3, "the log writes itself"
    other.close()


def test_duty_officer_session_ends_and_neither_note_nor_sound_is_lost(
    browser: Any, serve: Serve, case: str
) -> None:
    loud = serve.alarm(2)
    made = Desk(browser, serve)
    page = made.sign_in()
    page.click("button.sound")
    page.wait_for_selector("button.sound.sounding")
    made.page.click(f'a[data-case="{loud}"]')
    page.fill(".notes textarea", "居民称半小时前闻到气味，正在")
    made.context.clear_cookies()
    # Pressed under the sign-in that may already lie over the page.
    page.evaluate("document.querySelector('.notes form').requestSubmit()")
    page.wait_for_selector("#again-title")
    assert page.input_value(".notes textarea") == "居民称半小时前闻到气味，正在"
    assert page.locator("dialog .sound.sounding").is_visible(), "it still sounds, and can be silenced"
    made.fill_in("officer")
    page.wait_for_selector("#again-title", state="detached")
    page.wait_for_selector(".notes .said", timeout=20_000)
    page.wait_for_selector(".notes q >> text=半小时前闻到气味")

    # A browser that crashes loses nothing either.
    page.fill(".notes textarea", "第二句没写完")
    page.close()
    made.page = made.new_page()
    made.open(f"/case/{loud}")
    made.page.wait_for_selector(".notes textarea")
    assert made.page.input_value(".notes textarea") == "第二句没写完"
    made.close()


def test_duty_officer_who_has_signed_in_again_is_not_asked_once_more_by_a_late_refusal(
    browser: Any, serve: Serve, case: str
) -> None:
    made = Desk(browser, serve)
    page = made.sign_in()
    made.context.clear_cookies()
    refused: list[Any] = []

    def hold(route: Any) -> None:
        # The first one is refused by the server, but its answer stays under way.
        if refused:
            route.continue_()
        else:
            refused.append((route, route.fetch()))

    page.route("**/api/v1/shift", hold)
    with page.expect_request("**/api/v1/shift"):
        page.click('nav a[href="/shift"]')
    page.click('nav a[href="/roster"]')
    page.wait_for_selector("#again-title")
    made.fill_in("officer")
    page.wait_for_selector("#again-title", state="detached")
    [(route, answer)] = refused
    assert answer.status == 401
    with page.expect_response(lambda said: "/shift" in said.url and said.status == 200):
        route.fulfill(response=answer)
    assert not page.query_selector("#again-title"), "a session has begun since that was asked"
    made.close()


def test_duty_officer_precision_stands_beside_the_alarm(serve: Serve, desk: Desk) -> None:
    officer = serve.person("officer")
    for _ in range(2):
        found = serve.alarm(3)
        officer.act(found, "judge", verdict="false")
        officer.act(found, "close", cause="false_calibration")
        # A second below the limit ends the finding, so that the next one can begin.
        for _ in range(4):
            serve.send("channel:valve-3.ch4", 5.0)
            desk.page.wait_for_timeout(600)
    again = serve.alarm(3)
    desk.open("/")
    row = desk.page.locator(f'.row:has(a[data-case="{again}"])')
    row.wait_for()
    both = "规则：2 次中 0 次属实；传感器：2 次中 0 次属实"
    row.locator(f"text={both}").wait_for()
    desk.open(f"/case/{again}")
    desk.page.wait_for_selector(f".finding >> text={both}")
    elsewhere = serve.alarm(2)
    desk.open(f"/case/{elsewhere}")
    desk.page.wait_for_selector(".finding >> text=规则：2 次中 0 次属实；传感器：尚无核实记录")
    desk.open("/alarms")
    alarm = desk.page.locator("[data-alarm]", has_text=both)
    alarm.wait_for()


def test_duty_officer_record_shows_what_was_on_my_screen_and_which_sensors_were_dark(
    serve: Serve, desk: Desk, case: str
) -> None:
    desk.open("/")
    desk.page.wait_for_selector(f'a[data-case="{case}"]')
    desk.picture("queue")
    officer = serve.person("officer")
    shown = desk.page.locator(".queue a[data-row]").evaluate_all("all => all.map(a => a.dataset.case)")

    def kept() -> Any:
        at = datetime.now(UTC).isoformat().replace("+", "%2B")
        answer = officer.ask("GET", f"screen?at={at}")
        return answer.json() if answer.status_code == 200 and answer.json()["cases"] == shown else None

    record = wait_for(kept, 10, "the record does not show what was on the screen")
    assert record["hash"] and record["digest"], "in the chained journal"
    assert isinstance(record["dark"], list)
    desk.page.select_option(".filters label:nth-of-type(1) select", "IV")
    desk.page.wait_for_selector("text=没有符合筛选条件的警情。")
    wait_for(lambda: officer.get("screen")["filters"].get("level") == "IV", 10, "the filter is not kept")
    then = officer.get("screen?at=" + record["at"].replace("+", "%2B"))
    assert then["cases"] == shown, "and what was before is still there"
    desk.page.select_option(".filters label:nth-of-type(1) select", "")


def test_duty_officer_shift_starts_with_a_self_test(serve: Serve, desk: Desk) -> None:
    page = desk.page
    desk.open("/shift")
    page.click(".self-test button.main")
    for part in ("声音", "实时连接", "存储", "时钟", "数据源", "测试报警", "测试报警到达本屏"):
        page.wait_for_selector(f".checks li >> text={part}")
    page.wait_for_selector(".checks li.good >> text=测试报警到达本屏")
    page.click("text=听到了")
    page.wait_for_selector(".checks li.good >> text=声音")


def test_gas_dispatcher_alarm_comes_with_curve_units_calibration_neighbours_and_photograph(
    browser: Any, serve: Serve, case: str
) -> None:
    officer = serve.person("officer")
    if officer.get(f"cases/{case}")["stage"] == "judged":
        officer.act(case, "push")
    gas = serve.person("gas")
    gas.act(case, "acknowledge")
    gas.act(case, "arrive")
    gas.act(case, "handle", evidence=["photo:valve-1"])
    made = Desk(browser, serve)
    page = made.sign_in("gas", f"/case/{case}")
    page.wait_for_selector(".facts")
    words = page.inner_text(".finding")
    for part in (
        "%LEL",
        "%VOL",
        "2026-03-01",
        "和平路 2 号阀井",
        "相邻",
        "3 m",
        "12 m",
        "2 号阀",
        "photo:valve-1",
    ):
        if part == "%VOL":
            page.click("text=读数表")
            words = page.inner_text(".finding")
        assert part.replace("2026-03-01", "03-01") in words, part
    assert page.locator(".chart canvas").count() == 1
    assert "报警限 50" in str(page.get_attribute(".chart", "aria-label"))
    made.close()


def test_grid_worker_has_three_big_buttons_and_a_fourth(browser: Any, serve: Serve, case: str) -> None:
    made = Desk(browser, serve, size=PHONE)
    page = made.sign_in("grid", f"/case/{case}")
    page.wait_for_selector(".next .big.off >> text=办不了")
    for button in page.locator(".next .big").all():
        box = button.bounding_box()
        assert box is not None and box["height"] >= 48, "big enough for a thumb"
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= PHONE["width"], "nothing to scroll sideways"
    page.click(".next .big.off")
    page.fill("dialog textarea", "井口积水")
    made.picture("cannot")
    page.click("dialog button >> text=不安全")
    page.wait_for_selector("dialog .said")
    page.keyboard.press("Escape")
    items = serve.person("officer").get(f"cases/{case}/timeline?limit=200")["items"]
    assert any("不安全：井口积水" in (item["words"] or "") for item in items)
    made.close()


def test_duty_officer_reads_which_rule_fell_silent_and_what_to_do(serve: Serve, desk: Desk) -> None:
    serve.kill()
    add_rule(serve.city, "ch4_high", "ch4_low", raise_at="30", clear_at="20", false_budget="0.5")
    store = open_sqlite(serve.data)
    held = {"ch4_low": {"version": 1, "false": 18, "count": 20, "at": 0}}
    store.commit(Changes(meta={"dispatch.held": json.dumps(held)}))
    store.close()
    serve.start()
    desk.open("/")
    line = desk.page.locator(".waiting .silenced")
    line.locator("text=规则 ch4_low：最近 20 起有结论的警情中 18 起误报，超过预算 50 %").wait_for()
    line.locator("summary").click()
    line.locator("text=liandong rules live ch4_low").wait_for()
