"""What do we do when a member is erased? Address nothing to it any more, and take back what is on its way.

Names and addresses are kept nowhere in this service: they are asked from membership when a mail is sent, so nothing else
is left to clear.
"""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from uuid import UUID, uuid5

from chassis.commands import Call, Command
from chassis.database import Connection, Pool
from chassis.events import topics_of
from chassis.reactions import CommandPath
from chassis.recorded import RecordedEvent
from chassis.refusals import Refusal, Unavailable
from chassis.security import Caller
from membership.events import SubjectErased
from notifications.domain.calendar import hanoi_day
from notifications.domain.delivery import NothingToWithdraw, WithdrawNotification
from notifications.domain.forgotten import AlreadyForgotten, ForgetRecipient
from notifications.read_models.deliveries import open_to_member

ERASED = "RecipientErased"
"""Why a message was withdrawn."""
PAGE_SIZE = 200
_COMMANDS = UUID("b9a40d3e-62a6-5d54-8f0c-0e6b6f1a7c92")


class ForgetMembers:
    """The effect that follows erasures; when its position has moved on, all of it is durable.

    :param current: waits until the read model of deliveries shows every command answered so far.
    """

    name = "forget_members"
    source = "membership"
    topics = topics_of([SubjectErased])

    def __init__(self, pool: Pool, commands: CommandPath, current: Callable[[], Awaitable[None]], caller: Caller) -> None:
        self._pool, self._commands, self._current, self._caller = pool, commands, current, caller

    async def take(self, events: Sequence[RecordedEvent], transaction: Connection) -> None:
        """Forget the members of some events.

        :raises Unavailable: something was refused; take them again. Nothing is parked here, for who waits for this
            follower would then acknowledge an erasure that did not happen.
        """
        for at in events:
            try:
                await self._forget(at)
            except Refusal as refusal:
                raise Unavailable(reason=f"{self.name} at {at.id}: {refusal.rule}") from refusal

    async def taken(self, events: Sequence[RecordedEvent]) -> None:
        """Nothing is left to do."""

    async def _forget(self, at: RecordedEvent) -> None:
        event, on = at.event, hanoi_day(at.recorded_at)
        assert isinstance(event, SubjectErased)
        forget = ForgetRecipient(command_id=_id(at), member_id=event.person_id, unit=event.unit, on=event.on)
        # From here on the store takes nothing that is addressed to the member, so what is found below is all there is.
        with suppress(AlreadyForgotten):
            await self._execute(at, forget)
        after: UUID | None = None
        await self._current()
        while found := await open_to_member(self._pool, event.person_id, PAGE_SIZE, after):
            for row in found:
                withdraw = WithdrawNotification(
                    command_id=_id(at, row.delivery_id), delivery_id=row.delivery_id, reason=ERASED, on=on
                )
                # It may have left just now.
                with suppress(NothingToWithdraw):
                    await self._execute(at, withdraw)
            after = found[-1].delivery_id

    async def _execute(self, at: RecordedEvent, command: Command) -> None:
        await self._commands.execute(Call(self._caller, at.metadata.correlation_id, at.id, at.metadata.traceparent), command)


def _id(at: RecordedEvent, *of: UUID) -> UUID:
    """The id of a command that follows from an event, so that a repetition does nothing."""
    return uuid5(_COMMANDS, "/".join((at.id, *map(str, of))))
