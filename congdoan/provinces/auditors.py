"""Which auditors may read the streams, and what is the NATS server told of them? Each has an account, which holds nothing.

An auditor reads messages by their sequence (``DIRECT.GET``, in batches) and asks how a stream stands; what the ledger
signed says whether that is all of it. No consumer can be made: JetStream would send its messages wherever the asker
wants them, with the rights of the services (decision 15). An answer to any subject that an auditor names stays within the
account, where nothing but these questions leads anywhere.
"""

import os
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

import orjson

from chassis.files import write_whole
from chassis.streams import LEDGER, stream_name
from congdoan.provinces.keys import SEED_BYTES, key_in, public_key_of, seed_of
from congdoan.services import SERVICES

FOLDER = "auditors"
"""Within the folder of the NATS server's data."""

DOMAIN = "federation"
"""The JetStream domain by which an auditor's client asks."""

API = f"$JS.{DOMAIN}.API"

LOCAL = "local"
"""The auditor on the machine of the suite itself."""

MAX_CONNECTIONS, MAX_SUBSCRIPTIONS, MAX_PAYLOAD = 4, 40, 1024
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


class NoAuditorName(ValueError):
    """It cannot be the name of an auditor: letters a to z, digits and hyphens."""


class KeyInTheWay(Exception):
    """Where the key of an auditor is to be written lies a file with another one, or something else."""


@dataclass(frozen=True, slots=True)
class Auditor:
    """Somebody who may read the streams; `key` is the public one."""

    name: str
    since: datetime
    key: str

    @property
    def account(self) -> str:
        """The account in the server that is entered by the key."""
        return f"auditor-{self.name}"


class Auditors:
    """The auditors of one data folder: ``auditors/<name>.json``."""

    def __init__(self, data: Path) -> None:
        self._folder = data / FOLDER

    def all(self) -> list[Auditor]:
        """Every one, by name."""
        return [_read(file) for file in sorted(self._folder.glob("*.json"))]

    def get(self, name: str) -> Auditor | None:
        """One of them."""
        return next((auditor for auditor in self.all() if auditor.name == name), None)

    def put(self, auditor: Auditor) -> None:
        """Keep one."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(self._folder / f"{auditor.name}.json", orjson.dumps(asdict(auditor), option=orjson.OPT_INDENT_2))

    def remove(self, name: str) -> bool:
        """Forget one; whether it was there."""
        if self.get(name) is None:
            return False
        (self._folder / f"{name}.json").unlink(missing_ok=True)
        return True

    def admit(self, name: str, file: Path, now: datetime, entropy: Callable[[int], bytes] = os.urandom) -> Auditor:
        """Note an auditor and write the key, for its owner alone; where both are there already, nothing is done.

        The key is noted first: killed in between, the same call makes another one and completes it.

        :raises NoAuditorName: it cannot be a name. :raises KeyInTheWay: in the file lies something else.
        """
        if not _NAME.fullmatch(name):
            raise NoAuditorName(name)
        found, there = self.get(name), key_in(file)
        if there is not None:
            if found is None or there != found.key:
                raise KeyInTheWay(str(file))
            return found
        seed = seed_of(entropy(SEED_BYTES))
        made = Auditor(name, now, public_key_of(seed))
        self.put(made)
        write_whole(file, seed.encode())
        return made

    def admit_local(self, file: Path, now: datetime) -> Auditor:
        """Admit the auditor of this machine; a key of which nothing is known here, since NATS lost its data, gives way."""
        try:
            return self.admit(LOCAL, file, now)
        except KeyInTheWay:
            file.unlink()
            return self.admit(LOCAL, file, now)


def readable_streams() -> list[str]:
    """The streams that an auditor reads."""
    return [*map(stream_name, SERVICES), LEDGER]


def questions() -> list[tuple[str, str]]:
    """What an auditor may ask of JetStream, and how it is answered: by several messages, or by one."""
    asked = [(f"DIRECT.GET.{stream}", "stream") for stream in readable_streams()]
    return asked + [(f"STREAM.INFO.{stream}", "") for stream in readable_streams()]


def _read(file: Path) -> Auditor:
    stored = orjson.loads(file.read_bytes())
    return Auditor(stored["name"], datetime.fromisoformat(stored["since"]), stored["key"])
