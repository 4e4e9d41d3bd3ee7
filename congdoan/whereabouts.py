"""Where does a running suite listen? It leaves a note in its data folder, and a pointer to it where each user's programs look.

A note tells addresses and files, and no secret: whoever may read the suite's data folder finds there what makes a caller.
A note whose suite is gone, killed perhaps, is passed over and cleared away.
"""

import contextlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

from chassis.files import write_whole

NOTE = "suite.json"


class NoSuite(Exception):
    """No suite is running, or none on this data folder."""


class UnsafeFolder(Exception):
    """Somebody else made the folder in which our notes would lie."""


@dataclass(frozen=True, slots=True)
class Note:
    """A running suite: its process, where its services listen, and the file of the authority that says they are it.

    ``began`` is the kernel's time of the process' start, in clock ticks since boot; a pid alone may be another's by now.
    ``run`` is a folder that ends with the suite, ``data`` one that may outlive it.
    """

    pid: int
    began: int
    data: str
    run: str
    services: Mapping[str, str]
    metrics: Mapping[str, str]
    authority: str

    @property
    def alive(self) -> bool:
        """Whether its suite still runs."""
        return _began(self.pid) == self.began


def note_of_this_process(
    data: Path, run: Path, *, services: Mapping[str, str], metrics: Mapping[str, str], authority: Path
) -> Note:
    """What this process tells of the suite it runs."""
    pid = os.getpid()
    return Note(pid, _began(pid) or 0, str(data), str(run), services, metrics, str(authority))


@contextlib.contextmanager
def told(note: Note) -> Iterator[None]:
    """While this lasts, the suite can be found.

    :raises UnsafeFolder: its pointer would lie in a folder of somebody else.
    """
    text = orjson.dumps(asdict(note), option=orjson.OPT_INDENT_2)
    at_home, pointer = Path(note.data) / NOTE, _place() / f"{note.pid}.json"
    try:
        write_whole(at_home, text)
        _write_pointer(pointer, text)
        yield
    finally:
        for file in (at_home, pointer):
            file.unlink(missing_ok=True)
        _take_away_if_empty(pointer.parent)


def find(data: Path | None = None) -> Note:
    """The suite on a data folder, or the one of this user that began last.

    :raises NoSuite: there is none.
    """
    if data is not None:
        found = _read(data / NOTE)
        if found is None or not found.alive:
            raise NoSuite(str(data))
        return found
    alive = [note for note in _notes() if note.alive]
    if not alive:
        raise NoSuite
    return max(alive, key=lambda note: note.began)


def abandoned() -> Iterator[Note]:
    """The notes of this user's suites that were killed, each forgotten once it was given."""
    for file in _pointers():
        note = _read(file)
        if note is not None and not note.alive:
            yield note
            file.unlink(missing_ok=True)
    _take_away_if_empty(_place())


def _take_away_if_empty(folder: Path) -> None:
    with contextlib.suppress(OSError):  # another suite has its pointer there, or took the folder away already
        folder.rmdir()


def _notes() -> Iterator[Note]:
    yield from (note for file in _pointers() if (note := _read(file)) is not None)


def _pointers() -> list[Path]:
    folder = _place()
    return sorted(folder.glob("*.json")) if _is_ours(folder) else []


def _place() -> Path:
    """This user's folder for what lasts as long as a session (XDG base directories), else one among the temporary files."""
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if runtime and os.access(runtime, os.W_OK):
        return Path(runtime) / "congdoan"
    return Path(tempfile.gettempdir()) / f"congdoan-{os.geteuid()}"


def _folder() -> Path:
    folder = _place()
    folder.mkdir(mode=0o700, exist_ok=True)
    if not _is_ours(folder):
        raise UnsafeFolder(f"{folder} belongs to another user, or is open to others")
    return folder


def _is_ours(folder: Path) -> bool:
    """Among temporary files anyone may make a folder of this name first; a link is not followed."""
    try:
        status = folder.lstat()
    except FileNotFoundError:
        return False
    return folder.is_dir() and not folder.is_symlink() and status.st_uid == os.geteuid() and not status.st_mode & 0o077


def _read(file: Path) -> Note | None:
    """A note, or None when it is gone or not whole."""
    try:
        return Note(**orjson.loads(file.read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


def _write_pointer(pointer: Path, text: bytes) -> None:
    """Another suite of this user that ends just now may take the folder away under our hands; then it is made again."""
    for _ in range(10):
        _folder()
        with contextlib.suppress(FileNotFoundError):
            return write_whole(pointer, text)
    raise UnsafeFolder(f"{pointer.parent} does not stay")


def _began(pid: int) -> int | None:
    try:
        return int(Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()[19])
    except (OSError, IndexError):
        return None
