"""Sign-in by an OpenID Connect provider: code flow with PKCE (OpenID Connect Core 1.0, RFC 7636).

Discovery and keys are fetched when first needed and kept for an hour; a key that is not among them is
asked for once more, because providers change theirs.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

import httpx

from liandong.app.clock import perf
from liandong.app.logs import get_logger
from liandong.app.ports import Errand
from liandong.core.values.errors import Busy, LiandongError, Unauthenticated

log = get_logger("oidc")
TIMEOUT_S = 5.0
KEEP_S = 3600.0
_MOST = 256 * 1024
#: Signatures that need a provider's key; never `none`, never one made with a shared secret.
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
#: Seconds by which the provider's clock may be off.
_LEEWAY = 60


class OidcProvider:
    """One provider. `now` is seconds since 1970, for the times within its word."""

    def __init__(
        self,
        issuer: str,
        client: str,
        secret: str,
        claim: str,
        now: Callable[[], float],
        language: str = "zh",
    ) -> None:
        self._issuer, self._client, self._secret = issuer.rstrip("/"), client, secret
        self._claim, self._now, self._language = claim, now, language
        self._lock = threading.Lock()
        self._known: dict[str, tuple[float, dict[str, Any]]] = {}

    def begin(self, back: str) -> Errand:
        """Begin a sign-in: where the browser goes, and what it has to bring back."""
        from authlib.oauth2.rfc7636 import create_s256_code_challenge  # type: ignore[import-untyped]  # authlib has no types

        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        query = urlencode(
            {
                "response_type": "code", "client_id": self._client, "redirect_uri": back,
                "scope": "openid profile", "state": state, "nonce": nonce, "ui_locales": self._language,
                "code_challenge": create_s256_code_challenge(verifier), "code_challenge_method": "S256",
            }
        )  # fmt: skip
        address = str(self._settings()["authorization_endpoint"])
        return Errand(
            url=f"{address}{'&' if '?' in address else '?'}{query}", state=state, nonce=nonce,
            verifier=verifier,
        )  # fmt: skip

    def finish(self, query: Mapping[str, str], carried: Mapping[str, str], back: str) -> str:
        """The account's name, once the code is exchanged and the provider's word holds."""
        if query.get("error"):
            raise Unauthenticated("oidc.refused")
        if not carried.get("state") or not secrets.compare_digest(
            query.get("state", "").encode(), carried["state"].encode()
        ):
            raise Unauthenticated("oidc.lost")
        if not query.get("code"):
            raise Unauthenticated("oidc.refused")
        if query.get("iss", self._issuer).rstrip("/") != self._issuer:
            raise Unauthenticated("oidc.bad_word")  # RFC 9207: an answer of somebody else
        claims = self._claims(self._exchange(query["code"], carried["verifier"], back), carried["nonce"])
        name = claims.get(self._claim)
        if not isinstance(name, str) or not name:
            raise Unauthenticated("oidc.no_claim", claim=self._claim)
        return name

    def _exchange(self, code: str, verifier: str, back: str) -> str:
        form = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": back,
            "code_verifier": verifier, "client_id": self._client,
        }  # fmt: skip
        # The older way (RFC 6749, 2.3.1) that every provider has to take.
        auth = httpx.BasicAuth(self._client, self._secret) if self._secret else None
        answer = self._json("POST", str(self._settings()["token_endpoint"]), data=form, auth=auth)
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise Unauthenticated("oidc.bad_word")
        return token

    def _claims(self, token: str, nonce: str) -> dict[str, Any]:
        """The claims of an ID token whose signature, issuer, audience, times and nonce hold."""
        from authlib.oidc.core import CodeIDToken  # type: ignore[import-untyped]  # authlib has no types
        from joserfc import jwt
        from joserfc.errors import JoseError

        for fresh in (False, True):
            try:
                decoded = jwt.decode(token, self._keys(fresh), algorithms=ALGORITHMS)
                break
            except (JoseError, ValueError) as error:
                if fresh:
                    log.warning("oidc.bad_word", reason=type(error).__name__)
                    raise Unauthenticated("oidc.bad_word") from error
        claims = CodeIDToken(
            decoded.claims, decoded.header,
            options={
                "iss": {"essential": True, "values": [self._issuer, f"{self._issuer}/"]},
                "aud": {"essential": True, "value": self._client},
                "nonce": {"essential": True, "value": nonce},
                "exp": {"essential": True},
            },
            params={"client_id": self._client, "nonce": nonce},
        )  # fmt: skip
        try:
            claims.validate(now=int(self._now()), leeway=_LEEWAY)
        except Exception as error:  # the library has several families of them
            log.warning("oidc.bad_word", reason=type(error).__name__)
            raise Unauthenticated("oidc.bad_word") from error
        return dict(decoded.claims)

    def _keys(self, fresh: bool) -> Any:
        from joserfc.jwk import KeySet

        return KeySet.import_key_set(self._kept("keys", str(self._settings()["jwks_uri"]), fresh))  # type: ignore[arg-type]  # any JSON

    def _settings(self) -> dict[str, Any]:
        found = self._kept("settings", f"{self._issuer}/.well-known/openid-configuration", False)
        needed = ("authorization_endpoint", "token_endpoint", "jwks_uri", "issuer")
        if any(not isinstance(found.get(name), str) for name in needed):
            raise Busy("oidc.unreachable", retry_after=60)
        if found["issuer"].rstrip("/") != self._issuer:
            log.warning("oidc.other_issuer")
            raise Unauthenticated("oidc.bad_word")
        return found

    def _kept(self, name: str, address: str, fresh: bool) -> dict[str, Any]:
        with self._lock:
            kept = self._known.get(name)
        if kept is not None and not fresh and perf() - kept[0] < KEEP_S:
            return kept[1]
        found = self._json("GET", address)
        with self._lock:
            self._known[name] = (perf(), found)
        return found

    def _json(self, method: str, address: str, **more: Any) -> dict[str, Any]:
        """An object from the provider. Raises Busy where it is silent, Unauthenticated where it says no."""
        try:
            with httpx.Client(timeout=TIMEOUT_S, follow_redirects=False) as client:  # a few times a day
                answer = client.request(method, address, headers={"Accept": "application/json"}, **more)
            if answer.status_code >= 500:
                raise Busy("oidc.unreachable", retry_after=30)
            if answer.status_code != 200 or len(answer.content) > _MOST:
                log.warning("oidc.said_no", status=answer.status_code)
                raise Unauthenticated("oidc.refused")
            found = answer.json()
        except LiandongError:
            raise
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            log.warning("oidc.unreachable", reason=type(error).__name__)
            raise Busy("oidc.unreachable", retry_after=30) from error
        if not isinstance(found, dict):
            raise Busy("oidc.unreachable", retry_after=30)
        return found
