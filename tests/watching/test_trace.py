"""Does one trace tell the whole story, from an officer's call to what another service does about it and shows of it?

Real services send their spans to the receiver of `congdoan up --traces`; what is told of them is read from its file.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from typer.testing import CliRunner

from chassis.service import Service
from chassis.telemetry import Tracing, tracing_to
from congdoan.cli import app
from congdoan.embedded import EmbeddedNats, EmbeddedPostgres
from congdoan.traces import Branch, Receiver, read, tree, widest
from federation.notifications.v1 import notifications_pb2 as pb
from tests import serving
from tests.serving import PATIENCE_S, Suite, suite_of

TITLE = "Báo cáo của Xqzmark"
ADDRESS = "xqzmark@tld.example"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "traces.jsonl"


@pytest.fixture
async def traced(
    postgres: EmbeddedPostgres, own_nats: EmbeddedNats, file: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Suite]:
    """Membership and notifications, which send their spans; they are all sent once it is over."""
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
    tracings: list[Tracing] = []

    def built(name: str, settings: Any) -> Service:
        tracings.append(tracing_to(name, receiver.endpoint))
        service: Service = import_module(f"{name}.wiring").real(settings, tracings[-1])
        return service

    monkeypatch.setattr(serving, "built", built)
    with Receiver(file) as receiver:
        async with suite_of(postgres, own_nats.url, "membership", "notifications") as suite:
            yield suite
        for tracing in tracings:
            await asyncio.to_thread(tracing.flush)


def steps(branches: Sequence[Branch], depth: int = 0) -> Iterator[tuple[int, str, str]]:
    """Depth, service and name of everything in a tree."""
    for branch in branches:
        yield depth, branch.span.service, branch.span.name
        yield from steps(branch.led_to, depth + 1)


async def test_one_trace_leads_from_an_officers_call_to_the_reaction_of_another_service_and_its_read_model(
    traced: Suite, file: Path
) -> None:
    await traced.establish("tld", 1)
    office: dict[str, Any] = {"unit": "tld", "channel": pb.CHANNEL_EMAIL, "open": True, "office_address": ADDRESS}
    await traced.do("notifications", "SetChannelPreference", **office, on="2024-01-01")
    owed: dict[str, Any] = {"unit": "tld", "title": TITLE, "year": 2024, "due_on": "2099-12-15", "on": "2024-01-01"}
    await traced.do("membership", "SetReportObligation", obligation_id=str(uuid4()), **owed)

    async with asyncio.timeout(PATIENCE_S):
        while not (name := widest(read(file), "SetReportObligation")) or not is_whole(read(file)[name]):
            await asyncio.sleep(0.05)
    found = list(steps(tree(read(file)[name])))

    assert found[0] == (0, "membership", "federation.membership.v1.MembershipService/SetReportObligation")
    assert (1, "membership", "announce membership.report_obligation_set") in found
    assert (1, "notifications", "watch_reports takes membership") in found
    below = found[found.index((1, "notifications", "watch_reports takes membership")) + 1 :]
    assert any(depth == 2 and name.startswith("announce notifications.") for depth, _, name in below), "it recorded by itself"
    assert any(depth == 2 and name.startswith("reminders") and " shows " in name for depth, _, name in below)
    text = file.read_text()
    assert text.count("\n") > 10
    for personal in ("Xqzmark", "xqzmark", "founder"):
        assert personal not in text

    shown = await asyncio.to_thread(CliRunner().invoke, app, ["traces", "show", str(file), "--rpc", "SetReportObligation"])
    assert shown.exit_code == 0
    assert "watch_reports takes membership" in " ".join(shown.output.split())
    listed = await asyncio.to_thread(CliRunner().invoke, app, ["traces", "list", str(file), "--json"])
    assert '"begins_with": "SetReportObligation"' in listed.output
    none = await asyncio.to_thread(CliRunner().invoke, app, ["traces", "show", str(file), "--trace", "0" * 32])
    assert none.exit_code == 1


def is_whole(spans: Sequence[Any]) -> bool:
    """Whether the end of the story is there."""
    return any(span.name.startswith("reminders") and " shows " in span.name for span in spans)


def test_a_file_that_holds_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other").write_text('{"a": 1}\n')
    assert CliRunner().invoke(app, ["traces", "show", str(tmp_path / "other")]).exit_code == 1
    assert CliRunner().invoke(app, ["traces", "show", str(tmp_path / "nothing")]).exit_code == 2
