"""How does the process of a service live? ``python -m membership [serve|migrate [--to STEP]|streams|recover]``

``serve`` starts the service and ends it in order when it is told to (SIGTERM, SIGINT): probes see it leave, calls under
way are finished, what was accepted is kept and announced. It ends by itself, with an error, when a task without which
it is no service has died; whoever supervises it starts it again. ``migrate`` and ``streams`` are the steps before:
the schema of its database, its streams. Both may be repeated. ``migrate --to STEP`` takes back every step after that one.
``recover`` is for a database that was restored to an earlier point (:mod:`chassis.recovery.command`).

Ends with 0 when all went well, 1 after a fault, 2 when the environment or the command is not right, 3 when the schema is not: a
service lacks a step of it, or a step cannot be taken back.
"""

import asyncio
import gc
import signal
import sys
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, Protocol, TypeVar

import structlog
import uvloop
from pydantic import ValidationError

from chassis.database import STORE_MIGRATIONS, SchemaLacks, StepStays, migrate, steps_of, take_back
from chassis.logs import set_up_logs
from chassis.recovery.command import Wanted, recover
from chassis.recovery.tail import Tail
from chassis.settings import Settings, complaints
from chassis.stacks import stack_of
from chassis.streams import set_up
from chassis.telemetry import Tracing, tracing_to

GC_THRESHOLDS = (20_000, 20, 50)
"""Events are made by the thousand and hold no cycles: Python's own thresholds cost a replay a third of its time."""

STOP_PATIENCE_S = 5.0
"""How long everything but the calls may take to end."""

_log = structlog.get_logger(__name__)

S = TypeVar("S", bound=Settings)
S_contra = TypeVar("S_contra", bound=Settings, contravariant=True)


class Runnable(Protocol):
    """What a service is to its process."""

    @property
    def schema(self) -> Sequence[str]:
        """The statements, each idempotent, that make its tables beside the event store's."""

    @property
    def further_databases(self) -> Sequence[tuple[str, str]]:
        """The databases beside the service's own, each with the package of its steps."""

    @property
    def tasks(self) -> Collection[asyncio.Task[Any]]:
        """The tasks without which it is no service; there once it is started."""

    async def recover(self, wanted: Wanted) -> Tail:
        """Find what only its stream has, and take it back if that is wanted; without starting anything.

        :raises CannotRecover: something does not agree, and nothing was changed.
        """

    async def start(self) -> None:
        """Start everything in order, the server last."""

    async def stop(self) -> None:
        """Stop everything in the order reversed; also what `start` got only half done."""


class Build(Protocol[S_contra]):
    """A service from its settings; no I/O."""

    def __call__(self, settings: S_contra, tracing: Tracing | None) -> Runnable:
        """:raises ValueError: the settings do not fit together."""


def main(name: str, settings_class: type[S], build: Build[S], *, streams: Iterable[str] | None = None) -> None:
    """Be the process of a service; never returns.

    :param streams: the services whose streams the ``streams`` step makes; the service's own unless given.
    """
    sys.exit(run(name, settings_class, build, sys.argv[1:], streams=(name,) if streams is None else streams))


def run(name: str, settings_class: type[S], build: Build[S], arguments: Sequence[str], *, streams: Iterable[str]) -> int:
    """Do one command of a service's process and answer the exit code."""
    match list(arguments):
        case [] | ["serve" | "migrate" | "streams"]:
            command, back_to = (arguments or ["serve"])[0], ""
        case ["migrate", "--to", back_to]:
            command = "migrate"
        case ["recover", *words]:
            command, wanted = "recover", Wanted.read(name, words)
        case _:
            print(f"usage: python -m {name} [serve|migrate [--to STEP]|streams|recover]", file=sys.stderr)
            return 2
    try:
        settings = settings_class()
    except ValidationError as error:
        for complaint in complaints(error):
            print(f"{name}: {complaint}", file=sys.stderr)
        return 2
    set_up_logs(name, settings.log_level)
    match command:
        case "serve":
            return uvloop.run(
                serve(settings, build, tracing_to(name, settings.otlp_endpoint) if settings.otlp_endpoint else None)
            )
        case "migrate" if back_to:
            return _back(name, settings, back_to, asyncio.run(_schema(settings, build))[1])
        case "migrate":
            return _step("migrated", lambda: _migrated(settings, *asyncio.run(_schema(settings, build))))
        case "recover":
            return recover(name, wanted, lambda: _recovered(settings, build, wanted))
        case _:
            return _step("streams made", lambda: asyncio.run(_streams_of(settings, streams)))


