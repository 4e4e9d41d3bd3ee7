"""What do clients do meanwhile? Commands alone and by the hundred, repetitions, races, what rules forbid, and questions.

``python -m tests.faults.load FILE``: a process of several clients with the settings that are documented for all of them, until
the stop file is there. What was sent and answered goes to the history; a command whose outcome is not known is sent again under
its id until it is.
"""

import asyncio
import os
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import grpc
import orjson
import uvloop
from google.protobuf.message import Message

from chassis.clients import TRANSIENT, Refused, RpcClient
from chassis.credentials import Credentials, Token
from chassis.security import Role
from congdoan.clients import contract_of
from congdoan.issuer import Issuer
from tests.faults.history import Lines
from tests.faults.lane import Item, Lane

TIMEOUT_S = 10.0
PAUSES_S = (0.1, 0.2, 0.4, 0.8)
TELL_EVERY_S = 0.2
NICE = 10
"""Clients live on other machines: here they must not take the time that a service needs to come back."""
STATUSES = {status.value[0]: status.name for status in grpc.StatusCode}
OPEN_STATUSES = {*(status.name for status in TRANSIENT), "ABORTED"}
"""After these the outcome is not known, or the command may be taken the next time."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a process of the load is told."""

    seed: str
    clients: int
    batch: int
    """How many commands go together."""
    pause_s: float
    """Between two waves of a client."""
    settle_s: float
    """How long an outcome may stay unknown."""
    data: str
    authority: str
    targets: dict[str, str]
    history: str
    progress: str
    stop: str


class Load:
    """The clients of one process."""

    def __init__(self, plan: Plan, history: Lines) -> None:
        self.plan, self.history = plan, history
        self.counts: Counter[str] = Counter()
        self.refusals: Counter[str] = Counter()
        self._issuer = Issuer.of(Path(plan.data))
        self._tokens: dict[tuple[str, str], Token] = {}
        self._random = Random(plan.seed)

    @property
    def over(self) -> bool:
        """Whether nothing new is begun."""
        return Path(self.plan.stop).exists()

    async def run(self) -> None:
        """Until the end, with everything settled."""
        telling = asyncio.create_task(self._tell())
        lanes = [
            Lane(Client(self), number, Random(self._random.random()), self.plan.batch) for number in range(self.plan.clients)
        ]
        try:
            await asyncio.gather(*(self._go_on(lane) for lane in lanes))
        finally:
            telling.cancel()
            await asyncio.gather(*(lane.client.close() for lane in lanes))
        self._write()

    async def _go_on(self, lane: Lane) -> None:
        while not self.over:
            await lane.wave()
            await asyncio.sleep(self.plan.pause_s)

    def token(self, subject: str, unit: str) -> Token:
        """Of a province's officer; one for all who are the same."""
        if (subject, unit) not in self._tokens:
            self._tokens[subject, unit] = self._issuer.token_source(subject, Role.PROVINCE_OFFICER, unit)
        return self._tokens[subject, unit]

    async def _tell(self) -> None:
        while True:
            await asyncio.sleep(TELL_EVERY_S)
            self._write()

    def _write(self) -> None:
        target = Path(self.plan.progress)
        beside = target.with_suffix(".new")
        beside.write_bytes(orjson.dumps({**self.counts, "refusals": dict(self.refusals)}))
        beside.rename(target)


