"""A storm: from the row's count on, alarms of one hazard in one area share a case; the rest is as ever."""

from __future__ import annotations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from liandong.core.values.alarm import AlarmState
from liandong.core.values.case_events import CaseGathered
from liandong.core.values.gathering import GatherState
from liandong.core.values.lists import AreaKind, CaseStage, Verdict
from liandong.core.values.risk import RiskState
from liandong.core.values.rows import GatherRow
from liandong.core.values.times import HOUR, MINUTE
from liandong.core.warn.gather import key_of_place
from tests.core.world import ALL, HIGH, SHADOW, Life, channels, folder, make_policy

ROW = GatherRow(
    key="gather.any", flow="*", area_kind=AreaKind.CITY, count=4, within_s=600.0, quiet_s=1800.0
)  # fmt: skip
MANY = len(channels())


def storm_policy(row: GatherRow = ROW):
    return make_policy(mechanism=msgspec.structs.replace(folder().mechanism, gatherings=(row,)))


def storm(count: int = MANY, row: GatherRow = ROW) -> Life:
    """So many assets raise one after the other."""
    life = Life(storm_policy(row))
    for channel in range(count):
        life.find(channel=channel)
        life.now += 1
    return life


def shared(life: Life):
    """Cases of storms."""
    return [case for case in life.cases() if "#" in case.grouping]


def placed(life: Life, grouping: str) -> set[str]:
    """Alarms that share a case, as the store looks them up."""
    states = life.states.values()
    return {s.grouping for s in states if isinstance(s, AlarmState) and s.place == grouping}


def test_those_before_the_storm_keep_their_cases_and_all_that_follow_share_one():
    life = storm()
    (case,) = shared(life)
    assert len(life.cases()) == ROW.count - 1 + 1
    assert len(placed(life, case.grouping)) == MANY - (ROW.count - 1)
    assert case.alarm_active and case.area == folder().city.areas[0].key
    said = [e.members for e in life.of(CaseGathered, case=case)]
    assert said == [n for n in (1, 2, 5, 10, 20) if 1 < n <= MANY - (ROW.count - 1)]


def test_every_finding_is_reached_from_its_case():
    life = storm()
    reached: set[str] = set()
    for case in life.cases():
        groupings = placed(life, case.grouping) | {case.grouping}
        risks = [life.states.get(f"risk:{g}") for g in groupings]
        reached |= {f for risk in risks if isinstance(risk, RiskState) for f in risk.findings}
    assert reached == set(life.findings)


def test_the_shared_case_clears_only_with_the_last_alarm_and_can_then_be_ended():
    life = storm()
    (case,) = shared(life)
    for number, finding in enumerate(list(life.findings), start=1):
        assert life.again(case).alarm_active, number
        life.change(finding, "ended")
    assert not life.again(case).alarm_active
    (gathered,) = (s for s in life.states.values() if isinstance(s, GatherState))
    assert gathered.active == {}
    life.do(*ALL, case=case)
    assert life.again(case).stage == CaseStage.ARCHIVED


def test_a_worse_member_raises_the_level_and_a_like_one_changes_nothing():
    life = storm()
    (case,) = shared(life)
    before = life.again(case)
    life.find(channel=MANY - 1, value=31.0, rule=SHADOW)
    assert life.again(case) == before
    life.find(HIGH, channel=MANY - 1)
    after = life.again(case)
    assert (before.level, after.level) == ("III", "II") and after.version > before.version


def test_after_a_false_verdict_the_next_member_is_judged_again():
    life = storm(MANY - 1)
    (case,) = shared(life)
    life.act(ALL[0], case, verdict=Verdict.FALSE)
    life.find(channel=MANY - 1)
    assert life.again(case).verdict == Verdict.LOOK


def test_a_member_after_the_end_of_the_shared_case_opens_a_new_one():
    life = storm(MANY - 1)
    (case,) = shared(life)
    for finding in list(life.findings):
        life.change(finding, "ended")
    life.do(*ALL, case=case)
    life.find(channel=MANY - 1)
    new = life.case
    assert new.grouping == case.grouping and new.ordinal == 2 and new.stage == CaseStage.OPENED


def test_after_a_quiet_time_counting_starts_anew_and_the_next_storm_is_another_case():
    life = storm(6)
    life.now += HOUR
    for channel in range(6, 12):
        life.find(channel=channel)
    assert [case.grouping[-2:] for case in shared(life)] == ["#1", "#2"]
    assert len(life.cases()) == 2 * ROW.count


def test_slow_alarms_never_make_a_storm():
    life = Life(storm_policy())
    for channel in range(MANY):
        life.find(channel=channel)
        life.now += 4 * MINUTE
    assert not shared(life) and len(life.cases()) == MANY


def test_without_a_row_nothing_is_gathered():
    life = Life()
    for channel in range(MANY):
        life.find(channel=channel)
    assert len(life.cases()) == MANY
    assert not any(isinstance(s, GatherState) for s in life.states.values())


def test_an_area_of_a_kind_that_is_not_there_gathers_nothing():
    row = msgspec.structs.replace(ROW, area_kind=AreaKind.GRID)
    life = storm(row=row)
    keys = {key_of_place(case.grouping) for case in shared(life)}
    assert all("-" in key.partition("|")[2] for key in keys)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, MANY - 1), st.sampled_from(["find", "ended", "reopened", "retracted"])),
        max_size=60,
    ),
    st.integers(1, 6),
)
def test_counts_are_those_of_the_alarms_whatever_happens(steps, count):
    life = Life(storm_policy(msgspec.structs.replace(ROW, count=count)))
    found: dict[int, str] = {}
    for channel, how in steps:
        life.now += MINUTE
        if how == "find":
            found[channel] = life.find(channel=channel)
        elif channel in found:
            life.change(found[channel], how)
        active: dict[str, int] = {}
        for state in life.states.values():
            if isinstance(state, AlarmState) and state.active and state.place:
                active[state.place] = active.get(state.place, 0) + 1
        gathered = [s for s in life.states.values() if isinstance(s, GatherState)]
        assert {p: n for s in gathered for p, n in s.active.items()} == active
        for case in shared(life):
            newest = life.latest(case.grouping)
            assert newest is not None
            assert newest.alarm_active == (case.grouping in active) or newest.over


def test_a_storm_is_of_one_hazard_in_one_area():
    (case,) = shared(storm())
    assert case.grouping == f"gas_leak|{folder().city.areas[0].key}#1"
