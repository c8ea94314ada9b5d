"""Every channel of the file, against real local servers: what arrives, what an outcome is, what leaks."""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from liandong.adapters._io.wording import Wording
from liandong.adapters.notify import open_channels
from liandong.adapters.notify.outcome import field_of, printable
from liandong.adapters.voice import from_file
from liandong.app.ports import Channel
from liandong.conformance.channel import CHANNEL_CHECKS, Check, Subject, check_channel, delivery
from liandong.core.values.errors import BadInput
from liandong.core.values.lists import Outcome, Repeats
from tests.adapters.notify.servers import HttpServer, MailServer, Reply, Request, answer, closed_port

pytestmark = pytest.mark.slow
SECRET = "s3cr3t-kEy-0987"
MEMBER = "WangXm"
MAILBOX = "duty@example.org"


def opened(folder: Path, *rows: str, wording: Wording | None = None) -> list[Channel]:
    path = folder / "channels.toml"
    path.write_text("\n".join(f"[[channel]]\n{row}" for row in rows), encoding="utf-8")
    return open_channels(path, wording or Wording())


def one(folder: Path, row: str) -> Channel:
    (made,) = opened(folder, row)
    return made


# What a service's server says, and how a row names it


def bot(request: Request) -> Reply:
    return None if request.path.startswith("/dies") else answer(errcode=0, code=0)


class Corporation:
    """企业微信: a token, and members to whom nothing is sent twice within the interval."""

    def __init__(self) -> None:
        self.shown: set[tuple[str, str]] = set()
        self.tokens = 0
        self.next: Reply = None

    def __call__(self, request: Request) -> Reply:
        if request.path.endswith("/gettoken"):
            good = request.query == {"corpid": "corp", "corpsecret": SECRET}
            self.tokens += 1
            return answer(errcode=0, access_token=f"token-{self.tokens}") if good else answer(errcode=40001)
        if request.path.startswith("/dies"):
            return None
        if request.query["access_token"] != f"token-{self.tokens}":
            return answer(errcode=42001)
        if self.next is not None:
            found, self.next = self.next, None
            return found
        body = request.json
        assert body["enable_duplicate_check"] == 1 and body["duplicate_check_interval"] == 14_400
        if body["touser"] != MEMBER:
            return answer(errcode=0, invaliduser=body["touser"])
        self.shown.add((body["touser"], body["text"]["content"]))
        return answer(errcode=0)


class Gateway:
    """An SMS gateway that drops a second message with the same id, and can be asked."""

    def __init__(self) -> None:
        self.sent: dict[str, Any] = {}

    def __call__(self, request: Request) -> Reply:
        if request.path.startswith("/dies"):
            return None
        if request.method == "GET":
            return answer(data={"state": "DELIVRD" if request.query["id"] in self.sent else "NONE"})
        assert request.headers["Authorization"] == f"Bearer {SECRET}"
        self.sent.setdefault(request.json["outId"], request.json)
        return answer(code="OK")


def mark_of(text: str) -> str:
    found = re.search(r"编号 (\S+)", text)
    return found[1] if found else ""


BOTS = {
    "wecom_bot": (f"wecombot://{SECRET}", lambda request: request.json["text"]["content"]),
    "dingtalk": (f"dingtalk://{SECRET.replace('-', '')}/", lambda request: request.json["text"]["content"]),
    "feishu": (f"feishu://{SECRET.replace('-', '')}", lambda request: request.json["content"]["text"]),
    "lark": (f"lark://{SECRET.replace('-', '')}", lambda request: request.raw.decode("unicode_escape")),
}


def apprise_row(url: str, server: str, more: str = "") -> str:
    return f'name = "group"\nkind = "apprise"\nurl = "{url}"\nserver = "{server}"\n{more}'


def bot_subject(kind: str) -> Callable[[Path], Subject]:
    url, words = BOTS[kind]

    def make(folder: Path) -> Subject:
        server = HttpServer(bot)
        channel, broken, dying = (
            one(folder, apprise_row(url, to))
            for to in (server.url, f"http://127.0.0.1:{closed_port()}", f"{server.url}/dies")
        )
        arrived = lambda: [mark_of(words(r)) for r in server.got if not r.path.startswith("/dies")]  # noqa: E731
        return Subject(channel, broken, arrived, close=server.close, dying=dying)

    return make


