"""What people agreed on holds from the very next message, is lost with a lost group, and is replayed."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from liandong.app.handle import Handler
from liandong.app.policies import commit_policy, current_policy, draft_commit
from liandong.app.ports import Store
from liandong.app.rebuild import rebuild
from liandong.core.values.lists import Mode, Watch
from liandong.core.values.roster import Duty, OnDuty
from liandong.core.values.roster_events import AnswerProposal, Exchange, ProposeSwap
from liandong.core.values.times import MINUTE
from liandong.runners.replay import replay
from liandong.stores.memory import open_memory
from liandong.stores.sqlite import open_sqlite
from tests.app.machine import CHANNELS, START, cases, committed, finding, folder

CENTRE, UNIT = "post:centre.duty", "unit:centre"


@pytest.fixture(params=["sqlite", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return open_sqlite(tmp_path) if request.param == "sqlite" else open_memory()


def planned() -> tuple[Duty, str]:
    """A coming duty at the centre and a colleague who is free then."""
    rows = sorted((d for d in folder().city.duties if d.post == CENTRE), key=lambda duty: duty.start)
    duty = next(row for row in rows if row.start > START)
    free = sorted({row.person for row in rows} - {duty.person, duty.deputy})
    return duty, free[0]


DUTY, TAKER = planned()


def on(handler: Handler) -> OnDuty | None:
    return handler.policy.city.on_duty(CENTRE, DUTY.start)


def swap(handler: Handler) -> None:
    item = Exchange(post=CENTRE, start=DUTY.start, giver=DUTY.person, taker=TAKER)
    propose = ProposeSwap(id="p", unit=UNIT, person=DUTY.person, items=(item,))
    agree = AnswerProposal(id="a", unit=UNIT, person=TAKER, proposal="p", agree=True)
    assert handler.admit(propose, DUTY.person, START + 1).key == "roster.swap_proposed"
    assert handler.admit(agree, TAKER, START + 2).key == "roster.swapped"


def test_a_swap_holds_within_its_own_group_and_is_gone_with_it(store: Store) -> None:
    handler = committed(store)
    before = on(handler)
    handler.begin()
    swap(handler)
    assert on(handler) == OnDuty(CENTRE, TAKER, DUTY.deputy)
    handler.forget()
    assert on(handler) == before and before is not None and before.person == DUTY.person


def test_an_order_goes_to_who_took_over_and_a_replay_decides_the_same(store: Store) -> None:
    handler = committed(store)
    handler.begin()
    swap(handler)
    moment = DUTY.start + MINUTE
    handler.admit(finding(CHANNELS[0], moment), "detect", moment)
    store.commit(handler.take())
    [case] = cases(store)
    assert TAKER in {order.person for order in case.orders.values() if order.post == CENTRE}
    assert rebuild(store).differences == []
    result = replay(store, open_memory())
    assert result.differences == [] and result.admitted >= 4


def test_another_process_and_a_new_version_of_the_city_know_it_too(store: Store) -> None:
    handler = committed(store)
    handler.begin()
    swap(handler)
    store.commit(handler.take())
    policy = current_policy(store, Mode.REAL)
    assert policy is not None and policy.city.on_duty(CENTRE, DUTY.start).person == DUTY.person
    opened = Handler(store, policy)
    assert on(opened) == OnDuty(CENTRE, TAKER, DUTY.deputy)

    made = folder()
    longer = msgspec.structs.replace(
        made.city, units=(*made.city.units[:1], *made.city.units[1:]), zone="UTC"
    )
    drafted = draft_commit(policy, longer, made.mechanism, made.rules, ("file",), "test", "test")
    assert drafted is not None
    commit_policy(opened, START + 3, *drafted)
    assert on(opened) == OnDuty(CENTRE, TAKER, DUTY.deputy), "the tables did not change that duty"
    without = msgspec.structs.replace(
        longer, duties=tuple(duty for duty in longer.duties if duty.start != DUTY.start)
    )
    drafted = draft_commit(opened.policy, without, made.mechanism, made.rules, ("file",), "test", "test")
    assert drafted is not None
    commit_policy(opened, START + 4, *drafted)
    assert [one.taker for one in opened.policy.city.roster.idle] == [TAKER], "nothing to swap any more"
    assert opened.policy.city.roster.rows(CENTRE, Watch.MAIN) != []
