"""The documents that travel with the package: canonical, proven, and honest about whose each row is."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import msgspec
import pytest

from liandong import mechanisms
from liandong.adapters.mechanisms import read_documents, read_text, write_signing, write_text
from liandong.core.mechanism.gaps import gaps
from liandong.core.mechanism.proofs.catalogue import prove_document
from liandong.core.mechanism.routing import Routing
from liandong.core.mechanism.supplement import merge
from liandong.core.values.authority_rows import DecisionRow
from liandong.core.values.document import KINDS, Mechanism
from liandong.core.values.errors import NotFound
from liandong.core.values.lists import Action, MeasureKind, Provenance
from liandong.core.values.scales import Scale
from liandong.mechanisms import builtin, known, load, raw

KEYS = tuple(key for key in known() if not key.endswith(".supplement"))
#: Written to be included by others: they have no steps of their own.
DEFAULTS = ("emergency-response-law", "resource-authority", "upward-reports")
HOUR, MINUTE = 3600.0, 60.0


def rows(mechanism: Mechanism) -> list:
    return [row for table in KINDS for row in getattr(mechanism, table)]


def test_there_are_the_documents_that_the_page_names() -> None:
    page = (Path(mechanisms.__file__).parent / "README.md").read_text(encoding="utf-8")
    assert len(KEYS) == 10 and all(f"| `{key}` |" in page for key in KEYS)
    with pytest.raises(NotFound):
        raw("../" + KEYS[0])


@pytest.mark.parametrize("key", known())
def test_every_file_is_canonical_and_both_readers_agree(key: str) -> None:
    read = read_text(raw(key), f"{key}.yaml").mechanism
    assert write_text(read).encode() == raw(key)
    assert load(key) == read and read.key == key


@pytest.mark.parametrize("key", KEYS)
def test_a_file_says_whose_its_rows_are_and_where_they_stand(key: str) -> None:
    own, ours = load(key), load(f"{key}.supplement")
    assert {row.provenance for row in rows(own)} <= {Provenance.SOURCE, Provenance.UNSET}
    assert {row.provenance for row in rows(ours)} == {Provenance.ASSUMED}
    assert ours.supplement_to == key and all(row.place for row in (*rows(own), *rows(ours)))


@pytest.mark.parametrize("key", [key for key in KEYS if key not in DEFAULTS])
def test_with_its_supplement_every_document_is_proven(key: str) -> None:
    source, supplement = read_documents([Path(key), Path(f"{key}.supplement")])
    assert supplement is not None
    merged, refused = merge(source, supplement)
    assert not refused and merged == builtin(key)
    assert prove_document(merged) == ()
    assert prove_document(builtin(key, False)), "alone it leaves something open"


def test_with_the_defaults_included_foshan_is_proven_still(tmp_path: Path) -> None:
    including = msgspec.structs.replace(load("foshan-v2"), includes=DEFAULTS)
    (tmp_path / "a.yaml").write_text(write_text(including), encoding="utf-8")
    given = [Path("foshan-v2.supplement"), *(Path(f"{key}.supplement") for key in DEFAULTS)]
    merged, refused = merge(*read_documents([tmp_path / "a.yaml", *given]))
    assert not refused and prove_document(merged) == ()
    keys = {row.key for row in rows(merged)}
    assert {"law.high.evacuate", "requisition", "report.firm"} <= keys
    assert "law.warning" not in keys, "the city says itself who drafts and approves"
    assert [row.key for row in Routing(merged).mechanism.precedence] == ["sentence"]


@pytest.mark.parametrize("key", known())
def test_every_document_can_be_signed(tmp_path: Path, key: str) -> None:
    write_signing(tmp_path / "a.xlsx", load(key))


# What is stated, by name and number


def test_street_trading_goes_in_three_steps_and_never_to_enforcement_first() -> None:
    own = load("street-trading")
    chain = [(row.action, row.after_failed, row.role) for row in own.steps if row.order > 2]
    assert chain == [
        (Action.SELF_CORRECT, "", "owner"),
        (Action.PERSUADE, Action.SELF_CORRECT, "town:grid"),
        (Action.ENFORCE, Action.PERSUADE, "town:enforcement"),
    ]
    assert all(row.limit_s is None for row in builtin("street-trading").steps), "no duration is stated"
    assert [row.evidence for row in own.steps] == [False, False, True, True]
    first = tuple(
        msgspec.structs.replace(row, order=3) if row.action == Action.ENFORCE else row
        for row in builtin("street-trading").steps
    )
    spoilt = msgspec.structs.replace(builtin("street-trading"), steps=first)
    assert {fault.kind for fault in prove_document(spoilt)} == {"failure_comes_later"}


def test_attendance_at_a_whistle_is_a_clause() -> None:
    (attend,) = [row for row in builtin("town-whistle").steps if row.action == Action.ARRIVE]
    assert (attend.role, attend.limit_s, attend.provenance) == ("regulator", 30 * MINUTE, Provenance.ASSUMED)
    (own,) = [row for row in load("town-whistle").steps if row.action == Action.ARRIVE]
    assert own.limit_s is None and own.provenance == Provenance.SOURCE


def test_a_lift_is_answered_in_3_minutes_reached_in_30_and_taken_over_in_tiers() -> None:
    lift = builtin("lift-rescue")
    limits = {row.action: row.limit_s for row in lift.steps if row.provenance == Provenance.SOURCE}
    assert limits == {Action.ACKNOWLEDGE: 3 * MINUTE, Action.ARRIVE: 30 * MINUTE}
    taking = [
        r.role
        for r in Routing(lift).escalations("lift_entrapment", "II", Action.ARRIVE)
        if r.kind == "take_over"
    ]
    assert taking == ["district:lift_rescue", "city:fire"]


def test_four_colours_give_duties_to_province_city_county_park_and_firm() -> None:
    hazchem = builtin("hazchem-colours")
    assert {row.colour for row in hazchem.warnings} == {"red", "orange", "yellow", "blue"}
    assert all(row.provenance == Provenance.UNSET for row in load("hazchem-colours").warnings)
    roles = {row.role for row in hazchem.roles}
    assert {"city:province_emergency", "city:emergency", "district:emergency", "town:park", "owner"} <= roles


def test_flood_has_five_words_of_order_and_no_start_values() -> None:
    own = load("flood")
    kinds = [row.kind for row in own.measures]
    M = MeasureKind
    assert kinds == [M.CLOSE, M.LOWER, M.STOP, M.WITHDRAW, M.DISMANTLE]
    starts = {row.response: (row.code, row.decider, row.limit_s) for row in own.decisions}
    assert starts == {
        "IV": ("blue", "", None), "III": ("yellow", "", None), "II": ("orange", "", None),
        "I": ("red", "", None),
    }  # fmt: skip


def test_reports_go_up_in_1_hour_and_then_2_hours_a_level() -> None:
    own = load("upward-reports")
    first = {row.recipient: row.first_s for row in own.reports}
    assert first == {
        "district:emergency": HOUR, "city:emergency": 2 * HOUR, "city:province_emergency": 2 * HOUR,
        "city:government": None,
    }  # fmt: skip
    (direct,) = [row for row in own.reports if row.informs]
    assert direct.informs == ("city:emergency",), "the level that is passed learns of it"


def test_the_law_says_what_and_leaves_who_decides_open() -> None:
    own = load("emergency-response-law")
    assert [row.decider for row in own.decisions] == ["", ""]
    assert own.warnings[0].lifter and not own.warnings[0].drafter
    assert sum("第六十六条" in row.place for row in own.measures) == 5
    assert sum("第六十七条" in row.place for row in own.measures) == 7


@pytest.mark.parametrize(
    ("key", "open_"),
    [
        ("emergency-response-law", {"drafter": 1, "approver": 1, "decider": 2}),
        ("flood", {"decider": 4, "lead": 4}),
        ("hazchem-colours", {"drafter": 4, "approver": 4, "lifter": 4}),
        ("resource-authority", {"releaser": 4}),
        ("lift-rescue", {"origin": 2, "escalation": 2}),
        ("street-trading", {"limit": 4}),
    ],
)
def test_what_a_document_leaves_open_is_listed(key: str, open_: dict[str, int]) -> None:
    own = msgspec.structs.replace(load(key), scope=load(f"{key}.supplement").scope)
    found = Counter(gap.what for gap in gaps(own))
    assert {what: found[what] for what in open_} == open_
    assert (
        not {"decider", "releaser", "lead", "escalation"} & {gap.what for gap in gaps(builtin(key))}
        or key in DEFAULTS
    )


# Zhengzhou, 20 July 2021


def zhengzhou() -> Mechanism:
    path = Path(__file__).parent / "zhengzhou.yaml"
    return read_text(path.read_bytes(), path.name).mechanism


def test_a_red_warning_that_obliges_nobody_to_decide_is_refused() -> None:
    (fault,) = prove_document(zhengzhou())
    assert (fault.proof, fault.kind) == ("P13", "no_decision")
    assert fault.witness == {"flow": "rainstorm", "scale": "warning_colour", "code": "red"}


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ({"decider": "city:government"}, {"decision_unlimited", "nobody_otherwise"}),
        ({"limit_s": 900.0, "otherwise": "city:emergency"}, {"no_decider"}),
        (
            {"decider": "city:government", "limit_s": 900.0, "otherwise": "city:government"},
            {"otherwise_the_same"},
        ),
        ({"decider": "city:government", "limit_s": 900.0, "otherwise": "city:emergency"}, set()),
    ],
)
def test_a_decision_needs_a_person_a_limit_and_somebody_behind(given: dict, kind: set[str]) -> None:
    row = DecisionRow(key="red", flow="flood", scale=Scale.WARNING_COLOUR, code="red", **given)
    made = zhengzhou()
    made = msgspec.structs.replace(made, decisions=(*made.decisions, row))
    assert {fault.kind for fault in prove_document(made)} == kind
