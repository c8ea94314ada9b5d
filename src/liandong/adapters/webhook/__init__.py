"""Deliveries as HTTP posts to a system of the receiver's choice."""

from __future__ import annotations

import httpx

from liandong.adapters._io.channelfile import hush
from liandong.adapters._io.wording import Wording
from liandong.app.ports import OutboxRow
from liandong.core.values.lists import Outcome, Repeats
from liandong.core.values.times import format_time

#: Answers after which trying again may help.
_LATER = (408, 425, 429)


class WebhookChannel:
    """Posts JSON with the delivery's id as Idempotency-Key, so that a receiver can drop repeats."""

    name = "webhook"
    repeats = Repeats.DROPS

    def __init__(self, url: str, wording: Wording | None = None, timeout_s: float = 5.0) -> None:
        hush()
        self._url = url
        self._wording = wording or Wording()
        self._client = httpx.Client(timeout=timeout_s)

    def send(self, row: OutboxRow, address: str) -> tuple[Outcome, bool, str]:
        """Post once. A time-out after sending is unknown: it may have arrived."""
        message = self._wording.of(row)
        body = {
            "order": row.order, "case": row.case, "recipient": row.recipient, "address": address,
            "at": format_time(row.created), "mode": row.mode, "template": row.template, "params": row.params,
            "title": message.title, "text": message.body,
        }  # fmt: skip
        try:
            answer = self._client.post(self._url, json=body, headers={"Idempotency-Key": row.id})
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError, UnicodeError) as error:
            # Nothing was sent, and nothing ever would be.
            return Outcome.FAILED, False, type(error).__name__
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            return Outcome.FAILED, True, type(error).__name__
        except httpx.HTTPError as error:
            return Outcome.UNKNOWN, True, type(error).__name__
        if answer.is_success:
            return Outcome.DELIVERED, False, ""
        recoverable = answer.status_code >= 500 or answer.status_code in _LATER
        return Outcome.FAILED, recoverable, f"HTTP {answer.status_code}"
