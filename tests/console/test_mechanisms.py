"""A draft on its page: what changes for my unit in words, my opinion row by row, silence, countersigning."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from liandong.adapters.mechanisms import write_file
from liandong.adapters.tables import read_city
from tests.console.desk import AXE, PHONE, Desk
from tests.console.serve import Serve

pytestmark = pytest.mark.slow
DRAFTER = "post:emergency.duty"


def consulted(serve: Serve, folder: Path) -> str:
    """A draft in which the housing bureau verifies closures; it is asked, and so is the gas company."""
    made = read_city(serve.city).mechanism
    [verify] = [row for row in made.roles if row.key == "role.verify"]
    roles = (*made.roles, replace(verify, key="role.gas.verify", flow="gas_leak", role="unit:housing"))
    path = folder / "second.yaml"
    write_file(path, replace(made, key="example-second", roles=roles))
    drafter = serve.person("emergency")
    body = {"files": {path.name: path.read_text(encoding="utf-8")}}
    done = drafter.ask(
        "POST", "mechanisms", json=body, headers={"Idempotency-Key": "draft-1", "If-Match": '"0"'}
    )
    assert done.status_code == 200, done.text
    draft = str(done.json()["draft"])
    version = drafter.get(f"mechanisms/{draft}")["version"]
    until = (datetime.now(UTC) + timedelta(days=3)).isoformat()
    asked = drafter.ask(
        "POST", f"mechanisms/{draft}/consult", json={"until": until, "units": ["unit:gas", "unit:housing"]},
        headers={"Idempotency-Key": "consult-1", "If-Match": f'"{version}"'},
    )  # fmt: skip
    assert asked.status_code == 200, asked.text
    return draft


def test_my_unit_answers_row_by_row_and_others_are_silent(browser: Any, serve: Serve, tmp_path: Path) -> None:
    draft = consulted(serve, tmp_path)
    desk = Desk(browser, serve)
    page = desk.sign_in("housing")
    page.click(".waiting li a:has-text('提出意见')")
    page.wait_for_selector("#mine-title >> text=示例市住房和城乡建设局")
    changed = page.inner_text("section[aria-labelledby=mine-title] .changes")
    assert "复核" in changed and "role.gas.verify" in changed, "what changes is said in words, with its row"
    row = page.locator('.opinion[data-row="role.gas.verify"]')
    row.locator(".choice >> text=反对").click()
    assert row.locator("textarea").get_attribute("required") is not None, "an objection needs its reason"
    row.locator("textarea").fill("夜间无复核人员")
    if AXE.is_file():
        assert not desk.axe()
    desk.picture("mechanism")
    row.locator("button.main").click()
    row.locator(".said >> text=反对").wait_for()
    page.click("button >> text=会签")
    page.wait_for_selector("[role=alert] >> text=裁定后再会签")

    office = Desk(browser, serve, size=PHONE, language="en")
    theirs = office.sign_in("emergency", f"/mechanisms/{draft}")
    theirs.wait_for_selector("#asked-title")
    silent = theirs.locator("li", has_text="Gas company")
    assert "Silent" in silent.first.inner_text(), "silence is shown as what it is"
    opinion = theirs.locator(".matter", has_text="夜间无复核人员")
    opinion.locator("textarea").fill("由联合值守解决")
    assert theirs.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    if AXE.is_file():
        assert not office.axe()
    office.picture("mechanism-phone-en")
    opinion.locator("button >> text=Do not follow it").click()
    theirs.wait_for_selector("q >> text=由联合值守解决")
    office.close()

    # Once it is decided, whoever objected can sign for this very content.
    page.reload()
    page.wait_for_selector("q >> text=由联合值守解决")
    page.click("button >> text=会签")
    page.wait_for_selector("section[aria-labelledby=sign-title] >> text=已会签")
    desk.close()
