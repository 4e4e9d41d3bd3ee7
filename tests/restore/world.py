"""The whole suite on servers that will be lost, everybody who calls it, and what must be the same afterwards."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from nats.aio.client import Client

from audit.read_models.checkpoints import checkpoints_after
from chassis.ledger.note import Verifier
from chassis.ledger_keys import ledger_key
from chassis.reconciliation.branch_places import BRANCH
from chassis.reconciliation.comparing import Announced
from chassis.reconciliation.stream_reading import Reading
from chassis.recovery.command import Wanted, recovered
from chassis.recovery.tail import Tail
from chassis.recovery.taking_back import Keeper
from chassis.security import Caller, Role
from chassis.service import Service
from chassis.streams import DEAD_LETTERS, LEDGER, SCHEDULES, info, set_up, stream_name
from congdoan.auditing.kept import read_witness
from congdoan.auditing.verifying import Outcome, Verification
from congdoan.auditing.verifying import Places as Readable
from congdoan.embedded import reserve_port
from congdoan.provinces import branch_streams
from congdoan.provinces.admitting import admit
from federation.operations.v1 import operations_pb2 as pb
from tests.journeys.marked_suite import tables
from tests.notifications.mailbox import Mailbox
from tests.provinces.province import services
from tests.restore.places import KEYS, Places
from tests.serving import FOUNDER, SERVICES, Suite, built, ledger_key_file, running, settings_of, wrapping_key_file

AUDITOR = Caller("auditor-1", Role.AUDITOR, "", "en")
PATIENCE_S = 120.0
MAIL_FROM = "so-theo-doi@congdoan.example"
OF_THE_HISTORY = ("head", "branches", "events", "claims")
"""The tables in which a history stands, besides the ids of commands."""


@dataclass(frozen=True)
class Acknowledged:
    """A command that was answered: how it was called, and what was said."""

    service: str
    rpc: str
    caller: Caller
    fields: dict[str, Any]
    answer: tuple[int, str, int]


class Remembering(Suite):
    """Some running services, by a caller who remembers every answer."""

    def __init__(self, services: dict[str, Service], acknowledged: list[Acknowledged]) -> None:
        super().__init__(services)
        self.acknowledged = acknowledged

    async def do(self, name: str, rpc: str, caller: Caller = FOUNDER, /, **fields: Any) -> Any:
        fields = {"command_id": str(uuid4()), **fields}
        answer = await self.call(name, rpc, caller, **fields)
        self.acknowledged.append(Acknowledged(name, rpc, caller, fields, _told(answer)))
        return answer

    async def again(self, one: Acknowledged) -> tuple[int, str, int]:
        """The same command once more, as a client gives it who did not hear the answer."""
        return _told(await self.call(one.service, one.rpc, one.caller, **one.fields))

    async def settle(self) -> None:
        """Wait until everybody has taken everything, the ledger has signed and published it, and nothing more follows."""
        before: dict[str, int] = {}
        async with asyncio.timeout(PATIENCE_S):
            while True:
                states = [await self.call(name, "GetStatus") for name in self.services]
                heads = {state.service: state.head for state in states}
                still = all(state.backlog == 0 and all(one.lag == 0 for one in state.followers) for state in states)
                if still and heads == before and await self._signed(heads):
                    return
                before = heads
                await asyncio.sleep(0.1)

    async def _signed(self, heads: dict[str, int]) -> bool:
        audit: Any = self.services["audit"]
        if await checkpoints_after(audit.pool, audit.ledger.published, 1):
            return False
        return all(audit.ledger.last[name].size >= head for name, head in heads.items() if head)

    async def proven(self) -> dict[str, int]:
        """By service: how many of its followers applied each event that concerns them exactly once; all, or it fails."""
        found = {}
        for name in self.services:
            followers = [one.name for one in (await self.call(name, "GetStatus")).followers]
            for follower in followers:
                proof = await self.call(name, "ProveFollower", AUDITOR, follower=follower)
                assert proof.verdict == pb.PROOF_VERDICT_EXACTLY_ONCE, (name, follower, proof)
            found[name] = len(followers)
        return found


def _told(answer: Any) -> tuple[int, str, int]:
    return answer.position, answer.aggregate_id, answer.version


@dataclass
class World:
    """The suite on its places, as often as it is started."""

    places: Places
    smtp_url: str
    mailbox: Mailbox = field(default_factory=Mailbox)
    acknowledged: list[Acknowledged] = field(default_factory=list)
    _port: Any = field(default_factory=reserve_port)

    @property
    def verifier(self) -> Verifier:
        """The public key of the ledger."""
        return ledger_key(ledger_key_file()).verifier

    def settings(self, name: str, services: dict[str, Service]) -> Any:
        """What a service is told."""
        more: dict[str, Any] = {"audit_target": self._port.address}
        if name == "membership":
            more |= {"keys_database_url": self.places.keys.conninfo(KEYS), "wrapping_key_file": str(wrapping_key_file())}
        else:
            server = services["membership"].server
            more["membership_target"] = f"127.0.0.1:{server.service_port if server else 0}"
        if name == "audit":
            more |= {"service_listen": self._port.address, "checkpoint_interval_s": 1.0}
        if name == "notifications":
            more |= {"smtp_url": self.smtp_url, "mail_from": MAIL_FROM}
        return settings_of(name, self.places.events.conninfo(name), self.places.nats.url, **more)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[Remembering]:
        """The five services, on whatever servers there are now."""
        await set_up(self.places.nats.url, SERVICES, publishers_open=True)
        services: dict[str, Service] = {}
        async with AsyncExitStack() as stack:
            for name in SERVICES:
                services[name] = await stack.enter_async_context(running(built(name, self.settings(name, services))))
            suite = Remembering(services, self.acknowledged)
            stack.push_async_callback(suite.close)
            yield suite

    async def recover(self, service: Service, *, apply: bool, verifier: Verifier | None = None) -> Tail:
        """What an operator has a service's tail taken back by."""
        keeper = Keeper(service.name, service.aggregates, service.settings.secret_bytes(), service.sealer)
        wanted = Wanted(verifier or self.verifier, apply)
        return await recovered(wanted, service.settings.database_url, service.settings.nats_url, keeper)

    async def verified(self, *witnesses: Path) -> dict[str, Outcome]:
        """What an auditor finds on the streams and in the stores, against what was signed and what witnesses keep."""
        key = self.places.folder / "auditor.nk"
        if not key.exists():
            await admit(self.places.nats.hub, "local", key)
        readable = Readable((f"nats://{self.places.nats.hub.address}", key), self.places.events.conninfo)
        kept = [read_witness(file, self.verifier) for file in witnesses]
        sources: Sequence[Any] = ("stream", "store")
        return {source: await Verification(readable, self.verifier, kept).run(source, SERVICES) for source in sources}

    def history(self) -> dict[str, list[tuple[object, ...]]]:
        """What every store holds, by table."""
        found = {}
        for name in SERVICES:
            for table in OF_THE_HISTORY:
                found[f"{name}.{table}"] = sorted(self.places.rows(name, f"select * from {table}"), key=repr)
            ids = "select command_id, position from commands order by command_id"
            found[f"{name}.commands"] = self.places.rows(name, ids)
        return found

    async def announced(self) -> dict[str, bytes]:
        """Every message on the streams of the services and of the ledger."""
        return await self._said(*map(stream_name, SERVICES), LEDGER)

    async def everything(self) -> dict[str, bytes]:
        """All that stands in any table and on any stream."""
        stores = {place: data for name in SERVICES for place, data in tables(self.places.events.server, name).items()}
        names = (*map(stream_name, SERVICES), LEDGER, DEAD_LETTERS, SCHEDULES)
        return {**stores, **tables(self.places.keys.server, KEYS), **await self._said(*names)}

    async def _said(self, *names: str) -> dict[str, bytes]:
        """What every message of some streams says, without what the server adds."""
        found = {}
        async with services(self.places.nats) as client:
            for name in names:
                last = int((await info(client, name))["state"]["last_seq"])
                async with Reading(client, name, 0) as reading:
                    found[name] = b"\n".join(map(_text, await reading.upto(last)))
        return found


def _text(message: Announced) -> bytes:
    own = {name: value for name, value in message.headers.items() if not name.startswith("Nats-")}
    return replace(message, headers=own).text


async def in_branch(client: Client, code: str) -> dict[str, int]:
    """How many messages a branch's own stream holds, by subject."""
    found = await branch_streams.asked(client, code, f"STREAM.INFO.{BRANCH}", {"subjects_filter": "federation.>"})
    return dict(found["state"].get("subjects", {}))
