"""How does a province sign a checkpoint that it keeps? With a key of its own that the hub can have nothing signed by.

The nkey by which a province enters NATS signs whatever nonce the server names, and the server is the hub's: who rules it
could have a checkpoint signed as a nonce. So the witness's key is another one, made of the same secret (HKDF, RFC 5869), and
a province still keeps one file. Its signature is a further line of the note (c2sp.org/signed-note), under the province's code.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from chassis.ledger.note import KEY_BYTES, NoteUnreadable, Signer, text_of
from chassis.tokens import is_unit
from congdoan.provinces.identity import read_seed
from congdoan.provinces.keys import NotASeed, raw_private_key

_PURPOSE = b"congdoan witness 1"
_LARGEST = "select note from checkpoints where service = ? order by size desc limit 1"


class NothingKept(Exception):
    """A state holds no checkpoint of the service; the message names the file."""


def witness_signer(credentials: Path) -> Signer:
    """The witness's key of a province, of its credentials file ``<code>.nk``.

    :raises NotASeed: it is none, or its name is no code. :raises OSError: it cannot be read.
    """
    if not is_unit(credentials.stem):
        raise NotASeed("the file is not named for a unit")
    derived = HKDF(SHA256(), KEY_BYTES, None, _PURPOSE).derive(raw_private_key(read_seed(credentials)))
    return Signer(credentials.stem, derived)


def largest_kept(state: Path, service: str) -> bytes:
    """The note of the largest checkpoint of a service that stands beside a state.

    :raises NothingKept: there is none.
    """
    beside = state.with_name(f"{state.name}.checkpoints")
    file = beside if beside.exists() else state
    try:
        with closing(sqlite3.connect(f"file:{file.absolute()}?mode=ro", uri=True)) as opened:
            row = opened.execute(_LARGEST, (service,)).fetchone()
    except sqlite3.Error:
        raise NothingKept(file) from None
    if row is None:
        raise NothingKept(file)
    return row[0].encode() if isinstance(row[0], str) else bytes(row[0])


def cosigned(note: bytes, signer: Signer) -> bytes:
    """A note with a further signature; the same one, where the signer signed it before.

    :raises NothingKept: it is no note.
    """
    try:
        line = signer.sign(text_of(note)).rpartition(b"\n\n")[2]
    except NoteUnreadable:
        raise NothingKept("note") from None
    return note if line in note else note + line
