"""How is the history of a release recorded? Once, when it is released: ``python -m tests.upgrade.record``.

The five services of that day live through a story in which everything is said at least once. What their databases then hold is
kept as SQL, with test keys and the commands as they were asked; what it says stands beside it in figures. Later releases are held
against both for ever, so a recording is never made again: this refuses to write over one.
"""

import asyncio
import io
import json
import sys
import tarfile
from datetime import UTC, datetime
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psycopg

from chassis.database import steps_of
from chassis.ledger_keys import ledger_key
from congdoan.embedded import EmbeddedNats, EmbeddedPostgres
from tests import serving
from tests.folders import fast_folder
from tests.serving import SECRET, SERVICES, ledger_key_file, suite_of, wrapping_key_file
from tests.upgrade.dumps import dumped
from tests.upgrade.story import Lived, every_version, lived
from tests.upgrade.told import events_told, figures_told, read_models_of, rows_told, stream_told

FIRST = Path(__file__).parent / "first_release"
SEED, PATIENCE_S = 1, 120.0
KEYS = "keys"
STEPS = {"store": "chassis.sql", KEYS: "chassis.key_sql"}


def main(into: Path) -> int:
    """Record into a folder in which nothing is recorded yet."""
    if (into / "recorded.json").exists():
        print(f"{into} holds a recording, which stays as it is", file=sys.stderr)
        return 2
    into.mkdir(parents=True, exist_ok=True)
    with (
        fast_folder() as folder,
        EmbeddedPostgres(folder, folder / "run") as postgres,
        EmbeddedNats(folder / "nats", folder / "run") as nats,
    ):
        told, kept = asyncio.run(_recorded(postgres, nats))
    (into / "recorded.json").write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n")
    with tarfile.open(into / "history.tar.xz", "w:xz", preset=9) as archive:
        for name, content in sorted(kept.items()):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return 0


async def _recorded(postgres: EmbeddedPostgres, nats: EmbeddedNats) -> tuple[dict[str, Any], dict[str, bytes]]:
    serving.Suite = Lived  # type: ignore[misc]
    async with suite_of(postgres, nats.url, *SERVICES, audit={"checkpoint_interval_s": 0.5}) as suite:
        assert isinstance(suite, Lived)
        await lived(suite, SEED)
        await _settled(suite)
        databases = {name: service.settings.database_url for name, service in suite.services.items()}
        databases[KEYS] = suite.services["membership"].settings.keys_database_url  # type: ignore[attr-defined]
        figures = await figures_told(suite, datetime.now(UTC).date().isoformat())
        await _settled(suite)
        kept = {f"{name}.sql": dumped(conninfo).encode() for name, conninfo in databases.items()}
        kept |= {"wrapping-keys": wrapping_key_file().read_bytes(), "ledger-key": ledger_key_file().read_bytes()}
        kept["commands.jsonl"] = b"".join(json.dumps(command).encode() + b"\n" for command in suite.commands)
        told: dict[str, Any] = {
            "release": version("congdoan"),
            "recorded_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "secret": SECRET,
            "ledger": str(ledger_key(ledger_key_file()).verifier),
            "steps": {name: steps_told(package) for name, package in STEPS.items()},
            "figures": figures,
        }
        told["services"] = {name: await _told(suite, nats, name) for name in SERVICES}
    missing = {f"{topic}/{version}" for topic, version in every_version()}.difference(
        *(service["kinds"] for service in told["services"].values())
    )
    assert not missing, f"nobody said {sorted(missing)}"
    return told, kept


def steps_told(package: str) -> dict[str, str]:
    """The steps of a schema, each with the SHA-256 of its file."""
    return {name: sha256(step.read_bytes()).hexdigest() for name, step in steps_of(package).items()}


async def _told(suite: Lived, nats: EmbeddedNats, name: str) -> dict[str, Any]:
    service = suite.services[name]
    conninfo = service.settings.database_url
    models = {model.name: rows_told(conninfo, model) for model in read_models_of(service)}
    return {**events_told(conninfo), "stream": await stream_told(nats, name), "read_models": models}


async def _settled(suite: Lived) -> None:
    """Everybody has heard everything, and all of it is under a signed checkpoint."""
    before: dict[str, int] = {}
    async with asyncio.timeout(PATIENCE_S):
        while True:
            statuses = {name: await suite.call(name, "GetStatus") for name in suite.services}
            heads = {name: status.head for name, status in statuses.items()}
            still = all(one.backlog == 0 and all(each.lag == 0 for each in one.followers) for one in statuses.values())
            if still and heads == before == _covered(suite.services["audit"].settings.database_url):
                return
            before = heads
            await asyncio.sleep(2.0)


def _covered(audit: str) -> dict[str, int]:
    with psycopg.connect(audit) as connection:
        return {
            str(name): int(size) for name, size in connection.execute("select service, max(size) from checkpoints group by 1")
        }


if __name__ == "__main__":
    sys.exit(main(FIRST))
