"""What stands in a schedule, how is it struck, and who asks what of it?"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from unittest.mock import patch
from uuid import UUID

from chassis import nats_client, publisher, streams
from chassis.application import Outcome
from chassis.commands import Call
from chassis.refusals import DeadlinePassed, Overloaded, Refusal, Unavailable
from tests.simulation.bus import Bus, Stream
from tests.simulation.bus_client import Client
from tests.simulation.connection import Connecting
from tests.simulation.database import Database
from tests.simulation.errands import Errand
from tests.simulation.faults import SERVICES, Climate, Fault
from tests.simulation.nodes import Node, PersonKeys
from tests.simulation.virtual_loop import Process, VirtualLoop
from tests.simulation.weather import Weather

BEGINNING = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)
RESTART_S = 0.3
AGAIN_S = (0.05, 0.4)
PASSING = (Unavailable, Overloaded, DeadlinePassed)


class NoAnswer(Exception):
    """Nobody knows what became of a call."""


class World:
    """The services, their databases, the bus, and the faults of one seed."""

    def __init__(self, seed: object, climate: Climate, trace: list[str] | None = None) -> None:
        self.loop = VirtualLoop(Random(f"{seed}/order"))  # type: ignore[abstract]  # of what it has not, nothing is asked
        self.random = Random(f"{seed}/chance")
        self.weather = Weather(Random(f"{seed}/weather"), climate.rates)
        self.climate, self.trace = climate, trace
        self.databases = {name: Database(name, self.loop, self.weather) for name in SERVICES}
        self.bus = Bus(self.loop, self.weather)
        self.keys = PersonKeys(Random(f"{seed}/keys"))
        self.connecting = Connecting(self.databases)
        self.nodes: dict[str, list[Node]] = {name: [] for name in SERVICES}
        self.history: list[dict[str, Any]] = []
        """What clients asked and were told; see :mod:`tests.faults.history`."""
        self.answered: list[Errand] = []
        """Commands that were answered, to be asked again."""
        self.unknown: dict[UUID, tuple[Errand, Any]] = {}
        self._skews: dict[str, timedelta] = {}
        self._started = 0

    def tell(self, what: str) -> None:
        """Say what happens, if somebody reads it."""
        if self.trace is not None:
            self.trace.append(f"{self.loop.time():9.4f}  {what}")

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Have the product meet this world where it looks for the real one."""
        with ExitStack() as stack:
            stack.enter_context(self.connecting.in_place())
            stack.enter_context(patch.object(nats_client, "Client", lambda: Client(self.bus)))
            ids = Random("batches")
            stack.enter_context(patch.object(publisher, "uuid4", lambda: UUID(int=ids.getrandbits(128))))
            try:
                yield
            finally:
                self.loop.end()

    def clock(self, process: Process) -> Callable[[], datetime]:
        """The recorded time of a process, which faults set wrong."""
        service = process.name.partition("-")[0]
        return lambda: BEGINNING + timedelta(seconds=self.loop.time()) + self._skews.get(service, timedelta())

    # Processes.

    def begin(self, templates: "World | None" = None) -> None:
        """Make streams and databases, or take them over as another world left them, and start every process."""
        for name, database in self.databases.items():
            if templates:
                database.take_over(templates.databases[name])
            configuration = streams.stream_of(name).configuration
            messages = list(templates.bus.streams[f"FEDERATION_{name.upper()}"].messages) if templates else []
            self.bus.streams[streams.stream_name(name)] = Stream(dict(configuration), messages)
        for name in SERVICES:
            for number in range(self.climate.processes):
                self.start(name, number)

    def start(self, service: str, number: int) -> None:
        """Start a process, in the place of one that ended."""
        self._started += 1
        process = self.loop.process(f"{service}-{number}-{self._started}")
        node = process.context.run(Node, self, service, process)
        self.nodes[service][number : number + 1] = [node]
        self.tell(f"{process.name} starts")
        process.run(self._run(node), "main")

    async def _run(self, node: Node) -> None:
        while True:
            try:
                return await node.start()
            except Exception as error:
                # What the platform does with a process that ends: it starts another one.
                self.tell(f"{node.process.name} could not start: {error!r}")
                number = self.nodes[node.service].index(node)
                self.loop.at_server(RESTART_S, self._restart, node.service, number, node)
                return None

    def _restart(self, service: str, number: int, ended: Node) -> None:
        if self.nodes[service][number] is ended:
            self.kill(ended)
            self.start(service, number)

    def kill(self, node: Node) -> None:
        """A process ends between two instructions."""
        if not node.process.alive:
            return
        self.tell(f"{node.process.name} is killed")
        node.process.crash()
        for database in self.databases.values():
            database.hang_up(node.process)
        for client in [client for client in self.bus.clients if client.process is node.process]:
            client.cut()
        for call in node.calls:
            if not call.done():
                self.loop.at_server(self.weather.latency(), _fail, call)

    # Faults.

    def strike(self, fault: Fault) -> None:
        """Have a fault strike now, and pass."""
        node = self.nodes[fault.service][min(fault.process, self.climate.processes - 1)]
        if not self._strikes(fault, node):
            return
        self.weather.struck[fault.kind] += 1
        self.tell(f"{fault.kind}: {node.process.name} for {fault.lasts_s:.2f} s")

    def _strikes(self, fault: Fault, node: Node) -> bool:
        later, name = self.loop.at_server, streams.stream_name(fault.service)
        database = self.databases[fault.service]
        match fault.kind:
            case "process killed" if node.process.alive:
                self.kill(node)
                later(fault.lasts_s, self._restart, fault.service, self.nodes[fault.service].index(node), node)
            case "process paused" if node.process.alive and not node.process.paused:
                node.process.pause()
                later(fault.lasts_s, node.process.resume)
            case "database killed" if database.up:
                database.kill()
                later(fault.lasts_s, setattr, database, "up", True)
            case "bus killed" if self.bus.up:
                self.bus.kill()
                later(fault.lasts_s, setattr, self.bus, "up", True)
            case "stream lost" if name in self.bus.streams:
                self.bus.lose_stream(name)
            case "end of a stream lost" if name in self.bus.streams and self.bus.streams[name].messages and self.bus.up:
                self.bus.kill()
                self.bus.lose_tail(name, 1 + self.random.randrange(min(4, len(self.bus.streams[name].messages))))
                later(fault.lasts_s, setattr, self.bus, "up", True)
            case "consumer deleted" if self.bus.streams.get(name) and self.bus.streams[name].consumers:
                self.bus.lose_consumer(name, self.random.choice(list(self.bus.streams[name].consumers)))
            case "recorded time jumps":
                self._skews[fault.service] = timedelta(days=self.random.choice((-2, 2)))
            case "connections of a process cut":
                for session in [session for session in database.sessions if session.process is node.process]:
                    session.end()
                for client in [client for client in self.bus.clients if client.process is node.process]:
                    client.cut()
            case _:
                return False
        return True

    def heal(self) -> None:
        """No fault strikes any more, and whatever was down comes back."""
        self.tell("the faults are over")
        self.weather.bad = False
        self.bus.up = True
        for database in self.databases.values():
            database.up = True
        for service, nodes in self.nodes.items():
            for number, node in enumerate(nodes):
                node.process.resume()
                if not node.process.alive:
                    self.start(service, number)

    # Calls.

    async def settle(self, errand: Errand, patience: int = 12) -> None:
        """Ask until every command of an errand is answered; what is not stays unknown."""
        open_commands = list(errand.commands)
        for command in open_commands:
            self.history.append({"op": "invoke", "id": str(command.command_id)})
        unsure = set[UUID]()
        for _ in range(patience):
            asked = Errand(errand.service, tuple(open_commands))
            if self.weather.strikes("call sent twice"):
                unsure |= {command.command_id for command in open_commands}
                self.loop.outside.run(self._once_more(asked), "sent twice")
            try:
                outcomes = await self.ask(asked)
            except NoAnswer:
                unsure |= {command.command_id for command in open_commands}
            else:
                open_commands = self._told(asked, outcomes, unsure)
            if not open_commands:
                return
            await asyncio.sleep(self.random.uniform(*AGAIN_S))
        for command in open_commands:
            self.unknown[command.command_id] = (errand, command)

    async def _once_more(self, errand: Errand) -> None:
        with suppress(NoAnswer):
            for command, outcome in zip(errand.commands, await self.ask(errand), strict=True):
                if not isinstance(outcome, Refusal):
                    self._acknowledged(errand.service, command, outcome)

    def _told(self, errand: Errand, outcomes: Sequence[Outcome], unsure: set[UUID]) -> list[Any]:
        """Note what came out; the commands that must be asked again."""
        again = []
        for command, outcome in zip(errand.commands, outcomes, strict=True):
            if not isinstance(outcome, Refusal):
                self._acknowledged(errand.service, command, outcome)
            elif isinstance(outcome, PASSING):
                # What was not possible in time may become true yet.
                unsure.add(command.command_id)
                again.append(command)
            elif command.command_id in unsure:
                # An earlier attempt may be on its way: what became of it is asked when everything is quiet.
                self.unknown[command.command_id] = (errand, command)
            else:
                self.history.append({"op": "fail", "id": str(command.command_id), "rule": outcome.rule})
        return again

    def _acknowledged(self, service: str, command: Any, answer: Any) -> None:
        self.answered.append(Errand(service, (command,)))
        self.history.append(
            {
                "op": "ok",
                "id": str(command.command_id),
                "service": service,
                "position": answer.position,
                "aggregate": str(answer.aggregate_id),
                "version": answer.version,
            }
        )

    async def ask(self, errand: Errand, node: Node | None = None) -> list[Outcome]:
        """Give one process an errand. :raises NoAnswer: whatever became of it."""
        node = node or self.random.choice(self.nodes[errand.service])
        lost, unanswered = self.weather.strikes("call lost before it arrived"), self.weather.strikes("answer of a call lost")
        deadline = self.random.choice((1.0, 3.0, 8.0)) if self.weather.bad else 30.0
        await asyncio.sleep(self.weather.latency())
        if lost or not node.ready or not node.process.alive:
            raise NoAnswer
        answer: asyncio.Future[list[Outcome]] = self.loop.create_future()
        node.calls.append(answer)
        node.process.run(self._serve(node, errand, deadline, answer, unanswered), "call")
        try:
            async with asyncio.timeout(deadline + 0.5):
                return await answer
        except TimeoutError:
            raise NoAnswer from None
        finally:
            node.calls.remove(answer)

    async def _serve(
        self, node: Node, errand: Errand, deadline: float, answer: asyncio.Future[list[Outcome]], unanswered: bool
    ) -> None:
        call = Call(node.caller)
        try:
            async with asyncio.timeout(deadline):
                outcomes = await node.application.execute_batch(call, errand.commands)
        except TimeoutError:
            outcomes = [DeadlinePassed() for _ in errand.commands]
        except Refusal as refusal:
            outcomes = [refusal for _ in errand.commands]
        except Exception as error:
            self.loop.failures.append(f"INTERNAL: {type(errand.commands[0]).__name__}: {error!r}")
            return
        for command, outcome in zip(errand.commands, outcomes if self.trace is not None else (), strict=False):
            self.tell(f"{node.process.name}: {type(command).__name__} {str(command.command_id)[:8]}: {outcome!r:.110}")
        if not unanswered:
            self.loop.at_server(self.weather.latency(), _succeed, answer, outcomes)

    def nodes_of(self, services: Iterable[str] = SERVICES) -> list[Node]:
        """Every process."""
        return [node for service in services for node in self.nodes[service]]


def _succeed(answer: asyncio.Future[Any], outcome: Any) -> None:
    if not answer.done():
        answer.set_result(outcome)


def _fail(answer: asyncio.Future[Any]) -> None:
    if not answer.done():
        answer.set_exception(NoAnswer())
