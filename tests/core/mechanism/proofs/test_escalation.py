"""P11 against walking: follow each ladder by hand and see whom it reaches."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from liandong.core.mechanism.proofs.escalation import COMMANDS, walk
from liandong.core.mechanism.proofs.ground import Ground
from liandong.core.mechanism.proofs.units import Roles, Site
from liandong.core.values.city import City, CityIndex, Unit
from liandong.core.values.document import Mechanism
from liandong.core.values.lists import Action, EscalationKind, UnitKind
from liandong.core.values.rows import EscalationRow

_UNITS = ("unit:a", "unit:b", "unit:c", "unit:d")


@st.composite
def towns(draw: st.DrawFn) -> CityIndex:
    """Four units with any parents, also in a circle."""
    rows = tuple(
        Unit(key=key, name_zh=key, kind=UnitKind.DEPARTMENT, parent=draw(st.sampled_from((*_UNITS, ""))))
        for key in _UNITS
    )
    return CityIndex(City(key="x", units=rows))


_LADDERS = st.lists(
    st.tuples(
        st.sampled_from((*COMMANDS, EscalationKind.URGE)), st.sampled_from(("superior", "leader", *_UNITS))
    ),
    max_size=4,
)


@settings(max_examples=400, deadline=None)
@given(towns(), _LADDERS, st.sampled_from(_UNITS))
def test_a_ladder_is_faulty_just_where_somebody_would_command_who_was_late(
    city: CityIndex, rungs: list[tuple[EscalationKind, str]], start: str
) -> None:
    rows = tuple(
        EscalationRow(key=f"r{n}", flow="*", action=Action.JUDGE, kind=kind, role=role, fraction=1.0 + n)
        for n, (kind, role) in enumerate(rungs)
    )
    roles = Roles(Ground(Mechanism(key="m"), city), city)
    found = [(fault.kind, fault.rows[0]) for fault in walk(roles, rows, start, Site(*[""] * 8))]

    late, who, wanted = {start}, start, []
    for row in rows:
        if row.role == "leader":
            continue
        to = city.units[who].parent if row.role == "superior" else row.role
        if not to:
            wanted.append(("no_superior", row.key))
        elif row.kind != EscalationKind.URGE:
            if to in late:
                wanted.append(("escalation_circle", row.key))
                break
            if row.kind == EscalationKind.TAKE_OVER:
                late.add(to)
                who = to
    assert found == wanted
