"""What do the commands say of provinces, to people and to programs; and does the page say what works?"""

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from chassis.streams import set_up
from congdoan import whereabouts
from congdoan.cli import app
from congdoan.embedded import EmbeddedNats
from congdoan.provinces import grant
from congdoan.provinces.instructions import page, write_page
from congdoan.services import RECORDING
from tests.provinces.province import announce, services

RUNNER = CliRunner()


@dataclass
class Place:
    """A suite of which only NATS runs; `out` has the credentials of Hà Nội."""

    data: Path
    out: Path
    nats: EmbeddedNats

    def run(self, *words: str, code: int = 0) -> str:
        """What a command prints, and that it ends so."""
        result = RUNNER.invoke(app, ["provinces", *words, "--data", str(self.data)])
        assert result.exit_code == code, result.output
        return result.output


@pytest.fixture
def place(own_nats: EmbeddedNats, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "100")

    async def begin() -> None:
        await set_up(own_nats.url, RECORDING)
        async with services(own_nats) as client:
            await announce(client, "ha-noi", [1, 2, 3])
        await grant(own_nats.hub, "ha-noi", tmp_path / "out", finish=lambda made: write_page(made, "vi"))

    asyncio.run(begin())
    note = whereabouts.note_of_this_process(tmp_path, own_nats.hub.run, services={}, metrics={}, authority=tmp_path)
    with whereabouts.told(note):
        yield Place(tmp_path, tmp_path / "out", own_nats)


def test_the_list_is_a_table_or_a_document(place: Place) -> None:
    assert "ha-noi" in place.run("list")
    assert "Last contact" in place.run("list", "--lang", "en")
    [found] = json.loads(place.run("list", "--json"))["provinces"]
    assert (found["code"], found["connections"], found["lag"], found["complete"]) == ("ha-noi", 0, None, True)


def test_limits_that_are_not_named_stay(place: Place) -> None:
    place.run("limit", "ha-noi", "--connections", "3")
    told = json.loads(place.run("limit", "ha-noi", "--consumers", "7", "--json"))
    assert (told["limits"]["connections"], told["limits"]["consumers"], told["limits"]["leaf_nodes"]) == (3, 7, 2)
    place.run("limit", "ha-noi", "--connections", "0", code=2)


def test_whoever_is_revoked_is_not_there_any_more(place: Place) -> None:
    place.run("revoke", "ha-noi")
    assert json.loads(place.run("list", "--json")) == {"provinces": []}
    assert "chưa được cấp quyền" in place.run("revoke", "ha-noi", code=2)
    place.run("limit", "ha-noi", code=2)
    place.run("limit", "../ha-noi", code=2)


def test_without_a_server_the_code_is_3(place: Place) -> None:
    (place.nats.hub.run / "nats.json").unlink()
    place.run("list", code=3)


def test_the_example_of_the_page_receives_the_events(place: Place) -> None:
    found = re.search(r"```python\n(.*?)```", (place.out / "ha-noi.md").read_text(), re.DOTALL)
    assert found
    with subprocess.Popen([sys.executable, "-u", "-c", found[1]], cwd=place.out, stdout=subprocess.PIPE, text=True) as reader:
        assert reader.stdout
        lines = [reader.stdout.readline().strip() for _ in range(3)]
        reader.kill()
    assert lines == [
        f"membership/ha-noi/{number} federation.membership.ha-noi.happened membership ha-noi {number}" for number in (1, 2, 3)
    ]


def test_the_page_tells_everything_in_both_languages_and_no_secret(place: Place) -> None:
    async def renewed() -> tuple[str, str, str]:
        made = await grant(place.nats.hub, "ha-noi", place.out, renew=True)
        return page(made, "vi"), page(made, "en"), made.file.read_text()

    vi, en, seed = asyncio.run(renewed())
    for text in (vi, en):
        assert place.nats.hub.address in text
        assert place.nats.hub.leaf_address in text
        assert all(
            word in text for word in ("province-ha-noi", "BRANCH", "snapshot", "federation.*.ha-noi.>", "--js-domain branch")
        )
        assert seed not in text
        assert not re.search(r"<[a-z_]+>", text), "everything is filled in"
    assert "4.294.967.296" in vi
    assert "4,294,967,296" in en