def json_subject(folder: Path) -> Subject:
    server = HttpServer(bot)
    rows = [
        f'name = "any"\nkind = "apprise"\nurl = "json://127.0.0.1:{port}{path}/?+To={{address}}"'
        for port, path in ((server.port, ""), (closed_port(), ""), (server.port, "/dies"))
    ]
    channel, broken, dying = (one(folder, row) for row in rows)
    arrived = lambda: [mark_of(r.json["message"]) for r in server.got if not r.path.startswith("/dies")]  # noqa: E731
    return Subject(channel, broken, arrived, close=server.close, dying=dying)


def wecom_row(server: str) -> str:
    keys = f'corp = "corp"\nagent = 7\nsecret = "{SECRET}"\nserver = "{server}"'
    return f'name = "wecom"\nkind = "wecom_app"\n{keys}'


def wecom_subject(folder: Path) -> Subject:
    corporation = Corporation()
    server, dead = (
        HttpServer(corporation),
        HttpServer(lambda r: corporation(r) if "gettoken" in r.path else None),
    )

    def close() -> None:
        server.close()
        dead.close()

    def arrived() -> list[str]:
        return [mark_of(r.json["text"]["content"]) for r in server.got if r.method == "POST"]

    return Subject(
        one(folder, wecom_row(server.url)), one(folder, wecom_row(f"http://127.0.0.1:{closed_port()}")),
        arrived, close=close, shown=lambda: len(corporation.shown),
        dying=one(folder, wecom_row(dead.url)), address=MEMBER,
    )  # fmt: skip


def sms_row(server: str, more: str = "drops_repeats = true") -> str:
    return f"""name = "sms"
kind = "http"
url = "{server}/send"
headers = {{ Authorization = "Bearer {SECRET}" }}
body = {{ phone = "{{address}}", content = "{{text}}", outId = "{{id}}", list = ["{{language}}", 1] }}
success = {{ field = "code", equals = "OK", later = ["BUSY"] }}
{more}
"""


ASK = (
    'ask = {{ url = "{}/look?id={{id}}", field = "data.state", delivered = ["DELIVRD"], unheard = ["NONE"] }}'
)


def sms_subject(asked: bool) -> Callable[[Path], Subject]:
    def make(folder: Path) -> Subject:
        gateway = Gateway()
        server = HttpServer(gateway)
        more = ASK.format(server.url) if asked else "drops_repeats = true"
        rows = [server.url, f"http://127.0.0.1:{closed_port()}", f"{server.url}/dies"]
        channel, broken, dying = (one(folder, sms_row(to, more)) for to in rows)

        def arrived() -> list[str]:
            mine = [r for r in server.got if r.method == "POST" and not r.path.startswith("/dies")]
            return [r.json["outId"] for r in mine]

        return Subject(
            channel, broken, arrived, close=server.close, shown=lambda: len(gateway.sent), dying=dying
        )

    return make


def mail_row(port: int, more: str = "") -> str:
    return (
        f'name = "mail"\nkind = "smtp"\nhost = "127.0.0.1"\nport = {port}\nsecurity = "none"\n'
        f'sender = "liandong@example.org"\n{more}'
    )


def mail_subject(folder: Path) -> Subject:
    server, dead = MailServer(), MailServer()
    dead.dies = True

    def close() -> None:
        server.close()
        dead.close()

    return Subject(
        one(folder, mail_row(server.port)), one(folder, mail_row(closed_port())), server.marks,
        close=close, dying=one(folder, mail_row(dead.port)), address=MAILBOX,
    )  # fmt: skip


SUBJECTS = {kind: bot_subject(kind) for kind in BOTS} | {
    "json": json_subject, "wecom_app": wecom_subject, "sms": sms_subject(False),
    "sms_asked": sms_subject(True), "mail": mail_subject,
}  # fmt: skip
DECLARED = {
    "wecom_app": Repeats.DROPS, "sms": Repeats.DROPS, "sms_asked": Repeats.CAN_BE_ASKED,
}  # fmt: skip


@pytest.fixture(params=SUBJECTS)
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], Subject]]:
    yield lambda: SUBJECTS[request.param](tmp_path)


@pytest.mark.parametrize("check", CHANNEL_CHECKS, ids=lambda check: check.__name__)
def test_every_channel_keeps_what_every_channel_must(make: Callable[[], Subject], check: Check) -> None:
    subject = make()
    try:
        check(subject)
    finally:
        subject.close()


