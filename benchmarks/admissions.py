"""What is the suite asked to do? To admit people to one grassroots union, as an officer whose right reaches there."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import date
from itertools import count
from typing import TypeVar
from uuid import NAMESPACE_OID, uuid4, uuid5

from benchmarks.ground import SECRET, store_on
from chassis.application import Application
from chassis.commands import Call
from chassis.hierarchy import Hierarchy
from chassis.rpc import needs_of
from chassis.security import Caller, Role
from chassis.store import EventStore
from federation.membership.v1 import membership_pb2 as pb
from membership.application import UnitsAtHand, menu
from membership.domain.member import AdmitMember
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
TREE = (
    ("tld", Level.CONFEDERATION, None),
    ("cdvcvn", Level.FEDERATION, "tld"),
    (BRANCH, Level.PROVINCE, "cdvcvn"),
    (UNIT, Level.GRASSROOTS, BRANCH),
)
_NUMBERS = count(1)


@asynccontextmanager
async def membership_on(conninfo: str) -> AsyncIterator[tuple[Application, EventStore]]:
    """Membership's commands, with the units there, and the store they are kept in."""
    async with store_on(conninfo) as (store, _):
        tree, units = Hierarchy(), UnitsAtHand()
        application = Application(store, menu(units), needs_of([SERVICE]), tree, secret=SECRET)
        units.live = application.live
        for command in establishments():
            await application.execute(ANYWHERE, command)
        for recorded in await store.read(0, len(TREE), UNITS.topics):
            tree.put([unit_after(None, recorded.event, recorded.position)])
        yield application, store


def establishments() -> list[EstablishUnit]:
    """What makes the tree, once for ever in a store."""
    return [
        EstablishUnit(command_id=uuid5(NAMESPACE_OID, unit), unit=unit, name=unit, level=level, line_parent=parent, on=DAY)
        for unit, level, parent in TREE
    ]


def admissions(number: int) -> list[AdmitMember]:
    """So many new people to admit."""
    return [admission() for _ in range(number)]


def admission() -> AdmitMember:
    """A new person to admit."""
    return AdmitMember(
        command_id=uuid4(),
        member_id=uuid4(),
        unit=UNIT,
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
