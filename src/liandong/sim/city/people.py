"""Invented people, who holds which post, and rosters of three shifts a day."""

from __future__ import annotations

from dataclasses import dataclass

from liandong.core.values.city import Duty, Holding, Post
from liandong.core.values.dataset import PersonRecord
from liandong.core.values.lists import Watch
from liandong.core.values.times import DAY, HOUR
from liandong.sim.chance import shuffled
from liandong.sim.city.places import GRIDS_PER_TOWN

SHIFT = 8 * HOUR
#: Crew of a watch that has a second one, and of a firm's or site's desk.
_CREW, _SMALL_CREW = 4, 3
#: A family name and two syllables that nobody chose together: any likeness is chance.
_FAMILY = tuple("赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜戚谢邹喻柏水窦章云苏潘葛")
_GIVEN = (
    "试安", "例平", "示禾", "演明", "练达", "拟宁", "样和", "虚舟", "构新", "设远", "假山", "仿云",
    "模林", "范川", "测海", "验秋", "习之", "铭图", "册页", "表行", "稿初", "格清", "序言", "章成",
    "例言", "示宁", "演川", "拟海", "样山", "构清", "设平", "仿成",
)  # fmt: skip


@dataclass(frozen=True)
class Roster:
    """Persons, appointments and duties; the chairs of the committees hold no post."""

    persons: tuple[PersonRecord, ...]
    holdings: tuple[Holding, ...]
    duties: tuple[Duty, ...]
    chairs: dict[str, tuple[str, ...]]


class _People:
    """Hands out persons in order, each with a name of its own."""

    def __init__(self, seed: int) -> None:
        pairs = [family + given for family in _FAMILY for given in _GIVEN]
        self._names = iter(shuffled(pairs, seed, "names"))
        self.persons: list[PersonRecord] = []

    def hire(self) -> str:
        """Key of one more person, with a number that no network assigns."""
        number = len(self.persons) + 1
        key = f"person:p{number:04d}"
        self.persons.append(PersonRecord(key=key, name=next(self._names), phone=f"000-0000-{number:04d}"))
        return key


def make_roster(
    seed: int, all_posts: tuple[Post, ...], committees: tuple[str, ...], start: int, end: int
) -> Roster:
    """People for every post, and duties that cover every moment from `start` to `end`."""
    people = _People(seed)
    since = _shift_start(start) - 365 * DAY
    holdings: list[Holding] = []
    duties: list[Duty] = []
    second = {post.unit for post in all_posts if post.key.endswith(".second")}
    crews: dict[str, list[str]] = {}
    for post in all_posts:
        crew = crews.get(post.unit, []) if post.key.endswith(".second") else []
        if not crew:
            crew = [people.hire() for _ in range(_size(post, post.unit in second))]
        if post.duty:
            crews.setdefault(post.unit, crew)
            duties += _duties(post, crew, start, end)
        elif post.leader and len(crew) > 1:
            duties += _leaders(post, crew, start, end)
        holdings += [Holding(post=post.key, person=person, since=since) for person in crew]
    chairs: dict[str, tuple[str, ...]] = {body: (people.hire(), people.hire()) for body in committees}
    return Roster(tuple(people.persons), tuple(holdings), tuple(duties), chairs)


def _size(post: Post, two_watches: bool) -> int:
    if post.duty:
        return _CREW if two_watches else _SMALL_CREW
    if post.leader:
        return 2 if two_watches else 1
    return GRIDS_PER_TOWN if post.key.endswith(".grid") else 1


def _duties(post: Post, crew: list[str], start: int, end: int) -> list[Duty]:
    """Whole shifts. The second watch is the next of the crew, the deputy (B角) the one after."""
    first = _shift_start(start)
    count = -(-(end - first) // SHIFT)
    second = post.key.endswith(".second")
    ahead = 1 if second else 0
    return [
        Duty(
            post=post.key,
            start=first + turn * SHIFT,
            end=first + (turn + 1) * SHIFT,
            person=crew[(turn + ahead) % len(crew)],
            deputy=crew[(turn + ahead + 2) % len(crew)],
            watch=Watch.SECOND if second else Watch.MAIN,
        )
        for turn in range(count)
    ]


def _leaders(post: Post, crew: list[str], start: int, end: int) -> list[Duty]:
    """Leaders on duty take whole days, from 8 o'clock to 8 o'clock, and stand in for one another."""
    first = (_shift_start(start) // DAY) * DAY
    count = -(-(end - first) // DAY)
    return [
        Duty(
            post=post.key,
            start=first + turn * DAY,
            end=first + (turn + 1) * DAY,
            person=crew[turn % len(crew)],
            deputy=crew[(turn + 1) % len(crew)],
            watch=Watch.LEADER,
        )
        for turn in range(count)
    ]


def _shift_start(at: int) -> int:
    """Shifts change at 0, 8 and 16 o'clock, in the city's zone as in UTC, which are 8 hours apart."""
    return at - at % SHIFT
