"""What does a caller see while pods are rolled? Run beside them: commands and questions, with the settings our clients have.

``python -m tests.deploy.load STOP_FILE SERVICE…``: commands to membership and questions to each service until the file is there;
then it tells what became of every call. ``TARGETS`` says where services are: ``dns:///{}:50051``.
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
PAUSE_S = 0.25


class Load:
    """Some callers at once, and how often each was answered."""

    def __init__(self, stop: Path, services: list[str]) -> None:
        self._credentials = Credentials(token=lambda: os.environ["TOKEN"], authority=Path(os.environ["AUTHORITY"]), language="en")
        self._membership = self._client("membership")
        self._asked = {service: self._client(service) for service in services}
        self._stop = stop
        self.answered = {"commands": 0, **dict.fromkeys(services, 0)}
        self.failed: list[str] = []
        self._seen: dict[str, int] = {}
        """What every answer must have seen, of whichever pod: the unit under which all others are."""

    def _client(self, service: str) -> RpcClient:
        described = importlib.import_module(f"federation.{service}.v1.{service}_pb2").DESCRIPTOR
        contract = described.services_by_name[f"{service.capitalize()}Service"]
        return RpcClient(os.environ["TARGETS"].format(service), contract, self._credentials)

    async def begin(self) -> None:
        """The unit under which all others are, when the services that are asked know it too."""
        self._seen = {"membership": await self._establish("tld", "")}
        async with asyncio.timeout(TIMEOUT_S):
            await asyncio.gather(*map(self._known, self._asked))

    async def _known(self, service: str) -> None:
        while True:
            try:
                return await self._ask(service)
            except Refused:
                await asyncio.sleep(0.2)

    async def go_on(self) -> None:
        """Call until told to stop."""
        asking = [self._repeat(service, lambda _, service=service: self._ask(service)) for service in self._asked]  # type: ignore[misc]
        await asyncio.gather(self._repeat("commands", self._next_unit), *asking)

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

    async def _establish(self, code: str, parent: str) -> int:
        fields: dict[str, Any] = {
            "unit": code,
            "name": code,
            "line_parent": parent,
            "level": 2 if parent else 1,
            "on": "2020-01-01",
        }
        request = membership_pb2.EstablishUnitRequest(command_id=str(uuid5(NAMES, code)), **fields)
        answer = await self._membership.call("EstablishUnit", request, timeout_s=TIMEOUT_S, at_least=self._seen)
        return int(answer.position)

    async def _ask(self, service: str) -> None:
        request = GetFiguresRequest(unit="tld", year=2024)
        await self._asked[service].call("GetFigures", request, timeout_s=TIMEOUT_S, at_least=self._seen)


async def main(stop: Path, services: list[str]) -> None:
    """Call, and tell."""
    load = Load(stop, services)
    await load.begin()
    print("begun", flush=True)
    await load.go_on()
    print(json.dumps({"answered": load.answered, "failed": load.failed}), flush=True)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2:]))
