"""How does a test run a province's own nats-server, which mirrors the branch?"""

import json
from pathlib import Path
from typing import Any

import nats
from nats.aio.client import Client

from congdoan.embedded import ChildProcess, reserve_port
from congdoan.embedded.nats import server_binary
from congdoan.embedded.process import plain_environment
from congdoan.provinces import Credentials
from congdoan.provinces.instructions import leaf_configuration
from congdoan.provinces.mirroring import mirror
from tests.provinces.province import patiently, silent

PATIENCE_S = 120.0


class LeafNode:
    """A nats-server as the page of instructions describes it."""

    def __init__(self, credentials: Credentials, folder: Path) -> None:
        self._folder, self._port = folder, reserve_port()
        folder.mkdir(exist_ok=True)
        seed = credentials.file.read_text()
        text = leaf_configuration(credentials, listen=self._port.address, store=str(folder / "jetstream"), seed=seed)
        (folder / "leaf.conf").write_text(text)
        self._process: ChildProcess | None = None

    async def __aenter__(self) -> "LeafNode":
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.kill()

    async def start(self) -> None:
        """Return when clients are let in."""
        argv: list[str | Path] = [server_binary(), "-c", self._folder / "leaf.conf"]
        self._process = ChildProcess(argv, log=self._folder / "leaf.log", env=plain_environment())

        async def up() -> bool:
            try:
                await (await self.connect()).close()
            except (OSError, nats.errors.Error):
                return False
            return True

        await patiently(up)

    def kill(self) -> None:
        """SIGKILL."""
        if self._process:
            self._process.kill()

    @property
    def log(self) -> str:
        """What it says."""
        return (self._folder / "leaf.log").read_text()

    async def connect(self) -> Client:
        """A client in the province's own network."""
        return await nats.connect(f"nats://{self._port.address}", allow_reconnect=False, connect_timeout=1, error_cb=silent)

    async def mirror(self) -> bool:
        """Make the stream that mirrors the branch, unless it is there; whether it was made."""
        return await mirror(f"nats://{self._port.address}", PATIENCE_S)

    async def mirrored(self, part: str = ">") -> int:
        """How many events it has, or messages of a part of the subjects."""
        state = (await self._asked("STREAM.INFO.BRANCH", {"subjects_filter": part}))["state"]
        return sum(state.get("subjects", {}).values())

    async def events(self) -> list[str]:
        """What its events say, in order."""
        client = await self.connect()
        messages = [await client.jetstream().get_msg("BRANCH", seq=sequence) for sequence in range(1, await self.mirrored() + 1)]
        await client.close()
        return [(message.data or b"").decode() for message in messages]

    async def _asked(self, request: str, body: object) -> dict[str, Any]:
        client = await self.connect()
        try:
            data = json.dumps(body).encode() if body else b""
            answer: dict[str, Any] = json.loads((await client.request(f"$JS.API.{request}", data, timeout=20)).data)
        finally:
            await client.close()
        assert "error" not in answer, answer
        return answer
