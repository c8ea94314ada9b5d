"""CAP over HTTP in a running city: the weather office's warnings in, one of our own out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from typer.testing import CliRunner

import tests.web.town as town_module
from liandong.adapters.cap import make_router
from liandong.adapters.cap.reading import read_document
from liandong.cli import app as cli
from liandong.core.values.times import MINUTE
from liandong.sim.standards import cap_message, cap_reference
from liandong.web.app import create_app
from liandong.wiring.service import Server, free_socket
from tests.adapters.cap.test_cap import CODES
from tests.small_town import demo_city
from tests.web.test_powers import CONTENTS, DRAINAGE, LEADER, ROWS, Desk, good
from tests.web.town import CENTRE, START, Client, Town, is_problem

pytest.importorskip("cap_tools", reason="needs the extra cap")
pytestmark = pytest.mark.slow
MEDIA = {"Content-Type": "application/cap+xml"}
SOURCE = "source:gas"  # it may send, which is all that counts here


def city_with_codes(*given: Any) -> Any:
    """The small town with official codes, whose source says 暴雨 for what the rows call waterlogging."""
    made = demo_city(*given)
    areas = tuple(msgspec.structs.replace(a, code=CODES.get(a.key, "")) for a in made.city.areas)
    sources = tuple(msgspec.structs.replace(s, kinds=(("暴雨", "waterlogging"),)) for s in made.city.sources)
    return msgspec.structs.replace(
        made, city=msgspec.structs.replace(made.city, areas=areas, sources=sources)
    )


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(town_module, "demo_city", city_with_codes)
        made = Town(tmp_path_factory.mktemp("town"), **ROWS)
    made.app = create_app(made.platform, routers=[make_router(made.platform)])
    yield made
    made.close()


def document(identifier: str, kind: str = "Alert", minute: int = 0, *codes: str, **more: Any) -> bytes:
    """A message of the weather office, an hour and less before the town's nine o'clock."""
    return cap_message(identifier, kind, START + (minute - 60) * MINUTE, codes, **more)


def ref(identifier: str, minute: int) -> str:
    return cap_reference("weather@example.org", identifier, START + (minute - 60) * MINUTE)


def send(town: Town, raw: bytes, source: str = SOURCE) -> httpx.Response:
    answer = Client(town).post("cap", town.token(source=source), content=raw, headers=MEDIA)
    town.settle()
    return answer


def parts(town: Town, raw: bytes) -> list[tuple[str, str, str]]:
    answer = send(town, raw)
    assert answer.status_code == 200, answer.text
    return [(one["area"], one["change"], one["outcome"]) for one in answer.json()["warnings"]]


def shown(town: Town, id: str) -> dict[str, Any]:
    found: dict[str, Any] = Client(town).get(f"warnings/{id}", town.token(post=CENTRE)).json()
    return found


def test_a_warning_is_raised_narrowed_and_cancelled_by_its_issuer(town: Town) -> None:
    first = send(town, document("W-1", "Alert", 0, "990102", "990103")).json()["warnings"]
    assert [(one["area"], one["change"], one["outcome"]) for one in first] == [
        ("area:east", "issue", "taken"), ("area:west", "issue", "taken")
    ]  # fmt: skip
    east, west = (shown(town, one["warning"]) for one in first)
    assert east["external"] and east["category"] == "waterlogging" and east["colour"] == "yellow"
    assert east["versions"][0]["contents"]["measures"] == "停止户外作业" and not east["open_questions"]
    again = town.platform.store.last_position()
    assert {one[2] for one in parts(town, document("W-1", "Alert", 0, "990102", "990103"))} == {"known"}
    assert town.platform.store.last_position() == again  # what a feed repeats leaves nothing behind
    second = document("W-2", "Update", 5, "990102", colour="red", references=[ref("W-1", 0)])
    assert parts(town, second) == [("area:east", "update", "taken"), ("area:west", "cancel", "taken")]
    east, west = shown(town, east["id"]), shown(town, west["id"])
    assert east["colour"] == "red" and len(east["open_questions"]) == 1  # red asks for a decision by its row
    assert west["stage"] == "lifted" and west["over"]
    assert {one[2] for one in parts(town, document("W-1", "Alert", 0, "990102", "990103"))} == {"known"}
    end = document("W-3", "Cancel", 9, references=[ref("W-1", 0), ref("W-2", 5)])
    assert parts(town, end) == [("area:east", "cancel", "taken")]
    assert shown(town, east["id"])["stage"] == "lifted"
    assert {one[2] for one in parts(town, end)} == {"known"}


def test_what_cannot_be_taken_says_why_and_is_kept(town: Town) -> None:
    bomb = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "' + b"b" * 99 + b'">]><alert>&b;</alert>'
    refused = [
        (document("E-1", "Alert", 1, "990102", status="Exercise"), "cap.other_status"),
        (document("E-2", "Ack", 1, "990102"), "cap.other_kind"),
        (document("E-3", "Alert", 1, "110000"), "cap.no_area"),
        (document("E-4", "Alert", 1, "990102", event="大雾"), "cap.unknown_event"),
        (document("E-5", "Cancel", 1, references=[ref("E-0", 0)]), "cap.cancels_unknown"),
        (bomb, "cap.doctype"),
        (b"\xff\xfe<", "cap.malformed"),
    ]
    for raw, key in refused:
        is_problem(send(town, raw), 422, key)
    scope = town.platform.access.scope(town.platform.access.session(town.token(post=town_module.OPERATOR)))
    kept, _ = town.platform.questions.rejected(scope, limit=100)
    assert {row.key for row in kept if row.path == "cap"} == {key for _, key in refused}


def test_only_a_source_that_may_send_is_heard(town: Town) -> None:
    raw = document("F-1", "Alert", 1, "990102")
    assert send(town, raw, "source:water").status_code == 403
    assert Client(town).post("cap", town.token(post=CENTRE), content=raw).status_code == 403
    assert Client(town).post("cap", content=raw).status_code == 401


def test_our_own_warning_goes_out_version_by_version(town: Town) -> None:
    warning, client = Desk(town, "warnings"), Client(town)
    good(warning.new(DRAINAGE, CONTENTS))
    path = f"warnings/{warning.id}/cap"
    is_problem(client.get(path, town.token(post=CENTRE)), 404, "cap.not_published")
    good(warning.act(LEADER, "approve"))
    good(warning.act(CENTRE, "publish"))
    answer = client.get(path, town.token(post=CENTRE))
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("application/cap+xml")
    told = read_document(answer.content)
    assert (told.kind, told.infos[0].colour, told.infos[0].codes) == ("Alert", "red", (CODES["area:demo"],))
    assert told.infos[0].measures == "停止通行" and "低洼处积水" in told.infos[0].caution
    is_problem(client.get(path, town.token(source=SOURCE)), 404, "warning.unknown")
    good(warning.act(LEADER, "lift", {"reason": "雨停"}))
    end = read_document(client.get(path, town.token(post=CENTRE)).content)
    assert end.kind == "Cancel" and end.references == (told.name,)
    assert read_document(client.get(f"{path}?version=1", town.token(post=CENTRE)).content) == told


def test_a_file_is_handed_in_by_a_command(town: Town, tmp_path: Path) -> None:
    server = Server(town.app, free_socket("127.0.0.1", 0)).start()
    try:
        (tmp_path / "token").write_text(town.token(source=SOURCE))
        (tmp_path / "w.xml").write_bytes(document("G-1", "Alert", 2, "990103"))
        command = ["cap", "take", str(tmp_path / "w.xml"), "--url", f"http://127.0.0.1:{server.port}"]
        done = CliRunner().invoke(cli, [*command, "--token-file", str(tmp_path / "token")])
        assert done.exit_code == 0 and "G-1/waterlogging/area:west taken" in done.output
    finally:
        server.stop()
