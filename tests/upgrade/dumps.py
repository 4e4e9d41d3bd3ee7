"""How is a database written down whole, and put back? By PostgreSQL's own programs."""

import subprocess
from pathlib import Path

from congdoan.embedded.binaries import binaries_for


def dumped(conninfo: str, *options: str) -> str:
    """A database as SQL, without who owns what."""
    done = _run("pg_dump", "--no-owner", "--no-privileges", *options, conninfo)
    # A token that is another one each time: it keeps psql from obeying what stands in the data.
    return "".join(line for line in done.splitlines(keepends=True) if not line.startswith(("\\restrict", "\\unrestrict")))


def restored(conninfo: str, sql: Path) -> None:
    """Put it into an empty database, all or nothing."""
    _run(
        "psql",
        "--quiet",
        "--no-psqlrc",
        "--single-transaction",
        "--set=ON_ERROR_STOP=1",
        "--output=/dev/null",
        f"--file={sql}",
        conninfo,
    )


def schema_of(conninfo: str) -> str:
    """The schema of a database, without its rows."""
    return dumped(conninfo, "--schema-only")


def _run(program: str, *arguments: str) -> str:
    command = [str(binaries_for(None) / program), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout
