"""May a store be appended to on the database it finds, or was a backup put back that lacks what was announced since?

A position that is announced is taken for ever: whoever appended on a store that lacks it would give it to another event. So
before the first append on a database that is another than the one noted — its system identifier, or its timeline, which a
recovery and a promotion change — the store is held against its stream. That takes one message, and as long as NATS is away
nothing is appended there; on the database that was noted nothing is asked at all.
"""

import asyncio

import structlog
from nats.errors import Error as NatsError

from chassis import streams
from chassis.cloudevents import filters_for, recorded_event
from chassis.database import Connection as Database
from chassis.reconciliation.sealed import Agreement, StoreDiffers
from chassis.reconciliation.stream_reading import Reading
from chassis.recorded import RecordedEvent
from chassis.refusals import Unavailable
from chassis.store import COLUMNS
from chassis.streams import Connection, JetStreamError

_NOW = """select system_identifier::text, left(pg_walfile_name(pg_current_wal_lsn()), 8) from pg_control_system()"""
_NOTED = "select system, timeline from agreed_on"
_NOTE = f"""insert into agreed_on (system, timeline) {_NOW}
            on conflict (single) do update set system = excluded.system, timeline = excluded.timeline, since = now()"""

CONNECTED_WITHIN_S = 10.0

log = structlog.get_logger(__name__)


class Behind(Unavailable):
    """A backup was put back that lacks what was announced: nothing is recorded before that is taken back."""

    vi = "Cơ sở dữ liệu vừa được khôi phục chưa có hết những gì đã công bố; người vận hành phải nhận lại trước."
    en = "The database was restored and lacks what was announced; an operator has to take that back first."


class NotBehind:
    """Admits a database that lacks nothing of what its service announced.

    :param agreement: of the store with the ledger, asked where the stream cannot tell.
    """

    def __init__(self, service: str, bus: Connection, agreement: Agreement) -> None:
        self._service, self._bus, self._agreement = service, bus, agreement
        self.trouble = ""
        """Why nothing is appended; empty when nothing stands in the way."""

    async def admit(self, database: Database) -> None:
        """Return when it may be appended to.

        :raises Behind, Unavailable: it may not, or that cannot be known just now; :raises psycopg.Error: it cannot be asked.
        """
        if await _row(database, _NOW) == await _row(database, _NOTED):
            return
        try:
            await self._look(database)
        except Unavailable as refusal:
            self._tell(str(refusal))
            raise
        except (NatsError, JetStreamError, OSError) as error:
            self._tell(f"{type(error).__name__}: {error}")
            raise Unavailable(reason="NATS") from error
        await database.execute(_NOTE)
        self.trouble = ""
        log.info("the database holds all that was announced", service=self._service)

    async def announced_beyond(self, database: Database, topics: frozenset[str]) -> list[RecordedEvent]:
        """The events of some topics that the stream has and the store does not; none are looked for on the database noted.

        :raises Unavailable: NATS, which alone can tell, is not there.
        """
        if await _row(database, _NOW) == await _row(database, _NOTED):
            return []
        ((head,),) = await _rows(database, "select position from head")
        try:
            async with asyncio.timeout(CONNECTED_WITHIN_S):
                while not self._bus.is_connected:
                    await asyncio.sleep(0.01)
            return await self._beyond(int(str(head)), topics)
        except (NatsError, JetStreamError, OSError) as error:  # a timeout is an OSError
            raise Unavailable(reason="NATS") from error

    async def _beyond(self, head: int, topics: frozenset[str]) -> list[RecordedEvent]:
        last = await self._last()
        if last is None or last.position <= head:
            return []
        name, subjects = streams.stream_name(self._service), filters_for(self._service, topics)
        async with Reading(self._bus.client, name, head, subjects) as reading:
            messages = await reading.upto(last.position)
        return [recorded_event(one.subject, one.headers, one.body, one.sequence) for one in messages]

    async def _look(self, database: Database) -> None:
        ((head,),) = await _rows(database, "select position from head")
        last = await self._last()
        if last is None:
            await self._held_by_the_ledger()
        elif last.position > int(str(head)) or (last.position and await self._stored(database, last.position) != last):
            raise Behind()

    async def _last(self) -> RecordedEvent | None:
        """The last event that was announced, of position 0 when none was; None where the stream is gone, or not full."""
        client = self._bus.client
        if not self._bus.is_connected:
            raise OSError("NATS cannot be reached")
        name = streams.stream_name(self._service)
        try:
            found = await streams.info(client, name)
        except JetStreamError as error:
            if error.code == streams.NOT_FOUND:
                return None
            raise
        if streams.is_closed(found["config"]):
            return None
        if not (sequence := int(found["state"]["last_seq"])):
            return recorded_event("", None, b"", 0)
        message = await client.jetstream().get_msg(name, seq=sequence)
        return recorded_event(message.subject or "", message.headers, message.data or b"", sequence)

    async def _held_by_the_ledger(self) -> None:
        try:
            await self._agreement.hold()
        except StoreDiffers as error:
            raise Behind() from error

    async def _stored(self, database: Database, position: int) -> RecordedEvent | None:
        rows = await _rows(database, f"select {COLUMNS} from events where position = {position:d}")
        return RecordedEvent(self._service, *rows[0]) if rows else None  # type: ignore[arg-type]

    def _tell(self, trouble: str) -> None:
        if trouble != self.trouble:
            log.critical("nothing is recorded on this database", service=self._service, reason=trouble)
        self.trouble = trouble


async def _rows(database: Database, query: str) -> list[tuple[object, ...]]:
    cursor = database.cursor(binary=True)
    return await (await cursor.execute(query.encode())).fetchall()


async def _row(database: Database, query: str) -> tuple[object, ...] | None:
    rows = await _rows(database, query)
    return rows[0] if rows else None
