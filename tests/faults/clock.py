"""What happens when clocks are wrong, by two days, forwards and back?

A service runs with a library under it that answers every question for the time of day with so much more or less as a file
says; what counts seconds goes on counting. So its clock can jump while it runs.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from random import Random

import grpc

from tests.faults.arena import Arena, Fault, NotRecovered
from tests.faults.credentials import OFFICER, told

JUMPS = (timedelta(days=2), timedelta(days=-2))
JUMPED_S = 3.0
SERVICES = ("membership", "notifications", "audit")
"""Whose clocks can jump: one that is called by the others, and two that follow."""


class Jumping:
    """A clock that is right, two days ahead or two days behind, by chance, each time it is asked."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self.back = 0
        """How often it was behind what it had said before."""
        self._said = datetime.min.replace(tzinfo=UTC)

    def __call__(self) -> datetime:
        now = datetime.now(UTC) + self._random.choice((timedelta(), *JUMPS))
        self.back += now < self._said
        self._said = now
        return now


class Clocks:
    """The clocks of some services, each with a file that says how wrong it is."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        for service in SERVICES:
            self.set(service, timedelta())

    def environment(self, service: str) -> dict[str, str]:
        """What a service is told so that its clock can jump."""
        if service not in SERVICES:
            return {}
        return {
            "LD_PRELOAD": str(library()),
            "FAKETIME_TIMESTAMP_FILE": str(self._file(service)),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_DONT_RESET": "1",
        }

    def set(self, service: str, ahead: timedelta) -> None:
        """Let a clock be so far ahead from now on."""
        unfinished = self._file(service).with_suffix(".new")
        unfinished.write_text(f"{ahead.total_seconds():+.0f}")
        unfinished.replace(self._file(service))

    def _file(self, service: str) -> Path:
        return self._folder / f"{service}.clock"


def library() -> Path:
    """The library that answers for the time of day."""
    found = find_spec("libfaketime")
    assert found is not None, "it is among the tools of development"
    assert found.origin
    return Path(found.origin).parent / "vendor/libfaketime/src/libfaketime.so.1"


@dataclass(frozen=True, slots=True)
class ClockJumps:
    """The clock of each service in turn jumps ahead and back while it runs: tokens are refused then, and nothing else is lost."""

    clocks: Clocks
    name: str = "clock-jumps"

    async def strike(self, arena: Arena, random: Random) -> int:
        """Answers how often a clock had jumped, which is shown by a token that is over, or of tomorrow.

        :raises NotRecovered: a good token is let in by a clock that is two days wrong, or refused in another way.
        """
        struck = 0
        try:
            for service in SERVICES:
                for jump in random.sample(JUMPS, len(JUMPS)):
                    self.clocks.set(service, jump)
                    status, rule = await told(arena, arena.suite.issuer.issue(*OFFICER), None, service)
                    if status is not grpc.StatusCode.UNAUTHENTICATED or not rule:
                        raise NotRecovered(f"{service} with a clock that is wrong by {jump}: {status} {rule}")
                    struck += 1
                    await asyncio.sleep(JUMPED_S)
        finally:
            for service in SERVICES:
                self.clocks.set(service, timedelta())
        return struck


def faults(clocks: Clocks) -> Sequence[Fault]:
    """For an arena whose services were told of these clocks."""
    return [ClockJumps(clocks)]
