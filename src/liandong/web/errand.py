"""What a browser carries to the identity provider and back: signed, short-lived, for one way only."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

import msgspec

from liandong.core.values.errors import Unauthenticated
from liandong.core.values.times import SECOND


class _Parcel(msgspec.Struct, frozen=True):
    until: int
    carried: dict[str, str]


class Errands:
    """Seals and opens with a key that lives as long as the process: after a restart one begins again."""

    def __init__(self, key: bytes, life_s: int = 600) -> None:
        self._key, self.life_s = key, life_s

    def seal(self, carried: dict[str, str], now: int) -> str:
        """The cookie's text."""
        data = msgspec.json.encode(_Parcel(now + self.life_s * SECOND, carried))
        return base64.urlsafe_b64encode(self._sign(data) + data).decode()

    def open(self, text: str, now: int) -> dict[str, str]:
        """What was carried. Raises Unauthenticated for anything that `seal` did not make, or too late."""
        try:
            raw = base64.urlsafe_b64decode(text)
            sign, data = raw[:32], raw[32:]
            if not hmac.compare_digest(sign, self._sign(data)):
                raise Unauthenticated("oidc.lost")
            parcel = msgspec.json.decode(data, type=_Parcel)
        except (binascii.Error, ValueError, msgspec.MsgspecError) as error:
            raise Unauthenticated("oidc.lost") from error
        if parcel.until <= now:
            raise Unauthenticated("oidc.lost")
        return parcel.carried

    def _sign(self, data: bytes) -> bytes:
        return hmac.new(self._key, data, hashlib.sha256).digest()
