"""Invented people, who holds which post, and rosters of three shifts a day."""

from __future__ import annotations

from dataclasses import dataclass

from liandong.core.values.city import Duty, Holding, Post
from liandong.core.values.dataset import PersonRecord
from liandong.core.values.times import DAY, HOUR
from liandong.sim.chance import shuffled
from tests.small_town.posts import POSTS

SHIFT = 8 * HOUR
CREW = 4
#: Family names and given names that nobody chose together: any likeness is chance.
_FAMILY = tuple("赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜")
_GIVEN = (
    "试安", "例平", "示禾", "演明", "练达", "拟宁", "样和", "虚舟", "构新", "设远", "假山", "仿云",
    "模林", "范川", "测海", "验秋", "习之", "铭图", "册页", "表行", "稿初", "格清", "序言", "章成",
)  # fmt: skip


@dataclass(frozen=True)
class Roster:
    """Persons, appointments and duties; the chairs of the committee hold no post."""

    persons: tuple[PersonRecord, ...]
    holdings: tuple[Holding, ...]
    duties: tuple[Duty, ...]
    chairs: tuple[str, ...]


class _People:
    """Hands out persons in order, each with a name of its own."""

    def __init__(self, seed: int) -> None:
        pairs = [family + given for family in _FAMILY for given in _GIVEN]
        self._names = iter(shuffled(pairs, seed, "names"))
        self.persons: list[PersonRecord] = []

    def hire(self) -> str:
        """Key of one more person, with a number that no network assigns."""
        number = len(self.persons) + 1
        key = f"person:p{number:03d}"
        self.persons.append(PersonRecord(key=key, name=next(self._names), phone=f"000-0000-{number:04d}"))
        return key


def make_roster(seed: int, start: int, end: int) -> Roster:
    """People for every post, and duties that cover every moment from `start` to `end`."""
    people = _People(seed)
    since = _shift_start(start) - 365 * DAY
    holdings: list[Holding] = []
    duties: list[Duty] = []
    for post in POSTS:
        crew = [people.hire() for _ in range(CREW if post.duty else 1)]
        holdings += [Holding(post=post.key, person=person, since=since) for person in crew]
        if post.duty:
            duties += _duties(post, crew, start, end)
    chairs = (people.hire(), people.hire())
    return Roster(tuple(people.persons), tuple(holdings), tuple(duties), chairs)


def _duties(post: Post, crew: list[str], start: int, end: int) -> list[Duty]:
    """Whole shifts; the deputy is the one who is on duty next."""
    first = _shift_start(start)
    count = -(-(end - first) // SHIFT)
    return [
        Duty(
            post=post.key,
            start=first + turn * SHIFT,
            end=first + (turn + 1) * SHIFT,
            person=crew[turn % len(crew)],
            deputy=crew[(turn + 1) % len(crew)],
        )
        for turn in range(count)
    ]


def _shift_start(at: int) -> int:
    """Shifts change at 0, 8 and 16 o'clock, in the city's zone as in UTC, which are 8 hours apart."""
    return at - at % SHIFT
