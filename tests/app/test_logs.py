"""Logs: what is said is said, and no name, number or sentence of a person ever reaches the file."""

from __future__ import annotations

import json
import logging
import logging.config
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liandong.app.logs import (
    FIELDS,
    JsonLines,
    admitted,
    configure_logging,
    dropped,
    get_logger,
    uvicorn_log_config,
)
from liandong.core.values.errors import BadInput

#: What must never be found in a log file.
PERSONAL = ["王小明", "13812345678", "440601199001011234", "wang@example.org", "Wang Xiaoming", "季华路12号"]

Lines = Callable[[], list[dict[str, object]]]


@pytest.fixture
def lines(tmp_path: Path) -> Iterator[Lines]:
    """Logging to a file, and back to what it was."""
    root = logging.getLogger()
    before = (root.handlers[:], root.level, sys.excepthook, threading.excepthook)
    root.handlers = []
    file = tmp_path / "log.jsonl"
    configure_logging("debug", file)
    yield lambda: [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    for handler in root.handlers:
        handler.close()
    logging.captureWarnings(False)
    root.handlers, sys.excepthook, threading.excepthook = before[0], before[2], before[3]
    root.setLevel(before[1])
    logging.getLogger("uvicorn.access").setLevel(logging.NOTSET)
    logging.getLogger("uvicorn.access").propagate = True


def test_an_event_is_one_line_with_its_fields(lines: Lines) -> None:
    get_logger("liandong.app.handle").info(
        "case.opened", case="case_abc", count=3, ms=1.5, path="/api/v1/cases"
    )
    (line,) = lines()
    assert line.pop("ts").endswith("Z")
    assert line == {
        "level": "info",
        "logger": "liandong.app.handle",
        "event": "case.opened",
        "case": "case_abc",
        "count": 3,
        "ms": 1.5,
        "path": "/api/v1/cases",
    }


def test_what_is_not_listed_is_dropped_and_counted(lines: Lines) -> None:
    before = dropped.count
    get_logger("x").info("case.opened", name="王小明", source="source:gas", phone="13812345678")
    (line,) = lines()
    assert (line["source"], line["dropped"]) == ("source:gas", 2)
    assert dropped.count == before + 2


def test_a_query_is_cut_off(lines: Lines) -> None:
    get_logger("x").info("http.answered", path="/api/v1/cases?q=王小明&phone=13812345678", status=200)
    (line,) = lines()
    assert (line["path"], line["status"]) == ("/api/v1/cases", 200)


def test_an_error_says_type_key_and_place_but_not_its_words(lines: Lines) -> None:
    try:
        try:
            raise ValueError("王小明 called")
        except ValueError as cause:
            raise BadInput("reading.bad_time", value="王小明", row=7, channel="channel:1") from cause
    except BadInput as error:
        get_logger("x").error("ingest.rejected", error, step="ingest")
    (line,) = lines()
    assert line["error"] == "liandong.core.values.errors.BadInput"
    assert (line["error_key"], line["row"], line["channel"]) == ("reading.bad_time", 7, "channel:1")
    assert line["causes"] == ["ValueError"]
    assert str(line["places"]).count("test_an_error_says_type") == 1
    assert line["dropped"] == 1


def _say_everywhere(marker: str) -> None:
    """Put the marker wherever a careless programmer could."""
    log, foreign = get_logger("liandong.x"), logging.getLogger("some.package")
    log.info(marker)
    log.info(f"case.{marker}", source=marker)
    for field in [*sorted(FIELDS), "name", "message", "msg"]:
        log.info("case.opened", **{field: marker})
        log.info("case.opened", **{field: [marker], "source": {"name": marker}})
    log.info("http.answered", path=f"/persons/{marker}?name={marker}")
    foreign.warning("person %s", marker)
    foreign.warning(f"person {marker}", extra={"person": marker, "source": marker})
    foreign.warning("wrong count of arguments %s %s", marker)
    logging.getLogger(marker).warning("logger")
    logging.getLogger("uvicorn.error").error("at %s", marker)
    logging.getLogger("uvicorn.access").info('%s - "GET /x?name=%s"', "10.0.0.7", marker)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn(marker, stacklevel=1)
    try:
        try:
            raise KeyError(marker)
        except KeyError as cause:
            raise RuntimeError(marker, {"name": marker}) from cause
    except RuntimeError as error:
        log.error("step.failed", error)
        foreign.exception("failed for %s", marker)
        sys.excepthook(type(error), error, error.__traceback__)
    log.error("step.failed", BadInput(marker, name=marker, source=marker))
    thread = threading.Thread(target=lambda: {}[marker])
    thread.start()
    thread.join()


@pytest.mark.parametrize("marker", PERSONAL)
def test_personal_data_never_reaches_the_file(
    marker: str, lines: Lines, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    logging.config.dictConfig(uvicorn_log_config())
    root = logging.getLogger()
    root.handlers = [handler for handler in root.handlers if isinstance(handler.formatter, JsonLines)]
    _say_everywhere(marker)
    written = (tmp_path / "log.jsonl").read_text(encoding="utf-8")
    said = {str(line["event"]) for line in lines()}
    assert {"case.opened", "log.foreign", "process.uncaught", "thread.uncaught"} <= said
    captured = capfd.readouterr()
    for out in (written, captured.out, captured.err):
        assert marker not in out and json.dumps(marker)[1:-1] not in out
    assert "10.0.0.7" not in written


def test_uvicorn_lets_our_configuration_stand(lines: Lines) -> None:
    """As uvicorn itself applies it: the handler stays, the access log is silent, errors are kept."""
    import uvicorn

    uvicorn.Config("x:app", log_config=uvicorn_log_config())
    logging.getLogger("uvicorn.access").info("GET /")
    logging.getLogger("uvicorn.error").error("down")
    assert [line["logger"] for line in lines()] == ["uvicorn.error"]


def test_the_level_is_kept(tmp_path: Path, lines: Lines) -> None:
    configure_logging("warning", tmp_path / "other.jsonl")
    get_logger("x").info("case.opened")
    get_logger("x").warning("case.late")
    assert "case.opened" not in (tmp_path / "other.jsonl").read_text(encoding="utf-8")


@given(fields=st.dictionaries(st.text(), st.text() | st.integers() | st.lists(st.text())))
def test_only_listed_fields_and_no_free_text_pass(fields: dict[str, object]) -> None:
    for name, value in admitted(fields).items():
        assert name in FIELDS
        assert not isinstance(value, str) or " " not in value
