"""Shelving, suppressing, chatter and announcements, one rule each, beside the lives of test_alarm_life."""

from __future__ import annotations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from liandong.core.mechanism.announced import Announced
from liandong.core.values.alarm import AcknowledgementTakenBack, AlertCleared, AlertRaised, AlertSuppressed
from liandong.core.values.announcement import ActiveAnnouncement
from liandong.core.values.lists import (
    AlarmAction,
    AlarmStage,
    AnnouncementAction,
    AnnouncementKind,
    AnnouncementStage,
    AreaKind,
)
from liandong.core.values.rows import GatherRow
from tests.core.warn.watch import CENTRE, GAS, WATER, Watch

GAS1, GAS2, PIPE = "gas_leak|well1", "gas_leak|well2", "burst|main"


def test_cleared_by_hand_while_the_value_stays_bad_it_comes_back_by_itself():
    """Failure thread 2: no message is needed for the alarm to be raised again."""
    watch = Watch()
    watch.risk(GAS1, "III")
    assert not watch.act(GAS1, AlarmAction.CLEAR).refused
    raised, cleared = watch.said
    assert isinstance(raised, AlertRaised) and isinstance(cleared, AlertCleared)
    watch.wait(watch.base.alarm_terms.rearm_s - 1)
    assert len(watch.said) == 2 and watch.alarm(GAS1).stage == AlarmStage.CLEARED
    watch.wait(1)
    again = watch.said[2]
    assert isinstance(again, AlertRaised) and (again.episode, again.finding) == (2, raised.finding)
    assert watch.alarm(GAS1).stage == AlarmStage.UNACKNOWLEDGED


def test_a_wrong_acknowledgement_is_taken_back_and_says_whose_it_was():
    watch = Watch()
    watch.risk(GAS1, "III")
    watch.act(GAS1, AlarmAction.ACKNOWLEDGE, unit=GAS)
    assert watch.act(GAS1, AlarmAction.ACKNOWLEDGE).reason.key == "alarm.nothing_to_acknowledge"
    assert not watch.act(GAS1, AlarmAction.TAKE_BACK).refused
    back = watch.events[-1]
    assert isinstance(back, AcknowledgementTakenBack)
    assert (back.acknowledged_by, back.person) == ("gas.p", "centre.p")
    assert watch.alarm(GAS1).stage == AlarmStage.UNACKNOWLEDGED


def test_three_raises_in_a_minute_are_one_alarm_until_it_is_calm():
    watch = Watch()
    for _ in range(10):
        watch.risk(GAS1, "III")
        watch.wait(5)
        watch.risk(GAS1, "")
        watch.wait(5)
    kinds = [type(e) for e in watch.said]
    assert kinds == [AlertRaised, AlertCleared, AlertRaised, AlertCleared, AlertRaised]
    assert watch.alarm(GAS1).chatter == 10 and watch.alarm(GAS1).active
    watch.wait(watch.base.alarm_terms.calm_s)
    assert isinstance(watch.said[-1], AlertCleared) and watch.alarm(GAS1).stage == AlarmStage.RETURNED


def test_a_storm_counts_no_alarm_that_is_held_back_or_chatters():
    rows = (GatherRow(key="g", flow="gas_leak", area_kind=AreaKind.CITY, count=2, within_s=600, quiet_s=600),)
    watch = Watch(rows)
    watch.announce(assets=("well1",))
    watch.risk(GAS1, "III")
    watch.risk(GAS2, "III")
    (told,) = watch.said
    assert told.grouping == GAS2 and told.place == ""  # the suppressed one was not counted
    watch.about("a1", AnnouncementAction.WITHDRAW)
    late = watch.said[1]
    assert late.grouping == GAS1 and late.place == "gas_leak|area:c#1"


def test_a_finding_that_the_announcement_does_not_name_is_told_at_once():
    watch = Watch()
    watch.announce(sensors=("s_well1_1",))
    watch.risk(GAS1, "III", sensor=1)
    assert watch.alarm(GAS1).stage == AlarmStage.SUPPRESSED and not watch.said
    watch.risk(GAS1, "III", sensor=2)
    assert isinstance(watch.said[0], AlertRaised)


def test_what_an_announcement_did_is_counted_and_named():
    watch = Watch()
    watch.announce(2, area="b", kind=AnnouncementKind.MAINTENANCE)
    watch.risk(GAS2, "III")
    suppressed = next(e for e in watch.events if isinstance(e, AlertSuppressed))
    assert suppressed.by == "a1" and watch.alarm(GAS2).stage == AlarmStage.OUT_OF_SERVICE
    watch.risk(GAS2, "")
    watch.risk(GAS2, "III")
    watch.wait(7200)
    state = watch.states["announcement:a1"]
    assert state.stage == AnnouncementStage.EXPIRED and state.timers == {}
    assert (state.alarms[GAS2].count, state.alarms[GAS2].told, state.alarms[GAS2].held) == (2, 1, False)
    assert [e.grouping for e in watch.said] == [GAS2]


