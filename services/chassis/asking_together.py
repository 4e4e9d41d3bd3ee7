"""How do many ask for things by their key with one query at a time? What is asked while it runs goes into the next one."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from typing import Generic, TypeVar

from chassis.ending import ended

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Together(Generic[K, V]):
    """Asks for many at once.

    :param answer: the query: what it finds of some keys; its exception reaches everybody who asked by it.
    :param at_once: about how many keys go into one query.
    """

    def __init__(self, name: str, answer: Callable[[Sequence[K]], Awaitable[Mapping[K, V]]], at_once: int) -> None:
        self._name, self._answer, self._at_once = name, answer, at_once
        self._waiting: list[tuple[Sequence[K], asyncio.Future[Mapping[K, V]]]] = []
        self._wake = asyncio.Event()
        self.task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to ask."""
        self.task = asyncio.create_task(self._run(), name=self._name)

    async def stop(self) -> None:
        """Ask no more; who waits is cancelled."""
        await ended(self.task)
        for _, future in self._waiting:
            future.cancel()

    async def ask(self, keys: Sequence[K]) -> Mapping[K, V]:
        """The answer for at least these keys."""
        future: asyncio.Future[Mapping[K, V]] = asyncio.get_running_loop().create_future()
        self._waiting.append((keys, future))
        self._wake.set()
        return await future

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                await self._settle(self._next())

    def _next(self) -> list[tuple[Sequence[K], asyncio.Future[Mapping[K, V]]]]:
        taken, size = 0, 0
        for keys, _ in self._waiting:
            taken, size = taken + 1, size + len(keys)
            if size >= self._at_once:
                break
        asks, self._waiting = self._waiting[:taken], self._waiting[taken:]
        return asks

    async def _settle(self, asks: Sequence[tuple[Sequence[K], asyncio.Future[Mapping[K, V]]]]) -> None:
        outcome: Mapping[K, V] | Exception
        try:
            outcome = await self._answer(list(dict.fromkeys(key for keys, _ in asks for key in keys)))
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
