"""HJ 212: every kind of command, up and down, between a simulated device and the door of a city."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from liandong.adapters import hj212
from liandong.adapters._io.localtime import LocalTime
from liandong.core.values.errors import NotFound
from liandong.sim.frames import FrameLink, hj212_check, hj212_frame, hj212_message
from tests.adapters.frame_city import GAS_1, METHANE, MN
from tests.adapters.town import Town
from tests.app.rig import until

pytestmark = pytest.mark.slow
ZONE = LocalTime("Asia/Shanghai")
QN = "20260501090000123"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    made = Town(tmp_path_factory.mktemp("hj212"))
    yield made
    made.stop()


@pytest.fixture
def device(running: Town) -> Iterator[FrameLink]:
    running.next_hour()
    link = FrameLink("127.0.0.1", running.doors.ports["hj212"], "hj212", timeout=5.0, tries=1)
    yield link
    link.close()
    until(lambda: running.doors.hj212.connected() == [])  # or the next test would meet it


def heard(link: FrameLink) -> hj212.Frame:
    return hj212.decode(link.read(), ZONE)


@pytest.mark.parametrize("flag", [1, 5])
@pytest.mark.parametrize("cn", ["2011", "2021", "2031", "2041", "2051", "2061"])
def test_uploads_of_both_editions(running: Town, device: FrameLink, cn: str, flag: int) -> None:
    """9014 once they are durable; the repeat is answered and taken once. Version 0 is that of 2005."""
    frame = hj212_frame(MN, running.now, {METHANE: 5.0}, cn=cn, flag=flag)
    answer = hj212.decode(device.send(frame), ZONE)
    assert (answer.cn, answer.mn, answer.flag) == ("9014", MN, flag & ~3)
    assert running.taken() == [(GAS_1, 5.0)]
    assert device.send(frame) and len(running.taken()) == 1


def test_an_upload_of_2005_without_number_and_flag_is_taken_and_not_answered(
    running: Town, device: FrameLink
) -> None:
    whole = hj212_frame(MN, running.now, {METHANE: 5.0})
    data = whole[6:-6].partition(b"ST=")[2].replace(b"Flag=5;", b"")
    data = b"ST=" + data
    device.tell(b"##%04d%b%04X\r\n" % (len(data), data, hj212_check(data)))
    until(lambda: running.taken() == [(GAS_1, 5.0)])


@pytest.mark.parametrize(("cn", "cp"), [("9015", ""), ("1013", "PolId=a05002")])
def test_notices(running: Town, device: FrameLink, cn: str, cp: str) -> None:
    """9013; a device that asks for the time is told it (1012) as well."""
    device.tell(hj212_message(MN, cn, cp, qn=QN))
    found = [heard(device)] + ([heard(device)] if cn == "1013" else [])
    assert [f.cn for f in found if f.qn == QN] == ["9013"]
    if cn == "1013":
        (told,) = [f for f in found if f.qn != QN]
        assert told.cn == "1012" and told.answer_wanted
        assert ZONE.local(running.now).strftime("%Y%m%d%H%M%S") == told.params["SystemTime"]
        device.tell(hj212_message(MN, "9011", "QnRtn=1", qn=told.qn, st="91", flag=4))
        device.tell(hj212_message(MN, "9012", "ExeRtn=1", qn=told.qn, st="91", flag=4))
    # What starts up (2081) measures nothing and is answered as data.
    started = hj212_message(MN, "2081", "DataTime=20260501090000;RestartTime=20260501085900", qn=QN)
    assert hj212.decode(device.send(started), ZONE).cn == "9014"
    assert running.refused() == [] and running.taken() == []


@pytest.mark.parametrize(
    ("cn", "cp", "upload"),
    [
        ("1011", "PolId=a05002", "PolId=a05002,SystemTime=20260501090000"),
        ("1062", "RtdInterval=30", ""),
        ("2051", "BeginTime=20260501080000,EndTime=20260501090000", "data"),
        ("3012", "PolId=a05002", ""),
    ],
)
def test_requests(running: Town, device: FrameLink, cn: str, cp: str, upload: str) -> None:
    """9011, the data under the same number, 9012."""
    door = running.doors.hj212
    device.send(hj212_message(MN, "9015", qn=QN))
    waiting = door.request(MN, cn, cp)
    asked = heard(device)
    assert (asked.cn, asked.mn, asked.st, asked.flag) == (cn, MN, "31", 5)
    device.tell(hj212_message(MN, "9011", "QnRtn=1", qn=asked.qn, st="91", flag=4))
    if upload == "data":
        device.tell(hj212_frame(MN, running.now, {METHANE: 7.0}, cn=cn, qn=asked.qn, flag=4))
    elif upload:
        device.tell(hj212_message(MN, cn, upload, qn=asked.qn, flag=4))
    device.tell(hj212_message(MN, "9012", "ExeRtn=1", qn=asked.qn, st="91", flag=4))
    outcome = waiting.result(5)
    assert outcome.done and outcome.ready == 1 and [f.cn for f in outcome.uploads] == [cn] * bool(upload)
    if upload == "data":
        until(lambda: running.taken() == [(GAS_1, 7.0)])


def test_notices_of_the_centre_refusals_repeats_and_silence(running: Town, device: FrameLink) -> None:
    door = running.doors.hj212
    with pytest.raises(NotFound):
        door.request(MN, "1011")
    device.send(hj212_message(MN, "9015", qn=QN))
    waiting = door.request(MN, "2012")
    device.tell(hj212_message(MN, "9013", qn=heard(device).qn, st="91", flag=4))
    assert waiting.result(5).done
    waiting = door.set_time(MN)
    device.tell(hj212_message(MN, "9011", "QnRtn=3", qn=heard(device).qn, st="91", flag=4))
    assert (waiting.result(5).ready, waiting.result(5).executed) == (3, None)
    door._answer_s, door._execute_s = 0.05, 0.1
    waiting = door.request(MN, "1011")
    assert len({heard(device).qn for _ in range(3)}) == 1
    with pytest.raises(TimeoutError):
        waiting.result(5)
    waiting = door.request(MN, "1011")
    device.tell(hj212_message(MN, "9011", "QnRtn=1", qn=heard(device).qn, st="91", flag=4))
    assert (waiting.result(5).ready, waiting.result(5).executed) == (1, None)
    device.close()
    until(lambda: door.connected() == [])
