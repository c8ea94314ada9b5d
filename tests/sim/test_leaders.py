"""Simulated leaders: what waits is done, by who may do it, and the same from the same seed."""

from __future__ import annotations

from typing import Any

from liandong.core.values.lists import ResourceAction, ResponseAction, WarningAction
from liandong.core.values.public_warning import WarningAct
from liandong.core.values.resource import ResourceAct
from liandong.core.values.response import ResponseAct
from liandong.sim.leaders import PowerIntent, of_resource, of_response, of_warning
from tests.core.coordinate.authority import WORDS, Town, contents

_SEALED = ("reason", "matter", "measures")


def intents(town: Town, seed: int) -> list[PowerIntent]:
    found: list[PowerIntent] = []
    for stream, state in town.states.items():
        make: Any = {"warning": of_warning, "response": of_response, "resource": of_resource}[
            stream.partition(":")[0]
        ]
        found += list(make(town.policy, seed, state))
    return sorted(found, key=lambda intent: intent.rank)


def do(town: Town, intent: PowerIntent) -> None:
    town.until(intent.at)
    duty = town.policy.city.on_duty(intent.post, town.now)
    assert duty is not None
    body = {k: WORDS if k in _SEALED and v else v for k, v in intent.body.items() if v is not None}
    head = {
        "id": intent.key,
        "body_digest": "d",
        "person": duty.person,
        "post": intent.post,
        "version": intent.version,
    }
    cls, field, action = {
        "warning": (WarningAct, "warning", WarningAction),
        "response": (ResponseAct, "response", ResponseAction),
        "resource": (ResourceAct, "request", ResourceAction),
    }[intent.kind]  # fmt: skip
    decision = town.send(cls(**head, **{field: intent.id}, action=action(intent.action), **body))
    assert not decision.refused, (intent, decision.reason)


def live(seed: int) -> Town:
    town = Town()
    town.warn("water.a", WarningAction.DRAFT, contents=contents())
    town.ask(
        "centre.a", ResourceAction.REQUEST, resource="pump", quantity=2.0, hazard="rainstorm", area="town"
    )
    for _ in range(40):
        waiting = intents(town, seed)
        if not waiting:
            break
        # What time brings may change the versions: the first intent is done, the others are asked anew.
        first = waiting[0]
        town.until(first.at)
        do(town, next(one for one in intents(town, seed) if one.key == first.key))
    return town


def test_everything_that_waits_is_done_and_the_same_from_the_same_seed() -> None:
    for seed in range(12):
        town = live(seed)
        assert town.warning.current == 1 and not town.response.open and town.request.stage == "returned"
        assert not intents(town, seed)
        assert [d.start for d in town.warning.decisions] == [d.start for d in live(seed).warning.decisions]
    assert len({tuple(d.start for d in live(seed).warning.decisions) for seed in range(12)}) == 2
