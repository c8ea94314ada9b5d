"""The demonstration city keeps what its mechanism promises, for the days that its roster covers."""

from __future__ import annotations

import pytest

from liandong.app.standing import proven
from liandong.core.mechanism.policy import Policy
from liandong.core.mechanism.proofs.catalogue import prove_document
from liandong.core.mechanism.routing import Routing
from liandong.core.values.city import CityIndex
from liandong.core.values.times import parse_time
from liandong.sim.city import demo_city
from liandong.wiring.packs import equipped

START = parse_time("2026-06-01T00:00:00+08:00")


@pytest.mark.slow
def test_the_demonstration_is_proven() -> None:
    folder = equipped(demo_city(1, START, 35, 120))
    city = CityIndex(folder.city)
    assert prove_document(folder.mechanism, city) == ()
    policy = Policy(
        city=city, routing=Routing(folder.mechanism, city), rules={rule.key: rule for rule in folder.rules},
        channels=("file",),
    )  # fmt: skip
    assert proven(policy, START) == ()
    ends = {(fault.proof, fault.kind) for fault in proven(policy, parse_time("2026-06-20T00:00:00+08:00"))}
    assert ("P5", "duty_nobody") in ends, "the roster ends within the thirty days from here"
