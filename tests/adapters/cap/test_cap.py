"""CAP 1.2 read and written: what goes out comes back the same, and what is dangerous is never parsed."""

from __future__ import annotations

import random
import re
from contextlib import suppress

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liandong.adapters.cap.reading import Document, _library, read_document
from liandong.adapters.cap.taking import _areas, _covers
from liandong.adapters.cap.writing import SEVERITY, Words, write_warning
from liandong.core.values.case import VaultRef
from liandong.core.values.city import CityIndex
from liandong.core.values.errors import BadInput, NotFound
from liandong.core.values.lists import Mode, WarningChange, WarningStage
from liandong.core.values.public_warning import Contents, WarningState, WarningVersion
from liandong.core.values.times import MINUTE, SECOND, parse_time
from tests.small_town import demo_city

pytest.importorskip("cap_tools", reason="needs the extra cap")
AT = parse_time("2026-07-20T08:00:00+08:00")
MADE = demo_city(7, AT, 2, 36).city
#: Codes of the GB/T 2260 form, invented as the town is.
CODES = {"area:demo": "990100", "area:east": "990102", "area:west": "990103"}
CITY = CityIndex(
    msgspec.structs.replace(
        MADE, areas=tuple(msgspec.structs.replace(a, code=CODES.get(a.key, "")) for a in MADE.areas)
    )
)


def issued(*colours: str, lifted: bool = False, mode: Mode = Mode.REAL) -> WarningState:
    """A public warning of ours with so many versions, ten minutes apart."""
    ref = VaultRef("vlt_1", "d")
    versions = []
    for number, colour in enumerate(colours, start=1):
        at = AT + number * 10 * MINUTE
        said = Contents(
            category="rainstorm", colour=colour, starts=at, area="area:demo", caution=ref, measures=ref,
            issuer="unit:emergency", issues=at, until=at + 3_600 * SECOND,
        )  # fmt: skip
        versions.append(
            WarningVersion(number=number, contents=said, change=WarningChange.ISSUE, published=at)
        )
    return WarningState(
        id="wrn_abc", mode=mode, hazard="rainstorm", area="area:demo", versions=tuple(versions),
        current=len(versions), stage=WarningStage.LIFTED if lifted else WarningStage.PUBLISHED,
        lifted=AT + 60 * MINUTE if lifted else 0,
    )  # fmt: skip


TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="￾￿"), max_size=40
)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(sorted(SEVERITY)), min_size=1, max_size=4), TEXT, TEXT, st.booleans())
def test_what_goes_out_comes_back(colours: list[str], caution: str, measures: str, lifted: bool) -> None:
    state = issued(*colours, lifted=lifted)
    raw = write_warning(state, Words(caution, measures), CITY)
    back = read_document(raw)
    kind = "Cancel" if lifted else "Update" if len(colours) > 1 else "Alert"
    assert (back.kind, back.status, back.sender) == (kind, "Actual", "unit:emergency@demo")
    assert back.sent == (state.lifted or state.versions[-1].published)
    (told,) = back.infos
    last = state.versions[-1].contents
    assert told.colour == last.colour and told.codes == ("990100",) and "rainstorm" in told.events
    assert (told.starts, told.until) == (last.starts, last.until)
    assert told.measures == measures.strip() and told.caution.endswith(caution.strip())
    every = [read_document(write_warning(state, Words("", ""), CITY, v.number)).name for v in state.versions]
    assert list(back.references) == (every if lifted else every[:-1])


def test_times_have_an_offset_in_figures_and_modes_are_told_apart() -> None:
    raw = write_warning(issued("red"), Words("a", "b"), CITY).decode()
    assert set(re.findall(r"<(?:sent|onset|effective|expires)>[^<]*([+-]\d\d:\d\d)<", raw)) == {"+08:00"}
    utc = CityIndex(msgspec.structs.replace(CITY.city, offsets=((0, 0),)))
    assert (
        "<sent>2026-07-20T00:10:00-00:00</sent>"
        in write_warning(issued("red"), Words("a", "b"), utc).decode()
    )
    drill = read_document(write_warning(issued("red", mode=Mode.DRILL), Words("a", "b"), CITY))
    assert drill.status == "Exercise"


def test_what_never_came_into_force_has_no_message() -> None:
    state = issued("red")
    unpublished = msgspec.structs.replace(state.versions[0], published=0)
    with pytest.raises(NotFound):
        write_warning(msgspec.structs.replace(state, versions=(unpublished,)), Words(None, None), CITY)
    with pytest.raises(NotFound):
        write_warning(msgspec.structs.replace(state, source="source:weather"), Words(None, None), CITY)


SAMPLE = write_warning(issued("orange"), Words("暴雨", "转移"), CITY)


@pytest.mark.parametrize(
    ("before", "after", "colour"),
    [
        ("<value>orange</value>", "<value>3; red; Extreme</value>", "red"),
        ("<value>orange</value>", "<value>黄色</value>", "yellow"),
        ("<valueName>warningColor</valueName>", "<valueName>something</valueName>", "orange"),  # by severity
        ("<valueName>warningColor</valueName>", "<valueName>预警级别</valueName>", "orange"),
    ],
)
def test_the_colour_is_that_of_the_parameter_else_of_the_severity(
    before: str, after: str, colour: str
) -> None:
    assert before in SAMPLE.decode()
    assert read_document(SAMPLE.decode().replace(before, after).encode()).infos[0].colour == colour


