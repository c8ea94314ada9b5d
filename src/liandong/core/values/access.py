"""Who may see what: a session acts as one post, and no question is asked without a scope."""

from __future__ import annotations

import msgspec

from liandong.core.values.city import CityIndex
from liandong.core.values.lists import Capability, DataClass, Mode


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A person acting as one post, or a source sending readings (then `source` is set)."""

    person: str = ""
    post: str = ""
    source: str = ""


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """One standing permission with its area resolved to a path."""

    capability: Capability
    domains: tuple[str, ...]  #: hazards; `*` = all
    area_path: str
    modes: tuple[Mode, ...]
    data_class: DataClass


class AccessScope(msgspec.Struct, frozen=True, kw_only=True):
    """What a question may touch: standing grants, and cases in which post or unit takes part."""

    person: str
    post: str
    unit: str
    now: int
    grants: tuple[Grant, ...]

    def may(self, capability: Capability) -> bool:
        """True where any grant carries the capability, anywhere."""
        return any(grant.capability == capability for grant in self.grants)

    def covers(self, capability: Capability, domain: str, area_path: str, mode: Mode) -> bool:
        """True where a grant of this capability covers domain, area and mode."""
        return any(
            grant.capability == capability
            and (domain in grant.domains or "*" in grant.domains)
            and area_path.startswith(grant.area_path)
            and mode in grant.modes
            for grant in self.grants
        )


def scope_of(city: CityIndex, session: Session, now: int) -> AccessScope:
    """The scope of a session at a moment, from the post's standing rows."""
    post = city.posts.get(session.post)
    grants = tuple(
        Grant(
            capability=row.capability,
            domains=row.domains,
            area_path=city.area_path(row.area) if row.area else "/",
            modes=row.modes,
            data_class=row.data_class,
        )
        for row in city.permissions(session.post)
        if not row.area or row.area in city.areas  # an area that does not exist is not the whole city
    )
    return AccessScope(
        person=session.person, post=session.post, unit=post.unit if post else "", now=now, grants=grants
    )
