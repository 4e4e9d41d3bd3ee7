"""What does an operator tell a service whose backup lacks what was announced? ``python -m membership recover``

    recover (--ledger-key KEY | --without-ledger) [--apply]

`KEY` is the ledger's public key, or a file that holds it; ``congdoan ledger key`` told it, and every province has it. Without
``--apply`` nothing is changed. One JSON document is written: what store and stream have, what is missing, and for how much of
it a checkpoint speaks.

Ends with 0 when nothing is missing any more, 1 when something does not agree or cannot be reached, 2 when the arguments are not
right, 4 when something is missing and was not taken back.
"""

import asyncio
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import psycopg
from nats.errors import Error as NatsError

from chassis.ledger.note import NoteUnreadable, Verifier
from chassis.nats_addresses import secured
from chassis.nats_client import Client
from chassis.recovery.tail import CannotRecover, Tail, examined
from chassis.recovery.taking_back import Keeper
from chassis.refusals import Unavailable
from chassis.streams import JetStreamError

MISSING = 4


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the operator said: hold the tail against a ledger, and whether to take it back."""

    verifier: Verifier | None
    apply: bool = False

    @classmethod
    def read(cls, name: str, arguments: Sequence[str]) -> "Wanted":
        """:raises SystemExit: with 2, it is not right."""
        parser = ArgumentParser(f"python -m {name} recover", allow_abbrev=False)
        held = parser.add_mutually_exclusive_group(required=True)
        held.add_argument("--ledger-key", type=_verifier, metavar="KEY", help="the ledger's public key, or a file of it")
        held.add_argument("--without-ledger", action="store_true", help="take what no signature speaks for")
        parser.add_argument("--apply", action="store_true", help="take back what is missing")
        told = parser.parse_args(arguments)
        return cls(told.ledger_key, told.apply)


def _verifier(text: str) -> Verifier:
    file = Path(text)
    try:
        return Verifier.read(file.read_text() if file.is_file() else text)
    except (NoteUnreadable, OSError, UnicodeDecodeError) as error:
        raise ValueError("no public key") from error


def recover(service: str, wanted: Wanted, do: Callable[[], Coroutine[Any, Any, Tail]]) -> int:
    """Look, take back where that was wanted, and tell it; the exit code."""
    try:
        tail = asyncio.run(do())
    except CannotRecover as error:
        print(f"{service}: {error}; nothing was changed", file=sys.stderr)
        return 1
    except (psycopg.Error, NatsError, JetStreamError, OSError, Unavailable) as error:
        # What a database says may name values; so it is the kind alone.
        print(f"{service}: {type(error).__name__}; nothing was changed", file=sys.stderr)
        return 1
    sys.stdout.write(orjson.dumps(told(tail, applied=wanted.apply), option=orjson.OPT_INDENT_2).decode() + "\n")
    return MISSING if tail.missing and not wanted.apply else 0


async def recovered(wanted: Wanted, conninfo: str, url: str, keeper: Keeper) -> Tail:
    """The tail as it was found, and taken back where that was wanted.

    :raises CannotRecover: something does not agree; :raises psycopg.Error, NatsError, JetStreamError, OSError: no answer.
    """
    client = Client()
    await client.connect(url, allow_reconnect=False, connect_timeout=5, **secured(url))
    try:
        database = await psycopg.AsyncConnection.connect(conninfo, autocommit=True, options="-c jit=off -c timezone=UTC")
        async with database:
            if wanted.apply:
                return await keeper.take_back(database, client, wanted.verifier)
            return await examined(database, client, keeper.service, wanted.verifier)
    finally:
        await client.close()


def told(tail: Tail, *, applied: bool) -> dict[str, object]:
    """What is told of a tail."""
    return {
        "service": tail.service,
        "store": tail.head,
        "stream": tail.last,
        "missing": tail.missing,
        "signed": tail.signed,
        "unsigned": tail.unsigned,
        "taken_back": tail.missing if applied else 0,
    }
