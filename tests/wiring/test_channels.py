"""Channels from the settings to a person's hands: words, names, addresses, and quiet hours in the journal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from liandong.app.rebuild import rebuild
from liandong.app.settings import load_settings
from liandong.core.values.errors import BadInput
from liandong.core.values.journal import read_entry
from liandong.core.values.quiet import QuietHours
from liandong.core.values.times import HOUR, MINUTE
from liandong.wiring.channels import delivery_channels
from tests.adapters.notify.servers import MailServer
from tests.adapters.notify.test_notify import mail_row
from tests.app.machine import START, folder
from tests.app.running import City
from tests.app.test_outbox import Fake

pytestmark = pytest.mark.slow


@pytest.fixture
def mails() -> Iterator[MailServer]:
    server = MailServer()
    yield server
    server.close()


def settings(data: Path, port: int) -> Any:
    path = data / "channels.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"[[channel]]\n{mail_row(port)}", encoding="utf-8")
    return load_settings({"data": data, "channels_file": path}, {})


def test_the_channels_are_those_of_the_file_then_the_webhook_then_the_record(tmp_path: Path) -> None:
    made = load_settings({"data": tmp_path, "webhook_url": "https://hook.example/x"}, {})
    assert [channel.name for channel in delivery_channels(made)] == ["webhook", "file"]
    both = settings(tmp_path, 1).model_copy(update={"webhook_url": "https://hook.example/x"})
    assert [channel.name for channel in delivery_channels(both)] == ["mail", "webhook", "file"]
    lost = both.model_copy(update={"channels_file": tmp_path / "lost.toml"})
    with pytest.raises(BadInput, match="unreadable"):
        delivery_channels(lost)


def test_an_order_arrives_as_a_mail_that_names_the_thing(tmp_path: Path, mails: MailServer) -> None:
    town_folder = folder()
    persons = tuple(
        msgspec.structs.replace(p, numbers=(("email", f"{p.key.partition(':')[2]}@example.org"),))
        for p in town_folder.persons
    )
    made = delivery_channels(settings(tmp_path / "set", mails.port))
    town = City(tmp_path / "city", msgspec.structs.replace(town_folder, persons=persons), channels=made)
    try:
        case, _ = town.open_case()
        town.settle()
        orders = {order.person: order for order in case.orders.values()}
        sent = dict(zip(mails.receivers, mails.mails, strict=True))
        person = next(p for p in orders if f"{p.partition(':')[2]}@example.org" in sent)
        mail = sent[f"{person.partition(':')[2]}@example.org"]
        assert mail["Subject"].startswith("新工单") and "燃气泄漏" in mail.get_content()
        reported = [a.outcome for _, tried in town.store.deliveries(case.id) for a in tried]
        assert reported and set(reported) == {"delivered"}
    finally:
        town.stop()


def test_quiet_hours_are_policy_and_what_they_hold_is_in_the_journal(tmp_path: Path) -> None:
    """A case of a level that may wait, inside the hours: nothing rings, and the journal says so."""
    begins, ends = START - START % HOUR - HOUR, START - START % HOUR + 6 * HOUR
    clock = [f"{(at // HOUR + 8) % 24:02d}:00" for at in (begins, ends)]
    made = folder()
    quiet = (QuietHours(who="*", channel="sms", start=clock[0], end=clock[1]),)
    city = msgspec.structs.replace(made.city, quiet=quiet)
    sms, mail = Fake("sms"), Fake("mail")
    town = City(tmp_path, msgspec.structs.replace(made, city=city), channels=[sms, mail])
    try:
        town.send(30.0)
        for _ in range(3):
            town.pass_time(2 * MINUTE)
            town.send(30.0)
        case = town.case()
        assert case.level in ("III", "IV")
        assert sms.got == [] and mail.got, "the other channel is not quiet"
        effects = [
            effect
            for row in town.store.entries_of(f"case:{case.id}")
            for effect in read_entry(row.body).effects
            if effect.channel == "sms"
        ]
        assert effects and all(town.now < effect.hold_until <= ends for effect in effects)
        held = [row for row, _ in town.store.deliveries(case.id) if row.channel == "sms"]
        assert {row.next_at for row in held} == {effects[0].hold_until}
        assert rebuild(town.store).differences == []
        town.pass_time(effects[0].hold_until - town.now)
        assert sms.got, "and in the morning it is told"
        stored = json.loads(msgspec.json.encode(town.platform.handler.policy.city.city.quiet))
        assert stored[0]["start"] == clock[0], "a row of the committed city"
    finally:
        town.stop()
