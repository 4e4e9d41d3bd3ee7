"""How do many ask for the keys of persons with one query at a time?"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from uuid import UUID

import psycopg
import structlog

from chassis.refusals import Unavailable
from chassis.sealing import Keys
from chassis.wrapping_keys import WrappingKeysUnreadable

MAX_ASKED_AT_ONCE = 2_000

log = structlog.get_logger(__name__)


class Together:
    """Asks for many persons at once: what is asked while a question is under way goes together into the next one."""

    def __init__(self, answer: Callable[[Sequence[UUID]], Awaitable[Keys]]) -> None:
        self._answer = answer
        self._waiting: list[tuple[Sequence[UUID], asyncio.Future[Keys]]] = []
        self._wake = asyncio.Event()
        self.task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to ask."""
        self.task = asyncio.create_task(self._run(), name=f"keys{self._answer.__name__}")

    async def stop(self) -> None:
        """Ask no more; who waits is cancelled."""
        if self.task:
            self.task.cancel()
            with suppress(asyncio.CancelledError):
                await self.task
        for _, future in self._waiting:
            future.cancel()

    async def ask(self, persons: Sequence[UUID]) -> Keys:
        """The answer for at least these persons."""
        future: asyncio.Future[Keys] = asyncio.get_running_loop().create_future()
        self._waiting.append((persons, future))
        self._wake.set()
        return await future

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                await self._settle(self._next())

    def _next(self) -> list[tuple[Sequence[UUID], asyncio.Future[Keys]]]:
        taken, size = 0, 0
        for persons, _ in self._waiting:
            taken, size = taken + 1, size + len(persons)
            if size >= MAX_ASKED_AT_ONCE:
                break
        asks, self._waiting = self._waiting[:taken], self._waiting[taken:]
        return asks

    async def _settle(self, asks: Sequence[tuple[Sequence[UUID], asyncio.Future[Keys]]]) -> None:
        outcome: Keys | Exception
        try:
            outcome = await self._answer(list(dict.fromkeys(person for persons, _ in asks for person in persons)))
        except WrappingKeysUnreadable as error:
            log.error("the wrapping keys cannot be read", reason=str(error))
            outcome = Unavailable(reason="wrapping key")
        except psycopg.Error as error:
            log.error("the key store cannot be asked", error=type(error).__name__)
            outcome = Unavailable(reason="key store")
        except asyncio.CancelledError:
            for _, future in asks:
                future.cancel()
            raise
        except Exception as error:
            outcome = error
        for _, future in asks:
            if future.done():
                continue
            if isinstance(outcome, Exception):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)
