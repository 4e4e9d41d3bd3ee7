"""How is the load run beside the faults? Processes of clients, each with a history; told to end, they settle what is open."""

import asyncio
import contextlib
import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from random import Random
from typing import Any, Self

import orjson

from congdoan.embedded.process import ChildProcess
from tests.faults.arena import DEADLINE_S, Arena, NotRecovered, child_of
from tests.faults.load import Plan

LOOK_EVERY_S = 0.05
SETTLE_S = 420.0
"""How long the outcome of a command may stay unknown, the fault included: one keeps everybody from NATS for three minutes."""


class LoadFailed(Exception):
    """A process of the load ended as it should not; the message holds the end of its log."""


class Running:
    """The load, as long as the block lasts."""

    def __init__(
        self, arena: Arena, random: Random, folder: Path, *, processes: int, clients: int, batch: int, pause_s: float
    ) -> None:
        self._arena, self._folder = arena, folder
        folder.mkdir(parents=True, exist_ok=True)
        self._stop = folder / "stop"
        self.histories = [folder / f"history-{number}.jsonl" for number in range(processes)]
        suite = arena.suite
        self._plans = [
            Plan(
                str(random.random()), clients, batch, pause_s, SETTLE_S, str(suite.data), str(suite.certificates.authority_file),
                suite.targets, str(history), str(history.with_suffix(".progress")), str(self._stop),
            )
            for history in self.histories
        ]  # fmt: skip
        self._children: list[ChildProcess] = []

    async def __aenter__(self) -> Self:
        for plan in self._plans:
            file = Path(plan.history).with_suffix(".plan")
            file.write_bytes(orjson.dumps(asdict(plan)))
            self._children.append(child_of(self._arena, ["-m", "tests.faults.load", file], file.with_suffix(".log")))
        return self

    async def __aexit__(self, kind: type[BaseException] | None, raised: BaseException | None, trace: object) -> None:
        try:
            if kind is None:
                await self.ended()
        finally:
            for child in self._children:
                child.kill()

    async def ended(self) -> None:
        """Have it begin nothing new, and wait until everything is settled.

        :raises LoadFailed: it does not end well.
        """
        self._stop.touch()
        deadline = time.monotonic() + SETTLE_S + DEADLINE_S
        while any(child.running for child in self._children):
            self._look()
            if time.monotonic() > deadline:
                raise LoadFailed("the load does not end")
            await asyncio.sleep(LOOK_EVERY_S)
        self._look()

    def _look(self) -> None:
        for child in self._children:
            if child.returncode:
                raise LoadFailed(f"the load ended with {child.returncode}:\n{child.log_tail()}")

    @property
    def over(self) -> bool:
        """Whether it has ended by itself."""
        return not any(child.running for child in self._children)

    @property
    def told(self) -> dict[str, Any]:
        """What its processes counted, together."""
        found: Counter[str] = Counter()
        refusals: Counter[str] = Counter()
        for plan in self._plans:
            with contextlib.suppress(FileNotFoundError):
                counted = orjson.loads(Path(plan.progress).read_bytes())
                refusals.update(counted.pop("refusals"))
                found.update(counted)
        return {**found, "refusals": refusals}

    @property
    def acknowledged(self) -> int:
        """Commands taken so far."""
        return int(self.told.get("acknowledged", 0))

    async def until(self, acknowledged: int) -> None:
        """Wait for so many more acknowledgements, or the end of the load.

        :raises NotRecovered: nothing is acknowledged any more.
        """
        wanted, before = self.acknowledged + acknowledged, -1
        deadline = time.monotonic() + DEADLINE_S
        while (now := self.acknowledged) < wanted and not self.over:
            self._look()
            if now > before:
                before, deadline = now, time.monotonic() + DEADLINE_S
            if time.monotonic() > deadline:
                raise NotRecovered(f"nothing was acknowledged for {DEADLINE_S:g} s, after {now}")
            await asyncio.sleep(LOOK_EVERY_S)
