"""Who calls two versions of a service at once, and on what do these stand? What each was answered is remembered, and looked up.

The callers have the settings that our clients have, and repeat what is refused as not possible just now, with the same id.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4, uuid5

import grpc
import psycopg
import pytest

from chassis.clients import Refused, RpcClient
from chassis.clients import refused as refused_with
from congdoan.embedded import EmbeddedNats
from federation.contract.v1.contract_pb2 import CommandAnswer
from federation.membership.v1 import membership_pb2 as pb
from membership.read_models.members import MEMBERS
from tests.connected.example import announced, connected
from tests.issuing import token_of
from tests.serving import FOUNDER, NO_RETRIES, PATIENCE_S, credentials, request_of, settings_of, wrapping_key_file
from tests.upgrade.pods import Place, commanded, environment_of
from tests.upgrade.tomorrow import made

NAMES = UUID("4a1b7b52-0a0c-4c8e-9a1b-6f8f7f0f1d5e")
ON, TOP, UNIT = "2024-03-01", "tld", "cs"
WORKERS, ENOUGH, MANY, PAUSE_S = 3, 25, 6, 0.1
MEMBERSHIP = pb.DESCRIPTOR.services_by_name["MembershipService"]
NOT_HERE = "RecordedByLaterVersion"
JOINED = "select count(*) from events where topic = 'membership.member_joined'"
AFTER_A_SUSPENSION = """select e.aggregate_id from events e join events s using (aggregate_id)
                         where s.topic = 'membership.member_suspended' and e.topic = 'membership.hardship_recorded'
                           and e.version > s.version"""
ROWS_UNLIKE_EVENTS = f"""
    select m.member_id from {MEMBERS.table} m left join lateral
           (select topic, convert_from(body, 'utf8')::json ->> 'grade' as grade from events
             where aggregate_id = m.member_id and topic like 'membership.hardship_%' order by version desc limit 1) e on true
     where m.member_id not in (select aggregate_id from parked)
       and m.hardship is distinct from case when e.topic = 'membership.hardship_recorded' then e.grade end"""


class Load:
    """Callers who admit members and record and end their hardships, over and over; and what they were answered."""

    def __init__(self, addresses: list[str]) -> None:
        target = f"ipv4:{','.join(addresses)}"
        self.client = RpcClient(target, MEMBERSHIP, credentials(FOUNDER))
        self.kept: dict[str, tuple[int, int]] = {}
        self.refused: Counter[str] = Counter()
        self.strange: list[str] = []
        self.members: list[str] = []
        self.known = True
        """Whether they also come back to members of before, and whether somebody is there who knows these."""
        self._number, self._going = 0, True
        self._tasks: list[asyncio.Task[None]] = []

    async def give(self, rpc: str, **fields: Any) -> bool:
        """A command under an id of its own, repeated until it is answered; False when it is given up, for nobody can know."""
        self._number += 1
        command_id = str(uuid5(NAMES, str(self._number)))
        request = request_of("membership", rpc, command_id=command_id, on=ON, **fields)
        while True:
            try:
                answer = await self.client.call(rpc, request, timeout_s=PATIENCE_S)
            except Refused as refused:
                self.refused[refused.rule] += 1
                if refused.rule != NOT_HERE:
                    self.strange.append(f"{rpc}: {refused}")
                    return False
                if not self.known:
                    return False
            else:
                self.kept[command_id] = (answer.position, answer.version)
                return True

    async def begin(self) -> None:
        """The units, and who calls from now on."""
        await self.give("EstablishUnit", unit=TOP, name=TOP, level=1)
        await self.give("EstablishUnit", unit=UNIT, name=UNIT, level=5, line_parent=TOP)
        self._tasks = [asyncio.create_task(self._call(worker)) for worker in range(WORKERS)]

    async def more(self, commands: int = ENOUGH) -> None:
        """Wait until so many further commands were kept."""
        enough = len(self.kept) + commands
        async with asyncio.timeout(PATIENCE_S):
            while len(self.kept) < enough:
                await asyncio.sleep(0.02)

    async def end(self) -> None:
        """Nobody calls any more."""
        self._going = False
        await asyncio.gather(*self._tasks)
        await self.client.close()

    async def _call(self, worker: int) -> None:
        number = 0
        while self._going:
            member = str(uuid5(NAMES, f"{worker}/{number}"))
            number += 1
            person = {"full_name": "Lê An", "birth_date": "1990-01-01", "national_id": f"{UUID(member).int % 10**12:012d}"}
            await self.give("AdmitMember", member_id=member, unit=UNIT, **person)
            # Those of before too: what another version has decided on them is decided upon here.
            before = [self.members.pop(0)] if self.known and len(self.members) > MANY else []
            for known in (member, *before):
                recorded = await self.give("RecordHardship", member_id=known, grade=number % 2 + 1, details="Ốm")
                if recorded and number % 3 and await self.give("EndHardship", member_id=known):
                    self.members.append(known)
            await asyncio.sleep(PAUSE_S)


async def suspended(address: str, member: str) -> None:
    """Suspend a member, which only tomorrow's version can; its request has the fields of another one."""
    request = pb.LeaveUnionRequest(command_id=str(uuid5(NAMES, f"suspend/{member}")), member_id=member, reason="Xem xét", on=ON)
    await once(address, "SuspendMember", request)


