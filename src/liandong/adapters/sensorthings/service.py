"""Answers a path and a query with JSON: sets, entities, what they lead to, single properties."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from liandong.adapters.sensorthings.catalogue import Catalogue, Entity, member, unknown_property, walk
from liandong.adapters.sensorthings.filters import Look, bad, holds
from liandong.adapters.sensorthings.model import CONFORMANCE, RELATIONS, SET_OF, SETS
from liandong.adapters.sensorthings.observations import Observations, Rows
from liandong.adapters.sensorthings.options import Options, parse_options
from liandong.adapters.sensorthings.places import Periods
from liandong.app.platform import Platform
from liandong.core.values.errors import NotFound

_SEGMENT = re.compile(r"([A-Za-z$]+)(?:\((?:'((?:[^']|'')*)'|(-?\d+))\))?")
MOST_SEGMENTS = 12


@dataclass(frozen=True, slots=True)
class Raw:
    """The bare value of a property, asked for by `/$value`."""

    value: Any


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a path has led so far: a set (`id` None, with its members) or an entity."""

    kind: str
    id: str | None
    ids: Sequence[str]  #: of a set; channels' keys where it is one of observations
    url: str


class Service:
    """Answers for one asker, under one address."""

    def __init__(self, platform: Platform, catalogue: Catalogue, root: str, periods: Periods) -> None:
        self._catalogue, self._root, self._periods = catalogue, root, periods
        self._known: dict[str, str] = {}  #: channel → period of its observations, of this request
        self.observations = Observations(platform, catalogue, self._look_of_channel)

    def root(self) -> Entity:
        """The sets, and what of the standard is there."""
        return {
            "value": [{"name": name, "url": f"{self._root}/{name}"} for name in SETS],
            "serverSettings": {"conformance": list(CONFORMANCE)},
        }

    def get(self, path: str, pairs: Iterable[tuple[str, str]]) -> Entity | Raw:
        """What stands at a path. Raises NotFound, BadInput for a query that cannot be answered."""
        names = [name for name in path.split("/") if name]
        if not names:
            return self.root()
        place, left = self._walk(names, path)
        if left:
            return self._property(place, left, path)
        asked = parse_options(place.kind, pairs)
        if place.id is None:
            return self._set(place, asked)
        return self._entity(place.kind, place.id, asked)

    def datastream(self, path: str) -> str:
        """The channel into which observations at a path go; empty for the set of all. Raises NotFound."""
        place, left = self._walk([name for name in path.split("/") if name], path)
        if left or place.kind != "Observation" or place.id is not None:
            raise NotFound("sensorthings.unknown_path", path=path[:80])
        return place.ids[0] if place.url.count("/") > self._root.count("/") + 1 else ""

    def link(self, kind: str, id: str) -> str:
        """The address of an entity."""
        said = id.replace("'", "''")
        return f"{self._root}/{SET_OF[kind]}({quote(chr(39) + said + chr(39), safe=chr(39) + ':.')})"

    def observation_link(self, id: str) -> str:
        """The address of an observation; its id needs no quoting, and there may be very many."""
        return f"{self._root}/Observations('{id}')"

    # The path.

    def _walk(self, names: list[str], path: str) -> tuple[_Place, list[str]]:
        if len(names) > MOST_SEGMENTS:
            raise bad(f"path > {MOST_SEGMENTS}")
        name, id = _segment(names[0], path)
        if name not in SETS:
            raise NotFound("sensorthings.unknown_path", path=path[:80])
        kind = SETS[name]
        ids: Sequence[str] = (
            tuple(self._catalogue.channels) if kind == "Observation" else self._catalogue.ids(kind)
        )
        place = self._within(_Place(kind, None, ids, f"{self._root}/{name}"), id, path)
        for at, segment in enumerate(names[1:], start=1):
            name, id = _segment(segment, path)
            relation = RELATIONS[place.kind].get(name)
            if place.id is None or relation is None:
                return place, names[at:]
            ids = self._related(place.kind, place.id, name)
            url = f"{self.link(place.kind, place.id)}/{name}"
            if relation.many:
                place = self._within(_Place(relation.target, None, ids, url), id, path)
            elif id is not None or not ids:
                raise NotFound("sensorthings.unknown_path", path=path[:80])
            else:
                place = _Place(relation.target, ids[0], (), url)
        return place, []

    def _within(self, place: _Place, id: str | None, path: str) -> _Place:
        """The entity of this id in a set, or the set itself where none was named."""
        if id is None:
            return place
        if place.kind == "Observation":
            rows = self.observations.one(id)
            if rows is None or self._channel(rows, 0) not in place.ids:
                raise NotFound("sensorthings.unknown_entity", entity=place.kind, id=id[:80])
        elif id not in place.ids:
            raise NotFound("sensorthings.unknown_entity", entity=place.kind, id=id[:80])
        return _Place(place.kind, id, (), place.url)

    def _related(self, kind: str, id: str, name: str) -> Sequence[str]:
        if kind != "Observation":
            return self._catalogue.related(kind, id, name)
        rows = self.observations.one(id)
        assert rows is not None
        channel = self._channel(rows, 0)
        return (channel if name == "Datastream" else self._catalogue.asset_of(channel),)

    def _channel(self, rows: Rows, at: int) -> str:
        return self._catalogue.by_number[int(rows.number[at])].key

    def _property(self, place: _Place, names: list[str], path: str) -> Entity | Raw:
        """`…/name` and `…/name/$value`."""
        if place.id is None:
            raise NotFound("sensorthings.unknown_path", path=path[:80])
        found = self._entity(place.kind, place.id, Options())
        bare = names[-1] == "$value" and len(names) > 1
        wanted = tuple(names[:-1] if bare else names)
        if wanted[0] not in found or "@" in wanted[0]:
            raise NotFound("sensorthings.unknown_path", path=path[:80])
        value = member(found, wanted)
        return Raw(value) if bare else {wanted[-1]: value}

    # Sets.

    def _set(self, place: _Place, asked: Options) -> Entity:
        if place.kind == "Observation":
            return self._observation_set(place.ids, place.url, asked)
        ids = list(place.ids)
        if asked.filter is not None:
            ids = [id for id in ids if holds(asked.filter, self._look(place.kind, id))]
        for path, falling in reversed(asked.orderby):
            looks = {id: self._look(place.kind, id)(path) for id in ids}
            ids.sort(key=lambda id: _sortable(looks[id]), reverse=falling)
        shown = ids[asked.skip : asked.skip + asked.top]
        self._look_up(place.kind, shown, asked)
        made: Entity = {"@iot.count": len(ids)} if asked.count else {}
        if len(ids) > asked.skip + asked.top:
            made["@iot.nextLink"] = _next(place.url, asked, {"$skip": str(asked.skip + asked.top)})
        made["value"] = [self._entity(place.kind, id, asked) for id in shown]
        return made

    def _observation_set(self, channels: Sequence[str], url: str, asked: Options) -> Entity:
        page = self.observations.page(channels, asked)
        made: Entity = {} if page.total is None else {"@iot.count": page.total}
        rows = page.rows
        if page.more:
            by_time = not asked.orderby or [path for path, _ in asked.orderby] == [("phenomenonTime",)]
            if by_time and rows:
                token = f"{int(rows.time[-1])}_{int(rows.number[-1])}"
                made["@iot.nextLink"] = _next(url, asked, {"$skiptoken": token}, gone="$skip")
            else:
                made["@iot.nextLink"] = _next(url, asked, {"$skip": str(asked.skip + asked.top)})
        made["value"] = [self._observation(rows, at, asked) for at in range(len(rows.number))]
        return made

    # Entities.

    def _entity(self, kind: str, id: str, asked: Options) -> Entity:
        if kind == "Datastream":
            if id not in self._known:
                self._look_up(kind, (id,), asked)
            # The moment of a result is not kept apart from that of what was observed.
            period = {"phenomenonTime": self._known.get(id) or None, "resultTime": None}
            return self._shown(kind, id, self._catalogue.properties(kind, id) | period, asked)
        if kind != "Observation":
            return self._shown(kind, id, self._catalogue.properties(kind, id), asked)
        rows = self.observations.one(id)
        assert rows is not None
        return self._observation(rows, 0, asked)

    def _look_up(self, kind: str, ids: Sequence[str], asked: Options) -> None:
        """The periods of all channels that a set shows, in one question."""
        keys: Iterable[str] = ()
        if kind == "Datastream" and (not asked.select or "phenomenonTime" in asked.select):
            keys = ids
        elif kind != "Observation" and "Datastreams" in asked.expand:
            keys = (key for id in ids for key in self._catalogue.related(kind, id, "Datastreams"))
        missing = {k: self._catalogue.channels[k].number for k in keys if k not in self._known}
        if missing:
            self._known |= dict.fromkeys(missing, "") | self._periods.of(missing)

    def _observation(self, rows: Rows, at: int, asked: Options) -> Entity:
        channel = self._channel(rows, at)
        related = {"Datastream": (channel,), "FeatureOfInterest": (self._catalogue.asset_of(channel),)}
        return self._shown(
            "Observation",
            self.observations.id_of(rows, at),
            self.observations.entity(rows, at),
            asked,
            related,
        )

    def _shown(
        self,
        kind: str,
        id: str,
        own: Entity,
        asked: Options,
        related: Mapping[str, Sequence[str]] | None = None,
    ) -> Entity:
        """An entity with its links, or what is selected of it, and what is expanded."""
        link = self.link(kind, id)
        made: Entity = {}
        selected = asked.select
        for name in selected:
            if (
                name not in ("id", "@iot.id", "@iot.selfLink")
                and name not in own
                and name not in RELATIONS[kind]
            ):
                raise unknown_property(kind, (name,))
        if not selected or "id" in selected or "@iot.id" in selected:
            made["@iot.id"] = id
        if not selected or "@iot.selfLink" in selected:
            made["@iot.selfLink"] = link
        made |= {name: value for name, value in own.items() if not selected or name in selected}
        for name in RELATIONS[kind]:
            if name in asked.expand:
                made |= self._expanded(kind, id, name, link, asked.expand[name], related)
            elif not selected or name in selected:
                made[f"{name}@iot.navigationLink"] = f"{link}/{name}"
        return made

    def _expanded(
        self, kind: str, id: str, name: str, link: str, asked: Options,
        related: Mapping[str, Sequence[str]] | None,
    ) -> Entity:  # fmt: skip
        relation = RELATIONS[kind][name]
        ids = related[name] if related else self._catalogue.related(kind, id, name)
        if not relation.many:
            return {name: self._entity(relation.target, ids[0], asked) if ids else None}
        inner = self._set(_Place(relation.target, None, ids, f"{link}/{name}"), asked)
        made: Entity = {name: inner.pop("value")}
        return made | {f"{name}{key}": value for key, value in inner.items()}

    # What a filter may look at.

    def _look(self, kind: str, id: str) -> Look:
        own: Entity | None = None

        def look(names: tuple[str, ...]) -> Any:
            nonlocal own
            path = tuple(walk(names))
            if path == ("id",):
                return id
            relation = RELATIONS[kind].get(path[0])
            if relation is not None:
                if relation.many or len(path) < 2:
                    raise unknown_property(kind, path)
                ids = self._catalogue.related(kind, id, path[0])
                return self._look(relation.target, ids[0])(path[1:]) if ids else None
            if own is None:
                own = self._catalogue.properties(kind, id)
            if path[0] not in own:
                raise unknown_property(kind, path)
            found = member(own, path)
            return found if isinstance(found, (str, int, float, bool)) else None

        return look

    def _look_of_channel(self, channel: str) -> Look:
        def look(names: tuple[str, ...]) -> Any:
            if len(names) < 2:
                raise unknown_property("Observation", names)
            if names[0] == "Datastream":
                return self._look("Datastream", channel)(names[1:])
            return self._look("FeatureOfInterest", self._catalogue.asset_of(channel))(names[1:])

        return look


def _segment(text: str, path: str) -> tuple[str, str | None]:
    match = _SEGMENT.fullmatch(text)
    if match is None:
        raise NotFound("sensorthings.unknown_path", path=path[:80])
    if match[2] is not None:
        return match[1], match[2].replace("''", "'")
    return match[1], match[3]


def _sortable(value: Any) -> tuple[int, Any]:
    if value is None:
        return 0, 0
    return (2, value) if isinstance(value, str) else (1, float(value))


def _next(url: str, asked: Options, more: dict[str, str], gone: str = "") -> str:
    said = {name: value for name, value in asked.said.items() if name != gone} | more
    return f"{url}?{urlencode(said, quote_via=quote, safe='$,()/:;=')}"
