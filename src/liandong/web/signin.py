"""Who asks, as which post, within which scope, in which language. No route is without it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from liandong.app.platform import Platform
from liandong.core.values.access import AccessScope, Session
from liandong.texts import LANGUAGES
from liandong.web.threads import run

_bearer = HTTPBearer(auto_error=False, scheme_name="token", description="A token made by `liandong token`.")


@dataclass(frozen=True, slots=True)
class Asker:
    """The person or program behind a request."""

    platform: Platform
    session: Session
    scope: AccessScope
    language: str


async def sign_in(
    request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)]
) -> Asker:
    """Look the token up. Raises Unauthenticated, or Forbidden for a post that is no longer held."""
    platform: Platform = request.app.state.platform
    token = credentials.credentials if credentials else ""

    def look() -> tuple[Session, AccessScope]:
        session = platform.session(token)
        return session, platform.scope(session)

    session, scope = await run(look)
    language = language_of(request)
    # Routers of other rooms, which know nothing of this module, find it here.
    request.state.session, request.state.language = session, language
    return Asker(platform, session, scope, language)


SignedIn = Annotated[Asker, Depends(sign_in)]


def language_of(request: Request) -> str:
    """The language that Accept-Language prefers, else the one the platform was set to."""
    best, weight = str(getattr(request.app.state, "language", LANGUAGES[0])), 0.0
    for part in request.headers.get("accept-language", "")[:200].split(","):
        tag, _, quality = part.partition(";")
        name = tag.strip().lower().partition("-")[0]
        q = _quality(quality)
        if name in LANGUAGES and q > weight:
            best, weight = name, q
    return best


def _quality(text: str) -> float:
    """`q=0.8` → 0.8; 1 where nothing is said, 0 for what cannot be read."""
    name, _, value = text.strip().partition("=")
    if not name:
        return 1.0
    try:
        return float(value) if name.strip() == "q" else 0.0
    except ValueError:
        return 0.0
