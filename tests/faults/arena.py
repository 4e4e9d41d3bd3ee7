"""On what is struck? The whole suite on real servers of its own, each a process that may be killed and comes back.

    async with Arena(folder, random) as arena:
        await arena.kill("postgres")
        await arena.recovered()

Whatever ends is started again after `RESTART_AFTER_S`, as a supervisor does, unless it is held down. All children are launched
from the thread that runs the loop, and end with it.
"""

import asyncio
import contextlib
import os
import socket
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Protocol, Self

from chassis.clients import Refused, RpcClient
from chassis.ending import ended
from congdoan.clients import Federation, contract_of, request_of
from congdoan.embedded.process import ChildProcess
from congdoan.embedded.server import ServerProcess, ServiceProcess, Supervised, wait_until_ready
from congdoan.issuer import operator
from congdoan.services import SERVICES
from congdoan.suite import Readiness, Suite
from federation.operations.v1 import operations_pb2
from tests.faults import federation

ROOT = Path(__file__).parents[2]
OPERATIONS = operations_pb2.DESCRIPTOR.services_by_name["OperationsService"]
RESTART_AFTER_S = 0.1
LOOK_EVERY_S = 0.02
DEADLINE_S = 300.0
"""How long anything may take before it counts as not recovered; on a machine that is far slower than any should be."""
FIRST_ATTEMPT_S, LONGEST_ATTEMPT_S = 2.0, 16.0
"""How long one call may take; twice as long as the one before, for a machine may be busy."""
ASKED_EVERY_S = 0.5


class NotRecovered(Exception):
    """Somebody did not come back, or does not catch up."""


class Fault(Protocol):
    """Something that happens to the suite."""

    @property
    def name(self) -> str:
        """Words joined by hyphens; it stands in the report."""

    async def strike(self, arena: "Arena", random: Random) -> int:
        """Strike, and put right what no supervisor puts right. Answers how often it really struck."""


@dataclass(frozen=True, slots=True)
class Recovery:
    """How long the last service stayed without an answer, and after how many seconds every follower had seen what was recorded
    by the first moment at which all had answered.
    """

    answered_s: float
    caught_up_s: float


class Servant(ServiceProcess):
    """A service whose environment is asked for at each launch; for once, another program may be started in its place."""

    def __init__(self, suite: "ArenaSuite", name: str, log: Path, health: str) -> None:
        self._usual: Sequence[str | Path] = [sys.executable, "-m", name, "serve"]
        self._suite, self.instead = suite, list[str]()
        super().__init__(name, self._usual, log=log, is_ready=Readiness(health), start_timeout_s=DEADLINE_S)

    def launch(self) -> None:
        if not self.running:
            self._argv, self.instead = [sys.executable, *self.instead] if self.instead else self._usual, []
            self._env = self._suite.environment(self.name)
            super().launch()


class ArenaSuite(Suite):
    """A suite of which single services may be told something else."""

    laid_over: Callable[[str], Mapping[str, str]]

    def environment(self, name: str) -> dict[str, str]:
        python = ":".join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH", ""))))
        return {**super().environment(name), "PYTHONPATH": python, **self.laid_over(name)}

    def start_services(self, supervisor: Any) -> None:
        supervisor.start(*(Servant(self, name, self._log_of(name), self._health_ports[name].address) for name in SERVICES))


class Keeper:
    """Keeps children alive."""

    def __init__(self) -> None:
        self.children: dict[str, Supervised] = {}
        self.held: set[str] = set()
        self.deaths: list[tuple[str, int | None]] = []
        self._due: dict[str, float] = {}

    def start(self, *children: Supervised) -> None:
        """Launch these, and return when each is ready."""
        for child in children:
            self.children[child.name] = child
            child.launch()
        for child in children:
            wait_until_ready(child)

    async def keep(self) -> None:
        """Start again what has ended."""
        while True:
            for name, child in self.children.items():
                if name not in self.held and not child.running:
                    self._revive(name, child)
            await asyncio.sleep(LOOK_EVERY_S)

    def _revive(self, name: str, child: Supervised) -> None:
        now = time.monotonic()
        if name not in self._due:
            self.deaths.append((name, child.exit_code))
            self._due[name] = now + RESTART_AFTER_S
        elif now >= self._due[name]:
            del self._due[name]
            with contextlib.suppress(OSError):  # it is tried again
                child.launch()

    def end(self) -> None:
        """Kill them all."""
        while self.children:
            self.children.popitem()[1].kill()


