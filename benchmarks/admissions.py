"""What is the suite asked to do? To admit people to one grassroots union, as an officer whose right reaches there."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, nullcontext
from datetime import date
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar
from uuid import NAMESPACE_OID, UUID, uuid4, uuid5

from benchmarks.ground import SECRET, store_on
from chassis.application import Application
from chassis.commands import Call
from chassis.database import migrate
from chassis.events import Event
from chassis.hierarchy import Hierarchy
from chassis.key_store import KEY_STEPS, KeyStore
from chassis.rpc import needs_of
from chassis.sealing import Keys, Sealer
from chassis.security import Caller, Role
from chassis.store import EventStore
from chassis.wrapping_keys import WrappingKeys
from federation.membership.v1 import membership_pb2 as pb
from membership.application import UnitsAtHand, menu
from membership.domain.member import AdmitMember, keyed_hash_of_ids
from membership.domain.unit import EstablishUnit
from membership.events import UNITS, Level, unit_after
from membership.rpc import SERVICE

T = TypeVar("T")

OFFICER = Caller("officer", Role.FEDERATION_OFFICER, "tld")
CALL = Call(OFFICER)
ANYWHERE = Call(Caller("membership", Role.SERVICE, "membership"))
UNIT, BRANCH = "so-y-te", "vinh-phuc"
NAME = "Nguyễn Thị Minh Khai"
BORN, DAY = date(1990, 1, 1), date(2020, 1, 1)
Tree = Sequence[tuple[str, Level, str | None]]
"""Units with their level and line parent, parents first."""
TOP: Tree = (("tld", Level.CONFEDERATION, None), ("cdvcvn", Level.FEDERATION, "tld"))
TREE: Tree = (*TOP, (BRANCH, Level.PROVINCE, "cdvcvn"), (UNIT, Level.GRASSROOTS, BRANCH))
_NUMBERS = count(1)


class Unsealed(Sealer):
    """What personal values would cost if they were kept in clear."""

    def __init__(self) -> None:
        """It needs no keys."""

    async def keys_of(self, events: Iterable[Event]) -> Keys:
        """None is needed."""
        return {}

    def stored(self, event: Event, aggregate_id: UUID, version: int, keys: Keys) -> bytes:
        """The bytes as they would be."""
        return event.encode()


@asynccontextmanager
async def sealing_on(conninfo: str) -> AsyncIterator[Sealer]:
    """What seals personal values, with the keys in a database that stands for the key store's own."""
    with TemporaryDirectory(prefix="congdoan-") as folder:
        wrapping = WrappingKeys(Path(folder) / "wrapping")
        wrapping.put_first(bytes)  # the same at every round, for the keys of persons stay in the database
        await asyncio.to_thread(migrate, conninfo, steps=KEY_STEPS)
        keys = KeyStore(conninfo, wrapping)
        await keys.start()
        try:
            yield Sealer(keys)
        finally:
            await keys.stop()


@asynccontextmanager
async def membership_on(
    conninfo: str, *, sealed: bool = True, among: Tree = TREE
) -> AsyncIterator[tuple[Application, EventStore]]:
    """Membership's commands, with the units there, and the store they are kept in."""
    sealing = sealing_on(conninfo) if sealed else nullcontext(Unsealed())
    async with sealing as sealer, store_on(conninfo) as (store, _):
        tree = Hierarchy()
        units = UnitsAtHand(keyed_hash_of_ids(SECRET), tree)
        application = Application(store, menu(units), needs_of([SERVICE]), tree, secret=SECRET, sealer=sealer)
        units.live = application.live
        for command in establishments(among):
            await application.execute(ANYWHERE, command)
        for recorded in await store.read(0, len(among), UNITS.topics):
            tree.put([unit_after(None, recorded.event, recorded.position)])
        yield application, store


def establishments(among: Tree = TREE) -> list[EstablishUnit]:
    """What makes the tree, once for ever in a store."""
    return [
        EstablishUnit(command_id=uuid5(NAMESPACE_OID, unit), unit=unit, name=unit, level=level, line_parent=parent, on=DAY)
        for unit, level, parent in among
    ]


def admissions(number: int, units: Sequence[str] = (UNIT,)) -> list[AdmitMember]:
    """So many new people to admit, to each of some units in turn."""
    return [admission(units[count % len(units)]) for count in range(number)]


def admission(unit: str = UNIT) -> AdmitMember:
    """A new person to admit."""
    return AdmitMember(
        command_id=uuid4(),
        member_id=uuid4(),
        unit=unit,
        full_name=NAME,
        national_id=next_number(),
        birth_date=BORN,
        on=DAY,
    )


def admission_request() -> pb.AdmitMemberRequest:
    """The same over the wire."""
    return pb.AdmitMemberRequest(
        command_id=str(uuid4()),
        member_id=str(uuid4()),
        unit=UNIT,
        full_name=NAME,
        national_id=next_number(),
        birth_date=BORN.isoformat(),
        on=DAY.isoformat(),
    )


def unit_requests() -> list[pb.EstablishUnitRequest]:
    """What makes the tree, over the wire."""
    return [
        pb.EstablishUnitRequest(
            command_id=str(command.command_id),
            unit=command.unit,
            name=command.name,
            level=pb.Level.Value(f"LEVEL_{command.level.name}"),
            line_parent=command.line_parent or "",
            on=command.on.isoformat(),
        )
        for command in establishments()
    ]


def next_number() -> str:
    """A national id that nobody has yet."""
    return f"{next(_NUMBERS):012d}"


async def at_once(in_flight: int, subjects: Sequence[T], do: Callable[[T], Awaitable[object]]) -> float:
    """Do something with each, so many of them under way at once, and answer how many a second."""
    left = iter(subjects)

    async def work() -> None:
        for subject in left:
            await do(subject)

    began = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(in_flight)))
    return len(subjects) / (time.perf_counter() - began)
