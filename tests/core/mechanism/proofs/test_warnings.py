"""P13 on what happened: Zhengzhou, 20 July 2021, five red rain warnings and no recorded decision."""

from __future__ import annotations

import msgspec

from liandong.core.mechanism.proofs.catalogue import prove_document
from liandong.core.mechanism.proofs.ground import Ground
from liandong.core.mechanism.proofs.warnings import colours, rows_of
from liandong.core.values.authority_rows import DecisionRow, WarningRow
from liandong.core.values.document import Mechanism
from liandong.core.values.rows import FlowRow
from liandong.core.values.scales import Scale

_ZHENGZHOU = Mechanism(
    key="zhengzhou",
    flows=(FlowRow(key="rain"),),
    warnings=(
        WarningRow(
            key="rain.red", flow="rain", colour="red", territory="city", drafter="city:weather",
            approver="city:emergency", publisher="city:weather", lifter="city:emergency",
        ),
    ),
)  # fmt: skip
_DECISION = DecisionRow(
    key="decide.red", flow="rain", scale=Scale.WARNING_COLOUR, code="orange;red", decider="city:emergency",
    limit_s=1800.0, otherwise="city:government",
)  # fmt: skip


def _p13(mechanism: Mechanism) -> list[tuple[str, object]]:
    faults = prove_document(mechanism)
    return [(fault.kind, fault.witness.get("code")) for fault in faults if fault.proof == "P13"]


def test_a_red_warning_that_may_pass_without_a_decision_is_refused() -> None:
    assert _p13(_ZHENGZHOU) == [("no_decision", "red")]
    decided = msgspec.structs.replace(_ZHENGZHOU, decisions=(_DECISION,))
    # Who decides on orange, too, must also have somebody who drafts an orange warning.
    assert _p13(decided) == [("colour_without_row", None)]
    red = msgspec.structs.replace(_DECISION, code="red")
    assert _p13(msgspec.structs.replace(_ZHENGZHOU, decisions=(red,))) == []


def test_a_decision_of_the_wider_flow_holds_where_the_flow_has_none() -> None:
    wide = msgspec.structs.replace(_DECISION, flow="*", code="red")
    assert _p13(msgspec.structs.replace(_ZHENGZHOU, decisions=(wide,))) == []
    blind = msgspec.structs.replace(_DECISION, key="near", code="red", decider="")
    found = _p13(msgspec.structs.replace(_ZHENGZHOU, decisions=(wide, blind)))
    assert found == [("no_decider", "red")], "the nearer row speaks"


def test_white_is_a_colour_only_where_it_is_named() -> None:
    every = msgspec.structs.replace(_ZHENGZHOU.warnings[0], colour="*")
    white = msgspec.structs.replace(every, key="white", colour="white")
    assert colours(Ground(msgspec.structs.replace(_ZHENGZHOU, warnings=(every,))), "rain") == (
        "blue", "yellow", "orange", "red",
    )  # fmt: skip
    both = Ground(msgspec.structs.replace(_ZHENGZHOU, warnings=(every, white)))
    assert "white" in colours(both, "rain")
    assert [row.key for row in rows_of(both, "rain", "white")] == ["white"]
