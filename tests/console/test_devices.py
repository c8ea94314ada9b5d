"""The page of devices and sources: what is silent, whose it is, when it was last heard."""

from __future__ import annotations

from typing import Any

import pytest

from tests.console.desk import AXE, PHONE, SMALL, Desk
from tests.console.serve import Serve

pytestmark = pytest.mark.slow


def test_states_are_counted_and_filtered_and_say_whose_a_device_is(browser: Any, serve: Serve) -> None:
    serve.send("channel:valve-1.ch4", 1.0)
    for language, size in (("zh", PHONE), ("en", SMALL)):
        desk = Desk(browser, serve, language=language, size=size)
        page = desk.sign_in("officer", "/devices")
        page.locator("[data-sensor]").first.wait_for()
        shown = [row.get_attribute("data-sensor") for row in page.locator("[data-sensor]").all()]
        assert shown[-1] == "sensor:valve-1" and len(shown) >= 3, "what was never heard comes before"
        row = page.locator("[data-sensor='sensor:valve-1']").inner_text()
        assert ("在线" in row and "权属" in row) if language == "zh" else ("live" in row and "owner" in row)
        source = page.locator("[data-source='source:gas']")
        source.wait_for()
        assert "http" in source.inner_text()
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
        if AXE.is_file():
            assert desk.axe() == []
        desk.picture(f"devices-{language}")
        button = page.locator("[data-state='never']")
        button.focus()
        page.keyboard.press("Enter")
        page.locator("[data-sensor='sensor:valve-1']").wait_for(state="detached")
        page.locator("[data-sensor='sensor:valve-2']").wait_for()
        assert button.get_attribute("aria-pressed") == "true"
        desk.close()


def test_sources_are_not_shown_to_who_may_not_read_what_comes_in(browser: Any, serve: Serve) -> None:
    desk = Desk(browser, serve)
    page = desk.sign_in("gas", "/")
    page.click("nav >> text=设备")
    page.locator("[data-sensor]").first.wait_for()
    page.locator("#watchers-title").wait_for()
    assert page.locator("#sources-title").count() == 0
    desk.close()
