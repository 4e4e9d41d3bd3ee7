"""Does the process of a service end in order when told to, and in disorder never silently?"""

import asyncio
import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import structlog

from chassis import run as running
from chassis.recovery.command import Wanted
from chassis.recovery.tail import CannotRecover, Tail
from chassis.run import run, serve
from chassis.settings import Settings
from chassis.telemetry import Tracing
from tests.identities import tls_settings
from tests.issuing import token_settings

SECRET = "5a" * 32
SURROUNDINGS = {**tls_settings("example"), **token_settings()}
"""What the environment says of certificates and tokens."""


class Example:
    """A service that does what a test asks of it."""

    schema: Sequence[str] = ()
    further_databases: Sequence[tuple[str, str]] = ()

    def __init__(self, start_s: float = 0.0, stop_s: float = 0.0, start_fails: bool = False, dies: bool = False) -> None:
        self.tasks: list[asyncio.Task[Any]] = []
        self.did: list[str] = []
        self._start_s, self._stop_s, self._start_fails, self._dies = start_s, stop_s, start_fails, dies

    async def recover(self, wanted: Wanted) -> Tail:
        raise CannotRecover("not this time")

    async def start(self) -> None:
        self.did.append("start")
        await asyncio.sleep(self._start_s)
        if self._start_fails:
            raise ConnectionError(SECRET)
        self.tasks = [asyncio.create_task(self._work())]
        self.did.append("started")

    async def stop(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.sleep(self._stop_s)
        self.did.append("stopped")

    async def _work(self) -> None:
        await asyncio.sleep(0.05)
        if self._dies:
            raise ValueError(SECRET)
        await asyncio.Event().wait()


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Settings:
    told = {"database_url": "postgresql://localhost", "nats_url": "nats://localhost", "secret": SECRET, **SURROUNDINGS}
    for name, value in told.items():
        monkeypatch.setenv(f"CONGDOAN_{name.upper()}", value)
    return Settings()


async def served(settings: Settings, example: Example, *, signal_after_s: float | None = None) -> int:
    if signal_after_s is not None:
        asyncio.get_running_loop().call_later(signal_after_s, os.kill, os.getpid(), signal.SIGTERM)

    def build(settings: Settings, tracing: Tracing | None) -> Example:
        return example

    async with asyncio.timeout(10):
        return await serve(settings, build)


async def test_a_service_that_is_told_to_stop_stops_and_ends_well(settings: Settings) -> None:
    example = Example()

    assert await served(settings, example, signal_after_s=0.1) == 0
    assert example.did == ["start", "started", "stopped"]


async def test_a_service_that_is_told_to_stop_while_it_starts_stops_at_once(settings: Settings) -> None:
    example = Example(start_s=60)

    assert await served(settings, example, signal_after_s=0.05) == 0
    assert example.did == ["start", "stopped"]


@pytest.mark.parametrize("example", [Example(start_fails=True), Example(dies=True)], ids=["at the start", "later"])
async def test_a_service_that_meets_a_fault_stops_and_ends_badly_so_that_it_is_started_again(
    settings: Settings, example: Example
) -> None:
    with structlog.testing.capture_logs() as logs:
        assert await served(settings, example) == 1

    assert example.did[-1] == "stopped"
    assert any(line["event"] == "the service ends" and line["log_level"] == "critical" for line in logs)
    assert SECRET not in repr(logs)


async def test_a_service_that_does_not_end_is_ended(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "STOP_PATIENCE_S", 0.0)
    settings = settings.model_copy(update={"drain_s": 0.1})

    assert await served(settings, Example(stop_s=60), signal_after_s=0.05) == 1


async def test_what_nobody_awaited_is_told_without_its_values(settings: Settings) -> None:
    async def fail() -> None:
        raise ValueError(SECRET)

    class Careless(Example):
        async def start(self) -> None:
            await super().start()
            task = asyncio.ensure_future(fail())
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            del task

    with structlog.testing.capture_logs() as logs:
        assert await served(settings, Careless(), signal_after_s=0.1) == 0

    assert any(line["event"] == "unhandled in the event loop" and "ValueError" in line["raised"] for line in logs)
    assert SECRET not in repr(logs)


def nothing(settings: Settings, tracing: Tracing | None) -> Example:
    return Example()


def test_an_unknown_command_tells_the_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("example", Settings, nothing, ["fly"], streams=()) == 2
    assert "usage: python -m example [serve|migrate [--to STEP]|streams|recover]" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("variables", "complaint"),
    [
        ({}, "CONGDOAN_DATABASE_URL: Field required"),
        ({"LISTEN": "nowhere"}, "CONGDOAN_LISTEN: Value error, must be host:port"),
        ({"SECRET": "zz"}, "the secret cannot be read as hexadecimal"),
        ({"SECRET": "5a" * 31}, "the secret must have at least 32 bytes"),
        ({"SECRET": SECRET, "SECRET_FILE": "/nowhere"}, "give either CONGDOAN_SECRET or CONGDOAN_SECRET_FILE"),
        ({"SECRET_FILE": "/nowhere"}, "the secret cannot be read as hexadecimal"),
        ({"DRAIN_S": "-1"}, "CONGDOAN_DRAIN_S: Input should be greater than 0"),
    ],
)
def test_a_wrong_environment_is_told_by_name_and_never_by_value(
    variables: dict[str, str], complaint: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sound = {"DATABASE_URL": "postgresql://u:password@h/d", "NATS_URL": "nats://localhost", "SECRET": SECRET}
    given = {**sound, **variables} if variables else {"NATS_URL": "nats://localhost"}
    if "SECRET_FILE" in variables and "SECRET" not in variables:
        del given["SECRET"]
    for name, value in {**SURROUNDINGS, **given}.items():
        monkeypatch.setenv(f"CONGDOAN_{name.upper()}", value)

    assert run("example", Settings, nothing, [], streams=()) == 2

    told = capsys.readouterr().err
    assert complaint in told
    assert "password" not in told
    assert variables.get("SECRET", SECRET) not in told


def test_the_secret_may_lie_in_a_file(settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("5b" * 32 + "\n")
    monkeypatch.delenv("CONGDOAN_SECRET")
    monkeypatch.setenv("CONGDOAN_SECRET_FILE", str(tmp_path / "key"))

    assert Settings().secret_bytes() == bytes.fromhex("5b" * 32)
    assert SECRET not in repr(settings)
    assert "localhost" not in repr(settings)
