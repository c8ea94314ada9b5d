"""The link breaks in every way that links break, and the console says so and comes back by itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.console.desk import Desk
from tests.console.serve import Serve, wait_for

pytestmark = pytest.mark.slow


@pytest.fixture
def desk(browser: Any, serve: Serve) -> Iterator[Desk]:
    made = Desk(browser, serve)
    made.sign_in()
    yield made
    serve.proxy.up()
    made.close()


def test_a_proxy_that_answers_502_for_a_while(serve: Serve, desk: Desk) -> None:
    """One 502 ends an EventSource for good; the console opens another and misses nothing."""
    page = desk.page
    before = serve.proxy.refused
    serve.proxy.down()
    page.wait_for_selector(".lost")
    wait_for(lambda: re.search(r"[1-9] 秒", page.inner_text(".lost")), 10, "how old the page is, is not said")
    case = serve.alarm(1)
    wait_for(lambda: serve.proxy.refused >= before + 3, 10, "it does not try again")
    assert not page.query_selector(f'a[data-case="{case}"]')
    serve.proxy.up()
    page.wait_for_selector(f'a[data-case="{case}"]', timeout=12_000)
    page.wait_for_selector(".lost", state="detached")
    # And it is live again, not only up to date once.
    other = serve.alarm(2)
    page.wait_for_selector(f'a[data-case="{other}"]', timeout=5_000)


def test_a_server_killed_with_9(serve: Serve, desk: Desk) -> None:
    page = desk.page
    page.wait_for_selector(".queue .row")
    serve.kill()
    page.wait_for_selector(".lost")
    assert page.query_selector(".queue .row"), "what was known stays on the screen, and is said to be old"
    serve.start()
    page.wait_for_selector(".lost", state="detached", timeout=20_000)
    case = serve.alarm(3)
    page.wait_for_selector(f'a[data-case="{case}"]', timeout=5_000)


def test_one_stream_for_all_tabs_and_the_next_takes_over(browser: Any, serve: Serve) -> None:
    """HTTP/1.1 grants a host six connections: with a stream in each tab the seventh would never load."""
    case = serve.alarm(1)
    desk = Desk(browser, serve)
    first = desk.page
    streams: list[str] = []
    desk.context.on("request", lambda r: streams.append(r.url) if "/api/v1/events" in r.url else None)
    desk.sign_in()
    tabs = [desk.new_page() for _ in range(7)]
    for tab in tabs:
        tab.goto(desk.base)
        tab.wait_for_selector(f'a[data-case="{case}"]')
        tab.wait_for_selector(".lost", state="detached")
    assert len(streams) == 1, streams
    tabs[-1].goto(f"{desk.base}/case/{case}")
    tabs[-1].wait_for_selector(".timeline li")
    serve.person("second", "post:centre.duty").act(case, "note", text="从另一台机器写下")
    tabs[-1].wait_for_selector("text=从另一台机器写下", timeout=6_000)

    first.close()
    wait_for(lambda: tabs[0].wait_for_timeout(200) or len(streams) == 2, 10, "nobody took the stream over")
    assert "after=" in streams[1], "it goes on from where the first one was"
    serve.person("second", "post:centre.duty").act(case, "note", text="第二次写下")
    tabs[-1].wait_for_selector("text=第二次写下", timeout=6_000)
    tabs[-1].wait_for_selector(".lost", state="detached")
    desk.close()