class Arena:
    """The suite, on servers of its own in a folder.

    :param random: of what the arena itself draws.
    :param environment: variables laid over those of a service, asked for at each launch.
    """

    def __init__(self, folder: Path, random: Random, environment: Callable[[str], Mapping[str, str]] = lambda name: {}) -> None:
        self.folder, self.random = folder, random
        self.suite = ArenaSuite(folder / "data", folder)
        self.suite.laid_over = environment
        self.keeper = Keeper()
        self._stack = contextlib.AsyncExitStack()
        self._over: float | None = None
        self._asking: asyncio.Task[float] | None = None
        self._put_right = asyncio.Event()

    async def __aenter__(self) -> Self:
        try:
            self._stack.callback(self.keeper.end)
            self.suite.start_servers(self.keeper)  # type: ignore[arg-type]
            self._stack.enter_context(self.suite.certificates)
            await asyncio.to_thread(self.suite.prepare)
            self.suite.start_services(self.keeper)
            keeping = asyncio.create_task(self.keeper.keep())
            self._stack.callback(keeping.cancel)
            self.credentials = operator(self.suite.issuer, self.suite.certificates.authority_file, "en")
            self.federation = Federation(
                self.suite.targets, self.credentials, vouch=self.suite.issuer.token_source, wait_for_ready=True
            )
            self._stack.push_async_callback(self.federation.close)
            self.first_answers = await federation.establish(self.federation)
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await ended(self._asking)
        await self._stack.aclose()

    @property
    def nats(self) -> ServerProcess:
        """The NATS of the arena."""
        return self.suite.nats

    @property
    def postgres(self) -> ServerProcess:
        """The PostgreSQL of the arena."""
        return self.suite.postgres

    @property
    def services(self) -> dict[str, Servant]:
        """The services by name."""
        return {name: child for name, child in self.keeper.children.items() if isinstance(child, Servant)}

    @property
    def deaths(self) -> list[tuple[str, int | None]]:
        """What has ended so far, with its exit code (negative: the signal)."""
        return self.keeper.deaths

    # -- striking ------------------------------------------------------------------------------------------------------

    async def kill(self, name: str) -> None:
        """SIGKILL of a service or server; it is started again, and this returns when it is."""
        child, deaths = self.keeper.children[name], len(self.deaths)
        child.kill()
        await self.until(lambda: len(self.deaths) > deaths and child.running, f"{name} is not started again")

    @contextlib.asynccontextmanager
    async def held(self, name: str) -> AsyncIterator[None]:
        """A service or server is killed, and stays down until the block ends."""
        self.keeper.held.add(name)
        try:
            self.keeper.children[name].kill()
            yield
        finally:
            self.keeper.held.discard(name)
            self.keeper.children[name].launch()

    async def ready(self, name: str) -> None:
        """:raises NotRecovered: it is not up again in time."""
        await self.until(self.keeper.children[name].ready, f"{name} is not ready")

    async def until(self, holds: Callable[[], bool], why: str, deadline_s: float = DEADLINE_S) -> None:
        """:raises NotRecovered: it does not hold in time."""
        deadline = time.monotonic() + deadline_s
        while not holds():
            if time.monotonic() > deadline:
                raise NotRecovered(why)
            await asyncio.sleep(LOOK_EVERY_S)

    def fault_over(self) -> None:
        """From now on recovery is measured; for a fault that still tidies up after it is over, or waits until it is put right."""
        self._over = time.monotonic()
        self._put_right.clear()
        self._asking = asyncio.create_task(self._longest_without_answer(), name="asking")

    # -- watching ------------------------------------------------------------------------------------------------------

    async def recovered(self) -> Recovery:
        """Wait until every service has taken a command, or answered a question, and all followers have caught up.

        :raises NotRecovered: not in time.
        """
        if self._over is None:
            self.fault_over()
        asking, over = self._asking, self._over
        assert asking
        assert over
        self._over = self._asking = None
        self._put_right.set()
        answered_s = await asking
        await self.caught_up()
        return Recovery(answered_s, time.monotonic() - over)

    async def give_up(self) -> None:
        """Measure no recovery: what was struck did not come back."""
        asking, self._over, self._asking = self._asking, None, None
        await ended(asking)

    async def _longest_without_answer(self) -> float:
        """Ask every service again and again, and once more when all is put right; answers the longest wait for all of them.

        :raises NotRecovered: one does not answer in time.
        """
        longest, last = 0.0, False
        while not last:
            last, asked = self._put_right.is_set(), time.monotonic()
            await asyncio.gather(*(self._answers(name) for name in SERVICES))
            longest = max(longest, time.monotonic() - asked)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(ASKED_EVERY_S):
                    await self._put_right.wait()
        return longest

    async def caught_up(self) -> dict[str, int]:
        """Wait until whoever follows a history has seen its present head, the stream too; answers the heads.

        :raises NotRecovered: not in time.
        """
        heads = {name: status.head for name, status in (await self.statuses(wait=True)).items()}
        await asyncio.gather(*(self._has_seen(name, heads) for name in SERVICES))
        return heads

    async def statuses(self, *, wait: bool = False) -> dict[str, operations_pb2.GetStatusResponse]:
        """How far each service is; without those that do not answer now, unless they are waited for."""
        found = {name: await self._attempt(name, OPERATIONS, "GetStatus", {}, DEADLINE_S if wait else 0.0) for name in SERVICES}
        return {name: status for name, status in found.items() if status is not None}

    def metrics(self, service: str) -> str:
        """What a service tells of itself."""
        with urllib.request.urlopen(self.suite.metrics[service], timeout=10) as answer:
            return str(answer.read().decode())

    async def _answers(self, service: str) -> None:
        rpc, fields = federation.PROBES[service]
        answer = await self._attempt(service, contract_of(service, rpc), rpc, fields)
        if rpc in self.first_answers and answer != self.first_answers[rpc]:
            raise NotRecovered(f"{service} answered {rpc} otherwise than at first")

    async def _has_seen(self, service: str, heads: Mapping[str, int]) -> None:
        deadline = time.monotonic() + DEADLINE_S
        while True:
            left_s = deadline - time.monotonic()
            status = await self._attempt(service, OPERATIONS, "GetStatus", {}, left_s, heads)
            if status.published >= heads[service]:
                return
            if left_s < 0:
                raise NotRecovered(f"{service} has published {status.published} of {heads[service]}")
            await asyncio.sleep(LOOK_EVERY_S)

    async def _attempt(
        self,
        service: str,
        contract: Any,
        rpc: str,
        fields: Mapping[str, object],
        deadline_s: float = DEADLINE_S,
        at_least: Mapping[str, int] | None = None,
    ) -> Any:
        """Ask until there is an answer; by a new connection each time, which waits for nothing an earlier one has met.

        :raises NotRecovered: there is none in time.
        """
        deadline, request = time.monotonic() + deadline_s, request_of(contract, rpc, fields)
        attempt_s = FIRST_ATTEMPT_S
        while True:
            # What is not there is not waited for: the call would be repeated at longer and longer times.
            while time.monotonic() < deadline and not _listens(self.suite.targets[service]):
                await asyncio.sleep(LOOK_EVERY_S)
            client = RpcClient(self.suite.targets[service], contract, self.credentials)
            try:
                return await client.call(rpc, request, at_least=at_least, timeout_s=attempt_s)
            except Refused as refused:
                if not deadline_s:
                    return None
                if time.monotonic() > deadline:
                    raise NotRecovered(f"{service} {rpc}: {refused}") from refused
            finally:
                await client.close()
            attempt_s = min(2 * attempt_s, LONGEST_ATTEMPT_S)
            await asyncio.sleep(LOOK_EVERY_S)


def _listens(address: str) -> bool:
    """Whether somebody takes connections there."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), 1.0).close()
    except OSError:
        return False
    return True


def child_of(arena: Arena, argv: Sequence[str | Path], log: Path) -> ChildProcess:
    """A program of the tests beside the arena."""
    python = ":".join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH", ""))))
    return ChildProcess([sys.executable, *argv], log=log, env={**os.environ, "PYTHONPATH": python}, cwd=ROOT)
