"""The file of channels: read once, checked, and never repeated, because it holds secrets."""

from __future__ import annotations

import re
from pathlib import Path

import httpx

from liandong.adapters._io.channelfile import checked, read_rows
from liandong.adapters._io.wording import Wording
from liandong.adapters.notify.http import HttpGateway, http_channel
from liandong.adapters.notify.services import AppriseChannel, AppriseService
from liandong.adapters.notify.smtp import SmtpChannel, SmtpServer
from liandong.adapters.notify.wecom import WeComApp, WeComChannel
from liandong.app.logs import get_logger
from liandong.app.ports import Channel
from liandong.core.values.errors import BadInput
from liandong.core.values.quiet import VOICE

log = get_logger("notify")
Row = HttpGateway | SmtpServer | WeComApp | AppriseService
_NAME = re.compile(r"[a-z][a-z0-9_\-]{0,30}")


def open_channels(path: Path, wording: Wording) -> list[Channel]:
    """The channels of the file but for `voice`, in its order. Raises BadInput for the file as a whole.

    A channel that cannot be opened, for example because an optional library is missing, is left out and
    logged: it must not keep the others from telling people (its deliveries go to the next channel).
    """
    made: list[Channel] = []
    for number, row in enumerate(read_rows(path), start=1):
        name = row.get("name")
        taken = {"file", *(channel.name for channel in made)}
        if not isinstance(name, str) or not _NAME.fullmatch(name) or name in taken:
            raise BadInput("channels.bad_name", path=str(path), row=number)
        if name == VOICE:
            continue
        try:
            made.append(_made(checked(row, number, Row, path), wording))
        except BadInput as error:
            if error.key == "channels.bad_row":
                raise
            log.error("channels.left_out", error, channel=name)
        except (ValueError, httpx.InvalidURL):  # an address or a header that none can be
            raise BadInput("channels.bad_row", path=str(path), row=number, field="?") from None
    return made


def _made(row: Row, wording: Wording) -> Channel:
    match row:
        case HttpGateway():
            return http_channel(row, wording)
        case SmtpServer():
            return SmtpChannel(row, wording)
        case WeComApp():
            return WeComChannel(row, wording)
        case AppriseService():
            return AppriseChannel(row, wording)
