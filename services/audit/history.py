"""What did the events at some positions say? Their bytes from the streams, each against the hash that is sealed of it.

A stream's sequence is the position, so nothing is searched: runs of neighbouring positions come in one request each
(JetStream's direct get with `batch`, ADR-31), and what lies between two of them closely is read and passed over.
"""

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.errors import Error as NatsError
from nats.errors import NoRespondersError
from nats.errors import TimeoutError as NatsTimeout

from chassis.cloudevents import BrokenEvent, recorded_event
from chassis.database import Pool, fetch
from chassis.ledger.leaf import leaf_hash
from chassis.recorded import RecordedEvent
from chassis.refusals import RuleBroken, Unavailable
from chassis.streams import Connection, stream_name

MAX_BATCH = 256
"""Events of one request; at the most a message may hold, they stay below what a connection may wait to be read."""
MAX_BATCH_BYTES = 8 * 1024 * 1024
PASSED_OVER = 4
"""So many events between two that are wanted are cheaper read than asked around."""
AT_ONCE = 4
ANSWERED_WITHIN_S = 10.0
END_OF_BATCH, NOTHING_THERE = "204", "404"


class HistoryAltered(RuleBroken):
    """What a stream holds is not what was sealed: nothing of it is told, and somebody must look."""

    vi = "Sự kiện {service}/{position} trên luồng không khớp với dấu đã niêm phong trong sổ cái."
    en = "The event {service}/{position} on the stream is not the one that is sealed in the ledger."


class History:
    """The events of every service that audit follows, by position.

    :param pool: audit's database, where the sealed hashes stand.
    """

    def __init__(self, pool: Pool, connection: Connection) -> None:
        self._pool, self._connection = pool, connection
        self._room = asyncio.Semaphore(AT_ONCE)

    async def fetch(self, service: str, positions: Sequence[int]) -> list[RecordedEvent]:
        """Some events of a service, in the order asked, each as it was sealed.

        :raises HistoryAltered: one is not, or is gone. :raises Unavailable: one is not sealed yet, or nobody answers.
        """
        wanted = sorted(set(positions))
        sealed = asyncio.create_task(self._sealed(service, wanted))
        found = await asyncio.gather(*(self._run(service, run) for run in runs(wanted)))
        events, hashes = {event.position: event for events in found for event in events}, await sealed
        for position in wanted:
            event = events.get(position)
            if event is None or isinstance(event, BrokenEvent) or leaf_hash(event) != hashes[position]:
                raise HistoryAltered(service=service, position=position)
        return [events[position] for position in positions]

    async def _sealed(self, service: str, positions: Sequence[int]) -> Mapping[int, bytes]:
        query = "select position, leaf_hash from log where service = %s and position = any(%s)"
        found = dict(await fetch(self._pool, query, (service, list(positions))))
        if len(found) < len(positions):
            raise Unavailable(reason="log")
        return found

    async def _run(self, service: str, run: range) -> list[RecordedEvent]:
        """The events of a run that are there."""
        async with self._room:
            try:
                return await self._read(service, run)
            except NoRespondersError:  # there is no such stream
                return []
            except (NatsError, OSError) as error:
                raise Unavailable(reason="NATS") from error

    async def _read(self, service: str, run: range) -> list[RecordedEvent]:
        if not self._connection.is_connected:
            raise ConnectionError("NATS cannot be reached")
        client, found = self._connection.client, list[RecordedEvent]()
        inbox = client.new_inbox()
        subscription = await client.subscribe(inbox)
        try:
            following = run.start
            while following < run.stop:
                asked = {"seq": following, "batch": run.stop - following, "max_bytes": MAX_BATCH_BYTES, "next_by_subj": ">"}
                await client.publish(f"$JS.API.DIRECT.GET.{stream_name(service)}", json.dumps(asked).encode(), reply=inbox)
                got = await _batch(subscription)
                found += got
                if not got:
                    break
                following = got[-1].position + 1
        finally:
            with suppress(NatsError):
                await subscription.unsubscribe()
        return found


async def _batch(subscription: Subscription) -> list[RecordedEvent]:
    """What is answered to one request, until its end."""
    found: list[RecordedEvent] = []
    while True:
        try:
            message = await subscription.next_msg(timeout=ANSWERED_WITHIN_S)
        except NatsTimeout as error:
            raise ConnectionError("no answer from NATS") from error
        headers = message.headers or {}
        if status := headers.get("Status"):
            if status == "503":
                raise NoRespondersError
            if status not in (END_OF_BATCH, NOTHING_THERE):
                raise ConnectionError(f"the stream answers {status} {headers.get('Description', '')}")
            return found
        found.append(_event(message, headers))


def _event(message: Msg, headers: Mapping[str, str]) -> RecordedEvent:
    """As it stands on the stream: where, is told by the server."""
    return recorded_event(headers["Nats-Subject"], headers, message.data, int(headers["Nats-Sequence"]))


def runs(positions: Iterable[int]) -> list[range]:
    """What is read in one request each, so that every one of some ascending positions is read."""
    found: list[range] = []
    for position in positions:
        last = found[-1] if found else range(0)
        if found and position <= last.stop + PASSED_OVER and position < last.start + MAX_BATCH:
            found[-1] = range(last.start, position + 1)
        else:
            found.append(range(position, position + 1))
    return found
