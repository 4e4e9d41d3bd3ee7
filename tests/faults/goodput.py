"""How much is still done in a storm of clients who repeat at once whatever is refused? ``python -m tests.faults.goodput``

The service is a process of its own with the limits that are documented; the clients are in this one, on the same machine. Few
clients first, as many as keep it busy; then many times as many; then few again. What is compared is what was answered a second.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import NamedTuple
from uuid import uuid4

from chassis.clients import RpcClient
from chassis.key_store import KEY_STEPS
from chassis.security import Caller, Role
from chassis.streams import set_up
from congdoan.embedded import EmbeddedNats, EmbeddedPostgres
from tests.databases import fresh_database
from tests.faults.storm import Admissions, Crowd, Served, crowd
from tests.folders import fast_folder
from tests.identities import authority_file
from tests.issuing import issuer
from tests.serving import FOUNDER, credentials, method_of, request_of, settings_of, wrapping_key_file
from tests.upgrade.pods import Place, commanded, environment_of

FEW, MANY, CALLERS, COMMANDS = 48, 1_200, 24, 4_000
UNITS = (("tld", 1, ""), ("cdvcvn", 2, "tld"), ("p-1", 3, "cdvcvn"), ("cs-1", 5, "p-1"))


class Storm(NamedTuple):
    """What a service did for few clients, for many, and for few again."""

    before: Served
    meanwhile: Served
    after: Served

    def __str__(self) -> str:
        rows = zip((FEW, MANY, FEW), self, strict=True)
        lines = [
            f"| {clients:,} | {served.goodput:,.0f} | {sum(served.statuses.values()) / len(served.answers):.1f} |"
            for clients, served in rows
        ]
        first, storm, after = (served.goodput for served in self)
        heading = ("| clients | answered a second | sent away for each answer |", "| ---: | ---: | ---: |")
        return "\n".join((*heading, *lines, f"{storm / first:.2f} in the storm, {after / first:.2f} after it"))


async def measured() -> Storm:
    """One run."""
    async with clients() as asking:
        return Storm(*[await asking.give(COMMANDS, at_once) for at_once in (FEW, MANY, FEW)])


@asynccontextmanager
async def clients() -> AsyncIterator[Crowd]:
    """Officers who admit members at a membership that runs."""
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(fast_folder())
        postgres = stack.enter_context(EmbeddedPostgres(folder, folder / "run"))
        nats = stack.enter_context(EmbeddedNats(folder / "nats", folder / "run"))
        database = stack.enter_context(fresh_database(postgres))
        keys = stack.enter_context(fresh_database(postgres, steps=KEY_STEPS))
        await set_up(nats.url, ["membership"])
        told = {"keys_database_url": keys, "wrapping_key_file": str(wrapping_key_file())}
        settings = settings_of("membership", database, nats.url, **told)
        migrated = commanded("membership", environment_of(settings), "migrate")
        assert migrated.returncode == 0, migrated.stderr
        place = Place("membership", settings, folder)
        await stack.enter_async_context(place.pod())
        await established(place.address)
        officers = [Caller(f"officer-{number}", Role.FEDERATION_OFFICER, "tld") for number in range(CALLERS)]
        tokens = [issuer().token_source(officer.id, officer.role, officer.unit) for officer in officers]
        where = ("membership", "AdmitMember", place.address, authority_file(), tokens)
        yield await stack.enter_async_context(crowd(*where, Admissions("cs-1")))


async def established(address: str) -> None:
    """The units."""
    client = RpcClient(address, method_of("membership", "EstablishUnit").containing_service, credentials(FOUNDER))
    for code, level, parent in UNITS:
        fields = {"unit": code, "name": code, "level": level, "line_parent": parent, "on": "2000-01-01"}
        await client.call("EstablishUnit", request_of("membership", "EstablishUnit", command_id=str(uuid4()), **fields))
    await client.close()


if __name__ == "__main__":
    print(asyncio.run(measured()))
