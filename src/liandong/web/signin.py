"""Who asks, as which post, within which scope, in which language. No route is without it.

A program sends a token. A browser sends the cookie of a session, and with every request that changes
something a header of ours, which no page of another site can make a browser send.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import (
    APIKeyCookie,
    HTTPAuthorizationCredentials,
    HTTPBasic,
    HTTPBasicCredentials,
    HTTPBearer,
)

from liandong.app.access import token_digest
from liandong.app.accounts import Visit
from liandong.app.platform import Platform
from liandong.core.values.access import AccessScope, Session
from liandong.core.values.errors import Forbidden, Unauthenticated
from liandong.texts import LANGUAGES
from liandong.web.threads import run

#: Any value; `background` says that nobody touched anything, so that the idle limit goes on.
HEADER = "x-liandong"
COOKIE = "liandong_session"
#: Browsers take a cookie of this beginning only over https, for the whole site, and from no other host.
SECURE_COOKIE = f"__Host-{COOKIE}"
_SAFE = ("GET", "HEAD", "OPTIONS")
_bearer = HTTPBearer(auto_error=False, scheme_name="token", description="A token made by `liandong token`.")
_basic = HTTPBasic(auto_error=False, scheme_name="password", description="The token as the password.")
_cookie = APIKeyCookie(
    name=COOKIE, auto_error=False, scheme_name="session", description="The cookie of POST /session."
)


@dataclass(frozen=True, slots=True)
class Asker:
    """The person or program behind a request."""

    platform: Platform
    session: Session
    scope: AccessScope
    language: str
    key: str = ""  #: digest of the session or token, by which its event streams are known
    account: str = ""  #: where it is a session


async def sign_in(
    request: Request,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
    _session: Annotated[str | None, Security(_cookie)] = None,
) -> Asker:
    """Look the token or the session up. Raises Unauthenticated, or Forbidden for a post that is no
    longer held, a password that has to be changed, or a change without our header."""
    platform: Platform = request.app.state.platform
    cookie = cookie_of(request)
    if credentials is None and cookie:
        visit = await look_up(request, cookie)
        if visit.must_change:
            raise Forbidden("auth.must_change_password")
        if not visit.held:
            raise Forbidden("auth.post_not_held", post=visit.row.post)
        session, key, account = visit.session, visit.row.digest, visit.account.name
        scope = platform.access.scope(session)
    else:
        token, account = credentials.credentials if credentials else "", ""

        def look() -> tuple[Session, AccessScope]:
            found = platform.access.session(token)
            return found, platform.access.scope(found)

        session, scope = await run(look)
        key = token_digest(token)
    language = language_of(request)
    # Routers of other rooms, which know nothing of this module, find it here.
    request.state.session, request.state.language = session, language
    return Asker(platform, session, scope, language, key, account)


SignedIn = Annotated[Asker, Depends(sign_in)]


async def sign_in_program(
    request: Request,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
    basic: Annotated[HTTPBasicCredentials | None, Security(_basic)] = None,
) -> None:
    """Look a program's token up, also where its client knows user names and passwords only: the token is
    the password then. No cookie opens these routes. Raises Unauthenticated."""
    platform: Platform = request.app.state.platform
    token = credentials.credentials if credentials else basic.password if basic else ""
    request.state.session = await run(lambda: platform.access.session(token))
    request.state.language = language_of(request)


async def visitor(
    request: Request,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
    _session: Annotated[str | None, Security(_cookie)] = None,
) -> Visit:
    """The session itself, also one whose password or post is not in order. Raises Unauthenticated."""
    platform: Platform = request.app.state.platform
    if credentials is not None:
        token = credentials.credentials
        await run(lambda: platform.access.session(token))
        raise Forbidden("auth.no_session")
    cookie = cookie_of(request)
    if not cookie:
        raise Unauthenticated("auth.missing")
    return await look_up(request, cookie)


Visitor = Annotated[Visit, Depends(visitor)]


async def look_up(request: Request, cookie: str) -> Visit:
    """The session of a cookie, renewed where somebody did something."""
    platform: Platform = request.app.state.platform
    quiet = getattr(request.scope.get("route"), "operation_id", "") in _QUIET
    renew = not quiet and request.headers.get(HEADER, "").strip().lower() != "background"
    visit = await run(lambda: platform.accounts.visit(cookie, renew))
    if visit.account.language:
        request.state.preferred = visit.account.language
    need_header(request)
    return visit


#: What a console asks without anybody at it.
_QUIET = ("read_session", "listen")


def need_header(request: Request) -> None:
    """Refuse a change that another site may have made the browser send. Raises Forbidden."""
    if request.method not in _SAFE and HEADER not in request.headers:
        raise Forbidden("auth.no_header")


def cookie_of(request: Request) -> str:
    """The session's cookie, empty where there is none."""
    return request.cookies.get(cookie_name(request), "")[:200]


def cookie_name(request: Request) -> str:
    """The name that the cookie has here."""
    return SECURE_COOKIE if request.app.state.secure else COOKIE


def language_of(request: Request) -> str:
    """The language of the account, else the one that Accept-Language prefers, else the platform's."""
    preferred = getattr(request.state, "preferred", "")
    if preferred:
        return str(preferred)
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
