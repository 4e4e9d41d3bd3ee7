"""Which credentials fail or change under load? Expired, early, forged and foreign tokens are refused; keys rotate unseen."""

import asyncio
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from uuid import UUID

import grpc
import psycopg

from chassis.clients import Refused, RpcClient
from chassis.credentials import Credentials
from chassis.security import Role
from congdoan.clients import contract_of, request_of
from congdoan.issuer import LIFETIME_S, Issuer
from tests.faults.arena import Arena, Fault, NotRecovered
from tests.faults.federation import PROVINCES

DAY_S = 86_400.0
OFFICER = ("somebody", Role.FEDERATION_OFFICER, "tld")


@dataclass(frozen=True, slots=True)
class KeysRotated:
    """Another key signs tokens, and every service has another certificate: nobody notices, and nothing is lost."""

    name: str = "keys-rotated"

    async def strike(self, arena: Arena, random: Random) -> int:
        """Rotate both; a token of the key before is good as long as it is alive."""
        before = arena.suite.issuer.issue(*OFFICER)
        old = {name: arena.suite.certificates.identity(name).certificate.read_bytes() for name in arena.services}
        arena.suite.issuer.rotate()
        await asyncio.to_thread(_certify_anew, arena)
        new = {name: arena.suite.certificates.identity(name).certificate.read_bytes() for name in arena.services}
        for token in (before, arena.suite.issuer.issue(*OFFICER)):
            status, rule = await told(arena, token, None)
            if status is not None:
                raise NotRecovered(f"a good token is refused: {status} {rule}")
        return 1 + sum(old[name] != new[name] for name in new)


@dataclass(frozen=True, slots=True)
class BadTokens:
    """Tokens that are over, of tomorrow, of another issuer, or changed: each is refused, with no event."""

    name: str = "bad-tokens"

    async def strike(self, arena: Arena, random: Random) -> int:
        """Call with each; answers how many were refused as nobody's.

        :raises NotRecovered: one was not, or left an event.
        """
        refused = 0
        for what, token in bad_tokens(arena).items():
            command = UUID(int=random.getrandbits(128), version=4)
            status, rule = await told(arena, token, command)
            if status is not grpc.StatusCode.UNAUTHENTICATED or not rule:
                raise NotRecovered(f"{what}: {status} {rule}")
            if recorded(arena, command):
                raise NotRecovered(f"{what}: its command has an event")
            refused += 1
        return refused


def bad_tokens(arena: Arena) -> dict[str, str]:
    """Tokens that nobody may be let in with, each by what is wrong with it."""
    now = time.time()
    with TemporaryDirectory(prefix="congdoan-tokens-") as folder:
        foreign = Issuer.open(Path(folder, "foreign")).issue(*OFFICER)
        # An issuer that is asked at another time drops the keys that are of no use then: so a copy is asked.
        copy = Issuer(shutil.copytree(arena.suite.issuer_folder, Path(folder, "copy")))
        over = copy.issue(*OFFICER, now=now - LIFETIME_S - DAY_S)
        early = copy.issue(*OFFICER, now=now + 2 * DAY_S)
    head, body, signature = arena.suite.issuer.issue(*OFFICER).split(".")
    return {
        "over": over,
        "of the day after tomorrow": early,
        "of another issuer": foreign,
        "with another body": f"{head}.{body[:-6]}{body[-6:].swapcase()}.{signature}",
        "without a signature": f"{head}.{body}.",
    }


async def told(arena: Arena, token: str, command: UUID | None, service: str = "membership") -> tuple[grpc.StatusCode | None, str]:
    """What somebody with a token is told who gives a command, or, with none, asks: status and rule; no status when nothing
    stands against it.
    """
    rpc = "EstablishUnit" if command else "GetFigures"
    unit = {"unit": "x-1", "name": "x", "level": "grassroots", "line_parent": PROVINCES[0], "on": "2024-01-01"}
    fields = {"command_id": str(command), **unit} if command else {"unit": "tld", "year": 2024}
    contract = contract_of(service, rpc)
    shown = Credentials(token=lambda: token, authority=arena.suite.certificates.authority_file, language="en")
    client = RpcClient(arena.suite.targets[service], contract, shown, wait_for_ready=True)
    try:
        await client.call(rpc, request_of(contract, rpc, fields), timeout_s=30)
    except Refused as refused:
        return refused.status, refused.rule
    finally:
        await client.close()
    return None, ""


def recorded(arena: Arena, command: UUID) -> bool:
    """Whether a command has left anything in membership's history."""
    with psycopg.connect(arena.suite.postgres.conninfo("membership")) as connection:
        return bool(connection.execute("select 1 from commands where command_id = %s", (command,)).fetchone())


def _certify_anew(arena: Arena) -> None:
    certificates = arena.suite.certificates
    certificates._due = certificates._clock()
    certificates.renew_if_due()


FAULTS: Sequence[Fault] = (KeysRotated(), BadTokens())
