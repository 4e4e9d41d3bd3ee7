"""Where is the NATS server, and how is it told of a changed grant without anybody being cut off?

The server reads its configuration anew when the system account asks it to. Who runs the server and who grants are
different processes: `nats.json`, beside the configuration, tells the second one what the first one knows.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import nats
import orjson
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.errors import TimeoutError as NatsTimeout

from chassis.files import write_whole
from chassis.nats_addresses import secured
from congdoan.provinces.auditors import Auditor, Auditors
from congdoan.provinces.configuration import SERVICES_USER, SYSTEM_USER, ServerSettings, render
from congdoan.provinces.grants import Grant, Grants, identities

CONFIGURATION, NOTE = "nats.conf", "nats.json"
REQUEST_TIMEOUT_S = 5.0
PATIENCE_S = 10.0
"""For a server that is just being restarted."""

SILENCE_S = 2.0
"""After so long, no further server of a cluster is expected to answer."""


class HubUnavailable(Exception):
    """The NATS server cannot be reached, or does not take the configuration; what was begun can be completed later."""


@dataclass(frozen=True, slots=True)
class Hub:
    """A NATS server on this machine.

    :param data: the folder of its streams, its secrets and the grants.
    :param run: the folder of its configuration.
    :param published: the file in which the services find the keys of provinces.
    """

    data: Path
    run: Path
    port: int
    monitoring_port: int
    leaf_port: int
    published: Path | None = None

    @classmethod
    def found(cls, run: Path) -> "Hub":
        """The server that was started with its configuration in a folder.

        :raises HubUnavailable: there is none.
        """
        try:
            told = orjson.loads((run / NOTE).read_bytes())
        except OSError as error:
            raise HubUnavailable(f"no NATS server runs in {run}") from error
        published = Path(told["published"]) if told["published"] else None
        return cls(Path(told["data"]), run, told["port"], told["monitoring_port"], told["leaf_port"], published)

    @property
    def url(self) -> str:
        """`nats://services:TOKEN@127.0.0.1:PORT`. A secret: never log it."""
        return f"nats://{SERVICES_USER}:{self.token}@{self.address}"

    @property
    def address(self) -> str:
        """Where clients connect: `127.0.0.1:PORT`."""
        return f"127.0.0.1:{self.port}"

    @property
    def leaf_address(self) -> str:
        """Where leaf nodes connect: `127.0.0.1:PORT`."""
        return f"127.0.0.1:{self.leaf_port}"

    @property
    def token(self) -> str:
        """What the services say to be let in; the same for ever for one data folder."""
        return self._secret("nats.token")

    @property
    def grants(self) -> Grants:
        """Which branches were granted an account."""
        return Grants(self.data)

    @property
    def auditors(self) -> Auditors:
        """Who may read the streams."""
        return Auditors(self.data)

    def write(self) -> None:
        """Write the configuration, and the provinces' keys for the services, as the grants are now.

        A server may be launched while a branch is granted: whoever writes last has seen every grant, and every auditor.
        """
        written: tuple[list[Grant], list[Auditor]] | None = None
        while written != (now := (self.grants.all(), self.auditors.all())):
            written = now
            self._write(*written)

    def _write(self, granted: list[Grant], admitted: list[Auditor]) -> None:
        ports = (self.port, self.monitoring_port, self.leaf_port)
        settings = ServerSettings(*ports, self.data.resolve(), self.token, self._secret("nats.system"))
        write_whole(self.run / CONFIGURATION, render(settings, granted, admitted).encode())
        if self.published:
            self.published.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_whole(self.published, identities(granted), 0o644)

    def launched(self) -> None:
        """Say where the server is going to be, with its configuration."""
        ports = {"port": self.port, "monitoring_port": self.monitoring_port, "leaf_port": self.leaf_port}
        published = str(self.published) if self.published else ""
        write_whole(self.run / NOTE, orjson.dumps({"data": str(self.data.resolve()), "published": published, **ports}))
        self.write()

    def ended(self) -> None:
        """Take the configuration away: it holds secrets."""
        for name in (CONFIGURATION, NOTE):
            (self.run / name).unlink(missing_ok=True)

    async def reload(self) -> None:
        """Have the server read its configuration; nobody who may stay is cut off.

        :raises HubUnavailable: it cannot be reached, or refuses.
        """
        async with self.system() as system:
            await reload(system, await server_id(system))

    async def turn_out_leaf_nodes(self, account: str) -> None:
        """End the connections of an account's leaf nodes: the server asks for their key only when they come.

        :raises HubUnavailable: the server does not answer.
        """
        async with self.system() as system:
            server = await server_id(system)
            found = await monitored(system, server, "LEAFZ", {"account": account})
            for leaf in found["leafs"] or ():
                await asked(system, f"$SYS.REQ.SERVER.{server}.KICK", {"cid": leaf["id"]})

    def system(self) -> AbstractAsyncContextManager[Client]:
        """A connection to the system account, for a while."""
        return connected(f"nats://{SYSTEM_USER}:{quote(self._secret('nats.system'))}@{self.address}")

    def services(self) -> AbstractAsyncContextManager[Client]:
        """A connection to the services' account, for a while."""
        return connected(self.url)

    def _secret(self, name: str) -> str:
        file = self.data / name
        if not file.exists():
            self.data.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_whole(file, secrets.token_urlsafe(24).encode())
        return file.read_text()


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Client]:
    """A connection; a server that is just being restarted is waited for.

    :raises HubUnavailable: it cannot be reached.
    """
    client = await _reached(url)
    try:
        yield client
    except (NatsError, OSError) as error:
        raise HubUnavailable(f"the NATS server does not answer: {str(error) or type(error).__name__}") from error
    finally:
        await client.close()


