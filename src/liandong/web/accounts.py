"""Routes of signing in: sessions by password or by an identity provider, posts, passwords."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import urlencode

from anyio import CapacityLimiter, to_thread
from anyio.lowlevel import RunVar
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import Field

from liandong.app.accounts import Visit
from liandong.app.platform import Platform
from liandong.app.ports import IdentityProvider
from liandong.core.values.access import scope_of
from liandong.core.values.errors import Busy, LiandongError, Unauthenticated
from liandong.core.values.lists import Capability
from liandong.core.values.times import SECOND, format_time
from liandong.web.bodies import Reference, _Body, described, parse, read_body
from liandong.web.errand import Errands
from liandong.web.signin import Visitor, cookie_name, cookie_of, language_of, need_header
from liandong.web.threads import run
from liandong.web.views import Moment, View, moment

#: Needs a session, but not one that is in order.
router = APIRouter()
#: Needs none.
open_router = APIRouter()
ERRAND = "liandong_errand"
T = TypeVar("T")
#: Sign-ins that may wait for their hash; more are not people.
MOST_WAITING = 32
_hashing: RunVar[CapacityLimiter] = RunVar("hashing")


class SignInBody(_Body):
    """Name and password of a local account."""

    account: Annotated[str, Field(max_length=200)]
    password: Annotated[str, Field(max_length=10_000)]
    post: Reference | None = Field(
        None, description="Post to act as; without it the one with the duty, else the first held."
    )


class PostBody(_Body):
    """Another post."""

    post: Reference


class PasswordBody(_Body):
    """The password so far, and the one from now on."""

    old: Annotated[str, Field(max_length=10_000)]
    new: Annotated[str, Field(max_length=10_000)]


class LanguageBody(_Body):
    """The language in which the account is spoken to."""

    language: Literal["zh", "en"]


#: Bodies that are described in the OpenAPI document under their own names.
SIGN_IN_BODIES = (SignInBody, PostBody, PasswordBody, LanguageBody)


class HeldPost(View):
    """A post that the person may act as now."""

    post: str
    unit: str
    title_zh: str
    title_en: str
    on_duty: bool = Field(description="By the roster, as first or as deputy.")


class SessionView(View):
    """Who is signed in, as what, until when."""

    account: str
    person: str
    post: str = Field(description="The post that every request acts as.")
    post_held: bool = Field(description="False: choose another post; all other routes answer 403.")
    unit: str
    posts: list[HeldPost]
    capabilities: list[Capability]
    language: str
    must_change: bool = Field(description="True: choose another password; all other routes answer 403.")
    password_expires: Moment | None
    now: Moment = Field(description="The server's time.")
    expires: Moment = Field(description="When the session ends unless something is done before.")
    ends: Moment = Field(description="When it ends whatever is done.")
    idle_s: float = Field(description="Seconds without activity after which a session ends.")


class Ways(View):
    """How one may sign in here."""

    password: bool
    oidc: bool


class Ended(View):
    """It is over."""

    status: str


def view(request: Request, visit: Visit) -> SessionView:
    """A session as its owner sees it."""
    platform: Platform = request.app.state.platform
    city, now, row = platform.handler.policy.city, platform.writer.now, visit.row
    scope = scope_of(city, visit.session, now)
    held = {grant.capability for grant in scope.grants} if visit.held else set()
    rules = platform.accounts.rules
    expires = visit.account.changed + rules.password_us if rules.password_us and visit.account.hash else None
    posts = [
        HeldPost(
            post=post.key, unit=post.unit, title_zh=post.title_zh, title_en=post.title_en,
            on_duty=(duty := city.duties_around(post.key, now)[1]) is not None
            and row.person in (duty.person, duty.deputy),
        )
        for post in city.posts_of(row.person, now)
    ]  # fmt: skip
    return SessionView(
        account=visit.account.name, person=row.person, post=row.post, post_held=visit.held, unit=scope.unit,
        posts=posts, capabilities=[capability for capability in Capability if capability in held],
        language=visit.account.language or language_of(request), must_change=visit.must_change,
        password_expires=moment(expires), now=format_time(platform.clock.read().now),
        expires=format_time(min(row.expires, row.ends)), ends=format_time(row.ends),
        idle_s=rules.idle_us / SECOND,
    )  # fmt: skip


def _answer(request: Request, visit: Visit, cookie: str = "") -> Response:
    answer = Response(view(request, visit).model_dump_json(), media_type="application/json")
    if cookie:
        _set_cookie(request, answer, cookie)
    return answer


def _set_cookie(request: Request, answer: Response, cookie: str) -> None:
    answer.set_cookie(
        cookie_name(request), cookie, path="/", secure=request.app.state.secure, httponly=True,
        samesite="strict",
    )  # fmt: skip


@open_router.post(
    "/session",
    tags=["session"],
    operation_id="sign_in",
    openapi_extra=described(SignInBody),
    response_model=SessionView,
)
async def sign_in_here(request: Request) -> Any:
    """Sign in with a local account; the answer sets the session's cookie."""
    need_header(request)
    platform: Platform = request.app.state.platform
    body = parse(SignInBody, await read_body(request))
    cookie, visit = await _hashed(
        lambda: platform.accounts.sign_in(body.account, body.password, body.post or "")
    )
    await _end_old(request, platform)
    return _answer(request, visit, cookie)


async def _hashed(call: Callable[[], T]) -> T:
    """Run what hashes a password: few at once and few waiting, and never in the threads of the acts."""
    try:
        limiter = _hashing.get()
    except LookupError:
        limiter = CapacityLimiter(2)
        _hashing.set(limiter)
    if limiter.statistics().tasks_waiting >= MOST_WAITING:
        raise Busy("auth.too_many_attempts", retry_after=2)
    return await to_thread.run_sync(call, limiter=limiter)


