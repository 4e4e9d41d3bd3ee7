"""Who wakes us when a reminder is due? JetStream's own message schedules: one wake-up a moment, however many steps are due.

All that is due on a day shares its moments, so the server holds a handful of schedules and not one for each of 120,000
units. A wake-up says no more than that its moment has come; what is due, and still is, this service knows itself. So a
wake-up too many does nothing, and schedules that were lost are asked for again from what is planned.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol
from uuid import UUID, uuid5

import orjson
import structlog
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js.api import ConsumerConfig
from nats.js.errors import Error as JetStreamApiError

from chassis.commands import Call
from chassis.database import Connection as DatabaseConnection
from chassis.database import Pool
from chassis.events import topics_of
from chassis.reactions import CommandPath
from chassis.recorded import RecordedEvent
from chassis.refusals import Refusal, Unavailable
from chassis.security import Caller
from chassis.stacks import stack_of
from chassis.streams import SCHEDULES, Connection, JetStreamError, due_subject, schedule
from notifications.domain.reminder import NothingPlanned, TakeReminderStep
from notifications.events import DataRequestReminderScheduled, Owed, ReminderScheduled, ReminderStep
from notifications.read_models.reminders import ReminderRow, moments_planned, steps_due

SERVICE = "notifications"
PAGE_SIZE = 200
ACK_WAIT_S = 30.0
FETCH_S = 10.0
RETRY_S = 1.0
_STEPS = UUID("a6a40c0f-2a4e-5bb1-9a6b-6f0f6f2a7d15")
_NO_NATS = (NatsError, JetStreamError, TimeoutError, OSError)

log = structlog.get_logger(__name__)


class AlarmClock(Protocol):
    """Whoever can wake this service at a moment."""

    async def wake_at(self, moment: datetime, position: int) -> None:
        """Have the service woken at a moment; once a moment, the latest `position` goes with it.

        :raises Unavailable: it cannot be asked just now.
        """


class JetStreamSchedules:
    """The alarm clock in the NATS server.

    :param clock: ours. The server has its own, so it is told how long to wait rather than until when; that also lets
        a test live on another day.
    """

    def __init__(self, nats: Connection, clock: Callable[[], datetime]) -> None:
        self._nats, self._clock = nats, clock

    async def wake_at(self, moment: datetime, position: int) -> None:
        """See :class:`AlarmClock`."""
        wait = max(moment - self._clock(), timedelta(0))
        body = orjson.dumps({"moment": moment, "position": position})
        try:
            await schedule(self._nats.client, SERVICE, moment.strftime("wake-%Y%m%dT%H%M"), datetime.now(UTC) + wait, body)
        except _NO_NATS as error:
            raise Unavailable(reason="nats") from error


class AskToBeWoken:
    """The effect that asks for a wake-up for each step that is planned."""

    name = "ask_to_be_woken"
    source = SERVICE
    topics = topics_of([ReminderScheduled, DataRequestReminderScheduled])

    def __init__(self, alarm_clock: AlarmClock) -> None:
        self._alarm_clock = alarm_clock

    async def take(self, events: Sequence[RecordedEvent], transaction: DatabaseConnection) -> None:
        """:raises Unavailable: NATS cannot be asked just now; the events are taken again."""
        moments: dict[datetime, int] = {}
        for at in events:
            assert isinstance(at.event, ReminderScheduled | DataRequestReminderScheduled)
            moments[at.event.fires_at] = at.position
        for moment, position in moments.items():
            await self._alarm_clock.wake_at(moment, position)

    async def taken(self, events: Sequence[RecordedEvent]) -> None:
        """Nothing is left to do."""


@dataclass(frozen=True, slots=True)
class Steps:
    """Takes the steps that are due.

    ``seen`` waits until the read model of reminders has taken a position.
    """

    pool: Pool
    commands: CommandPath
    seen: Callable[[int], Awaitable[None]]
    caller: Caller
    clock: Callable[[], datetime]

    async def take_due(self, moment: datetime, position: int, still_at_it: Callable[[], Awaitable[None]]) -> int:
        """Take every step due by a moment, page by page; how many there were.

        :raises Unavailable, DeadlinePassed, Overloaded: not all were taken; repeating is safe.
        """
        await self.seen(position)
        # The server's clock may be ahead of ours: its word counts for the moment it names.
        upto, taken, after = max(moment, self.clock()), 0, None
        while rows := await steps_due(self.pool, upto, PAGE_SIZE, after):
            await asyncio.gather(*map(self._take, rows))
            await still_at_it()
            taken, after = taken + len(rows), (rows[-1].fires_at, rows[-1].owed_id, rows[-1].owed)
        return taken

    async def _take(self, row: ReminderRow) -> None:
        assert row.step is not None
        cause = f"{SERVICE}/{row.position}"
        command = TakeReminderStep(
            command_id=uuid5(_STEPS, cause),
            owed=Owed(row.owed),
            owed_id=row.owed_id,
            due_on=row.due_on,
            step=ReminderStep(row.step),
        )
        # Refused when it has been dealt with since, or another process was first.
        with suppress(NothingPlanned):
            await self.commands.execute(Call(self.caller, row.correlation_id, cause), command)


class WakeUps:
    """Listens for wake-ups, and takes what is due at each."""

    def __init__(self, nats: Connection, steps: Steps, alarm_clock: AlarmClock) -> None:
        self._nats, self._steps, self._alarm_clock = nats, steps, alarm_clock

    async def run(self) -> None:
        """Listen until cancelled; begins, also after a fault, by asking again for every wake-up that is planned."""
        while True:
            try:
                await self._ask_again()
                await self._listen()
            except (*_NO_NATS, JetStreamApiError, Refusal) as error:
                log.warning("wake-ups wait", error=type(error).__name__)
            except Exception as fault:
                log.error("wake-ups failed, go on", stack=stack_of(fault))
            await asyncio.sleep(RETRY_S)

    async def _ask_again(self) -> None:
        for moment, position in await moments_planned(self._steps.pool):
            await self._alarm_clock.wake_at(moment, position)

    async def _listen(self) -> None:
        configuration = ConsumerConfig(ack_wait=ACK_WAIT_S, max_deliver=-1)
        subscription = await self._nats.client.jetstream().pull_subscribe(
            due_subject(SERVICE), durable=f"{SERVICE}-wake-ups", stream=SCHEDULES, config=configuration
        )
        try:
            while True:
                with suppress(TimeoutError):
                    for message in await subscription.fetch(1, timeout=FETCH_S):
                        await self._wake(message)
        finally:
            with suppress(*_NO_NATS):  # another process may go on listening; the consumer stays
                await subscription.unsubscribe()

    async def _wake(self, message: Msg) -> None:
        try:
            told = orjson.loads(message.data)
            moment, position = datetime.fromisoformat(told["moment"]), int(told["position"])
        except (ValueError, KeyError, TypeError):
            log.error("no wake-up of ours", sequence=message.metadata.sequence.stream)
            await message.term()
            return
        try:
            taken = await self._steps.take_due(moment, position, message.in_progress)
        except Refusal:
            await message.nak(delay=RETRY_S)
            raise
        log.info("woken", moment=moment.isoformat(), steps=taken)
        await message.ack()
