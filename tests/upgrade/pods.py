"""How do two versions of one service run beside each other on this machine? Each as a process, at an address known before."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from chassis.settings import Settings
from congdoan.embedded import ServiceProcess, reserve_port
from congdoan.embedded.process import plain_environment
from congdoan.suite import Readiness
from tests.serving import PATIENCE_S, variables_of

TODAY: Sequence[Path] = ()
"""The sources of the checkout."""


def environment_of(settings: Settings, first_on_path: Sequence[Path] = TODAY, **more: str) -> dict[str, str]:
    """What a process of a service is told, and whose sources it runs."""
    path = os.pathsep.join([*map(str, first_on_path), *sys.path])
    return plain_environment(PYTHONPATH=path, **variables_of(settings), **more)


def commanded(name: str, environment: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """One step of a service, as a job runs it."""
    command = [sys.executable, "-m", name, *arguments]
    return subprocess.run(command, env=dict(environment), capture_output=True, text=True, check=False, timeout=PATIENCE_S)


class Place:
    """An address at which pods of a service live, one after the other."""

    def __init__(self, name: str, settings: Settings, folder: Path) -> None:
        self.name, self._settings, self._folder = name, settings, folder
        self._port, self._service_port, self._health = reserve_port(), reserve_port(), reserve_port()
        self.address = self._port.address

    @asynccontextmanager
    async def pod(self, first_on_path: Sequence[Path] = TODAY, **more: str) -> AsyncIterator["Pod"]:
        """A pod that is ready; at the end it is told to stop, unless it was before."""
        listening: dict[str, Any] = {
            "CONGDOAN_LISTEN": self.address,
            "CONGDOAN_SERVICE_LISTEN": self._service_port.address,
            "CONGDOAN_HEALTH_LISTEN": self._health.address,
            "CONGDOAN_INSTANCE": self.address.replace(".", "-").replace(":", "-"),
        }
        process = ServiceProcess(
            self.name,
            [sys.executable, "-m", self.name, "serve"],
            log=self._folder / f"{listening['CONGDOAN_INSTANCE']}.log",
            is_ready=Readiness(self._health.address),
            env=environment_of(self._settings, first_on_path) | listening | more,
            start_timeout_s=PATIENCE_S,
        )
        pod = Pod(process)
        try:
            await asyncio.to_thread(process.start)
            yield pod
        finally:
            await pod.stop()


class Pod:
    """A process of a service; whoever calls it goes on while it comes and goes."""

    def __init__(self, process: ServiceProcess) -> None:
        self._process = process

    async def stop(self) -> None:
        """Have it drain and end, as Kubernetes does."""
        await asyncio.to_thread(self._process.stop, PATIENCE_S)
