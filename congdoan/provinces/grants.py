"""Which branches were granted an account, since when, and how much may each of them use? A file a grant.

::

    provinces/ha-noi.json   the public key, when, the limits; never the seed
    provinces/lock          held by whoever changes grants or the server's configuration

A grant that is not `complete` is one whose making was ended in the middle; who grants again completes it. One that is
`ending` lets nobody in, and is taken away with its stream.
"""

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from chassis.files import write_whole
from chassis.tokens import is_unit
from congdoan.provinces.keys import jwk_of

FOLDER = "provinces"
"""Within the folder of the NATS server's data."""

POLL_S = 0.05
KIB, GIB = 1 << 10, 1 << 30


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a branch may use at the hub; the server refuses what is beyond.

    :param bytes: of the copy of the branch, on the hub's disk.
    :param acknowledgements: messages that one consumer has been given and has not acknowledged.
    :param payload: bytes of one message that the province sends.
    """

    connections: int = 10
    leaf_nodes: int = 2
    subscriptions: int = 200
    consumers: int = 20
    bytes: int = 4 * GIB
    acknowledgements: int = 10_000
    payload: int = 64 * KIB


@dataclass(frozen=True, slots=True)
class Grant:
    """A branch that was granted an account.

    :param key: the public key that is let in; empty before there is one.
    :param next_key: the one that takes its place, as long as that is not done.
    """

    code: str
    since: datetime
    key: str = ""
    next_key: str = ""
    limits: Limits = field(default_factory=Limits)
    ending: bool = False

    @property
    def complete(self) -> bool:
        """Whether nothing of its making is left to do."""
        return bool(self.key) and not self.next_key and not self.ending

    @property
    def account(self) -> str:
        """The account in the server that holds the stream of the branch."""
        return f"branch-{self.code}"

    @property
    def entrance(self) -> str:
        """The account that the province's system enters by its key."""
        return f"province-{self.code}"


class Grants:
    """The grants of one data folder."""

    def __init__(self, data: Path) -> None:
        self._folder = data / FOLDER

    def all(self) -> list[Grant]:
        """Every grant, by code."""
        return [_read(file) for file in sorted(self._folder.glob("*.json"))]

    def get(self, code: str) -> Grant | None:
        """The grant of a branch; None too for what cannot be the code of one."""
        file = self._file(code)
        return _read(file) if is_unit(code) and file.exists() else None

    def put(self, grant: Grant) -> None:
        """Keep a grant, whole or not at all."""
        self._make_folder()
        write_whole(self._file(grant.code), orjson.dumps(asdict(grant), option=orjson.OPT_INDENT_2))

    def remove(self, code: str) -> None:
        """Forget a grant."""
        self._file(code).unlink(missing_ok=True)

    @asynccontextmanager
    async def changing(self) -> AsyncIterator[None]:
        """While this lasts, nobody else changes grants; it ends with the process, if not before."""
        self._make_folder()
        lock = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            while not _locked(lock):
                await asyncio.sleep(POLL_S)
            yield
        finally:
            os.close(lock)

    def _make_folder(self) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def _file(self, code: str) -> Path:
        return self._folder / f"{code}.json"


def identities(grants: list[Grant]) -> bytes:
    """The key set by which the services know provinces: each key bound to its unit."""
    keys = [jwk_of(grant.key, grant.code) for grant in grants if grant.key and not grant.ending]
    return orjson.dumps({"keys": keys}, option=orjson.OPT_INDENT_2)


def _locked(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read(file: Path) -> Grant:
    stored: dict[str, Any] = orjson.loads(file.read_bytes())
    stored["since"] = datetime.fromisoformat(stored["since"])
    stored["limits"] = Limits(**stored["limits"])
    return Grant(**stored)