async def _reached(url: str) -> Client:
    until = asyncio.get_running_loop().time() + PATIENCE_S
    while True:
        try:
            return await nats.connect(url, allow_reconnect=False, connect_timeout=5, error_cb=_silent, **secured(url))
        except (NatsError, OSError, TimeoutError) as error:
            if asyncio.get_running_loop().time() > until:
                raise HubUnavailable(f"the NATS server cannot be reached: {str(error) or type(error).__name__}") from error
        await asyncio.sleep(0.1)


async def _silent(_: Exception) -> None:
    """Whoever waits is told; nothing is printed beside it."""


async def server_id(system: Client) -> str:
    """By what the system account addresses the server."""
    return str((await asked(system, "$SYS.REQ.SERVER.PING.IDZ"))["id"])


async def server_ids(system: Client) -> list[str]:
    """By what the system account addresses each server of a cluster: of all that answer before nothing comes any more."""
    inbox, found = system.new_inbox(), list[str]()
    answers = await system.subscribe(inbox)
    await system.publish("$SYS.REQ.SERVER.PING.IDZ", reply=inbox)
    try:
        while True:
            found.append(orjson.loads((await answers.next_msg(timeout=SILENCE_S)).data)["id"])
    except NatsTimeout:
        return sorted(found)
    finally:
        await answers.unsubscribe()


async def reload(system: Client, server: str) -> None:
    """Have a server read its configuration, and the certificates that it names.

    Twice: what an account that is new imports comes into force with the second time (nats-server 2.15).

    :raises HubUnavailable: it refuses.
    """
    for _ in range(2):
        answer = await asked(system, f"$SYS.REQ.SERVER.{server}.RELOAD")
        if error := answer.get("error"):
            raise HubUnavailable(f"the NATS server refuses its configuration: {error.get('description', error)}")


async def monitored(system: Client, server: str, what: str, options: dict[str, Any]) -> dict[str, Any]:
    """What the server tells of itself.

    :raises HubUnavailable: it does not like the question.
    """
    answer = await asked(system, f"$SYS.REQ.SERVER.{server}.{what}", options)
    if error := answer.get("error"):
        raise HubUnavailable(f"{what}: {error}")
    told: dict[str, Any] = answer["data"]
    return told


async def asked(client: Client, subject: str, body: object = None) -> dict[str, Any]:
    """The answer of a server to a request in JSON."""
    message = await client.request(subject, orjson.dumps(body) if body is not None else b"", timeout=REQUEST_TIMEOUT_S)
    answer: dict[str, Any] = orjson.loads(message.data)
    return answer
