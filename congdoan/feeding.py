"""How does a sample come into a suite? Through the public API, in batches, many at once, and nothing twice."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from chassis.clients import Refused
from chassis.refusals import Status
from chassis.security import Role
from congdoan.clients import Federation, contract_of, request_of
from congdoan.sample import Sample, Sender, Step

BATCH = 500
IN_FLIGHT = 6
TIMEOUT_S = 60.0
PAGE = 1_000
REPEATS, PAUSE_S = 40, 0.5
"""How often commands are sent again that cannot be decided just now, and after how long."""


class SampleRefused(Exception):
    """A service refused a command of the sample: the sample and the rules do not agree."""


Positions = dict[str, int]
OnFed = Callable[[int], None]
"""Told how many more commands took effect."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Commands of one kind and one sender that may be sent at once; the sender is None for the operator who feeds."""

    service: str
    rpc: str
    sender: Sender | None
    items: Sequence[Step]


async def is_fed(federation: Federation, sample: Sample) -> bool:
    """Whether a suite has the whole sample, by the one thing that is there only after all of it."""
    seal, after = sample.seal, ""
    try:
        while True:
            page = {"size": PAGE, "after": after}
            found = await federation.call("membership", "ListPlanItems", {"unit": seal.unit, "year": seal.year, "page": page})
            if any(item.item_id == str(seal.item_id) and item.completed_on for item in found.items):
                return True
            if not (after := found.next):
                return False
    except Refused as refused:
        if refused.transient:
            raise
        return False  # not even the unit is there


async def feed(federation: Federation, sample: Sample, on_fed: OnFed = lambda count: None) -> Positions:
    """Send every command, stage after stage; repeated, it changes nothing. Answers the last positions by service.

    A stage tells the services what those before it were answered, so each has seen what it builds on.

    :raises SampleRefused: a command is refused; :raises Refused: a whole batch is.
    """
    positions: Positions = {}
    for stage in sample.stages:
        seen, limit = dict(positions), asyncio.Semaphore(IN_FLIGHT)

        async def send(batch: Batch, seen: Positions = seen, limit: asyncio.Semaphore = limit) -> None:
            async with limit:
                position = await _send(federation, batch, seen)
            positions[batch.service] = max(position, positions.get(batch.service, 0))
            on_fed(len(batch.items))

        try:
            async with asyncio.TaskGroup() as group:
                for batch in batches(stage):
                    group.create_task(send(batch))
        except ExceptionGroup as refusals:
            raise refusals.exceptions[0] from None
    return positions


def batches(stage: Iterable[Step]) -> Iterator[Batch]:
    """The commands of a stage by their kind and sender, not too many in one."""
    kinds: dict[tuple[str, str, Sender | None], list[Step]] = defaultdict(list)
    for step in stage:
        kinds[step.service, step.rpc, step.sender].append(step)
    for (service, rpc, sender), steps in kinds.items():
        for start in range(0, len(steps), BATCH):
            yield Batch(service, rpc, sender, steps[start : start + BATCH])


async def _send(federation: Federation, batch: Batch, seen: Positions) -> int:
    contract, sender = contract_of(batch.service, batch.rpc), batch.sender
    items = [request_of(contract, batch.rpc, step.fields) for step in batch.items]
    caller = federation.acting_as(sender.subject, Role[sender.role.upper()], sender.unit) if sender else federation
    for _ in range(REPEATS):
        answers = await caller.call(batch.service, f"Batch{batch.rpc}", {"items": items}, timeout_s=TIMEOUT_S, at_least=seen)
        # What was answered is answered the same again, so the whole batch may be repeated for one that waits.
        if not any(item.refusal.status == Status.UNAVAILABLE.value for item in answers.items):
            break
        await asyncio.sleep(PAUSE_S)
    for step, item in zip(batch.items, answers.items, strict=True):
        if item.HasField("refusal"):
            raise SampleRefused(_told(step, item.refusal))
    return max(int(item.answer.position) for item in answers.items)


def _told(step: Step, refusal: Any) -> str:
    field = f" [{refusal.field}]" if refusal.field else ""
    return f"{step.service} {step.rpc} {step.fields['command_id']}: {refusal.rule}{field}: {refusal.message}"