async def _end_old(request: Request, platform: Platform) -> None:
    """A browser has one session; the one before is not left lying about."""
    old = cookie_of(request)
    if not old:
        return
    try:
        before = await run(lambda: platform.accounts.visit(old))
    except Unauthenticated:
        return
    await run(lambda: platform.accounts.end(before))


@open_router.get("/session/ways", tags=["session"], operation_id="read_ways")
async def read_ways(request: Request) -> Ways:
    """How one may sign in here. Needs no sign-in."""
    return Ways(password=True, oidc=request.app.state.provider is not None)


@router.get("/session", tags=["session"], operation_id="read_session")
async def read_session(request: Request, visit: Visitor) -> SessionView:
    """Who is signed in, as what, until when. Asking does not renew the session."""
    return view(request, visit)


@router.post(
    "/session/post",
    tags=["session"],
    operation_id="act_as_post",
    openapi_extra=described(PostBody),
    response_model=SessionView,
)
async def act_as_post(request: Request, visit: Visitor) -> Any:
    """Act as another post that the person holds now."""
    body = parse(PostBody, await read_body(request))
    accounts = request.app.state.platform.accounts
    return view(request, await run(lambda: accounts.act_as(visit, body.post)))


@router.post(
    "/session/password",
    tags=["session"],
    operation_id="change_password",
    openapi_extra=described(PasswordBody),
    response_model=SessionView,
)
async def change_password(request: Request, visit: Visitor) -> Any:
    """Choose another password; every other session of the account ends."""
    body = parse(PasswordBody, await read_body(request))
    accounts = request.app.state.platform.accounts
    cookie, changed = await _hashed(lambda: accounts.change_password(visit, body.old, body.new))
    return _answer(request, changed, cookie)


@router.post(
    "/session/language",
    tags=["session"],
    operation_id="choose_language",
    openapi_extra=described(LanguageBody),
    response_model=SessionView,
)
async def choose_language(request: Request, visit: Visitor) -> Any:
    """Choose the language in which this account is spoken to."""
    body = parse(LanguageBody, await read_body(request))
    accounts = request.app.state.platform.accounts
    return view(request, await run(lambda: accounts.set_language(visit, body.language)))


@router.delete("/session", tags=["session"], operation_id="sign_out", response_model=Ended)
async def sign_out(request: Request, visit: Visitor) -> Any:
    """Sign out; the session's event streams close."""
    accounts = request.app.state.platform.accounts
    await run(lambda: accounts.end(visit))
    answer = Response(Ended(status="ended").model_dump_json(), media_type="application/json")
    answer.delete_cookie(
        cookie_name(request), path="/", secure=request.app.state.secure, httponly=True, samesite="strict"
    )
    return answer


# An identity provider.


@open_router.get(
    "/session/oidc", tags=["session"], operation_id="begin_oidc", response_class=RedirectResponse,
    status_code=303,
)  # fmt: skip
async def begin_oidc(
    request: Request,
    to: Annotated[str, Query(max_length=500, description="Path of the console to come back to.")] = "/",
) -> Response:
    """Go to the identity provider. Needs no sign-in."""
    provider = _provider(request)
    errands: Errands = request.app.state.errands
    back = _return_address(request)
    start = await run(lambda: provider.begin(back))
    platform: Platform = request.app.state.platform
    parcel = {
        "state": start.state, "nonce": start.nonce, "verifier": start.verifier, "to": _own_path(to)
    }  # fmt: skip
    answer = RedirectResponse(start.url, 303)
    # Lax, because the way back begins at the provider's site.
    answer.set_cookie(
        ERRAND, errands.seal(parcel, platform.clock.read().now), max_age=errands.life_s, httponly=True,
        path=request.url.path, secure=request.app.state.secure, samesite="lax",
    )  # fmt: skip
    return answer


@open_router.get(
    "/session/oidc/return", tags=["session"], operation_id="end_oidc", response_class=RedirectResponse,
    status_code=303,
)  # fmt: skip
async def end_oidc(request: Request) -> Response:
    """Come back from the identity provider; what went wrong is named in the address of the console."""
    platform: Platform = request.app.state.platform
    errands: Errands = request.app.state.errands
    try:
        provider = _provider(request)
        parcel = errands.open(request.cookies.get(ERRAND, ""), platform.clock.read().now)
        query = {name: value[:4096] for name, value in request.query_params.items()}
        back = _return_address(request)
        name = await run(lambda: provider.finish(query, parcel, back))
        cookie, _ = await run(lambda: platform.accounts.trusted(name))
    except LiandongError as error:
        answer = RedirectResponse("/?" + urlencode({"sign_in": error.key}), 303)
    else:
        await _end_old(request, platform)
        answer = RedirectResponse(parcel["to"], 303)
        _set_cookie(request, answer, cookie)
    answer.delete_cookie(
        ERRAND, path=request.url.path.removesuffix("/return"), secure=request.app.state.secure,
        httponly=True, samesite="lax",
    )  # fmt: skip
    return answer


def _provider(request: Request) -> IdentityProvider:
    provider: IdentityProvider | None = request.app.state.provider
    if provider is None:
        raise Unauthenticated("oidc.not_set_up")
    return provider


def _return_address(request: Request) -> str:
    """Where the provider sends the browser back to, as it is registered there."""
    own = request.app.state.public_url.rstrip("/") or str(request.base_url).rstrip("/")
    return f"{own}/api/v1/session/oidc/return"


def _own_path(to: str) -> str:
    """A path of this console; never another site."""
    inside = to.startswith("/") and not to.startswith(("//", "/\\")) and "\\" not in to
    return to if inside and to.isprintable() else "/"
