"""Which key signs the ledger, and what was signed last?"""

import os
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from chassis.ledger.note import Checkpoint, Verifier, text_of
from chassis.ledger_keys import ledger_key
from congdoan import whereabouts
from congdoan.clients import Federation
from congdoan.suite import ledger_key_of

FILE = "CONGDOAN_LEDGER_KEY_FILE"


@dataclass(frozen=True, slots=True)
class SignedCheckpoint:
    """A checkpoint with its number on the stream, and what shows that it goes on from the one before of its service."""

    number: int
    checkpoint: Checkpoint
    previous_size: int
    consistency: str
    note: str

    @property
    def document(self) -> dict[str, object]:
        """As JSON knows it."""
        told = {"root": b64encode(self.checkpoint.root).decode(), "at": f"{self.checkpoint.at:%Y-%m-%dT%H:%M:%SZ}"}
        sizes = {"size": self.checkpoint.size, "previous_size": self.previous_size, "consistency": self.consistency}
        return {"number": self.number, "service": self.checkpoint.service, **sizes, **told, "note": self.note}

    @property
    def row(self) -> Sequence[object]:
        """As a table shows it."""
        one = self.checkpoint
        return self.number, one.service, one.size, f"{one.at:%Y-%m-%dT%H:%M:%SZ}", b64encode(one.root).decode()


def verifier_of(data: Path | None) -> Verifier:
    """The public key of the ledger: of the key file that the environment names, else of a data folder, whether its suite
    runs or not, else of the suite that began last.

    :raises LedgerKeyUnreadable: the key cannot be read; :raises NoSuite: it is not said, and nothing runs.
    """
    if data is None and (told := os.environ.get(FILE)):
        return ledger_key(Path(told)).verifier
    return ledger_key(ledger_key_of(data.resolve() if data else Path(whereabouts.find().data))).verifier


async def checkpoints(federation: Federation, service: str, many: int) -> list[SignedCheckpoint]:
    """The newest checkpoints of a service, or of all when it is empty, in their order.

    :raises Refused: audit, or gRPC, refuses.
    """
    answer = await federation.call("audit", "ListCheckpoints", {"service": service, "page": {"size": many, "after": ""}})
    return [
        SignedCheckpoint(one.number, Checkpoint.read(text_of(one.note)), one.previous_size, one.consistency, one.note.decode())
        for one in reversed(answer.checkpoints)
    ]
