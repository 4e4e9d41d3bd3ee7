"""The whole suite for tests of erasures: membership as a process that can be killed, the other four beside the test."""

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
from google.protobuf.message_factory import GetMessageClass

from chassis.clients import RpcClient
from chassis.key_store import KEY_STEPS
from chassis.security import Caller, Role
from chassis.service import Service
from chassis.streams import set_up
from chassis.wrapping_keys import WrappingKeys
from congdoan.embedded import EmbeddedPostgres, reserve_port
from congdoan.embedded.process import plain_environment
from membership.rpc import CONSENTS, PERSONAL_DATA, SERVICE
from tests.databases import copy_database
from tests.identities import authority_file, tls_settings
from tests.issuing import credentials_of, token_settings
from tests.serving import ledger_key_file

NUMBERS = count(1)
FOLLOWING = ("welfare", "awards", "notifications", "audit")
ALL = ("membership", *FOLLOWING)
TOP = Caller("officer-1", Role.FEDERATION_OFFICER, "tld", "en")
PROVINCE = Caller("officer-2", Role.PROVINCE_OFFICER, "vinh-phuc", "en")
ELSEWHERE = Caller("officer-3", Role.PROVINCE_OFFICER, "hai-duong", "en")
GRASSROOTS = Caller("officer-4", Role.GRASSROOTS_OFFICER, "so-y-te", "en")
UNITS = (
    ("tld", "", 1, "1929-07-28"),
    ("cdvcvn", "tld", 2, "1994-07-02"),
    ("vinh-phuc", "cdvcvn", 3, "1997-01-01"),
    ("hai-duong", "cdvcvn", 3, "1997-01-01"),
    ("so-y-te", "vinh-phuc", 5, "1997-01-01"),
    ("so-noi-vu", "vinh-phuc", 5, "1997-01-01"),
    ("so-tu-phap", "hai-duong", 5, "1997-01-01"),
)


