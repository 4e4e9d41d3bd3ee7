"""Is the public key of the ledger told by itself, wherever the key lies, and the key itself never?"""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import orjson

from chassis.ledger_keys import ledger_key, make_ledger_key
from congdoan.suite import Suite, ledger_key_of


def congdoan(*arguments: str, environment: Mapping[str, str] | None = None) -> tuple[int, str, str]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("CONGDOAN_")}
    done = subprocess.run(
        [sys.executable, "-c", "from congdoan.cli import main; main()", *arguments],
        capture_output=True, text=True, env={**plain, "COLUMNS": "200", **(environment or {})}, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def test_the_public_key_is_told_by_folder_and_by_environment(tmp_path: Path) -> None:
    file = ledger_key_of(tmp_path)
    file.parent.mkdir()
    make_ledger_key(file)
    verifier = str(ledger_key(file).verifier)

    assert congdoan("ledger", "key", "--data", str(tmp_path)) == (0, f"{verifier}\n", "")
    assert congdoan("ledger", "key", environment={"CONGDOAN_LEDGER_KEY_FILE": str(file)}) == (0, f"{verifier}\n", "")
    code, document, _ = congdoan("ledger", "key", "--data", str(tmp_path), "--json")
    assert (code, orjson.loads(document)) == (0, {"key": verifier})


def test_where_there_is_no_key_or_one_open_to_everyone_it_says_so(tmp_path: Path) -> None:
    code, shown, error = congdoan("ledger", "key", "--data", str(tmp_path), "--lang", "en")
    assert (code, shown) == (1, "")
    assert "cannot be read" in error

    file = ledger_key_of(tmp_path)
    file.parent.mkdir()
    make_ledger_key(file)
    file.chmod(0o644)
    code, shown, error = congdoan("ledger", "key", "--data", str(tmp_path), "--lang", "en")
    assert (code, shown) == (1, "")
    assert "open to everyone" in error
    assert file.read_text().strip() not in error


def test_only_audit_is_told_where_the_key_lies(tmp_path: Path) -> None:
    suite = Suite(tmp_path / "data", tmp_path / "run")
    with suite.certificates:
        told = {name: suite.environment(name).get("CONGDOAN_LEDGER_KEY_FILE") for name in suite.targets}

    assert told.pop("audit") == str(tmp_path / "data" / "secrets" / "ledger")
    assert set(told.values()) == {None}
