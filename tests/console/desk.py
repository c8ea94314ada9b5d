"""A desk with the console open in a real browser, and what a test asks of it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from tests.console.city import password_of
from tests.console.serve import Serve

ROOT = Path(__file__).parents[2]
AXE = ROOT / "console" / "node_modules" / "axe-core" / "axe.min.js"
IMAGES = ROOT / "docs" / "images"
#: Set it to write docs/images anew; other runs leave them alone.
SWITCH = "LIANDONG_TEST_IMAGES"
WIDE = {"width": 1600, "height": 900}
SMALL = {"width": 1280, "height": 720}
PHONE = {"width": 390, "height": 844}


class Desk:
    """One browser context: its own cookie, its own storage, like another computer."""

    def __init__(
        self, browser: Any, serve: Serve, *, size: dict[str, int] = WIDE, language: str = "zh",
        theme: str = "dark", direct: bool = False,
    ) -> None:  # fmt: skip
        self.serve = serve
        self.context = browser.new_context(
            viewport=size, reduced_motion="reduce", locale="zh-CN" if language == "zh" else "en-GB"
        )
        self.context.set_default_timeout(15_000)
        words = json.dumps({"liandong.language": language, "liandong.theme": theme})
        self.context.add_init_script(
            f"for (const [key, value] of Object.entries({words}))"
            " if (!localStorage.getItem(key)) localStorage.setItem(key, value);"
        )
        self.complaints: list[str] = []
        self.page = self.new_page()
        self.base = f"http://127.0.0.1:{serve.port}" if direct else serve.url

    def new_page(self) -> Any:
        """One more tab."""
        page = self.context.new_page()
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._heard)
        return page

    def _heard(self, message: Any) -> None:
        # Refused requests are part of the tests; what the page itself does wrong is not.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.complaints.append(message.text)

    def sign_in(self, account: str = "officer", path: str = "/") -> Any:
        """Through the page, like everybody."""
        self.page.goto(self.base + path)
        self.fill_in(account)
        self.page.wait_for_selector("header.bar")
        self.page.wait_for_selector(".lost", state="detached")
        # Where the button was, the list is now, and it holds still under a pointer.
        self.page.mouse.move(5, 5)
        return self.page

    def fill_in(self, account: str) -> None:
        """Account and password, wherever they are asked for."""
        self.page.fill("input[name=account]", account)
        self.page.fill("input[name=password]", password_of(account))
        self.page.click(".sign-in button.main")

    def open(self, path: str) -> None:
        """Another place of the console."""
        self.page.goto(self.base + path)
        self.page.wait_for_selector("header.bar")

    def axe(self) -> list[str]:
        """What axe-core finds, one line each."""
        # Into the page's own world, past the policy that keeps others' scripts out.
        self.page.evaluate(AXE.read_text(encoding="utf-8") + ";void 0")
        found = self.page.evaluate(
            "async () => (await axe.run(document, {resultTypes: ['violations']})).violations"
        )
        return [
            f"{rule['id']} ({rule['impact']}): {node['target']} {node.get('failureSummary', '')[:200]}"
            for rule in found
            for node in rule["nodes"]
        ]

    def picture(self, name: str) -> None:
        """For the manual; only where it is asked for, so that a test run leaves the tree as it was."""
        if not os.environ.get(SWITCH):
            return
        IMAGES.mkdir(parents=True, exist_ok=True)
        self.page.wait_for_timeout(600)
        self.page.screenshot(path=IMAGES / f"{name}.png", scale="css")

    def close(self) -> None:
        """End it; a page that complained fails its test."""
        self.context.close()
        assert not self.complaints, self.complaints


def until_said(page: Any, place: str = ".next") -> None:
    """Wait until an act is done. Where the case changed meanwhile the page asks again, and a person who has
    read what changed presses again."""
    for _ in range(5):
        page.wait_for_selector(f"{place} .said, {place} div.changed")
        if page.query_selector(f"{place} .said"):
            return
        page.click(f"{place} .act-form:has(div.changed) button.main")
    raise AssertionError(page.inner_text(place))
