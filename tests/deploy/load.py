"""What does a caller see while pods are rolled? Run beside them: commands and questions, with the settings our clients have.

``python -m tests.deploy.load STOP_FILE SERVICE``: commands to membership and questions to the service until the file is there;
then it tells what became of every call.
"""

import asyncio
import importlib
import json
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

from chassis.clients import Refused, RpcClient
from chassis.credentials import Credentials
from federation.contract.v1.contract_pb2 import GetFiguresRequest
from federation.membership.v1 import membership_pb2

NAMES = UUID("6a1d7b52-0a0c-4c8e-9a1b-6f8f7f0f1d5e")
TIMEOUT_S = 60.0
PAUSE_S = 0.05
MEMBERSHIP = membership_pb2.DESCRIPTOR.services_by_name["MembershipService"]


class Load:
    """Some callers at once, and how often each was answered."""

    def __init__(self, stop: Path, service: str) -> None:
        credentials = Credentials(token=lambda: os.environ["TOKEN"], authority=Path("/run/tls/ca.crt"), language="en")
        self._membership = RpcClient("dns:///membership:50051", MEMBERSHIP, credentials)
        described = importlib.import_module(f"federation.{service}.v1.{service}_pb2").DESCRIPTOR
        contract = described.services_by_name[f"{service.capitalize()}Service"]
        self._asked = RpcClient(f"dns:///{service}:50051", contract, credentials)
        self._stop = stop
        self.answered = {"commands": 0, "questions": 0}
        self.failed: list[str] = []

    async def begin(self) -> None:
        """The unit under which all others are, when the service that is asked knows it too."""
        await self._establish("tld", "")
        async with asyncio.timeout(TIMEOUT_S):
            while True:
                try:
                    return await self._ask()
                except Refused:
                    await asyncio.sleep(0.2)

    async def go_on(self) -> None:
        """Call until told to stop."""
        await asyncio.gather(self._repeat("commands", self._next_unit), self._repeat("questions", lambda _: self._ask()))

    async def _repeat(self, what: str, call: Callable[[int], Awaitable[None]]) -> None:
        while not self._stop.exists():
            try:
                await call(self.answered[what])
                self.answered[what] += 1
            except Refused as refused:
                self.failed.append(f"{what}: {refused} {refused.rule}")
            await asyncio.sleep(PAUSE_S)

    async def _next_unit(self, number: int) -> None:
        await self._establish(f"unit-{number}", "tld")

    async def _establish(self, code: str, parent: str) -> None:
        fields: dict[str, Any] = {
            "unit": code,
            "name": code,
            "line_parent": parent,
            "level": 2 if parent else 1,
            "on": "2020-01-01",
        }
        request = membership_pb2.EstablishUnitRequest(command_id=str(uuid5(NAMES, code)), **fields)
        await self._membership.call("EstablishUnit", request, timeout_s=TIMEOUT_S)

    async def _ask(self) -> None:
        await self._asked.call("GetFigures", GetFiguresRequest(unit="tld", year=2024), timeout_s=TIMEOUT_S)


async def main(stop: Path, service: str) -> None:
    """Call, and tell."""
    load = Load(stop, service)
    await load.begin()
    print("begun", flush=True)
    await load.go_on()
    print(json.dumps({"answered": load.answered, "failed": load.failed}), flush=True)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
