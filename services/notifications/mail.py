"""How does a message become a mail, and how does the mail server take it over?"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from typing import Protocol
from urllib.parse import unquote, urlsplit
from uuid import UUID

import aiosmtplib

from notifications.templates import Words

SMTP_TIMEOUT_S = 20.0
"""How long the server may take to answer one word of the conversation."""
MAIL_TIMEOUT_S = 60.0
"""How long one mail may take in all; well below the lease of an attempt."""
_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}


class MailRefused(Exception):
    """The mail was not taken over. `reason` holds no word of the server's, which may repeat an address.

    `permanent`: no repetition helps, because the server refuses this mail for good (RFC 5321, 4.2.1).
    """

    def __init__(self, reason: str, *, permanent: bool) -> None:
        super().__init__(reason)
        self.reason, self.permanent = reason, permanent


class MailSession(Protocol):
    """One connection to a mail server, for one mail after the other."""

    async def send(self, mail: EmailMessage) -> None:
        """:raises MailRefused: it was not taken over."""

    async def close(self) -> None:
        """Take leave."""


def message_id(delivery_id: UUID, sender: str) -> str:
    """The Message-ID of a delivery: the same at every attempt, so that whoever gets the mail twice can tell."""
    return f"<{delivery_id}@{sender.rpartition('@')[2]}>"


def mail(delivery_id: UUID, sender: str, name: str, address: str, words: Words, sent_at: datetime) -> EmailMessage:
    """A plain text mail in UTF-8.

    :raises MailRefused: the address cannot stand in a mail.
    """
    message = EmailMessage(policy=SMTP_POLICY)
    try:
        message["To"] = Address(display_name=name, addr_spec=address)
    except (ValueError, IndexError, MessageError):
        raise MailRefused("address not valid", permanent=True) from None
    message["From"] = sender
    message["Subject"] = words.subject
    message["Date"] = sent_at
    message["Message-ID"] = message_id(delivery_id, sender)
    # RFC 3834: no out-of-office reply is wanted.
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(words.text, cte="base64")
    return message


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mails are handed over: ``smtp://``, ``smtp+starttls://`` or ``smtps://``, with ``user:password@`` if it asks."""

    url: str

    def session(self) -> MailSession:
        """A connection of its own, made when the first mail is sent."""
        return SmtpSession(self.url)


class SmtpSession:
    """A connection to an SMTP server, made when needed and made again after it was lost."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in _PORTS or not parts.hostname:
            raise ValueError("CONGDOAN_SMTP_URL must begin with smtp://, smtp+starttls:// or smtps:// and name a host")
        self._client = aiosmtplib.SMTP(
            hostname=parts.hostname,
            port=parts.port or _PORTS[parts.scheme],
            username=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
            use_tls=parts.scheme == "smtps",
            start_tls=parts.scheme == "smtp+starttls",
            timeout=SMTP_TIMEOUT_S,
        )

    async def send(self, mail: EmailMessage) -> None:
        """See :class:`MailSession`."""
        try:
            async with asyncio.timeout(MAIL_TIMEOUT_S):
                if not self._client.is_connected:
                    await self._client.connect()
                await self._client.send_message(mail)
        except aiosmtplib.SMTPRecipientsRefused as refused:
            codes = [recipient.code for recipient in refused.recipients]
            raise MailRefused(f"smtp {max(codes, default=0)}", permanent=all(map(_permanent, codes))) from None
        except aiosmtplib.SMTPAuthenticationError as refused:
            # Our own credentials are wrong: that is mended, not the mail's fault.
            raise MailRefused(f"smtp {refused.code}", permanent=False) from None
        except aiosmtplib.SMTPResponseException as refused:
            raise MailRefused(f"smtp {refused.code}", permanent=_permanent(refused.code)) from None
        except aiosmtplib.SMTPNotSupported:
            raise MailRefused("smtp extension missing", permanent=True) from None
        except (aiosmtplib.SMTPException, OSError) as lost:
            raise MailRefused(type(lost).__name__, permanent=False) from None

    async def close(self) -> None:
        """See :class:`MailSession`."""
        try:
            # Leaving is a courtesy: a server that is gone needs none, and what it took it has answered already.
            with suppress(aiosmtplib.SMTPException, OSError):
                if self._client.is_connected:
                    await self._client.quit()
        finally:
            self._client.close()


def _permanent(code: int) -> bool:
    return 500 <= code < 600
