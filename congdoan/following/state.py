"""How far was a branch followed, and what of the ledger is kept? A file, written whole, and the checkpoints beside it.

The state is small and written after every batch; checkpoints only become more, so they stand in an SQLite file of their
own, ``STATE.checkpoints``. Without a file both last as long as the program.
"""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from chassis.files import write_whole
from chassis.ledger.note import Checkpoint, NoteUnreadable, NotSigned, Verifier
from chassis.ledger.witness import CheckpointUnreadable, SignatureWrong, Witness

_TABLE = """create table if not exists checkpoints (
    service text, size integer, root blob, note blob, primary key (service, size)) without rowid"""
_LAST = "select service, max(size), root from checkpoints group by service"


class StateUnusable(Exception):
    """The file cannot be read as a state, or is that of another branch."""


@dataclass(slots=True)
class State:
    """Of one branch: the position taken last of each service, what was wanted at first, the checkpoints kept.

    :param adopting: it began where a consumer stood, so the first that comes of each service, whatever it is, may be first.
    """

    branch: str
    file: Path | None = None
    positions: dict[str, int] = field(default_factory=dict)
    beginning: str = ""
    adopting: bool = False
    _witnesses: dict[str, Witness] = field(default_factory=dict)
    _checkpoints: sqlite3.Connection = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # Without a name it is a file that nobody else sees and that goes with the program.
        self._checkpoints = sqlite3.connect(self.file.with_name(f"{self.file.name}.checkpoints") if self.file else "")
        self._checkpoints.execute(_TABLE)

    @classmethod
    def load(cls, branch: str, file: Path | None) -> "State":
        """The state of a file; a new one when there is none yet.

        :raises StateUnusable: it holds something else.
        """
        try:
            state = cls(branch, file)
            state._witnesses = {
                service: Witness(service, size, root) for service, size, root in state._checkpoints.execute(_LAST)
            }
            if file is None or not file.exists():
                return state
            found = orjson.loads(file.read_bytes())
            state.positions, state.beginning = dict(found["positions"]), str(found["beginning"])
            state.adopting = bool(found["adopting"])
            if found["branch"] != branch:
                raise StateUnusable(file)
        except (LookupError, OSError, TypeError, ValueError, sqlite3.Error):
            raise StateUnusable(file) from None
        return state

    @property
    def is_new(self) -> bool:
        """Whether nothing was taken yet."""
        return not self.positions and not self._witnesses

    def keep(self, service: str, note: bytes, headers: Mapping[str, str] | None, verifier: Verifier) -> None:
        """Keep a checkpoint of the ledger.

        :raises LedgerRefused: it contradicts those that are kept.
        """
        before = self._witnesses.get(service)
        if before is None and self.adopting:
            after = _first(service, note, verifier)
        else:
            before = before or Witness(service)
            after = before.accept(note, headers, verifier, lambda size: self._root(service, size))
        if after != before:
            self._witnesses[service] = after
            self._checkpoints.execute("insert into checkpoints values (?, ?, ?, ?)", (service, after.size, after.root, note))

    def save(self) -> None:
        """Make what was taken last; a loss of power does not take it away.

        :raises OSError: it cannot be written.
        """
        if self.file is None:
            return
        self._checkpoints.commit()
        begun = {"beginning": self.beginning, "adopting": self.adopting}
        document = {"branch": self.branch, **begun, "positions": self.positions}
        write_whole(self.file, orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))

    def _root(self, service: str, size: int) -> bytes | None:
        found = self._checkpoints.execute("select root from checkpoints where service = ? and size = ?", (service, size))
        return next((root for (root,) in found), None)


def _first(service: str, note: bytes, verifier: Verifier) -> Witness:
    try:
        found = Checkpoint.read(verifier.open(note))
    except NotSigned:
        raise SignatureWrong(service=service) from None
    except NoteUnreadable:
        raise CheckpointUnreadable(service=service) from None
    if found.service != service:
        raise CheckpointUnreadable(service=service)
    return Witness(service, found.size, found.root)
