"""A person is erased under load, while what shows persons is built again: is anything of the person left anywhere?"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from uuid import UUID

import psycopg
from psycopg import sql

from chassis.security import Role
from chassis.streams import DEAD_LETTERS, info, stream_name
from congdoan.clients import Federation
from congdoan.rebuilding import Place, change, compare, rebuild, standings
from congdoan.services import SERVICES
from congdoan.suite import KEYS
from tests.faults.arena import Arena, Fault, NotRecovered
from tests.faults.bus import messages, on_the_bus, until
from tests.faults.federation import ON, PROVINCES, Fields, grassroots_of

SHOWING = "members"
"""The read model that shows who somebody is."""


@dataclass(frozen=True, slots=True)
class Erased:
    """A person with values that nobody else has is admitted, asks to be erased, and is; a rebuild is under way."""

    name: str = "person-erased"

    async def strike(self, arena: Arena, random: Random) -> int:
        """Answers in how many places was looked, when the values were to be found before, and nowhere later.

        :raises NotRecovered: something of the person is left.
        """
        person = Person(random)
        place = next(place for place, _ in await standings(arena.federation, "membership") if place.name.startswith(SHOWING))
        since = {name: status.head for name, status in (await arena.statuses(wait=True)).items()}
        await person.admitted(arena.federation)
        if not await _known(arena, person) or not any((await _shown(arena, person)).values()):
            return 0  # what is looked for later was never there
        rebuilding = asyncio.create_task(rebuild(arena.federation, place, lambda done, of: None))
        await person.erased(arena.federation)
        await rebuilding
        await until(lambda: _without_key(arena, person), "the key of an erased person is not destroyed")
        await arena.caught_up()
        await _switched(arena, place)
        places = await left(arena, person, since)
        if found := [where for where, there in places.items() if there]:
            raise NotRecovered(f"something of an erased person is left: {', '.join(found)}")
        return len(places)


class Person:
    """Somebody whose every value can be told from everybody else's."""

    def __init__(self, random: Random) -> None:
        self.id, self.mark = UUID(int=random.getrandbits(128), version=4), f"dauvet{random.getrandbits(48):012x}"
        self._random, self.province = random, random.choice(PROVINCES)
        self.unit = random.choice(grassroots_of(self.province))
        self.national_id = f"9{random.randrange(10**11):011d}"
        self.position = 0

    @property
    def values(self) -> list[str]:
        """What may be nowhere."""
        return [self.mark, self.national_id]

    async def admitted(self, federation: Federation) -> None:
        """With a name, a number, a telephone and an address, and hard times."""
        who: Fields = {"full_name": f"Nguyễn {self.mark}", "national_id": self.national_id, "birth_date": "1971-09-13"}
        reached: Fields = {"phone": "+849" + self.national_id[:8], "email": f"{self.mark}@example.vn"}
        await self._do(federation, "AdmitMember", unit=self.unit, **who, **reached)
        await self._do(federation, "RecordHardship", grade="hardship", details=f"Bệnh hiểm nghèo {self.mark}")

    async def asks(self, federation: Federation, kind: str = "access") -> str:
        """What a person may ask of whoever has data of it, and what an officer answers; the id of the request."""
        request = self._id()
        grassroots = federation.acting_as("officer-of-unit", Role.GRASSROOTS_OFFICER, self.unit)
        await self._give(grassroots, "ReceiveDataRequest", request_id=request, person_id=str(self.id), kind=kind)
        await self._give(grassroots, "AnswerDataRequest", request_id=request, accepted=True)
        return request

    async def erased(self, federation: Federation) -> None:
        """As a person asks it, an officer grants it, and another one orders it."""
        request = await self.asks(federation, "erasure")
        province = federation.acting_as("officer-of-province", Role.PROVINCE_OFFICER, self.province)
        await self._give(province, "EraseSubject", person_id=str(self.id), request_id=request)

    async def _do(self, federation: Federation, rpc: str, **fields: object) -> None:
        await self._give(federation, rpc, member_id=str(self.id), **fields)

    async def _give(self, federation: Federation, rpc: str, **fields: object) -> None:
        seen = {"membership": self.position} if self.position else None
        told = {"command_id": self._id(), "on": ON, **fields}
        self.position = (await federation.call("membership", rpc, told, at_least=seen)).position

    def _id(self) -> str:
        return str(UUID(int=self._random.getrandbits(128), version=4))


async def _shown(arena: Arena, person: Person) -> dict[str, bool]:
    """In which tables of membership the person stands in clear: by the same search as later."""
    return await asyncio.to_thread(_in_tables, arena.suite.postgres.conninfo("membership"), "membership", person, 0)


async def _known(arena: Arena, person: Person) -> bool:
    """Whether officers are told the name."""
    officer = arena.federation.acting_as("officer-of-unit", Role.GRASSROOTS_OFFICER, person.unit)
    answer = await officer.call(
        "membership", "GetMember", {"member_id": str(person.id)}, at_least={"membership": person.position}
    )
    return person.mark in answer.full_name


async def _without_key(arena: Arena, person: Person) -> bool:
    with psycopg.connect(arena.suite.postgres.conninfo(KEYS)) as connection:
        return connection.execute("select 1 from person_keys where person = %s", (person.id,)).fetchone() is None


async def _switched(arena: Arena, place: Place) -> None:
    """Let the generation that was built meanwhile answer."""
    if not (await compare(arena.federation, place, 0)).equal:
        raise NotRecovered(f"{place.name}: a generation that was built during an erasure differs")
    await change(arena.federation, place, "SwitchReadModel")
    await change(arena.federation, place, "DropGeneration")


async def left(arena: Arena, person: Person, since: dict[str, int]) -> dict[str, bool]:
    """Whether something of the person is there: in each table, each stream since then, each log."""
    found: dict[str, bool] = {}
    for name in (*SERVICES, KEYS):
        found |= await asyncio.to_thread(_in_tables, arena.suite.postgres.conninfo(name), name, person, since.get(name, 0))
    async with on_the_bus(arena) as client:
        for stream, first in {**{stream_name(name): since[name] + 1 for name in SERVICES}, DEAD_LETTERS: 1}.items():
            last = (await info(client, stream))["state"]["last_seq"]
            found[f"stream {stream}"] = last >= first and await _on_stream(client, stream, first, person)
    for log in sorted(arena.suite.data.rglob("*.log")):
        found[f"log {log.name}"] = any(value.encode() in log.read_bytes() for value in person.values)
    return found


def _in_tables(conninfo: str, database: str, person: Person, since: int) -> dict[str, bool]:
    """Every row as text, and with its bytes as text; of the history what came since then."""
    found = {}
    with psycopg.connect(conninfo, autocommit=True) as connection:
        tables = [name for (name,) in connection.execute("select tablename from pg_tables where schemaname = 'public'")]
        sought = [f"%{form}%" for value in person.values for form in (value, value.encode().hex())]
        for table in tables:
            where = sql.SQL("position > {} and").format(since) if table == "events" else sql.SQL("")
            query = sql.SQL("select 1 from {} t where {} t::text like any (%s) limit 1").format(sql.Identifier(table), where)
            found[f"table {database}.{table}"] = connection.execute(query, (sought,)).fetchone() is not None
    return found


async def _on_stream(client: object, stream: str, first: int, person: Person) -> bool:
    sought = [value.encode() for value in person.values]
    async for message in messages(client, stream, first):  # type: ignore[arg-type]
        told = message.data + repr(message.headers).encode()
        if any(value in told for value in sought):
            return True
    return False


FAULTS: Sequence[Fault] = (Erased(),)