def test_the_chinese_info_is_read_where_there_are_several_languages() -> None:
    info = re.search(r"<info>.*</info>", SAMPLE.decode(), re.DOTALL)
    assert info is not None
    english = info[0].replace("zh-CN", "en").replace("暴雨", "Rainstorm")
    both = SAMPLE.decode().replace(info[0], english + info[0]).encode()
    (only,) = read_document(both).infos
    assert "暴雨" in only.caution


@pytest.mark.parametrize(
    ("before", "after", "key"),
    [
        ('<?xml version="1.0" encoding="UTF-8"?>',
         '<!DOCTYPE a [<!ENTITY x "y"><!ENTITY z "&x;&x;&x;">]>', "cap.doctype"),
        ('<?xml version="1.0" encoding="UTF-8"?>',
         '<!DOCTYPE a SYSTEM "file:///etc/passwd">', "cap.doctype"),
        ('encoding="UTF-8"', 'encoding="UTF-16"', "cap.malformed"),
        ("+08:00</sent>", "</sent>", "cap.no_zone"),
        ("<sent>2026", "<sent>yesterday", "cap.malformed"),
        ("<status>Actual", "<status>Maybe", "cap.malformed"),
        ("<sender>unit:emergency@demo</sender>", "", "cap.malformed"),
        ("<sender>unit", "<sender>a b,c", "cap.malformed"),
        ("</alert>", "", "cap.malformed"),
    ],
)  # fmt: skip
def test_what_is_no_sound_document_is_refused(before: str, after: str, key: str) -> None:
    with pytest.raises(BadInput) as refused:
        read_document(SAMPLE.decode().replace(before, after, 1).encode())
    assert refused.value.key == key


@pytest.mark.parametrize("element", ["sent", "expires", "status", "msgType"])
def test_an_empty_element_is_refused_by_its_name(element: str) -> None:
    empty = re.sub(f"<{element}>[^<]+<", f"<{element}><", SAMPLE.decode())
    with pytest.raises(BadInput) as refused:
        read_document(empty.encode())
    assert (refused.value.key, refused.value.params["why"]) == ("cap.malformed", element)


def test_an_empty_severity_is_refused_where_no_colour_says_more() -> None:
    empty = SAMPLE.decode().replace("warningColor", "other").replace(">Severe<", "><")
    with pytest.raises(BadInput, match=r"cap\.malformed"):
        read_document(empty.encode())


def test_strange_names_are_forgotten_with_their_document() -> None:
    """The library keeps what it learns of a name in its context, and senders may use as many as they like."""
    models, parser, _ = _library()
    strange = SAMPLE.decode().replace("<scope>", '<odd xmlns="urn:odd"/><scope>').encode()
    one = parser()
    one.from_bytes(strange, models.Alert)
    assert one.context.cache and not parser().context.cache


def test_bytes_changed_at_random_are_read_or_refused_and_no_more() -> None:
    chance = random.Random(5)
    for _ in range(150):
        raw = bytearray(SAMPLE)
        for _ in range(chance.randint(1, 12)):
            at = chance.randrange(len(raw))
            what = chance.randrange(3)
            if what == 0:
                raw[at] = chance.randrange(256)
            elif what == 1:
                del raw[at : at + chance.randrange(40)]
            else:
                raw[at:at] = raw[chance.randrange(len(raw)) :][:30]
        with suppress(BadInput):
            assert isinstance(read_document(bytes(raw)), Document)


@pytest.mark.parametrize(
    ("warned", "code", "within"),
    [
        ("990000", "990102", True), ("990100", "990100", True),
        ("990102", "990100", False),
        ("99", "990103", True), ("990102003000", "990102", False), ("990100000000", "990102", True),
        ("990102", "990103", False), ("UK-E12", "990100", False), ("", "990100", False),
        ("990100", "", False),
    ],
)  # fmt: skip
def test_an_official_code_covers_those_below_it(warned: str, code: str, within: bool) -> None:
    assert _covers(warned, code) is within


def test_areas_are_the_widest_that_lie_within() -> None:
    whole = read_document(SAMPLE).infos[0]
    assert _areas(CITY, whole) == ["area:demo"]
    east = read_document(SAMPLE.decode().replace("990100", "990102").encode()).infos[0]
    assert _areas(CITY, east) == ["area:east"]
    named = read_document(re.sub(r"<geocode>.*?</geocode>", "", SAMPLE.decode(), flags=re.DOTALL).encode())
    assert _areas(CITY, named.infos[0]) == ["area:demo"]
    with pytest.raises(BadInput):
        _areas(
            CITY,
            read_document(
                SAMPLE.decode().replace("990100", "110000").replace("<areaDesc>", "<areaDesc>x").encode()
            ).infos[0],
        )
