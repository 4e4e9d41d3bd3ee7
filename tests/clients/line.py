"""A bad line between a province and the hub: it can be cut at any moment."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


class Line:
    """Passes bytes both ways, and is counted when it is cut."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._open: set[asyncio.StreamWriter] = set()
        self.cuts = 0
        self.url = ""

    def cut(self) -> None:
        """Everything under way is lost; whoever connects again is let through."""
        self.cuts += len(self._open) // 2
        for writer in self._open:
            writer.transport.abort()

    async def carry(self, near_reader: asyncio.StreamReader, near: asyncio.StreamWriter) -> None:
        """One connection."""
        try:
            far_reader, far = await asyncio.open_connection(self._host, self._port)
        except OSError:
            near.transport.abort()
            return
        self._open |= {near, far}
        try:
            await asyncio.gather(_pass(near_reader, far), _pass(far_reader, near))
        finally:
            self._open -= {near, far}
            for writer in (near, far):
                writer.transport.abort()


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.transport.abort()


@asynccontextmanager
async def line_to(host: str, port: int) -> AsyncIterator[Line]:
    """A line to a server, while this lasts."""
    line = Line(host, port)
    server = await asyncio.start_server(line.carry, "127.0.0.1", 0)
    line.url = f"nats://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield line
    finally:
        server.close()
        line.cut()
