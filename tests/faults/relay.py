"""How does a test cut the way between two programs that speak TCP, and let it be again, as any user of any machine?

Each way leads through a port of the test's own. What is cut drops nothing and closes nothing: the bytes wait, as those wait
that a firewall swallows and TCP repeats; a connection that is begun meanwhile stands and says nothing. Each direction may be
cut by itself.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

T = TypeVar("T")

CHUNK = 64 * 1024
Address = tuple[str, int]


class Way:
    """A port that leads to an address as long as nobody has cut it.

    :param target: where it leads, asked for each connection; None refuses it.
    """

    def __init__(self, target: Callable[[], Address | None]) -> None:
        self._target = target
        self._server: asyncio.Server | None = None
        self._there, self._back = asyncio.Event(), asyncio.Event()
        self._there.set()
        self._back.set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self.port = 0
        """On 127.0.0.1, where it begins."""
        self.ends: set[int] = set()
        """The local ports of the connections it has made to its target so far: by these the target knows it."""
        self.held = 0
        """What it had to hold back so far, because it was cut: pieces of data, ends and beginnings of connections."""
        self._wrong: list[OSError] = []

    async def open(self) -> None:
        """Let connections come."""
        self._server = await asyncio.start_server(self._accepted, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """End every connection, and the port.

        :raises OSError: something went wrong meanwhile that no end of a connection explains, so it was not led as it should be.
        """
        if self._server:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._wrong:
            raise self._wrong[0]

    def cut(self, there: bool = True, back: bool = True) -> None:
        """Let nothing pass in these directions."""
        for gate, shut in ((self._there, there), (self._back, back)):
            if shut:
                gate.clear()

    def heal(self) -> None:
        """Let everything pass, what waited first."""
        self._there.set()
        self._back.set()

    def sever(self) -> None:
        """End every connection there is, as when the machine between them is started again."""
        for writer in tuple(self._writers):
            writer.transport.abort()

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        self._writers.add(writer)
        try:
            # One of the two has gone, or was never there, and so has the other one then; or the way is closed.
            with suppress(ConnectionError, asyncio.CancelledError):
                await self._lead(reader, writer)
        except OSError as error:
            self._wrong.append(error)
        finally:
            self._tasks.discard(task)
            self._writers.discard(writer)
            writer.close()

    async def _lead(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._pass(self._there)
        await self._pass(self._back)
        target = await asyncio.to_thread(self._target)
        if target is None:
            return
        other_reader, other_writer = await asyncio.open_connection(*target)
        self.ends.add(other_writer.get_extra_info("sockname")[1])
        self._writers.add(other_writer)
        pumps = {
            asyncio.create_task(self._pump(reader, other_writer, self._there)),
            asyncio.create_task(self._pump(other_reader, writer, self._back)),
        }
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            for ended in await asyncio.gather(*pumps, return_exceptions=True):
                if isinstance(ended, OSError) and not isinstance(ended, ConnectionError):
                    self._wrong.append(ended)
            self._writers.discard(other_writer)
            other_writer.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, gate: asyncio.Event) -> None:
        while True:
            data = b""
            with suppress(ConnectionError):
                data = await reader.read(CHUNK)
            await self._pass(gate)
            if not data:
                return
            writer.write(data)
            await writer.drain()

    async def _pass(self, gate: asyncio.Event) -> None:
        if not gate.is_set():
            self.held += 1
            await gate.wait()


class Ways:
    """Some ways, kept by a thread of their own, so that they lead on whatever the test does meanwhile."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="ways", daemon=True)
        self._thread.start()
        self._ways: list[Way] = []

    def open(self, target: Callable[[], Address | None]) -> Way:
        """Another way."""

        async def opened() -> Way:
            way = Way(target)
            await way.open()
            return way

        self._ways.append(self._wait(opened()))
        return self._ways[-1]

    def do(self, act: Callable[[], object]) -> None:
        """Do something to a way, where the ways are kept."""

        async def done() -> None:
            act()

        self._wait(done())

    def close(self) -> None:
        """End all of them.

        :raises OSError: see :meth:`Way.close`.
        """
        try:
            for way in self._ways:
                self._wait(way.close())
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    def _wait(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(60)


@contextmanager
def ways() -> Iterator[Ways]:
    """Some ways, for a while."""
    kept = Ways()
    try:
        yield kept
    finally:
        kept.close()
