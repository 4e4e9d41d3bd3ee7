"""Does the stream still say what is recorded, every event of it? Compared without end, and put right from the store.

Every few seconds: the stream's configuration, its count and its last sequence; what was announced since; and the next part
of the whole history, over and over, at a rate that does not depend on its length. Whatever gives reason to doubt — another
stream of the same name, a count that is not the last sequence, a difference, an operator who asks — has all of it compared
at once. A stream takes nothing back and its sequences are positions, so one that is damaged is taken away whole, and the
publisher fills a new one (:mod:`chassis.publisher`), to which everybody comes back from his own position. Ended in the
middle, that goes on at the next start: a stream that is gone, or closed, says itself what is still to be done.

Nothing is put right that the store itself could have wrong: see :mod:`chassis.reconciliation.sealed`. One process at a
time compares.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import psycopg
import structlog
from nats.aio.client import Client
from nats.errors import Error as NatsError

from chassis import streams
from chassis.cloudevents import BrokenEvent, recorded_event
from chassis.ending import ended
from chassis.reconciliation.branch_places import keep_places
from chassis.reconciliation.comparing import Difference, Kind, differences
from chassis.reconciliation.remembered import Notebook, Reconciliation, connect
from chassis.reconciliation.sealed import Agreement, StoreDiffers
from chassis.reconciliation.stream_reading import Reading
from chassis.refusals import Unavailable
from chassis.store import EventStore
from chassis.streams import Connection, JetStreamError, StreamRefused

ROUND_S = 5.0
PAGE = 1_000
TOLD_EVERY = timedelta(seconds=1)
"""How often a sweep of everything says how far it is."""
MAX_HELD = 10_000
"""So many differences of a sweep are held; one is enough to put the stream right."""
SWEEP_AT_MOST_EVERY_S = 60.0
"""A short history is not compared more often than that."""

log = structlog.get_logger(__name__)


class Reconciler:
    """Compares the stream of one store with it.

    :param agreement: of the store with the ledger, asked before anything is put right.
    :param events_per_s: how much of the history is compared in a second, and of what is new no more than that.
    :param replicas: of the stream.
    :param stopped: why the publisher waits for an operator, if it does.
    :param taken_away: told when the stream is gone, for the publisher to fill a new one at once.
    """

    def __init__(
        self,
        store: EventStore,
        connection: Connection,
        conninfo: str,
        agreement: Agreement,
        clock: Callable[[], datetime],
        *,
        events_per_s: int,
        replicas: int = 1,
        every_s: float = ROUND_S,
        stopped: Callable[[], str] = lambda: "",
        taken_away: Callable[[], None] = lambda: None,
    ) -> None:
        self._store, self._connection, self._conninfo, self._agreement = store, connection, conninfo, agreement
        self._stream = streams.stream_of(store.service, replicas)
        self._clock, self._every_s, self._stopped, self._taken_away = clock, every_s, stopped, taken_away
        self._share = max(1, int(events_per_s * every_s))
        self._asked = asyncio.Event()
        self._trouble = ""
        self.task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin; returns at once, whether database and NATS can be reached or not."""
        self.task = asyncio.create_task(self._run(), name=f"reconcile-{self._store.service}")

    async def stop(self) -> None:
        """Stop; whoever compares next goes on where this one was."""
        await ended(self.task)

    def wake(self) -> None:
        """Somebody has asked for a sweep, or has met what is not recorded."""
        self._asked.set()

    async def _run(self) -> None:
        while True:
            try:
                async with await connect(self._conninfo) as connection:
                    await self._compare_for_ever(Notebook(connection))
            except (psycopg.Error, Unavailable) as error:
                self._tell(type(error).__name__)
            except Exception as error:
                log.exception("reconciling failed, goes on", service=self._store.service)
                self._trouble = type(error).__name__
            await asyncio.sleep(self._every_s)

    async def _compare_for_ever(self, notes: Notebook) -> None:
        while not await notes.taken():
            await asyncio.sleep(self._every_s)
        while True:
            self._asked.clear()
            try:
                await self._round(notes)
                self._trouble = ""
            except (NatsError, JetStreamError, OSError) as error:
                self._tell(f"{type(error).__name__}: {error}")
            try:
                async with asyncio.timeout(self._every_s):
                    await self._asked.wait()
            except TimeoutError:
                continue

    def _tell(self, trouble: str) -> None:
        if trouble != self._trouble:
            log.warning("stream and store are not compared", service=self._store.service, reason=trouble)
        self._trouble = trouble

    async def _round(self, notes: Notebook) -> None:
        """Compare a part, or everything where there is reason to."""
        found = await self._found()
        if found is None:  # the publisher fills it, and opens it when it is full, unless it must not
            return await self._alarm(notes, stopped, (await notes.read()).asked) if (stopped := self._stopped()) else None
        if streams.altered(found["config"], self._stream):
            return await self._set_right(notes, found)
        state, before = found["state"], await notes.read()
        head = await self._store.head()
        if state["last_seq"] > head and await self._could_be_ours(head, state["last_seq"]):
            return await self._alarm(notes, f"the stream is at {state['last_seq']} and the store at {head}", before.asked)
        beyond = state["last_seq"] > head
        doubtful = beyond or found["created"] != before.stream_made or state["messages"] != state["last_seq"]
        alarmed = bool(before.alarm)
        if before.asked > before.answered or (doubtful and not alarmed) or (alarmed and not self._is_early(before)):
            return await self._sweep_whole(notes, found, before, head)
        return await self._sweep_part(notes, found, before, head)

    async def _found(self) -> dict[str, Any] | None:
        """What the server knows of the stream; None while it is gone, or closed."""
        try:
            found = await streams.info(self._client(), self._stream.name)
        except JetStreamError as error:
            if error.code == streams.NOT_FOUND:
                return None
            raise
        return None if streams.is_closed(found["config"]) else found

    async def _could_be_ours(self, head: int, last: int) -> bool:
        """Whether the stream holds, after everything recorded, an event in its place: then the store may be a restored backup."""
        async with Reading(self._client(), self._stream.name, head) as reading:
            for after in range(head, last, PAGE):
                for one in await reading.upto(min(after + PAGE, last)):
                    if not isinstance(recorded_event(one.subject, one.headers, one.body, one.sequence), BrokenEvent):
                        return True
        return False

    def _is_early(self, before: Reconciliation) -> bool:
        """Whether the sweep under way began just now."""
        return before.began_at is not None and self._clock() - before.began_at < timedelta(seconds=SWEEP_AT_MOST_EVERY_S)

    async def _sweep_part(self, notes: Notebook, found: dict[str, Any], before: Reconciliation, head: int) -> None:
        """What was announced since, then the next part of the history."""
        last = int(found["state"]["last_seq"])
        newest = min(last, before.newest + self._share)
        wrong = await self._compare(before.newest, newest) if newest > before.newest else []
        swept, began_at = before.swept, before.began_at
        if swept >= last and not self._is_early(before):
            swept, began_at = 0, self._clock()
        upto = min(last, swept + self._share)
        if upto > swept:
            wrong += await self._compare(swept, upto)
        if wrong:
            return await self._sweep_whole(notes, found, before, head)
        ended_now = {"finished_at": self._clock()} if upto == last > swept else {}
        if (newest, upto, began_at) != (before.newest, before.swept, before.began_at):
            await notes.write(newest=newest, swept=upto, began_at=began_at, **ended_now)
        return None

    async def _sweep_whole(self, notes: Notebook, found: dict[str, Any], before: Reconciliation, head: int) -> None:
        """Compare everything now, and have put right what is not as it must be."""
        last, made = int(found["state"]["last_seq"]), str(found["created"])
        began_at = told_at = self._clock()
        await notes.write(swept=0, began_at=began_at)
        wrong: list[Difference] = []
        async with Reading(self._client(), self._stream.name, 0) as reading:
            for after in range(0, last, PAGE):
                upto = min(after + PAGE, last)
                wrong += (await self._page(reading, after, upto))[: MAX_HELD - len(wrong)]
                if self._clock() - told_at > TOLD_EVERY:
                    told_at = self._clock()
                    await notes.write(swept=upto)
        if wrong:
            return await self._put_right(notes, made, wrong, before.asked, head)
        counts = {}
        if before.stream_made not in ("", made):
            log.warning("another stream of the same name says what is recorded", service=self._store.service)
            await keep_places(self._client(), self._store.service, await self._store.branches())
            counts = {"differences": before.differences + 1, "repairs": before.repairs + 1}
        if before.alarm:
            log.info("stream and store agree again", service=self._store.service)
        await notes.write(
            swept=last, newest=last, stream_made=made, finished_at=self._clock(), answered=before.asked, alarm="", **counts
        )
        return None

    async def _compare(self, after: int, upto: int) -> list[Difference]:
        async with Reading(self._client(), self._stream.name, after) as reading:
            wrong = [await self._page(reading, start, min(start + PAGE, upto)) for start in range(after, upto, PAGE)]
        return [difference for page in wrong for difference in page]

    async def _page(self, reading: Reading, after: int, upto: int) -> list[Difference]:
        announced, events = await asyncio.gather(reading.upto(upto), self._store.read(after, upto - after))
        return list(differences(events, announced, range(after + 1, upto + 1)))

    async def _put_right(self, notes: Notebook, made: str, wrong: list[Difference], asked: int, head: int) -> None:
        """Take the stream away, for the publisher to fill a new one; unless the store itself may be wrong."""
        first = wrong[0]
        if await notes.note(made, wrong):
            facts = {"position": first.position, "kind": str(first.kind), "differences": len(wrong)}
            log.error("the stream does not say what is recorded", service=self._store.service, **facts)
        try:
            await self._agreement.hold()
        except StoreDiffers as error:
            return await self._alarm(notes, str(error), asked)
        except Unavailable:
            return await self._alarm(notes, f"{first.kind} at {first.position}; audit cannot be asked whether the store is right")
        lost = next((one.position for one in wrong if one.kind is Kind.UNRECORDED and one.position <= head), None)
        if lost is not None:
            return await self._alarm(notes, f"the store does not hold {self._store.service}/{lost}, the stream does", asked)
        return await self._take_away(notes, f"{first.kind} at {first.position}")

    async def _set_right(self, notes: Notebook, found: dict[str, Any]) -> None:
        """Bring the stream back to its configuration; where the server cannot, it is taken away."""
        try:
            await streams.ensure(self._client(), self._stream)
        except StreamRefused as refused:
            log.error("the stream is not as it must be", service=self._store.service, reason=str(refused))
            try:
                await self._agreement.hold()
            except (StoreDiffers, Unavailable) as error:
                return await self._alarm(notes, str(error))
            if int(found["state"]["last_seq"]) > await self._store.head():
                return await self._alarm(notes, "the stream is not as it must be, and holds more than the store")
            return await self._take_away(notes, str(refused))
        before = await notes.read()
        return await notes.write(differences=before.differences + 1, repairs=before.repairs + 1, stream_made="")

    async def _take_away(self, notes: Notebook, reason: str) -> None:
        before = await notes.read()
        await notes.write(repairs=before.repairs + 1, stream_made="", alarm="")
        log.warning("the stream is taken away and filled anew from the store", service=self._store.service, reason=reason)
        await streams.api(self._client(), f"STREAM.DELETE.{self._stream.name}")
        self._taken_away()

    async def _alarm(self, notes: Notebook, alarm: str, answered: int | None = None) -> None:
        """Say that an operator must look; nothing is changed meanwhile."""
        if (await notes.read()).alarm != alarm:
            log.critical("stream and store need an operator", service=self._store.service, alarm=alarm)
        await notes.write(alarm=alarm, **({"answered": answered} if answered is not None else {}))

    def _client(self) -> Client:
        if not self._connection.is_connected:
            raise OSError("NATS cannot be reached")
        return self._connection.client