class Client:
    """One client: a connection of its own to each service."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self._credentials = Credentials(authority=Path(load.plan.authority), language="en")
        self._clients: dict[str, RpcClient] = {}

    def _to(self, service: str, rpc: str) -> RpcClient:
        contract = contract_of(service, rpc)
        if contract.full_name not in self._clients:
            self._clients[contract.full_name] = RpcClient(self.load.plan.targets[service], contract, self._credentials)
        return self._clients[contract.full_name]

    async def close(self) -> None:
        """Close every connection."""
        await asyncio.gather(*(client.close() for client in self._clients.values()))

    async def ask(self, service: str, rpc: str, request: Message, who: tuple[str, str], seen: dict[str, int]) -> Any:
        """A question that must have seen some positions; None when it cannot be answered just now."""
        with suppress(Refused):
            client, token = self._to(service, rpc), self.load.token(*who)
            return await client.call(rpc, request, timeout_s=TIMEOUT_S, at_least=seen, token=token)
        return None

    async def send(
        self, service: str, rpc: str, items: Sequence[Item], who: tuple[str, str], seen: dict[str, int] | None = None
    ) -> list[Item]:
        """Send commands of one kind, several in one batch, until each is settled; answers those that were taken."""
        counts, until = self.load.counts, time.monotonic() + self.load.plan.settle_s
        for item in items:
            if item.answer is None:
                self._note("invoke", service, item, **({"forbidden": True} if item.forbidden else {}))
                counts["sent"] += 1
        left, attempt = list(items), 0
        while left:
            left = await self._attempt(service, rpc, left, who, seen)
            if left and time.monotonic() > until:
                counts["unsettled"] += len(left)
                break
            if left:
                await asyncio.sleep(PAUSES_S[min(attempt, len(PAUSES_S) - 1)])
            attempt += 1
        return [item for item in items if item.answer]

    async def _attempt(
        self, service: str, rpc: str, items: list[Item], who: tuple[str, str], seen: dict[str, int] | None
    ) -> list[Item]:
        """Send once; answers those whose outcome is not known."""
        client, alone = self._to(service, f"Batch{rpc}"), len(items) == 1
        send, request = (rpc, items[0].request) if alone else (f"Batch{rpc}", batch_of(items))
        try:
            answer = await client.call(send, request, timeout_s=TIMEOUT_S, at_least=seen, token=self.load.token(*who))
        except Refused as refused:
            return [item for item in items if self._not_taken(service, item, refused.status.name, refused.rule)]
        answers = [answer] if alone else [one.answer if one.HasField("answer") else one.refusal for one in answer.items]
        return [item for item, one in zip(items, answers, strict=True) if self._answered(service, item, one)]

    def _answered(self, service: str, item: Item, answer: Any) -> bool:
        if hasattr(answer, "rule"):
            return self._not_taken(service, item, STATUSES[answer.status], answer.rule)
        told = {"aggregate": answer.aggregate_id, "version": answer.version, "position": answer.position}
        self._note("ok", service, item, **told, **({"race": item.race} if item.race else {}))
        counts = self.load.counts
        counts["repeated" if item.answer else "acknowledged"] += 1
        counts["settled"] += item.unknown
        item.answer, item.unknown = answer, False
        return False

    def _not_taken(self, service: str, item: Item, status: str, rule: str) -> bool:
        """Note it, and say whether the outcome is still open."""
        counts = self.load.counts
        if status in OPEN_STATUSES:
            counts["unknown"] += not item.unknown
            item.unknown = True
            self._note("info", service, item, status=status, rule=rule)
            return True
        counts["refused"] += 1
        counts["settled"] += item.unknown
        item.unknown = False
        if not item.forbidden and not item.race:
            self.load.refusals[f"{service} {rule or status}"] += 1
        self._note("fail", service, item, status=status, rule=rule)
        return False

    def _note(self, op: str, service: str, item: Item, **more: Any) -> None:
        self.load.history.write(op=op, id=item.id, service=service, at=time.monotonic(), **more)

    def saw(self, service: str, position: int, found: int) -> None:
        """A question was answered, and knew of everything until `found` of the caller's own."""
        self.load.counts["questions"] += 1
        self.load.history.write(op="read", id="", service=service, position=position, found=found)


def batch_of(items: Sequence[Item]) -> Message:
    """The request of the batch."""
    single = items[0].request
    module = sys.modules[type(single).__module__]
    batch: Message = getattr(module, f"Batch{type(single).__name__}")(items=[item.request for item in items])
    return batch


async def main(plan: Plan) -> None:
    """Be the process."""
    os.nice(NICE)
    with Lines(Path(plan.history)) as history:
        await Load(plan, history).run()


if __name__ == "__main__":
    uvloop.run(main(Plan(**orjson.loads(Path(sys.argv[1]).read_bytes()))))
