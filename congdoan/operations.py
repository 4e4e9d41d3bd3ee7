"""What does an operator ask of all services at once: what lies aside, how far has each read model come?"""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from congdoan.clients import Federation
from federation.operations.v1.operations_pb2 import FOLLOWER_KIND_READ_MODEL

PAGE = 1_000


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An event that a follower could not take, or that waits for one; never its content."""

    service: str
    follower: str
    source: str
    position: int
    aggregate_id: str
    topic: str
    reason: str
    waits_for: int | None
    parked_at: str

    @property
    def document(self) -> dict[str, object]:
        """As JSON knows it."""
        return asdict(self)

    @property
    def row(self) -> Sequence[object]:
        """As a table shows it."""
        waits_for = "" if self.waits_for is None else self.waits_for
        return self.service, self.follower, self.source, self.position, self.topic, waits_for, self.reason


@dataclass(frozen=True, slots=True)
class Stale:
    """An aggregate of which a follower shows, or has done, only what came before an event that lies aside."""

    service: str
    follower: str
    kind: str
    """``read_model`` or ``reaction``."""
    source: str
    aggregate_id: str
    since: str
    first: int
    waiting: int
    reason: str

    @property
    def document(self) -> dict[str, object]:
        """As JSON knows it."""
        return asdict(self)

    @property
    def row(self) -> Sequence[object]:
        """As a table shows it."""
        return (
            self.service,
            self.follower,
            self.aggregate_id,
            self.since,
            f"{self.source}/{self.first}",
            self.waiting,
            self.reason,
        )


@dataclass(frozen=True, slots=True)
class Replayed:
    """What became of the dead letters of a follower."""

    service: str
    follower: str
    taken: int
    parked: int

    @property
    def document(self) -> dict[str, object]:
        """As JSON knows it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class ReadModelStatus:
    """How far a read model has come; `lag` is None while the head of its source is not known."""

    service: str
    name: str
    version: int
    source: str
    position: int
    lag: int | None

    @property
    def document(self) -> dict[str, object]:
        """As JSON knows it."""
        return asdict(self)

    @property
    def row(self) -> Sequence[object]:
        """As a table shows it."""
        return self.service, self.name, self.version, self.source, self.position, "–" if self.lag is None else self.lag


async def dead_letters(federation: Federation) -> list[DeadLetter]:
    """Everything that lies aside, anywhere.

    :raises Refused: a service does not answer.
    """
    found = await asyncio.gather(*(_dead_letters_of(federation, service) for service in federation.services))
    return [letter for letters in found for letter in letters]


def stale(letters: Sequence[DeadLetter], read_models: Collection[tuple[str, str]]) -> list[Stale]:
    """Which aggregates are shown as they were, by whom, and since when: since the first of their events was put aside.

    :param read_models: service and name of each; all other followers are reactions.
    """
    queues: dict[tuple[str, str, str], list[DeadLetter]] = {}
    for letter in letters:
        queues.setdefault((letter.service, letter.follower, letter.aggregate_id), []).append(letter)
    found = []
    for (service, follower, aggregate_id), queue in queues.items():
        first = min(queue, key=lambda letter: letter.position)
        kind = "read_model" if (service, follower.removesuffix(".beside")) in read_models else "reaction"
        where = (first.source, aggregate_id, first.parked_at, first.position)
        found.append(Stale(service, follower, kind, *where, len(queue), first.reason))
    return found


async def dead_letters_and_stale(federation: Federation) -> tuple[list[DeadLetter], list[Stale]]:
    """Everything that lies aside, anywhere, and what is stale because of it.

    :raises Refused: a service does not answer.
    """
    letters, models = await asyncio.gather(dead_letters(federation), read_models(federation))
    return letters, stale(letters, {(model.service, model.name) for model in models})


async def replay(federation: Federation, follower: str | None = None) -> list[Replayed]:
    """Offer again what lies aside before one follower, or before all.

    :raises Refused: a service does not answer.
    """
    waiting = dict.fromkeys((letter.service, letter.follower) for letter in await dead_letters(federation))
    wanted = [(service, name) for service, name in waiting if follower in (None, name, f"{service}/{name}")]
    answers = [await federation.operate(service, "ReplayDeadLetters", follower=name) for service, name in wanted]
    return [Replayed(service, name, answer.taken, answer.parked) for (service, name), answer in zip(wanted, answers, strict=True)]


async def read_models(federation: Federation) -> list[ReadModelStatus]:
    """Every read model of every service.

    :raises Refused: a service does not answer.
    """
    statuses = await asyncio.gather(*(federation.operate(service, "GetStatus") for service in federation.services))
    return [
        ReadModelStatus(
            service,
            follower.name,
            follower.version,
            follower.source,
            follower.position,
            follower.lag if follower.HasField("lag") else None,
        )
        for service, status in zip(federation.services, statuses, strict=True)
        for follower in status.followers
        if follower.kind == FOLLOWER_KIND_READ_MODEL
    ]


async def _dead_letters_of(federation: Federation, service: str) -> list[DeadLetter]:
    letters: list[DeadLetter] = []
    after = ""
    while True:
        answer = await federation.operate(service, "ListDeadLetters", page={"size": PAGE, "after": after})
        letters.extend(_dead_letter(service, item) for item in answer.dead_letters)
        if not (after := answer.next):
            return letters


def _dead_letter(service: str, item: Any) -> DeadLetter:
    waits_for = item.waits_for if item.HasField("waits_for") else None
    where = (service, item.follower, item.source, item.position)
    return DeadLetter(*where, item.aggregate_id, item.topic, item.reason, waits_for, item.parked_at)
