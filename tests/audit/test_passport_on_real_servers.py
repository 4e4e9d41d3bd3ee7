"""Does a passport that audit gives hold offline, in a process that knows nothing but the file and the public key?"""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from random import Random
from typing import Any
from uuid import uuid4

import nats
import orjson
import pytest
from grpc import StatusCode
from typer.testing import CliRunner

from audit.domain.passport.checking import Checked, check
from audit.domain.passport.recount import SOURCES
from audit.domain.passport.statement import Statement
from audit.wiring import FOLLOWED, real
from chassis.clients import Refused
from chassis.cloudevents import headers_of, subject_of
from chassis.database import migrate
from chassis.ledger.note import Verifier, text_of
from chassis.ledger_keys import ledger_key
from chassis.recorded import RecordedEvent
from chassis.security import Caller, Role
from chassis.streams import set_up
from congdoan.auditing.as_of import choice_of
from congdoan.auditing.figure import Asked, Certified, certified, find_positions, write
from congdoan.cli import app
from congdoan.clients import Federation, connected
from congdoan.embedded import EmbeddedPostgres
from tests import identities
from tests.audit.plain_counting import count
from tests.audit.recording import Recording
from tests.audit.test_on_real_servers import AUDITOR, Hall
from tests.audit.test_tables import drawn
from tests.issuing import token_of
from tests.serving import SERVICES, a_nats_of_its_own, credentials, settings_of, suite_of, target_of

AS_OF = date(2026, 1, 1)
OFFLINE = """
import sys
sys.addaudithook(lambda event, found: sys.exit("asked somebody") if event in ("socket.connect", "socket.getaddrinfo") else None)
from congdoan.cli import main
sys.argv = ["congdoan", *sys.argv[1:]]
main()
"""


@pytest.fixture
async def hall(database: str, own_nats: Any) -> AsyncIterator[Hall]:
    await set_up(own_nats.url, FOLLOWED)
    # Nothing is signed before a passport asks for it.
    settings = settings_of("audit", database, own_nats.url, membership_target="127.0.0.1:1", checkpoint_interval_s=3_600)
    service = real(settings)
    await asyncio.to_thread(migrate, database, service.schema)
    await service.start()
    bus = await nats.connect(own_nats.url)
    running = Hall(service, settings, bus)
    yield running
    await bus.close()
    await running.service.stop()


def offline(file: Path, key: str, *more: str) -> subprocess.CompletedProcess[str]:
    """`congdoan audit check`, by somebody who has nothing else."""
    environment = {"PATH": os.defpath, "LANG": "C.UTF-8", "HOME": "/nonexistent"}
    argv = [sys.executable, "-I", "-c", OFFLINE, "audit", "check", str(file), "--key", key, *more]
    return subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=120, cwd=file.parent)


def online(hall: Hall, *line: str) -> subprocess.CompletedProcess[str]:
    """`congdoan audit …` of an auditor somewhere else."""
    environment = {
        "CONGDOAN_TOKEN": token_of(AUDITOR),
        "CONGDOAN_TLS_AUTHORITY_FILE": str(identities.authority_file()),
        **{f"CONGDOAN_{name.upper()}_TARGET": target_of(hall.service) for name in SERVICES},
    }
    command = [sys.executable, "-c", "from congdoan.cli import main; main()", "audit", *line]
    return subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, timeout=120)


def checked_by_command(file: Path, *more: str) -> tuple[int, str]:
    """`congdoan audit check` in this process: exit code and output."""
    found = CliRunner().invoke(app, ["audit", "check", str(file), "--key", *more])
    return found.exit_code, found.stdout


def verified(file: Path, key: Verifier) -> Checked:
    with file.open("rb") as stream:
        return check(stream, key)


async def given(federation: Federation, file: Path, figure: str, unit: str, **more: Any) -> Certified:
    """A figure with its passport."""
    found = await certified(federation, Asked(figure, unit, 2024, AS_OF, "kiểm toán năm 2024", **more))
    await write(federation, found, file, lambda came, many: None)
    return found


