"""What does membership do when its own history says that a person was erased? Keys first, then everything else.

The order is: the event, the destruction of the key, the acknowledgements, the certificate (docs/decisions/0012).
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from typing import Any, Protocol
from uuid import UUID

import structlog

from chassis.commands import Command
from chassis.database import Connection, Pool, fetch
from chassis.events import topics_of
from chassis.following import unprocessable
from chassis.generations.tables import clear
from chassis.key_store import LISTED_AT_ONCE, NOBODY
from chassis.reactions import NUMBERED_LATER, Reaction
from chassis.read_models import ReadModel
from chassis.recorded import RecordedEvent
from membership.domain.data_request import RequestClosed
from membership.domain.erasure import AcknowledgementsOutstanding, CertifyErasure
from membership.events import ErasureAcknowledged, SubjectErased
from membership.read_models.erasures import erased_in_history

log = structlog.get_logger(__name__)


class Tombs(Protocol):
    """What destroys keys for good, and knows whose."""

    async def destroy(self, persons: Sequence[UUID]) -> None:
        """Leave nothing of the keys of some persons but a tombstone; again is as once.

        :raises Unavailable: the key store cannot be reached.
        """

    async def erased(self, after: UUID) -> Sequence[UUID]:
        """Some of whom there is a tombstone, in the order of their ids, from the one after `after`; none at the end.

        :raises Unavailable: the key store cannot be reached.
        """


class DestroyKeys:
    """The effect that an erasure has on keys: an :class:`chassis.following.Effect` of the own history.

    After a fault between the event and the destruction it goes on where it was, so no erasure is left half done. Beside
    its position it keeps who was erased, for the next start: see :class:`StayErased`.
    """

    name, source, topics = "destroy_keys", "membership", topics_of([SubjectErased])
    schema = ("create table if not exists erased (person_id uuid primary key)",)

    def __init__(self, keys: Tombs) -> None:
        self._keys = keys

    async def take(self, events: Sequence[RecordedEvent], transaction: Connection) -> None:
        """Destroy the keys of the erased; they are gone before the position moves.

        :raises Unavailable: not just now, take the events again. :raises Unprocessable: an event cannot be read.
        """
        persons = [_erased(event) for event in events]
        await self._keys.destroy(persons)
        await transaction.execute("insert into erased select unnest(%s::uuid[]) on conflict do nothing", (persons,))

    async def taken(self, events: Sequence[RecordedEvent]) -> None:
        """Nothing is left to do."""


Announced = Callable[[Connection, frozenset[str]], Awaitable[Sequence[RecordedEvent]]]


async def nothing_announced(database: Connection, topics: frozenset[str]) -> Sequence[RecordedEvent]:
    """Nothing was put back."""
    return ()


class StayErased:
    """Makes sure, before anything is followed or answered, that whoever was erased has no key and no name here.

    A backup of the key store that is put back brings destroyed keys with it; they are destroyed again, for the erased stand
    beside the position of :class:`DestroyKeys`. A backup of membership's own database may know nothing of an erasure whose
    tombstone the key store has; then the read models that have names are built anew, from a history without their keys.
    Where both were put back to a time before the erasure, the stream still tells it.

    :param pool: of membership's own database.
    :param models: the read models with personal values in clear.
    :param announced: the events of some topics that only the stream has, because a backup was put back.
    """

    def __init__(
        self, pool: Pool, keys: Tombs, models: Sequence[ReadModel[Any]], announced: Announced = nothing_announced
    ) -> None:
        self._pool, self._keys, self._models, self._announced = pool, keys, models, announced

    async def start(self) -> None:
        """Destroy again, and clear what is too much.

        :raises Unavailable: the key store, or on a restored database NATS, cannot be reached; nobody is answered before it can.
        """
        if told := await self._told_by_the_stream():
            await self._keys.destroy(told)
        async for known in _pages(self._known):
            await self._keys.destroy(known)
        async for buried in _pages(self._keys.erased):
            if unheard_of := await self._unheard_of(buried):
                log.warning("the history does not know of some erasures; names are cleared", persons=len(unheard_of))
                await self._clear(unheard_of)

    async def stop(self) -> None:
        """Nothing goes on."""

    async def _told_by_the_stream(self) -> list[UUID]:
        async with self._pool.connection() as connection:
            return [_erased(event) for event in await self._announced(connection, DestroyKeys.topics)]

    async def _known(self, after: UUID) -> list[UUID]:
        query = "select person_id from erased where person_id > %s order by person_id limit %s"
        return [person_id for (person_id,) in await fetch(self._pool, query, (after, LISTED_AT_ONCE))]

    async def _unheard_of(self, buried: Sequence[UUID]) -> list[UUID]:
        query = "select unnest(%s::uuid[]) except select person_id from erased where person_id = any(%s)"
        unknown = [person_id for (person_id,) in await fetch(self._pool, query, (list(buried), list(buried)))]
        # Where it was destroyed and the position not yet moved, the follower only goes on.
        in_history = await erased_in_history(self._pool, unknown)
        return [person_id for person_id in unknown if person_id not in in_history]

    async def _clear(self, persons: Sequence[UUID]) -> None:
        async with self._pool.connection() as connection, connection.transaction():
            for model in self._models:
                await clear(connection, model)
            await connection.execute("insert into erased select unnest(%s::uuid[]) on conflict do nothing", (persons,))


async def _pages(read: Callable[[UUID], Awaitable[Sequence[UUID]]]) -> AsyncIterator[Sequence[UUID]]:
    """Read persons page by page, in the order of their ids."""
    page = await read(NOBODY)
    while page:
        yield page
        page = await read(page[-1])


def on_acknowledged(at: RecordedEvent) -> Iterable[Command]:
    """Perhaps it was the last one: then the erasure is certified."""
    event = at.event
    assert isinstance(event, ErasureAcknowledged)
    yield CertifyErasure(command_id=NUMBERED_LATER, request_id=event.request_id, on=event.on)


CERTIFY = Reaction(
    "certify_erasures",
    "membership",
    topics_of([ErasureAcknowledged]),
    on_acknowledged,
    nothing_to_do=(AcknowledgementsOutstanding, RequestClosed),
)


def _erased(at: RecordedEvent) -> UUID:
    try:
        event = at.event
        assert isinstance(event, SubjectErased)
    except Exception as error:
        raise unprocessable(at, error) from error
    return event.person_id
