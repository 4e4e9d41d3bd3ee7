"""With which key are the checkpoints of the ledger signed? It stands in a file of its own, beside no data.

The file has one line, ``PRIVATE+KEY+name+id+key`` (:mod:`chassis.ledger.note`). Whoever has it can sign another history;
whoever loses it cannot go on with this one.
"""

import secrets
from pathlib import Path

from chassis.files import write_whole
from chassis.ledger.note import KEY_BYTES, NoteUnreadable, Signer

NAME = "congdoan-ledger"


class LedgerKeyUnreadable(ValueError):
    """The file of the ledger's key is not there, not private, or holds something else; what it holds is not told."""


def ledger_key(file: Path) -> Signer:
    """The key of a file.

    :raises LedgerKeyUnreadable: it cannot be used.
    """
    try:
        if file.stat().st_mode & 0o007:
            raise LedgerKeyUnreadable("the file of the ledger's key is open to everyone")
        return Signer.read(file.read_text())
    except NoteUnreadable:
        raise LedgerKeyUnreadable("the ledger's key cannot be read as PRIVATE+KEY+name+id+key") from None
    except (OSError, UnicodeDecodeError):
        raise LedgerKeyUnreadable("the file of the ledger's key cannot be read") from None


def make_ledger_key(file: Path) -> None:
    """Write a new key, for this user alone.

    :raises FileExistsError: there is one, with which a history was signed.
    """
    if file.exists():
        raise FileExistsError(file)
    write_whole(file, f"{Signer(NAME, secrets.token_bytes(KEY_BYTES)).told()}\n".encode())
