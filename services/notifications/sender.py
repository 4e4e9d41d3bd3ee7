"""Which mails leave now? A worker that takes what is due, the longest due first, never more than a few at once.

Of each mail: it is asked where the recipient is reached just now, the attempt is recorded, then made, then its outcome is
recorded (:mod:`notifications.domain.mailing`). Two workers never make the same attempt, because only one of them can
record that it begins. Membership tells a member's address only while the member agrees to mails; so a mail that nobody
agrees to is put aside without an attempt, until somebody has it retried.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID, uuid4, uuid5

import structlog

from chassis.clients import Refused
from chassis.commands import Call, Command
from chassis.database import Pool
from chassis.reactions import CommandPath
from chassis.refusals import Refusal, Unavailable
from chassis.security import Caller
from chassis.stacks import stack_of
from notifications.clients import Members
from notifications.domain.mailing import MAX_ATTEMPTS, BeginSending, PutAside, RecordFailure, RecordSent
from notifications.events import Template
from notifications.mail import MailRefused, MailServer, MailSession, mail, message_id
from notifications.read_models.deliveries import DeliveryRow, mails_due
from notifications.templates import mail_words

PAGE_SIZE = 100
RETRY_S = 1.0
RECORDING_TRIES = 10
NO_CONSENT = "NoConsent"
"""Why a mail to a member was put aside: it agrees to no mails, or gave no address."""
NO_ADDRESS = "NoAddress"
"""Why a mail to a unit was put aside: its office closed its mail."""
_OUTCOMES = UUID("5e1d0c2a-1f77-5c0b-9a1d-8f3f0c9b7e64")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Postbox:
    """What the sender writes mails with.

    ``office_address`` and ``name_of`` tell address and name of a unit; ``seen`` waits until the read model of deliveries
    has taken a position; ``max_at_once`` mails leave side by side.
    """

    server: MailServer
    sender: str
    members: Members
    office_address: Callable[[str], Awaitable[str]]
    name_of: Callable[[str], str]
    seen: Callable[[int], Awaitable[None]]
    max_at_once: int = 8


@dataclass(frozen=True, slots=True)
class _Addressee:
    """Name and address for one mail; the address is empty when it must not be sent. No repr tells them."""

    name: str = field(repr=False)
    address: str = field(repr=False)


@dataclass(slots=True)
class _Page:
    """Mails that some workers share; `members_wait` once membership did not answer."""

    rows: Iterator[DeliveryRow]
    made: int = 0
    members_wait: bool = False


class Sender:
    """Sends what is due, again and again.

    :param woken: set when something was appended; besides, the worker looks every `poll_s`.
    :param told: of each attempt, whether the mail server took the mail over.
    """

    def __init__(
        self,
        pool: Pool,
        commands: CommandPath,
        postbox: Postbox,
        caller: Caller,
        clock: Callable[[], datetime],
        woken: asyncio.Event,
        poll_s: float = 1.0,
        told: Callable[[bool], None] = lambda taken_over: None,
    ) -> None:
        self._pool, self._commands, self._postbox, self._caller = pool, commands, postbox, caller
        self._clock, self._woken, self._poll_s, self._told = clock, woken, poll_s, told

    async def run(self) -> None:
        """Send until cancelled. A mail under way is then finished by nobody; its lease ends and it goes again."""
        while True:
            try:
                while await self.send_due():
                    pass
            except Refusal as passing:
                log.warning("mails wait", rule=passing.rule, reason=passing.sentence("en"))
                await asyncio.sleep(RETRY_S)
            except Exception as fault:
                # Nobody foresaw this; the mail it happened to goes again when its lease is over, the others go on.
                log.error("sender failed, goes on", stack=stack_of(fault))
                await asyncio.sleep(RETRY_S)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), self._poll_s)
            self._woken.clear()

    async def send_due(self) -> int:
        """Make one attempt for each mail of a page of those due; how many were made.

        :raises Unavailable: store or database cannot be reached just now.
        """
        made, members_wait = await self._send(await mails_due(self._pool, self._clock(), PAGE_SIZE))
        if members_wait:
            # That uses up no attempt of theirs, and keeps no unit waiting.
            log.warning("mails to members wait for membership")
            more, _ = await self._send(await mails_due(self._pool, self._clock(), PAGE_SIZE, to_units_only=True))
            made += more
        return made

    async def _send(self, rows: Sequence[DeliveryRow]) -> tuple[int, bool]:
        """Make an attempt for each of some mails; how many, and whether membership did not answer for those to members."""
        page = _Page(iter(rows))
        workers = [self._work(page) for _ in range(min(self._postbox.max_at_once, len(rows)))]
        ends = await asyncio.gather(*workers, return_exceptions=True)
        for end in ends:
            if isinstance(end, BaseException):
                raise end
        reached = max((end for end in ends if isinstance(end, int)), default=0)
        # Until the read model has seen these attempts it would offer the same mails again.
        await self._postbox.seen(reached)
        return page.made, page.members_wait

    async def _work(self, page: _Page) -> int:
        """Send one mail after the other over one connection; the last position recorded, 0 when none was."""
        session, reached = self._postbox.server.session(), 0
        try:
            for row in page.rows:
                if row.member_id is not None and page.members_wait:
                    continue
                try:
                    addressee = await self._addressee(row)
                except (Unavailable, Refused):
                    page.members_wait = True
                    continue
                position = await self._attempt(session, row, addressee)
                page.made += position > 0
                reached = max(reached, position)
        finally:
            await session.close()
        return reached

    async def _addressee(self, row: DeliveryRow) -> _Addressee:
        """Asked for each mail by itself, just before it leaves: a consent may be taken back at any time.

        :raises Unavailable, Refused: membership, which alone knows a member's address, does not tell.
        """
        if row.member_id is None:
            return _Addressee(self._postbox.name_of(row.recipient), await self._postbox.office_address(row.recipient))
        contact = (await self._postbox.members.contacts([row.member_id])).get(row.member_id)
        return _Addressee(contact.full_name, contact.email) if contact else _Addressee("", "")

    async def _attempt(self, session: MailSession, row: DeliveryRow, to: _Addressee) -> int:
        if row.status == "sending" and row.tries >= MAX_ATTEMPTS:
            return await self._record(row, RecordFailure, row.attempt, reason="outcome unknown", permanent=True)
        if not to.address:
            reason = NO_CONSENT if row.member_id else NO_ADDRESS
            return await self._begun(row, PutAside(command_id=uuid4(), delivery_id=row.delivery_id, reason=reason))
        attempt = row.attempt + 1
        if not await self._begun(row, BeginSending(command_id=uuid4(), delivery_id=row.delivery_id, attempt=attempt)):
            return 0
        words = mail_words(Template(row.template), row.values, self._postbox.name_of, to.name)
        try:
            await session.send(mail(row.delivery_id, self._postbox.sender, to.name, to.address, words, self._clock()))
        except MailRefused as refused:
            self._told(False)
            return await self._record(row, RecordFailure, attempt, reason=refused.reason, permanent=refused.permanent)
        self._told(True)
        identity = message_id(row.delivery_id, self._postbox.sender)
        return await self._record(row, RecordSent, attempt, message_id=identity)

    async def _begun(self, row: DeliveryRow, command: Command) -> int:
        """The position at which a mail was taken in hand; 0 when another worker was first, or it was sent or withdrawn
        in the meantime and the read model had not seen it yet.

        :raises Unavailable: the store cannot be reached just now.
        """
        try:
            return (await self._commands.execute(self._call(row), command)).position
        except Unavailable:
            raise
        except Refusal:
            return 0

    async def _record(self, row: DeliveryRow, outcome: type[Command], attempt: int, **fields: object) -> int:
        command_id = uuid5(_OUTCOMES, f"{row.delivery_id}/{attempt}/{outcome.__name__}")
        command = outcome.model_validate({"command_id": command_id, "delivery_id": row.delivery_id, "attempt": attempt, **fields})
        for remaining in reversed(range(RECORDING_TRIES)):
            try:
                return (await self._commands.execute(self._call(row), command)).position
            except Unavailable:
                # What is not recorded is sent again when its lease is over, so this is worth some patience.
                if not remaining:
                    raise
                await asyncio.sleep(RETRY_S)
            except Refusal as refusal:
                log.warning("outcome of a mail not recorded", delivery=str(row.delivery_id), rule=refusal.rule)
                break
        return 0

    def _call(self, row: DeliveryRow) -> Call:
        return Call(self._caller, row.correlation_id, f"notifications/{row.position}")
