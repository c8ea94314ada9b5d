"""An alarm's life against a statement of its own: what must be told is told, what is held back is not.

The model below knows only what is there, what holds, and until when; nothing of how it is decided.
"""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from liandong.core.values.alarm import AlertChanged, AlertRaised
from liandong.core.values.lists import AlarmAction, AlarmStage, AnnouncementAction
from liandong.core.values.times import HOUR, MINUTE, SECOND
from tests.core.warn.watch import CENTRE, Watch

GAS1 = "gas_leak|well1"
NEVER = ("I", "II")
RANK = ("", "IV", "III", "II", "I")
HOLDS = {
    AlarmAction.SHELVE: AlarmStage.SHELVED,
    AlarmAction.TAKE_OUT: AlarmStage.OUT_OF_SERVICE,
    AlarmAction.CLEAR: AlarmStage.CLEARED,
}


class Alarm(RuleBasedStateMachine):
    """One alarm of one owner, with one announcement at a time."""

    @initialize()
    def begin(self) -> None:
        self.watch = Watch()
        self.level = ""  #: what is there
        self.hold: tuple[AlarmStage, int, str] | None = None  #: what a person holds back: how, until, level
        self.announced: tuple[str, int] | None = None  #: id, until
        self.explained = False  #: what is there began under the announcement
        self.seen = True
        self.raises: list[int] = []
        self.gone = 0  #: when it went last

    def _news(self) -> None:
        """A risk of which nobody has been told: is it explained?"""
        self.explained = self.announced is not None and not self.watch.alarm(GAS1).active

    @rule(level=st.sampled_from(RANK[1:]), after=st.sampled_from((1, 10, 45)))
    def bad(self, level: str, after: int) -> None:
        self.wait(after)
        if not self.level:
            self.raises.append(self.watch.now)
            self._news()
        if self.hold and (
            level in NEVER
            or (self.hold[0] == AlarmStage.CLEARED and RANK.index(level) > RANK.index(self.hold[2]))
        ):
            self.hold = None
            self._news()
        if level in NEVER:
            self.explained = False
        told = self.watch.alarm(GAS1).level
        if RANK.index(level) > RANK.index(told) and self.hold is None and not self.explained:
            self.seen = False
        self.level = level
        self.watch.risk(GAS1, level)

    @precondition(lambda self: self.level)
    @rule(after=st.sampled_from((1, 10, 45)))
    def good(self, after: int) -> None:
        self.wait(after)
        self.level, self.gone = "", self.watch.now
        if self.hold and self.hold[0] == AlarmStage.CLEARED:
            self.hold = None
        self.watch.risk(GAS1, "")

    @rule(action=st.sampled_from(tuple(HOLDS)), hours=st.integers(1, 9))
    def keep_quiet(self, action: AlarmAction, hours: int) -> None:
        before = self.watch.alarm(GAS1)
        if before.gone and before.level in NEVER:
            return  # a chatter at such a level is not held back, though for the moment nothing is there
        decision = self.watch.act(GAS1, action, hours)
        wrong = (
            not before.grouping
            or before.stage in (*HOLDS.values(), AlarmStage.SUPPRESSED)
            or self.level in NEVER
            or (action == AlarmAction.CLEAR and not before.active)
            or (action == AlarmAction.SHELVE and hours > 8)
        )
        assert decision.refused == wrong, (decision.reason, before.stage, self.level)
        if not wrong:
            until = 30 * MINUTE if action == AlarmAction.CLEAR else hours * HOUR
            if action != AlarmAction.CLEAR or self.level:  # nothing that is away is kept away
                self.hold = (HOLDS[action], self.watch.now + until, self.level)
            self.seen = True

    @rule()
    def acknowledge(self) -> None:
        if not self.watch.act(GAS1, AlarmAction.ACKNOWLEDGE).refused:
            self.seen = True

    @rule()
    def release(self) -> None:
        if self.hold is not None:
            self.hold = None
            self._news()
        else:
            self.explained = False
        self.watch.act(GAS1, AlarmAction.RELEASE)

    @precondition(lambda self: self.announced is None)
    @rule(hours=st.integers(1, 3))
    def announce(self, hours: int) -> None:
        decision = self.watch.announce(hours, assets=("well1",))
        assert not decision.refused, decision.reason
        self.announced = (f"a{self.watch.count}", self.watch.now + hours * HOUR)

    @precondition(lambda self: self.announced)
    @rule(by_centre=st.booleans())
    def end_it(self, by_centre: bool) -> None:
        action = AnnouncementAction.END if by_centre else AnnouncementAction.WITHDRAW
        self.watch.about(self.announced[0], action, *([CENTRE] if by_centre else []))
        self.announced, self.explained = None, False

    @rule(seconds=st.sampled_from((30, 400, 2000, 4000, 9 * 3600)))
    def wait(self, seconds: int) -> None:
        end = self.watch.now + seconds * SECOND
        over = [m[1] for m in (self.hold, self.announced) if m is not None and m[1] <= end]
        for moment in sorted(over):
            self.watch.wait((moment - 1 - self.watch.now) / 1e6)
            if self.announced and self.announced[1] == moment:
                self.announced, self.explained = None, False
            if self.hold and self.hold[1] == moment:
                self.hold = None
                self._news()
            self.watch.wait(1e-6)
        self.watch.wait((end - self.watch.now) / 1e6)

    # What must hold.

    @invariant()
    def what_must_be_told_is_told(self) -> None:
        if not hasattr(self, "watch") or not self.level:
            return
        state = self.watch.alarm(GAS1)
        if self.level in NEVER or (self.hold is None and self.announced is None):
            assert state.active, (self.level, state)
            assert state.stage in (AlarmStage.UNACKNOWLEDGED, AlarmStage.ACKNOWLEDGED)
            assert state.level == self.level

    @invariant()
    def what_is_held_back_is_not_told_and_what_is_told_waits_to_be_seen(self) -> None:
        if not hasattr(self, "watch"):
            return
        told = [e for e in self.watch.said if isinstance(e, (AlertRaised, AlertChanged))]
        self.watch.said.clear()
        stage = self.watch.alarm(GAS1).stage
        if self.hold is not None:
            assert not told
            assert stage == self.hold[0]
        elif self.level and self.explained and self.level not in NEVER:
            assert not told
            assert stage == AlarmStage.SUPPRESSED
        if any(isinstance(event, AlertRaised) for event in told):
            self.seen = False
        if stage in (AlarmStage.NORMAL, AlarmStage.ACKNOWLEDGED):
            assert self.seen
        if stage == AlarmStage.RETURNED:
            assert not self.seen

    @invariant()
    def what_is_over_is_cleared_unless_it_chatters(self) -> None:
        if not hasattr(self, "watch") or self.level:
            return
        newest = self.raises[-3:]
        chatter = len(newest) == 3 and newest[-1] - newest[0] <= 60 * SECOND
        if not chatter or self.watch.now - self.gone > 300 * SECOND:
            assert not self.watch.alarm(GAS1).active


TestAlarm: Any = Alarm.TestCase
TestAlarm.settings = settings(max_examples=60, stateful_step_count=20, deadline=None)