async def refusal(address: str, member: str) -> tuple[grpc.StatusCode, str]:
    """With which status and rule a hardship of a member is refused there."""
    request = request_of("membership", "RecordHardship", command_id=str(uuid4()), member_id=member, grade=1, on=ON)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await once(address, "RecordHardship", request)
    told = refused_with(caught.value)
    return told.status, told.rule


async def once(address: str, rpc: str, request: Any) -> None:
    """Ask one pod, without repeating."""
    pems = credentials(FOUNDER).read()
    assert pems
    async with grpc.aio.secure_channel(address, pems.channel_credentials(), NO_RETRIES) as channel:
        ask: Any = channel.unary_unary(
            f"/{MEMBERSHIP.full_name}/{rpc}",
            request_serializer=type(request).SerializeToString,
            response_deserializer=CommandAnswer.FromString,
        )
        await ask(request, metadata=(("authorization", f"Bearer {token_of(FOUNDER)}"),), timeout=PATIENCE_S, wait_for_ready=True)


class Ground:
    """One database with its keys, one stream, and the places of three pods."""

    def __init__(self, database: str, keys: str, nats: EmbeddedNats, folder: Path) -> None:
        self.nats, self.database = nats, database
        told = {"keys_database_url": keys, "wrapping_key_file": str(wrapping_key_file()), "drain_s": 2.0}
        self.settings = settings_of("membership", database, nats.url, **told)
        self.places = [Place("membership", self.settings, folder) for _ in range(3)]
        self.tomorrow = made(folder / "tomorrow")

    async def migrated(self, version: Sequence[Path], *arguments: str) -> None:
        """The step of a version."""
        environment = environment_of(self.settings, version)
        done = await asyncio.to_thread(commanded, "membership", environment, "migrate", *arguments)
        assert done.returncode == 0, done.stderr

    async def until(self, condition: str) -> None:
        """Wait until something is so."""
        async with asyncio.timeout(PATIENCE_S):
            while not self.one(condition):
                await asyncio.sleep(0.1)

    def one(self, query: str) -> Any:
        """The one value that a query finds."""
        ((found,),) = self.rows(query)
        return found

    def versions_said(self) -> set[bytes]:
        """In which schema versions hardships were recorded."""
        query = "select distinct substring(body from 19 for 1) from events where topic = 'membership.hardship_recorded'"
        return {bytes(version) for (version,) in self.rows(query)}

    async def says(self, *versions: bytes) -> None:
        """Wait until hardships were recorded in each of some schema versions."""
        async with asyncio.timeout(PATIENCE_S):
            while self.versions_said() != set(versions):
                await asyncio.sleep(0.1)

    def is_whole(self, kept: dict[str, tuple[int, int]], others: int) -> None:
        """Everything acknowledged is there, once, and every row says what the events say."""
        told = self.rows("select c.command_id::text, c.position, e.version from commands c join events e using (position)")
        answers = {command: (position, version) for command, position, version in told}
        assert {command: answers.get(command) for command in kept} == kept
        assert len(answers) == len(kept) + others
        assert self.one("select position = (select count(*) from events) from head")
        assert self.rows("select aggregate_id from events group by 1 having max(version) <> count(*)") == []
        assert self.rows(AFTER_A_SUSPENSION) == [], "nobody decided without knowing"

    async def shows(self, *counts: str) -> None:
        """Everybody who joined is counted in one of some read models, once nobody joins any more."""
        joined = self.one(JOINED)
        shown = (f"(select coalesce(sum(change), 0) from {each}) between {joined} and ({JOINED})" for each in counts)
        await self.until(f"select {' or '.join(shown)}")

    async def shows_hardships(self) -> None:
        """Every member's row says what its events say, or waits for a version that can read them."""
        await self.until(f"select not exists ({ROWS_UNLIKE_EVENTS})")

    async def is_announced(self) -> None:
        """The stream holds every event with its bytes."""
        async with asyncio.timeout(PATIENCE_S), connected(self.nats.url) as connection:
            while len(messages := await announced(connection.client, "membership")) < self.one("select position from head"):
                await asyncio.sleep(0.1)
        bodies = [bytes(body) for (body,) in self.rows("select body from events order by position")]
        assert [message.data for message in messages] == bodies

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database) as connection:
            return connection.execute(query.encode()).fetchall()
