"""What does a history say, in figures that can be compared years later? Events, read models, streams, the year."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any

import psycopg
from google.protobuf.json_format import MessageToDict

from chassis.projector import Projection
from chassis.read_models import ReadModel
from chassis.service import Service
from chassis.store import COLUMNS
from congdoan.embedded import EmbeddedNats
from tests.connected.example import announced, connected
from tests.serving import Suite

YEAR, UNITS = 2024, ("tld", "bac", "trung", "nam")
Told = dict[str, Any]


def digest_of(rows: Iterable[object]) -> str:
    """SHA-256 over rows, each as a line of JSON."""
    found = sha256()
    for row in rows:
        found.update(json.dumps(row, default=_plain, ensure_ascii=False).encode() + b"\n")
    return found.hexdigest()


def _plain(value: object) -> str:
    return value.hex() if isinstance(value, bytes | memoryview) else str(value)


def events_told(conninfo: str) -> Told:
    """How many events of each topic and schema version there are, and a digest of everything that stands of them."""
    query = f"select {COLUMNS} from events"
    with psycopg.connect(conninfo, options="-c timezone=UTC") as connection:
        rows = connection.execute(f"{query} order by position".encode()).fetchall()
        answers = connection.execute("select command_id, fingerprint, position from commands order by 1").fetchall()
    kinds = Counter(f"{row[3]}/{json.loads(row[4])['schema_version']}" for row in rows)
    return {"events": len(rows), "sha256": digest_of(rows), "kinds": dict(sorted(kinds.items())), "commands": digest_of(answers)}


def read_models_of(service: Service) -> list[ReadModel[Any]]:
    """Every read model of a service."""
    return [follower.effect.model for follower in service._followers if isinstance(follower.effect, Projection)]


def rows_told(conninfo: str, model: ReadModel[Any]) -> Told:
    """How many rows a read model has, and a digest of them."""
    query = f"select {', '.join(model.columns)} from {model.table} order by {', '.join(model.key)}"
    with psycopg.connect(conninfo, options="-c timezone=UTC") as connection:
        rows = connection.execute(query.encode()).fetchall()
    return {"rows": len(rows), "sha256": digest_of(rows)}


async def stream_told(nats: EmbeddedNats, service: str) -> Told:
    """How many messages the stream of a service holds, and a digest of them as they travel."""
    async with connected(nats.url) as connection:
        messages = await announced(connection.client, service)
    told = [(message.subject, _own(message.headers or {}), message.data) for message in messages]
    return {"messages": len(told), "sha256": digest_of(told)}


def _own(headers: Mapping[str, str]) -> dict[str, str]:
    """Without what the server is told for the moment of publishing."""
    return {name: value for name, value in sorted(headers.items()) if not name.startswith("Nats-")}


async def figures_told(suite: Suite, as_of: str) -> Told:
    """The year's figures of some units, as of a day: by each service, and derived again by audit."""
    return {
        f"{service}/{unit}": MessageToDict(await suite.call(service, "GetFigures", unit=unit, year=YEAR, as_of=as_of))
        for service in suite.services
        for unit in UNITS
    }
