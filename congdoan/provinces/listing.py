"""Who was granted a branch, who is there now, and how far behind is each reader?"""

from collections.abc import AsyncIterator, Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from nats.aio.client import Client

from chassis.streams import NOT_FOUND, JetStreamError
from congdoan.provinces import branch_streams
from congdoan.provinces.configuration import BRANCH
from congdoan.provinces.grants import Grant, Limits
from congdoan.provinces.hub import Hub, monitored, server_id

OPEN, CLOSED = 0, 1
SHOWN_CONNECTIONS = 100
"""Of one branch: more than most limits let in; whoever is beyond is counted, and not looked at."""


@dataclass(frozen=True, slots=True)
class Reader:
    """A consumer of a branch's stream: how many events it was not given or has not acknowledged, and when it last did."""

    name: str
    lag: int
    last_active: datetime | None


@dataclass(frozen=True, slots=True)
class Status:
    """A branch as it is now.

    :param complete: False for a grant whose making, or end, was broken off; repeat the command.
    :param last_contact: as far as the server remembers, which begins with its start; None for never.
    :param events: in the branch's stream; None when there is none.
    :param behind: events that the hub's streams hold and the branch's does not yet.
    """

    code: str
    since: datetime
    complete: bool
    connections: int
    leaf_nodes: int
    last_contact: datetime | None
    events: int | None
    behind: int
    readers: tuple[Reader, ...]
    limits: Limits

    @property
    def lag(self) -> int | None:
        """Of the reader that is furthest behind; None without a reader."""
        return max((reader.lag for reader in self.readers), default=None)

    @property
    def document(self) -> dict[str, Any]:
        """For a program."""
        return {**asdict(self), "lag": self.lag}


async def statuses(hub: Hub) -> AsyncIterator[Status]:
    """Every granted branch, by code, one after the other.

    :raises HubUnavailable: the server does not answer.
    """
    async with hub.system() as system, hub.services() as services:
        server = await server_id(system)
        for granted in hub.grants.all():
            yield await _status(system, services, server, granted)


async def _status(system: Client, services: Client, server: str, granted: Grant) -> Status:
    account = {"acc": granted.entrance, "limit": SHOWN_CONNECTIONS}
    there = await monitored(system, server, "CONNZ", {**account, "state": OPEN})
    gone = await monitored(system, server, "CONNZ", {**account, "state": CLOSED, "sort": "stop", "limit": 1})
    leafs = await monitored(system, server, "LEAFZ", {"account": granted.entrance})
    readers = [reader async for reader in _readers(services, granted)]
    contacts = [
        *(connection.get("last_activity") for connection in there["connections"]),
        *(connection.get("stop") for connection in gone["connections"]),
    ]
    events, behind = await _filled(services, granted)
    return Status(
        code=granted.code,
        since=granted.since,
        complete=granted.complete and events is not None,
        connections=there["total"],
        leaf_nodes=leafs["leafnodes"],
        last_contact=max((*_times(contacts), *(each.last_active for each in readers if each.last_active)), default=None),
        events=events,
        behind=behind,
        readers=tuple(readers),
        limits=granted.limits,
    )


async def _readers(services: Client, granted: Grant) -> AsyncIterator[Reader]:
    """Page by page; the limits of the branch say how many there can be."""
    offset = 0
    while offset < granted.limits.consumers:
        try:
            page = await branch_streams.asked(services, granted.code, f"CONSUMER.LIST.{BRANCH}", {"offset": offset})
        except JetStreamError as error:
            if error.code != NOT_FOUND:
                raise
            return
        for found in page["consumers"] or ():
            last = _times((found["delivered"].get("last_active"), found["ack_floor"].get("last_active")))
            yield Reader(found["name"], found["num_pending"] + found["num_ack_pending"], max(last, default=None))
        offset += len(page["consumers"] or ())
        if not page["consumers"] or offset >= page["total"]:
            return


async def _filled(services: Client, granted: Grant) -> tuple[int | None, int]:
    found = await branch_streams.found(services, granted.code)
    if found is None:
        return None, 0
    return found["state"]["messages"], sum(source["lag"] for source in found["sources"])


def _times(told: Iterable[str | None]) -> list[datetime]:
    """Times as the server writes them: with nine digits after the second, of which datetime reads six."""
    return [datetime.fromisoformat(text) for text in told if text and not text.startswith("0001-")]