async def _schema(settings: S, build: Build[S]) -> tuple[Sequence[str], Sequence[tuple[str, str]]]:
    service = build(settings, None)
    return service.schema, service.further_databases


async def _recovered(settings: S, build: Build[S], wanted: Wanted) -> Tail:
    return await build(settings, None).recover(wanted)


def _migrated(settings: Settings, schema: Sequence[str], further: Sequence[tuple[str, str]]) -> list[str]:
    taken = migrate(settings.database_url, schema)
    for conninfo, steps in further:
        taken += migrate(conninfo, steps=steps)
    return taken


def _back(name: str, settings: Settings, to: str, further: Sequence[tuple[str, str]]) -> int:
    step = f"{to.removesuffix('.sql')}.sql"
    databases = ((settings.database_url, STORE_MIGRATIONS), *further)
    found = [(conninfo, steps) for conninfo, steps in databases if step in steps_of(steps)]
    if not found:
        print(f"{name}: no step is called {to}", file=sys.stderr)
        return 2
    ((conninfo, steps),) = found
    try:
        return _step("taken back", lambda: take_back(conninfo, step, steps))
    except StepStays as stays:
        print(f"{name}: {stays}; nothing was changed", file=sys.stderr)
        return 3


async def _streams_of(settings: Settings, services: Iterable[str]) -> list[str]:
    return await set_up(settings.nats_url, services, replicas=settings.stream_replicas, publishers_open=True)


def _step(what: str, do: Callable[[], Sequence[str]]) -> int:
    try:
        done = do()
    except StepStays:
        raise
    except Exception as error:
        _log.error(f"not {what}", raised=stack_of(error))
        return 1
    _log.info(what, steps=list(done))
    return 0


async def serve(settings: S, build: Build[S], tracing: Tracing | None = None) -> int:
    """Run a service until a signal or a fault ends it, and answer the exit code."""
    gc.set_threshold(*GC_THRESHOLDS)
    loop = asyncio.get_running_loop()
    told_to_stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told_to_stop.set)
    loop.set_exception_handler(_unhandled)
    service = build(settings, tracing)
    try:
        fault = await _live(service, told_to_stop)
        if isinstance(fault, SchemaLacks):
            _log.critical("the schema is older than this program; run the step `migrate` first", lacking=fault.what)
        elif fault is not None:
            _log.critical("the service ends", raised=stack_of(fault))
        async with asyncio.timeout(settings.drain_s + STOP_PATIENCE_S):
            await service.stop()
    except Exception as error:
        _log.critical("the service did not end in order", raised=stack_of(error))
        return 1
    finally:
        if tracing:
            await asyncio.to_thread(tracing.flush)
    _log.info("stopped")
    return 0 if fault is None else 3 if isinstance(fault, SchemaLacks) else 1


async def _live(service: Runnable, told_to_stop: asyncio.Event) -> BaseException | None:
    """Start and serve; the fault that ended it, or None when it was told to stop."""
    stopping = asyncio.create_task(told_to_stop.wait(), name="told-to-stop")
    starting = asyncio.create_task(service.start(), name="start")
    if fault := await _first_fault({starting}, stopping, until_all_done=True):
        return fault
    if not told_to_stop.is_set():
        _log.info("serving")
        return await _first_fault(set(service.tasks), stopping)
    starting.cancel()
    await asyncio.wait({starting})
    return None


async def _first_fault(
    tasks: set[asyncio.Task[Any]], stopping: asyncio.Task[Any], *, until_all_done: bool = False
) -> BaseException | None:
    """The first exception of some tasks, or None when the service is told to stop, or all are done where that will do."""
    while not stopping.done() and (tasks or not until_all_done):
        done, _ = await asyncio.wait({stopping, *tasks}, return_when=asyncio.FIRST_COMPLETED)
        for task in done - {stopping}:
            tasks.discard(task)
            if not task.cancelled() and (fault := task.exception()):
                return fault
    return None


def _unhandled(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What nobody awaited; asyncio's own words would repeat the values of the exception."""
    error = context.get("exception")
    _log.error("unhandled in the event loop", what=context.get("message", ""), raised=stack_of(error) if error else [])
