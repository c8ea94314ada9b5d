"""axe-core finds nothing on any page, in both languages and both themes, on a wide screen and a phone."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.console.desk import AXE, PHONE, SMALL, WIDE, Desk
from tests.console.serve import Serve

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not AXE.is_file(), reason="console/node_modules is not there; `make console` makes it"
    ),
]


def joint(serve: Serve) -> str:
    """A case with everything beside its main line: a call that goes on, a request that waits."""
    case, officer, gas = serve.alarm(1), serve.person("officer"), serve.person("gas")
    if officer.get(f"cases/{case}")["verdict"] is None:
        officer.act(case, "judge", verdict="real", level="I")
        officer.act(case, "push")
        gas.act(case, "acknowledge")
        due = next(c["due"] for c in gas.get(f"cases/{case}")["clocks"] if c["action"] == "arrive")
        later = datetime.fromisoformat(due) + timedelta(hours=5)
        gas.act(case, "extend", until=later.isoformat(), reason="needs_time")
    return case


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize(("language", "size"), [("zh", WIDE), ("en", SMALL), ("zh", PHONE)])
def test_axe_finds_nothing(
    browser: Any, serve: Serve, language: str, theme: str, size: dict[str, int]
) -> None:
    case = joint(serve)
    serve.alarm(2)
    desk = Desk(browser, serve, language=language, theme=theme, size=size)
    page = desk.page
    found: dict[str, list[str]] = {}

    def look(place: str) -> None:
        found[place] = desk.axe()
        wide = page.evaluate("document.documentElement.scrollWidth")
        if wide > size["width"]:
            found[place].append(f"{wide} px wide on a screen of {size['width']}")

    page.goto(desk.base)
    page.wait_for_selector("input[name=account]")
    look("sign-in")
    desk.fill_in("officer")
    page.wait_for_selector(".queue .row >> nth=1")
    page.wait_for_selector(".lost", state="detached")
    look("queue")
    if language == "en" and theme == "light":
        desk.picture("queue-en")
    page.keyboard.press("?")
    page.wait_for_selector("#help-title")
    look("help")
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    page.fill("input[type=search]", "hpl")
    page.wait_for_selector(".found li")
    look("search")
    page.keyboard.press("Escape")
    desk.open("/shift")
    page.wait_for_selector(".shift-items li")
    page.click(".self-test button.main")
    page.wait_for_selector(".checks li.good")
    look("shift")
    desk.open("/roster")
    page.wait_for_selector("select[name=give]")
    look("roster")
    desk.open("/devices")
    page.wait_for_selector("[data-sensor]")
    page.wait_for_selector("[data-source]")
    look("devices")
    desk.open("/mechanisms")
    page.wait_for_selector("#drafts-title")
    look("mechanisms")
    desk.open(f"/case/{case}")
    page.wait_for_selector(".facts")
    page.wait_for_selector(".beside-panel")
    page.wait_for_selector(".timeline li")
    page.click(".beside-panel button.main.off")
    page.wait_for_selector(".beside-panel .act-form")
    # Without the telephone itself: the browser would ask which program to ring with.
    page.locator(".duty .call").first.evaluate("a => a.addEventListener('click', e => e.preventDefault())")
    page.click(".duty .call >> nth=0")
    page.wait_for_selector(".ringing")
    look("case")
    if size is PHONE:
        page.click("button.big.off")
        page.wait_for_selector("#cannot-title")
        look("cannot")
        page.keyboard.press("Escape")
    desk.context.clear_cookies()
    page.fill(".notes textarea", "半句话")
    page.evaluate("document.querySelector('.notes form').requestSubmit()")
    page.wait_for_selector("#again-title")
    look("after the session")
    desk.close()
    assert not any(found.values()), {place: lines for place, lines in found.items() if lines}


def test_the_check_would_find_something(browser: Any, serve: Serve) -> None:
    """A test that cannot fail is worse than none."""
    desk = Desk(browser, serve)
    desk.page.goto(desk.base)
    desk.page.wait_for_selector("input[name=account]")
    desk.page.evaluate(
        "document.querySelector('main').insertAdjacentHTML('beforeend', '<img src=/icon.svg>')"
    )
    assert any("image-alt" in line for line in desk.axe())
    desk.close()
