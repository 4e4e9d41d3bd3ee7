"""Are the keys that an installation needs made as the services read them, and never made again?"""

from pathlib import Path

from typer.testing import CliRunner

from chassis.ledger_keys import ledger_key
from chassis.wrapping_keys import WrappingKeys
from congdoan.cli import app
from tests.deploy.rendered import SERVICES

RUNNER = CliRunner()


def made(folder: Path) -> dict[str, bytes]:
    """What lies in the folder once the command was run."""
    result = RUNNER.invoke(app, ["keys", "make", str(folder)])
    assert result.exit_code == 0, result.output
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_every_key_is_what_its_reader_takes(tmp_path: Path) -> None:
    found = made(tmp_path / "kept")
    assert found.keys() == {"ledger-key", "ledger.pub", "wrapping-keys", *(f"{service}-secret" for service in SERVICES)}
    assert f"{ledger_key(tmp_path / 'kept/ledger-key').verifier}\n".encode() == found["ledger.pub"]
    assert len(WrappingKeys(tmp_path / "kept/wrapping-keys").current) == 8
    hashed = [found[f"{service}-secret"] for service in SERVICES]
    assert len(set(hashed)) == len(SERVICES)
    assert all(len(bytes.fromhex(each.decode())) == 32 for each in hashed)
    assert all(file.stat().st_mode & 0o077 == 0 for file in (tmp_path / "kept").iterdir())


def test_what_is_there_stays(tmp_path: Path) -> None:
    first = made(tmp_path)
    (tmp_path / "audit-secret").unlink()
    second = made(tmp_path)
    assert {name for name in first if first[name] != second[name]} == {"audit-secret"}