@pytest.mark.parametrize("kind", SUBJECTS)
def test_how_each_treats_repeats(kind: str, tmp_path: Path) -> None:
    check_channel(lambda: SUBJECTS[kind](tmp_path))
    subject = SUBJECTS[kind](tmp_path)
    assert subject.channel.repeats == DECLARED.get(kind, Repeats.NEITHER)
    subject.close()


# What an answer means


@pytest.mark.parametrize(
    ("reply", "outcome", "again"),
    [
        (answer(errcode=0), Outcome.DELIVERED, False), (answer(errcode=93000), Outcome.FAILED, False),
        (answer(errcode=45009), Outcome.FAILED, True),
        ((200, b"<html>sign in to the portal"), Outcome.UNKNOWN, True),
        ((503, b""), Outcome.FAILED, True), ((404, b""), Outcome.FAILED, False),
    ],
)  # fmt: skip
def test_a_bots_status_of_200_is_no_proof(
    tmp_path: Path, reply: Reply, outcome: Outcome, again: bool
) -> None:
    """The library itself says "sent" to every answer with status 200."""
    server = HttpServer(lambda request: reply)
    try:
        found = one(tmp_path, apprise_row(BOTS["wecom_bot"][0], server.url)).send(delivery("a"), "")
        assert found[:2] == (outcome, again)
    finally:
        server.close()


def test_a_plugin_that_could_not_be_witnessed_is_never_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel: Any = one(tmp_path, apprise_row(BOTS["wecom_bot"][0], "http://127.0.0.1:9"))
    monkeypatch.setattr(channel._plugin, "notify", lambda **words: True)
    assert channel.send(delivery("a"), "") == (Outcome.UNKNOWN, True, "not witnessed")


@pytest.mark.parametrize(
    ("refuse", "outcome", "again"),
    [
        ({"RCPT": 550}, Outcome.FAILED, False), ({"RCPT": 450}, Outcome.FAILED, True),
        ({"MAIL": 451}, Outcome.FAILED, True), ({"DATA": 554}, Outcome.FAILED, False),
        ({"END": 452}, Outcome.FAILED, True), ({"END": 554}, Outcome.FAILED, False),
    ],
)  # fmt: skip
def test_what_a_mail_server_means(
    tmp_path: Path, refuse: dict[str, int], outcome: Outcome, again: bool
) -> None:
    server = MailServer()
    server.refuse = refuse
    try:
        found = one(tmp_path, mail_row(server.port)).send(delivery("a"), MAILBOX)
        assert found == (outcome, again, f"SMTP {next(iter(refuse.values()))}") and not server.mails
    finally:
        server.close()


def test_a_mail_says_what_it_must_and_to_whom(tmp_path: Path) -> None:
    server = MailServer()
    try:
        channel = one(tmp_path, mail_row(server.port))
        assert channel.send(delivery("out_abc123"), MAILBOX)[0] == Outcome.DELIVERED
        (mail,) = server.mails
        assert server.receivers == [MAILBOX] and mail["Subject"] == "【演练，非实战】警情升级（II 级）"
        assert "asset:泵 的警情已升为 II 级" in mail.get_content() and "编号 abc123" in mail.get_content()
        for bad in ("a@b\r\nBcc: c@d", "a b@c", "@", "a@b@c", "无@域名", ""):
            assert channel.send(delivery("b"), bad)[0] == Outcome.FAILED
        assert len(server.mails) == 1
    finally:
        server.close()


def test_a_stale_token_is_renewed_once(tmp_path: Path) -> None:
    corporation = Corporation()
    server = HttpServer(corporation)
    try:
        channel = one(tmp_path, wecom_row(server.url))
        assert channel.send(delivery("a"), MEMBER)[0] == Outcome.DELIVERED
        corporation.tokens += 1
        assert channel.send(delivery("b"), MEMBER)[0] == Outcome.DELIVERED and corporation.tokens == 3
        assert channel.send(delivery("c"), "nobody")[:2] == (Outcome.FAILED, False)
        assert channel.send(delivery("d"), "@all")[:2] == (Outcome.FAILED, False), "never to everybody"
        corporation.next = answer(errcode=45009)
        assert channel.send(delivery("e"), MEMBER) == (Outcome.FAILED, True, "code 45009")
    finally:
        server.close()


