"""The roster page: who is on and who comes, and a swap that holds once both have signed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.console.desk import PHONE, Desk
from tests.console.serve import Serve, wait_for

pytestmark = pytest.mark.slow
DUTY = "post:centre.duty"


def test_a_swap_is_proposed_and_agreed_by_two_people(browser: Any, serve: Serve) -> None:
    one = Desk(browser, serve)
    page = one.sign_in("officer", "/roster")
    post = page.locator(f'[data-post="{DUTY}"]')
    post.locator(".on-now >> text=本人").or_(post.locator(".on-now").first).first.wait_for()
    assert "接班" in post.inner_text()
    leader = page.locator('[data-post="post:centre.leader"]')
    assert "带班领导壬" in leader.inner_text(), "the leader on duty is named"
    give = page.locator("select[name=give]")
    mine = give.locator("option").nth(1)
    chosen = mine.get_attribute("value") or ""
    give.select_option(chosen)
    page.select_option("select[name=taker]", "person:centre2")
    assert page.locator("select[name=take] option").count() >= 2, "one of theirs can be taken for it"
    one.picture("roster")
    page.click("button >> text=签字提议")
    page.wait_for_selector("text=等待 值班员己 签字")

    other = Desk(browser, serve, size=PHONE, theme="light")
    theirs = other.sign_in("second", "/roster")
    theirs.wait_for_selector("button >> text=签字同意")
    assert theirs.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    other.picture("roster-phone")
    theirs.click("button >> text=签字同意")
    theirs.wait_for_selector(".said")
    theirs.wait_for_selector("button >> text=签字同意", state="detached")
    other.close()

    def swapped() -> bool:
        posts = serve.person("officer").get("roster?days=14")["posts"]
        duties = [d for p in posts if p["post"] == DUTY for w in p["watches"] for d in w["ahead"]]
        start = chosen.split("|")[2]
        return any(d["start"] == start and d["person"] == "person:centre2" for d in duties)

    wait_for(swapped, 10, "the duty has not changed hands")
    page.wait_for_selector("text=等待 值班员己 签字", state="detached")
    one.close()