def test_nobody_silences_what_is_not_theirs_nor_for_too_long_nor_backwards():
    watch = Watch()
    assert watch.announce(unit=WATER, assets=("well1",)).reason.key == "announcement.foreign"
    assert watch.announce(73, assets=("well1",)).reason.key == "announcement.bad_span"
    assert watch.announce(1, since=-2, assets=("well1",)).reason.key == "announcement.bad_span"
    assert watch.announce(assets=("well1",), hazards=("fire",)).reason.key == "announcement.never"
    assert watch.announce(assets=("nowhere",)).reason.key == "announcement.unknown_place"
    watch.announce(area="b")  # of the gas company: the water main in the same town is not its own
    watch.risk(PIPE, "III")
    assert isinstance(watch.said[0], AlertRaised)
    late = f"a{watch.count + 1}"
    watch.announce(3, since=-1, assets=("well1",))
    assert watch.states[f"announcement:{late}"].late
    assert watch.about(late, AnnouncementAction.EXTEND, hours=80).reason.key == "announcement.bad_span"
    assert watch.about(late, AnnouncementAction.WITHDRAW, unit=WATER).reason.key == "power.not_yours"
    assert not watch.about(late, AnnouncementAction.EXTEND, hours=20).refused
    watch.risk(GAS1, "III")
    watch.wait(3 * 3600)
    assert watch.alarm(GAS1).stage == AlarmStage.SUPPRESSED
    assert not watch.about(late, AnnouncementAction.END, unit=CENTRE).refused
    assert watch.said[-1].grouping == GAS1


def test_the_worst_levels_are_never_held_back():
    watch = Watch()
    watch.risk(GAS1, "II")
    for action in (AlarmAction.SHELVE, AlarmAction.SUPPRESS, AlarmAction.CLEAR):
        assert watch.act(GAS1, action).reason.key == "alarm.never_held"
    watch.risk(GAS1, "III")
    assert not watch.act(GAS1, AlarmAction.SHELVE).refused
    said = len(watch.said)
    watch.risk(GAS1, "II")
    assert isinstance(watch.said[said], AlertRaised) and watch.alarm(GAS1).hold is None


def test_a_hundred_announcements_elsewhere_cost_a_lookup_nothing():
    """Failure thread 11: what a decision looks at does not grow with the rules of suppression."""
    watch = Watch()
    row = ActiveAnnouncement(
        id="", kind=AnnouncementKind.TEST, unit=GAS, any_owner=False, assets=(), area_path="", sensors=(),
        hazards=(), rules=(), since=0, until=2**60,
    )  # fmt: skip
    many = [msgspec.structs.replace(row, id=str(n), assets=(f"other{n}",)) for n in range(100)]
    announced = Announced([*many, msgspec.structs.replace(row, id="x", area_path="/c/a/")], watch.base.city)
    risk = watch.assessed(GAS1, "III")
    for _ in range(1_000):
        assert announced.covers(risk, watch.now).id == "x"
    assert announced.looked_at == 1_000


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(("assets", "sensors", "area")), st.sampled_from(("well1", "well2", "main")),
            st.sampled_from((GAS, WATER, CENTRE)), st.integers(0, 3), st.integers(1, 3),
            st.sampled_from(((), ("gas_leak",), ("burst",))),
        ),
        max_size=6,
    ),
    st.sampled_from((GAS1, GAS2, PIPE)),
    st.integers(0, 6),
)  # fmt: skip
def test_the_index_finds_what_going_through_all_finds(rows, grouping, now):
    watch = Watch()
    city = watch.base.city
    made = []
    for n, (by, asset, unit, since, length, hazards) in enumerate(rows):
        made.append(
            ActiveAnnouncement(
                id=str(n), kind=AnnouncementKind.TEST, unit=unit, any_owner=unit == CENTRE,
                assets=(asset,) if by == "assets" else (),
                area_path=city.area_path(city.assets[asset].area) if by == "area" else "",
                sensors=(f"s_{asset}_1",) if by == "sensors" else (), hazards=hazards, rules=(), since=since,
                until=since + length,
            )
        )  # fmt: skip
    risk = watch.assessed(grouping, "III")
    asset = grouping.partition("|")[2]
    wanted = {
        a.id
        for a in made
        if a.since <= now < a.until
        and (not a.hazards or risk.hazard in a.hazards)
        and (a.any_owner or city.assets[asset].owner == a.unit)
        and (
            asset in a.assets
            or f"s_{asset}_1" in a.sensors
            or (a.area_path and risk.area_path.startswith(a.area_path))
        )
    }
    found = Announced(made, city).covers(risk, now)
    assert (found is None) == (not wanted)
    assert found is None or found.id in wanted
    if found is not None:
        assert found.until == max(a.until for a in made if a.id in wanted)
        others = Announced(made, city).covers(risk, now, but=found.id)
        assert (others is None) == (len(wanted) == 1)
