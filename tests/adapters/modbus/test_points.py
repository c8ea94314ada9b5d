"""Tables of points: every bad row named; and requests that fetch every point within the limits."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liandong.adapters._io.fieldfile import read_points
from liandong.adapters.modbus.points import MOST, ModbusPoint, plan, split
from liandong.core.values.errors import BadInput

HEADER = "device,item,register,address,type,order,scale,offset,period_s,invalid\n"
made = st.builds(
    ModbusPoint, device=st.just("d"), item=st.text("ab", min_size=1, max_size=4),
    register=st.sampled_from(["coil", "holding"]), address=st.integers(0, 3000),
    type=st.sampled_from(["int16", "float64", "bit3"]),
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(made, max_size=40), st.integers(0, 20))
def test_every_point_is_in_one_request_and_no_request_is_too_long(
    points: list[ModbusPoint], gap: int
) -> None:
    blocks = plan(points, gap)
    assert sorted(map(repr, points)) == sorted(repr(p) for b in blocks for p in b.points)
    for block in blocks:
        assert block.count <= MOST[block.register]
        assert len(block.values([0] * block.count)) == len(block.points)
        assert {p.register for p in block.points} == {block.register}
    assert all(len(one.points) == 1 for block in blocks for one in split(block))
    for one, two in pairwise(blocks):
        joined = two.address + two.points[0].width - one.address <= MOST[one.register]
        near = two.address <= one.address + one.count + gap
        assert one.register != two.register or not (near and joined)


def test_every_bad_row_is_named_with_its_column(tmp_path: Path) -> None:
    path = tmp_path / "points.csv"
    good = "d,a,holding,1,float32,CDAB,0.1,,5,\n\n"
    path.write_text(
        "\ufeff" + HEADER + good + "d,b,holdings,1,,,,,,\nd,c,input,70000,,,,,,\nd,d,input,65535,int32,,,,,\n"
        "d,a,coil,1,,,,,,\nd,e,input,1,,,,,,,more\n,f,input,1,,,,,,\n",
        encoding="utf-8",
    )
    with pytest.raises(BadInput) as refused:
        read_points(path, ModbusPoint)
    assert refused.value.key == "field.bad_points" and refused.value.params["count"] == 6
    named = "4 register; 5 address; 6 field.address; 7 device, item; 8 ?; 9 device"
    assert refused.value.params["rows"] == named
    path.write_text(HEADER + good, encoding="utf-8")
    point = read_points(path, ModbusPoint)[0]
    assert (point.address, point.order, point.scale, point.period_s) == (1, "CDAB", 0.1, 5.0)
