"""How does a service acknowledge an event of another, once everybody here has taken it?

Some events ask their followers for an answer: they name in `request_id` the request to be answered. The answer is a
command of the other service; it is given again until it is taken, and one that stands already is as good.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from uuid import UUID, uuid5

from google.protobuf.message_factory import GetMessageClass

from chassis.clients import Refused, RpcClient
from chassis.commands import Call
from chassis.database import Connection
from chassis.events import Event
from chassis.following import Follower, unprocessable
from chassis.messages import message_of
from chassis.recorded import RecordedEvent
from chassis.refusals import DeadlinePassed, Unavailable
from chassis.security import Caller

ALREADY = "AlreadyAcknowledged"
"""The rule by which the other service refuses a second answer."""

WAIT_S = 10.0
_COMMANDS = UUID("5b0d9f1c-5a1e-5d0a-8f0e-0a4c5b9f6a31")


class Acknowledging:
    """The effect of acknowledging each event of a class that awaits it: an :class:`chassis.following.Effect`.

    :param event: its events name `request_id` and, in `awaited`, who must answer.
    :param client: calls the service whose event it is; `rpc` takes `request_id`, `by`, `up_to` and `on`.
    :param caller: this service, by whose name it acknowledges.
    :param followers: everybody who follows a history here; whoever takes the event too must have taken it before.
    """

    def __init__(
        self,
        event: type[Event],
        client: RpcClient,
        rpc: str,
        caller: Caller,
        today: Callable[[], date],
        followers: Callable[[], Iterable[Follower]],
    ) -> None:
        self.source = event.topic.partition(".")[0]
        self.name, self.topics = f"acknowledge_{event.topic.partition('.')[2]}", frozenset({event.topic})
        self._client, self._rpc, self._caller, self._today, self._followers = client, rpc, caller, today, followers
        self._request = GetMessageClass(client.contract.methods_by_name[rpc].input_type)

    async def take(self, events: Sequence[RecordedEvent], transaction: Connection) -> None:
        """Acknowledge some events.

        :raises Unavailable: something here is behind, or the other service does not answer; take them again.
        :raises Unprocessable: the other service does not want the answer.
        """
        for event in events:
            if self._caller.id in getattr(event.event, "awaited", ()):
                await self._passed(event)
                await self._acknowledge(event)

    async def taken(self, events: Sequence[RecordedEvent]) -> None:
        """Nothing is left to do."""

    async def _passed(self, event: RecordedEvent) -> None:
        try:
            await asyncio.gather(*(other.at_least(event.position, WAIT_S) for other in self._followers() if self._shares(other)))
        except DeadlinePassed:
            raise Unavailable(reason=f"{self.name}: others are behind {event.id}") from None

    def _shares(self, other: Follower) -> bool:
        return other.source == self.source and other.name != self.name and (not other.topics or bool(other.topics & self.topics))

    async def _acknowledge(self, event: RecordedEvent) -> None:
        on = max(self._today(), event.event.on)
        request = message_of(
            self._request,
            None,
            # Of a day: what stands is told by the other side, so an answer given again the next day is none but late.
            command_id=uuid5(_COMMANDS, f"{self._caller.id}/{event.id}/{on}"),
            request_id=getattr(event.event, "request_id"),  # noqa: B009 - which events have one is not known here
            by=self._caller.id,
            up_to=event.position,
            on=on,
        )
        metadata = event.metadata
        cause = Call(self._caller, metadata.correlation_id, event.id, metadata.traceparent)
        try:
            await self._client.ask(self._rpc, request, cause=cause)
        except Refused as refused:
            if refused.rule != ALREADY:
                raise unprocessable(event, refused) from refused
