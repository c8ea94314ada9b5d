"""The list and the acts: what moves, what sounds, what the keys do, what happens when two act at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.console.city import first_password, password_of
from tests.console.desk import Desk
from tests.console.serve import NEWCOMER, Serve, wait_for

pytestmark = pytest.mark.slow
DUTY = "post:centre.duty"


@pytest.fixture
def desk(browser: Any, serve: Serve) -> Iterator[Desk]:
    made = Desk(browser, serve)
    made.sign_in()
    yield made
    made.close()


def _rows(page: Any) -> list[str]:
    return list(page.locator(".queue a[data-row]").evaluate_all("all => all.map(a => a.dataset.case)"))


def test_the_list_never_moves_under_the_cursor(serve: Serve, desk: Desk) -> None:
    page = desk.page
    first = serve.alarm(1)
    page.wait_for_selector(f'a[data-case="{first}"]')
    page.hover(".queue .row")
    before = _rows(page)
    second = serve.alarm(2)
    page.wait_for_selector("text=有 1 件新警情")
    assert _rows(page) == before
    # What is shown takes over its new contents in place.
    serve.person("officer").act(first, "judge", verdict="look")
    page.locator(f'.row:has(a[data-case="{first}"]) >> text=推送').wait_for()
    assert _rows(page) == before
    page.click(".fresh")
    page.wait_for_selector(f'a[data-case="{second}"]')
    page.mouse.move(5, 5)
    page.wait_for_selector(".fresh", state="detached")


def test_sound_until_acknowledged_or_silenced(serve: Serve, desk: Desk) -> None:
    page = desk.page
    serve.alarm(2)
    assert "声音未开启" in page.inner_text("button.sound"), (
        "a browser may not sound before a click, and it is said"
    )
    page.click("button.sound")
    page.wait_for_selector("button.sound.sounding")
    page.keyboard.press("m")
    page.wait_for_selector("button.sound.silenced")
    third = serve.alarm(3)
    page.wait_for_selector("button.sound.sounding")
    serve.person("officer").act(third, "judge", verdict="look")
    page.wait_for_selector("button.sound.silenced")


def test_everything_by_keyboard(serve: Serve, desk: Desk) -> None:
    page = desk.page
    serve.alarm(1)
    serve.alarm(2)
    page.wait_for_selector(".queue .row >> nth=1")
    rows = _rows(page)
    page.keyboard.press("j")
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.dataset.case") == rows[1]
    page.keyboard.press("k")
    assert page.evaluate("document.activeElement.dataset.case") == rows[0]
    page.keyboard.press("?")
    page.wait_for_selector("#help-title")
    page.keyboard.press("Escape")
    page.wait_for_selector("#help-title", state="detached")
    page.locator(f'a[data-case="{rows[0]}"]').focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(".case-head")
    page.go_back()
    page.wait_for_selector(".queue .row")
    page.locator(f'a[data-case="{rows[1]}"]').focus()
    page.keyboard.press("d")
    page.wait_for_selector(".next button.big:focus")
    page.go_back()
    page.locator(f'a[data-case="{rows[1]}"]').focus()
    page.keyboard.press("e")
    page.wait_for_selector(".report textarea:focus")


def test_a_signs_for_the_order_straight_from_the_list(browser: Any, serve: Serve) -> None:
    case = serve.alarm(3)
    officer = serve.person("officer")
    if officer.get(f"cases/{case}")["stage"] == "opened":
        officer.act(case, "judge", verdict="real")
    if officer.get(f"cases/{case}")["verdict"] is not None and not officer.get(f"cases/{case}")["lead"]:
        officer.act(case, "push")
    desk = Desk(browser, serve)
    page = desk.sign_in("gas")
    page.wait_for_selector(f'a[data-case="{case}"]')
    page.locator(f'a[data-case="{case}"]').focus()
    page.keyboard.press("a")
    page.wait_for_selector(".said >> text=已签收")
    assert officer.get(f"cases/{case}")["stage"] == "acknowledged"
    desk.close()


def test_what_changed_meanwhile_is_shown_and_asked_again(serve: Serve, desk: Desk) -> None:
    """409: the officer decides on what is, not on what was."""
    page = desk.page
    case = serve.alarm(2)
    page.wait_for_selector(f'a[data-case="{case}"]')
    page.click(f'a[data-case="{case}"]')
    page.click(".next button.big >> text=研判")
    page.check(".act-form input[value=real]")
    # The link is slow: what happened elsewhere is not here yet when the button is pressed.
    page.route(f"**/cases/{case}?*", lambda route: route.abort())
    page.route(f"**/cases/{case}/timeline*", lambda route: route.abort())
    serve.person("second", DUTY).act(case, "note", text="燃气公司来电：正在倒阀")
    page.wait_for_timeout(600)
    page.route(f"**/cases/{case}/acts/judge", lambda route: (_free(page, case), route.continue_()))
    page.click(".next .act-form button.main")
    page.wait_for_selector("div.changed li")
    assert "备注" in page.inner_text("div.changed")
    assert serve.person("officer").get(f"cases/{case}")["verdict"] is None, (
        "nothing was done behind the officer"
    )
    page.click(".next .act-form button.main >> text=仍要研判")
    page.wait_for_selector(".next .said")
    assert serve.person("officer").get(f"cases/{case}")["verdict"] == "real"


def _free(page: Any, case: str) -> None:
    page.unroute(f"**/cases/{case}?*")
    page.unroute(f"**/cases/{case}/timeline*")


def test_the_first_password_has_to_be_changed(browser: Any, serve: Serve) -> None:
    desk = Desk(browser, serve)
    page = desk.page
    page.goto(desk.base)
    page.fill("input[name=account]", NEWCOMER)
    page.fill("input[name=password]", "wrong-Password-9")
    page.click(".sign-in button.main")
    page.wait_for_selector(".sign-in .refused")
    page.fill("input[name=password]", first_password(NEWCOMER))
    page.click(".sign-in button.main")
    page.wait_for_selector("input[name=new-password]")
    page.fill("input[name=password]", first_password(NEWCOMER))
    page.fill("input[name=new-password]", "short")
    page.click(".sign-in button.main")
    page.wait_for_selector(".sign-in .refused")
    page.fill("input[name=new-password]", password_of(NEWCOMER))
    page.click(".sign-in button.main")
    page.wait_for_selector("header.bar")
    page.wait_for_selector("dialog", state="detached")
    assert "带班领导" in page.inner_text("header.bar")
    desk.close()


def test_another_language_and_another_post(browser: Any, serve: Serve) -> None:
    desk = Desk(browser, serve)
    page = desk.sign_in("second")
    page.click("header.bar >> text=English")
    page.wait_for_selector("header.bar >> text=Cases")
    assert page.get_attribute("html", "lang") == "en"
    page.select_option("header.bar select", DUTY)
    wait_for(lambda: page.input_value("header.bar select") == DUTY, 10, "the post has not changed")
    wait_for(lambda: page.locator(".queue .row").count() > 0, 10, "the list is not that of the new post")
    desk.close()


def test_a_storm_is_one_row_that_opens_into_its_alarms(
    browser: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    serve = Serve(tmp_path_factory.mktemp("storm"), storm=True)
    try:
        desk = Desk(browser, serve)
        page = desk.sign_in()
        for valve in (1, 2, 3):
            serve.send(f"channel:valve-{valve}.ch4", 61.5)
            page.wait_for_timeout(700)
        row = page.locator(".row", has_text="归集")
        row.wait_for()
        wait_for(lambda: "归集 2 起" in row.inner_text(), 10, "how many share it is not said")
        row.locator("a[data-row]").click()
        page.wait_for_selector("#members-title")
        page.wait_for_selector("section[aria-labelledby=members-title] li >> text=和平路 3 号阀井")
        assert page.locator("section[aria-labelledby=members-title] li").count() == 2
        # Each alarm keeps its own curve.
        page.click("section[aria-labelledby=members-title] li:nth-child(2) button")
        page.wait_for_selector(".finding.member canvas")
        assert "3 号阀井" in page.inner_text("section[aria-labelledby=members-title]")
        desk.picture("storm")
        desk.close()
    finally:
        serve.close()
