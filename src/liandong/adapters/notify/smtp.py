"""E-mail through a mail server, by Python's own smtplib: it says where a delivery broke, which is the
difference between trying again and not knowing."""

from __future__ import annotations

import re
import smtplib
import ssl
from contextlib import suppress
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Literal

import msgspec

from liandong.adapters._io.wording import Wording
from liandong.adapters.notify.outcome import DELIVERED, NO_ADDRESS, Answer
from liandong.app.ports import OutboxRow
from liandong.core.values.errors import BadInput
from liandong.core.values.lists import Outcome, Repeats
from liandong.core.values.times import to_datetime

_ADDRESS = re.compile(r"[!-?A-~]{1,64}@[A-Za-z0-9.\-]{1,255}")


class SmtpServer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="smtp"):
    """A mail server and the account that sends."""

    name: str
    host: str
    sender: str
    port: int = 0  #: 0 = the usual one: 465 with `tls`, else 587
    security: Literal["tls", "starttls", "none"] = "starttls"
    user: str = ""
    password: str = ""
    ca_file: str = ""  #: of a server whose certificate no public authority has signed
    system: str = "email"
    timeout_s: float = 10.0


class SmtpChannel:
    """One connection a message. Mail servers do not drop repeats; the Message-ID is the delivery's."""

    repeats = Repeats.NEITHER

    def __init__(self, server: SmtpServer, wording: Wording) -> None:
        """Raises BadInput where the file of certificates cannot be read."""
        self.name, self.system = server.name, server.system
        self._server, self._wording = server, wording
        try:
            self._context = ssl.create_default_context(cafile=server.ca_file or None)
        except OSError as error:
            raise BadInput("channels.unreadable", path=server.ca_file, problem=error.strerror or "") from None

    def send(self, row: OutboxRow, address: str) -> Answer:
        """Send once; after the message was handed over, a lost connection is an unknown outcome."""
        address = address.strip()
        # A line break in an address would begin another header or another command.
        if not _ADDRESS.fullmatch(address):
            return NO_ADDRESS
        try:
            message = self._message(row, address)
            data = message.as_bytes(policy=SMTP)
        except (ValueError, UnicodeError):
            return NO_ADDRESS
        try:
            connection = self._connect()
        except smtplib.SMTPResponseException as error:
            return Outcome.FAILED, True, f"SMTP {error.smtp_code}"
        except (OSError, smtplib.SMTPException) as error:
            return Outcome.FAILED, True, type(error).__name__
        try:
            return self._hand_over(connection, address, data)
        finally:
            with suppress(OSError, smtplib.SMTPException):
                connection.quit()

    def _connect(self) -> smtplib.SMTP:
        server = self._server
        port = server.port or (465 if server.security == "tls" else 587)
        if server.security == "tls":
            made: smtplib.SMTP = smtplib.SMTP_SSL(
                server.host, port, timeout=server.timeout_s, context=self._context
            )
        else:
            made = smtplib.SMTP(server.host, port, timeout=server.timeout_s)
        try:
            if server.security == "starttls":
                made.starttls(context=self._context)
            if server.user:
                made.login(server.user, server.password)
        except BaseException:
            made.close()
            raise
        return made

    def _hand_over(self, connection: smtplib.SMTP, address: str, data: bytes) -> Answer:
        """Step by step, because only what comes after the end of the data is not known."""
        try:
            connection.ehlo_or_helo_if_needed()
            for code, _ in (connection.mail(self._server.sender), connection.rcpt(address)):
                if code >= 300:
                    return _refused(code)
            code, _ = connection.docmd("DATA")
            if code != 354:
                return _refused(code)
        except (OSError, smtplib.SMTPException, UnicodeError) as error:
            return Outcome.FAILED, not isinstance(error, UnicodeError), type(error).__name__
        try:
            # A dot at the beginning of a line is doubled (RFC 5321, 4.5.2); the last line ends the message.
            connection.send(data.replace(b"\r\n.", b"\r\n..") + b".\r\n")
            code, _ = connection.getreply()
        except (OSError, smtplib.SMTPException) as error:
            return Outcome.UNKNOWN, True, type(error).__name__
        return DELIVERED if code == 250 else _refused(code)

    def _message(self, row: OutboxRow, address: str) -> EmailMessage:
        message = self._wording.of(row)
        mail = EmailMessage(policy=SMTP.clone(cte_type="7bit"))
        mail["Subject"] = message.title
        mail["From"] = self._server.sender
        mail["To"] = address
        mail["Date"] = format_datetime(to_datetime(row.created))
        mail["Message-ID"] = f"<{row.id}@liandong.invalid>"
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(message.marked, cte="base64")
        return mail


def _refused(code: int) -> Answer:
    """4xx is for now, 5xx for good (RFC 5321, 4.2.1)."""
    return Outcome.FAILED, code < 500, f"SMTP {code}"