async def test_every_figure_has_a_passport_that_holds_offline(hall: Hall, tmp_path: Path) -> None:
    recording = drawn(Random(31), 500)
    half = len(recording.events) // 2
    await hall.publish(recording.events[:half])
    key = ledger_key(hall.settings.ledger_key_file).verifier
    async with connected({"audit": target_of(hall.service)}, credentials(AUDITOR)) as federation:
        await hall.ask("GetLog", at_least=Recording(positions=positions_of(recording, half)))
        early = await given(federation, tmp_path / "early", "members", "unit-000")
        await publish(hall, recording.events[half:])
        await hall.ask("GetLog", at_least=recording)
        await hall.ask("GetFigures", at_least=recording, unit="unit-000", year=2024)

        # Each figure, at one cut: what was said is what plain counting finds, what stands in the file holds.
        events = [event.event for event in recording.events]
        unit = sorted({event.unit for event in events})[1]
        expected = count(events, unit, 2024, AS_OF)
        for figure in SOURCES:
            file = tmp_path / figure
            told = await given(federation, file, figure, unit, cut=choice_of(line_of(recording.positions), ""))
            checked = verified(file, key)
            assert told.statement == checked.statement
            assert checked.statement.value == expected[figure], figure
            assert sum(last - first + 1 for runs in told.runs.values() for first, last in runs) == checked.events
        by_positions = replace(told, runs={service: [] for service in told.runs})
        await find_positions(federation, by_positions, lambda came, many: None)
        assert by_positions.runs == told.runs

        # What was recorded later does not change what was certified; nor what is asked at that cut.
        cut = line_of(early.statement.cut)
        again = await given(federation, tmp_path / "again", "members", "unit-000", cut=choice_of(cut, ""))
        later = await given(federation, tmp_path / "later", "members", "unit-000")
        assert again.statement.value == early.statement.value != later.statement.value
        assert again.statement.standing == early.statement.standing

        # With every event, and what that shows.
        whole = await given(federation, tmp_path / "whole", "members", "unit-000", complete=True)
        assert whole.statement.value == later.statement.value
        assert whole.runs == {"membership": [[1, recording.positions["membership"]]]}
        assert verified(tmp_path / "whole", key).events == recording.positions["membership"]

        # It was recorded who was given what.
        record = await hall.bus.jetstream().get_msg("FEDERATION_AUDIT", seq=1)
        told_of = orjson.loads(record.data or b"")
        assert told_of["reader"] == AUDITOR.id
        assert (told_of["figure"], told_of["of_unit"], told_of["reason"]) == ("members", "unit-000", "kiểm toán năm 2024")
        with pytest.raises(Refused) as caught:
            await certified(federation, Asked("happiness", "unit-000", 2024, AS_OF, "x"))
        assert caught.value.rule == "FigureUnknown"
        with pytest.raises(Refused) as caught:
            await certified(federation, Asked("members", "unit-000", 2024, AS_OF, ""))
        assert caught.value.status is StatusCode.INVALID_ARGUMENT

    other = Caller("auditor-2", Role.AUDITOR, "tld", "en")
    async with connected({"audit": target_of(hall.service)}, credentials(other)) as federation:
        with pytest.raises(Refused) as caught:
            await find_positions(federation, replace(later, runs={"membership": []}), lambda came, many: None)
        assert caught.value.rule == "CertificateUnknown"

    # By the command line: written beside the suite, checked offline.
    line = ["figure", "members", "--unit", "unit-000", "--year", "2024", "--as-of", "2026-01-01", "--cut", cut, "--lang", "en"]
    written = await asyncio.to_thread(online, hall, *line, "--out", str(tmp_path / "typed"))
    assert written.returncode == 0, written.stderr
    assert "Members of unit-000 for 2024, as of 2026-01-01" in written.stdout
    assert verified(tmp_path / "typed", key).statement.standing == early.statement.standing
    holds = await asyncio.to_thread(offline, tmp_path / "whole", str(key), "--json")
    assert holds.returncode == 0, holds.stderr
    assert orjson.loads(holds.stdout)["value"] == whole.statement.value
    # What does not hold ends otherwise, and says why.
    (tmp_path / "key").write_text(f"{key}\n")
    for at in (200, (tmp_path / "members").stat().st_size // 2):
        data = bytearray((tmp_path / "members").read_bytes())
        data[at] ^= 1
        (tmp_path / "changed").write_bytes(data)
        code, told_why = checked_by_command(tmp_path / "changed", str(tmp_path / "key"), "--json")
        assert code == 1
        assert orjson.loads(told_why)["rule"] in ("LineDamaged", "EventDamaged", "ProofDamaged")
    (tmp_path / "none").write_text("nothing")
    assert checked_by_command(tmp_path / "none", str(key))[0] == 2
    assert checked_by_command(tmp_path / "whole", "no key")[0] == 2


async def publish(hall: Hall, events: Sequence[RecordedEvent]) -> None:
    """Put events on their streams at once, so that they are taken together."""
    for event in events:
        await hall.bus.publish(subject_of(event.service, event.branch, event.topic), event.body, headers=headers_of(event))
    await hall.bus.flush()


def line_of(cut: Mapping[str, int]) -> str:
    """A cut as it is typed."""
    return ",".join(f"{service}:{position}" for service, position in cut.items())


def positions_of(recording: Recording, upto: int) -> dict[str, int]:
    """How far each service is after some events."""
    found: dict[str, int] = {}
    for event in recording.events[:upto]:
        found[event.service] = event.position
    return found


async def test_an_officer_is_given_what_lies_in_the_own_subtree_today(postgres: EmbeddedPostgres, tmp_path: Path) -> None:
    with a_nats_of_its_own() as bus:
        async with suite_of(postgres, bus.url, "membership", "audit", audit={"checkpoint_interval_s": 3_600}) as suite:
            for code, level, parent in (("tld", 1, ""), ("ha-noi", 3, "tld"), ("hue", 3, "tld"), ("so-y-te", 5, "ha-noi")):
                await suite.establish(code, level, parent)
            moved = {"unit": "so-y-te", "attachment": 1, "parent": "hue", "on": "2024-06-01"}
            await suite.do("membership", "AttachUnit", **moved)

            async def certify(unit: str, year: int, caller: Caller, **more: Any) -> Any:
                fields = {
                    "figure": "grassroots_units",
                    "unit": unit,
                    "year": year,
                    "as_of": "2025-12-31",
                    "reason": "báo cáo năm",
                }
                return await suite.do("audit", "CertifyFigure", caller, **fields, **more)

            async def rule(*asked: Any, **more: Any) -> str:
                with pytest.raises(Refused) as caught:
                    await certify(*asked, **more)
                return caught.value.rule

            ha_noi, hue = (Caller(f"officer-{code}", Role.PROVINCE_OFFICER, code, "en") for code in ("ha-noi", "hue"))
            given = await certify("hue", 2024, hue)
            command = {"command_id": str(uuid4())}
            once, again = await certify("ha-noi", 2024, ha_noi, **command), await certify("ha-noi", 2024, ha_noi, **command)

            assert Statement.read(text_of(given.statement)).value == 1
            assert once == again
            assert Statement.read(text_of(once.statement)).value == 0
            # In 2023 a unit lay there that is another province's today: its events are not told, however old they are.
            assert await rule("ha-noi", 2023, ha_noi) == "SubtreeNotOwn"
            assert await rule("tld", 2024, hue) == await rule("hue", 2024, ha_noi) == "Forbidden"
            assert await rule("hue", 2024, hue, complete=True) == "CompleteForAuditors"
            assert await rule("hue", 2024, ha_noi, command_id=command["command_id"]) == "Forbidden"
            assert await rule("ha-noi", 2025, ha_noi, command_id=command["command_id"]) == "CommandIdReused"
            whose = {"certificate_id": given.certificate_id, "positions_only": True}
            found = await suite.call("audit", "ListCertifiedEvents", hue, **whose)
            assert [(event.service, event.position) for event in found.events] == [
                ("membership", 3),
                ("membership", 4),
                ("membership", 5),
            ]
            with pytest.raises(Refused) as caught:
                await suite.call("audit", "ListCertifiedEvents", ha_noi, **whose)
            assert caught.value.rule == "CertificateUnknown"
