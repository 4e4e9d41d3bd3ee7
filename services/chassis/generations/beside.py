"""How is a read model built a second time beside the one that answers, under load, and how do they change places?

The second generation has a follower of its own, which reads the history from its first event and disturbs no other. From then
on both are followed, until one is dropped: so both forget whoever is erased, and to go back is the same step as to go on.

They change places in one transaction, while neither can move: the one that lags takes what it lacks, then tables and
positions are exchanged. Who asks meanwhile waits for some milliseconds, and sees no older state than before.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import Any

import psycopg
import structlog
from psycopg.errors import DeadlockDetected, LockNotAvailable

from chassis.database import Connection, Pool
from chassis.ending import ended
from chassis.following import Fence, Follower
from chassis.generations import tables
from chassis.generations.tables import Generations, NothingBeside, StillApart, UnknownReadModel
from chassis.parts import Part
from chassis.past import Past
from chassis.positions import locked_position
from chassis.projector import Projection
from chassis.read_models import ReadModel
from chassis.refusals import Unavailable
from chassis.sealing import Sealer

LOOK_EVERY_S = 2.0
MAX_APART = 20_000
"""How many events one generation may lack when they meet: what it takes then, it takes while nobody else can. A follower whom
some thousand events do not concern has not written down that it passed them."""
RETRY_S = 0.02

log = structlog.get_logger(__name__)

Reread = Callable[[], Awaitable[None]]


class SecondGenerations:
    """Builds the second generations of a service's read models, and lets them change places.

    :param drive: what brings a follower its history, from where it is.
    :param past: the history that a service has recorded.
    :param fence: in whose term the second generations are driven.
    :param reread: by read model: reads its rows again, for what is kept of them in memory.
    """

    def __init__(
        self,
        pool: Pool,
        models: Sequence[ReadModel[Any]],
        past: Callable[[str], Past],
        drive: Callable[[Follower], Part],
        clock: Callable[[], datetime],
        *,
        sealer: Sealer | None = None,
        reread: dict[str, Reread] | None = None,
        fence: Fence | None = None,
    ) -> None:
        self.models = {model.name: model for model in models}
        self.past, self.sealer = past, sealer
        self._pool, self._drive, self._clock, self._reread, self._fence = pool, drive, clock, reread or {}, fence
        self._running: dict[str, tuple[frozenset[int], Follower, Part]] = {}
        self._live: dict[str, int] = {}
        self._look, self._changed = asyncio.Lock(), asyncio.Event()
        self.task: asyncio.Task[None] | None = None

    @property
    def followers(self) -> list[Follower]:
        """Those of the generations beside, that are driven here."""
        return [follower for _, follower, _ in self._running.values()]

    async def start(self) -> None:
        """Go on with what is being built."""
        self._live = {standing.read_model: standing.live for standing in await self.standing()}
        self.task = asyncio.create_task(self._run(), name="generations")

    async def stop(self) -> None:
        """Stop; it goes on at the next start."""
        await ended(self.task)
        for name in list(self._running):
            await self._end(name)

    def model(self, name: str) -> ReadModel[Any]:
        """The read model of a name, with or without its version.

        :raises UnknownReadModel: there is none.
        """
        for model in self.models.values():
            if name in (model.name, model.name.rpartition(".")[0]):
                return model
        raise UnknownReadModel("read_model")

    async def standing(self) -> list[Generations]:
        """Every read model with its generations, by name.

        :raises Unavailable: the database cannot be asked just now.
        """
        return await tables.standings(self._pool, sorted(self.models))

    async def standing_of(self, model: ReadModel[Any]) -> Generations:
        """One read model with its generations.

        :raises Unavailable: the database cannot be asked just now.
        """
        (standing,) = await tables.standings(self._pool, [model.name])
        return standing

    async def begin(self, model: ReadModel[Any]) -> None:
        """Begin to build a second generation; nothing when that was begun.

        :raises NothingNewBeside: the one that stands beside is the older one.
        """
        async with self._pool.connection() as connection, connection.transaction():
            await tables.begin(connection, model, self._clock())
        await self.look()

    async def drop(self, model: ReadModel[Any]) -> None:
        """End the generation beside.

        :raises NothingBeside: there is none.
        """
        try:
            async with self._look:  # nobody begins to drive it again meanwhile
                await self._end(model.name)
                async with self._pool.connection() as connection, connection.transaction():
                    await tables.drop(connection, model, self._clock())
        finally:
            await self.look()

    async def change_places(self, model: ReadModel[Any], *, back: bool = False, timeout_s: float = 30.0) -> Generations:
        """Let the generation beside answer from now on, and the one that answered stand beside; both are followed on.

        :param back: to the older one.
        :raises NothingBeside, NothingNewBeside, NothingToRollBackTo: there is none to change to.
        :raises StillApart: the one beside has not come near. :raises Unavailable: not within `timeout_s`.
        """
        async with _within(timeout_s):
            while True:
                try:
                    async with self._pool.connection() as connection, connection.transaction():
                        await self._exchange(connection, model, back)
                    break
                except (LockNotAvailable, DeadlockDetected):
                    # A long question reads the table; those behind it go first.
                    await asyncio.sleep(RETRY_S)
        await self.look()
        return await self.standing_of(model)

    async def _exchange(self, transaction: Connection, model: ReadModel[Any], back: bool) -> None:
        await tables.may_exchange(transaction, model, back)
        await self.meet(transaction, model)
        await tables.exchange(transaction, model, self._clock())

    async def meet(self, connection: Connection, model: ReadModel[Any]) -> int:
        """Bring both generations to one position, where they stay until the transaction ends; that position.

        :raises NothingBeside: there is none. :raises StillApart: they are too far from each other.
        """
        names = (model.name, model.name_beside)
        positions = {}
        for name in sorted(names):
            position = await locked_position(connection, name)
            if position is None:
                raise NothingBeside("read_model", read_model=model.name)
            positions[name] = position
        behind, ahead = sorted(names, key=positions.__getitem__)
        held, upto = positions[behind], positions[ahead]
        if upto - held > MAX_APART:
            raise StillApart("read_model", events=upto - held)
        if held < upto:
            projection = Projection(model, sealer=self.sealer, beside=behind == model.name_beside)
            pages = [page async for page in self.past(model.source).events(model.topics, held, upto)]
            lacking = [event for page in pages for event in page]
            await Follower(self._pool, projection, self._clock).take_within(connection, lacking, held=held, upto=upto)
        return upto

    @asynccontextmanager
    async def side_by_side(self, model: ReadModel[Any], timeout_s: float) -> AsyncIterator[tuple[Connection, int]]:
        """A transaction that sees both generations at one and the same position, while both go on; and that position.

        :raises NothingBeside: there is none. :raises StillApart: they are too far from each other.
        :raises Unavailable: they were not seen at one position within `timeout_s`.
        """
        async with self._pool.connection() as looking:
            async with _within(timeout_s):
                while (position := await self._seen_together(looking, model)) is None:
                    await asyncio.sleep(RETRY_S)
            try:
                yield looking, position
            finally:
                await looking.rollback()

    async def _seen_together(self, looking: Connection, model: ReadModel[Any]) -> int | None:
        """Let both meet, and look at once: the position, if neither has moved between the two."""
        async with self._pool.connection() as meeting:
            with suppress(DeadlockDetected):
                async with meeting.transaction():
                    await self.meet(meeting, model)
        await looking.execute("begin transaction isolation level repeatable read, read only")
        rows: list[Any] = await (
            await looking.execute("select position from followers where follower in (%s, %s)", (model.name, model.name_beside))
        ).fetchall()
        if len(rows) == 2 and rows[0] == rows[1]:
            return int(rows[0][0])
        await looking.rollback()
        return None

    async def _run(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._changed.wait()
            self._changed.clear()
            try:
                await self.look()
            except (Unavailable, psycopg.Error) as error:
                log.warning("generations are not known", error=type(error).__name__)

    async def look(self) -> None:
        """Drive what is being built, end what was dropped, here or by another process of the service."""
        async with self._look:
            for standing in await self.standing():
                pair = frozenset({standing.live, standing.beside}) if standing.beside is not None else None
                running = self._running.get(standing.read_model)
                if running and running[0] != pair:
                    await self._end(standing.read_model)
                if pair and standing.read_model not in self._running:
                    await self._begin(self.models[standing.read_model], pair)
                if standing.live != self._live.get(standing.read_model, 1):
                    await self._reread.get(standing.read_model, _nothing)()
                    self._live[standing.read_model] = standing.live

    async def _begin(self, model: ReadModel[Any], pair: Any) -> None:
        projection = Projection(model, sealer=self.sealer, beside=True)
        follower = Follower(self._pool, projection, self._clock, fence=self._fence)
        driver = self._drive(follower)
        self._running[model.name] = (pair, follower, driver)
        await driver.start()

    async def _end(self, name: str) -> None:
        if name in self._running:
            _, _, driver = self._running.pop(name)
            await driver.stop()


async def _nothing() -> None:
    """Nothing of the rows is kept in memory."""


@asynccontextmanager
async def _within(timeout_s: float) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(timeout_s):
            yield
    except TimeoutError:
        raise Unavailable(reason="generations") from None
