"""Who is looking at, ringing about, or writing into a case at this moment, so that nobody does it twice.

In memory and for a minute only: a restart forgets it, and whoever is still there says so again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

from liandong.core.values.access import Session
from liandong.core.values.errors import Busy
from liandong.core.values.lists import Doing

LIFE_S = 60.0
#: More cases than any duty centre looks at in a minute.
_MOST = 10_000


@dataclass(frozen=True, slots=True)
class Present:
    """One person, as one post, at one case."""

    person: str
    post: str
    doing: Doing
    whom: str  #: key of who is being rung, where somebody is
    since: int  #: of what is being done now, microseconds UTC
    until_s: float  #: on the clock that only counts


class Presence:
    """`seconds` is a clock that only counts: presence is over after a real minute in a demonstration too."""

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._cases: dict[str, dict[tuple[str, str], Present]] = {}

    def put(self, case: str, who: Session, doing: Doing, whom: str, now: int) -> bool:
        """Here for another minute. True where others have to be told, because it is new or different."""
        end = self._seconds() + LIFE_S
        with self._lock:
            self._forget()
            here = self._cases.get(case)
            if here is None:
                if len(self._cases) >= _MOST:
                    raise Busy("presence.full", retry_after=60)
                here = self._cases[case] = {}
            key = (who.person, who.post)
            old = here.get(key)
            if old is not None and (old.doing, old.whom) == (doing, whom):
                here[key] = replace(old, until_s=end)
                return False
            here[key] = Present(who.person, who.post, doing, whom, now, end)
            return True

    def leave(self, case: str, who: Session) -> bool:
        """Here no longer. True where somebody was."""
        with self._lock:
            return self._cases.get(case, {}).pop((who.person, who.post), None) is not None

    def of(self, case: str) -> list[tuple[Present, float]]:
        """Who is here, first come first, with the seconds that are left of each."""
        with self._lock:
            now = self._seconds()
            here = self._cases.get(case, {}).values()
            found = [(one, one.until_s - now) for one in here if one.until_s > now]
        return sorted(found, key=lambda pair: (pair[0].since, pair[0].person))

    def _forget(self) -> None:
        now = self._seconds()
        for case in list(self._cases):
            here = {key: one for key, one in self._cases[case].items() if one.until_s > now}
            if here:
                self._cases[case] = here
            else:
                del self._cases[case]
