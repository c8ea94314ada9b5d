"""The console's files, the headers around everything, and what is said where there is no console."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from liandong.web.app import create_app
from tests.web.town import CENTRE, Client, Town, is_problem


@pytest.fixture
def built(town: Town, tmp_path: Path) -> Iterator[Client]:
    """A town with a console of three files, and a file beside them that is nobody's business."""
    folder = tmp_path / "static"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>console</title>", encoding="utf-8")
    (folder / "assets" / "app-4f3a.js").write_text("export{}", encoding="utf-8")
    (folder / "logo.svg").write_text("<svg/>", encoding="utf-8")
    (tmp_path / "secret.txt").write_text("secret", encoding="utf-8")
    before, town.app = town.app, create_app(town.platform, console=folder)
    yield Client(town)
    town.app = before


def test_the_first_page_is_asked_for_again_and_hashed_files_are_kept(built: Client) -> None:
    page = built.get("/")
    assert page.status_code == 200 and "console" in page.text
    assert page.headers["cache-control"] == "no-cache" and page.headers["etag"]
    again = built.get("/", headers={"If-None-Match": page.headers["etag"]})
    assert again.status_code == 304
    script = built.get("/assets/app-4f3a.js")
    assert script.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert "javascript" in script.headers["content-type"]
    assert built.get("/logo.svg").headers["cache-control"] == "no-cache"
    assert built.ask("HEAD", "/").status_code == 200


def test_addresses_of_the_console_get_its_first_page(built: Client) -> None:
    for path in ("/cases/case_abc", "/wall", "/shift", "/cases/x/y/z", "/apix"):
        answer = built.get(path)
        assert answer.status_code == 200 and "console" in answer.text, path


def test_a_file_that_is_gone_is_no_page(built: Client) -> None:
    for path in ("/assets/app-old.js", "/favicon.ico", "/assets/x"):
        assert built.get(path).status_code == 404


@pytest.mark.parametrize(
    "path",
    ["/../secret.txt", "/%2e%2e/secret.txt", "/assets/../../secret.txt", "/..%2fsecret.txt", "//secret.txt",
     "/%00", "/assets/%00.js", "/" + "x" * 4_000, "/.env"],
)  # fmt: skip
def test_nothing_outside_the_folder(built: Client, path: str) -> None:
    answer = built.get(path)
    assert "secret" not in answer.text and answer.status_code in (200, 404)


def test_the_api_stays_as_it_is(built: Client, town: Town) -> None:
    is_problem(built.get("/api/v1/nothing"), 404, "http.not_found")
    is_problem(built.get("/api"), 404, "http.not_found")
    is_problem(built.post("/"), 404, "http.not_found")
    assert built.get("me", town.token(post=CENTRE)).status_code == 200


def test_headers_keep_other_sites_out(built: Client, town: Town) -> None:
    page, answer, refused = built.get("/"), built.get("me", town.token(post=CENTRE)), built.get("me")
    for one in (page, answer, refused):
        assert one.headers["x-content-type-options"] == "nosniff"
        assert one.headers["referrer-policy"] == "same-origin"
        assert "frame-ancestors 'none'" in one.headers["content-security-policy"]
        assert "unsafe" not in one.headers["content-security-policy"]
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert answer.headers["cache-control"] == refused.headers["cache-control"] == "no-store"


def test_without_a_console_the_page_says_what_to_do(town: Town, tmp_path: Path) -> None:
    before, town.app = town.app, create_app(town.platform, console=tmp_path / "none")
    try:
        client = Client(town)
        answer = client.get("/", language="en")
        assert answer.status_code == 503 and answer.headers["cache-control"] == "no-store"
        assert "make setup" in answer.text and "控制台" in answer.text and 'lang="en"' in answer.text
        assert client.get("/wall").status_code == 503
        assert client.get("health/live").status_code == 200
    finally:
        town.app = before
