"""How far was a branch followed, and what of the ledger is kept? A file, written whole, and the checkpoints beside it.

The state is small and written after every batch; checkpoints only become more, so each is appended once to
``STATE.checkpoints``. Without a file both last as long as the program.
"""

import os
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from chassis.files import write_whole
from chassis.ledger.note import Checkpoint, NoteUnreadable, NotSigned, Verifier
from chassis.ledger.witness import CheckpointUnreadable, SignatureWrong, Witness


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
    _roots: dict[tuple[str, int], bytes] = field(default_factory=dict)
    _unwritten: list[bytes] = field(default_factory=list)

    @classmethod
    def load(cls, branch: str, file: Path | None) -> "State":
        """The state of a file; a new one when there is none yet.

        :raises StateUnusable: it holds something else.
        """
        state = cls(branch, file)
        if file is None or not file.exists():
            return state
        try:
            found = orjson.loads(file.read_bytes())
            state.positions, state.beginning = dict(found["positions"]), str(found["beginning"])
            state.adopting = bool(found["adopting"])
            if found["branch"] != branch:
                raise StateUnusable(file)
            state._read_checkpoints()
        except (LookupError, OSError, TypeError, ValueError):
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
            after = before.accept(note, headers, verifier, lambda size: self._roots.get((service, size)))
        if after != before:
            self._put(after)
            document = {"service": service, "size": after.size, "root": b64encode(after.root).decode(), "note": note.decode()}
            self._unwritten.append(orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE))

    def save(self) -> None:
        """Make what was taken last; a loss of power does not take it away.

        :raises OSError: it cannot be written.
        """
        if self.file is None:
            return
        if self._unwritten:
            with os.fdopen(os.open(self._checkpoints, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as stream:
                stream.writelines(self._unwritten)
                stream.flush()
                os.fsync(stream.fileno())
            self._unwritten.clear()
        ledger = {
            service: {"size": kept.size, "root": b64encode(kept.root).decode()} for service, kept in self._witnesses.items()
        }
        begun = {"beginning": self.beginning, "adopting": self.adopting}
        document = {"branch": self.branch, **begun, "positions": self.positions, "ledger": ledger}
        write_whole(self.file, orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))

    @property
    def _checkpoints(self) -> Path:
        assert self.file
        return self.file.with_name(f"{self.file.name}.checkpoints")

    def _read_checkpoints(self) -> None:
        if not self._checkpoints.exists():
            return
        whole, _, torn = self._checkpoints.read_bytes().rpartition(b"\n")
        for line in whole.splitlines():
            found = orjson.loads(line)
            self._put(Witness(found["service"], found["size"], b64decode(found["root"])))
        if torn:  # the program was killed while it wrote; what it wrote comes again
            os.truncate(self._checkpoints, len(whole) + 1 if whole else 0)

    def _put(self, witness: Witness) -> None:
        self._roots[witness.service, witness.size] = witness.root
        if witness.size >= self._witnesses.get(witness.service, Witness(witness.service)).size:
            self._witnesses[witness.service] = witness


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
