"""What differs between two versions, row by row and field by field."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from liandong.core.values.dataset import CityFolder, Difference, PersonRecord, differences
from tests.core.world import folder

replace = msgspec.structs.replace


def test_the_same_is_no_difference_and_persons_are_no_part_of_it() -> None:
    made = folder()
    other = replace(made, persons=(PersonRecord(key="person:x", name="某"),))
    counted = replace(other, city=replace(made.city, version=9), mechanism=replace(made.mechanism, version=4))
    assert differences(made, counted) == ()


def test_a_changed_row_says_which_field_from_what_to_what() -> None:
    made = folder()
    unit = replace(made.city.units[0], name_zh="新名", area="area:east")
    after = replace(made, city=replace(made.city, zone="UTC", units=(unit, *made.city.units[1:])))
    old = made.city.units[0]
    assert differences(made, after) == (
        Difference(table="city", change="changed", key="demo", fields=(("zone", "Asia/Shanghai", "UTC"),)),
        Difference(
            table="units", change="changed", key=unit.key,
            fields=(("name_zh", old.name_zh, "新名"), ("area", old.area, "area:east")),
        ),
    )  # fmt: skip


def test_rows_without_a_key_are_added_and_removed_by_what_they_say() -> None:
    made = folder()
    first, *rest = made.city.relations
    after = replace(made, city=replace(made.city, relations=(*rest, *rest[:1])))
    said = {(d.table, d.change, d.key) for d in differences(made, after)}
    assert said == {
        ("relations", "removed", f"{first.source} {first.kind} {first.target}"),
        ("relations", "added", f"{rest[0].source} {rest[0].kind} {rest[0].target}"),
    }


@given(st.sets(st.integers(0, 30)), st.sets(st.integers(0, 30)))
def test_going_there_and_back_is_the_same_list_the_other_way_round(left: set[int], right: set[int]) -> None:
    made: CityFolder = folder()

    def part(chosen: set[int]) -> CityFolder:
        rows = made.mechanism.steps[:31]
        steps = tuple(row for n, row in enumerate(rows) if n in chosen)
        return replace(made, mechanism=replace(made.mechanism, steps=steps))

    there, back = differences(part(left), part(right)), differences(part(right), part(left))
    assert len(there) == len(left ^ right)
    turned = {"added": "removed", "removed": "added"}
    assert {(d.key, d.change) for d in there} == {(d.key, turned[d.change]) for d in back}