def test_a_gateway_is_filled_in_as_its_row_says(tmp_path: Path) -> None:
    gateway = Gateway()
    server = HttpServer(gateway)
    try:
        channel = one(tmp_path, sms_row(server.url))
        channel.send(delivery("out_x", params={"level": "{id}", "asset": '"}'}), "138 {text}")
        (sent,) = gateway.sent.values()
        assert sent["phone"] == "138 {text}" and sent["outId"] == "out_x" and sent["list"] == ["zh", 1]
        assert '"}' in sent["content"] and "{id}" in sent["content"], (
            "what is filled in is not looked at again"
        )
        form = sms_row(server.url).replace('["{language}", 1]', '"{mark}"') + 'encoding = "form"\n'
        server.reply = lambda request: answer(code="BUSY")
        assert one(tmp_path, form).send(delivery("y"), "1")[:2] == (Outcome.FAILED, True)
        assert server.got[-1].form["phone"] == "1"
    finally:
        server.close()


# The file of channels


def everything(text: str, caplog: pytest.LogCaptureFixture) -> str:
    return text + "".join(
        f"{record.getMessage()} {record.args} {record.exc_text}" for record in caplog.records
    )


def test_no_secret_and_no_address_is_ever_logged_or_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    said = ""
    for make in SUBJECTS.values():
        subject = make(tmp_path)
        for channel in (subject.channel, subject.broken, subject.dying):
            assert channel is not None
            for address in (subject.address, "13912345678"):
                said += repr(channel.send(delivery("a"), address))
        subject.close()
    out, err = capfd.readouterr()
    said = everything(said + out + err, caplog)
    for secret in (SECRET, SECRET.replace("-", ""), "token-1", "13912345678", MAILBOX, MEMBER):
        assert secret not in said, secret


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (f'url = "{SECRET}', "channels.malformed"),
        ("channel = 3", "channels.malformed"),
        (f'[[channel]]\nname = "Sms {SECRET}"', "channels.bad_name"),
        ('[[channel]]\nname = "file"\nkind = "http"', "channels.bad_name"),
        (f'[[channel]]\nname = "sms"\nkind = "{SECRET}"', "channels.bad_row"),
        (f'[[channel]]\nname = "sms"\nkind = "http"\nurl = "x"\n"{SECRET}" = 1', "channels.bad_row"),
        (f'[[channel]]\nname = "sms"\nkind = "http"\nurl = ["{SECRET}"]', "channels.bad_row"),
    ],
)
def test_a_bad_file_is_refused_and_never_quoted(tmp_path: Path, text: str, key: str) -> None:
    path = tmp_path / "channels.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadInput) as caught:
        open_channels(path, Wording())
    assert caught.value.key == key and SECRET not in json.dumps(caught.value.params)
    assert caught.value.__cause__ is None and (
        caught.value.__suppress_context__ or not caught.value.__context__
    )
    with pytest.raises(BadInput, match=r"channels\.unreadable"):
        open_channels(tmp_path / "nowhere.toml", Wording())


def test_a_missing_library_takes_only_its_own_channels_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Thread 23: Dispatch broke where a plugin was absent."""
    monkeypatch.setitem(sys.modules, "apprise", None)
    server = MailServer()
    try:
        made = opened(tmp_path, apprise_row(BOTS["feishu"][0], "http://x"), mail_row(server.port))
        assert [channel.name for channel in made] == ["mail"]
        assert made[0].send(delivery("a"), MAILBOX)[0] == Outcome.DELIVERED
    finally:
        server.close()


def test_an_address_that_apprise_does_not_know_takes_only_itself(tmp_path: Path) -> None:
    server = MailServer()
    made = opened(tmp_path, apprise_row("nosuch://x", ""), mail_row(server.port))
    server.close()
    assert [channel.name for channel in made] == ["mail"]


def test_the_file_of_the_guide_is_a_good_one(tmp_path: Path) -> None:
    guide = Path(__file__).parents[3] / "docs" / "howto" / "channels.md"
    blocks = re.findall(r"```toml\n(.*?)```", guide.read_text(encoding="utf-8"), re.DOTALL)
    path = tmp_path / "channels.toml"
    path.write_text("".join(blocks), encoding="utf-8")
    made = [*open_channels(path, Wording()), *from_file(path, Wording())]
    assert [channel.name for channel in made] == ["wecom", "duty-group", "sms", "mail", "voice"]
    assert made[2].repeats == Repeats.CAN_BE_ASKED


def test_reading_an_answer_never_fails() -> None:
    for body in (b"", b"[", b"\xff", b"[" * 100_000, b'{"a": {"b": [1]}}', b"3", b"null"):
        assert field_of(body, "a.b.0") in (None, 1)
    assert printable("13912345678") == "?" and printable("a b") == "?" and printable("-1") == "-1"