class ErasingSuite:
    """Databases, servers, and whoever asks them."""

    def __init__(self, postgres: EmbeddedPostgres, nats_url: str, folder: Path) -> None:
        self.postgres, self.nats_url, self.folder = postgres, nats_url, folder
        self._prefix = f"e{uuid4().hex[:12]}"
        self._users, self._services = reserve_port(), reserve_port()
        self.process: asyncio.subprocess.Process | None = None
        self.following: dict[str, Service] = {}
        self._clients: dict[tuple[Caller, str], RpcClient] = {}

    def conninfo(self, name: str) -> str:
        return self.postgres.conninfo(self.database(name))

    def database(self, name: str) -> str:
        """What a database is called."""
        return f"{self._prefix}_{name}"

    def prepare(self) -> None:
        """Databases, schemas, the wrapping key."""
        WrappingKeys(self.folder / "wrapping").put_first()
        for name in ALL:
            copy_database(self.postgres, self.database(name), self._built(name).schema)
        copy_database(self.postgres, self.database("keys"), steps=KEY_STEPS)

    def settings(self, name: str) -> dict[str, Any]:
        """What a service is told."""
        told: dict[str, Any] = {
            "database_url": self.conninfo(name),
            "nats_url": self.nats_url,
            "secret": "ab" * 32,
            "drain_s": 0.5,
            **tls_settings(name),
            **token_settings(),
        }
        if name == "membership":
            told |= {"keys_database_url": self.conninfo("keys"), "wrapping_key_file": str(self.folder / "wrapping")}
            return told | {"listen": self._users.address, "service_listen": self._services.address}
        if name == "audit":
            told["ledger_key_file"] = ledger_key_file()
        return told | {"membership_target": self._services.address}

    async def start_membership(self) -> None:
        """Start its process, and wait until it answers."""
        environment = {f"CONGDOAN_{name.upper()}": str(value) for name, value in self.settings("membership").items()}
        with (self.folder / "membership.log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "membership", "serve", env=plain_environment(**environment), stdout=log, stderr=log
            )

    async def kill_membership(self) -> None:
        """As a power cut does."""
        assert self.process
        self.process.kill()
        await self.process.wait()

    async def start_following(self) -> None:
        """Start the other services."""
        for name in FOLLOWING:
            service = self._built(name)
            await service.start()
            self.following[name] = service

    def _built(self, name: str) -> Service:
        settings = import_module(f"{name}.settings").Settings(**self.settings(name))
        service: Service = import_module(f"{name}.wiring").real(settings)
        return service

    async def call(self, rpc: str, caller: Caller = TOP, at_least: int = 0, **fields: Any) -> Any:
        contract = next(one for one in (PERSONAL_DATA, CONSENTS, SERVICE) if rpc in one.methods_by_name)
        key = (caller, contract.name)
        if key not in self._clients:
            credentials = credentials_of(caller, authority_file())
            self._clients[key] = RpcClient(self._users.address, contract, credentials, wait_for_ready=True)
        request = GetMessageClass(contract.methods_by_name[rpc].input_type)(**fields)
        seen = {"membership": at_least} if at_least else None
        return await self._clients[key].call(rpc, request, at_least=seen, timeout_s=120)

    async def do(self, rpc: str, caller: Caller = TOP, **fields: Any) -> int:
        """A command with an id of its own; its position."""
        answer = await self.call(rpc, caller, **{"command_id": str(uuid4()), "on": "2026-03-02", **fields})
        return int(answer.position)

    async def establish(self) -> None:
        """The units of the tests."""
        for code, parent, level, on in UNITS:
            await self.do("EstablishUnit", unit=code, name=code, level=level, line_parent=parent, on=on)

    async def admit(self, unit: str = "so-y-te", **fields: Any) -> str:
        """A member, by id."""
        member_id = str(uuid4())
        plain = {"full_name": "Đỗ Thị Ế", "national_id": f"{next(NUMBERS):012d}", "birth_date": "1990-01-01", "on": "2020-01-01"}
        await self.do("AdmitMember", member_id=member_id, unit=unit, **{**plain, **fields})
        return member_id

    async def register(self, member_id: str, **fields: Any) -> str:
        """A member's child, by id."""
        child_id = str(uuid4())
        plain = {"full_name": "Đỗ Minh Ế", "birth_date": "2015-03-08", "on": "2025-09-05"}
        await self.do("RegisterChild", child_id=child_id, member_id=member_id, **{**plain, **fields})
        return child_id

    async def accepted(self, person_id: str) -> str:
        """A request for erasure that was accepted, by id."""
        request_id = str(uuid4())
        await self.do("ReceiveDataRequest", GRASSROOTS, request_id=request_id, person_id=person_id, kind=5)
        await self.do("AnswerDataRequest", GRASSROOTS, request_id=request_id, accepted=True, on="2026-03-03")
        return request_id

    async def certificate(self, person_id: str) -> Any:
        """The certificate of an erasure, as soon as it is there."""
        while True:
            status = await self.call("GetErasure", PROVINCE, at_least=self.head, person_id=person_id)
            if status.certified_on:
                return await self.call("GetErasureCertificate", PROVINCE, person_id=person_id)
            await asyncio.sleep(0.05)

    async def silent(self, person_id: str, *expected: str) -> Any:
        """How an erasure stands when nobody but these is silent."""
        while True:
            status = await self.call("GetErasure", PROVINCE, at_least=self.head, person_id=person_id)
            if {one.by for one in status.acknowledgements if not one.at} <= set(expected):
                return status
            await asyncio.sleep(0.05)

    async def figure(self, name: str = "members", unit: str = "tld", year: int = 2025) -> int:
        """A figure as of everything so far."""
        answer = await self.call("GetFigures", at_least=self.head, unit=unit, year=year)
        return int(next(figure.count for figure in answer.figures if figure.name == name))

    def rows(self, name: str, query: str, values: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        """Straight from a database."""
        with psycopg.connect(self.conninfo(name), autocommit=True) as connection:
            return connection.execute(query.encode(), values).fetchall()

    @property
    def head(self) -> int:
        """The position of membership's last event."""
        return int(self.rows("membership", "select position from head")[0][0])

    def run(self, name: str, query: str, values: tuple[object, ...] = ()) -> None:
        """Something done to a database from outside."""
        with psycopg.connect(self.conninfo(name), autocommit=True) as connection:
            connection.execute(query.encode(), values)

    def everything(self, name: str) -> str:
        """Every row of every table of a database as text; bytes too."""
        tables = self.rows(name, "select quote_ident(tablename) from pg_tables where schemaname = 'public'")
        texts = []
        for (table,) in tables:
            for (row,) in self.rows(name, f"select to_jsonb(t) from {table} t"):
                texts += [_plain(value) for value in row.values()]
        return "\n".join(texts)

    async def stop(self) -> None:
        for client in self._clients.values():
            await client.close()
        for service in self.following.values():
            await service.stop()
        if self.process and self.process.returncode is None:
            await self.kill_membership()
        with psycopg.connect(self.postgres.conninfo("postgres"), autocommit=True) as connection:
            for name in (*ALL, "keys"):
                connection.execute(f'drop database "{self._prefix}_{name}" with (force)'.encode())


@asynccontextmanager
async def erasing_suite(
    postgres: EmbeddedPostgres, nats_url: str, folder: Path, following: bool = True
) -> AsyncIterator[ErasingSuite]:
    """A running suite with its units."""
    suite = ErasingSuite(postgres, nats_url, folder)
    suite.prepare()
    await set_up(nats_url, ["membership", "welfare", "awards", "notifications", "audit"])
    try:
        await suite.start_membership()
        await suite.establish()
        if following:
            await suite.start_following()
        yield suite
    finally:
        await suite.stop()


def _plain(value: object) -> str:
    text = str(value)
    if text.startswith("\\x"):
        return bytes.fromhex(text[2:]).decode("utf-8", "replace")
    return text


def named(fields: Mapping[str, str]) -> list[str]:
    """The values by which a person would be known."""
    return [value for value in fields.values() if value]
