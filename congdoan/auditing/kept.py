"""Which checkpoints were kept, and by whom? Those on the ledger's stream, and those that witnesses have in files.

A witness's file is what `congdoan events follow --state` keeps (``STATE.checkpoints``), the copy of a province's own
client (SQLite with a table ``checkpoints``), or a single note, which may bear the signatures of provinces beside the
ledger's. Nothing counts that the ledger's key did not sign.
"""

import sqlite3
import struct
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from nats.aio.client import Client

from chassis.ledger.note import Checkpoint, NoteUnreadable, NotSigned, Verifier, text_of
from chassis.ledger.witness import CheckpointGoesBack, LedgerRefused, Witness
from chassis.streams import LEDGER as LEDGER_STREAM
from congdoan.auditing import messages
from congdoan.auditing.walking import LEDGER, Kept

_SQLITE = b"SQLite format 3\0"
_SPOOLED = struct.Struct(">Q32sq")
_SELECT = "select note from checkpoints where service = ? order by size"


class WitnessUnreadable(Exception):
    """A file holds nothing that a witness keeps; the message names it."""


@dataclass(slots=True)
class Ledger:
    """What stands on the ledger's stream: how much was read, of which services, and what does not go on."""

    sequence: int = 0
    witnesses: dict[str, Witness] = field(default_factory=dict)
    refused: dict[str, LedgerRefused] = field(default_factory=dict)
    many: dict[str, int] = field(default_factory=dict)
    _spools: dict[str, IO[bytes]] = field(default_factory=dict)

    def keep(self, service: str, note: bytes, headers: Mapping[str, str], verifier: Verifier) -> None:
        """Keep the next checkpoint of a service, if nothing of the service was refused before."""
        if service in self.refused:
            return
        before = self.witnesses.get(service, Witness(service))
        try:
            after = before.accept(note, headers, verifier)
        except LedgerRefused as refused:
            self.refused[service] = refused
            return
        self.witnesses[service] = after
        self.many[service] = self.many.get(service, 0) + 1
        if service not in self._spools:
            self._spools[service] = tempfile.TemporaryFile()  # noqa: SIM115 - it goes with this object
        at = Checkpoint.read(text_of(note)).at
        self._spools[service].write(_SPOOLED.pack(after.size, after.root, int(at.timestamp())))

    def kept(self, service: str) -> Iterator[Kept]:
        """The checkpoints of a service that were kept, by size."""
        spool = self._spools.get(service)
        if spool is None:
            return
        spool.seek(0)
        while data := spool.read(_SPOOLED.size * 1_000):
            for size, root, at in _SPOOLED.iter_unpack(data):
                yield Kept(size, root, LEDGER, at)


async def read_ledger(client: Client, verifier: Verifier, begun: Ledger) -> Ledger:
    """Everything on the ledger's stream, after what was read before; all of it, if that is there no more.

    :raises StreamUnavailable: it cannot be read, or is not there.
    """
    length = await messages.length_of(client, LEDGER_STREAM)
    if length is None:
        raise messages.StreamUnavailable(f"there is no stream {LEDGER_STREAM}")
    found = begun if begun.sequence <= length else Ledger()
    async for batch in messages.messages(client, LEDGER_STREAM, found.sequence, length):
        for message in batch:
            headers = message.headers or {}
            _, _, service, *_ = (*headers.get("Nats-Subject", "").split("."), "", "", "")
            found.keep(service, message.data, headers, verifier)
    found.sequence = length
    for service, kept in begun.witnesses.items():
        if (last := found.witnesses.get(service, Witness(service))).size < kept.size:
            found.refused[service] = CheckpointGoesBack(service=service, size=last.size, kept=kept.size)
    return found


@dataclass(slots=True)
class WitnessFile:
    """What a witness keeps.

    :param signed_by: the provinces whose signatures a note bears.
    """

    file: Path
    note: bytes | None = None
    signed_by: tuple[str, ...] = ()
    unsigned: int = 0
    """How many of its notes the ledger's key did not sign: they were passed over."""

    @property
    def name(self) -> str:
        """As what it is told of."""
        return self.file.name

    def kept(self, service: str, verifier: Verifier) -> Iterator[Kept]:
        """Its checkpoints of a service, by size.

        :raises WitnessUnreadable: the file cannot be read.
        """
        for note in (self.note,) if self.note is not None else self._stored(service):
            try:
                found = Checkpoint.read(verifier.open(note))
            except (NotSigned, NoteUnreadable):
                self.unsigned += self.note is None
                continue
            if found.service == service:
                yield Kept(found.size, found.root, self.name, int(found.at.timestamp()))

    def _stored(self, service: str) -> Iterator[bytes]:
        try:
            with closing(sqlite3.connect(f"file:{self.file.absolute()}?mode=ro", uri=True)) as opened:
                for (note,) in opened.execute(_SELECT, (service,)):
                    yield note.encode() if isinstance(note, str) else bytes(note)
        except (sqlite3.Error, TypeError):
            raise WitnessUnreadable(self.file) from None


def read_witness(file: Path, verifier: Verifier, provinces: Sequence[Verifier] = ()) -> WitnessFile:
    """What a witness keeps in a file.

    :param provinces: the keys of provinces, by which their signatures on a note are verified.
    :raises WitnessUnreadable: it is no such file, or a note that the ledger's key did not sign, or with a false signature.
    """
    beside = file.with_name(f"{file.name}.checkpoints")
    try:
        file = beside if beside.exists() else file
        with file.open("rb") as opened:
            if opened.read(len(_SQLITE)) == _SQLITE:
                return WitnessFile(file)
        note = file.read_bytes()
        Checkpoint.read(verifier.open(note))
        return WitnessFile(file, note, tuple(signers_of(note, provinces)), 0)
    except (OSError, NoteUnreadable, NotSigned):
        raise WitnessUnreadable(file) from None


def signers_of(note: bytes, provinces: Sequence[Verifier]) -> Iterator[str]:
    """The provinces that signed a note too.

    :raises NotSigned: a signature under the name and id of one is not of this text.
    """
    for province in provinces:
        mark = f"\n— {province.name} ".encode()
        if mark in note:
            province.open(note)
            yield province.name
